/* engine: what its files share. poll.c carries one look at one source through the stages,
 * publish.c turns what the store has into bodies, engine.c says when. */
#pragma once

#include "engine.h"
#include "feed.h"
#include "fetch.h"

#include <ev.h>

struct job;

struct wait;

/* One source at work. */
struct engine_source {
    struct turn turn; /* first, so that a turn is found to be the source's */
    struct engine *engine;
    const struct source_conf *conf; /* in engine->conf */
    char *own_home;                 /* see engine_own_home; NULL: the page is elsewhere */
    char *strings;                  /* of state */
    struct source_state state;
    struct fetch *fetch; /* under way */
    struct wait *waits;  /* of jobs */
    uint64_t begun;      /* polls so far: who asks waits for one that begins after that */
    bool dirty;          /* state has changed and is not yet in the store */
    struct engine_source *dirty_prev, *dirty_next;
    bool untold; /* its line of the index is not the one that the site has */
    struct engine_source *untold_prev, *untold_next;
    size_t entries;       /* in its feed */
    struct hash *dropped; /* of each archive page seen: which of its entries are gone */
    size_t dropped_count;
    struct pages *pages; /* of a digest of several, while it is polled */
    struct watch *watch; /* of a page that is a file; NULL: none */
    struct arena *names;
    struct str *former; /* the names that it had before, in `names` */
    size_t former_count;
    int64_t last_new;   /* when the newest of its entries was first seen */
    double fetch_began; /* of the poll under way, on the monotonic clock */
    struct feed_tally tally;
    struct feed_activity activity;
    int64_t pages_since;       /* the pages of its entries are as they have been since then */
    size_t kept[FEED_FORMATS]; /* bytes of each of its feeds in memory; 0: it is in the store */
};

/* What is being handed over (outbox.c). */
struct outbox {
    struct delivery *deliveries;
    struct fetcher *fetcher; /* its own: a hub that is slow holds no connection that polls need */
    size_t running[MESSAGE_KINDS];
    ev_timer timer; /* of the next look at the store */
    void (*settled)(void *arg);
    void *settled_arg;
};

/* all.*, which is rendered a little after something has changed. */
struct all {
    ev_timer soon;                       /* something has changed */
    ev_timer rest;                       /* it was rendered a moment ago */
    bool wanted;                         /* again, once the rest is over */
    char etags[FEED_FORMATS][ETAG_SIZE]; /* of what is published */
};

/* Feeds that wait for their best compression. */
struct polish {
    ev_timer soon;
    struct unpolished *first;
    size_t bytes; /* that they take */
};

struct engine {
    struct engine_options options;
    struct conf *conf;
    char *base_url;
    struct fetcher *fetcher;
    struct engine_source **sources; /* one a source of conf, in its order */
    size_t count;
    struct turns *turns;
    const struct engine_source *newest; /* the one that was polled last */
    struct engine_source *dirty;        /* what is still to be written */
    struct engine_source *untold;       /* and what is still to be told to the site */
    ev_timer tell;                      /* when it is; signs of life, too */
    bool started, stopping;
    bool clock_behind; /* it was told that the clock stands before what is in the store */
    int alarm; /* a timerfd on the wall clock: rings when a source is due, or the clock is set */
    ev_io due; /* its watcher */
    ev_timer soon;  /* a round is wanted, from the loop */
    int64_t due_at; /* when it rings: until then no sign of life is to be expected */
    ev_timer flush; /* quiet polls that wait to be written together */
    struct all all;
    size_t feeds_kept; /* the bytes of all sources' feeds in memory */
    struct polish polish;
    struct job *jobs;
    struct outbox outbox;
    struct mailbox misses;
    ev_async missed;
    ev_timer deadline; /* of stopping */
    void (*stopped)(void *arg);
    void *stopped_arg;
    bool store_works;
    struct feed_poller counts;
};

int64_t engine_now(const struct engine *en);
void engine_log(const struct engine *en, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void engine_alive(const struct engine *en);
/* Starts what is due, and sets the timer for what comes next. */
void engine_arm(struct engine *en);
/* The same, a little later: from the loop. */
void engine_arm_soon(struct engine *en);
/* A source's state has another time of the next poll, or a host of its has asked for peace. */
void source_settle(struct engine_source *s);
struct engine_source *engine_source(const struct engine *en, struct str name); /* NULL: none */

/* ---- state.c: what is kept of a source ----------------------------------------------------- */

/* A source's state from the store, or a fresh one, or that of the running source of this name,
 * where it is still to be written; `all` is the conf that it is in. NULL: `e`. */
struct engine_source *source_new(struct engine *en, const struct conf *all,
                                 const struct source_conf *conf, struct error *e);
void source_free(struct engine_source *s);
/* Takes `state`, whose strings may live anywhere, in place of what the source had. -1: no memory,
 * nothing has changed. */
int source_take(struct engine_source *s, const struct source_state *state);
/* What validators hold for: the address, the profile, and this version of the extractor. */
struct hash source_key(const struct engine_source *s);
struct hash conf_key_of(const struct source_conf *conf); /* the same; heritage.c */

/* ---- watch.c: pages that are files --------------------------------------------------------- */

/* From now on the source is polled whenever its file is edited, replaced, deleted or put back.
 * Nothing where its page is no file. */
void watch_start(struct engine_source *s);
void watch_stop(struct engine_source *s);
/* The path of a file: address, to be freed; NULL: it is none. */
char *file_path(struct str url);

/* ---- pages.c: digests of several pages ------------------------------------------------------ */

struct page;

/* A poll of one: no page has been fetched yet. `conditional`: what is stored may be built on. NULL:
 * `e`. */
struct pages *pages_new(struct engine_source *s, bool conditional, struct error *e);
void pages_free(struct pages *p); /* NULL is fine */
/* Fetches the next page. `done` gets the source. */
struct fetch *pages_fetch(struct pages *p, fetch_done *done, struct error *e);

enum pages_step {
    PAGES_MORE,  /* there is another one to be fetched */
    PAGES_END,   /* that was all */
    PAGES_FAILED /* *doubt and `e` say why, and the poll has failed */
};
/* What came of the last pages_fetch. */
enum pages_step pages_take(struct pages *p, const struct fetch_result *r, enum doubt *doubt,
                           struct error *e);
/* At the end: whether all pages are those that are stored. */
bool pages_are_same(const struct pages *p);
/* All of them as one page. Once. */
enum doubt pages_read(struct pages *p, struct page **out, struct error *e);
const struct kept_page *pages_first(const struct pages *p);
/* They are what is to be stored; NULL: there are not several. `p` must outlive the commit. */
void pages_keep(const struct pages *p, struct source_state *state);

/* ---- poll.c --------------------------------------------------------------------------------- */

void poll_begin(struct engine_source *s);
/* Instead of a poll: whoever waits for it is told why there is none. */
void poll_refuse(struct engine_source *s, const char *reason);
/* Gives up a fetch that is under way. */
void poll_cancel(struct engine_source *s);

/* ---- flush.c: quiet polls, written together ------------------------------------------------- */

/* Writes the states of quiet polls. */
void flush_all(struct engine *en);
/* The state of a source is written within a few seconds, together with others. */
void flush_soon(struct engine_source *s);
/* It is in the store, or nobody's any more. */
void flush_written(struct engine_source *s);
/* A commit of the poller, for /metrics. */
void flush_count(struct engine *en, bool written);

/* ---- move.c: pages that have moved ---------------------------------------------------------- */

/* Where the page is looked at, since it has moved there for good. Empty: at its url. */
struct str move_to(const struct engine_source *s);
/* Where the next poll begins. While a source fails, the place that it has moved to and its own
 * address take turns: either may be the one that works again. Empty: at its own. */
struct str move_place(const struct engine_source *s);
/* Notes in `move` where a good poll was led to for good (`place`; empty: nowhere). */
void move_note(const struct engine_source *s, struct move *move, struct str place);

/* ---- jobs.c: polls that somebody asked for -------------------------------------------------- */

/* Ends the jobs that wait for nobody any more. */
void jobs_sweep(struct engine *en);
/* Tells the jobs that wait for this source what its poll gave. `outcome` NULL: no event. `reason`
 * NULL: it did not fail. */
void jobs_report(struct engine_source *s, const struct outcome *outcome, const char *reason);
void jobs_forget_source(struct engine_source *s);
/* What waits for `from` waits for `to` from now on. */
void jobs_move(struct engine_source *from, struct engine_source *to);
void jobs_free(struct engine *en);

/* ---- messages.c: what a poll has to tell the world besides its feeds ------------------------ */

/* So many polls in a row that were not in order are trouble that on-trouble is told of: a single
 * one is a blip, and over at the next. */
#define TROUBLE_POLLS 2

/* Puts the messages of a poll that was in order into `next`, the state that it leaves (`outcome`
 * NULL: nothing has changed; `feeds`: its feeds are others). They are in `a`. -1: no memory. */
int messages_of_good(const struct engine_source *s, struct arena *a, struct source_state *next,
                     const struct outcome *outcome, bool feeds, int64_t now, struct error *e);
/* The same of a poll that was not: `next` has its doubt, reason and schedule. */
int messages_of_trouble(const struct engine_source *s, struct arena *a, struct source_state *next,
                        int64_t now, struct error *e);

/* ---- outbox.c: hands them over -------------------------------------------------------------- */

/* 0, -1. */
int outbox_init(struct engine *en, struct error *e);
/* There may be something in the store to hand over: from the loop. */
void outbox_soon(struct engine *en);
/* Nothing is being handed over. */
bool outbox_is_idle(const struct engine *en);
/* Ends what is: it is handed over once more at the next start. */
void outbox_stop(struct engine *en);
void outbox_clear(struct engine *en);

/* ---- archive.c ------------------------------------------------------------------------------ */

/* The full archive pages that are stored, and the last entry among them. */
struct archived {
    int64_t pages;
    int64_t seq;
};
/* Sees to it that every full archive page is stored as it should be. `feed` is what the source's
 * feed says of itself, `all` every entry of it. What could not be written is logged, and is not
 * among what is returned. */
struct archived archive_keep(struct engine_source *s, const struct feed *feed,
                             const struct entry *all, size_t count);

/* ---- all.c ---------------------------------------------------------------------------------- */

void all_init(struct engine *en);
/* The feeds of a source have changed, or what stands there: all.* follows within a moment. */
void all_touch(struct engine *en);
/* There is another conf: renders and publishes all.* at once. */
void all_configure(struct engine *en);
/* What it is served as is not what it will be in a moment. */
bool all_is_pending(const struct engine *en);
void all_stop(struct engine *en);

/* ---- feeds.c: where the feeds are ------------------------------------------------------------ */

/* Takes a feed that was rendered: into memory, or where there is no room, into the store. `links`
 * is its Link field. */
void feeds_put(struct engine_source *s, enum feed_format format, struct str bytes,
               struct str links);
/* Whether the feed is in memory. */
bool feeds_stand(const struct engine_source *s, enum feed_format format);
/* Whether one of them is not. */
bool feeds_are_put_away(const struct engine_source *s);
/* One that is in the store, byte for byte, since when it stands there. NULL: `e`. */
struct body *feeds_get(struct engine_source *s, struct arena *a, enum feed_format format,
                       struct str links, struct error *e);
/* The feeds of `from` are those of its heir. */
void feeds_move(struct engine_source *from, struct engine_source *to);
/* The source is about to be freed. */
void feeds_forget(struct engine_source *s);

/* ---- polish.c ------------------------------------------------------------------------------- */

/* A feed that was published. */
struct polish_feed {
    const char *path;
    struct str bytes;
    enum media media;
    int64_t since;
    struct str links;
};

void polish_init(struct engine *en);
/* When there is nothing else to do this feed (copied) is published again, compressed better. It
 * takes the place of one at the same path that still waits. */
void polish_later(struct engine *en, const struct polish_feed *feed);
/* Work has ended: if no other comes, what waits has its turn. */
void polish_soon(struct engine *en);
/* What stood at this path is not in memory any more. */
void polish_drop(struct engine *en, const char *path);
/* The source of this name is no longer followed. */
void polish_forget(struct engine *en, const char *name);
void polish_stop(struct engine *en);

/* ---- publish.c ------------------------------------------------------------------------------ */

/* So long, and so many of them at most, do tombstones stand in a feed. */
#define TOMBSTONE_SECONDS ((int64_t)90 * 24 * 60 * 60)
#define TOMBSTONES_MOST   1000

/* Of a Link field. */
#define LINKS_MAX ((size_t)2048)

/* The body of a feed at `path`, since it is what it is, with `links` as its Link field. NULL: no
 * memory. */
struct body *publish_body(struct engine *en, const char *path, struct str bytes, enum media media,
                          struct str links);
/* Puts a feed at `path`, where it stays, and sees to its best compression. The memory that it takes
 * there; 0: there is none. */
size_t publish_feed(struct engine *en, const char *path, struct str bytes, enum media media,
                    struct str links);
/* Renders and publishes the source's feeds and its row. */
void publish_feeds(struct engine_source *s);
/* The same of every source. */
void publish_all(struct engine *en);
/* Sections only changed places: what stands beside an entry on its page is another one. */
void publish_moved(struct engine_source *s);
/* Its line of the index alone. */
void publish_row(struct engine_source *s);
/* The same, with others, in a moment: to wake the server's thread at each poll would cost more than
 * the poll. */
void publish_row_soon(struct engine_source *s);
/* The source is about to be freed. */
void publish_forget(struct engine_source *s);
/* Renders what the site was asked for. */
void publish_misses(struct engine *en);
/* A sign of life for /healthz. */
void publish_beat(struct engine *en);
/* The same in a moment, with the rows that wait. */
void publish_beat_soon(struct engine *en);
/* Tells the site what waits for that. */
void publish_waiting(struct engine *en);
