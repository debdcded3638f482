/* search: where many pieces of a text stand in that text, in time that grows with the text, and not
 * with the text times the pieces. */
#pragma once

#include "base.h"

/* So many places of a piece are found: one that stands in more before its own tells nothing. */
#define PLACES_MOST 64

/* A piece: text[at, at + n). */
struct needle {
    size_t at, n;
    /* Found by search_run: index of the first of its places, linked, from the front of the text up
     * to `at` itself. 0: none, since too many pieces like it were looked for. */
    uint32_t first;
    uint32_t last, count;
    uint32_t next; /* of the same bucket */
    uint64_t hash; /* of its first bytes */
};

struct place {
    size_t at;
    uint32_t next; /* 0: the last */
};

struct search {
    struct str text;
    struct needle *needles; /* the caller's */
    size_t count;
    struct place *places; /* [0] is not used */
    size_t places_count, places_room;
};

/* Finds the places of all needles. 0, or -1: no memory. search_clear it in either case. */
int search_run(struct search *s);
void search_clear(struct search *s);
