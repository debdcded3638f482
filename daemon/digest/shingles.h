/* shingles: how much of a text two versions of it have in common, by their shingles: all runs of
 * four characters, white space left out, as a set. */
#pragma once

#include "base.h"

struct shingles {
    uint32_t *items; /* sorted, each once */
    size_t count;
};

/* 0, or -1: no memory. shingles_clear it. */
int shingles_of(struct shingles *s, struct str text, struct buf *scratch);
void shingles_clear(struct shingles *s);
/* The part of the larger one that both have, 0 to 1; 0 too where it is next to nothing. Two empty
 * texts have all in common. */
double shingles_common(const struct shingles *a, const struct shingles *b);
