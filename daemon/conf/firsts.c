/* firsts: see firsts.h. */
#include "firsts.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>

struct first {
    UT_hash_handle hh;
    size_t who;
};

static struct first *find(const struct firsts *f, struct str word)
{
    struct first *first;

    HASH_FIND(hh, f->table, word.n ? word.p : "", word.n, first);
    return first;
}

size_t firsts_find(const struct firsts *f, struct str word)
{
    const struct first *first = find(f, word);

    return first ? first->who : SIZE_MAX;
}

size_t firsts_say(struct firsts *f, struct str word, size_t who)
{
    struct first *first = find(f, word);

    if (first)
        return first->who;
    first = calloc(1, sizeof(*first));
    if (!first)
        return SIZE_MAX;
    first->who = who;
    HASH_ADD_KEYPTR(hh, f->table, word.n ? word.p : "", word.n, first);
    if (!first->hh.tbl)
        free(first);
    return SIZE_MAX;
}

void firsts_clear(struct firsts *f)
{
    struct first *first, *next;

    HASH_ITER(hh, f->table, first, next)
    {
        HASH_DEL(f->table, first);
        free(first);
    }
}
