/* fetch: bytes of a page, over libcurl's multi interface on libev; and, pure, when to look again.
 * The only room that knows curl. */
#pragma once

#include "base.h"
#include "conf.h"
#include "model.h"
#include "proc.h"

struct ev_loop;

/* ---- fetching ------------------------------------------------------------------------------ */

struct fetcher;
struct fetch;

enum fetch_status {
    FETCH_OK,           /* a 200 (or a file): body is there, whole */
    FETCH_NOT_MODIFIED, /* 304 */
    FETCH_NOT_WHOLE,    /* broke off in the body */
    FETCH_FAILED        /* everything else; `reason` says what */
};

/* What came of it. Views are valid during the callback only. */
struct fetch_result {
    enum fetch_status status;
    long http_status;               /* 0: none came */
    struct str body;                /* decoded */
    struct str url;                 /* after redirects */
    struct str content_type;        /* as sent; empty: none */
    struct str etag, last_modified; /* of the last answer, byte for byte */
    int64_t file_time;              /* of a file:, its mtime; else 0 */
    int64_t retry_after;            /* seconds from now that the host asked for; 0: did not */
    struct str cookies;             /* Netscape lines, all that are known now */
    const char *reason;             /* a sentence; "" where OK or NOT_MODIFIED */
};

typedef void fetch_done(void *arg, const struct fetch_result *result);

/* Initialises libcurl, which counts its users. `helper` runs fetch commands; NULL: there are none.
 */
struct fetcher *fetcher_new(struct ev_loop *loop, struct proc_helper *helper, struct error *e);
/* Cancels what is under way (no callback), then frees. Not from inside a callback. NULL is fine. */
void fetcher_free(struct fetcher *f);

/* Starts fetching `url` as `conf` says. `validators` (NULL: none) make it conditional; `cookies`
 * are Netscape lines from earlier. `now` is for Retry-After dates. All arguments are copied.
 * `done` is called exactly once, from the loop, never from inside this call, unless cancelled.
 * NULL: `e` says why, done is not called. */
struct fetch *fetch_start(struct fetcher *f, struct str url, const struct poll_conf *conf,
                          const struct validators *validators, struct str cookies, int64_t now,
                          fetch_done *done, void *arg, struct error *e);
/* Posts `form`, of the type application/x-www-form-urlencoded, in the same way. FETCH_OK is any
 * status of 2xx; redirects are not followed. Of `conf` the limits of time, the proxy and the
 * user-agent hold, not what is meant for the site of its page. */
struct fetch *fetch_post(struct fetcher *f, struct str url, struct str form,
                         const struct poll_conf *conf, int64_t now, fetch_done *done, void *arg,
                         struct error *e);
/* done is not called. A callback may start and cancel fetches; its own is gone when it returns. */
void fetch_cancel(struct fetch *f);

/* ---- the fetch service, which runs fetch commands where the daemon may not ------------------- */

/* Once, before the first fetch: fetch commands are run by the service at this socket, where there
 * is one (copied; NULL: they are not). */
int fetcher_use_service(struct fetcher *f, const char *path, struct error *e);

/* The fetch service: takes the one question that comes on `connection`, runs the fetch-command that
 * it names if `conf` has it, and answers. Returns when that is done, or when whoever asked has hung
 * up. `conf` NULL: it answers that the conf is faulty. -1 and `e`, which was answered too. */
int fetch_serve(int connection, const struct conf *conf, struct proc_helper *helper,
                struct error *e);

/* ---- schedule (pure) ----------------------------------------------------------------------- */

enum poll_result {
    POLL_GOOD,  /* believed, 304, or the same bytes */
    POLL_HELD,  /* held for its losses: looked at again at the usual interval */
    POLL_FAILED /* fetch or doubt: backs off, doubling, up to a day, for ever */
};

/* Brings `s` up to date after a poll that ended at `now`, next_poll included. `interval` in
 * seconds; `retry_after` 0 or what the host asked for (a floor; at most a day is honoured);
 * `random` any 32 random bits, for ±10 % of jitter. */
void schedule_after(struct schedule *s, enum poll_result result, int64_t now, int64_t interval,
                    int64_t retry_after, uint32_t random);
/* When a source is due that was loaded at start-up: its kept next_poll where that is sane (not
 * further away than the back-off's cap), else at once. */
int64_t schedule_at_start(const struct schedule *s, int64_t now, int64_t interval);
