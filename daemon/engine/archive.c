/* archive: full archive pages (RFC 5005 section 4). Each is rendered once, when its last entry has
 * come, and stays as it is. It is rendered again only where it would say what is not so: an entry
 * of it was dropped, or has come back, or the page itself stands at another address. What is
 * missing, because the last run ended too early, is made up for here: nothing is remembered but
 * what is in the store. */
#include "internal.h"

#include "digest.h"

#include <inttypes.h>
#include <stdlib.h>

#define PAGE_MAX ((size_t)256 * 1024 * 1024)

/* A page and the entries that belong there, in the order first seen. */
struct leaf {
    struct engine_source *source;
    struct feed feed; /* of the page */
    int64_t number;
    const struct entry *live[FEED_ARCHIVE_ENTRIES], *gone[FEED_ARCHIVE_ENTRIES];
    struct hash dropped; /* which of them are gone; unset: none */
};

static int by_seq(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;

    return (x->seq > y->seq) - (x->seq < y->seq);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void leaf_fill(struct leaf *l, const struct feed *feed, const struct entry *const *entries)
{
    bool drop = l->source->conf->removed == REMOVED_DROP;

    l->feed = *feed;
    l->feed.entries = l->live;
    l->feed.gone = l->gone;
    l->feed.count = l->feed.gone_count = 0;
    l->feed.updated = 0;
    l->dropped = (struct hash){0};
    for (size_t i = 0; i < FEED_ARCHIVE_ENTRIES; i++) {
        const struct entry *entry = entries[i];

        l->feed.updated = later(l->feed.updated, entry->updated);
        if (!feed_is_gone(entry, drop)) {
            l->live[l->feed.count++] = entry;
            continue;
        }
        l->gone[l->feed.gone_count++] = entry;
        l->feed.updated = later(l->feed.updated, entry->removed);
        l->dropped = hash_more(l->dropped, str_of(entry->id));
    }
}

/* ---- is a stored page still right? --------------------------------------------------------- */

static bool has_quoted(struct str head, const char *attribute, struct str value)
{
    struct buf want;

    buf_init(&want, 65536);
    buf_printf(&want, "%s=\"", attribute);
    text_escape(&want, value);
    buf_putc(&want, '"');
    bool has = !want.failed && str_find(head, buf_str(&want), 0) != SIZE_MAX;
    buf_clear(&want);
    return has;
}

static size_t count_of(struct str s, struct str what)
{
    size_t n = 0;

    for (size_t at = 0; (at = str_find(s, what, at)) != SIZE_MAX; at += what.n)
        n++;
    return n;
}

/* Links and tombstones stand before the entries. */
static bool leaf_is_right(const struct leaf *l, struct str bytes)
{
    struct str head = str_sub(bytes, 0, str_find(bytes, STR("<entry>"), 0));
    struct buf own;

    buf_init(&own, 65536);
    buf_printf(&own, "%.*s/%.*s/archive/%" PRId64 ".atom", STR_ARG(l->feed.base_url),
               STR_ARG(l->feed.name), l->number);
    bool right =
        has_quoted(head, "rel=\"self\" type=\"application/atom+xml\" href", buf_str(&own)) &&
        count_of(head, STR("<at:deleted-entry ")) == l->feed.gone_count;
    for (size_t i = 0; i < l->feed.gone_count && right; i++)
        right = has_quoted(head, "ref", feed_entry_id(l->gone[i]));
    buf_clear(&own);
    return right;
}

/* ---- writing ------------------------------------------------------------------------------- */

static int leaf_write(const struct leaf *l, struct error *e)
{
    struct engine *en = l->source->engine;
    struct buf out;

    buf_init(&out, PAGE_MAX);
    int result = feed_archive(&l->feed, l->number, &out, e);
    if (result == 0)
        result = store_archive_write(en->options.store, l->source->state.name, l->number,
                                     buf_str(&out), engine_now(en), e);
    buf_clear(&out);
    engine_alive(en);
    return result;
}

/* A page that is stored: as it should be, or written again. */
static int leaf_settle(const struct leaf *l, struct error *e)
{
    struct arena *a = arena_new();
    struct str bytes;
    int64_t since;

    if (!a)
        return error_set(e, "out of memory");
    int found = store_archive(l->source->engine->options.store, a, l->source->state.name, l->number,
                              &bytes, &since, e);
    bool right = found > 0 && leaf_is_right(l, bytes);
    arena_free(a);
    return found < 0 ? -1 : right ? 0 : leaf_write(l, e);
}

/* Room to remember of `pages` pages what is gone of each. */
static int remember(struct engine_source *s, size_t pages)
{
    struct hash *grown = realloc(s->dropped, (pages + 1) * sizeof(*grown));

    if (!grown)
        return -1;
    s->dropped = grown;
    return 0;
}

/* Brings page `l->number` up to date; what was seen to be right is not looked at again. */
static int leaf_keep(const struct leaf *l, int64_t stored, struct error *e)
{
    struct engine_source *s = l->source;
    size_t i = (size_t)l->number - 1;
    bool seen = i < s->dropped_count;

    if (seen && hash_eq(s->dropped[i], l->dropped))
        return 0;
    if ((l->number <= stored ? leaf_settle(l, e) : leaf_write(l, e)) < 0)
        return -1;
    s->dropped[i] = l->dropped;
    if (!seen)
        s->dropped_count = i + 1;
    return 0;
}

struct archived archive_keep(struct engine_source *s, const struct feed *feed,
                             const struct entry *all, size_t count)
{
    const struct entry **order = calloc(count + 1, sizeof(*order));
    size_t pages = count / FEED_ARCHIVE_ENTRIES;
    struct archived done = {0};
    struct leaf l = {.source = s};
    struct error e = {"out of memory"};
    int64_t stored = 0;

    if (!order || remember(s, pages) < 0 ||
        store_archives(s->engine->options.store, s->state.name, &stored, &e) < 0)
        goto fail;
    for (size_t i = 0; i < count; i++)
        order[i] = &all[i];
    qsort(order, count, sizeof(*order), by_seq);
    for (size_t i = 0; i < pages; i++) {
        leaf_fill(&l, feed, order + i * FEED_ARCHIVE_ENTRIES);
        l.number = (int64_t)i + 1;
        l.feed.archives = (int64_t)pages;
        if (leaf_keep(&l, stored, &e) < 0)
            goto fail;
        done.pages = l.number;
        done.seq = order[(i + 1) * FEED_ARCHIVE_ENTRIES - 1]->seq;
    }
    free(order);
    return done;
fail:
    engine_log(s->engine, 0, "%s: archive pages: %s", s->conf->name, e.text);
    free(order);
    return done;
}
