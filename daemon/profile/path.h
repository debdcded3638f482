/* XPath 1.0 expressions of a profile. */
#pragma once

#include "profile.h"

/* Compiles `text`; nothing of libxml2's complaints reaches stderr. -1 and `e` where it is none, or
 * calls a function or names a variable that there is not: XPath itself would only say so when it
 * is evaluated, on a page. */
int path_init(struct path *p, struct str text, struct error *e);
void path_clear(struct path *p);
