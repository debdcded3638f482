/* firsts: who was the first to say a word, among thousands. */
#pragma once

#include "base.h"

struct first;
/* All zero is empty. The words are borrowed while it is in use. */
struct firsts {
    struct first *table;
};

/* Who said `word` first. Nobody did: SIZE_MAX, and from now on it is `who`, which is not SIZE_MAX.
 * Where there is no memory nobody ever did. */
size_t firsts_say(struct firsts *f, struct str word, size_t who);
/* The same, and nobody is noted. */
size_t firsts_find(const struct firsts *f, struct str word);
void firsts_clear(struct firsts *f);
