/* site: the two sides of the path table. The poller writes notes and drops them into a mailbox;
 * the server's loop is woken, reads them and alone touches the table. */
#include "site.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "front.h"
#include "moved.h"
#include "pages.h"

#define LOCATION_MAX  3000
#define FEED_PATH_MAX 128 /* a name has at most 64 letters */

struct site {
    struct mailbox box;
    struct ev_async wake;
    struct ev_loop *loop;
    struct pages pages;
    struct front front;
    struct moved moved;
    void (*miss)(void *arg, const char *path);
    void *miss_arg;
};

/* What the poller has to say. It owns what hangs on it until `apply` takes that. */
struct note {
    struct mail mail;
    void (*apply)(struct site *s, struct note *n);
    struct body *body;
    enum site_keep keep;
    struct feed_row *row;
    int64_t now, next;
    bool store_works;
    struct feed_poller *counts;
    size_t size; /* of text */
    char text[]; /* a path, a name, or words one after the other, each NUL-terminated */
};

/* With `text` NULL the text is `size` zero bytes. */
static struct note *note_new(void (*apply)(struct site *, struct note *), const void *text,
                             size_t size)
{
    struct note *n = calloc(1, sizeof *n + size);
    if (!n)
        return NULL;
    n->apply = apply;
    n->size = size;
    if (text)
        memcpy(n->text, text, size);
    return n;
}

static void note_free(struct note *n)
{
    body_unref(n->body);
    feed_row_free(n->row);
    free(n->counts);
    free(n);
}

static int note_send(struct site *s, struct note *n)
{
    if (mailbox_put(&s->box, &n->mail))
        ev_async_send(s->loop, &s->wake);
    return 0;
}

static struct note *note_take(struct mail **list)
{
    struct mail *m = *list;
    if (!m)
        return NULL;
    *list = m->next;
    return (struct note *)((char *)m - offsetof(struct note, mail));
}

/* ---- the server's side of each note -------------------------------------------------------- */

static void apply_publish(struct site *s, struct note *n)
{
    struct body *body = n->body;
    n->body = NULL;
    pages_put(&s->pages, n->text, body, n->keep);
}

static void apply_refuse(struct site *s, struct note *n)
{
    pages_drop(&s->pages, n->text, SITE_NONE);
}

static void apply_gone(struct site *s, struct note *n)
{
    pages_drop(&s->pages, n->text, SITE_GONE);
}

static void apply_busy(struct site *s, struct note *n)
{
    pages_drop(&s->pages, n->text, SITE_BUSY);
}

/* The new name stands behind the old one; an empty one is none. */
static void apply_moved(struct site *s, struct note *n)
{
    const char *to = n->text + strlen(n->text) + 1;
    moved_set(&s->moved, n->text, *to ? to : NULL);
}

static void apply_expire(struct site *s, struct note *n)
{
    pages_expire(&s->pages, str_of(n->text));
}

static void apply_tell(struct site *s, struct note *n)
{
    struct feed_row *row = n->row;
    n->row = NULL;
    front_tell(&s->front, row);
}

static void apply_forget(struct site *s, struct note *n)
{
    front_forget(&s->front, str_of(n->text));
    pages_drop_all(&s->pages, str_of(n->text));
}

static void apply_describe(struct site *s, struct note *n)
{
    front_describe(&s->front, n->text, n->size);
}

static void apply_beat(struct site *s, struct note *n)
{
    front_beat(&s->front, n->now, n->next, n->store_works);
}

static void apply_count(struct site *s, struct note *n)
{
    front_count(&s->front, n->counts);
}

/* ---- the poller's side --------------------------------------------------------------------- */

int site_publish(struct site *s, const char *path, struct body *body, enum site_keep keep)
{
    struct note *n = note_new(apply_publish, path, strlen(path) + 1);
    if (!n) {
        body_unref(body);
        return -1;
    }
    n->body = body;
    n->keep = keep;
    return note_send(s, n);
}

static int send_text(struct site *s, void (*apply)(struct site *, struct note *), const char *text)
{
    struct note *n = note_new(apply, text, strlen(text) + 1);
    return n ? note_send(s, n) : -1;
}

int site_refuse(struct site *s, const char *path)
{
    return send_text(s, apply_refuse, path);
}

int site_gone(struct site *s, const char *path)
{
    return send_text(s, apply_gone, path);
}

int site_busy(struct site *s, const char *path)
{
    return send_text(s, apply_busy, path);
}

int site_moved(struct site *s, const char *from, const char *to)
{
    size_t first = strlen(from) + 1;
    struct note *n = note_new(apply_moved, NULL, first + (to ? strlen(to) : 0) + 1);
    if (!n)
        return -1;
    memcpy(n->text, from, first);
    if (to)
        strcpy(n->text + first, to);
    return note_send(s, n);
}

int site_expire(struct site *s, const char *name)
{
    return send_text(s, apply_expire, name);
}

int site_forget(struct site *s, const char *name)
{
    return send_text(s, apply_forget, name);
}

int site_tell(struct site *s, const struct feed_row *row)
{
    struct note *n = note_new(apply_tell, NULL, 0);
    if (!n)
        return -1;
    n->row = feed_row_copy(row);
    if (!n->row) {
        note_free(n);
        return -1;
    }
    return note_send(s, n);
}

int site_describe(struct site *s, const char *base_url, const char *const *names)
{
    size_t size = strlen(base_url) + 2;
    for (size_t i = 0; names[i]; i++)
        size += strlen(names[i]) + 1;
    struct note *n = note_new(apply_describe, NULL, size);
    if (!n)
        return -1;
    char *end = stpcpy(n->text, base_url) + 1;
    for (size_t i = 0; names[i]; i++)
        end = stpcpy(end, names[i]) + 1;
    return note_send(s, n);
}

int site_beat(struct site *s, int64_t now, int64_t next, bool store_works)
{
    struct note *n = note_new(apply_beat, NULL, 0);
    if (!n)
        return -1;
    n->now = now;
    n->next = next;
    n->store_works = store_works;
    return note_send(s, n);
}

int site_count(struct site *s, const struct feed_poller *counts)
{
    struct note *n = note_new(apply_count, NULL, 0);
    if (!n || !(n->counts = malloc(sizeof *n->counts))) {
        free(n);
        return -1;
    }
    *n->counts = *counts;
    return note_send(s, n);
}

/* ---- the server's side --------------------------------------------------------------------- */

static void on_mail(struct ev_loop *loop, struct ev_async *wake, int revents)
{
    (void)loop, (void)revents;
    struct site *s = wake->data;
    struct mail *list = mailbox_take(&s->box);
    struct note *n;
    while ((n = note_take(&list))) {
        n->apply(s, n);
        note_free(n);
    }
}

struct site *site_new(struct ev_loop *loop, const struct site_options *options, struct error *e)
{
    struct site *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(e, "out of memory");
        return NULL;
    }
    s->loop = loop;
    s->miss = options->miss;
    s->miss_arg = options->miss_arg;
    pages_init(&s->pages, options->cache_size, options->max_waiting);
    front_init(&s->front, options->version);
    ev_async_init(&s->wake, on_mail);
    s->wake.data = s;
    ev_async_start(loop, &s->wake);
    return s;
}

void site_free(struct site *s)
{
    if (!s)
        return;
    ev_async_stop(s->loop, &s->wake);
    struct mail *list = mailbox_take(&s->box);
    struct note *n;
    while ((n = note_take(&list)))
        note_free(n);
    pages_clear(&s->pages);
    front_clear(&s->front);
    moved_clear(&s->moved);
    free(s);
}

static enum site_answer ask(struct site *s, struct str path, struct site_waiter *waiter)
{
    const char *miss;
    struct site_path wanted;
    if (!waiter || !s->miss || !site_parse(path, &wanted) || !front_knows(&s->front, wanted.name))
        return SITE_NONE;
    enum site_answer answer = pages_wait(&s->pages, path, waiter, &miss);
    if (miss)
        s->miss(s->miss_arg, miss);
    return answer;
}

/* "/NAME" of a feed that stands here. */
static bool is_feed(struct site *s, struct str path)
{
    char atom[FEED_PATH_MAX];
    int n = snprintf(atom, sizeof atom, "%.*s%s", STR_ARG(path), feed_suffix(FEED_ATOM));
    if (n < 0 || (size_t)n >= sizeof atom || str_find(path, STR("/"), 1) != SIZE_MAX)
        return false;
    struct body *body = pages_get(&s->pages, (struct str){atom, (size_t)n});
    body_unref(body);
    return body != NULL;
}

struct body *site_format(const struct site *s, struct str path, enum feed_format format)
{
    struct buf location;
    struct body *body = NULL;
    buf_init(&location, LOCATION_MAX);
    if (s->front.base_url)
        buf_puts(&location, s->front.base_url);
    buf_add(&location, path);
    buf_puts(&location, feed_suffix(format));
    if (!location.failed)
        body = body_see_other(buf_str(&location));
    buf_clear(&location);
    return body;
}

/* Nothing stands at `path`: was it ever there under another name? */
static enum site_answer look_elsewhere(struct site *s, struct str path, struct body **body)
{
    struct buf location;
    buf_init(&location, LOCATION_MAX);
    if (moved_find(&s->moved, str_of(s->front.base_url), path, &location))
        *body = body_redirect(buf_str(&location));
    buf_clear(&location);
    return *body ? SITE_MOVED : SITE_NONE;
}

struct feed_server *site_server(struct site *s)
{
    return &s->front.vitals.server;
}

/* Where the front looks for what the pages count. */
static void count_pages(struct site *s)
{
    s->front.vitals.cache = (struct feed_cache){
        .hits = s->pages.hits, .misses = s->pages.misses, .bytes = s->pages.cached};
}

struct body *site_ready(struct site *s, struct str path)
{
    return pages_get(&s->pages, path);
}

enum site_answer site_find(struct site *s, struct str path, enum page_language language,
                           int64_t now, struct body **body, struct site_waiter *waiter)
{
    enum site_answer answer;
    *body = site_ready(s, path);
    if (*body)
        return SITE_HAVE;
    count_pages(s);
    if (front_find(&s->front, path, language, now, &answer, body))
        return answer;
    if (is_feed(s, path))
        return SITE_CHOICE;
    answer = ask(s, path, waiter);
    return answer == SITE_NONE ? look_elsewhere(s, path, body) : answer;
}
