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
    long http_status; /* 0: none came */
    struct str body;  /* decoded */
    struct str url;   /* after redirects */
    struct str moved; /* where the redirects lead that come first and say that they are for good
                         (301, 308); empty: none */
    struct str content_type;        /* as sent; empty: none */
    struct str etag, last_modified; /* of the last answer, byte for byte */
    int64_t file_time;              /* of a file:, its mtime; else 0 */
    int64_t retry_after;            /* seconds from now that the host of `asked` wants to be left
                                       alone (429, 503); 0: it does not */
    int64_t fresh;                  /* so many seconds the page stays as it is, it says */
    struct str asked;               /* the address that was asked last, in a redirect the new one */
    struct str cookies;             /* Netscape lines, all that are known now; NULL: as before */
    const char *reason;             /* a sentence; "" where OK or NOT_MODIFIED */
};

typedef void fetch_done(void *arg, const struct fetch_result *result);

/* Initialises libcurl, which counts its users. `helper` runs fetch commands; NULL: there are none.
 */
struct fetcher *fetcher_new(struct ev_loop *loop, struct proc_helper *helper, struct error *e);
/* Cancels what is under way (no callback), then frees. Not from inside a callback. NULL is fine. */
void fetcher_free(struct fetcher *f);

/* So many fetches there will be at once, at the most: what is kept open goes by that. */
void fetcher_limit(struct fetcher *f, size_t most);

/* Starts fetching `url` as `conf` says, redirects followed. `validators` (NULL: none) make the
 * request to the address that gave them conditional; `cookies`
 * are Netscape lines from earlier. `now` is for Retry-After dates. All arguments are copied.
 * `done` is called exactly once, from the loop, never from inside this call, unless cancelled.
 * NULL: `e` says why, done is not called. */
struct fetch *fetch_start(struct fetcher *f, struct str url, const struct poll_conf *conf,
                          const struct validators *validators, struct str cookies, int64_t now,
                          fetch_done *done, void *arg, struct error *e);
/* The same for a page that has moved: `place`, unless it is empty, is asked in its stead, but it is
 * still the address of `url` that the operator's `header` is for. */
struct fetch *fetch_start_at(struct fetcher *f, struct str url, struct str place,
                             const struct poll_conf *conf, const struct validators *validators,
                             struct str cookies, int64_t now, fetch_done *done, void *arg,
                             struct error *e);
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
    POLL_GONE,  /* for good, as the site says: looked at once a day, for ever */
    POLL_FAILED /* fetch or doubt: backs off, doubling, up to a day, for ever */
};

/* What the time of the next poll is made from; all in seconds. */
struct schedule_terms {
    int64_t interval, interval_max; /* as the conf has them; of these two the longer is the most */
    int64_t fresh; /* so long the answer says it stays as it is; honoured up to interval_max */
    int64_t retry_after; /* what the host asked for, or 0; at most a day is honoured */
    uint32_t random;     /* any bits, for ±10 % of jitter */
    bool restless;       /* something is waited for: at `interval`, however quiet the page was */
};

/* Brings `s` up to date after a poll that ended at `now`, next_poll included; last_change is the
 * caller's, who sets it before. A page that has been quiet for n fortnights is looked at every n
 * intervals. */
void schedule_after(struct schedule *s, enum poll_result result, int64_t now,
                    const struct schedule_terms *terms);
/* When a source is due that was loaded at start-up: its kept next_poll where that is sane (not
 * further away than it can have been set to), else at once. */
int64_t schedule_at_start(const struct schedule *s, int64_t now, int64_t interval,
                          int64_t interval_max);

/* ---- turns (pure) -------------------------------------------------------------------------- */

/* Whose poll may begin now. No more than so many are under way in all, and 2 at one host (host and
 * port); a host that asked for a while of peace (Retry-After) has it; and polls of one host, or of
 * all, that are due together begin one after the other: 8 of a host at once and then one every 10
 * seconds, `most` in all and then 4 a second, or at twice the speed that the intervals of so many
 * sources come to. What somebody asks for waits for none of it but for those under way. A file has
 * no host. Each step costs O(log n). */
struct turns;
struct turns_host;

#define TURN_NEVER INT64_MAX

/* Embedded in what takes its turns; all of it is theirs. */
struct turn {
    struct heap_item item;
    struct turns_host *host;
    int64_t due, interval;
    bool asked, running;
};

struct turns *turns_new(size_t most); /* NULL: no memory */
void turns_free(struct turns *t);     /* all have left; NULL is fine */
void turns_limit(struct turns *t, size_t most);
/* Due at no time yet. -1: no memory, and it has not joined. */
int turns_join(struct turns *t, struct turn *turn, struct str url, int64_t interval);
void turns_leave(struct turns *t, struct turn *turn); /* fine where it has not joined */
/* One that is under way waits from its end on. */
void turns_due(struct turns *t, struct turn *turn, int64_t at);
void turns_ask(struct turns *t, struct turn *turn, bool asked);
/* The host of `url` is left alone until then, a day at most, by all but those that are asked for.
 * A host that is nobody's is not remembered. The host where that is longer than before, or NULL. */
struct turns_host *turns_hold(struct turns *t, struct str url, int64_t until, int64_t now);
/* Until when the turn's host is left alone; 0: it is not. */
int64_t turns_held(const struct turn *turn, int64_t now);
/* The one that may begin; it is under way from now on, no longer asked for, and due at no time.
 * NULL: none. */
struct turn *turns_begin(struct turns *t, int64_t now);
void turns_end(struct turns *t, struct turn *turn);
/* When the next may begin, unless one ends before; TURN_NEVER: not before one ends. */
int64_t turns_at(const struct turns *t);
size_t turns_running(const struct turns *t);
