/* exchange: what is said to a server, byte for byte, and what it should answer, from a text file
 * that more than one server can be held against. */
#pragma once

#include "base.h"

/* One case of the file:
 *
 *     case: the name
 *     > GET / HTTP/1.1            a line that is sent, CR LF behind it
 *     + GET /                     the same without CR LF
 *     = 200 open                  what should be answered (see exchange_run)
 *     ! ETag: W/"a"               a field of the last answer, once and so
 *     ! ETag                      the same with whatever value
 *     ! ETag: -                   not there
 *     nginx: 200 closed           what this peer answers instead
 *     because: …                  and why that differs; lines that follow `because:` may go on
 *
 * In what is sent \r \n \t \\ and \xHH are bytes, {a*100} is a hundred a, $TAG the opaque part of
 * the representation's entity tag. An empty line ends the case, # begins a comment. */
struct exchange {
    const char *name;
    const char *want;
    const char *peer;    /* NULL: the same */
    const char *because; /* NULL where peer is */
    struct str request;  /* still with $TAG in it */
    const char **fields; /* "ETag: -" */
    size_t fields_count;
};

struct exchanges {
    struct arena *arena;
    const struct exchange *all;
    size_t count;
};

/* Ends the test program where the file cannot be read or has a fault. */
struct exchanges exchanges_read(const char *path, const char *peer);
void exchanges_free(struct exchanges *x);

/* What the server has. */
struct exchange_server {
    const char *address;
    struct str body; /* of the representation; asked without a coding */
    struct str end;  /* the body at /end, by which an open connection is told */
    struct str tag;  /* opaque part of its entity tag, without quotes */
};

/* Says it on a connection of its own and writes down what is answered: for each answer its status,
 * with `h` behind it where it is that of a HEAD (taken from `expected`), `+gzip` where the
 * representation came in a coding, `*` where a 200 has another body; then `open`, `closed` or
 * `silent`; then `!Name` for each field that is not as it should be. */
void exchange_run(const struct exchange *x, const struct exchange_server *server,
                  const char *expected, struct buf *observed);
