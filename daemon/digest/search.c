/* search: needles of one length together, by a rolling hash (Rabin and Karp) over the text; where
 * there are but a few of a length each by itself, since the C library's search is many times as
 * fast a byte. */
#include "search.h"

#include <stdlib.h>
#include <string.h>

/* Up to so many of a length are searched one by one. */
#define FEW         12
/* Needles in one bucket, which each place that falls into it is compared with: those that begin
 * alike. */
#define ALIKE_MOST  64
#define WINDOW_MOST 64
#define HASH_FACTOR UINT64_C(0x100000001b3)
#define HASH_SPREAD UINT64_C(0x9e3779b97f4a7c15)

/* Of a long needle only so many bytes are hashed: then there are few lengths. */
static size_t window_of(size_t n)
{
    static const size_t windows[] = {64, 48, 40, 32, 24, 20, 16};

    for (size_t i = 0; i < sizeof(windows) / sizeof(*windows); i++)
        if (n >= windows[i])
            return windows[i];
    return n;
}

static int place_add(struct search *s, struct needle *needle, size_t at)
{
    uint32_t index = (uint32_t)s->places_count;

    if (s->places_count == s->places_room) {
        size_t room = s->places_room ? s->places_room * 2 : 256;
        struct place *places =
            room <= UINT32_MAX ? realloc(s->places, room * sizeof(*places)) : NULL;

        if (!places)
            return -1;
        s->places = places;
        s->places_room = room;
        index += !index; /* the first is not used: 0 is no place */
    }
    s->places[index] = (struct place){at, 0};
    s->places_count = index + 1;
    if (needle->first)
        s->places[needle->last].next = index;
    else
        needle->first = index;
    needle->last = index;
    needle->count++;
    return 0;
}

static bool stands_at(const struct search *s, const struct needle *needle, size_t at)
{
    return memcmp(s->text.p + at, s->text.p + needle->at, needle->n) == 0;
}

/* ---- one by one ---------------------------------------------------------------------------- */

static int search_one(struct search *s, struct needle *needle)
{
    struct str what = str_sub(s->text, needle->at, needle->n);

    for (size_t at = 0; needle->count < PLACES_MOST && at <= needle->at; at++) {
        at = str_find(s->text, what, at);
        if (place_add(s, needle, at) < 0)
            return -1;
    }
    return 0;
}

/* ---- together ------------------------------------------------------------------------------ */

struct table {
    uint32_t *buckets; /* index of a needle + 1 */
    unsigned shift;
    size_t window;
};

static uint32_t *bucket_of(const struct table *t, uint64_t hash)
{
    return &t->buckets[(hash * HASH_SPREAD) >> t->shift];
}

static uint64_t hash_window(const char *p, size_t n)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < n; i++)
        hash = hash * HASH_FACTOR + (unsigned char)p[i];
    return hash;
}

/* One that is like too many others is left out. */
static void table_add(const struct table *t, struct search *s, uint32_t index)
{
    struct needle *needle = &s->needles[index];
    uint32_t *bucket;
    size_t alike = 0;

    needle->hash = hash_window(s->text.p + needle->at, t->window);
    bucket = bucket_of(t, needle->hash);
    for (uint32_t i = *bucket; i; i = s->needles[i - 1].next)
        alike++;
    if (alike >= ALIKE_MOST)
        return;
    needle->next = *bucket;
    *bucket = index + 1;
}

static int table_look(const struct table *t, struct search *s, size_t at, uint64_t hash)
{
    for (uint32_t i = *bucket_of(t, hash); i; i = s->needles[i - 1].next) {
        struct needle *needle = &s->needles[i - 1];

        if (needle->hash == hash && at <= needle->at && needle->count < PLACES_MOST &&
            stands_at(s, needle, at) && place_add(s, needle, at) < 0)
            return -1;
    }
    return 0;
}

static int search_text(const struct table *t, struct search *s)
{
    const char *p = s->text.p;
    uint64_t hash = hash_window(p, t->window), out = 1;

    for (size_t i = 1; i < t->window; i++)
        out *= HASH_FACTOR;
    for (size_t at = 0;; at++) {
        if (table_look(t, s, at, hash) < 0)
            return -1;
        if (at + t->window >= s->text.n)
            return 0;
        hash -= (unsigned char)p[at] * out;
        hash = hash * HASH_FACTOR + (unsigned char)p[at + t->window];
    }
}

static int search_together(struct search *s, const uint32_t *which, size_t count, size_t window)
{
    struct table t = {.shift = 64 - 8, .window = window};
    int done;

    while (t.shift > 64 - 24 && (size_t)1 << (64 - t.shift) < 4 * count)
        t.shift--;
    t.buckets = calloc((size_t)1 << (64 - t.shift), sizeof(*t.buckets));
    if (!t.buckets)
        return -1;
    for (size_t i = 0; i < count; i++)
        table_add(&t, s, which[i]);
    done = search_text(&t, s);
    free(t.buckets);
    return done;
}

/* ---- all ----------------------------------------------------------------------------------- */

static int search_class(struct search *s, const uint32_t *which, size_t count, size_t window)
{
    int done = 0;

    if (count > FEW)
        return search_together(s, which, count, window);
    for (size_t i = 0; i < count && done == 0; i++)
        done = search_one(s, &s->needles[which[i]]);
    return done;
}

int search_run(struct search *s)
{
    size_t ends[WINDOW_MOST + 1] = {0}, from = 0;
    uint32_t *sorted = s->count < UINT32_MAX ? calloc(s->count + 1, sizeof(*sorted)) : NULL;
    int done = sorted ? 0 : -1;

    /* By the length of their windows: counted, then put in their places. */
    for (size_t i = 0; i < s->count; i++)
        ends[window_of(s->needles[i].n)]++;
    for (size_t w = 1; w <= WINDOW_MOST; w++)
        ends[w] += ends[w - 1];
    for (size_t i = s->count; done == 0 && i-- > 0;)
        sorted[--ends[window_of(s->needles[i].n)]] = (uint32_t)i;
    for (size_t w = 0; done == 0 && w <= WINDOW_MOST; w++) {
        size_t end = w < WINDOW_MOST ? ends[w + 1] : s->count;

        from = ends[w];
        if (w)
            done = search_class(s, sorted + from, end - from, w);
    }
    free(sorted);
    return done;
}

void search_clear(struct search *s)
{
    free(s->places);
    *s = (struct search){0};
}
