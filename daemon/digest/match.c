/* match: which section is which entry. From the certain to the likely: the same title and content,
 * the same content, then what is alike. What is left is new, or removed. */
#include "match.h"

#include "content.h"

#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>

/* The free entries under one key, in the order in which they would be taken. */
struct shelf {
    struct hash key;
    size_t first; /* entry; further ones through `next` */
    UT_hash_handle hh;
};

struct shelves {
    struct shelf *table;
    struct shelf *items; /* one an entry at most */
    size_t *next;
    size_t count;
};

void match_bind(struct match *m, size_t section, size_t entry)
{
    m->entry_of[section] = entry;
    m->section_of[entry] = section;
}

bool match_stands(const struct entry *entry)
{
    return entry->live && !entry->missing;
}

bool match_may_rename(const struct match *m, size_t section, size_t entry)
{
    return match_stands(&m->in.known[entry]) || !m->copy[section];
}

/* ---- the certain --------------------------------------------------------------------------- */

enum key { KEY_TITLE_SEQUENCE, KEY_TITLE_SUM, KEY_SEQUENCE, KEY_SUM, KEYS };

static struct hash key_of(enum key key, struct str title, struct hash content)
{
    bool sum = key == KEY_TITLE_SUM || key == KEY_SUM;
    struct hash h = {sum ? content.hi : content.lo, (uint64_t)key + 1};

    return key == KEY_TITLE_SEQUENCE || key == KEY_TITLE_SUM ? hash_more(h, title) : h;
}

static int shelves_init(struct shelves *s, size_t n)
{
    memset(s, 0, sizeof(*s));
    s->items = calloc(n + 1, sizeof(*s->items));
    s->next = malloc((n + 1) * sizeof(*s->next));
    return s->items && s->next ? 0 : -1;
}

static void shelves_clear(struct shelves *s)
{
    HASH_CLEAR(hh, s->table);
    free(s->items);
    free(s->next);
}

/* Puts an entry at the front of its shelf. 0, or -1: no memory. */
static int shelf_put(struct shelves *s, struct hash key, size_t entry)
{
    struct shelf *shelf;

    HASH_FIND(hh, s->table, &key, sizeof(key), shelf);
    if (!shelf) {
        shelf = &s->items[s->count++];
        shelf->key = key;
        shelf->first = NOBODY;
        HASH_ADD(hh, s->table, key, sizeof(shelf->key), shelf);
    }
    s->next[entry] = shelf->first;
    shelf->first = entry;
    return shelf->hh.tbl ? 0 : -1;
}

static struct shelf *shelf_find(const struct shelves *s, struct hash key)
{
    struct shelf *shelf;

    HASH_FIND(hh, s->table, &key, sizeof(key), shelf);
    return shelf && shelf->first != NOBODY ? shelf : NULL;
}

/* What stands on the page is taken before what was removed, and among equals the first. */
static int compare_for_shelf(const void *a, const void *b, void *known)
{
    const struct entry *x = (const struct entry *)known + *(const size_t *)a;
    const struct entry *y = (const struct entry *)known + *(const size_t *)b;

    if (match_stands(x) != match_stands(y))
        return match_stands(x) ? 1 : -1;
    if (x->position != y->position)
        return x->position < y->position ? 1 : -1;
    return (x->seq < y->seq) - (x->seq > y->seq);
}

/* The titles of the sections that are still free. */
static int titles_fill(struct shelves *titles, const struct match *m)
{
    int done = shelves_init(titles, m->in.page->count);

    for (size_t i = 0; done == 0 && i < m->in.page->count; i++)
        if (m->entry_of[i] == NOBODY)
            done = shelf_put(titles, hash_of(m->in.page->sections[i].title), i);
    return done;
}

static bool title_stands(const struct shelves *titles, struct str title)
{
    return shelf_find(titles, hash_of(title)) != NULL;
}

/* Whether the content alone may speak for an entry. A word or two, or a picture, may be anybody's:
 * where the entry's title still stands on the page, that one is asked first. */
static bool content_speaks(const struct shelves *titles, const struct entry *entry)
{
    return entry->text.n >= TELLING_BYTES || !title_stands(titles, entry->title);
}

static int match_by_key(struct match *m, enum key key, const size_t *order)
{
    bool by_content = key == KEY_SEQUENCE || key == KEY_SUM;
    struct shelves shelves, titles;
    int done = shelves_init(&shelves, m->in.known_count);

    if (titles_fill(&titles, m) < 0)
        done = -1;
    for (size_t i = 0; done == 0 && i < m->in.known_count; i++) {
        const struct entry *entry = &m->in.known[order[i]];

        if (m->section_of[order[i]] == NOBODY && (!by_content || content_speaks(&titles, entry)))
            done = shelf_put(&shelves, key_of(key, entry->title, entry->hash), order[i]);
    }
    for (size_t i = 0; done == 0 && i < m->in.page->count; i++) {
        const struct section *section = &m->in.page->sections[i];
        struct shelf *shelf;

        if (m->entry_of[i] != NOBODY)
            continue;
        shelf = shelf_find(&shelves, key_of(key, section->title, section->hash));
        if (!shelf || (by_content && !match_may_rename(m, i, shelf->first)))
            continue;
        match_bind(m, i, shelf->first);
        shelf->first = shelves.next[shelf->first];
    }
    shelves_clear(&shelves);
    shelves_clear(&titles);
    return done;
}

/* Once titles and contents together have spoken: which of the other sections have the content of
 * one that is bound. */
static int copies_find(struct match *m)
{
    const struct page *page = m->in.page;
    struct shelves shelves;
    int done = shelves_init(&shelves, 2 * page->count);

    for (size_t i = 0; done == 0 && i < page->count; i++)
        for (enum key key = KEY_SEQUENCE; done == 0 && key <= KEY_SUM; key++)
            if (m->entry_of[i] != NOBODY)
                done = shelf_put(&shelves, key_of(key, STR(""), page->sections[i].hash),
                                 2 * i + (key == KEY_SUM));
    for (size_t i = 0; done == 0 && i < page->count; i++)
        for (enum key key = KEY_SEQUENCE; key <= KEY_SUM; key++)
            if (m->entry_of[i] == NOBODY &&
                shelf_find(&shelves, key_of(key, STR(""), page->sections[i].hash)))
                m->copy[i] = true;
    shelves_clear(&shelves);
    return done;
}

static bool anybody_free(const struct match *m)
{
    for (size_t i = 0; i < m->in.page->count; i++)
        if (m->entry_of[i] == NOBODY)
            return true;
    return false;
}

static int match_all(struct match *m)
{
    size_t *order = malloc((m->in.known_count + 1) * sizeof(*order));
    int done = order ? 0 : -1;

    for (size_t i = 0; order && i < m->in.known_count; i++)
        order[i] = i;
    if (order)
        qsort_r(order, m->in.known_count, sizeof(*order), compare_for_shelf, (void *)m->in.known);
    for (enum key key = 0; done == 0 && key < KEYS; key++) {
        if (key == KEY_SEQUENCE && anybody_free(m))
            done = copies_find(m);
        if (done == 0)
            done = match_by_key(m, key, order);
    }
    free(order);
    return done == 0 && match_by_likeness(m) == 0 ? match_bare(m) : -1;
}

/* ---- what is not finished ------------------------------------------------------------------ */

const struct section *match_unfinished(const struct page *page)
{
    if (!page->count || page->sections[page->count - 1].closed)
        return NULL;
    for (size_t i = 0; i < page->count; i++)
        if (page->sections[i].closed)
            return &page->sections[page->count - 1];
    return NULL;
}

struct hash page_unfinished(const struct page *page)
{
    const struct section *last = match_unfinished(page);

    if (!last)
        return (struct hash){0};
    return hash_more(hash_more((struct hash){0}, last->title),
                     (struct str){(const char *)&last->hash, sizeof(last->hash)});
}

/* Of a section whose end is still to come there may be too little to be like what it was: until
 * then it stands for what had its title. */
static void match_by_title_alone(struct match *m)
{
    const struct section *last = match_unfinished(m->in.page);
    size_t i = 0, section = m->in.page->count - 1;

    if (!last || m->entry_of[section] != NOBODY)
        return;
    while (i < m->in.known_count && !(m->section_of[i] == NOBODY && m->in.known[i].live &&
                                      str_eq(m->in.known[i].title, last->title)))
        i++;
    if (i < m->in.known_count)
        match_bind(m, section, i);
}

/* ---- losses -------------------------------------------------------------------------------- */

struct match_losses match_losses(const struct match *m)
{
    struct match_losses losses = {0, 0};

    for (size_t i = 0; i < m->in.known_count; i++)
        if (m->in.known[i].live && !(m->in.known[i].missing && m->section_of[i] == NOBODY)) {
            losses.live++;
            losses.lost += m->section_of[i] == NOBODY;
        }
    return losses;
}

bool match_is_too_much(const struct match *m)
{
    struct match_losses losses = match_losses(m);

    return losses.lost * 100 > losses.live * (size_t)m->in.removal_guard;
}

struct hash page_hash(const struct page *page)
{
    struct hash h = hash_more((struct hash){0}, STR("sections"));

    for (size_t i = 0; i < page->count; i++) {
        h = hash_more(h, page->sections[i].title);
        h.lo ^= page->sections[i].hash.lo;
    }
    return hash_more(h, STR("end"));
}

/* ---- life ---------------------------------------------------------------------------------- */

static size_t *nobody_each(size_t n)
{
    size_t *items = malloc((n + 1) * sizeof(*items));

    for (size_t i = 0; items && i < n; i++)
        items[i] = NOBODY;
    return items;
}

struct match *match_new(const struct match_input *in)
{
    struct match *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->in = *in;
    m->entry_of = nobody_each(in->page->count);
    m->section_of = nobody_each(in->known_count);
    m->copy = calloc(in->page->count + 1, sizeof(*m->copy));
    if (m->entry_of && m->section_of && m->copy && match_all(m) == 0) {
        if (in->hold_unfinished)
            match_by_title_alone(m);
        return m;
    }
    match_free(m);
    return NULL;
}

const struct outcome *match_outcome(struct match *m)
{
    if (!m->arena && match_conclude(m) < 0)
        return NULL;
    return &m->outcome;
}

void match_free(struct match *m)
{
    if (!m)
        return;
    free(m->entry_of);
    free(m->section_of);
    free(m->copy);
    arena_free(m->arena);
    free(m);
}
