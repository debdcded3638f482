/* assign: which of many possible pairs are taken, so that nobody is in two of them and their
 * weights sum up to the most. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pair {
    uint32_t left, right;
    double weight; /* over 0 */
    bool taken;    /* the answer */
};

/* Sets `taken` of each of `count` pairs whose `left` is below `lefts` and `right` below `rights`;
 * no two pairs have both in common. Pairs that hang together are a group: the answer is exact in
 * groups of up to 64 on either side, and in larger ones the heaviest pair goes first. Sorts the
 * pairs. 0, or -1: no memory. */
int assign_pairs(struct pair *pairs, size_t count, size_t lefts, size_t rights);
