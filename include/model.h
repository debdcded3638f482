/* model: the plain structs that travel between rooms. No functions live here. */
#pragma once

#include "base.h"

/* "urn:uuid:" and 36 characters, NUL-terminated. */
#define ID_SIZE        46
/* Where in an id the bare UUID begins. */
#define ID_UUID_OFFSET 9

/* What a page says of itself. Empty, or 0, where it does not say. */
struct page_info {
    struct str title;
    struct str author;
    struct str description;
    struct str language;
    struct str canonical; /* absolute address */
    struct str tags;      /* what the page is about, one a line */
    int64_t published;
    int64_t modified;
};

/* One section as it stands on a page, cleaned. */
struct section {
    struct str title; /* collapsed, never empty */
    struct str html;  /* the entry: clean, addresses absolute */
    struct str text;  /* its visible text, a line a block */
    struct str link;  /* deep link into the page; empty: there is none that hits it */
    struct hash hash; /* of all that counts as a change but the title */
    bool closed;      /* its end marker was there */
};

/* One entry: a section's identity through time, or that of an entry of a foreign feed. */
struct entry {
    char id[ID_SIZE]; /* ours: what the store, the path of its page and its revisions go by */
    struct str title; /* empty: nothing is known of it but its id, and that it is gone */
    struct str html;
    struct str text;
    struct str link; /* empty: the entry's own page */
    struct hash hash;
    unsigned ordinal; /* the n of the n-th use of its title */
    int64_t published;
    int64_t updated;
    int64_t seq;      /* order first seen within its source, from 1 */
    int64_t position; /* on the page, from 0; of a removed one its last */
    bool live;        /* stands on the page */
    int64_t missing; /* while it is live: so many polls in a row did not have it (removed = drop) */
    int64_t removed; /* when it was removed; 0: it is live, or nobody knows */
    /* What only an entry of a foreign feed has; each may be empty. */
    struct str given;  /* the id that it came with, an absolute IRI: readers see this one */
    struct str author; /* of its own, else it is the feed's */
    struct str tags;   /* of its own, one a line, besides the feed's */
};

/* An entry as one of the copies of an article. */
struct copy {
    int64_t entry;     /* its key in the store: of two the smaller was there first */
    struct str source; /* name */
    bool live;
    int64_t updated, removed;
};

/* An article as all sources together have it: an entry, or the same one in several sources. */
struct article {
    int64_t first; /* key of the entry whose id it has, for ever */
    int64_t shown; /* key of the copy whose text it has */
    struct str id; /* as readers know it */
    int64_t published, updated;
    struct copy *copies; /* in the order in which they were first seen; one a source at most */
    size_t copies_count;
};

/* An entry that was written, and waits for its place among the articles. */
struct waiting {
    int64_t key;
    struct entry entry;
    int64_t article; /* `first` of the article that it is a copy of; 0: of none yet */
    int64_t seen;    /* its `updated` when it got or kept that place */
};

/* A place among the articles: what becomes of one that waited. */
struct placing {
    int64_t key;            /* of the entry */
    int64_t seen;           /* its `updated` */
    struct article article; /* as it is now: first, shown, published, updated alone */
    int64_t absorbed;       /* `first` of an article that is this one from now on; 0: none */
    const uint32_t *sketch; /* what its text is found by */
    size_t sketch_count;
};

/* An entry as it was from an event on. */
struct revision {
    int64_t number;  /* of its entry, from 1, the oldest */
    int64_t at;      /* the entry's `updated` */
    unsigned events; /* what made it, bits of 1 << enum event_kind */
    struct str title, html, text;
};

/* A significant change: an event other than new, with what the entry was before. */
struct change {
    char id[ID_SIZE]; /* of the entry */
    struct str link;  /* of the entry; empty: its own page */
    struct revision before, after;
};

/* A page kept as it arrived, because polls to come may bring no bytes (304). */
struct kept_page {
    struct str bytes, content_type, url;
};

/* One of the pages of a digest of several: all are kept, because polls to come may bring only some
 * of them anew. */
struct digest_page {
    struct str address;    /* as it was asked for */
    struct kept_page kept; /* as it arrived */
    struct str etag, last_modified;
    struct hash body; /* of its bytes */
    bool last;        /* there is none behind it */
    bool same;        /* written only: it is in the store as it is */
};

/* What stands above and below an entry on its page. An id that is empty: nothing. */
struct neighbour {
    char id[ID_SIZE];
    struct str title;
};
struct neighbours {
    struct neighbour previous, next;
};

enum event_kind { EVENT_NEW, EVENT_RESTORED, EVENT_RENAMED, EVENT_CHANGED, EVENT_REMOVED };

struct event {
    enum event_kind kind;
    const struct entry *entry; /* as it is after the poll */
};

/* What one believed page did to the entries of its source. */
struct outcome {
    const struct entry **changed; /* to be written whole */
    size_t changed_count;
    const struct entry **moved; /* only the position is another */
    size_t moved_count;
    struct event *events; /* in page order; the events of one entry in the order of the enum */
    size_t events_count;
    bool waiting;          /* something is not told yet, and polls to come of the same page count */
    struct str unfinished; /* the title of a section of that kind whose end is still to come */
};

/* Something to hand over once a poll is written: to a program, or to a hub. */
enum message_kind {
    MESSAGE_NEW,     /* on-new: `what` is the id of an entry */
    MESSAGE_TROUBLE, /* on-trouble: `what` is the JSON that the program is given */
    MESSAGE_HUB,     /* `what` is the path of a feed that has changed */
    MESSAGE_KINDS
};
struct message {
    enum message_kind kind;
    struct str what;
    struct str to; /* the address of the hub; else empty */
    int64_t due;   /* not before; to a program also not before those of before it are over */
};

/* Why a page is not believed, or could not be had. What people are told begins with doubt_name().
 */
enum doubt {
    DOUBT_NONE,
    DOUBT_FETCH,       /* did not arrive: network, status, size */
    DOUBT_NOT_WHOLE,   /* the transfer broke off */
    DOUBT_WALL,        /* a bot check or log-in in place of the page */
    DOUBT_TYPE,        /* neither HTML nor text */
    DOUBT_EMPTY,       /* no bytes */
    DOUBT_CUT,         /* ends in the middle of its content */
    DOUBT_NO_CONTENT,  /* the content element is missing */
    DOUBT_NO_SECTIONS, /* content, but no section in it */
    DOUBT_BROKEN,      /* of a feed: not well-formed */
    DOUBT_LIMIT,       /* the parser stopped at a limit */
    DOUBT_LOST,        /* lost more sections than the guard allows: held */
    DOUBT_STATE,       /* the store could not be written */
};

/* What makes the next fetch conditional. Holds only for the same `key`. */
struct validators {
    struct str etag;          /* byte for byte as received */
    struct str last_modified; /* the same */
    struct str url;           /* of the answer that brought both; empty: not known */
    struct hash body;         /* of the bytes */
    struct hash key;          /* of address, profile and version of the extractor */
};

/* Where a page has moved to, as its redirects for good (301, 308) say. Once enough polls in a row
 * were led to the same place, polls begin there. */
struct move {
    struct str from; /* the url that this is of */
    struct str to;   /* empty: nowhere */
    int64_t polls;   /* good ones, in a row; no more are counted than are needed */
};

/* When a source was and will be looked at. */
struct schedule {
    int64_t last_poll;   /* 0: never */
    int64_t last_good;   /* the last page that was believed, or a 304 of it */
    int64_t last_change; /* the last poll that had an event */
    int64_t next_poll;
    int64_t trouble_since; /* 0: none */
    int64_t failures;      /* in a row */
    int64_t wait_until; /* so long a host has asked to be left alone (Retry-After); 0: none has */
};

/* All that is kept of a source besides its entries. */
struct source_state {
    struct str name;
    struct str id_base;
    struct page_info info; /* as the last believed page had it */
    struct validators validators;
    struct move move;
    struct schedule schedule;
    enum doubt doubt;
    struct str reason;        /* the sentence that goes with doubt */
    struct hash held;         /* of the sections of a page held back; unset: none */
    int64_t held_polls;       /* so many in a row agreed on it */
    struct hash unfinished;   /* of a last section without its end marker, which is held back */
    int64_t unfinished_polls; /* so many in a row had it so */
    struct str waiting;       /* the title of a last section that is held back; empty: none */
    int64_t waiting_since;
    int64_t waiting_polls;        /* so many pages that were believed had it held back */
    bool page_kept;               /* the page is in the store (store_page) */
    const struct kept_page *page; /* written only: the page to keep; NULL where page_kept: the one
                                     that is there */
    const struct digest_page *pages; /* written only, with an outcome or a page to keep: those of a
                                        digest of several; NULL: those that are there */
    size_t pages_count;
    int64_t keep_revisions; /* written only: of each entry */
    int64_t trouble_polls;  /* so many in a row were not in order, as far as on-trouble counts */
    int64_t trouble_told; /* since when the trouble lasts that on-trouble was told of; 0: of none */
    const struct message *messages; /* written only: to be handed over from now on */
    size_t messages_count;
    struct str cookies;    /* Netscape lines */
    struct str wait_at;    /* the address whose host wants to be left alone */
    int64_t entries_count; /* live; filled by the store when read */
};
