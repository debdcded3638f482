/* The front of the house: index page, OPML, and what machines look at, put together from a row a
 * source. */
#pragma once

#include "site.h"

#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>

struct source {
    UT_hash_handle hh;
    struct feed_row *row;
    bool listed; /* while rows are being put in order */
    /* What feed_index_row has made of the row, in each language; NULL: not yet. */
    char *drawn[PAGE_LANGUAGES];
    size_t drawn_length[PAGE_LANGUAGES];
    int64_t drawn_on; /* the day, in days since the epoch */
    char name[];
};

/* A body that is put together when asked for, at most once a second. */
struct made {
    struct body *body;
    int64_t at; /* the second in which it was looked at last */
    bool stale;
    bool sick; /* of health: what the body says */
};

/* A page of the index in one language. */
struct index_page {
    struct body *body; /* NULL: the place is free */
    enum page_language language;
    size_t number;
    int64_t at;          /* the second in which it was looked at last */
    uint64_t generation; /* of the front, which it shows */
    uint64_t used;       /* the larger, the later */
};
/* So many are kept: two languages of what people mostly look at. */
#define INDEX_PAGES 8

struct front {
    struct source *sources; /* by name, in the order they were first told */
    char *base_url;
    char *order; /* names, each NUL-terminated, an empty one last; NULL: none */
    struct made opml, health, metrics, status;
    struct index_page index[INDEX_PAGES];
    uint64_t index_used;
    uint64_t generation;     /* counts the changes of what is told */
    int64_t beat, next_beat; /* 0: no sign of life yet */
    struct feed_vitals vitals;
};

void front_init(struct front *f, const char *version);
void front_clear(struct front *f);

bool front_knows(const struct front *f, struct str name);
/* Takes the row. */
void front_tell(struct front *f, struct feed_row *row);
void front_forget(struct front *f, struct str name);
/* `words` is base_url and the names, each NUL-terminated, an empty one last. Copied. */
void front_describe(struct front *f, const char *words, size_t size);
void front_beat(struct front *f, int64_t now, int64_t next, bool store_works);
void front_count(struct front *f, const struct feed_poller *counts);

/* False: `path` is none of these. Else *answer is SITE_HAVE or SITE_SICK, and *body a reference;
 * or SITE_BUSY where there was no memory. */
bool front_find(struct front *f, struct str path, enum page_language language, int64_t now,
                enum site_answer *answer, struct body **body);

/* The sources in the order of the index. NULL: no memory. The caller frees the array. */
struct source **front_sources(struct front *f, size_t *count);

/* ---- index.c ------------------------------------------------------------------------------- */

/* As front_find, for the pages of the index. */
bool index_find(struct front *f, struct str path, enum page_language language, int64_t now,
                enum site_answer *answer, struct body **body);
/* The row has changed, or what its links are built on: it is drawn anew. */
void index_redraw(struct source *s);
void index_clear(struct front *f);
