/* A scripted source site: a small HTTP/1.1 server on 127.0.0.1, in a thread of its own, that does
 * to its clients, request by request, what a test has written down for a path, and keeps the head
 * of each request.
 *
 *     struct source_site *site = source_site_start();
 *     source_site_set(site, "/page", (struct site_step[]){
 *         {.body = page, .etag = "\"1\"", .conditional = true},
 *         {.status = 503, .retry_after = "120"},
 *         {.fault = SITE_HANG},
 *     }, 3);
 *     … poll source_site_url(site, "/page") …
 *     assert_true(source_site_wait_requests(site, "/page", 1, 5));
 *     source_site_stop(site);
 *
 * The first request of a path gets the first step, the second the second; the last step stands for
 * all further ones. A path that was never set is answered 404. A path is what stands in the request
 * line, query included. All functions may be called from any thread; what cannot be done (no
 * memory, no port) ends the test program with a message, so nothing has to be checked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct source_site;

/* How the end of the body is told. */
enum site_framing {
    SITE_LENGTH,  /* Content-Length */
    SITE_CHUNKED, /* in chunks of 4096 bytes */
    SITE_CLOSE    /* by the end of the connection */
};

enum site_coding { SITE_IDENTITY, SITE_GZIP, SITE_DEFLATE, SITE_BROTLI, SITE_ZSTD };

/* What goes wrong. `cut` is the number of body bytes, as encoded, that get through before. */
enum site_fault {
    SITE_NO_FAULT,
    SITE_CUT,          /* the connection is closed after `cut` bytes of the body */
    SITE_CUT_RST,      /* the same, by a reset */
    SITE_STALL,        /* nothing more comes after `cut` bytes of the body, until the site stops */
    SITE_HANG,         /* no answer at all, until the site stops */
    SITE_DROP,         /* closed without an answer */
    SITE_DROP_RST,     /* reset without an answer */
    SITE_GARBAGE,      /* `body` goes out alone, without a head, and the connection is closed */
    SITE_GARBAGE_RST,  /* … is reset */
    SITE_GARBAGE_STALL /* … stays open and silent */
};

/* One answer. All zero: 200 with an empty text/html page. Everything is copied by the call. */
struct site_step {
    int status;               /* 0: 200 */
    const char *body;         /* NULL: empty */
    size_t body_size;         /* 0: up to the NUL */
    size_t repeat;            /* so many times the body; 0: once. With a coding: a bomb, which is
                                 never there in full: so may be gigabytes, for SITE_GZIP */
    const char *content_type; /* NULL: "text/html; charset=utf-8"; "": no such line */
    const char *etag;         /* these four: NULL: no such line */
    const char *last_modified;
    const char *location;
    const char *retry_after;
    const char *headers; /* further lines, each ended by \r\n */
    bool conditional;    /* 304 where If-None-Match is `etag`, byte for byte, or, without such a
                            line, If-Modified-Since is `last_modified` */
    enum site_coding coding;
    bool unfinished; /* the coding has no end: the framing alone says that the body is whole */
    enum site_framing framing;
    size_t excess; /* so much more than is there is announced (SITE_LENGTH); then it is closed */
    enum site_fault fault;
    size_t cut;
    double drip;    /* so many seconds between one byte and the next; 0: all at once */
    bool drip_body; /* the head comes at once all the same */
    bool hold;      /* nothing is sent before source_site_release() */
};

struct source_site *source_site_start(void);
/* The same site at 127.0.0.1, 127.0.0.2, … 127.0.0.`hosts`, all on one port. */
struct source_site *source_site_start_hosts(unsigned hosts);
/* Ends all connections, also those that hang. NULL is fine. */
void source_site_stop(struct source_site *site);

/* "http://127.0.0.1:PORT" and the path. Valid until the site is stopped. */
const char *source_site_url(struct source_site *site, const char *path);
/* The same address at 127.0.0.`host`, written to `out`, which is returned. */
const char *source_site_url_at(struct source_site *site, unsigned host, const char *path, char *out,
                               size_t size);
unsigned source_site_port(const struct source_site *site);

/* The next request of `path` gets steps[0] again. Requests that came before stay counted. */
void source_site_set(struct source_site *site, const char *path, const struct site_step *steps,
                     size_t count);
/* A 200 with this body, for as long as nothing else is set. */
void source_site_set_page(struct source_site *site, const char *path, const char *body);

/* Requests of `path` that have come in whole, answered or not. NULL: of all paths. */
size_t source_site_requests(struct source_site *site, const char *path);
/* Waits until there are `count` of them. False: there were not after `seconds`. */
bool source_site_wait_requests(struct source_site *site, const char *path, size_t count,
                               double seconds);
/* Lets one held request of `path` go, one that waits or else the next to come. */
void source_site_release(struct source_site *site, const char *path);
/* Connections that were accepted so far. */
size_t source_site_connections(struct source_site *site);

/* The head of the number-th request of `path`, from 1 (0: the last), as it came, with its empty
 * line. NULL: there was none. Valid until the site is stopped. */
const char *source_site_head(struct source_site *site, const char *path, size_t number);
/* What a POST brought, in the same way; "": nothing. */
const char *source_site_body(struct source_site *site, const char *path, size_t number);
/* Copies the value of a header field of that request into out (cut at `size`), and returns out.
 * NULL: there was no such request, or no such field in it. */
const char *source_site_header(struct source_site *site, const char *path, size_t number,
                               const char *name, char *out, size_t size);
