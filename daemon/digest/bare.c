/* bare: entries of which nothing is known but their id and that they are gone, because a tombstone
 * is all that was left of them. What they said nobody knows: a section that comes back under the
 * title that their id was made from is them. */
#include "match.h"

#include <stdlib.h>
#include <string.h>

struct ids {
    const struct match *m;
    size_t *order; /* the known entries by id */
    size_t count;
};

bool match_is_bare(const struct entry *entry)
{
    return !entry->title.n;
}

static int compare_ids(const void *a, const void *b, void *known)
{
    return strcmp(((const struct entry *)known)[*(const size_t *)a].id,
                  ((const struct entry *)known)[*(const size_t *)b].id);
}

/* The entry with this id, or NOBODY. */
static size_t ids_find(const struct ids *ids, const char *id)
{
    size_t low = 0, high = ids->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(ids->m->in.known[ids->order[middle]].id, id);

        if (order == 0)
            return ids->order[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NOBODY;
}

/* The first bare entry, still free, among those that got their id from this title. */
static size_t bare_of_title(const struct ids *ids, struct str title)
{
    char id[ID_SIZE];

    for (unsigned n = 1; n <= ORDINAL_MOST; n++) {
        id_of_entry(id, ids->m->in.id_base, title, n);
        size_t entry = ids_find(ids, id);

        if (entry == NOBODY)
            return NOBODY;
        if (match_is_bare(&ids->m->in.known[entry]) && ids->m->section_of[entry] == NOBODY)
            return entry;
    }
    return NOBODY;
}

static size_t count_bare(const struct match *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->in.known_count; i++)
        n += match_is_bare(&m->in.known[i]);
    return n;
}

int match_bare(struct match *m)
{
    struct ids ids = {.m = m, .count = m->in.known_count};
    size_t left = count_bare(m);

    if (!left)
        return 0;
    ids.order = malloc(ids.count * sizeof(*ids.order));
    if (!ids.order)
        return -1;
    for (size_t i = 0; i < ids.count; i++)
        ids.order[i] = i;
    qsort_r(ids.order, ids.count, sizeof(*ids.order), compare_ids, (void *)m->in.known);
    for (size_t i = m->in.page->count; i-- > 0 && left;) {
        size_t entry =
            m->entry_of[i] == NOBODY ? bare_of_title(&ids, m->in.page->sections[i].title) : NOBODY;

        if (entry == NOBODY)
            continue;
        match_bind(m, i, entry);
        left--;
    }
    free(ids.order);
    return 0;
}
