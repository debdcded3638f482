/* collect: what stands in all.*. */
#include "all.h"

#include "digest.h"
#include "engine.h"
#include "internal.h"
#include "merge.h"

#include <string.h>

/* Articles that are read at once. */
#define PAGE_MOST  256
/* The feed ends where the content of its entries comes to more. */
#define BYTES_MOST ((size_t)16 << 20)
/* The sources of an entry, and its tags. */
#define TAGS_MAX   ((size_t)1 << 20)

/* The feed under construction. */
struct collection {
    const struct all_view *view;
    struct arena *arena;
    struct feed *feed;
    const struct entry **entries;
    const struct feed **origins;
    const struct entry **gone;
    size_t bytes;
};

/* ---- one entry ----------------------------------------------------------------------------- */

static bool has_line(struct str lines, struct str line)
{
    while (lines.n)
        if (str_eq(str_cut(&lines, '\n'), line))
            return true;
    return false;
}

/* First the sources that have the article, then what its own is about. */
static int set_tags(const struct collection *c, const struct article *article, struct feed *origin)
{
    struct str rest = origin->tags;
    struct buf tags;

    buf_init(&tags, TAGS_MAX);
    for (size_t i = 0; i < article->copies_count; i++)
        if (copy_may_stand(c->view->conf, &article->copies[i]))
            buf_printf(&tags, "%.*s\n", STR_ARG(article->copies[i].source));
    while (rest.n) {
        struct str tag = str_cut(&rest, '\n');

        if (!has_line(buf_str(&tags), tag))
            buf_printf(&tags, "%.*s\n", STR_ARG(tag));
    }
    origin->tags = tags.failed ? (struct str){0} : arena_copy(c->arena, buf_str(&tags));
    buf_clear(&tags);
    return origin->tags.p ? 0 : -1;
}

/* What the feed of the source says of itself. NULL. */
static const struct feed *origin_new(const struct collection *c, const struct article *article,
                                     const struct copy *shown, struct error *e)
{
    const struct source_conf *conf = conf_source(c->view->conf, shown->source);
    struct feed *origin = arena_alloc(c->arena, sizeof(*origin));
    struct source_state state;
    struct str own_home;
    struct buf home;
    char id[ID_SIZE];

    if (store_source(c->view->store, c->arena, shown->source, &state, e) < 0)
        return NULL;
    error_set(e, "out of memory");
    if (!origin)
        return NULL;
    buf_init(&home, TAGS_MAX);
    engine_own_home(&home, conf, c->view->base_url);
    own_home = arena_copy(c->arena, buf_str(&home));
    buf_clear(&home);
    *origin = engine_feed(conf, &state, c->view->base_url, own_home);
    id_of_feed(id, conf->id_base ? str_of(conf->id_base) : state.id_base);
    origin->id = arena_copy(c->arena, str_of(id));
    if (!origin->id.p || set_tags(c, article, origin) < 0 ||
        store_newest(c->view->store, shown->source, &origin->updated, e) < 0)
        return NULL;
    return origin;
}

/* The copy that is shown, under the name and with the dates of the article. NULL. */
static const struct entry *entry_new(const struct collection *c, const struct article *article,
                                     const struct copy *shown, struct error *e)
{
    struct entry *entry = arena_alloc(c->arena, sizeof(*entry));

    if (!entry || store_keyed(c->view->store, c->arena, shown->entry, entry, e) != 1)
        return NULL;
    entry->given = article->id;
    entry->published = article->published;
    entry->updated = article->updated;
    return entry;
}

/* Ids that came with entries may be those of others, too. */
static bool is_there(const struct collection *c, struct str id)
{
    for (size_t i = 0; i < c->feed->count; i++)
        if (str_eq(c->entries[i]->given, id))
            return true;
    return false;
}

static int take(struct collection *c, const struct article *article, struct error *e)
{
    const struct copy *shown = article_shown(c->view->conf, article);
    size_t n = c->feed->count;

    if (!shown || is_there(c, article->id))
        return 0;
    error_set(e, "out of memory");
    c->entries[n] = entry_new(c, article, shown, e);
    c->origins[n] = origin_new(c, article, shown, e);
    if (!c->entries[n] || !c->origins[n])
        return -1;
    c->bytes += c->entries[n]->html.n;
    if (!n || c->bytes <= BYTES_MOST)
        c->feed->count++;
    return 0;
}

/* ---- the feed ------------------------------------------------------------------------------ */

static bool is_full(const struct collection *c)
{
    return c->feed->count == FEED_MERGED_MOST || c->bytes > BYTES_MOST;
}

static int take_newest(struct collection *c, struct error *e)
{
    struct article *page = arena_array(c->arena, PAGE_MOST, sizeof(*page)), last;
    const struct article *after = NULL;
    size_t count = PAGE_MOST;

    if (!page)
        return error_set(e, "out of memory");
    while (count == PAGE_MOST && !is_full(c)) {
        if (store_articles(c->view->store, c->arena, after, page, PAGE_MOST, &count, e) < 0)
            return -1;
        for (size_t i = 0; i < count && !is_full(c); i++)
            if (take(c, &page[i], e) < 0)
                return -1;
        last = page[count ? count - 1 : 0];
        after = &last;
    }
    return 0;
}

/* The last time that a copy was dropped; 0: it was not. */
static int64_t dropped_at(const struct collection *c, const struct article *article)
{
    int64_t at = 0;

    for (size_t i = 0; i < article->copies_count; i++) {
        const struct copy *copy = &article->copies[i];
        const struct source_conf *source = conf_source(c->view->conf, copy->source);

        if (source && source->removed == REMOVED_DROP && !copy->live && copy->removed > at)
            at = copy->removed;
    }
    return at;
}

static bool has_tombstone(const struct collection *c, struct str id)
{
    for (size_t i = 0; i < c->feed->gone_count; i++)
        if (str_eq(c->gone[i]->given, id))
            return true;
    return false;
}

static int take_gone(struct collection *c, struct error *e)
{
    struct article *gone = arena_array(c->arena, TOMBSTONES_MOST, sizeof(*gone));
    size_t count;

    if (!gone)
        return error_set(e, "out of memory");
    if (store_articles_gone(c->view->store, c->arena, c->view->now - TOMBSTONE_SECONDS, gone,
                            TOMBSTONES_MOST, &count, e) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct entry *entry;
        int64_t at = dropped_at(c, &gone[i]);

        if (!at || article_shown(c->view->conf, &gone[i]) || is_there(c, gone[i].id) ||
            has_tombstone(c, gone[i].id))
            continue;
        entry = arena_alloc(c->arena, sizeof(*entry));
        if (!entry)
            return error_set(e, "out of memory");
        *entry = (struct entry){.given = gone[i].id, .updated = gone[i].updated, .removed = at};
        c->gone[c->feed->gone_count++] = entry;
    }
    return 0;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Those that every source has. */
static int set_hubs(const struct collection *c, char ***hubs, size_t *count)
{
    const struct conf *conf = c->view->conf;
    size_t most = conf->sources_count ? conf->sources[0].poll.hub.count : 0;

    *count = 0;
    *hubs = arena_array(c->arena, most + 1, sizeof(**hubs));
    for (size_t i = 0; *hubs && i < most; i++)
        if (conf_hub_is_shared(conf, str_of(conf->sources[0].poll.hub.items[i])))
            (*hubs)[(*count)++] = conf->sources[0].poll.hub.items[i];
    return *hubs ? 0 : -1;
}

/* What all.* says of itself. */
static int describe(struct collection *c, int64_t *since, struct error *e)
{
    const struct all_view *view = c->view;
    struct str uuid, home;
    char id[ID_SIZE], **hubs;
    size_t hubs_count;
    struct buf address;

    if (store_merged(view->store, c->arena, view->fresh, view->now, &uuid, since, e) < 0)
        return -1;
    id_of_feed(id, uuid);
    buf_init(&address, TAGS_MAX);
    buf_printf(&address, "%.*s/", STR_ARG(view->base_url));
    home = arena_copy(c->arena, buf_str(&address));
    buf_clear(&address);
    if (set_hubs(c, &hubs, &hubs_count) < 0)
        return error_set(e, "out of memory");
    *c->feed = (struct feed){.id = arena_copy(c->arena, str_of(id)),
                             .name = STR(FEED_MERGED_NAME),
                             .title = STR(FEED_MERGED_TITLE),
                             .description = STR("Every source in one feed, each article once."),
                             .author = STR("digestd"),
                             .home = home,
                             .base_url = view->base_url,
                             .hubs = hubs,
                             .hubs_count = hubs_count,
                             .entries = c->entries,
                             .origins = c->origins,
                             .gone = c->gone,
                             .merged = true};
    return c->feed->id.p && home.p ? 0 : error_set(e, "out of memory");
}

int all_collect(const struct all_view *view, struct arena *a, struct feed *feed, struct error *e)
{
    struct collection c = {
        .view = view,
        .arena = a,
        .feed = feed,
        .entries = arena_array(a, FEED_MERGED_MOST, sizeof(*c.entries)),
        .origins = arena_array(a, FEED_MERGED_MOST, sizeof(*c.origins)),
        .gone = arena_array(a, TOMBSTONES_MOST, sizeof(*c.gone)),
    };
    int64_t since;

    if (!c.entries || !c.origins || !c.gone)
        return error_set(e, "out of memory");
    if (describe(&c, &since, e) < 0 || take_newest(&c, e) < 0 || take_gone(&c, e) < 0)
        return -1;
    feed->updated = feed->count ? c.entries[0]->updated : since;
    for (size_t i = 0; i < feed->gone_count; i++)
        feed->updated = later(feed->updated, c.gone[i]->removed);
    return 0;
}
