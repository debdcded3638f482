/* Whether the text of a value is what its key asks for: the checks of keys.def, and names. */
#pragma once

#include "base.h"

int check_listen(struct str value, struct error *e);
int check_base_url(struct str value, struct error *e);
int check_url(struct str value, struct error *e);
int check_hub(struct str value, struct error *e);
int check_image_proxy(struct str value, struct error *e);
int check_command(struct str value, struct error *e);
int check_fetch_command(struct str value, struct error *e);
int check_proxy(struct str value, struct error *e);
int check_access_log(struct str value, struct error *e);
int check_profile_name(struct str value, struct error *e);
int check_field_text(struct str value, struct error *e);
int check_header(struct str value, struct error *e);

int check_source_name(struct str name, struct error *e);
/* Whether a `listen` that is fine does not say by which address we can be reached. */
bool listen_is_anywhere(struct str value);
