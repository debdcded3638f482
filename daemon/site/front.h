/* The front of the house: index page, OPML and health, put together from a row a source. */
#pragma once

#include "site.h"

struct source;

/* A body that is put together when asked for, at most once a second. */
struct made {
    struct body *body;
    int64_t at; /* the second in which it was looked at last */
    bool stale;
    bool sick; /* of health: what the body says */
};

struct front {
    const char *version;
    struct source *sources; /* by name, in the order they were first told */
    char *base_url;
    char *order; /* names, each NUL-terminated, an empty one last; NULL: none */
    struct made index, opml, health, metrics, status;
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
bool front_find(struct front *f, struct str path, int64_t now, enum site_answer *answer,
                struct body **body);
