/* foreign_outcome: what a foreign feed does to the entries of its source. The ids say which entry
 * is which, so that there is nothing to be matched; and nothing is ever removed. */
#include "content.h"
#include "digest.h"

#include <string.h>
#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>

/* Entries that have left the feed have no place in it: what stands above what is told by the order
 * first seen alone, so that nothing moves when something comes. */
#define PLACE_OF_FIRST (INT64_C(1) << 40)

/* What is known by id, or by link. */
struct word {
    const struct entry *entry;
    UT_hash_handle hh;
};

struct conclusion {
    const struct feed_input *in;
    struct arena *arena;
    struct outcome *outcome;
    struct word *ids, *links;
    struct word *words; /* room for all of them */
    struct buf scratch;
    int64_t last_seq;
    bool failed;
};

static struct word *find(struct word *set, struct str key)
{
    struct word *word;

    HASH_FIND(hh, set, key.p, key.n, word);
    return word;
}

static void add(struct conclusion *c, struct word **set, struct str key, const struct entry *entry)
{
    struct word *word = c->words++;

    word->entry = entry;
    HASH_ADD_KEYPTR(hh, *set, key.p, key.n, word);
    c->failed = c->failed || !word->hh.tbl;
}

/* Links that stand are nobody else's. */
static void know(struct conclusion *c)
{
    for (size_t i = 0; i < c->in->known_count; i++) {
        const struct entry *known = &c->in->known[i];

        add(c, &c->ids, str_of(known->id), known);
        if (known->link.n && !find(c->links, known->link))
            add(c, &c->links, known->link, known);
        if (known->seq > c->last_seq)
            c->last_seq = known->seq;
    }
}

/* Two entries of one address would be folded into one by readers: the second has its own page. */
static struct str link_mint(struct conclusion *c, struct str link, const struct entry *known)
{
    const struct word *taken = link.n ? find(c->links, link) : NULL;

    if (taken && known && taken->entry == known)
        return link;
    if (!link.n || taken)
        return (struct str){0};
    add(c, &c->links, link, known);
    return link;
}

static void event_add(struct conclusion *c, enum event_kind kind, const struct entry *entry)
{
    c->outcome->events[c->outcome->events_count++] = (struct event){kind, entry};
}

static void changed_add(struct conclusion *c, const struct entry *entry)
{
    c->outcome->changed[c->outcome->changed_count++] = entry;
}

/* `stated`, but never in the future, which every reader would sort to its top for long. */
static int64_t capped(int64_t stated, int64_t now)
{
    return stated < now ? stated : now;
}

/* The k-th of the new ones without a date is a second older than the one above it. */
static void entry_is_new(struct conclusion *c, const struct entry *stated, struct entry *entry,
                         int64_t k)
{
    int64_t now = c->in->now;
    int64_t published = stated->published ? stated->published : stated->updated;

    *entry = *stated;
    entry->published = published ? capped(published, now) : now - k;
    entry->updated = stated->updated ? capped(stated->updated, now) : entry->published;
    if (entry->updated < entry->published)
        entry->updated = entry->published;
    entry->link = link_mint(c, stated->link, NULL);
    event_add(c, EVENT_NEW, entry);
    changed_add(c, entry);
}

static bool is_changed(struct conclusion *c, const struct entry *stated, const struct entry *known)
{
    int64_t least = c->in->min_change;

    if (content_same(known->hash, stated->hash))
        return false;
    return least <= 1 || !content_near((struct content_version){known->hash, known->text},
                                       (struct content_version){stated->hash, stated->text},
                                       (size_t)least, &c->scratch);
}

static int64_t updated_of(const struct conclusion *c, const struct entry *stated,
                          const struct entry *known)
{
    int64_t now = c->in->now;

    if (stated->updated > known->updated && stated->updated <= now)
        return stated->updated;
    return now > known->updated ? now : known->updated + 1;
}

/* What is no event but worth having. */
static bool is_other(const struct entry *a, const struct entry *b)
{
    return !str_eq(a->html, b->html) || !str_eq(a->author, b->author) ||
           !str_eq(a->tags, b->tags) || !str_eq(a->given, b->given);
}

static void entry_is_known(struct conclusion *c, const struct entry *stated,
                           const struct entry *known, struct entry *entry)
{
    bool events[] = {[EVENT_RESTORED] = !known->live,
                     [EVENT_RENAMED] = !str_eq(known->title, stated->title),
                     [EVENT_CHANGED] = is_changed(c, stated, known)};
    bool any = false;

    *entry = *stated;
    entry->published = known->published;
    entry->updated = known->updated;
    entry->seq = known->seq;
    entry->position = known->position;
    entry->link = known->link;
    for (enum event_kind kind = EVENT_RESTORED; kind <= EVENT_CHANGED; kind++)
        if (events[kind]) {
            event_add(c, kind, entry);
            any = true;
        }
    if (any) {
        entry->updated = updated_of(c, stated, known);
        entry->link = link_mint(c, stated->link, known);
    }
    if (any || is_other(entry, known))
        changed_add(c, entry);
}

static int room(struct conclusion *c)
{
    size_t n = c->in->feed->count + 1;
    struct outcome *o = arena_alloc(c->arena, sizeof(*o));

    c->words = arena_array(c->arena, 2 * (c->in->known_count + n), sizeof(*c->words));
    c->outcome = o;
    if (!o || !c->words)
        return -1;
    o->changed = arena_array(c->arena, n, sizeof(*o->changed));
    o->events = arena_array(c->arena, 3 * n, sizeof(*o->events));
    return o->changed && o->events ? 0 : -1;
}

/* The order first seen is from the bottom up: feeds have the newest at their top. */
static void number_new(struct conclusion *c, struct entry *entries)
{
    for (size_t i = c->in->feed->count; i-- > 0;)
        if (!find(c->ids, str_of(entries[i].id))) {
            entries[i].seq = ++c->last_seq;
            entries[i].position = PLACE_OF_FIRST - entries[i].seq;
        }
}

static int conclude(struct conclusion *c)
{
    const struct foreign_feed *feed = c->in->feed;
    struct entry *stated = arena_array(c->arena, feed->count + 1, sizeof(*stated));
    struct entry *entries = arena_array(c->arena, feed->count + 1, sizeof(*entries));
    int64_t undated = 0;

    if (!stated || !entries)
        return -1;
    memcpy(stated, feed->entries, feed->count * sizeof(*stated));
    know(c);
    number_new(c, stated);
    for (size_t i = 0; i < feed->count; i++) {
        const struct word *known = find(c->ids, str_of(stated[i].id));

        if (known)
            entry_is_known(c, &stated[i], known->entry, &entries[i]);
        else
            entry_is_new(c, &stated[i], &entries[i],
                         stated[i].published || stated[i].updated ? 0 : undated++);
    }
    return c->failed || c->scratch.failed ? -1 : 0;
}

const struct outcome *feed_outcome(const struct feed_input *in, struct arena *a)
{
    struct conclusion c = {.in = in, .arena = a};
    int done = -1;

    buf_init(&c.scratch, SIZE_MAX);
    if (room(&c) == 0)
        done = conclude(&c);
    buf_clear(&c.scratch);
    HASH_CLEAR(hh, c.ids);
    HASH_CLEAR(hh, c.links);
    return done == 0 ? c.outcome : NULL;
}
