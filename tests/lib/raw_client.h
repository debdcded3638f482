/* A client that says exactly the bytes it is given: for servers that have to be asked wrongly,
 * slowly, or many things at once. Never waits without a deadline. */
#pragma once

#include "base.h"

struct raw_client;

/* Connects to "HOST:PORT" (numeric), "[::1]:PORT" or "unix:/PATH". `receive_buffer` in bytes makes
 * a slow reader; 0 leaves it to the system. NULL: errno says why. */
struct raw_client *raw_open(const char *address, int receive_buffer);
void raw_close(struct raw_client *c); /* NULL is fine */
int raw_fd(const struct raw_client *c);

/* Sends all of it, within `ms`. 0, or -1 where it did not go or the peer has closed. */
int raw_send(struct raw_client *c, struct str bytes, int ms);
int raw_puts(struct raw_client *c, const char *text);
/* Says that nothing more comes (a FIN); answers can still be read. */
int raw_end(struct raw_client *c);

/* Views into the client, valid until the next raw_read. */
struct raw_response {
    int status;
    unsigned minor;    /* HTTP/1.minor */
    struct str head;   /* status line and fields, with the empty line */
    struct str fields; /* the lines behind the status line, each ended by CR LF */
    struct str body;
};

enum raw_result {
    RAW_DONE,
    RAW_CLOSED,  /* the peer closed before, or in the middle */
    RAW_TIMEOUT, /* not within `ms` */
    RAW_BAD      /* what came is no HTTP/1 response */
};

/* Reads one response; what comes behind it stays for the next call. `of_head`: the request was a
 * HEAD, so there is no body. */
enum raw_result raw_read(struct raw_client *c, bool of_head, int ms, struct raw_response *out);
/* Whether the peer closes within `ms` without sending another byte. */
bool raw_ends(struct raw_client *c, int ms);
/* Whether nothing comes within `ms`, neither a byte nor an end. */
bool raw_silent(struct raw_client *c, int ms);

/* The value of the first field of that name; p == NULL: there is none. */
struct str raw_field(const struct raw_response *r, const char *name);
size_t raw_field_count(const struct raw_response *r, const char *name);

/* One GET with `fields` (lines ended by CR LF, or NULL) on a connection of its own, which closes.
 * NULL: no complete answer; else the client that holds the views, to be closed by the caller. */
struct raw_client *raw_get(const char *address, const char *path, const char *fields, int ms,
                           struct raw_response *out);
