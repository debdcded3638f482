/* A server in a thread of its own, with a site that the test fills. Included by the tests of the
 * server; what is linked with every test knows nothing of http. */
#pragma once

#include <ev.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lib/raw_client.h"
#include "http.h"

#define MISSES 64

struct http_house {
    struct ev_loop *loop;
    struct site *site;
    struct http_server *server;
    pthread_t thread;
    char address[64];
    struct ev_check check; /* counts */
    atomic_uint iterations;
    sem_t stopped, missed;
    bool was_stopped;
    pthread_mutex_t lock; /* over what follows */
    char misses[MISSES][128];
    size_t asked, taken;
};

/* Long deadlines: a test of one sets its own. */
static inline void http_house_defaults(struct http_options *o)
{
    http_defaults(o);
    o->limits.head_timeout = o->limits.idle_timeout = o->body_timeout = o->send_window = 60;
}

static inline _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "http_house: %s: %s\n", what, why);
    abort();
}

static inline int64_t wall_clock(void *arg)
{
    (void)arg;
    return time(NULL);
}

static inline void on_stopped(void *arg)
{
    struct http_house *h = arg;
    ev_break(h->loop, EVBREAK_ALL);
    sem_post(&h->stopped);
}

static inline void on_miss(void *arg, const char *path)
{
    struct http_house *h = arg;
    pthread_mutex_lock(&h->lock);
    if (h->asked == MISSES)
        give_up("too many misses", path);
    snprintf(h->misses[h->asked++], sizeof h->misses[0], "%s", path);
    pthread_mutex_unlock(&h->lock);
    sem_post(&h->missed);
}

static inline void on_check(struct ev_loop *loop, struct ev_check *check, int revents)
{
    (void)loop, (void)revents;
    struct http_house *h = check->data;
    atomic_fetch_add(&h->iterations, 1);
}

static inline void *run(void *arg)
{
    struct http_house *h = arg;
    ev_run(h->loop, 0);
    return NULL;
}

/* Starts a server on a free port of the loopback, with a site of `max_waiting` paths. Ends the test
 * program where it cannot. */
static inline struct http_house *http_house_open(const struct http_options *options,
                                                 size_t max_waiting)
{
    struct error e;
    struct http_house *h = calloc(1, sizeof *h);
    struct http_options o = *options;
    struct site_options so = {.version = "0",
                              .cache_size = 1 << 20,
                              .max_waiting = max_waiting,
                              .miss = on_miss,
                              .miss_arg = h};
    if (!h || !(h->loop = ev_loop_new(EVFLAG_AUTO)))
        give_up("start", "no memory");
    o.clock = o.clock ? o.clock : wall_clock;
    o.stopped = on_stopped;
    o.stopped_arg = h;
    sem_init(&h->stopped, 0, 0);
    sem_init(&h->missed, 0, 0);
    pthread_mutex_init(&h->lock, NULL);
    int fd = http_listen("127.0.0.1:0", &e);
    if (fd < 0)
        give_up("listen", e.text);
    http_address(fd, h->address, sizeof h->address);
    h->site = site_new(h->loop, &so, &e);
    h->server = h->site ? http_server_new(h->loop, h->site, &o, &e) : NULL;
    if (!h->server || http_server_add(h->server, fd, &e))
        give_up("start", e.text);
    ev_check_init(&h->check, on_check);
    h->check.data = h;
    ev_check_start(h->loop, &h->check);
    if (pthread_create(&h->thread, NULL, run, h))
        give_up("start", "no thread");
    return h;
}

static inline bool sem_wait_ms(sem_t *s, int64_t ms)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    int64_t nanoseconds = t.tv_nsec + ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + nanoseconds / 1000000000;
    t.tv_nsec = nanoseconds % 1000000000;
    return sem_timedwait(s, &t) == 0;
}

/* Waits until the server says that it has stopped. */
static inline bool http_house_stopped(struct http_house *h, int ms)
{
    if (!h->was_stopped)
        h->was_stopped = sem_wait_ms(&h->stopped, ms);
    return h->was_stopped;
}

static inline void http_house_close(struct http_house *h)
{
    if (!h->was_stopped)
        http_server_stop(h->server, 0.2);
    if (!http_house_stopped(h, 10000))
        give_up("stop", "the server does not");
    pthread_join(h->thread, NULL);
    http_server_free(h->server);
    site_free(h->site);
    ev_loop_destroy(h->loop);
    sem_destroy(&h->stopped);
    sem_destroy(&h->missed);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* Whether `path` is served with exactly these bytes now. Afterwards nothing is left of the
 * connection on either side: a test may count descriptors. */
static inline bool serves(struct http_house *h, const char *path, struct str bytes)
{
    struct raw_response r;
    char request[256];
    struct raw_client *c = raw_open(h->address, 0);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    bool same = c && raw_puts(c, request) == 0 && raw_read(c, false, 5000, &r) == RAW_DONE &&
                r.status == 200 && str_eq(r.body, bytes);
    if (c && raw_end(c) == 0 && !raw_ends(c, 5000))
        give_up("the connection stays open", path);
    raw_close(c);
    return same;
}

/* Publishes these bytes and waits until they are served. */
static inline void http_house_publish(struct http_house *h, const char *path, struct str bytes,
                                      enum site_keep keep)
{
    struct body *b = body_new(bytes, MEDIA_ATOM, CACHE_FEED, time(NULL), true);
    if (!b || site_publish(h->site, path, b, keep))
        give_up("publish", path);
    for (int i = 0; i < 1000; i++)
        if (serves(h, path, bytes))
            return;
    give_up("publish", "it is not served");
}

/* Waits until the server has asked for a path. False: not within five seconds. */
static inline bool http_house_missed(struct http_house *h, char *path, size_t size)
{
    if (!sem_wait_ms(&h->missed, 5000))
        return false;
    pthread_mutex_lock(&h->lock);
    snprintf(path, size, "%s", h->misses[h->taken++]);
    pthread_mutex_unlock(&h->lock);
    return true;
}

/* How often the loop has gone round. */
static inline unsigned http_house_iterations(const struct http_house *h)
{
    return atomic_load(&h->iterations);
}

/* Processor time of the server's thread. */
static inline int64_t http_house_cpu_ms(struct http_house *h)
{
    clockid_t clock;
    struct timespec t;
    if (pthread_getcpuclockid(h->thread, &clock) || clock_gettime(clock, &t))
        give_up("clock", "the thread has none");
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
