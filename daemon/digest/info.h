/* info: what a page says of itself: title, author, description, language, dates, tags, its address.
 *
 * The profile's paths are asked first, then every page's own places, the most careful first:
 * JSON-LD, <meta>, <time>, <title>. */
#pragma once

#include "address.h"
#include "model.h"
#include "tree.h"

/* Fills *info, its strings in `a`, and *base, where the addresses on the page are resolved. */
void info_read(struct page_info *info, struct address_base *base, const struct tree *t,
               const struct page_source *source, struct arena *a);
