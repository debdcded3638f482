/* http: the small endpoint. HTTP/1.1 and 1.0, GET and HEAD (RFC 9110, 9111, 9112). */
#pragma once

#include "base.h"
#include "site.h"

struct ev_loop;

/* ---- request: a pure parser ---------------------------------------------------------------- */

#define HTTP_HEAD_MAX 16384

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER };

/* A parsed request head. Views into the bytes given, and `path` into `path_space`. */
struct http_request {
    enum http_method method;
    unsigned minor;  /* HTTP/1.minor */
    struct str line; /* the request line as it came; empty where there is no whole one */
    struct str path; /* percent-decoded, dot segments removed, no query; begins with '/' */
    struct str query;
    bool keep_alive;
    bool body_expected;                   /* a Content-Length over 0 or a Transfer-Encoding */
    bool if_match_any, if_none_match_any; /* the field is * */
    /* p == NULL: not sent. Several fields of one of these lists are joined in path_space; what
     * finds no room there is dropped. */
    struct str if_match, if_none_match, accept, accept_encoding, accept_language;
    struct str if_modified_since, if_unmodified_since;
    bool has_accept_encoding;
    struct str referer, user_agent; /* for the access log */
    char path_space[12288];
};

enum http_parse {
    HTTP_PARSE_MORE, /* the head is not complete */
    HTTP_PARSE_DONE, /* *used bytes are the head */
    HTTP_PARSE_BAD   /* *status is the answer: 400, 414, 431, 501, 505; r->method is set where it
                        could be read (else HTTP_OTHER), for a HEAD gets no body */
};
enum http_parse http_parse(struct str bytes, struct http_request *r, size_t *used, int *status);

/* ---- reply: request + body → head (pure) --------------------------------------------------- */

/* Picks 200, 304 or 412 and the encoding (RFC 9110 12.5.3, 13.2.2). `now` is for dates of two
 * digits. */
struct http_choice {
    int status;
    enum encoding encoding;
};
struct http_choice http_choose(const struct http_request *r, const struct body *b, int64_t now);
/* Whether a list of entity tags holds `etag`, compared weakly, as If-None-Match is, or strongly, as
 * If-Match is: a weak tag then equals none, not even itself (RFC 9110 8.8.3.2). */
enum http_comparison { HTTP_WEAK, HTTP_STRONG };
bool http_etag_listed(struct str list, struct str etag, enum http_comparison comparison);
/* The encoding that Accept-Encoding likes best among those the body has. */
enum encoding http_encoding(struct str accept_encoding, bool present, const struct body *b);

/* The language of our pages that Accept-Language likes best; English where it says nothing, or
 * likes none of them (RFC 9110 12.5.4). */
enum page_language http_language(struct str accept_language);
/* The format that Accept likes best (RFC 9110 12.5.1); Atom where it says nothing, likes several
 * equally or none. */
enum feed_format http_format(struct str accept);

/* ---- access log ---------------------------------------------------------------------------- */

struct http_access;

/* An access log that writes nothing yet. `trouble` is told, on a thread of the log's own, where
 * lines could not be written, once until they can be again; may be NULL. */
struct http_access *http_access_new(void (*trouble)(void *arg, const char *text), void *arg,
                                    struct error *e);
/* Any thread but the server's: lines go to `target` from now on: "off", "stderr" or the path of a
 * file, which is opened anew (after it was moved away, say). -1: all goes on as before. */
int http_access_open(struct http_access *a, const char *target, struct error *e);
/* Writes what there is. After the server has been freed. */
void http_access_free(struct http_access *a);

/* ---- server -------------------------------------------------------------------------------- */

struct http_server;

/* What clients may do; can be changed while the server works. */
struct http_limits {
    size_t max_connections;             /* over it the one that has been idle longest makes way */
    size_t max_connections_per_address; /* 0: as many as there may be. Of IPv6 a /64 is one; unix
                                           sockets are not counted */
    size_t max_requests;                /* of one connection */
    double head_timeout;                /* seconds for a whole head */
    double idle_timeout;                /* keep-alive */
    size_t min_send_rate;               /* bytes a second that a reader has to take */
};

struct http_options {
    struct http_limits limits;
    struct http_access *access;  /* NULL: none */
    double body_timeout;         /* for a page that is being rendered, then 503 */
    double send_window;          /* seconds over which min_send_rate is looked at */
    double send_grace;           /* the same where there is no room for others */
    int64_t (*clock)(void *arg); /* seconds, for Date and the index */
    void *clock_arg;
    void (*stopped)(void *arg); /* draining is over; on the server's thread */
    void *stopped_arg;
};
void http_defaults(struct http_options *o); /* sound defaults; clock stays unset */

/* Opens a listening socket: "HOST:PORT", "[::1]:PORT", "unix:/PATH" with or without " mode=0660",
 * which is what it has by itself (a stale socket is replaced, one in use is not). HOST `*` is every
 * IPv4 address, [::] every IPv6 one and no other; of a name the first address that can be had is
 * taken, IPv4 before IPv6. Non-blocking, close-on-exec. -1: `e` names the address and what to do.
 */
int http_listen(const char *spec, struct error *e);
/* The address a listening socket really has: "127.0.0.1:8780", "unix:/run/x". */
void http_address(int fd, char *out, size_t size);

struct http_server *http_server_new(struct ev_loop *loop, struct site *site,
                                    const struct http_options *options, struct error *e);
/* Takes a listening socket, blocking or not, and owns it from now on (it is closed where this
 * fails). */
int http_server_add(struct http_server *s, int fd, struct error *e);
/* Any thread: other limits from now on; what has begun under the old ones may end under them. */
void http_server_limit(struct http_server *s, const struct http_limits *limits);
/* Any thread: no more connections, finish what is being sent, within `seconds`, then `stopped`. */
void http_server_stop(struct http_server *s, double seconds);
void http_server_free(struct http_server *s); /* closes all; on the server's thread */
