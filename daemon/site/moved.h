/* Names that sources had before. */
#pragma once

#include "base.h"

struct moved_name;

struct moved {
    struct moved_name *table;
};

void moved_clear(struct moved *m);
/* `to` NULL: `from` has not moved. */
void moved_set(struct moved *m, const char *from, const char *to);
/* Where `path` is now: BASE and the path below the new name. False: it has not moved, or is none
 * that ever stood here. */
bool moved_find(const struct moved *m, struct str base_url, struct str path, struct buf *location);
