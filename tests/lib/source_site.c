/* The scripted source site: its thread, its connections, and what it has seen. */
#include "source_site.h"

#include "source_reply.h"
#include "source_route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

enum { HEAD_MAX = 256 * 1024, READ_SIZE = 16 * 1024, TLS_HANDSHAKE = 22 };

enum connection_state { READING, HELD, SENDING, HANGING };

/* Belongs to the site's thread alone. */
struct connection {
    struct source_site *site;
    enum connection_state state;
    struct ev_io io;
    struct ev_timer drip; /* the next byte */
    struct buf in;
    struct route *route; /* of a held one */
    struct source_reply reply;
    size_t sent;
    struct connection *prev, *next;
};

struct source_site {
    pthread_t thread;
    struct ev_loop *loop;
    struct ev_io *listeners;
    unsigned hosts;
    struct ev_async wake;
    struct connection *connections;

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t seen;
    struct route_table table;
    size_t connections_count;
    bool stopping;
};

/* ---- connections --------------------------------------------------------------------------- */

static void watch(struct connection *c, int events)
{
    struct ev_loop *loop = c->site->loop;

    ev_io_stop(loop, &c->io);
    ev_io_set(&c->io, c->io.fd, events);
    if (events)
        ev_io_start(loop, &c->io);
}

static void connection_free(struct connection *c, bool reset)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    watch(c, 0);
    ev_timer_stop(c->site->loop, &c->drip);
    if (reset)
        setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(c->io.fd);
    DL_DELETE(c->site->connections, c);
    buf_clear(&c->in);
    buf_clear(&c->reply.bytes);
    free(c);
}

static bool take_request(struct connection *c);

/* All is sent: what now, as the reply says. False: the connection is gone. */
static bool sent_all(struct connection *c)
{
    if (c->reply.hang) {
        c->state = HANGING;
        watch(c, EV_READ); /* to see it closed */
        return true;
    }
    if (c->reply.close) {
        connection_free(c, c->reply.reset);
        return false;
    }
    buf_clear(&c->reply.bytes);
    c->state = READING;
    watch(c, EV_READ);
    return take_request(c);
}

static void send_later(struct connection *c)
{
    watch(c, EV_READ); /* to see it closed */
    ev_timer_set(&c->drip, c->reply.drip, 0.);
    ev_timer_start(c->site->loop, &c->drip);
}

static size_t next_piece(const struct connection *c)
{
    if (c->reply.drip > 0)
        return c->sent < c->reply.drip_at ? c->reply.drip_at - c->sent : 1;
    return c->reply.bytes.len - c->sent;
}

static bool send_some(struct connection *c)
{
    while (c->sent < c->reply.bytes.len) {
        ssize_t n = send(c->io.fd, c->reply.bytes.data + c->sent, next_piece(c),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            watch(c, EV_WRITE);
            return true;
        }
        if (n < 0) {
            connection_free(c, false);
            return false;
        }
        c->sent += (size_t)n;
        if (c->reply.drip > 0 && c->sent >= c->reply.drip_at) {
            send_later(c);
            return true;
        }
    }
    return sent_all(c);
}

static bool start_sending(struct connection *c)
{
    c->state = SENDING;
    c->sent = 0;
    return send_some(c);
}

/* Notes the request and chooses its step. True: it can be answered at once. */
static bool choose_step(struct connection *c, struct str head, struct str body)
{
    static const struct site_step not_found = {.status = 404, .body = "no such page"};
    struct source_site *site = c->site;
    struct str line = head;
    const struct site_step *step = &not_found;
    bool now;

    str_cut(&line, ' ');
    line = str_cut(&line, ' ');
    pthread_mutex_lock(&site->lock);
    c->route = route_of(&site->table, line);
    if (c->route->count)
        step = route_next(c->route);
    source_reply_make(&c->reply, step, head);
    now = !step->hold || c->route->permits > 0;
    if (step->hold && now)
        c->route->permits--;
    route_note(&site->table, c->route, head, body);
    pthread_cond_broadcast(&site->seen);
    pthread_mutex_unlock(&site->lock);
    return now;
}

/* What a POST brings; none of what would find no room beside its head. */
static size_t body_length(struct str head)
{
    struct str value;
    int64_t length = 0;

    if (source_head_field(head, STR("Content-Length"), &value))
        parse_number(value, 0, HEAD_MAX, &length);
    return (size_t)length;
}

/* False: the connection is gone. */
static bool take_request(struct connection *c)
{
    size_t head = str_find(buf_str(&c->in), STR("\r\n\r\n"), 0), end;
    bool now;

    if (head == SIZE_MAX)
        return true;
    head += 4;
    end = head + body_length(str_sub(buf_str(&c->in), 0, head));
    if (end > c->in.len)
        return true;
    now = choose_step(c, str_sub(buf_str(&c->in), 0, head),
                      str_sub(buf_str(&c->in), head, end - head));
    memmove(c->in.data, c->in.data + end, c->in.len - end);
    c->in.len -= end;
    if (now)
        return start_sending(c);
    c->state = HELD;
    watch(c, EV_READ);
    return true;
}

/* As servers do that speak no TLS. */
static void refuse_tls(struct connection *c)
{
    static const struct site_step bad_request = {.status = 400, .framing = SITE_CLOSE};

    source_reply_make(&c->reply, &bad_request, (struct str){0});
    start_sending(c);
}

static void read_some(struct connection *c)
{
    char piece[READ_SIZE];
    ssize_t n = recv(c->io.fd, piece, sizeof piece, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || buf_append(&c->in, piece, (size_t)n))
        connection_free(c, false);
    else if (c->state == READING && c->in.data[0] == TLS_HANDSHAKE)
        refuse_tls(c);
    else if (c->state == READING)
        take_request(c);
}

static void on_connection(struct ev_loop *loop, struct ev_io *w, int events)
{
    (void)loop;
    if (events & EV_WRITE)
        send_some(w->data);
    else
        read_some(w->data);
}

static void on_drip(struct ev_loop *loop, struct ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    send_some(w->data);
}

static void on_listener(struct ev_loop *loop, struct ev_io *w, int events)
{
    struct source_site *site = w->data;
    int yes = 1;
    int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct connection *c;

    (void)loop;
    (void)events;
    if (fd < 0)
        return;
    c = calloc(1, sizeof *c);
    if (!c)
        source_give_up("calloc");
    c->site = site;
    buf_init(&c->in, HEAD_MAX);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ev_io_init(&c->io, on_connection, fd, EV_READ);
    ev_timer_init(&c->drip, on_drip, 0., 0.);
    c->io.data = c->drip.data = c;
    DL_APPEND(site->connections, c);
    pthread_mutex_lock(&site->lock);
    site->connections_count++;
    pthread_mutex_unlock(&site->lock);
    watch(c, EV_READ);
}

/* ---- its thread ---------------------------------------------------------------------------- */

static bool use_permit(struct connection *c)
{
    bool may;

    pthread_mutex_lock(&c->site->lock);
    may = c->state == HELD && c->route->permits > 0;
    if (may)
        c->route->permits--;
    pthread_mutex_unlock(&c->site->lock);
    return may;
}

static void on_wake(struct ev_loop *loop, struct ev_async *w, int events)
{
    struct source_site *site = w->data;
    struct connection *c, *next;
    bool stopping;

    (void)events;
    pthread_mutex_lock(&site->lock);
    stopping = site->stopping;
    pthread_mutex_unlock(&site->lock);
    DL_FOREACH_SAFE(site->connections, c, next)
    {
        if (stopping)
            connection_free(c, false);
        else if (use_permit(c))
            start_sending(c);
    }
    if (stopping)
        ev_break(loop, EVBREAK_ALL);
}

static void *run(void *arg)
{
    struct source_site *site = arg;

    ev_run(site->loop, 0);
    return NULL;
}

/* At 127.0.0.`host`; *port 0: any that is free, which it is then. -1: it is taken there. */
static int listen_at(unsigned host, unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)*port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK + host - 1)}};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        source_give_up("socket");
    if (bind(fd, (struct sockaddr *)&address, n)) {
        if (errno != EADDRINUSE)
            source_give_up("bind");
        close(fd);
        return -1;
    }
    if (listen(fd, 128) || getsockname(fd, (struct sockaddr *)&address, &n))
        source_give_up("listen");
    *port = ntohs(address.sin_port);
    return fd;
}

/* A port that is free at all hosts is found soon. */
static void listen_everywhere(struct source_site *site)
{
    for (unsigned i = 0; i < site->hosts; i++) {
        int fd = listen_at(i + 1, &site->table.port);
        if (fd >= 0) {
            ev_io_init(&site->listeners[i], on_listener, fd, EV_READ);
            site->listeners[i].data = site;
            continue;
        }
        while (i > 0)
            close(site->listeners[--i].fd);
        i = UINT_MAX; /* from the first again */
        site->table.port = 0;
    }
    for (unsigned i = 0; i < site->hosts; i++)
        ev_io_start(site->loop, &site->listeners[i]);
}

static void init_lock(struct source_site *site)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&site->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&site->seen, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* Signals are for the test's own threads. */
static void start_thread(struct source_site *site)
{
    sigset_t all, old;
    int code;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    code = pthread_create(&site->thread, NULL, run, site);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code)
        source_give_up("pthread_create");
}

/* ---- the face ------------------------------------------------------------------------------ */

struct source_site *source_site_start(void)
{
    return source_site_start_hosts(1);
}

struct source_site *source_site_start_hosts(unsigned hosts)
{
    struct source_site *site = calloc(1, sizeof *site);

    if (!site || !(site->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV)) ||
        !(site->listeners = calloc(hosts, sizeof *site->listeners)))
        source_give_up("start");
    site->hosts = hosts;
    init_lock(site);
    listen_everywhere(site);
    ev_async_init(&site->wake, on_wake);
    site->wake.data = site;
    ev_async_start(site->loop, &site->wake);
    start_thread(site);
    return site;
}

void source_site_stop(struct source_site *site)
{
    if (!site)
        return;
    pthread_mutex_lock(&site->lock);
    site->stopping = true;
    pthread_mutex_unlock(&site->lock);
    ev_async_send(site->loop, &site->wake);
    pthread_join(site->thread, NULL);
    ev_async_stop(site->loop, &site->wake);
    for (unsigned i = 0; i < site->hosts; i++) {
        ev_io_stop(site->loop, &site->listeners[i]);
        close(site->listeners[i].fd);
    }
    free(site->listeners);
    ev_loop_destroy(site->loop);
    route_table_clear(&site->table);
    pthread_cond_destroy(&site->seen);
    pthread_mutex_destroy(&site->lock);
    free(site);
}

/* Takes the lock; the caller gives it back. */
static struct route *lock_route(struct source_site *site, const char *path)
{
    pthread_mutex_lock(&site->lock);
    return route_of(&site->table, str_of(path));
}

const char *source_site_url(struct source_site *site, const char *path)
{
    const char *url = lock_route(site, path)->url;

    pthread_mutex_unlock(&site->lock);
    return url;
}

const char *source_site_url_at(struct source_site *site, unsigned host, const char *path, char *out,
                               size_t size)
{
    snprintf(out, size, "http://127.0.0.%u:%u%s", host, site->table.port, path);
    return out;
}

unsigned source_site_port(const struct source_site *site)
{
    return site->table.port;
}

void source_site_set(struct source_site *site, const char *path, const struct site_step *steps,
                     size_t count)
{
    route_set(lock_route(site, path), steps, count);
    pthread_mutex_unlock(&site->lock);
}

void source_site_set_page(struct source_site *site, const char *path, const char *body)
{
    struct site_step step = {.body = body};

    source_site_set(site, path, &step, 1);
}

static const size_t *counter(struct source_site *site, const char *path)
{
    return path ? &route_of(&site->table, str_of(path))->requests_count
                : &site->table.requests_count;
}

size_t source_site_requests(struct source_site *site, const char *path)
{
    size_t count;

    pthread_mutex_lock(&site->lock);
    count = *counter(site, path);
    pthread_mutex_unlock(&site->lock);
    return count;
}

bool source_site_wait_requests(struct source_site *site, const char *path, size_t count,
                               double seconds)
{
    struct timespec end;
    bool enough;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_nsec += (long)((seconds - (double)(long)seconds) * 1e9);
    end.tv_sec += (time_t)seconds + end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    pthread_mutex_lock(&site->lock);
    while (!(enough = *counter(site, path) >= count))
        if (pthread_cond_timedwait(&site->seen, &site->lock, &end))
            break;
    pthread_mutex_unlock(&site->lock);
    return enough;
}

void source_site_release(struct source_site *site, const char *path)
{
    lock_route(site, path)->permits++;
    pthread_mutex_unlock(&site->lock);
    ev_async_send(site->loop, &site->wake);
}

size_t source_site_connections(struct source_site *site)
{
    size_t count;

    pthread_mutex_lock(&site->lock);
    count = site->connections_count;
    pthread_mutex_unlock(&site->lock);
    return count;
}

const char *source_site_body(struct source_site *site, const char *path, size_t number)
{
    const char *body = route_body(lock_route(site, path), number);

    pthread_mutex_unlock(&site->lock);
    return body;
}

const char *source_site_head(struct source_site *site, const char *path, size_t number)
{
    const char *head = route_head(lock_route(site, path), number);

    pthread_mutex_unlock(&site->lock);
    return head;
}

const char *source_site_header(struct source_site *site, const char *path, size_t number,
                               const char *name, char *out, size_t size)
{
    const char *head = source_site_head(site, path, number);
    struct str value;

    if (!head || !source_head_field(str_of(head), str_of(name), &value))
        return NULL;
    snprintf(out, size, "%.*s", STR_ARG(value));
    return out;
}
