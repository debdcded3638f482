/* shingles: sets are sorted arrays, so that two of them are compared in one walk. */
#include "shingles.h"

#include <stdlib.h>

#define SHINGLE  4
/* Two sets are walked in the order of what are as good as random numbers: where so many of the
 * first have nothing in common, the rest has not either. */
#define HOPELESS 512

/* By one byte of each after the other, the lowest first: every text has thousands of them. */
static void sort(uint32_t *items, uint32_t *space, size_t count)
{
    for (int shift = 0; shift < 32; shift += 8) {
        size_t place[257] = {0};
        uint32_t *swap = items;

        for (size_t i = 0; i < count; i++)
            place[(items[i] >> shift & 0xff) + 1]++;
        for (int byte = 0; byte < 255; byte++)
            place[byte + 1] += place[byte];
        for (size_t i = 0; i < count; i++)
            space[place[items[i] >> shift & 0xff]++] = items[i];
        items = space;
        space = swap;
    }
}

static void sort_and_unique(struct shingles *s, uint32_t *space)
{
    size_t kept = 0;

    sort(s->items, space, s->count);
    for (size_t i = 0; i < s->count; i++)
        if (!i || s->items[i] != s->items[i - 1])
            s->items[kept++] = s->items[i];
    s->count = kept;
}

/* Mixes the four characters of a shingle into 32 bits (the finaliser of MurmurHash3). */
static uint32_t mix(const uint32_t window[SHINGLE])
{
    uint64_t h = 0;

    for (int i = 0; i < SHINGLE; i++) {
        h = (h ^ window[i]) * 0xff51afd7ed558ccdULL;
        h ^= h >> 33;
    }
    return (uint32_t)(h ^ h >> 32);
}

int shingles_of(struct shingles *s, struct str text, struct buf *scratch)
{
    uint32_t window[SHINGLE] = {0};
    uint32_t *space;
    size_t seen = 0;
    struct str rest;

    *s = (struct shingles){0};
    buf_reset(scratch);
    if (text_squeeze(scratch, text) < 0)
        return -1;
    rest = buf_str(scratch);
    s->items = malloc((rest.n + 1) * sizeof(*s->items));
    space = malloc((rest.n + 1) * sizeof(*space));
    if (!s->items || !space) {
        free(space);
        shingles_clear(s);
        return -1;
    }
    while (rest.n) {
        for (int i = 0; i + 1 < SHINGLE; i++)
            window[i] = window[i + 1];
        window[SHINGLE - 1] = text_next(&rest);
        if (++seen >= SHINGLE || !rest.n)
            s->items[s->count++] = mix(window);
    }
    sort_and_unique(s, space);
    free(space);
    return 0;
}

void shingles_clear(struct shingles *s)
{
    free(s->items);
    *s = (struct shingles){0};
}

double shingles_common(const struct shingles *a, const struct shingles *b)
{
    size_t larger = a->count > b->count ? a->count : b->count;
    size_t common = 0;

    if (!larger)
        return 1;
    /* Without branches, which nobody could foretell. */
    for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
        uint32_t x = a->items[i], y = b->items[k];

        common += x == y;
        i += x <= y;
        k += y <= x;
        if (i + k == HOPELESS && !common)
            return 0;
    }
    return (double)common / (double)larger;
}
