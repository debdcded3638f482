/* The profiles of a folder, each read once. */
#pragma once

#include "conf.h"

struct shelf;

/* Who asks for a profile: where faults are put down, and how he may name one. */
struct asker {
    const char *file;
    unsigned line;
    const char *advice; /* "write profile = NAME in this source" */
};

/* `dir` and `faults` are only pointed to. NULL: no memory. */
struct shelf *shelf_new(const char *dir, struct faults *faults);
void shelf_free(struct shelf *s);
/* The profile `name`; "auto": the first, by name, whose match fits `url`. One reference; NULL and
 * faults (those of a profile's file only once, however often it is asked for). */
struct profile *shelf_take(struct shelf *s, struct str name, struct str url,
                           const struct asker *asker);
/* The profile `name`, which shelf_take() gave, read anew for a caller who will change it. */
struct profile *shelf_copy(struct shelf *s, const char *name);
