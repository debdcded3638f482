/* polish: once there is nothing else to do, the feeds are made anew with the best compression that
 * pays. Their ETag and Last-Modified are of what they say, not of how it is packed, so that no
 * reader fetches anything again. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* Seconds without work before it begins. */
#define SOON      1.0
/* Bytes of a body: below it there is nothing to be gained; above it, it takes so long in one call
 * that a poll would have to wait. */
#define LEAST     ((size_t)4096)
#define MOST      ((size_t)2 * 1024 * 1024)
/* Bytes that are kept for it at once. What finds no room stays as it is. */
#define KEPT_MOST ((size_t)8 * 1024 * 1024)
/* Seconds before a poll that it keeps its hands off. */
#define EVE       2

/* A feed that is served, as it was made. */
struct unpolished {
    struct unpolished *next;
    struct polish_feed feed; /* views into text */
    size_t size;
    char text[];
};

static char *put(char *to, struct str s)
{
    if (s.n)
        memcpy(to, s.p, s.n);
    to[s.n] = '\0';
    return to + s.n + 1;
}

static struct unpolished *unpolished_new(const struct polish_feed *feed)
{
    size_t path = strlen(feed->path), size = path + feed->links.n + feed->bytes.n + 3;
    struct unpolished *u = malloc(sizeof(*u) + size);
    char *links, *bytes;

    if (!u)
        return NULL;
    *u = (struct unpolished){.feed = *feed, .size = size};
    links = put(u->text, (struct str){feed->path, path});
    bytes = put(links, feed->links);
    put(bytes, feed->bytes);
    u->feed.path = u->text;
    u->feed.links.p = links;
    u->feed.bytes.p = bytes;
    return u;
}

/* ---- the queue ------------------------------------------------------------------------------ */

static void drop(struct polish *p, struct unpolished **link)
{
    struct unpolished *u = *link;

    *link = u->next;
    p->bytes -= u->size;
    free(u);
}

/* Those at a path that begins so. */
static void drop_all(struct polish *p, struct str beginning)
{
    struct unpolished **link = &p->first;

    while (*link)
        if (str_starts(str_of((*link)->feed.path), beginning))
            drop(p, link);
        else
            link = &(*link)->next;
}

static void append(struct polish *p, struct unpolished *u)
{
    struct unpolished **link = &p->first;

    while (*link)
        link = &(*link)->next;
    *link = u;
    p->bytes += u->size;
}

void polish_drop(struct engine *en, const char *path)
{
    drop_all(&en->polish, str_of(path));
}

void polish_later(struct engine *en, const struct polish_feed *feed)
{
    struct polish *p = &en->polish;
    struct unpolished *u;

    polish_drop(en, feed->path);
    polish_soon(en);
    if (feed->bytes.n < LEAST || feed->bytes.n > MOST || feed->bytes.n > KEPT_MOST - p->bytes)
        return;
    u = unpolished_new(feed);
    if (u)
        append(p, u);
}

void polish_forget(struct engine *en, const char *name)
{
    struct buf beginning;

    buf_init(&beginning, SIZE_MAX);
    buf_printf(&beginning, "/%s.", name);
    drop_all(&en->polish, buf_str(&beginning));
    buf_clear(&beginning);
}

/* ---- when ----------------------------------------------------------------------------------- */

static void timer_set(struct engine *en, double seconds)
{
    ev_timer_stop(en->options.loop, &en->polish.soon);
    ev_timer_set(&en->polish.soon, seconds, 0.);
    ev_timer_start(en->options.loop, &en->polish.soon);
}

/* Then whoever is at work says so at the end of it. */
static bool is_busy(const struct engine *en)
{
    return turns_running(en->turns) || en->stopping || all_is_pending(en) ||
           en->due_at <= engine_now(en) + EVE;
}

static void polish_one(struct engine *en)
{
    const struct polish_feed *feed = &en->polish.first->feed;
    struct body *body =
        body_new_best(feed->bytes, feed->media, CACHE_FEED, feed->since, feed->links);

    if (body && site_publish(en->options.site, feed->path, body, SITE_FEED) == 0)
        engine_log(en, 3, "%s: compressed anew", feed->path);
    drop(&en->polish, &en->polish.first);
    engine_alive(en);
}

/* One a round, so that the loop has its turn in between. At the end what all of it took is given
 * back, a round later, when the server has let go of what stood there before. */
static void on_soon(struct ev_loop *loop, ev_timer *w, int events)
{
    struct engine *en = w->data;

    (void)loop;
    (void)events;
    if (is_busy(en))
        return;
    if (!en->polish.first) {
        memory_give_back();
        return;
    }
    polish_one(en);
    timer_set(en, en->polish.first ? 0. : SOON);
}

void polish_init(struct engine *en)
{
    ev_timer_init(&en->polish.soon, on_soon, 0., 0.);
    en->polish.soon.data = en;
}

void polish_soon(struct engine *en)
{
    if (en->options.site)
        timer_set(en, SOON);
}

void polish_stop(struct engine *en)
{
    ev_timer_stop(en->options.loop, &en->polish.soon);
    drop_all(&en->polish, STR(""));
}
