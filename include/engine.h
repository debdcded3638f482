/* engine: the one place that sees all stages: source due → fetch → digest → store → feed → site.
 * Lives on the poller's loop; only engine_miss may be called from another thread. */
#pragma once

#include "base.h"
#include "conf.h"
#include "feed.h"
#include "model.h"
#include "proc.h"
#include "site.h"
#include "store.h"

struct ev_loop;
struct engine;

struct engine_options {
    struct ev_loop *loop;
    struct store *store;
    struct site *site;          /* NULL: nothing is served */
    struct proc_helper *helper; /* NULL: no fetch-command */
    const char *fetch_service;  /* the socket of the fetch service; NULL: there is none */
    int64_t (*clock)(void *arg);
    uint32_t (*random)(void *arg);
    /* level as in the conf's log-level */
    void (*log)(void *arg, int level, const char *text);
    void (*alive)(void *arg); /* between stages: feed the watchdog; may be NULL */
    void *arg;                /* of the four above */
};

/* NULL and `e`. All that is borrowed must outlive the engine. */
struct engine *engine_new(const struct engine_options *options, struct error *e);

/* Takes over a conf (a reference of its own): sources that are new, changed or gone. What the store
 * has of each is rendered and published. `base_url` is the one of the conf, or made from the first
 * listen. -1: the store failed; the old conf goes on. */
int engine_configure(struct engine *en, struct conf *conf, const char *base_url, struct error *e);
/* From now on sources are polled when they are due. */
void engine_start(struct engine *en);

/* A row of `digestd poll`: event is "new" … "removed" or "error"; id "-" for that one. */
typedef void engine_row(void *arg, const char *source, const char *event, const char *id,
                        struct str title);
/* All of them are done; so many failed. */
typedef void engine_polled(void *arg, size_t failed);
/* Polls each of the named sources once, now (count 0: every source). `polled` is called from the
 * loop, exactly once, unless the engine is freed before. -1: a name that is no source. */
int engine_poll(struct engine *en, const struct str *names, size_t count, engine_row *row,
                engine_polled *polled, void *arg, struct error *e);

/* Calls `settled`, from the loop, as soon as nothing is left to be handed over to programs that is
 * due now. For whoever polls without a daemon. */
void engine_settle(struct engine *en, void (*settled)(void *arg), void *arg);

/* No more polls; those under way may end within `seconds`; then `stopped`, from the loop. What is
 * still to be written is written. */
void engine_stop(struct engine *en, double seconds, void (*stopped)(void *arg), void *arg);
void engine_free(struct engine *en);

/* What the feed of a source says of itself: the conf first, then the page, then what is always
 * known. Entries, id and date are left to the caller; views into the arguments. `own_home` is what
 * engine_own_home gave. */
struct feed engine_feed(const struct source_conf *conf, const struct source_state *state,
                        struct str base_url, struct str own_home);
/* Where readers are led who look for a page that is a file here: its place on our index, since the
 * path of the file is of no use to them, and none of their business. Empty: the page is elsewhere.
 */
void engine_own_home(struct buf *out, const struct source_conf *conf, struct str base_url);

/* What a source of the conf goes on with. */
struct engine_heritage {
    struct str name;      /* under which it is stored, where that is another; empty: its own, or
                             nothing is */
    struct error warning; /* what whoever wrote the conf should know; empty: nothing */
};
/* Only reads. Strings are in `a` or of `source`. 0, -1. */
int engine_heritage(struct store *store, struct arena *a, const struct conf *conf,
                    const struct source_conf *source, struct engine_heritage *out, struct error *e);

/* Any thread: somebody wants the body at `path`, which the site does not have. */
void engine_miss(struct engine *en, const char *path);
