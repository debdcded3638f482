/* The server under pressure: deadlines, too many connections, no descriptors left, stopping. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_house.h"

#define MS    5000
#define SHORT 0.1 /* seconds: a deadline that is meant to pass */
#define GET   "GET /blog.atom HTTP/1.1\r\nHost: a\r\n\r\n"
#define FEED  "<feed>one</feed>"
#define PAGE  "/blog/0a1b2c3d-0000-5000-8000-000000000001.html"
#define LARGE (8u << 20)

static struct http_house *open_house(const struct http_options *o)
{
    struct http_house *h = http_house_open(o, 8);
    struct feed_row row = {
        .name = (char[]){"blog"}, .title = (char[]){"blog"}, .url = (char[]){""}};
    assert_int_equal(0, site_tell(h->site, &row));
    http_house_publish(h, "/blog.atom", STR(FEED), SITE_FEED); /* waits, so the row is there too */
    return h;
}

static void publish_large(struct http_house *h)
{
    char *bytes = malloc(LARGE);
    assert_non_null(bytes);
    memset(bytes, 'x', LARGE);
    http_house_publish(h, "/large.atom", (struct str){bytes, LARGE}, SITE_FEED);
    free(bytes);
}

static struct raw_client *ask(struct http_house *h, const char *text)
{
    struct raw_client *c = raw_open(h->address, 0);
    assert_non_null(c);
    assert_int_equal(0, raw_puts(c, text));
    return c;
}

static struct raw_response expect(struct raw_client *c, int status)
{
    struct raw_response r;
    enum raw_result result = raw_read(c, false, MS, &r);
    if (result != RAW_DONE || r.status != status)
        fail_msg("result %d, status %d where %d was expected", (int)result, r.status, status);
    return r;
}

static void assert_served(struct http_house *h)
{
    struct raw_client *c = ask(h, GET);
    expect(c, 200);
    raw_close(c);
}

/* A client that has begun to receive more than any socket holds, and reads no further. */
static struct raw_client *stuck_reader(struct http_house *h)
{
    struct raw_client *c = raw_open(h->address, 4096);
    assert_non_null(c);
    assert_int_equal(0, raw_puts(c, "GET /large.atom HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_false(raw_silent(c, MS));
    return c;
}

/* ---- deadlines ----------------------------------------------------------------------------- */

static void a_head_that_is_too_slow(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.limits.head_timeout = SHORT;
    struct http_house *h = open_house(&o);
    struct raw_client *c = ask(h, "GET /blog.atom HTTP/1.1\r\nHost");
    struct raw_response r = expect(c, 408);
    assert_true(str_eq(raw_field(&r, "Connection"), STR("close")));
    assert_true(raw_ends(c, MS));
    raw_close(c);
    c = ask(h, GET "GET /second"); /* the second of a connection has its own time */
    expect(c, 200);
    expect(c, 408);
    raw_close(c);
    c = ask(h, ""); /* who has said nothing is told nothing */
    assert_true(raw_ends(c, MS));
    raw_close(c);
    http_house_close(h);
}

/* A byte now and then does not buy time. */
static void a_head_that_trickles(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.limits.head_timeout = SHORT;
    struct http_house *h = open_house(&o);
    struct raw_client *c = ask(h, "GET /blog.atom HTTP/1.1\r\nX: ");
    int bytes = 0;
    while (bytes < 100 && raw_silent(c, 10) && raw_puts(c, "x") == 0)
        bytes++;
    assert_in_range(bytes, 1, 99);
    expect(c, 408);
    raw_close(c);
    http_house_close(h);
}

static void an_idle_connection(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.limits.idle_timeout = SHORT;
    struct http_house *h = open_house(&o);
    struct raw_client *c = ask(h, GET);
    expect(c, 200);
    assert_true(raw_ends(c, MS));
    raw_close(c);
    http_house_close(h);
}

/* The server stands still at a page that is missed, until the lock is given back. Returns the
 * connection that has asked for it. */
static struct raw_client *hold_up(struct http_house *h)
{
    struct raw_client *c = ask(h, GET); /* served last: the kernel names it first next time */
    expect(c, 200);
    unsigned before = http_house_iterations(h);
    pthread_mutex_lock(&h->lock);
    assert_int_equal(0, raw_puts(c, "GET " PAGE " HTTP/1.1\r\nHost: a\r\n\r\n"));
    while (http_house_iterations(h) == before)
        sched_yield();
    return c;
}

/* The server stands still until the time is over of one who has asked meanwhile, so much that it
 * is not read at once. */
static void who_has_asked_is_not_idle(void **state)
{
    enum { COUNT = 64, LENGTH = HTTP_HEAD_MAX / COUNT };
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.limits.idle_timeout = 5 * SHORT;
    struct http_house *h = open_house(&o);
    struct raw_client *c = ask(h, GET);
    expect(c, 200);
    struct raw_client *other = hold_up(h);
    char request[LENGTH + 1];
    snprintf(request, sizeof request, "%-*s\r\n\r\n", LENGTH - 4,
             "GET /blog.atom HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\nX: ");
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(0, raw_puts(c, request));
    assert_int_equal(0, raw_puts(c, "GET /no HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    assert_true(raw_silent(c, 600));
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < COUNT; i++)
        expect(c, 304);
    expect(c, 404);
    raw_close(c);
    raw_close(other);
    http_house_close(h);
}

/* More than the kernel names in one round. */
static void none_of_a_crowd_that_has_asked_is_idle(void **state)
{
    enum { CROWD = 150 };
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.limits.idle_timeout = 10 * SHORT;
    struct http_house *h = open_house(&o);
    struct raw_client *crowd[CROWD];
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = ask(h, GET);
        expect(crowd[i], 200);
    }
    struct raw_client *other = hold_up(h);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(0, raw_puts(crowd[i], GET));
    assert_true(raw_silent(crowd[0], 1200));
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < CROWD; i++) {
        expect(crowd[i], 200);
        raw_close(crowd[i]);
    }
    raw_close(other);
    http_house_close(h);
}

static void a_page_that_does_not_come(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.body_timeout = SHORT;
    struct http_house *h = open_house(&o);
    struct raw_client *c = ask(h, "GET " PAGE " HTTP/1.1\r\nHost: a\r\n\r\n" GET);
    struct raw_response r = expect(c, 503);
    assert_true(str_eq(raw_field(&r, "Retry-After"), STR("10")));
    expect(c, 200); /* the next request of the connection is answered all the same */
    struct body *late = body_new(STR("late"), MEDIA_HTML, CACHE_FEED, 1, false);
    assert_non_null(late);
    assert_int_equal(0, site_publish(h->site, PAGE, late, SITE_CACHED));
    assert_served(h);
    assert_true(raw_silent(c, 10));
    raw_close(c);
    http_house_close(h);
}

static void a_reader_that_never_reads(void **state)
{
    (void)state;
    struct http_options o;
    struct raw_response r;
    http_house_defaults(&o);
    o.send_window = SHORT;
    o.limits.max_connections = 2;
    struct http_house *h = open_house(&o);
    publish_large(h);
    struct raw_client *a = stuck_reader(h), *b = stuck_reader(h);
    assert_served(h); /* once there is room: one of the two has been given up */
    assert_int_equal(RAW_CLOSED, raw_read(a, false, MS, &r));
    raw_close(a);
    raw_close(b);
    http_house_close(h);
}

/* Reads so much, then no more for a moment, until the server hangs up or all has come. */
static size_t read_slowly(struct raw_client *c, size_t piece, int ms)
{
    char bytes[65536];
    size_t all = 0;
    ssize_t n;
    while ((n = recv(raw_fd(c), bytes, piece, 0)) > 0) {
        all += (size_t)n;
        poll(NULL, 0, ms);
    }
    return all;
}

/* Some progress is not enough. */
static void a_reader_that_trickles(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.send_window = SHORT;
    o.limits.min_send_rate = 1u << 30;
    struct http_house *h = open_house(&o);
    publish_large(h);
    struct raw_client *c = stuck_reader(h);
    assert_in_range(read_slowly(c, 16384, 5), 1, LARGE - 1);
    raw_close(c);
    http_house_close(h);
}

/* Slow, but fast enough: over more windows than one. */
static void a_reader_that_is_slow(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.send_window = 0.5;
    o.limits.min_send_rate = 1;
    struct http_house *h = open_house(&o);
    publish_large(h);
    struct raw_client *c = raw_open(h->address, 65536);
    assert_non_null(c);
    assert_int_equal(
        0, raw_puts(c, "GET /large.atom HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    assert_in_range(read_slowly(c, 65536, 15), LARGE, LARGE + HTTP_HEAD_MAX);
    raw_close(c);
    http_house_close(h);
}

/* ---- too many ------------------------------------------------------------------------------ */

static void the_longest_idle_makes_way(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.limits.max_connections = 3;
    struct http_house *h = open_house(&o);
    struct raw_client *first = ask(h, GET), *second = NULL, *third = NULL;
    expect(first, 200);
    second = ask(h, GET);
    expect(second, 200);
    assert_int_equal(0, raw_puts(first, GET)); /* now the second is idle longest */
    expect(first, 200);
    third = ask(h, GET);
    expect(third, 200);
    /* What the house itself had opened before may have been closed first or be gone already. */
    struct raw_client *fourth = ask(h, GET);
    expect(fourth, 200);
    assert_true(raw_ends(second, MS));
    assert_true(raw_silent(first, 10));
    assert_true(raw_silent(third, 10));
    raw_close(first);
    raw_close(second);
    raw_close(third);
    raw_close(fourth);
    http_house_close(h);
}

static void who_comes_when_all_are_busy_waits(void **state)
{
    (void)state;
    struct http_options o;
    char path[128];
    http_house_defaults(&o);
    o.limits.max_connections = 1;
    struct http_house *h = open_house(&o);
    struct raw_client *busy = ask(h, "GET " PAGE " HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(http_house_missed(h, path, sizeof path));
    struct raw_client *waiting = ask(h, GET);
    int64_t before = http_house_cpu_ms(h);
    assert_true(raw_silent(waiting, 200));
    assert_in_range(http_house_cpu_ms(h) - before, 0, 50); /* it does not spin meanwhile */
    raw_close(busy);
    assert_int_equal(0, site_refuse(h->site, PAGE));
    expect(waiting, 200);
    raw_close(waiting);
    http_house_close(h);
}

/* Heads that never end keep nobody out. */
static void slow_heads_make_way(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.limits.max_connections = 2;
    struct http_house *h = open_house(&o);
    struct raw_client *first = ask(h, "GET / HTTP/1.1\r\n"), *second = ask(h, "GET /");
    struct raw_client *third = ask(h, GET);
    expect(third, 200);
    assert_true(raw_ends(first, MS));
    assert_true(raw_silent(second, 10));
    raw_close(first);
    raw_close(second);
    raw_close(third);
    http_house_close(h);
}

/* Who takes nothing makes way long before his time is over; who reads, however slowly, does not. */
static void laggards_make_way(void **state)
{
    (void)state;
    struct http_options o;
    struct raw_response r;
    http_house_defaults(&o);
    o.send_grace = SHORT;
    o.limits.min_send_rate = 1u << 17; /* what buffers still take after so short a time is less */
    o.limits.max_connections = 2;
    struct http_house *h = open_house(&o);
    publish_large(h);
    struct raw_client *stuck = stuck_reader(h), *slow = raw_open(h->address, 65536);
    assert_non_null(slow);
    assert_int_equal(
        0, raw_puts(slow, "GET /large.atom HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    struct raw_client *next = ask(h, GET);
    assert_in_range(read_slowly(slow, 65536, 10), LARGE, LARGE + HTTP_HEAD_MAX);
    assert_int_equal(RAW_CLOSED, raw_read(stuck, false, MS, &r));
    expect(next, 200);
    raw_close(stuck);
    raw_close(slow);
    raw_close(next);
    http_house_close(h);
}

/* Readers that take nothing, more than there is room for, keep nobody out. */
static void a_flood_of_laggards(void **state)
{
    (void)state;
    struct http_options o;
    struct raw_client *stuck[12];
    http_house_defaults(&o);
    o.send_grace = SHORT;
    o.limits.min_send_rate = 1u << 17; /* what buffers still take after so short a time is less */
    o.limits.max_connections = 4;
    struct http_house *h = open_house(&o);
    publish_large(h);
    for (size_t i = 0; i < 12; i++) {
        stuck[i] = raw_open(h->address, 4096);
        assert_non_null(stuck[i]);
        assert_int_equal(0, raw_puts(stuck[i], "GET /large.atom HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_served(h);
    }
    for (size_t i = 0; i < 12; i++)
        raw_close(stuck[i]);
    http_house_close(h);
}

static void too_many_of_one_address(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.limits.max_connections_per_address = 2;
    struct http_house *h = open_house(&o);
    struct raw_client *first = ask(h, GET), *second, *third;
    expect(first, 200);
    second = ask(h, GET);
    expect(second, 200);
    third = ask(h, GET);
    struct raw_response r = expect(third, 429);
    assert_true(str_eq(raw_field(&r, "Retry-After"), STR("10")));
    assert_true(str_eq(raw_field(&r, "Connection"), STR("close")));
    assert_true(raw_ends(third, MS));
    raw_close(third);
    assert_int_equal(0, raw_puts(first, "GET /blog.atom HTTP/1.1\r\nHost: a\r\n"
                                        "Connection: close\r\n\r\n"));
    expect(first, 200); /* those that are in go on */
    assert_true(raw_ends(first, MS));
    third = ask(h, GET);
    expect(third, 200); /* and there is room again */
    raw_close(first);
    raw_close(second);
    raw_close(third);
    http_house_close(h);
}

static void too_many_requests_of_one_connection(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.limits.max_requests = 3;
    struct http_house *h = open_house(&o);
    struct raw_client *c = ask(h, GET GET GET GET);
    for (int i = 1; i <= 3; i++) {
        struct raw_response r = expect(c, 200);
        assert_int_equal(i == 3, raw_field(&r, "Connection").p != NULL);
    }
    assert_true(raw_ends(c, MS));
    raw_close(c);
    http_house_close(h);
}

/* How many of so many requests are answered on one connection. */
static int answered(struct http_house *h, int requests)
{
    struct raw_response r;
    struct raw_client *c = ask(h, GET);
    int n = 0;
    while (raw_read(c, false, MS, &r) == RAW_DONE && ++n < requests)
        if (raw_puts(c, GET))
            break;
    raw_close(c);
    return n;
}

/* The server takes them over when it comes to it, and then they hold. */
static void limits_that_change(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    struct http_house *h = open_house(&o);
    for (size_t most = 1; most <= 3; most++) {
        o.limits.max_requests = most;
        http_server_limit(h->server, &o.limits);
        for (int i = 0; i < 1000 && answered(h, 4) != (int)most; i++)
            ;
        assert_int_equal(most, answered(h, 4));
    }
    http_house_close(h);
}

/* A process with hardly any descriptors left. */
struct want {
    struct rlimit before;
    int taken[256];
    size_t count;
};

/* Lowers the limit and takes all it leaves but one: for a client, and none for the server. */
static void want_begin(struct want *w)
{
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &w->before));
    struct rlimit low = {.rlim_cur = 128, .rlim_max = w->before.rlim_max};
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &low));
    w->count = 0;
    while (w->count < 256 && (w->taken[w->count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        w->count++;
    assert_in_range(w->count, 1, 255);
    close(w->taken[--w->count]);
}

static void want_end(struct want *w)
{
    while (w->count)
        close(w->taken[--w->count]);
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &w->before));
}

/* valgrind keeps the limit itself: there accept succeeds and the connection is closed behind it. */
static void skip_under_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    if (!preload || !strstr(preload, "vgpreload"))
        return;
    print_message("skipped: under valgrind the limit of descriptors is not the system's\n");
    skip();
}

static void no_descriptors_left(void **state)
{
    (void)state;
    struct http_options o;
    struct want want;
    skip_under_valgrind();
    http_house_defaults(&o);
    struct http_house *h = open_house(&o);
    /* Once this one has been heard, those before it are closed; it waits, and makes no way. */
    struct raw_client *busy = ask(h, "GET " PAGE " HTTP/1.1\r\nHost: a\r\n\r\n");
    char path[128];
    assert_true(http_house_missed(h, path, sizeof path));
    want_begin(&want);
    struct raw_client *c = ask(h, GET);
    int64_t cpu = http_house_cpu_ms(h);
    assert_true(raw_silent(c, 200));
    assert_in_range(http_house_cpu_ms(h) - cpu, 0, 50); /* it does not spin meanwhile */
    want_end(&want);
    expect(c, 200); /* by itself */
    raw_close(c);
    raw_close(busy);
    http_house_close(h);
}

static void without_descriptors_the_idle_make_way(void **state)
{
    (void)state;
    struct http_options o;
    struct want want;
    skip_under_valgrind();
    http_house_defaults(&o);
    struct http_house *h = open_house(&o);
    struct raw_client *idle = ask(h, GET);
    expect(idle, 200);
    want_begin(&want);
    struct raw_client *c = ask(h, GET);
    expect(c, 200);
    assert_true(raw_ends(idle, MS));
    want_end(&want);
    raw_close(idle);
    raw_close(c);
    http_house_close(h);
}

/* ---- stopping ------------------------------------------------------------------------------ */

static void stopping_finishes_what_is_under_way(void **state)
{
    (void)state;
    struct http_options o;
    struct raw_response r;
    char path[128];
    http_house_defaults(&o);
    struct http_house *h = open_house(&o);
    publish_large(h);
    struct raw_client *idle = ask(h, GET), *silent = ask(h, "");
    expect(idle, 200);
    struct raw_client *reading = stuck_reader(h);
    struct raw_client *waiting = ask(h, "GET " PAGE " HTTP/1.1\r\nHost: a\r\n\r\n" GET);
    struct raw_client *begun = ask(h, "GET /blog.atom HTTP/1.1\r\n");
    assert_true(http_house_missed(h, path, sizeof path));
    http_server_stop(h->server, 60);
    assert_true(raw_ends(idle, MS));
    assert_true(raw_ends(silent, MS));
    assert_false(http_house_stopped(h, 0));
    assert_null(raw_open(h->address, 0));
    assert_int_equal(0, site_refuse(h->site, PAGE));
    r = expect(waiting, 404);
    assert_true(str_eq(raw_field(&r, "Connection"), STR("close")));
    assert_true(raw_ends(waiting, MS));
    assert_int_equal(0, raw_puts(begun, "Host: a\r\n\r\n"));
    r = expect(begun, 200);
    assert_true(str_eq(raw_field(&r, "Connection"), STR("close")));
    assert_true(raw_ends(begun, MS));
    assert_int_equal(RAW_DONE, raw_read(reading, false, 60000, &r));
    assert_int_equal(LARGE, r.body.n);
    raw_close(idle);
    raw_close(silent);
    raw_close(waiting);
    raw_close(begun);
    raw_close(reading); /* the last one: it had been promised a connection that stays */
    assert_true(http_house_stopped(h, MS));
    http_house_close(h);
}

static void stopping_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct http_options o;
    struct raw_response r;
    http_house_defaults(&o);
    struct http_house *h = open_house(&o);
    publish_large(h);
    struct raw_client *c = stuck_reader(h);
    http_server_stop(h->server, 60);
    assert_false(http_house_stopped(h, 10));
    http_server_stop(h->server, SHORT); /* the second one counts */
    assert_true(http_house_stopped(h, MS));
    assert_int_equal(RAW_CLOSED, raw_read(c, false, MS, &r));
    raw_close(c);
    http_house_close(h);
}

static void stopping_with_nobody_there(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    struct http_house *h = http_house_open(&o, 1);
    http_server_stop(h->server, 60);
    assert_true(http_house_stopped(h, MS));
    http_house_close(h);
}

/* Freed with connections in all states and without being asked to stop first. */
static int64_t no_clock(void *arg)
{
    (void)arg;
    return 1;
}

static void freeing_closes_all(void **state)
{
    (void)state;
    struct error e;
    char address[64];
    struct http_options o;
    struct raw_client *clients[3];
    http_defaults(&o);
    o.clock = no_clock;
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct site_options so = {.version = "0", .max_waiting = 1};
    struct site *site = site_new(loop, &so, &e);
    struct http_server *s = http_server_new(loop, site, &o, &e);
    int fd = http_listen("127.0.0.1:0", &e);
    assert_true(fd >= 0);
    http_address(fd, address, sizeof address);
    assert_int_equal(0, http_server_add(s, fd, &e));
    static const char *const said[] = {"", "GET /", GET};
    for (size_t i = 0; i < 3; i++) {
        clients[i] = raw_open(address, 0);
        assert_non_null(clients[i]);
        assert_int_equal(0, raw_puts(clients[i], said[i]));
    }
    struct raw_response r;
    while (raw_read(clients[2], false, 0, &r) == RAW_TIMEOUT)
        ev_run(loop, EVRUN_NOWAIT);
    assert_int_equal(404, r.status);
    http_server_free(s);
    for (size_t i = 0; i < 3; i++) {
        assert_true(raw_ends(clients[i], MS));
        raw_close(clients[i]);
    }
    site_free(site);
    ev_loop_destroy(loop);
}

/* A server that nobody asks has no timer: the loop would sleep for ever. */
static void a_server_at_rest_never_wakes(void **state)
{
    (void)state;
    struct http_options o;
    http_house_defaults(&o);
    o.limits.head_timeout = o.limits.idle_timeout = 0.02;
    struct http_house *h = open_house(&o);
    struct raw_client *c = ask(h, GET);
    expect(c, 200);
    assert_true(raw_ends(c, MS));
    raw_close(c);
    assert_served(h);
    unsigned before = http_house_iterations(h);
    struct raw_client *silent =
        raw_open(h->address, 0); /* one wake-up to take it, one to drop it */
    assert_true(raw_ends(silent, MS));
    assert_true(raw_ends(silent, 200));
    raw_close(silent);
    assert_in_range(http_house_iterations(h) - before, 1, 8);
    http_house_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_is_too_slow),
        cmocka_unit_test(a_head_that_trickles),
        cmocka_unit_test(an_idle_connection),
        cmocka_unit_test(who_has_asked_is_not_idle),
        cmocka_unit_test(none_of_a_crowd_that_has_asked_is_idle),
        cmocka_unit_test(a_page_that_does_not_come),
        cmocka_unit_test(a_reader_that_never_reads),
        cmocka_unit_test(a_reader_that_trickles),
        cmocka_unit_test(a_reader_that_is_slow),
        cmocka_unit_test(slow_heads_make_way),
        cmocka_unit_test(laggards_make_way),
        cmocka_unit_test(a_flood_of_laggards),
        cmocka_unit_test(too_many_of_one_address),
        cmocka_unit_test(too_many_requests_of_one_connection),
        cmocka_unit_test(limits_that_change),
        cmocka_unit_test(the_longest_idle_makes_way),
        cmocka_unit_test(who_comes_when_all_are_busy_waits),
        cmocka_unit_test(no_descriptors_left),
        cmocka_unit_test(without_descriptors_the_idle_make_way),
        cmocka_unit_test(stopping_finishes_what_is_under_way),
        cmocka_unit_test(stopping_does_not_wait_for_ever),
        cmocka_unit_test(stopping_with_nobody_there),
        cmocka_unit_test(freeing_closes_all),
        cmocka_unit_test(a_server_at_rest_never_wakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
