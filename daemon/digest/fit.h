/* fit: whether text looks as if it had been decoded by the right encoding.
 *
 * Hardly any sequence of bytes is an error in all of GB18030, Big5 and the single-byte encodings,
 * so that errors alone tell little. What tells is which characters come out: Chinese is written
 * with a few thousand frequent ones, and what the wrong encoding gives are rare ones, characters
 * for private use, accented letters in a row, capitals in the middle of words. */
#pragma once

#include "base.h"

/* The frequent Chinese characters: the first levels of GB 2312 and of Big5, a bit each. */
struct fit {
    unsigned char frequent[(0xa000 - 0x4e00) / 8];
};

void fit_init(struct fit *f);
/* How much of what is not ASCII is as it should be, in per mille. Text without anything that could
 * be wrong: 1000. */
unsigned fit_of(const struct fit *f, struct str text);
