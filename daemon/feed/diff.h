/* diff: what was taken out of a text and what was put in. Lines first, then words inside the lines
 * that were replaced: a word is what is written with blanks around it, or one character where
 * people write without. */
#pragma once

#include "base.h"

enum diff_kind { DIFF_SAME, DIFF_OUT, DIFF_IN };

struct diff_piece {
    enum diff_kind kind;
    struct str text; /* a view into one of the two texts */
};

/* *pieces, in `a`: those that are SAME or OUT, one behind the other, are `before` byte for byte,
 * those that are SAME or IN are `after`. No two in a row are of one kind, none is empty, and of a
 * replacement OUT comes first. The work has a bound that grows with the texts, not with their
 * product: where texts have too little in common for it, whole lines are replaced. -1: no memory.
 */
int diff_text(struct arena *a, struct str before, struct str after, struct diff_piece **pieces,
              size_t *count);
