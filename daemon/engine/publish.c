/* publish: what the store has → bodies → site. Runs when something has changed, never because
 * somebody asks, but for the pages of entries, the feed of changes, and archive pages and feeds
 * that were put away, which are read from the store then. */
#include "internal.h"

#include "digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* How long a row that says nothing new may wait for others. */
#define TELL_SECONDS 0.2

#define BODY_MAX ((size_t)256 * 1024 * 1024)

/* A miss on its way from the server's thread. */
struct miss {
    struct mail mail;
    char path[];
};

/* ---- feeds --------------------------------------------------------------------------------- */

static struct str first_of(struct str a, struct str b, struct str c)
{
    return a.n ? a : b.n ? b : c;
}

struct feed engine_feed(const struct source_conf *conf, const struct source_state *state,
                        struct str base_url, struct str own_home)
{
    const struct page_info *info = &state->info;
    struct str url = str_of(conf->url);
    struct str none = {0};

    return (struct feed){
        .name = str_of(conf->name),
        .title = first_of(str_of(conf->title), info->title, str_of(conf->name)),
        .description = first_of(str_of(conf->description), info->description, none),
        .author = first_of(str_of(conf->author), info->author,
                           first_of(uri_host(url), str_of(conf->name), none)),
        .language = first_of(str_of(conf->language), info->language, none),
        .tags = info->tags,
        .image_proxy = str_of(conf->poll.image_proxy),
        .home = first_of(info->canonical, own_home, str_of(conf->home)),
        .base_url = base_url,
        .hubs = conf->poll.hub.items,
        .hubs_count = conf->poll.hub.count,
    };
}

void engine_own_home(struct buf *out, const struct source_conf *conf, struct str base_url)
{
    if (!uri_is_http(str_of(conf->url)))
        buf_printf(out, "%.*s/#%s", STR_ARG(base_url), conf->name);
}

static struct feed feed_of(const struct engine_source *s)
{
    return engine_feed(s->conf, &s->state, str_of(s->engine->base_url), str_of(s->own_home));
}

struct body *publish_body(struct engine *en, const char *path, struct str bytes, enum media media,
                          struct str links)
{
    char etag[ETAG_SIZE];
    int64_t now = engine_now(en), since;
    struct error e;

    body_etag(etag, bytes);
    if (store_body_since(en->options.store, str_of(path), str_of(etag), now, &since, &e) < 0) {
        engine_log(en, 1, "%s", e.text);
        since = now;
    }
    return body_new_linked(bytes, media, CACHE_FEED, since, true, links);
}

size_t publish_feed(struct engine *en, const char *path, struct str bytes, enum media media,
                    struct str links)
{
    struct body *body = publish_body(en, path, bytes, media, links);
    struct polish_feed feed = {path, bytes, media, body ? body->since : 0, links};
    size_t size = body ? body->size : 0;

    if (!body || site_publish(en->options.site, path, body, SITE_FEED) < 0)
        return 0;
    polish_later(en, &feed);
    return size;
}

static void publish_format(struct engine_source *s, const struct feed *feed,
                           enum feed_format format)
{
    struct engine *en = s->engine;
    struct buf out, links;
    struct error e;

    buf_init(&out, BODY_MAX);
    buf_init(&links, LINKS_MAX);
    feed_links(feed, format, &links);
    if (feed_render(feed, format, &out, &e) == 0)
        feeds_put(s, format, buf_str(&out), buf_str(&links));
    else
        engine_log(en, 0, "%s: %s", s->conf->name, e.text);
    buf_clear(&out);
    buf_clear(&links);
    engine_alive(en);
}

/* Readers drop a page that is no newer than what they have. */
static void expire_pages(struct engine_source *s)
{
    int64_t now = engine_now(s->engine);

    s->pages_since = now > s->pages_since ? now : s->pages_since + 1;
    site_expire(s->engine->options.site, s->conf->name);
}

void publish_moved(struct engine_source *s)
{
    if (s->engine->options.site)
        expire_pages(s);
    publish_row(s);
}

/* An empty feed has no entry to take its date from. */
static int64_t empty_since(const struct engine_source *s)
{
    int64_t since = s->state.schedule.trouble_since;

    return since ? since : engine_now(s->engine);
}

/* ---- entries that are gone ----------------------------------------------------------------- */

static bool is_gone(const struct engine_source *s, const struct entry *entry)
{
    return feed_is_gone(entry, s->conf->removed == REMOVED_DROP);
}

static int by_removed(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;

    return (x->removed < y->removed) - (x->removed > y->removed);
}

static void take_gone(const struct engine_source *s, struct feed *feed, const struct entry *all,
                      size_t count, const struct entry **gone)
{
    int64_t oldest = engine_now(s->engine) - TOMBSTONE_SECONDS;
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (is_gone(s, &all[i]) && all[i].removed > oldest)
            gone[n++] = &all[i];
    qsort(gone, n, sizeof(*gone), by_removed);
    feed->gone = gone;
    feed->gone_count = n < TOMBSTONES_MOST ? n : TOMBSTONES_MOST;
}

/* ---- the feeds of a source ----------------------------------------------------------------- */

/* What stands in the feed, and what it says of the rest. -1: no memory. */
static int feed_fill(struct engine_source *s, struct feed *feed, struct arena *a,
                     const struct entry *all, size_t count)
{
    const struct entry **picked = arena_array(a, count + 1, sizeof(*picked));
    const struct entry **gone = arena_array(a, count + 1, sizeof(*gone));

    if (!picked || !gone)
        return -1;
    struct archived archived = archive_keep(s, feed, all, count);
    struct feed_choice choice = {.max = (size_t)s->conf->max_entries,
                                 .drop_removed = s->conf->removed == REMOVED_DROP,
                                 .archived = archived.seq,
                                 .now = engine_now(s->engine)};
    feed->archives = archived.pages;
    feed->count = feed_window(all, count, &choice, picked);
    feed->entries = picked;
    feed->updated = feed->count ? picked[0]->updated : empty_since(s);
    take_gone(s, feed, all, count, gone);
    if (feed->gone_count && gone[0]->removed > feed->updated)
        feed->updated = gone[0]->removed;
    return 0;
}

static int64_t newest_of(const struct entry *all, size_t count)
{
    int64_t newest = 0;

    for (size_t i = 0; i < count; i++)
        if (all[i].published > newest)
            newest = all[i].published;
    return newest;
}

#define DAY_SECONDS 86400

/* The 12 weeks that end today; as the days go by, the index page moves along by itself. */
static void take_activity(struct engine_source *s)
{
    struct feed_activity *a = &s->activity;
    struct error e;

    a->last = engine_now(s->engine) / DAY_SECONDS;
    if (store_activity(s->engine->options.store, s->state.name,
                       (a->last - FEED_DAYS + 1) * DAY_SECONDS, a->fresh, a->changed, FEED_DAYS,
                       &e) < 0)
        engine_log(s->engine, 1, "%s: %s", s->conf->name, e.text);
}

static void render_feeds(struct engine_source *s)
{
    struct engine *en = s->engine;
    struct feed feed = feed_of(s);
    struct arena *a = arena_new();
    struct entry *all = NULL;
    size_t count = 0;
    char id[ID_SIZE];
    struct error e = {"out of memory"};

    if (!en->options.site)
        goto out;
    id_of_feed(id, s->state.id_base);
    feed.id = str_of(id);
    if (!a || store_entries(en->options.store, a, s->state.name, &all, &count, &e) < 0 ||
        feed_fill(s, &feed, a, all, count) < 0) {
        engine_log(en, 0, "%s: %s", s->conf->name, e.text);
        goto out;
    }
    expire_pages(s);
    s->entries = feed.count;
    s->last_new = newest_of(all, count);
    take_activity(s);
    for (enum feed_format format = 0; format < FEED_FORMATS; format++)
        publish_format(s, &feed, format);
    publish_row(s);
    all_touch(en);
out:
    arena_free(a);
}

/* What is rendered is written together. What was lost of it is made up for: archive pages at the
 * next change, the times of bodies at the next start, and feeds that were put away at once. */
static void render_together(struct engine *en, struct engine_source *const *sources, size_t count)
{
    struct store *store = en->options.store;
    struct error e;
    bool batch = store_batch(store, &e) == 0;

    for (size_t i = 0; i < count; i++)
        render_feeds(sources[i]);
    if (!batch || store_batch_end(store, &e) == 0)
        return;
    engine_log(en, 0, "%s", e.text);
    for (size_t i = 0; i < count; i++) {
        sources[i]->dropped_count = 0;
        if (feeds_are_put_away(sources[i]))
            render_feeds(sources[i]);
    }
}

void publish_feeds(struct engine_source *s)
{
    render_together(s->engine, &s, 1);
}

/* So many sources are written together. */
#define TOGETHER ((size_t)256)

void publish_all(struct engine *en)
{
    for (size_t i = 0; i < en->count; i += TOGETHER)
        render_together(en, en->sources + i, en->count - i < TOGETHER ? en->count - i : TOGETHER);
}

/* ---- rows, signs of life ------------------------------------------------------------------- */

/* A host that wants to be left alone is, by all of its sources. */
static int64_t next_poll_of(const struct engine_source *s)
{
    int64_t planned = s->state.schedule.next_poll,
            held = turns_held(&s->turn, engine_now(s->engine));

    return planned > held ? planned : held;
}

static void tell_row(const struct engine_source *s)
{
    const struct source_state *state = &s->state;
    struct feed feed = feed_of(s);
    struct buf moved;
    buf_init(&moved, SIZE_MAX);
    uri_put_without_login(&moved, move_to(s));
    if (moved.len)
        buf_putc(&moved, '\0');
    struct feed_row row = {
        .name = s->conf->name,
        .title = (char *)feed.title.p, /* all are NUL-terminated; the row is copied */
        .url = (char *)feed.home.p,
        .reason = state->doubt != DOUBT_NONE ? (char *)state->reason.p : NULL,
        .entries = (int64_t)s->entries,
        .last_poll = state->schedule.last_poll,
        .next_poll = next_poll_of(s),
        .last_change = state->schedule.last_change,
        .trouble_since = state->schedule.trouble_since,
        .known = state->schedule.last_good != 0,
        .waiting = state->waiting.n ? (char *)state->waiting.p : NULL,
        .waiting_since = state->waiting_since,
        .doubt = state->doubt != DOUBT_NONE ? doubt_name(state->doubt) : NULL,
        .last_good = state->schedule.last_good,
        .last_new = s->last_new,
        .tally = s->tally,
        .activity = s->activity,
        .moved = moved.len && !moved.failed ? moved.data : NULL,
    };

    if (s->engine->options.site)
        site_tell(s->engine->options.site, &row);
    buf_clear(&moved);
}

void publish_forget(struct engine_source *s)
{
    if (s->untold)
        DL_DELETE2(s->engine->untold, s, untold_prev, untold_next);
    s->untold = false;
}

void publish_row(struct engine_source *s)
{
    publish_forget(s);
    tell_row(s);
}

void publish_beat(struct engine *en)
{
    if (!en->options.site)
        return;
    site_beat(en->options.site, engine_now(en), en->due_at, en->store_works);
    site_count(en->options.site, &en->counts);
}

void publish_waiting(struct engine *en)
{
    ev_timer_stop(en->options.loop, &en->tell);
    while (en->untold)
        publish_row(en->untold);
    publish_beat(en);
}

void publish_beat_soon(struct engine *en)
{
    if (ev_is_active(&en->tell))
        return;
    ev_timer_set(&en->tell, TELL_SECONDS, 0.);
    ev_timer_start(en->options.loop, &en->tell);
}

void publish_row_soon(struct engine_source *s)
{
    if (!s->untold)
        DL_APPEND2(s->engine->untold, s, untold_prev, untold_next);
    s->untold = true;
    publish_beat_soon(s->engine);
}

/* ---- what is made when somebody asks ------------------------------------------------------- */

/* The changes in the feed of changes, and what their texts may come to: each is compared while
 * somebody waits. */
#define CHANGES_MOST  100
#define CHANGES_BYTES ((size_t)16 << 20)

/* What was asked for. Each maker sets `body`, or `gone`, or `e` where it cannot be had; none of
 * them: there is nothing. */
struct made {
    const char *path;
    struct site_path wanted;
    struct body *body;
    bool gone;
    struct error e;
};

static void made_of(struct made *m, struct str bytes, enum media media, enum caching caching,
                    int64_t since)
{
    m->body = body_new(bytes, media, caching, since, true);
    if (!m->body)
        error_set(&m->e, "out of memory");
}

static void make_feed(struct engine_source *s, struct arena *a, struct made *m)
{
    struct feed feed = feed_of(s);
    struct buf links;

    buf_init(&links, LINKS_MAX);
    feed_links(&feed, m->wanted.format, &links);
    m->body = feeds_get(s, a, m->wanted.format, buf_str(&links), &m->e);
    buf_clear(&links);
}

static void make_entry(struct engine_source *s, struct arena *a, struct made *m)
{
    struct feed feed = feed_of(s);
    struct store *store = s->engine->options.store;
    struct neighbours beside;
    struct entry entry;
    char id[ID_SIZE];
    struct buf out;

    snprintf(id, sizeof(id), "urn:uuid:%.*s", STR_ARG(m->wanted.uuid));
    if (store_entry(store, a, s->state.name, str_of(id), &entry, &m->e) != 1)
        return;
    m->gone = is_gone(s, &entry);
    buf_init(&out, BODY_MAX);
    if (!m->gone && store_neighbours(store, a, s->state.name, str_of(id), &beside, &m->e) == 0 &&
        feed_entry_page(&feed, &entry, &beside, &out, &m->e) == 0)
        made_of(m, buf_str(&out), MEDIA_HTML, CACHE_FEED, s->pages_since);
    buf_clear(&out);
}

/* Byte for byte as it was rendered. */
static void make_archive(struct engine_source *s, struct arena *a, struct made *m)
{
    struct str bytes;
    int64_t since;

    if (store_archive(s->engine->options.store, a, s->state.name, m->wanted.number, &bytes, &since,
                      &m->e) == 1)
        made_of(m, bytes, MEDIA_ATOM, CACHE_ARCHIVE, since);
}

/* Whether what happened to an entry may still be told: not of one that was dropped. */
static bool may_tell(const struct engine_source *s, const struct change *change)
{
    struct arena *a = s->conf->removed == REMOVED_DROP ? arena_new() : NULL;
    struct entry entry;
    struct error e;

    if (s->conf->removed != REMOVED_DROP)
        return true;
    bool may = a &&
               store_entry(s->engine->options.store, a, s->state.name, str_of(change->id), &entry,
                           &e) == 1 &&
               entry.live;
    arena_free(a);
    return may;
}

/* Returns how many of the changes are taken. */
static size_t take_changes(const struct engine_source *s, const struct change *all, size_t count,
                           struct feed_change *taken)
{
    size_t n = 0, bytes = 0;

    for (size_t i = 0; i < count; i++) {
        bytes += all[i].before.text.n + all[i].after.text.n;
        if (bytes > CHANGES_BYTES && n)
            break;
        if (!may_tell(s, &all[i]))
            continue;
        id_of_change(taken[n].id, all[i].id, all[i].after.number);
        taken[n++].change = &all[i];
    }
    return n;
}

static int64_t unchanged_since(const struct engine_source *s)
{
    return s->state.schedule.last_change ? s->state.schedule.last_change : empty_since(s);
}

static void make_changes(struct engine_source *s, struct arena *a, struct made *m)
{
    struct feed_change *taken = arena_array(a, CHANGES_MOST, sizeof(*taken));
    struct feed feed = feed_of(s);
    struct change *all;
    size_t count;
    char id[ID_SIZE], own[ID_SIZE];
    struct buf out;

    error_set(&m->e, "out of memory"); /* until there is a body */
    buf_init(&out, BODY_MAX);
    if (taken && store_changes(s->engine->options.store, a, s->state.name, CHANGES_MOST, &all,
                               &count, &m->e) == 0) {
        count = take_changes(s, all, count, taken);
        id_of_feed(id, s->state.id_base);
        id_of_change(own, id, 0);
        feed.id = str_of(own);
        feed.updated = count ? taken[0].change->after.at : unchanged_since(s);
        if (feed_changes(&feed, taken, count, &out, &m->e) == 0)
            m->body = publish_body(s->engine, m->path, buf_str(&out), MEDIA_ATOM, (struct str){0});
    }
    buf_clear(&out);
}

static void make(struct engine_source *s, struct made *m)
{
    static void (*const makers[])(struct engine_source * s, struct arena * a, struct made * m) = {
        [SITE_ENTRIES] = make_feed,
        [SITE_ENTRY] = make_entry,
        [SITE_CHANGES] = make_changes,
        [SITE_ARCHIVE] = make_archive,
    };
    struct arena *a = arena_new();

    if (a)
        makers[m->wanted.kind](s, a, m);
    else
        error_set(&m->e, "out of memory");
    arena_free(a);
}

/* That it cannot be had now does not mean that it is not there. */
static void publish_failed(struct engine *en, const char *path, const char *why)
{
    engine_log(en, 0, "%s: %s", path, why);
    site_busy(en->options.site, path);
}

static void publish_miss(struct engine *en, const char *path)
{
    struct made m = {.path = path};
    struct engine_source *s =
        site_parse(str_of(path), &m.wanted) ? engine_source(en, m.wanted.name) : NULL;

    /* Rendered since it was asked for: whoever waited has it. */
    if (s && m.wanted.kind == SITE_ENTRIES && feeds_stand(s, m.wanted.format))
        return;
    if (s)
        make(s, &m);
    if (m.body)
        site_publish(en->options.site, path, m.body, SITE_CACHED);
    else if (m.gone)
        site_gone(en->options.site, path);
    else if (m.e.text[0])
        publish_failed(en, path, m.e.text);
    else
        site_refuse(en->options.site, path);
}

void publish_misses(struct engine *en)
{
    struct mail *mail = mailbox_take(&en->misses);

    while (mail) {
        struct miss *miss = (struct miss *)mail; /* its first member */

        mail = mail->next;
        if (en->options.site)
            publish_miss(en, miss->path);
        free(miss);
    }
}

void engine_miss(struct engine *en, const char *path)
{
    size_t n = strlen(path) + 1;
    struct miss *miss = malloc(sizeof(*miss) + n);

    if (!miss)
        return; /* whoever waits is told to try again when its time is over */
    memcpy(miss->path, path, n);
    mailbox_put(&en->misses, &miss->mail);
    ev_async_send(en->options.loop, &en->missed);
}
