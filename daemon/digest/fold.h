/* fold: text as the search of a browser compares it: without case, accents and width. Rather too
 * much is taken for the same than too little: then what is found here once is found there once. */
#pragma once

#include "base.h"

/* Appends `text`, folded. `offsets` into it, in ascending order, become offsets into `out`. 0, or
 * -1: no memory. */
int fold(struct buf *out, struct str text, size_t *offsets, size_t count);
/* How many bytes of `text` become the first `n` bytes of it folded. */
size_t fold_origin(struct str text, size_t n);
