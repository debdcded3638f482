/* publish: what the store has → bodies → site. Runs when something has changed, never because
 * somebody asks, but for entry pages. */
#include "internal.h"

#include "digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
                        struct str base_url)
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
        .home = first_of(info->canonical, url, none),
        .base_url = base_url,
    };
}

static struct feed feed_of(const struct engine_source *s)
{
    return engine_feed(s->conf, &s->state, str_of(s->engine->base_url));
}

static struct body *body_make(struct engine *en, const char *path, struct str bytes,
                              enum media media)
{
    char etag[ETAG_SIZE];
    int64_t now = engine_now(en), since;
    struct error e;

    body_etag(etag, bytes);
    if (store_body_since(en->options.store, str_of(path), str_of(etag), now, &since, &e) < 0) {
        engine_log(en, 1, "%s", e.text);
        since = now;
    }
    return body_new(bytes, media, CACHE_FEED, since, true);
}

static void publish_format(struct engine_source *s, const struct feed *feed,
                           enum feed_format format)
{
    struct engine *en = s->engine;
    char path[256];
    struct buf out;
    struct error e;
    struct body *body = NULL;

    snprintf(path, sizeof(path), "/%s%s", s->conf->name, feed_suffix(format));
    buf_init(&out, BODY_MAX);
    if (feed_render(feed, format, &out, &e) == 0)
        body = body_make(en, path, buf_str(&out), feed_media(format));
    else
        engine_log(en, 0, "%s: %s", s->conf->name, e.text);
    buf_clear(&out);
    if (body && site_publish(en->options.site, path, body, SITE_FEED) < 0)
        engine_log(en, 0, "%s: out of memory", s->conf->name);
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

void publish_feeds(struct engine_source *s)
{
    struct engine *en = s->engine;
    struct feed feed = feed_of(s);
    struct arena *a = arena_new();
    const struct entry **picked = NULL;
    struct entry *all = NULL;
    size_t count = 0;
    char id[ID_SIZE];
    struct error e = {""};

    if (!en->options.site)
        goto out;
    if (!a || store_entries(en->options.store, a, s->state.name, &all, &count, &e) < 0) {
        engine_log(en, 0, "%s: %s", s->conf->name, a ? e.text : "out of memory");
        goto out;
    }
    picked = arena_array(a, count + 1, sizeof(*picked));
    if (!picked)
        goto out;
    id_of_feed(id, s->state.id_base);
    feed.id = str_of(id);
    feed.count = feed_window(all, count, (size_t)s->conf->max_entries,
                             s->conf->removed == REMOVED_DROP, engine_now(en), picked);
    feed.entries = picked;
    feed.updated = feed.count ? picked[0]->updated : empty_since(s);
    expire_pages(s);
    s->entries = feed.count;
    for (enum feed_format format = 0; format < FEED_FORMATS; format++)
        publish_format(s, &feed, format);
    publish_row(s);
out:
    arena_free(a);
}

/* ---- rows, signs of life ------------------------------------------------------------------- */

void publish_row(const struct engine_source *s)
{
    const struct source_state *state = &s->state;
    struct feed feed = feed_of(s);
    struct feed_row row = {
        .name = s->conf->name,
        .title = (char *)feed.title.p, /* all are NUL-terminated; the row is copied */
        .url = (char *)feed.home.p,
        .reason = state->doubt != DOUBT_NONE ? (char *)state->reason.p : NULL,
        .entries = (int64_t)s->entries,
        .last_poll = state->schedule.last_poll,
        .next_poll = state->schedule.next_poll,
        .last_change = state->schedule.last_change,
        .trouble_since = state->schedule.trouble_since,
        .known = state->schedule.last_good != 0,
    };

    if (s->engine->options.site)
        site_tell(s->engine->options.site, &row);
}

void publish_beat(const struct engine *en)
{
    if (en->options.site)
        site_beat(en->options.site, engine_now(en), en->due_at, en->store_works);
}

/* ---- entry pages --------------------------------------------------------------------------- */

static struct body *page_render(struct engine_source *s, struct str uuid)
{
    struct feed feed = feed_of(s);
    struct arena *a = arena_new();
    struct body *body = NULL;
    struct store *store = s->engine->options.store;
    struct neighbours beside;
    struct entry entry;
    char id[ID_SIZE];
    struct buf out;
    struct error e;

    buf_init(&out, BODY_MAX);
    snprintf(id, sizeof(id), "urn:uuid:%.*s", STR_ARG(uuid));
    if (a && store_entry(store, a, s->state.name, str_of(id), &entry, &e) == 1 &&
        store_neighbours(store, a, s->state.name, str_of(id), &beside, &e) == 0 &&
        feed_entry_page(&feed, &entry, &beside, &out, &e) == 0)
        body = body_new(buf_str(&out), MEDIA_HTML, CACHE_FEED, s->pages_since, true);
    buf_clear(&out);
    arena_free(a);
    return body;
}

static void publish_miss(struct engine *en, const char *path)
{
    struct str name, uuid;
    struct body *body = NULL;

    if (site_entry_path(str_of(path), &name, &uuid))
        for (size_t i = 0; i < en->count && !body; i++)
            if (str_eq(name, str_of(en->sources[i]->conf->name)))
                body = page_render(en->sources[i], uuid);
    if (body)
        site_publish(en->options.site, path, body, SITE_CACHED);
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
