/* The server: its listeners, how many may come in, and how it stops. */
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS       64  /* a wake-up */
#define PAUSE_SECONDS 0.5 /* out of descriptors, or of room, at most */
#define PAUSE_LEAST   0.02
#define LEAST_SECONDS 0.001
#define HEAD_GRACE    1.0 /* seconds for a head, however many wait behind it; and to linger */

void http_defaults(struct http_options *o)
{
    *o = (struct http_options){
        .limits = {.max_connections = 4096,
                   .max_requests = 1000,
                   .head_timeout = 10,
                   .idle_timeout = 60,
                   .min_send_rate = 1024},
        .body_timeout = 5,
        .send_window = 15,
        .send_grace = 1,
    };
}

/* ---- accepting ----------------------------------------------------------------------------- */

static void listeners_start(struct http_server *s)
{
    for (struct listener *l = s->listeners; l; l = l->next)
        ev_io_start(s->loop, &l->io);
}

static void listeners_stop(struct http_server *s)
{
    for (struct listener *l = s->listeners; l; l = l->next)
        ev_io_stop(s->loop, &l->io);
}

static void resume(struct http_server *s)
{
    if (!s->paused)
        return;
    s->paused = false;
    ev_timer_stop(s->loop, &s->pause);
    listeners_start(s);
}

/* Until a connection has gone; with `seconds` over 0 until then at the latest. */
static void pause_for(struct http_server *s, double seconds)
{
    s->paused = true;
    listeners_stop(s);
    if (seconds <= 0)
        return;
    ev_timer_stop(s->loop, &s->pause);
    ev_timer_set(&s->pause, seconds, 0.0);
    ev_timer_start(s->loop, &s->pause);
}

static void on_pause_over(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    resume(timer->data);
}

/* Whoever has been in this state longest, unless that is no time at all. */
static struct connection *overdue(const struct http_server *s, enum state state)
{
    struct connection *c = s->connections[state];
    return c && deadline_age(c) >= HEAD_GRACE ? c : NULL;
}

/* Of those who are long sent something the first who takes too little of it. Where nobody is found
 * the next look is PAUSE_LEAST away or more, so that it may go through all of them. */
static struct connection *laggard(const struct http_server *s)
{
    struct connection *c = s->connections[STATE_SLOW];
    while (c && !connection_lags(c))
        c = c->next;
    return c;
}

/* Who makes way: whoever has been idle longest, else whose head has been arriving longest, else who
 * has been answered and does not go, else who hardly reads. NULL: nobody. */
static struct connection *least_wanted(const struct http_server *s)
{
    struct connection *c = s->connections[STATE_IDLE];
    if (!c)
        c = overdue(s, STATE_READ);
    if (!c)
        c = overdue(s, STATE_LINGER);
    return c ? c : laggard(s);
}

/* How soon somebody's `grace` is over, with whom the list of a state goes on from `c`. */
static double grace_left(const struct connection *c, double grace)
{
    while (c && deadline_age(c) >= grace)
        c = c->next;
    return c ? grace - deadline_age(c) : PAUSE_SECONDS;
}

/* How soon it may be worth looking again for somebody who makes way, where nobody does now. */
static double next_look(const struct http_server *s)
{
    double grace = s->options.send_grace, pause = PAUSE_SECONDS;
    const double left[] = {
        grace_left(s->connections[STATE_READ], HEAD_GRACE),
        grace_left(s->connections[STATE_LINGER], HEAD_GRACE),
        grace_left(s->connections[STATE_SEND], grace + grace / 2), /* through STATE_SLOW */
        grace_left(s->connections[STATE_SLOW], grace),
    };
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        pause = left[i] < pause ? left[i] : pause;
    return pause > PAUSE_LEAST ? pause : PAUSE_LEAST;
}

static void make_way(struct connection *c)
{
    if (c->state == STATE_SLOW)
        connection_abort(c);
    else
        connection_close(c);
}

/* What a failed accept means. True: try again. */
static bool accept_again(struct http_server *s)
{
    struct connection *c;
    switch (errno) {
    case EAGAIN:
        return false;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
        return true;
    default:
        /* Out of descriptors or memory: the listener stays ready and would keep the loop busy. */
        if ((c = least_wanted(s))) {
            make_way(c);
            return true;
        }
        pause_for(s, next_look(s));
        return false;
    }
}

/* Whether somebody will soon have had his time; else somebody has to go by himself. */
static bool time_will_tell(const struct http_server *s)
{
    return s->connections[STATE_READ] || s->connections[STATE_LINGER] ||
           s->connections[STATE_SEND] || s->connections[STATE_SLOW];
}

static void accept_some(struct http_server *s, int listener)
{
    connections_ready(s); /* who is known to have asked does not make way unheard */
    for (unsigned i = 0; i < ACCEPTS && !s->paused; i++) {
        struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
        socklen_t size = sizeof from;
        bool full = s->count >= s->options.limits.max_connections;
        struct connection *out = full ? least_wanted(s) : NULL;
        if (full && !out) {
            pause_for(s, time_will_tell(s) ? next_look(s) : 0);
            return;
        }
        int fd = accept4(listener, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && out)
            make_way(out);
        if (fd >= 0)
            connection_open(s, fd, peer_address_of(&from));
        else if (!accept_again(s))
            return;
    }
}

static void on_connection(struct ev_loop *loop, struct ev_io *io, int revents)
{
    (void)loop, (void)revents;
    accept_some(io->data, io->fd);
}

/* ---- stopping ------------------------------------------------------------------------------ */

static void listeners_close(struct http_server *s)
{
    struct listener *l;
    ev_timer_stop(s->loop, &s->pause);
    s->paused = false;
    while ((l = s->listeners)) {
        s->listeners = l->next;
        ev_io_stop(s->loop, &l->io);
        close(l->io.fd);
        free(l);
    }
}

static void connections_close(struct http_server *s)
{
    for (int state = 0; state < STATE_COUNT; state++)
        while (s->connections[state])
            connection_close(s->connections[state]);
}

/* From a clean stack, so that `stopped` may free the server. */
static void on_drained(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
    (void)revents;
    struct http_server *s = timer->data;
    ev_timer_stop(loop, &s->drained);
    connections_close(s);
    ev_clear_pending(loop, &s->drained);
    ev_async_stop(loop, &s->stop);
    if (s->options.stopped)
        s->options.stopped(s->options.stopped_arg);
}

void server_room(struct http_server *s)
{
    if (!s->draining)
        resume(s);
    else if (s->count == 0)
        ev_feed_event(s->loop, &s->drained, EV_TIMER);
}

/* Who is silent is let go; who has sent something is answered. */
static void drain_list(struct http_server *s, enum state state)
{
    struct connection *next;
    for (struct connection *c = s->connections[state]; c; c = next) {
        next = c->next;
        connection_drain(c);
    }
}

static void on_stop(struct ev_loop *loop, struct ev_async *stop, int revents)
{
    (void)revents;
    struct http_server *s = stop->data;
    double seconds = (double)atomic_load(&s->stop_milliseconds) / 1000;
    /* Whoever is in the queue has been let in by the kernel. */
    for (struct listener *l = s->listeners; l; l = l->next)
        accept_some(s, l->io.fd);
    s->draining = true;
    listeners_close(s);
    output_flush(s); /* none of those that are walked through now may be closed on the way */
    drain_list(s, STATE_IDLE);
    drain_list(s, STATE_READ);
    ev_now_update(loop);
    ev_timer_stop(loop, &s->drained);
    ev_timer_set(&s->drained, seconds > 0 ? seconds : 0.0, 0.0);
    ev_timer_start(loop, &s->drained);
    if (s->count == 0)
        ev_feed_event(loop, &s->drained, EV_TIMER);
}

void http_server_stop(struct http_server *s, double seconds)
{
    atomic_store(&s->stop_milliseconds, (int64_t)(seconds * 1000));
    ev_async_send(s->loop, &s->stop);
}

static void on_round_over(struct ev_loop *loop, struct ev_prepare *round, int revents)
{
    (void)loop, (void)revents;
    connections_ready(round->data);
    output_flush(round->data);
}

/* ---- life ---------------------------------------------------------------------------------- */

static double at_least(double seconds)
{
    return seconds > LEAST_SECONDS ? seconds : LEAST_SECONDS;
}

static void take_limits(struct http_server *s, const struct http_limits *limits)
{
    struct http_limits *l = &s->options.limits;
    *l = *limits;
    l->head_timeout = at_least(limits->head_timeout);
    l->idle_timeout = at_least(limits->idle_timeout);
    if (l->max_connections == 0)
        l->max_connections = 1;
}

static void take_options(struct http_server *s, const struct http_options *options)
{
    s->options = *options;
    s->options.body_timeout = at_least(options->body_timeout);
    s->options.send_window = at_least(options->send_window);
    s->options.send_grace = at_least(options->send_grace);
    take_limits(s, &options->limits);
}

static void on_change(struct ev_loop *loop, struct ev_async *change, int revents)
{
    (void)loop, (void)revents;
    struct http_server *s = change->data;
    struct http_limits *limits = atomic_exchange(&s->new_limits, NULL);
    if (!limits)
        return;
    take_limits(s, limits);
    free(limits);
    /* There may be room now. */
    if (!s->draining)
        resume(s);
}

void http_server_limit(struct http_server *s, const struct http_limits *limits)
{
    struct http_limits *copy = malloc(sizeof *copy);
    if (!copy)
        return;
    *copy = *limits;
    free(atomic_exchange(&s->new_limits, copy));
    ev_async_send(s->loop, &s->change);
}

struct http_server *http_server_new(struct ev_loop *loop, struct site *site,
                                    const struct http_options *options, struct error *e)
{
    struct http_server *s = calloc(1, sizeof *s);
    if (!s) {
        error_set(e, "out of memory");
        return NULL;
    }
    s->loop = loop;
    s->site = site;
    s->counts = site_server(site);
    take_options(s, options);
    deadline_init(s);
    ev_prepare_init(&s->round, on_round_over);
    s->round.data = s;
    ev_prepare_start(loop, &s->round);
    ev_init(&s->pause, on_pause_over);
    s->pause.data = s;
    ev_init(&s->drained, on_drained);
    s->drained.data = s;
    ev_async_init(&s->change, on_change);
    s->change.data = s;
    ev_async_start(loop, &s->change);
    ev_async_init(&s->stop, on_stop);
    s->stop.data = s;
    ev_async_start(loop, &s->stop);
    return s;
}

int http_server_add(struct http_server *s, int fd, struct error *e)
{
    struct listener *l = NULL;
    if (listener_prepare(fd, e) == 0 && !(l = calloc(1, sizeof *l)))
        error_set(e, "out of memory");
    if (!l) {
        close(fd);
        return -1;
    }
    ev_io_init(&l->io, on_connection, fd, EV_READ);
    ev_set_priority(&l->io, EV_MINPRI); /* once it is known who is ready */
    l->io.data = s;
    l->next = s->listeners;
    s->listeners = l;
    if (!s->paused)
        ev_io_start(s->loop, &l->io);
    return 0;
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    s->options.stopped = NULL;
    listeners_close(s);
    connections_close(s);
    ev_timer_stop(s->loop, &s->deadline);
    ev_timer_stop(s->loop, &s->drained);
    ev_clear_pending(s->loop, &s->drained);
    ev_async_stop(s->loop, &s->stop);
    ev_async_stop(s->loop, &s->change);
    ev_prepare_stop(s->loop, &s->round);
    peers_clear(&s->peers);
    free(s->new_limits);
    free(s);
}
