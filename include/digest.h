/* digest: the core. A page → sections (page, blocks, sections, clean); sections + what is known →
 * events (match, outcome); and whether to believe the page at all (doubt). Pure; the only room that
 * knows libxml2's parser. */
#pragma once

#include "base.h"
#include "model.h"
#include "profile.h"

/* Raised whenever the same page would give other sections: validators of an older one are void. */
#define EXTRACTOR_VERSION 3

/* ---- doubt --------------------------------------------------------------------------------- */

/* Short name: "wall", "cut short". */
const char *doubt_name(enum doubt d);
/* What is wrong with a page and what to do, for the doubts that page_read has; NULL for the others,
 * whose sentence depends on what happened. */
const char *doubt_sentence(enum doubt d);

/* ---- page → sections ----------------------------------------------------------------------- */

struct page_source {
    struct str bytes;        /* as fetched, decompressed */
    struct str content_type; /* header value; empty: unknown */
    struct str url;          /* final address; base of relative ones */
    const struct profile *profile;
    struct str first; /* of a further page of a digest of several: where links into the first page
                         lead; empty: this is the first, or the only one */
};

struct page {
    struct arena *arena;
    struct page_info info;
    struct section *sections; /* in page order, placeholders and empty ones left out */
    size_t count;
    struct str address;    /* where links into it lead; empty: nowhere */
    struct str next;       /* what the profile's `next` says, absolute; empty: nothing */
    struct str lead;       /* of a further page: what ends a section of the page before it */
    struct str *addresses; /* of several pages: of each */
    size_t addresses_count;
    struct page *behind; /* what is a part of this one, and freed with it */
};

/* Call once before any thread, before anything else uses libxml2. */
void digest_init(void);

/* Cuts a page into its sections. DOUBT_NONE: *out is the page, page_free it. Else *out is NULL and
 * `e` a sentence ("cut short: …"). */
enum doubt page_read(const struct page_source *source, struct page **out, struct error *e);
void page_free(struct page *p);

/* Joins the pages of one digest, in their order, to one: what stands on two of them, because it
 * slid from one to the next between two fetches, once; a section that was cut at the end of a page,
 * whole again. Takes the pages over, in any case. NULL: no memory. */
struct page *pages_join(struct page *const *pages, size_t count, const struct profile *profile);

/* ---- identity ------------------------------------------------------------------------------ */

/* urn:uuid: version 5 in the URL name space of ID-BASE#TITLE, for n > 1 of ID-BASE#TITLE<TAB>n.
 * `title` is collapsed. */
void id_of_entry(char out[ID_SIZE], struct str id_base, struct str title, unsigned n);
/* The feed's: version 5 of ID-BASE. */
void id_of_feed(char out[ID_SIZE], struct str id_base);
/* Of a change of an entry: version 5 of ENTRY-ID#NUMBER, the number of the revision. With the id of
 * a feed and 0 it is that of its feed of changes. */
void id_of_change(char out[ID_SIZE], const char *id, int64_t number);

/* ---- sections + what is known → events ----------------------------------------------------- */

struct match_input {
    const struct page *page;
    const struct entry *known; /* every entry ever of the source, any order */
    size_t known_count;
    struct str id_base;
    int64_t now;
    int64_t last_good;     /* 0: this is the first page believed */
    int64_t removal_guard; /* percent */
    int64_t removal_polls; /* so many in a row miss an entry before it is removed; 0, 1: at once. A
                              page that lost too much was agreed on already when it is believed */
    int64_t min_change;    /* characters: a text that changed by fewer is taken over in silence */
    bool hold_unfinished;  /* what page_unfinished() speaks of is not told yet */
};

/* How much is lost: the live entries that the page no longer has. Those that earlier pages missed
 * already, and that only wait to be removed, are neither. */
struct match_losses {
    size_t live, lost;
};

struct match;

/* Finds out which section is which entry. NULL: no memory. The page and `known` must outlive it. */
struct match *match_new(const struct match_input *in);
struct match_losses match_losses(const struct match *m);
/* More lost than the guard allows. */
bool match_is_too_much(const struct match *m);
/* The same for every page with the same sections, for counting polls that agree. */
struct hash page_hash(const struct page *page);
/* The same for every page with the same last section, where that one lacks its end marker though
 * the page uses them: somebody is writing it. Unset: it does not. */
struct hash page_unfinished(const struct page *page);
/* What the page does to the entries, once believed. Owned by the match. NULL: no memory. */
const struct outcome *match_outcome(struct match *m);
void match_free(struct match *m);

/* ---- the same article in two sources -------------------------------------------------------- */

/* A few of the shingles of a text, always the same ones: two texts that are alike have some of them
 * in common. A text that is too short to be told from others has none. */
#define SKETCH_SIZE 16
struct sketch {
    uint32_t items[SKETCH_SIZE];
    size_t count;
};
/* 0, or -1: no memory. */
int sketch_of(struct sketch *out, struct str text);

struct twin {
    struct str title, text;
    struct str given; /* the id that it came with; may be empty */
};
struct twin_pair {
    uint32_t left, right;
};
#define TWIN_NONE SIZE_MAX
/* Which entry of one source (`lefts`) is which article of others (`rights`): the same title and at
 * least 70 % of the text in common, or 85 % of it under another title, where there is enough
 * text to tell; for certain where both came with the same id. Of the `possible` pairs, each there
 * once and those of one left together, those are taken that fit best in all; nobody is in two.
 * twin_of[left] is the right, or TWIN_NONE. 0, or -1: no memory. */
int twins_assign(const struct twin *lefts, size_t lefts_count, const struct twin *rights,
                 size_t rights_count, const struct twin_pair *possible, size_t count,
                 size_t *twin_of);

struct wording {
    struct str title, html;
};
/* Whether what an edit made of `before` only follows what `shown`, its twin, has already: what it
 * put in is there, and what it took out is not. Nothing put in or taken out follows, too. `before`
 * NULL: nobody knows what it was. 1, 0, or -1: no memory. */
int edit_follows(const struct wording *before, const struct wording *after,
                 const struct wording *shown);

/* ---- feeds of others → entries ------------------------------------------------------------- */

struct feed_source {
    struct str bytes;              /* as fetched, decompressed */
    struct str content_type;       /* header value; empty: unknown */
    struct str url;                /* final address; base of relative ones */
    struct str id_base;            /* what ids are minted from */
    const struct profile *profile; /* how HTML is cleaned */
};

/* A feed that somebody else made: RSS 0.9x to 2.0, Atom 0.3 and 1.0, JSON Feed 1.x. */
struct foreign_feed {
    struct arena *arena;
    struct page_info info; /* canonical is the page that it is of */
    /* As in the document, each id once: of several versions the latest. `published` and `updated`
     * are what the feed says, 0 where it does not; ordinal, seq and position are not filled. */
    struct entry *entries;
    size_t count;
};

/* Whether bytes begin like a feed. */
bool feed_is_feed(struct str bytes);
/* Reads a feed; its entries are cleaned as sections are. DOUBT_NONE: *out is the feed,
 * foreign_feed_free it. Else *out is NULL and `e` a sentence. */
enum doubt feed_read(const struct feed_source *source, struct foreign_feed **out, struct error *e);
void foreign_feed_free(struct foreign_feed *f);
/* urn:uuid: version 5 in the URL name space of ID-BASE#NAME. NAME is the id that the entry was
 * given, else its link, else a hash of title and content. */
void id_of_foreign(char out[ID_SIZE], struct str id_base, struct str name);

struct feed_input {
    const struct foreign_feed *feed;
    const struct entry *known; /* every entry ever of the source, any order */
    size_t known_count;
    int64_t now;
    int64_t min_change; /* as of sections */
};

/* What a feed does to the entries: what it no longer shows is not removed, since a feed is a window
 * on the newest. All of it is in `a`. Dates are as the feed has them, at first sight, but never in
 * the future; without one they are the time of the poll. NULL: no memory. */
const struct outcome *feed_outcome(const struct feed_input *in, struct arena *a);

/* ---- feeds of ours → entries --------------------------------------------------------------- */

struct own_tombstone {
    char id[ID_SIZE];
    int64_t when;
    int64_t since; /* as `published` of the entries of its archive page, so that it stands there
                      again; else as `when` */
};

/* A feed or an archive page as we rendered it. */
struct own_feed {
    char id[ID_SIZE];                      /* empty: RSS and JSON Feed have none */
    struct str home;                       /* the page that it is of */
    struct str title, description, author; /* Atom alone has the last one */
    struct entry *entries; /* as in the document; they have neither text, hash, ordinal nor seq */
    size_t count;
    struct own_tombstone *gone;
    size_t gone_count;
};

/* Reads Atom, RSS or JSON Feed that a digestd made; all that *out has is in `a`. -1: it is none of
 * these, or not well-formed. */
int own_feed_read(struct str bytes, struct arena *a, struct own_feed *out, struct error *e);
/* Cleans the HTML of such an entry once more and makes text and hash of it, as they were when it
 * was read from the page; all in `a`. `base` is the page's address. -1: no memory, or
 * it would become many times as long. */
int html_read(struct entry *entry, struct str base, const struct profile *profile, struct arena *a);
/* The n by which `entry` got its id from its title, up to `most`; 0: it had another title. */
unsigned entry_ordinal(const struct entry *entry, struct str id_base, unsigned most);
