/* site: path → body. Owned by the server thread; the two ways in from the poller are the functions
 * marked "any thread". */
#pragma once

#include "base.h"
#include "feed.h"

struct ev_loop;
struct site;

struct site_options {
    const char *version;
    size_t cache_size;  /* bytes for bodies that were rendered because somebody asked */
    size_t max_waiting; /* paths that may be asked of the poller at once; over it: BUSY */
    /* Called on the server thread: please render `path` and answer with site_publish or
     * site_refuse. NULL: nothing is ever rendered on request. */
    void (*miss)(void *arg, const char *path);
    void *miss_arg;
};

/* `loop` is the server's: site hears its mail through an ev_async on it. */
struct site *site_new(struct ev_loop *loop, const struct site_options *options, struct error *e);
void site_free(struct site *s);

/* ---- from the poller: any thread ----------------------------------------------------------- */

enum site_keep {
    SITE_FEED,  /* stays until it is replaced or retired */
    SITE_CACHED /* may go when memory is short, and is asked for again */
};

/* Puts `body` (one reference, given away) at `path` ("/blog.atom"). 0, or -1: no memory, body is
 * unreferenced. */
int site_publish(struct site *s, const char *path, struct body *body, enum site_keep keep);
/* There is nothing at `path` (404 for whoever waits, and what stood there goes). */
int site_refuse(struct site *s, const char *path);
/* It cannot be had now (503 for whoever waits; it is asked for again next time). */
int site_busy(struct site *s, const char *path);
/* What stood at `path` was taken out (410 for whoever waits; it is asked for again next time). */
int site_gone(struct site *s, const char *path);
/* What was called `from` is called `to`: where nothing stands below the old name, requests are sent
 * to the new one, on the base-url. `to` NULL: no longer. */
int site_moved(struct site *s, const char *from, const char *to);
/* What is cached of this source, at /NAME. and below /NAME/, is out of date. Whoever waits for it
 * goes on waiting. */
int site_expire(struct site *s, const char *name);
/* A source's line of the index (copied). */
int site_tell(struct site *s, const struct feed_row *row);
/* The source is gone: its row, and every path that begins with /NAME. or /NAME/. */
int site_forget(struct site *s, const char *name);
/* The base-url of links on the index page, and in what order sources stand (NULL-terminated). */
int site_describe(struct site *s, const char *base_url, const char *const *names);
/* A sign of life of the poller and its store, for /healthz: `now`, and when the next one is due. */
int site_beat(struct site *s, int64_t now, int64_t next, bool store_works);
/* What the poller has counted, for /metrics. */
int site_count(struct site *s, const struct feed_poller *counts);

/* ---- from http: the server thread ---------------------------------------------------------- */

enum site_answer {
    SITE_HAVE,   /* *body holds a reference for the caller */
    SITE_NONE,   /* 404 */
    SITE_GONE,   /* 410 */
    SITE_MOVED,  /* 301, and *body says where to */
    SITE_CHOICE, /* 303: a feed, and site_format says where it is in which format */
    SITE_WAIT,   /* `waiter` is told later */
    SITE_BUSY,   /* 503 */
    SITE_SICK    /* 503, and *body says why (healthz) */
};

/* Embedded in a connection. `ready` is called once, on the server thread, with SITE_HAVE,
 * SITE_NONE, SITE_GONE or SITE_BUSY. */
struct site_waiter {
    struct site_waiter *next, **link;
    void (*ready)(struct site_waiter *w, enum site_answer answer, struct body *body);
};

/* A reference to the body at `path` where it is ready, as those of most requests are: to know that
 * takes no more than the path. NULL: ask site_find. */
struct body *site_ready(struct site *s, struct str path);
/* What stands at the absolute path `path` (percent-decoded, no query); what is there in several
 * languages, in `language`. `now` in seconds. `waiter` NULL: never SITE_WAIT. */
enum site_answer site_find(struct site *s, struct str path, enum page_language language,
                           int64_t now, struct body **body, struct site_waiter *waiter);
/* Where the feed at `path`, of which site_find has said SITE_CHOICE, is in this format. NULL: no
 * memory. */
struct body *site_format(const struct site *s, struct str path, enum feed_format format);
/* What the server counts for /metrics: on its thread, as the site itself. */
struct feed_server *site_server(struct site *s);
/* The waiter is gone (deadline, connection closed). Fine where it does not wait. */
void site_cancel(struct site_waiter *w);

/* ---- paths whose bodies are made on request ------------------------------------------------ */

enum site_kind {
    SITE_ENTRIES, /* /NAME.atom, /NAME.rss, /NAME.json */
    SITE_ENTRY,   /* /NAME/UUID.html */
    SITE_CHANGES, /* /NAME/changes.atom */
    SITE_ARCHIVE  /* /NAME/archive/N.atom */
};

struct site_path {
    enum site_kind kind;
    struct str name;
    enum feed_format format;
    struct str uuid;
    int64_t number;
};

/* What a path names. False: nothing of this kind. Views into path. */
bool site_parse(struct str path, struct site_path *out);
