/* letters: what kind of character one is, as far as summaries and reading times have to know.
 * Ranges of whole Unicode blocks: near enough, and small. */
#pragma once

#include "base.h"

/* Each is a word, or nearly: Han, kana, bopomofo. */
bool letter_is_ideograph(uint32_t c);
/* A letter or digit that makes words with others: Latin, Greek, Cyrillic, Hangul, Thai … */
bool letter_is_of_word(uint32_t c);
/* Whether `c` and `next` show as one: accents, joined emoji and their colours, jamo. Flags, which
 * only who counts can tell apart, are left to letter_is_flag. */
bool letter_joins(uint32_t c, uint32_t next);
/* Two of these in a row are a flag. */
bool letter_is_flag(uint32_t c);
