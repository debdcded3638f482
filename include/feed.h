/* feed: entries → bytes in the formats that readers know. Pure. */
#pragma once

#include "base.h"
#include "model.h"

/* ---- bodies -------------------------------------------------------------------------------- */

enum encoding { ENCODING_IDENTITY, ENCODING_GZIP, ENCODING_ZSTD, ENCODING_BR, ENCODING_COUNT };

enum media {
    MEDIA_ATOM,
    MEDIA_RSS,
    MEDIA_JSON_FEED,
    MEDIA_HTML,
    MEDIA_OPML,
    MEDIA_TEXT,
    MEDIA_JSON,
    MEDIA_METRICS
};

enum caching {
    CACHE_FEED,    /* public, max-age=60, stale-if-error=86400 */
    CACHE_ARCHIVE, /* public, max-age=86400 */
    CACHE_INDEX,   /* no-cache */
    CACHE_NONE     /* no-store; no ETag, no Last-Modified */
};

#define ETAG_SIZE 40

/* A representation, immutable once made, in every encoding it has. Made by the poller, handed over
 * to the server thread, and from then on counted and touched by that thread alone. */
struct body {
    unsigned refs;
    char etag[ETAG_SIZE]; /* W/"…", of the identity bytes, the same for every encoding */
    int64_t since;        /* Last-Modified */
    const char *language; /* that Accept-Language has chosen, lives for ever; NULL: nobody asked */
    struct str bytes[ENCODING_COUNT];     /* identity always; p == NULL: not in this encoding */
    struct str fields_ok[ENCODING_COUNT]; /* header fields of a 200, each ended by CR LF: type,
                                             length, encoding, ETag, Last-Modified, caching, Vary,
                                             security fields */
    struct str fields_not_modified;       /* of a 304: ETag, Last-Modified, Cache-Control, Vary */
    size_t size;                          /* memory it takes in all */
};

/* Copies `bytes`; with `compress` also as gzip 6, zstd 3, brotli 5, each kept only where it is
 * smaller. One reference. NULL: no memory. */
struct body *body_new(struct str bytes, enum media media, enum caching caching, int64_t since,
                      bool compress);
/* The same, and a 200 has `links` as its Link field (RFC 8288), unless that is empty. */
struct body *body_new_linked(struct str bytes, enum media media, enum caching caching,
                             int64_t since, bool compress, struct str links);
/* The same as a body_new_linked that is compressed, but with brotli 9: smaller, for when time does
 * not matter. */
struct body *body_new_best(struct str bytes, enum media media, enum caching caching, int64_t since,
                           struct str links);
/* Compressed, and for a body that is there in several languages, of which Accept-Language has
 * chosen this one. It is made while whoever asks waits, and all others with him: a large one
 * quickly rather than well, and without brotli. */
struct body *body_new_spoken(struct str bytes, enum media media, enum caching caching,
                             int64_t since, const char *language);
/* What answers a request for what has moved for good to the address `location`, which has nothing
 * in it that may not stand in a header field. NULL: no memory. */
struct body *body_redirect(struct str location);
/* The same for what stands in several formats, of which Accept has chosen that at `location`. */
struct body *body_see_other(struct str location);
/* The ETag that body_new would give these bytes. */
void body_etag(char out[ETAG_SIZE], struct str bytes);
struct body *body_ref(struct body *b);
void body_unref(struct body *b); /* NULL is fine */

/* ---- feeds --------------------------------------------------------------------------------- */

enum feed_format { FEED_ATOM, FEED_RSS, FEED_JSON, FEED_FORMATS };

/* One feed. All views are borrowed during the call. */
struct feed {
    struct str id;          /* urn:uuid:… */
    struct str name;        /* of the source, as in its paths */
    struct str title;       /* never empty: falls back to name */
    struct str description; /* may be empty */
    struct str author;      /* never empty: falls back to the host */
    struct str language;    /* BCP 47, may be empty */
    struct str tags;        /* what it is about, one a line; each entry has them; may be empty */
    struct str image_proxy; /* what pictures are fetched through: %u is where the address goes,
                               percent-encoded; empty: they are fetched from where they are */
    struct str home;        /* address of the page */
    struct str base_url;    /* ours, no slash at its end; empty in `extract`: then no self links */
    int64_t updated;        /* the newest of its entries, or when the source was first known */
    const struct entry *const *entries; /* newest first, as they shall stand */
    size_t count;
    const struct entry *const
        *gone; /* entries that left it: Atom has their tombstones (RFC 6721) */
    size_t gone_count;
    int64_t archives; /* its full archive pages; 0: none */
    /* Of a feed that is merged from several (all.*): of each entry, what the feed of its source
     * says of itself; the tags are those of the entry. NULL: they are the feed's own. */
    const struct feed *const *origins;
    bool merged;       /* true also where there is no entry yet */
    char *const *hubs; /* addresses of the WebSub hubs that are told of changes */
    size_t hubs_count;
};

/* ".atom", ".rss", ".json" and the media type of a format. */
const char *feed_suffix(enum feed_format format);
enum media feed_media(enum feed_format format);

/* Atom 1.0 (RFC 4287) with the media module, RSS 2.0 with content, dc, atom and media modules, or
 * JSON Feed 1.1. An entry
 * without a link of its own gets its page: BASE/NAME/UUID.html (where base_url is empty: home). */
int feed_render(const struct feed *feed, enum feed_format format, struct buf *out, struct error *e);

/* The Link field of a feed that has hubs (WebSub, section 4): itself and its hubs, as many of them
 * as find room in `out`. Nothing without a hub or a base-url. */
void feed_links(const struct feed *feed, enum feed_format format, struct buf *out);

/* The id by which readers know an entry: the one that it was given where it came from, else ours. A
 * view into the entry, NUL-terminated. */
struct str feed_entry_id(const struct entry *entry);

/* One entry as JSON in one line: the item that the JSON Feed has of it, with more in `_digestd`:
 * `source`, the name of the feed, and its `feed_title`, `feed_url` and `home_page_url`. */
int feed_item(const struct feed *feed, const struct entry *entry, struct buf *out, struct error *e);

/* A source in trouble, or out of it. */
struct feed_trouble {
    bool over;
    struct str doubt;  /* what kind it is, or was */
    struct str reason; /* the last sentence */
    int64_t since, at; /* when it began, and when this was found */
};
/* The same as JSON in one line, for programs. */
int feed_trouble(const struct feed *feed, const struct feed_trouble *t, struct buf *out,
                 struct error *e);

/* Entries of one archive page. */
#define FEED_ARCHIVE_ENTRIES 50
/* An archive page of the feed (RFC 5005 section 4), `number` from 1, the oldest. `feed` has the
 * entries and tombstones of this page, and in `archives` how many pages there are. */
int feed_archive(const struct feed *feed, int64_t number, struct buf *out, struct error *e);

/* A change as an entry of the feed of changes. */
struct feed_change {
    char id[ID_SIZE]; /* of the change, not of the entry */
    const struct change *change;
};
/* The feed of changes (Atom): what was added and what was taken out. `feed` is that of the entries,
 * but for `id` and `updated`, which are its own; its entries are not looked at. */
int feed_changes(const struct feed *feed, const struct feed_change *changes, size_t count,
                 struct buf *out, struct error *e);

/* Whether an entry is not to be shown, but has a tombstone: it was taken out and leaves the feed
 * then (`drop`), or nothing is known of it but that it is gone. */
bool feed_is_gone(const struct entry *entry, bool drop);

/* What may stand in a feed. */
struct feed_choice {
    size_t max;        /* so many stand there, the newest */
    bool drop_removed; /* what no longer stands on the page does not */
    int64_t archived;  /* entries up to this `seq` are in full archive pages */
    int64_t now;
};
/* The name of the feed that merges all sources, as in its paths: no source may have it. */
#define FEED_MERGED_NAME  "all"
#define FEED_MERGED_TITLE "All sources"
/* So many entries stand there at most, the newest. */
#define FEED_MERGED_MOST  200

/* The entries that stand in the feed, as the contract has the window: the newest `max`, besides
 * them those that are in no full archive page, all of them, since they are nowhere else, and those
 * updated in the last 14 days, up to 4 * max entries and 4 MiB of content in all. `all` is newest
 * first. Returns how many of `picked` (room for `count`) were filled. */
size_t feed_window(const struct entry *all, size_t count, const struct feed_choice *choice,
                   const struct entry **picked);

/* Plain text of an entry for summaries: white space collapsed, its first sentences, ending in …
 * where cut. At most `max` UTF-16 code units, which is what readers written in JavaScript count;
 * never more characters, then, however they are counted. Nothing is cut that shows as one: no
 * character from its accents, no emoji from its colour or its family, no flag in two. */
int feed_summary(struct buf *out, struct str text, size_t max);

/* How long it takes to read `text`, in minutes, at least 1: 400 characters of Chinese or Japanese
 * are a minute, or 220 words of what is written with blanks; code is read like words. */
unsigned feed_reading_minutes(struct str text);

/* One entry as an HTML page of its own: no script, its links to the source page, to what stands
 * beside it there, and to the feed. */
int feed_entry_page(const struct feed *feed, const struct entry *entry,
                    const struct neighbours *beside, struct buf *out, struct error *e);

/* ---- index and OPML ------------------------------------------------------------------------ */

/* What a source has done since the daemon began to count. */
#define FEED_REASONS 16
struct feed_tally {
    uint64_t changed, unchanged; /* polls that were in order */
    struct {
        const char *reason; /* a word that lives for ever; NULL behind the last */
        uint64_t count;
    } failed[FEED_REASONS]; /* polls that were not */
    uint64_t events[EVENT_REMOVED + 1];
    uint64_t bytes; /* of pages that came, once decoded */
};

/* How many sections were new, and how many changed, on each day of 12 weeks (UTC). */
#define FEED_DAYS 84
struct feed_activity {
    int64_t last; /* the day that the last numbers are of, in days since the epoch */
    uint16_t fresh[FEED_DAYS], changed[FEED_DAYS];
};

/* What people see of a source. Strings are owned by whoever holds the row. */
struct feed_row {
    char *name;
    char *title;
    char *url;    /* of the page */
    char *reason; /* NULL: in order */
    char *moved;  /* where the page is now; NULL: where its source says */
    int64_t entries;
    int64_t last_poll, next_poll, last_change, trouble_since; /* 0: never, none */
    bool known;                                               /* had a good poll */
    char *waiting; /* the title of a last section whose end is waited for; NULL: none */
    int64_t waiting_since;
    const char *doubt; /* the kind of trouble, a word that lives for ever; NULL: in order */
    int64_t last_good; /* the last poll in order */
    int64_t last_new;  /* when the newest of its entries was first seen */
    struct feed_tally tally;
    struct feed_activity activity;
};

struct feed_row *feed_row_copy(const struct feed_row *row); /* deep; feed_row_free */
void feed_row_free(struct feed_row *row);

/* The languages that the index page is in. */
enum page_language { PAGE_ENGLISH, PAGE_CHINESE, PAGE_LANGUAGES };
/* As tags (BCP 47). */
const char *feed_page_language(enum page_language language);

/* So many sources stand on one page of the index. */
#define FEED_INDEX_ROWS ((size_t)200)

/* A source on the index page (an HTML section): its addresses, how it is, a picture of its
 * activity; times as <time> in UTC. `now` is for the days of that picture alone. */
int feed_index_row(const struct feed_row *row, struct str base_url, enum page_language language,
                   int64_t now, struct buf *out, struct error *e);

/* A page of the index. */
struct feed_index {
    const struct feed_row *const *rows; /* of all pages, in their order */
    size_t count;
    size_t number;           /* of this page, from 1 */
    const struct str *drawn; /* of each row of this page, what feed_index_row gave */
    struct str base_url;
    const char *version;
    enum page_language language;
};
/* How many pages there are for `count` sources: at least 1. */
size_t feed_index_pages(size_t count);
/* Page `number` of the index (HTML): its sources, the feed that merges all, autodiscovery, who is
 * in trouble, and links to the other pages: BASE/, BASE/page/2 and so on. */
int feed_index(const struct feed_index *index, struct buf *out, struct error *e);
/* OPML 2.0: an outline a source, its Atom feed. */
int feed_opml(const struct feed_row *const *rows, size_t count, struct str base_url,
              struct buf *out, struct error *e);

/* ---- for machines --------------------------------------------------------------------------- */

/* Upper bounds of a histogram of seconds; what is longer is counted behind the last. */
#define FEED_BOUNDS 7
extern const double feed_bounds[FEED_BOUNDS];
struct feed_histogram {
    uint64_t counts[FEED_BOUNDS + 1];
    double sum;
};
void feed_histogram_add(struct feed_histogram *h, double seconds);

/* What the poller has done since it started. */
struct feed_poller {
    struct feed_histogram polls; /* seconds from the request to the end of a poll */
    uint64_t commits, commits_failed;
};

/* What the server has done since it started. */
struct feed_server {
    uint64_t requests[6]; /* by the first digit of the status */
    uint64_t connections; /* opened so far */
    size_t open;          /* now */
    uint64_t bytes;       /* sent, heads included */
};

/* Pages that are rendered because somebody asks. */
struct feed_cache {
    uint64_t hits, misses;
    size_t bytes;
};

/* What the system says of this process. */
struct feed_process {
    double started;            /* seconds since the epoch */
    double cpu_seconds;        /* user and system */
    int64_t resident, virtual; /* bytes */
    int64_t descriptors, descriptors_most;
};

/* The daemon as a whole. */
struct feed_vitals {
    const char *version;
    int64_t now;
    bool poller_works, store_works;
    struct feed_poller poller;
    struct feed_server server;
    struct feed_cache cache;
    struct feed_process process;
};

/* All of it in the text format of Prometheus, version 0.0.4. */
int feed_metrics(const struct feed_row *const *rows, size_t count, const struct feed_vitals *v,
                 struct buf *out, struct error *e);
/* The state of each source as JSON, for scripts; digestd(1) says what is there. */
int feed_status(const struct feed_row *const *rows, size_t count, struct str base_url,
                const struct feed_vitals *v, struct buf *out, struct error *e);
