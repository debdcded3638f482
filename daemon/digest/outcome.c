/* outcome: pairs of sections and entries → what happened, with ids, dates and links. Nothing here
 * looks at a clock: the time of the poll comes in. */
#include "match.h"

#include "content.h"

#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>

/* A set of strings that others own. */
struct word {
    struct str key;
    unsigned count; /* of titles: the n up to which all ids are taken */
    UT_hash_handle hh;
};

struct conclusion {
    struct match *m;
    struct entry *entries; /* of each section, as it is after the poll */
    unsigned *events;      /* of each section that is matched: what happens to its entry */
    size_t held_back;      /* the section that is not told yet; NOBODY: none */
    struct buf scratch;
    struct word *ids, *links, *titles;
    struct word *words; /* storage of the sets, from the arena */
    size_t words_count, words_room;
    int64_t now;             /* of this poll's events */
    int64_t first_published; /* of new entries; on a first poll the page's own date */
    int64_t last_seq;
    int64_t removal_polls;
    bool failed; /* a set could not grow */
};

/* ---- sets ---------------------------------------------------------------------------------- */

static struct word *word_find(struct word *set, struct str key)
{
    struct word *word;

    HASH_FIND(hh, set, key.p, key.n, word);
    return word;
}

/* Room was made for all of them beforehand. */
static struct word *word_add(struct conclusion *c, struct word **set, struct str key)
{
    struct word *word = word_find(*set, key);

    if (word || c->words_count == c->words_room)
        return word;
    word = &c->words[c->words_count++];
    word->key = key;
    HASH_ADD_KEYPTR(hh, *set, word->key.p, word->key.n, word);
    c->failed = c->failed || !word->hh.tbl;
    return word;
}

static int sets_fill(struct conclusion *c)
{
    const struct match *m = c->m;

    c->words_room = 2 * m->in.known_count + 3 * m->in.page->count;
    c->words = arena_array(m->arena, c->words_room + 1, sizeof(*c->words));
    if (!c->words)
        return -1;
    for (size_t i = 0; i < m->in.known_count; i++) {
        const struct entry *known = &m->in.known[i];

        word_add(c, &c->ids, str_of(known->id));
        if (known->seq > c->last_seq)
            c->last_seq = known->seq;
    }
    return 0;
}

/* ---- ids, dates, links --------------------------------------------------------------------- */

/* The smallest n whose id no entry was ever given. */
static void entry_mint(struct conclusion *c, struct entry *entry)
{
    struct word *title = word_add(c, &c->titles, entry->title);
    unsigned n = title ? title->count : 0;

    do
        id_of_entry(entry->id, c->m->in.id_base, entry->title, ++n);
    while (word_find(c->ids, str_of(entry->id)));
    entry->ordinal = n;
    if (title)
        title->count = n;
    word_add(c, &c->ids, str_of(entry->id));
}

/* A link that leads to another entry too would make readers fold both into one: then the entry has
 * none, and its own page is its address. */
static struct str link_mint(struct conclusion *c, struct str link)
{
    if (!link.n || word_find(c->links, link))
        return (struct str){0};
    word_add(c, &c->links, link);
    return link;
}

static void dates_prepare(struct conclusion *c)
{
    const struct match_input *in = &c->m->in;
    const struct page_info *info = &in->page->info;
    bool stated = info->modified > in->last_good && info->modified <= in->now;

    c->now = stated ? info->modified : in->now;
    c->first_published = c->now;
    if (in->last_good)
        return;
    c->first_published = info->published ? info->published : info->modified;
    if (!c->first_published || c->first_published > in->now)
        c->first_published = in->now;
}

static int64_t later(int64_t now, int64_t before)
{
    return now > before ? now : before + 1;
}

/* Whether a content is another one, by at least so much as counts. */
static bool is_changed(struct conclusion *c, const struct section *section,
                       const struct entry *known)
{
    int64_t least = c->m->in.min_change;

    if (content_same(known->hash, section->hash))
        return false;
    return least <= 1 || !content_near((struct content_version){known->hash, known->text},
                                       (struct content_version){section->hash, section->text},
                                       (size_t)least, &c->scratch);
}

/* The entry that a section is. NULL: a new one. */
static const struct entry *known_as(const struct match *m, size_t section)
{
    return m->entry_of[section] == NOBODY ? NULL : &m->in.known[m->entry_of[section]];
}

/* Whether an entry whose section is gone from the page stands until more polls agree. */
static bool stays_without_section(const struct conclusion *c, size_t entry)
{
    const struct entry *known = &c->m->in.known[entry];

    return known->live && c->m->section_of[entry] == NOBODY &&
           known->missing + 1 < c->removal_polls;
}

/* What happens to the entries that are matched, as bits of 1 << enum event_kind. */
static void events_find(struct conclusion *c)
{
    const struct match *m = c->m;

    for (size_t i = 0; i < m->in.page->count; i++) {
        const struct section *section = &m->in.page->sections[i];
        const struct entry *known = known_as(m, i);

        if (known && match_is_bare(known))
            c->events[i] = 1u << EVENT_RESTORED;
        else if (known)
            c->events[i] = (unsigned)!known->live << EVENT_RESTORED |
                           (unsigned)!str_eq(known->title, section->title) << EVENT_RENAMED |
                           (unsigned)is_changed(c, section, known) << EVENT_CHANGED;
    }
}

/* A section that is still being written is held back where it would be told. */
static void unfinished_find(struct conclusion *c)
{
    const struct match *m = c->m;
    size_t last = m->in.page->count - 1;
    const struct entry *known;

    c->held_back = NOBODY;
    if (!m->in.hold_unfinished || !match_unfinished(m->in.page))
        return;
    known = known_as(m, last);
    if (known && !c->events[last] && str_eq(known->html, m->in.page->sections[last].html))
        return;
    c->held_back = last;
    c->m->outcome.waiting = true;
    c->m->outcome.unfinished = m->in.page->sections[last].title;
}

static bool is_of_digest(const struct page *page, struct str address)
{
    for (size_t i = 0; i < page->addresses_count; i++)
        if (str_eq(page->addresses[i], address))
            return true;
    return false;
}

/* Whether a section of a digest of several pages slid to another one: its link led to the page
 * where it was. */
static bool is_on_another_page(const struct conclusion *c, const struct section *section,
                               const struct entry *known)
{
    struct str was = uri_without_fragment(known->link), is = uri_without_fragment(section->link);

    return is.n && was.n && !str_eq(was, is) && is_of_digest(c->m->in.page, was);
}

/* The links that stand: those of entries to which nothing happens. All others are minted anew. */
static void links_keep(struct conclusion *c)
{
    const struct match *m = c->m;

    for (size_t i = 0; i < m->in.page->count; i++) {
        const struct entry *known = known_as(m, i);

        if (known && known->link.n &&
            (i == c->held_back ||
             (!c->events[i] && !is_on_another_page(c, &m->in.page->sections[i], known))))
            word_add(c, &c->links, known->link);
    }
    for (size_t i = 0; i < m->in.known_count; i++)
        if (stays_without_section(c, i) && m->in.known[i].link.n)
            word_add(c, &c->links, m->in.known[i].link);
}

/* ---- events -------------------------------------------------------------------------------- */

static void event_add(struct conclusion *c, enum event_kind kind, const struct entry *entry)
{
    struct outcome *o = &c->m->outcome;

    o->events[o->events_count++] = (struct event){kind, entry};
}

static void changed_add(struct conclusion *c, const struct entry *entry)
{
    struct outcome *o = &c->m->outcome;

    o->changed[o->changed_count++] = entry;
}

static void content_take(struct entry *entry, const struct section *section)
{
    entry->html = section->html;
    entry->text = section->text;
    entry->hash = section->hash;
}

/* The k-th of the new ones from the top: a second older than the one above it. */
static void section_is_new(struct conclusion *c, const struct section *section, struct entry *entry,
                           int64_t k)
{
    entry->title = section->title;
    content_take(entry, section);
    entry->published = c->first_published - k;
    entry->updated = c->now - k;
    if (entry->updated < entry->published)
        entry->updated = entry->published;
    entry->live = true;
    entry->link = link_mint(c, section->link);
    event_add(c, EVENT_NEW, entry);
    changed_add(c, entry);
}

/* What is written of an entry to which nothing happens. */
static void standing_add(struct conclusion *c, const struct entry *known, const struct entry *entry)
{
    struct outcome *o = &c->m->outcome;

    if (entry->missing != known->missing)
        changed_add(c, entry);
    else if (entry->position != known->position)
        o->moved[o->moved_count++] = entry;
}

static void section_is_known(struct conclusion *c, const struct section *section,
                             const struct entry *known, unsigned events, struct entry *entry)
{
    for (enum event_kind kind = EVENT_RESTORED; kind <= EVENT_CHANGED; kind++)
        if (events & 1u << kind)
            event_add(c, kind, entry);
    entry->live = true;
    entry->removed = 0;
    entry->title = section->title;
    if (match_is_bare(known))
        entry->ordinal = entry_ordinal(entry, c->m->in.id_base, ORDINAL_MOST);
    if (events) {
        content_take(entry, section);
        entry->updated = later(c->now, known->updated);
        entry->link = link_mint(c, section->link);
        changed_add(c, entry);
    } else if (is_on_another_page(c, section, known)) {
        content_take(entry, section);
        entry->link = link_mint(c, section->link);
        changed_add(c, entry);
    } else if (!str_eq(known->html, section->html)) {
        /* Only markup, the queries of picture addresses or a few characters: worth having, not
         * worth telling. */
        content_take(entry, section);
        changed_add(c, entry);
    } else {
        standing_add(c, known, entry);
    }
}

static int compare_by_position(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a;
    const struct entry *y = *(const struct entry *const *)b;

    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

static void entry_is_removed(struct conclusion *c, struct entry *entry)
{
    entry->live = false;
    entry->link = (struct str){0};
    entry->missing = 0;
    entry->removed = c->m->in.now;
}

/* What the page no longer has: removed, or one more poll without it. */
static int conclude_removed(struct conclusion *c)
{
    struct match *m = c->m;
    size_t from = m->outcome.changed_count;

    for (size_t i = 0; i < m->in.known_count; i++) {
        struct entry *entry;

        if (!m->in.known[i].live || m->section_of[i] != NOBODY)
            continue;
        entry = arena_alloc(m->arena, sizeof(*entry));
        if (!entry)
            return -1;
        *entry = m->in.known[i];
        if (stays_without_section(c, i)) {
            entry->missing++;
            m->outcome.waiting = true;
        } else {
            entry_is_removed(c, entry);
        }
        changed_add(c, entry);
    }
    if (m->outcome.changed_count > from)
        qsort(m->outcome.changed + from, m->outcome.changed_count - from,
              sizeof(*m->outcome.changed), compare_by_position);
    for (size_t i = from; i < m->outcome.changed_count; i++)
        if (!m->outcome.changed[i]->live)
            event_add(c, EVENT_REMOVED, m->outcome.changed[i]);
    return 0;
}

/* Authors add above: among new twins the lowest on the page is the oldest, so ids and the order
 * first seen are given from the bottom up. */
static void conclude_ids(struct conclusion *c)
{
    const struct match *m = c->m;

    for (size_t i = m->in.page->count; i-- > 0;) {
        if (m->entry_of[i] != NOBODY || i == c->held_back)
            continue;
        c->entries[i].title = m->in.page->sections[i].title;
        entry_mint(c, &c->entries[i]);
        c->entries[i].seq = ++c->last_seq;
    }
}

static void conclude_sections(struct conclusion *c)
{
    const struct match *m = c->m;
    int64_t new_ones = 0;

    for (size_t i = 0; i < m->in.page->count; i++) {
        const struct section *section = &m->in.page->sections[i];
        const struct entry *known = known_as(m, i);
        struct entry *entry = &c->entries[i];

        if (known)
            *entry = *known;
        entry->position = (int64_t)i;
        entry->missing = 0;
        if (i != c->held_back && !known)
            section_is_new(c, section, entry, new_ones++);
        else if (i != c->held_back)
            section_is_known(c, section, known, c->events[i], entry);
        else if (known && known->live)
            standing_add(c, known, entry);
    }
}

static int outcome_room(struct match *m)
{
    size_t n = m->in.page->count + m->in.known_count + 1;
    struct outcome *o = &m->outcome;

    o->changed = arena_array(m->arena, n, sizeof(*o->changed));
    o->moved = arena_array(m->arena, n, sizeof(*o->moved));
    o->events = arena_array(m->arena, 3 * n, sizeof(*o->events));
    return o->changed && o->moved && o->events ? 0 : -1;
}

int match_conclude(struct match *m)
{
    struct conclusion c = {.m = m};
    int done = -1;

    m->arena = arena_new();
    if (!m->arena)
        return -1;
    buf_init(&c.scratch, SIZE_MAX);
    c.entries = arena_array(m->arena, m->in.page->count + 1, sizeof(*c.entries));
    c.events = arena_array(m->arena, m->in.page->count + 1, sizeof(*c.events));
    if (c.entries && c.events && outcome_room(m) == 0 && sets_fill(&c) == 0) {
        c.removal_polls = match_is_too_much(m) ? 1 : m->in.removal_polls;
        dates_prepare(&c);
        events_find(&c);
        unfinished_find(&c);
        conclude_ids(&c);
        links_keep(&c);
        conclude_sections(&c);
        done = conclude_removed(&c) < 0 || c.failed ? -1 : 0;
    }
    buf_clear(&c.scratch);
    HASH_CLEAR(hh, c.ids);
    HASH_CLEAR(hh, c.links);
    HASH_CLEAR(hh, c.titles);
    return done;
}
