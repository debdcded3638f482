/* The path table: which body stands where, which of them may go, and who waits for what. */
#pragma once

#include "site.h"

struct page;

struct pages {
    struct page *table;
    struct page *oldest; /* of those that may go, the least lately used first */
    size_t cached;       /* bytes of those that may go */
    size_t cache_size;
    size_t asked; /* paths the poller owes an answer for */
    size_t max_asked;
    uint64_t hits, misses; /* of those that may go */
};

void pages_init(struct pages *p, size_t cache_size, size_t max_asked);
/* Nobody is told; whoever still waits is let go. */
void pages_clear(struct pages *p);

/* A reference to what stands at `path`, or NULL. */
struct body *pages_get(struct pages *p, struct str path);

/* Lets `w` wait for `path`: SITE_WAIT or SITE_BUSY. *miss is the path where the poller has to be
 * asked now (it lives until the answer), NULL where it was asked before. */
enum site_answer pages_wait(struct pages *p, struct str path, struct site_waiter *w,
                            const char **miss);

/* Puts the body (one reference, given away) at `path` and tells who waited. Where there is no
 * memory for a new path, nobody is served from it, but who waited is. */
void pages_put(struct pages *p, const char *path, struct body *body, enum site_keep keep);
/* Takes away what stands at `path`; who waited is told `why`: SITE_NONE or SITE_GONE. */
void pages_drop(struct pages *p, const char *path, enum site_answer why);
/* Takes away all that may go and begins with /NAME. or /NAME/; who waits goes on waiting. */
void pages_expire(struct pages *p, struct str name);
/* As pages_drop with SITE_NONE, for every path that begins with /NAME. or /NAME/. */
void pages_drop_all(struct pages *p, struct str name);
