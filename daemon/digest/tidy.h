/* tidy: a page's text as the parser needs it, where that understands HTML otherwise than browsers.
 */
#pragma once

#include "base.h"

/* Elements without an end tag that the parser takes for ones that have one. */
#define TIDY_VOIDS 7
extern const char *const tidy_voids[TIDY_VOIDS];

/* *text in one go: without comments in forms that the parser takes for text, or for the beginning
 * of a longer one; elements without an end tag that it does not know as such are closed in their
 * own tag; white space stands at the end, so that what an end tag closed is not at the end of the
 * input. Copied to `space` only where it has to be. 0, or -1: no memory. */
int tidy(struct buf *space, struct str *text);
