/* all: all.* is rendered when something in it may have changed, a moment later, so that many polls
 * in a row are one rendering, and seldom enough never to keep the poller from its work. */
#include "all.h"
#include "internal.h"
#include "merge.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Seconds that other events are waited for. */
#define SOON        0.5
/* The same where the store does not work. */
#define RETRY       60.0
/* After a rendering comes a rest of so many times the seconds of the processor that it took. What
 * else the machine has to do is no reason to wait. */
#define REST        20.0
#define REST_LEAST  0.1
#define REST_MOST   60.0
/* Sources whose entries get their places before the first rendering. */
#define MERGES_MOST 64

#define BODY_MAX ((size_t)256 * 1024 * 1024)

/* ---- rendering ----------------------------------------------------------------------------- */

static void publish_format(struct engine *en, const struct feed *feed, enum feed_format format)
{
    char path[32], etag[ETAG_SIZE];
    struct buf out, links;
    struct error e;

    snprintf(path, sizeof(path), "/" FEED_MERGED_NAME "%s", feed_suffix(format));
    buf_init(&out, BODY_MAX);
    buf_init(&links, LINKS_MAX);
    feed_links(feed, format, &links);
    if (feed_render(feed, format, &out, &e) < 0) {
        engine_log(en, 0, "%s: %s", path, e.text);
        goto out;
    }
    body_etag(etag, buf_str(&out));
    if (strcmp(etag, en->all.etags[format]) == 0)
        goto out; /* it stands there already */
    if (publish_feed(en, path, buf_str(&out), feed_media(format), buf_str(&links)))
        memcpy(en->all.etags[format], etag, sizeof(etag));
    else
        engine_log(en, 0, "%s: out of memory", path);
out:
    buf_clear(&out);
    buf_clear(&links);
    engine_alive(en);
}

/* A UUID of version 4 (RFC 9562 5.4). */
static struct str fresh_uuid(struct engine *en, char space[37])
{
    uint32_t r[4];

    for (size_t i = 0; i < 4; i++)
        r[i] = en->options.random(en->options.arg);
    snprintf(space, 37, "%08x-%04x-4%03x-%04x-%04x%08x", r[0], r[1] >> 16, r[1] & 0xfff,
             0x8000 | (r[2] >> 16 & 0x3fff), r[2] & 0xffff, r[3]);
    return str_of(space);
}

static int all_render(struct engine *en)
{
    char space[37];
    const struct all_view view = {.store = en->options.store,
                                  .conf = en->conf,
                                  .base_url = str_of(en->base_url),
                                  .fresh = fresh_uuid(en, space),
                                  .now = engine_now(en)};
    struct arena *a = arena_new();
    struct feed feed;
    struct error e = {"out of memory"};
    int result = a ? all_collect(&view, a, &feed, &e) : -1;

    for (enum feed_format format = 0; format < FEED_FORMATS && result == 0; format++)
        publish_format(en, &feed, format);
    if (result < 0)
        engine_log(en, 0, "/" FEED_MERGED_NAME ": %s", e.text);
    else
        engine_log(en, 3, "/" FEED_MERGED_NAME ": rendered, %zu entries", feed.count);
    arena_free(a);
    return result;
}

static void timer_set(struct engine *en, ev_timer *timer, double seconds)
{
    ev_timer_stop(en->options.loop, timer);
    ev_timer_set(timer, seconds, 0.);
    ev_timer_start(en->options.loop, timer);
}

static double processor_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Renders, and rests afterwards. What stood there stays where that fails. */
static void all_publish(struct engine *en)
{
    double begun = processor_seconds(), rest;

    en->all.wanted = false;
    if (all_render(en) < 0)
        timer_set(en, &en->all.soon, RETRY);
    if (!turns_running(en->turns))
        memory_give_back();
    polish_soon(en);
    rest = (processor_seconds() - begun) * REST;
    ev_now_update(en->options.loop);
    timer_set(en, &en->all.rest,
              rest < REST_LEAST  ? REST_LEAST
              : rest < REST_MOST ? rest
                                 : REST_MOST);
}

/* ---- when ---------------------------------------------------------------------------------- */

static void on_rest(struct ev_loop *loop, ev_timer *w, int events)
{
    struct engine *en = w->data;

    (void)loop;
    (void)events;
    if (en->all.wanted)
        all_publish(en);
}

/* One source a round, so that the loop has its turn in between. */
static void on_soon(struct ev_loop *loop, ev_timer *w, int events)
{
    struct engine *en = w->data;
    struct error e;
    int more = merge_next(en->options.store, en->conf, &e);

    (void)loop;
    (void)events;
    engine_alive(en);
    if (more < 0)
        engine_log(en, 0, "/" FEED_MERGED_NAME ": %s", e.text);
    if (more)
        timer_set(en, &en->all.soon, more < 0 ? RETRY : 0.);
    else if (ev_is_active(&en->all.rest))
        en->all.wanted = true;
    else
        all_publish(en);
}

void all_init(struct engine *en)
{
    ev_timer_init(&en->all.soon, on_soon, 0., 0.);
    ev_timer_init(&en->all.rest, on_rest, 0., 0.);
    en->all.soon.data = en->all.rest.data = en;
}

void all_touch(struct engine *en)
{
    if (en->options.site && !ev_is_active(&en->all.soon))
        timer_set(en, &en->all.soon, SOON);
}

bool all_is_pending(const struct engine *en)
{
    return en->all.wanted || ev_is_active(&en->all.soon);
}

void all_configure(struct engine *en)
{
    struct error e;
    int more = 1;

    if (!en->options.site)
        return;
    for (int i = 0; i < MERGES_MOST && more > 0; i++) {
        more = merge_next(en->options.store, en->conf, &e);
        engine_alive(en);
    }
    if (more < 0)
        engine_log(en, 0, "/" FEED_MERGED_NAME ": %s", e.text);
    ev_timer_stop(en->options.loop, &en->all.soon);
    all_publish(en);
    if (more)
        all_touch(en);
}

void all_stop(struct engine *en)
{
    ev_timer_stop(en->options.loop, &en->all.soon);
    ev_timer_stop(en->options.loop, &en->all.rest);
}
