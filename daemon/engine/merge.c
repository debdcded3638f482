/* merge: see merge.h.
 *
 * An entry that is new is an article, or a copy of one that another source has already; which, is
 * decided by how much their texts have in common (digest/twins.c) and never again: sources that
 * once had the same article may edit it as they like. An article
 *
 *  - has the id of the entry that was first in the store, and keeps it while any copy is there;
 *  - shows the text of the copy whose edit was told last;
 *  - is told anew (its `updated` moves on) when a copy brings something that is not yet so in the
 *    text that is shown. A source that only follows another one's edit tells nothing, and what is
 *    shown stays. That an entry turns out to be a copy of another is no event either. */
#include "merge.h"

#include "digest.h"

#include <stdlib.h>
#include <string.h>

/* An article that may be the same: how many of them are looked at for one entry. */
#define POSSIBLE_MOST 4

/* One entry that waits. */
struct guest {
    const struct waiting *waiting;
    struct sketch sketch;
    struct article article; /* that it is a copy of already; first == 0: of none */
};

/* The waiting entries of a source, and what becomes of them. */
struct merge {
    struct store *store;
    const struct conf *conf;
    struct arena *arena;
    struct str source;
    struct guest *guests;
    size_t count;
    struct article *hosts; /* articles that guests may be copies of, each once */
    struct twin *host_texts;
    size_t hosts_count;
    struct twin_pair *possible;
    size_t possible_count;
    size_t *host_of; /* of each guest; TWIN_NONE */
    struct placing *placings;
};

/* ---- what stands --------------------------------------------------------------------------- */

bool copy_may_stand(const struct conf *conf, const struct copy *copy)
{
    const struct source_conf *source = conf_source(conf, copy->source);

    return source && (copy->live || source->removed == REMOVED_KEEP);
}

static int rank_of(const struct article *article, const struct copy *copy)
{
    return (copy->live ? 2 : 0) + (copy->entry == article->shown);
}

const struct copy *article_shown(const struct conf *conf, const struct article *article)
{
    const struct copy *best = NULL;

    for (size_t i = 0; i < article->copies_count; i++) {
        const struct copy *copy = &article->copies[i];

        if (copy_may_stand(conf, copy) &&
            (!best || rank_of(article, copy) > rank_of(article, best)))
            best = copy;
    }
    return best;
}

/* Whether somebody else has the article on its page. */
static bool stands_elsewhere(const struct conf *conf, const struct article *article, int64_t entry)
{
    for (size_t i = 0; i < article->copies_count; i++)
        if (article->copies[i].entry != entry && article->copies[i].live &&
            copy_may_stand(conf, &article->copies[i]))
            return true;
    return false;
}

static bool is_alone(const struct article *article)
{
    return article->copies_count == 1;
}

/* ---- who may be whom ----------------------------------------------------------------------- */

static int guests_find(struct merge *t, struct error *e)
{
    struct waiting *waiting;

    if (store_waiting(t->store, t->arena, &t->source, &waiting, &t->count, e) < 0)
        return -1;
    t->guests = arena_array(t->arena, t->count + 1, sizeof(*t->guests));
    for (size_t i = 0; t->guests && i < t->count; i++) {
        struct guest *g = &t->guests[i];

        g->waiting = &waiting[i];
        if (waiting[i].article &&
            store_article(t->store, t->arena, waiting[i].article, &g->article, e) < 0)
            return -1;
        if (sketch_of(&g->sketch, waiting[i].entry.text) < 0)
            return error_set(e, "out of memory");
    }
    return t->guests ? 0 : error_set(e, "out of memory");
}

/* The number of the host that is this article, which may be a new one. -1. */
static int64_t host_number(struct merge *t, int64_t first, struct error *e)
{
    struct article *host = &t->hosts[t->hosts_count];
    struct entry shown;

    for (size_t i = 0; i < t->hosts_count; i++)
        if (t->hosts[i].first == first)
            return (int64_t)i;
    if (store_article(t->store, t->arena, first, host, e) != 1 ||
        store_keyed(t->store, t->arena, host->shown, &shown, e) != 1)
        return -1;
    t->host_texts[t->hosts_count] =
        (struct twin){.title = shown.title, .text = shown.text, .given = shown.given};
    return (int64_t)t->hosts_count++;
}

/* What the index says of one guest. One that shares its article already has its place. */
static int possible_find(struct merge *t, size_t guest, struct error *e)
{
    const struct guest *g = &t->guests[guest];
    int64_t found[POSSIBLE_MOST];

    if (g->article.first && !is_alone(&g->article))
        return 0;
    int count = store_alike(t->store, t->source, g->waiting->entry.given, g->sketch.items,
                            g->sketch.count, found, POSSIBLE_MOST, e);
    for (int i = 0; i < count; i++) {
        int64_t host = host_number(t, found[i], e);

        if (host < 0)
            return -1;
        t->possible[t->possible_count++] =
            (struct twin_pair){.left = (uint32_t)guest, .right = (uint32_t)host};
    }
    return count < 0 ? -1 : 0;
}

static int hosts_find(struct merge *t, struct error *e)
{
    size_t most = t->count * POSSIBLE_MOST + 1;
    struct twin *texts = arena_array(t->arena, t->count + 1, sizeof(*texts));

    t->hosts = arena_array(t->arena, most, sizeof(*t->hosts));
    t->host_texts = arena_array(t->arena, most, sizeof(*t->host_texts));
    t->possible = arena_array(t->arena, most, sizeof(*t->possible));
    t->host_of = arena_array(t->arena, t->count + 1, sizeof(*t->host_of));
    if (!texts || !t->hosts || !t->host_texts || !t->possible || !t->host_of)
        return error_set(e, "out of memory");
    for (size_t i = 0; i < t->count; i++) {
        const struct entry *entry = &t->guests[i].waiting->entry;

        texts[i] = (struct twin){.title = entry->title, .text = entry->text, .given = entry->given};
        if (possible_find(t, i, e) < 0)
            return -1;
    }
    if (twins_assign(texts, t->count, t->host_texts, t->hosts_count, t->possible, t->possible_count,
                     t->host_of) < 0)
        return error_set(e, "out of memory");
    return 0;
}

/* ---- what becomes of one ------------------------------------------------------------------- */

/* Whether what happened to a copy since it was seen last is known to readers already. 1, 0, -1. */
static int is_known(struct merge *t, const struct guest *g, const struct copy *shown,
                    struct error *e)
{
    const struct waiting *w = g->waiting;
    const struct wording after = {w->entry.title, w->entry.html};
    struct wording before, now;
    struct revision was;
    struct entry other;

    if (!stands_elsewhere(t->conf, &g->article, w->key))
        return 0;
    int kept = store_revision_at(t->store, t->arena, w->key, w->seen, &was, e);
    if (kept < 0)
        return -1;
    before = (struct wording){was.title, was.html};
    now = before;
    if (shown && shown->entry != w->key) {
        if (store_keyed(t->store, t->arena, shown->entry, &other, e) != 1)
            return -1;
        now = (struct wording){other.title, other.html};
    } else if (!kept) {
        return 0; /* it was its own text, and what that was nobody knows */
    }
    int follows = edit_follows(kept ? &before : NULL, &after, &now);
    return follows < 0 ? error_set(e, "out of memory") : follows;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A copy that has its place keeps it; whether something is told is the question. */
static int place_copy(struct merge *t, const struct guest *g, struct placing *p, struct error *e)
{
    const struct waiting *w = g->waiting;
    const struct copy *shown = article_shown(t->conf, &g->article);

    p->article = g->article;
    if (shown)
        p->article.shown = shown->entry;
    if (w->entry.updated <= w->seen)
        return 0;
    int known = is_known(t, g, shown, e);
    if (known < 0)
        return -1;
    if (!known) {
        p->article.shown = w->key;
        p->article.updated = later(w->entry.updated, p->article.updated + 1);
    }
    return 0;
}

/* Two articles turn out to be one: the one that has several copies already stays, else the older.
 */
static int place_twin(struct merge *t, const struct guest *g, const struct article *host,
                      struct placing *p, struct error *e)
{
    if (g->article.first && is_alone(host) && g->article.first < host->first) {
        p->absorbed = host->first;
        return place_copy(t, g, p, e);
    }
    const struct copy *shown = article_shown(t->conf, host);
    bool stands = shown && shown->live;

    p->article = *host;
    p->article.shown = stands                   ? shown->entry
                       : g->waiting->entry.live ? g->waiting->key
                                                : host->shown;
    p->absorbed = g->article.first;
    return 0;
}

static void place_new(const struct guest *g, struct placing *p)
{
    p->article = (struct article){.first = g->waiting->key,
                                  .shown = g->waiting->key,
                                  .published = g->waiting->entry.published,
                                  .updated = g->waiting->entry.updated};
}

static int guest_place(struct merge *t, size_t i, struct error *e)
{
    const struct guest *g = &t->guests[i];
    struct placing *p = &t->placings[i];

    *p = (struct placing){.key = g->waiting->key,
                          .seen = g->waiting->entry.updated,
                          .sketch = g->sketch.items,
                          .sketch_count = g->sketch.count};
    if (t->host_of[i] != TWIN_NONE)
        return place_twin(t, g, &t->hosts[t->host_of[i]], p, e);
    if (g->article.first)
        return place_copy(t, g, p, e);
    place_new(g, p);
    return 0;
}

static int merge_take(struct merge *t, struct error *e)
{
    if (guests_find(t, e) < 0)
        return -1;
    if (!t->count)
        return 0;
    t->placings = arena_array(t->arena, t->count, sizeof(*t->placings));
    if (!t->placings)
        return error_set(e, "out of memory");
    if (hosts_find(t, e) < 0)
        return -1;
    for (size_t i = 0; i < t->count; i++)
        if (guest_place(t, i, e) < 0)
            return -1;
    return store_place(t->store, t->placings, t->count, e) < 0 ? -1 : 1;
}

int merge_next(struct store *store, const struct conf *conf, struct error *e)
{
    struct merge t = {.store = store, .conf = conf, .arena = arena_new()};

    if (!t.arena)
        return error_set(e, "out of memory");
    int result = merge_take(&t, e);
    arena_free(t.arena);
    return result;
}
