#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MOST    4096
#define PATIENCE_S   10.
#define BROKEN       SIZE_MAX
/* Shorter than any switch of threads there and back that could be told from what clocks are off. */
#define LOST_LEAST_S 20e-6

struct connection {
    int fd;
    size_t left;     /* of the body */
    double due;      /* of the request that is under way */
    double not_mine; /* of the run, when it was sent */
};

struct run {
    const struct load *load;
    struct sockaddr_in to;
    size_t request_length;
    struct connection connections[LOAD_CONNECTIONS];
    struct connection *free[LOAD_CONNECTIONS]; /* have nothing under way */
    size_t free_count;
    int epoll;
    size_t sent, done;
    double began;
    double not_mine; /* seconds that are not counted; see seconds_now */
};

static void give_up(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double seconds_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of the monotonic clock, but for those in which another thread had this one's core: they
 * would be counted as the server's. Without a rate it sleeps, and no time is measured by it. */
static double seconds_now(struct run *run)
{
    double now = seconds_of(CLOCK_MONOTONIC);

    if (run->load->rate > 0) {
        double lost = now - seconds_of(CLOCK_THREAD_CPUTIME_ID) - run->not_mine;

        if (lost > LOST_LEAST_S)
            run->not_mine += lost;
    }
    return now - run->not_mine;
}

/* ---- latencies ----------------------------------------------------------------------------- */

/* For so many more, so that a run does not stop to make room. */
static void latencies_reserve(struct latencies *l, size_t more)
{
    if (l->size - l->count >= more)
        return;
    l->size = l->count + more;
    l->us = realloc(l->us, l->size * sizeof(*l->us));
    if (!l->us)
        give_up("memory");
}

void latencies_add(struct latencies *l, const struct latencies *from)
{
    latencies_reserve(l, from->count);
    for (size_t i = 0; i < from->count; i++)
        l->us[l->count++] = from->us[i];
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double latencies_at(struct latencies *l, double share)
{
    if (l->count == 0)
        return 0;
    qsort(l->us, l->count, sizeof(*l->us), compare);
    return l->us[(size_t)ceil((double)l->count * share) - 1];
}

void latencies_free(struct latencies *l)
{
    free(l->us);
    *l = (struct latencies){0};
}

/* ---- connections --------------------------------------------------------------------------- */

static void dial(struct run *run, struct connection *c)
{
    int one = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    c->left = 0;
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&run->to, sizeof(run->to)) < 0)
        give_up(run->load->address);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    epoll_ctl(run->epoll, EPOLL_CTL_ADD, c->fd,
              &(struct epoll_event){.events = EPOLLIN, .data.ptr = c});
}

/* Reads a head and says how much of the body is left. BROKEN: nothing has come. */
static size_t read_head(struct connection *c, bool body)
{
    char head[HEAD_MOST];
    ssize_t n = recv(c->fd, head, sizeof(head) - 1, 0);
    char *end, *length;

    if (n < 0 && errno == EAGAIN)
        return BROKEN;
    if (n <= 0)
        give_up("the server has hung up");
    head[n] = '\0';
    end = strstr(head, "\r\n\r\n");
    if (!end)
        give_up("a head that came in parts");
    length = body ? strcasestr(head, "content-length:") : NULL;
    if (!length || length > end)
        return 0;
    return strtoul(length + 15, NULL, 10) - (size_t)(n - (end + 4 - head));
}

/* One event of a connection. True: an answer has come whole. */
static bool step(struct connection *c, bool body)
{
    ssize_t n;

    if (c->left == 0) {
        size_t left = read_head(c, body);

        c->left = left == BROKEN ? 0 : left;
        return left == 0;
    }
    n = recv(c->fd, NULL, c->left, MSG_TRUNC);
    if (n == 0)
        give_up("the server has hung up");
    if (n > 0)
        c->left -= (size_t)n;
    return n > 0 && c->left == 0;
}

/* ---- requests ------------------------------------------------------------------------------ */

static void ask(struct run *run, struct connection *c, double due)
{
    c->due = due;
    c->not_mine = run->not_mine;
    if (run->load->dial)
        dial(run, c);
    if (send(c->fd, run->load->request, run->request_length, MSG_NOSIGNAL) !=
        (ssize_t)run->request_length)
        give_up("a request was not sent whole");
    run->sent++;
}

/* Sends what is due, as far as there are connections with nothing to do. */
static void ask_what_is_due(struct run *run, double now)
{
    const struct load *load = run->load;

    while (run->free_count && run->sent < load->requests) {
        double due = load->rate > 0 ? run->began + (double)run->sent / load->rate : now;

        if (due > now)
            return;
        ask(run, run->free[--run->free_count], due);
    }
}

static void answered(struct run *run, struct connection *c)
{
    struct latencies *latencies = run->load->latencies;
    double now = seconds_now(run);

    /* How long one took while this thread was away cannot be told. */
    if (latencies && run->done >= run->load->requests / LOAD_COLD && run->not_mine <= c->not_mine)
        latencies->us[latencies->count++] = (now - c->due) * 1e6;
    run->done++;
    if (run->load->dial)
        close(c->fd);
    run->free[run->free_count++] = c;
}

static void loop(struct run *run)
{
    struct epoll_event events[LOAD_CONNECTIONS];
    double last = run->began = seconds_now(run);

    while (run->done < run->load->requests) {
        double now = seconds_now(run);
        int ready;

        ask_what_is_due(run, now);
        /* With a rate it never sleeps: waking up would be counted as the server's. */
        ready = epoll_wait(run->epoll, events, LOAD_CONNECTIONS, run->load->rate > 0 ? 0 : 1000);
        for (int i = 0; i < ready; i++)
            if (step(events[i].data.ptr, run->load->body))
                answered(run, events[i].data.ptr);
        if (ready > 0)
            last = now;
        else if (now - last > PATIENCE_S)
            give_up("the server has stopped answering");
    }
}

double load_run(const struct load *load)
{
    struct run run = {.load = load, .request_length = strlen(load->request)};
    double seconds;

    run.to = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    run.to.sin_port = htons((uint16_t)atoi(strrchr(load->address, ':') + 1));
    if (load->rate > 0)
        run.not_mine = seconds_of(CLOCK_MONOTONIC) - seconds_of(CLOCK_THREAD_CPUTIME_ID);
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->latencies)
        latencies_reserve(load->latencies, load->requests);
    for (size_t i = 0; i < LOAD_CONNECTIONS; i++) {
        run.free[run.free_count++] = &run.connections[i];
        if (!load->dial)
            dial(&run, &run.connections[i]);
    }
    loop(&run);
    seconds = seconds_now(&run) - run.began;
    for (size_t i = 0; i < LOAD_CONNECTIONS && !load->dial; i++)
        close(run.connections[i].fd);
    close(run.epoll);
    return seconds;
}
