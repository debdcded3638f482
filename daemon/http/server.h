/* What the files of the server share. Everything here belongs to the server's thread. */
#pragma once

#include <ev.h>
#include <stdatomic.h>

#include "access.h"
#include "head.h"
#include "http.h"
#include "peers.h"

#define HELD_MOST  16
#define HELD_BYTES 8192

/* What a connection is doing. In each state it watches for something and has a deadline. */
enum state {
    STATE_READ,   /* a head is arriving, or the first one has not begun */
    STATE_IDLE,   /* between two requests */
    STATE_WAIT,   /* its body is being rendered */
    STATE_SEND,   /* the socket took only a part */
    STATE_SLOW,   /* and has not taken all of it for a while: how much it takes is looked at */
    STATE_LINGER, /* answered and shut; what still comes is dropped, lest a reset eats the answer */
    STATE_COUNT
};

/* Bytes that have come and could not be answered yet. */
struct input {
    size_t n, size;
    char bytes[];
};

/* Small, since most are idle: at rest it has no buffer. */
struct connection {
    struct ev_io io;                            /* io.data is the server */
    struct connection *prev, *next;             /* in the server's list of its state */
    struct connection *ready_prev, *ready_next; /* in `ready`; ready_prev is NULL: it is not */
    double deadline;                            /* seconds of the monotonic clock */
    struct input *input;                        /* NULL: none */
    struct body *body;                          /* of which `rest` is a view */
    struct str rest;                            /* not sent yet */
    char *head;                                 /* the same of a head, allocated; NULL: none */
    uint16_t head_sent, head_length;
    struct peer *peer; /* NULL: its connections are not counted */
    struct peer_address address;
    uint32_t requests;
    uint32_t moved; /* bytes dropped in STATE_LINGER; sent in this window of STATE_SLOW */
    int queued;     /* bytes that lay in the socket when this window began */
    struct site_waiter waiter;
    uint8_t state;     /* enum state */
    bool closing;      /* after what is being sent */
    bool lingers;      /* and then through STATE_LINGER */
    bool followed;     /* another request has come with the one that is being answered */
    struct held *held; /* an answer to it; NULL: none */
};

/* An answer without a body of its own that waits for the end of the round (output.c). */
struct held {
    struct connection *to; /* NULL: it has gone */
    struct str head;
};

struct listener {
    struct ev_io io; /* io.data is the server */
    struct listener *next;
};

struct http_server {
    struct ev_loop *loop;
    struct site *site;
    struct feed_server *counts;
    struct http_options options;

    struct listener *listeners;
    struct ev_timer pause; /* out of descriptors: when accepting is tried again */
    bool paused;
    struct peers peers;

    /* One list a state, the earliest deadline first, since all in it have the same time to go. */
    struct connection *connections[STATE_COUNT];
    struct connection *ready; /* in this round, in the kernel's order */
    size_t count;
    struct ev_timer deadline; /* armed for the earliest of all or before; not where there is none */
    double armed_for;

    struct ev_async change;
    struct http_limits *_Atomic new_limits; /* NULL: none */

    struct ev_async stop;
    _Atomic int64_t stop_milliseconds;
    struct ev_timer drained;
    bool draining;

    int64_t second; /* of `date` */
    char date[64];
    size_t date_length;
    char input[HTTP_HEAD_MAX]; /* what has just come, of any connection */

    /* Heads that are about to go, of any connection: those that wait, and behind them the next. */
    struct held held[HELD_MOST];
    size_t held_count, heads_length;
    char heads[HELD_BYTES + HEAD_MAX];
    struct ev_prepare round; /* is over */
};

/* ---- listen.c ------------------------------------------------------------------------------ */

/* Makes a listening socket, whoever opened it, non-blocking and close-on-exec, and sets the TCP
 * options that its connections inherit. It stays the caller's. -1: it is none, or that cannot be;
 * `e` says which. */
int listener_prepare(int fd, struct error *e);

/* ---- output.c ------------------------------------------------------------------------------ */

enum step {
    STEP_DONE,  /* all of it has gone */
    STEP_MORE,  /* the socket is full; the rest is kept */
    STEP_WAIT,  /* for a body */
    STEP_BROKEN /* the connection is to be closed */
};

/* Where HEAD_MAX bytes of a head can be written, until the next call. */
char *output_space(struct http_server *s);
/* Sends an answer, or holds it until the end of the round, which counts as sent. `head` stands in
 * the server's space. Takes the reference to `body`, of which `bytes` is a view; it may be NULL. */
enum step output_start(struct connection *c, struct str head, struct body *body, struct str bytes);
/* Sends what is held. Connections may be closed by it, but for those of which nothing is held. */
void output_flush(struct http_server *s);
/* Goes on with what was kept, and adds what has gone to `moved`. */
enum step output_continue(struct connection *c);
bool output_pending(const struct connection *c);
/* Its connection is about to be closed: what is held goes, as far as the socket takes it. */
void output_drop(struct connection *c);

/* ---- answer.c ------------------------------------------------------------------------------ */

/* What a body that was waited for turned out to be. */
struct found {
    enum site_answer answer;
    struct body *body; /* a reference, or NULL */
};

/* Answers one request and sets whether the connection then closes. With `found` the site has been
 * asked already; its body is taken. */
enum step answer_request(struct connection *c, const struct http_request *r,
                         const struct found *found);
/* The answer, an error, to a request that cannot be read to its end: the connection closes. */
enum step answer_last(struct connection *c, const struct http_request *r, int status);
/* Tells somebody who has too many connections, and closes this one. */
void answer_too_many(struct http_server *s, int fd, struct peer_address address);

/* ---- connection.c -------------------------------------------------------------------------- */

/* Takes the socket and reads from it at once: the first request has often come with it. */
void connection_open(struct http_server *s, int fd, struct peer_address address);
void connection_close(struct connection *c);
void connection_abort(struct connection *c);
/* Takes all of this round whose sockets are ready, one after the other. */
void connections_ready(struct http_server *s);
/* What was held of an answer has been sent, or a part of it, or nothing can be sent. */
void connection_sent(struct connection *c, enum step step);
/* Its deadline has passed. It leaves its list, or does so when called again. */
void connection_expire(struct connection *c);
/* In STATE_SLOW: whether its reader has taken too little, over send_grace at least. */
bool connection_lags(const struct connection *c);
/* The server is stopping: answers what has come, or closes. */
void connection_drain(struct connection *c);

/* ---- deadline.c ---------------------------------------------------------------------------- */

void deadline_init(struct http_server *s);
/* Puts the connection at the end of the list of `state`, its time beginning now. */
void deadline_enter(struct connection *c, enum state state);
void deadline_leave(struct connection *c);
/* How many seconds the connection has been in its state. */
double deadline_age(const struct connection *c);

/* ---- server.c ------------------------------------------------------------------------------ */

/* A connection has gone: there is room for another. */
void server_room(struct http_server *s);
