/* The fault matrix: all that a site can do to its visitors, by name. Each behaviour is a source of
 * its own, at a host of its own: what it says is in the table; it makes no event; nothing of it
 * stays in memory; and the next good page gives exactly what is new on it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"
#include "../lib/tls_front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE(sections)                                                                             \
    "<html><head><title>T</title></head><body><article><div id=\"container\">" sections            \
    "</div></article></body></html>"
#define SECTION(title, text) "<h1>#" title "</h1>\n<p>" text "</p>\n<p>....</p>\n"
#define OLD                                                                                        \
    SECTION("A", "The quick brown fox jumps over the lazy dog.")                                   \
    SECTION("B", "Pack my box with five dozen liquor jugs.")                                       \
    SECTION("C", "How vexingly quick daft zebras jump!")
#define GOOD            PAGE(OLD)
/* After a head of its own. */
#define RAW(head, rest) .fault = SITE_GARBAGE, .body = "HTTP/1.1 " head "\r\n\r\n" rest
#define HTML            "200 OK\r\nContent-Type: text/html\r\n"
#define GROWTH_MOST     1024 /* kilobytes */
#define NUL_IN_HEAD     "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n" GOOD
#define FLOOD           (1 << 20) /* bytes */

/* Where a behaviour is not one of the site's own: it redirects to it. */
enum target {
    AT_SITE,
    AT_NOBODY,      /* a port that nobody listens on */
    AT_BUSY,        /* a port where nobody accepts, with a full queue */
    AT_RESET,       /* a port that resets whoever comes */
    AT_CLOSE,       /* … closes */
    AT_NO_NAME,     /* a host whose name is none */
    AT_TLS_ON_HTTP, /* https at the port of the site, which does not speak it */
    AT_HTTP_ON_TLS, /* and the other way */
    AT_TLS,         /* six servers, by enum tls_certificate */
    TARGETS = AT_TLS + TLS_TOO_OLD + 1
};

struct fault {
    const char *name;
    struct site_step step;
    const char *reason; /* a pattern (fnmatch); NULL: the page is read all the same */
    enum target at;
    const char *keys; /* of the source */
};

/* Filled before the table is used: too large to be written down. */
static char header_lines[FLOOD + 64], header_long[FLOOD + 64], hints[FLOOD + 64], cookies[FLOOD];
static char deep[100000] = "<html><body><article><div id=\"container\">";
static char zeros[1 << 20];

#define SLOW "timeout = 2s\n"
#define NONE ""

static const struct fault faults[] = {
#define FAULT(NAME, AT, KEYS, REASON, ...)                                                         \
    {.name = NAME, .at = AT, .keys = KEYS, .reason = REASON, .step = {__VA_ARGS__}},
#include "faults.def"
#undef FAULT
};
enum { FAULTS = sizeof faults / sizeof *faults };

/* ---- the world ----------------------------------------------------------------------------- */

/* A port that does one thing to whoever comes. */
struct port {
    int fd;
    unsigned number;
    pthread_t thread;
    bool reset, running;
};

struct world {
    struct place *place;
    struct source_site *site;
    struct house *house;
    struct port ports[AT_CLOSE + 1];
    int waiting[8]; /* in the queue of AT_BUSY */
    struct tls_front *fronts[TLS_TOO_OLD + 1];
    int goods;             /* sections that were added, in each page */
    struct buf page, nuls; /* of now, and the same with NULs in it */
};

static void fill(char *out, size_t size, const char *first, const char *again)
{
    size_t n = (size_t)snprintf(out, size, "%s", first), step = strlen(again);

    while (n + step < size) {
        memcpy(out + n, again, step + 1);
        n += step;
    }
}

static void fill_floods(void)
{
    fill(header_lines, FLOOD, "HTTP/1.1 " HTML, "X-Line: of many words, and of many more\r\n");
    fill(header_long, FLOOD, "HTTP/1.1 " HTML "X-Line: ", "of many words, and of many more ");
    fill(hints, FLOOD, "", "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n");
    fill(deep + strlen(deep), sizeof(deep) - strlen(deep), "", "<div>");
    fill(cookies, 70 * 1024, "", "Set-Cookie: a=b; Path=/a/b/c/d/e/f\r\n");
}

static void port_open(struct port *p)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof(address);

    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&address, &n), 0);
    p->number = ntohs(address.sin_port);
}

static void *port_run(void *arg)
{
    struct port *p = arg;
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd;

    while ((fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        if (p->reset)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(fd);
    }
    return NULL;
}

static void port_start(struct port *p, bool reset)
{
    p->reset = reset;
    assert_int_equal(listen(p->fd, 128), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, port_run, p), 0);
    p->running = true;
}

/* Fills the queue of a port that nobody accepts from: the kernel answers no more. */
static void port_stuff(struct world *w, struct port *p)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)p->number),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};

    assert_int_equal(listen(p->fd, 0), 0);
    for (size_t i = 0; i < sizeof(w->waiting) / sizeof(*w->waiting); i++) {
        w->waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(w->waiting[i], (struct sockaddr *)&address, sizeof(address));
    }
}

static void port_close(struct port *p)
{
    shutdown(p->fd, SHUT_RDWR);
    if (p->running)
        pthread_join(p->thread, NULL);
    close(p->fd);
}

/* All authorities of the test in one file, but for those that are strangers. */
static void start_fronts(struct world *w)
{
    struct buf all;

    buf_init(&all, 1 << 20);
    for (int i = 0; i <= TLS_TOO_OLD; i++) {
        const char *path = place_path(w->place, "authority");
        struct str text;

        w->fronts[i] = tls_front_start((enum tls_certificate)i, source_site_port(w->site), path);
        text = file_read(path);
        if (i != TLS_SELF_SIGNED)
            buf_add(&all, text);
        free((char *)text.p);
    }
    place_write(w->place, "authorities", buf_str(&all));
    setenv("SSL_CERT_FILE", place_path(w->place, "authorities"), 1);
    buf_clear(&all);
}

static void target_url(const struct world *w, enum target at, char *out, size_t size)
{
    switch (at) {
    case AT_NO_NAME: /* no resolver is asked for a label of 70 letters */
        snprintf(out, size, "http://%070d.invalid/", 0);
        memset(out + strlen("http://"), 'a', 70);
        return;
    case AT_TLS_ON_HTTP:
        snprintf(out, size, "https://127.0.0.1:%u/", source_site_port(w->site));
        return;
    case AT_HTTP_ON_TLS:
        snprintf(out, size, "http://127.0.0.1:%u/", tls_front_port(w->fronts[TLS_GOOD]));
        return;
    default:
        break;
    }
    if (at >= AT_TLS)
        snprintf(out, size, "https://127.0.0.1:%u/to-plain",
                 tls_front_port(w->fronts[at - AT_TLS]));
    else
        snprintf(out, size, "http://127.0.0.1:%u/", w->ports[at].number);
}

static void write_conf(struct world *w)
{
    struct buf conf;
    char path[64], url[128];

    buf_init(&conf, 1 << 20);
    buf_printf(&conf,
               "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[poll]\ninterval = 1d\n"
               "max-size = 1M\n",
               place_path(w->place, "state"));
    for (unsigned i = 0; i < FAULTS; i++) {
        snprintf(path, sizeof(path), "/%s", faults[i].name);
        buf_printf(&conf, "[source %s]\nurl = %s\nprofile = 51cto\n%s", faults[i].name,
                   source_site_url_at(w->site, i + 1, path, url, sizeof(url)), faults[i].keys);
    }
    place_write(w->place, "c", buf_str(&conf));
    buf_clear(&conf);
}

static void lead(struct world *w, const char *path, const char *location)
{
    source_site_set(w->site, path, &(struct site_step){.status = 302, .location = location}, 1);
}

static void set_ways(struct world *w)
{
    char from[32], to[32];

    for (int i = 0; i < 100; i++) {
        snprintf(from, sizeof(from), "/chain/%d", i);
        snprintf(to, sizeof(to), "/chain/%d", i + 1);
        lead(w, from, to);
    }
    source_site_set_page(w->site, "/chain/100", GOOD);
    lead(w, "/loop/1", "/loop/2");
    lead(w, "/loop/2", "/loop/1");
    lead(w, "/to-plain", source_site_url(w->site, "/plain"));
    source_site_set_page(w->site, "/plain",
                         PAGE(SECTION("Evil", "Anybody may have written this.")));
}

/* The old sections, and one more for each good poll there was. */
static void write_page(struct world *w)
{
    buf_reset(&w->page);
    buf_reset(&w->nuls);
    buf_puts(&w->page, "<article><div id=\"container\">\n");
    for (int i = w->goods; i > 0; i--)
        buf_printf(&w->page, SECTION("New %d", "Words %d of a new section, number %d."), i,
                   i * 7919, i);
    buf_puts(&w->page, OLD "</div></article></body></html>\n");
    buf_add(&w->nuls, STR("<html>\0<head><title>T</title>\0\0</head><body>"));
    buf_add(&w->nuls, buf_str(&w->page));
    buf_append(&w->nuls, "\0\0\0\0", 4);
}

static void begin(struct world *w, struct place *p)
{
    *w = (struct world){.place = p, .site = source_site_start_hosts(FAULTS)};
    buf_init(&w->page, 1 << 20);
    buf_init(&w->nuls, 1 << 20);
    write_page(w);
    fill_floods();
    for (int i = AT_NOBODY; i <= AT_CLOSE; i++)
        port_open(&w->ports[i]);
    port_stuff(w, &w->ports[AT_BUSY]);
    port_start(&w->ports[AT_RESET], true);
    port_start(&w->ports[AT_CLOSE], false);
    start_fronts(w);
    set_ways(w);
    write_conf(w);
}

static void end(struct world *w)
{
    for (int i = AT_NOBODY; i <= AT_CLOSE; i++)
        port_close(&w->ports[i]);
    for (size_t i = 0; i < sizeof(w->waiting) / sizeof(*w->waiting); i++)
        close(w->waiting[i]);
    for (int i = 0; i <= TLS_TOO_OLD; i++)
        tls_front_stop(w->fronts[i]);
    source_site_stop(w->site);
    buf_clear(&w->page);
    buf_clear(&w->nuls);
    unsetenv("SSL_CERT_FILE");
}

/* ---- polls --------------------------------------------------------------------------------- */

static void set_step(struct world *w, size_t i, const struct site_step *step)
{
    char path[64];

    snprintf(path, sizeof(path), "/%s", faults[i].name);
    source_site_set(w->site, path, step, 1);
}

static void serve_good(struct world *w)
{
    for (size_t i = 0; i < FAULTS; i++)
        set_step(w, i, &(struct site_step){.body = w->page.data});
}

static struct site_step bad_step(struct world *w, size_t i, char *url, size_t size)
{
    struct site_step step = faults[i].step;

    if (faults[i].at != AT_SITE) {
        target_url(w, faults[i].at, url, size);
        return (struct site_step){.status = 302, .location = url};
    }
    if (faults[i].reason)
        return step;
    step.body = w->page.data;
    if (strcmp(faults[i].name, "nul-in-body") == 0) {
        step.body = w->nuls.data;
        step.body_size = w->nuls.len;
    }
    return step;
}

static void serve_bad(struct world *w)
{
    char url[256];

    for (size_t i = 0; i < FAULTS; i++) {
        struct site_step step = bad_step(w, i, url, sizeof(url));
        set_step(w, i, &step);
    }
}

static size_t fault_named(struct str name)
{
    for (size_t i = 0; i < FAULTS; i++)
        if (str_eq(str_of(faults[i].name), name))
            return i;
    fail_msg("no source is called %.*s", STR_ARG(name));
    return 0;
}

/* What each source says: "event title", one a line. */
struct said {
    struct buf of[FAULTS];
};

/* Polls the source of this name, or all. */
static struct said *poll(struct world *w, const char *only)
{
    struct ran r = DIGESTD("poll", "-c", place_path(w->place, "c"), only);
    struct said *said = calloc(1, sizeof(*said));
    struct str rest = str_of(r.out.p);

    assert_string_equal(r.err.p, "");
    for (size_t i = 0; i < FAULTS; i++) {
        buf_init(&said->of[i], 1 << 16);
        buf_puts(&said->of[i], "");
    }
    while (rest.n) {
        struct str row = str_cut(&rest, '\n'), name = str_cut(&row, '\t');
        struct str event = str_cut(&row, '\t');
        str_cut(&row, '\t');
        buf_printf(&said->of[fault_named(name)], "%.*s %.*s\n", STR_ARG(event), STR_ARG(row));
    }
    ran_clear(&r);
    return said;
}

static void said_free(struct said *said)
{
    for (size_t i = 0; i < FAULTS; i++)
        buf_clear(&said->of[i]);
    free(said);
}

/* All that are wrong are told, not the first alone. */
static int complain(size_t i, const char *said, const char *expected)
{
    print_error("%s: said '%s', expected '%s'\n", faults[i].name, said, expected);
    return 1;
}

/* Until all sources have had their first look, and one more. */
static void wait_until_quiet(struct world *w)
{
    size_t quiet = 0;

    for (int tries = 30; tries && quiet < FAULTS; tries--) {
        struct said *said = poll(w, NULL);
        quiet = 0;
        for (size_t i = 0; i < FAULTS; i++)
            quiet += said->of[i].len == 0;
        said_free(said);
    }
    assert_int_equal(quiet, FAULTS);
}

/* Where the timeout is short, a busy machine may be too slow. */
static bool was_too_slow(size_t i, const struct said *said)
{
    return strstr(faults[i].keys, "timeout") &&
           fnmatch("error * within * s (*timeout)\n", said->of[i].data, 0) == 0;
}

/* Whether the source says what is expected, in the end. `expected` is a pattern. */
static int check(struct world *w, size_t i, struct said *said, const char *expected)
{
    for (int tries = 20; tries; tries--) {
        struct said *again;
        if (fnmatch(expected, said->of[i].data, 0) == 0)
            return 0;
        if (!was_too_slow(i, said))
            break;
        again = poll(w, faults[i].name);
        buf_reset(&said->of[i]);
        buf_add(&said->of[i], buf_str(&again->of[i]));
        buf_puts(&said->of[i], "");
        said_free(again);
    }
    return complain(i, said->of[i].data, expected);
}

static void poll_bad(struct world *w)
{
    struct said *said;
    int wrong = 0;

    serve_bad(w);
    said = poll(w, NULL);
    for (size_t i = 0; i < FAULTS; i++) {
        char expected[512] = "";
        if (faults[i].reason)
            snprintf(expected, sizeof(expected), "error %s\n", faults[i].reason);
        wrong += check(w, i, said, expected);
    }
    said_free(said);
    assert_int_equal(wrong, 0);
}

static void poll_good(struct world *w, const char *expected)
{
    struct said *said;
    int wrong = 0;

    serve_good(w);
    said = poll(w, NULL);
    for (size_t i = 0; i < FAULTS; i++)
        wrong += check(w, i, said, expected);
    said_free(said);
    assert_int_equal(wrong, 0);
}

/* One more section on each page, and nothing else is told. */
static void poll_better(struct world *w)
{
    char expected[32];

    snprintf(expected, sizeof(expected), "new New %d\n", ++w->goods);
    write_page(w);
    poll_good(w, expected);
}

/* Resident kilobytes of the daemon. */
static long resident(const struct world *w)
{
    char path[64], *text;
    long pages = 0;

    snprintf(path, sizeof(path), "/proc/%d/statm", house_pid(w->house));
    text = (char *)file_read(path).p;
    assert_non_null(text);
    assert_int_equal(sscanf(text, "%*d %ld", &pages), 1);
    free(text);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void test_all(void **state)
{
    struct world w;
    struct ran r;
    long before, after;

    assert_true(FAULTS >= 60);
    begin(&w, *state);
    serve_good(&w);
    w.house = house_start(place_path(w.place, "c"), &r);
    if (!w.house)
        fail_msg("%s", r.err.p);
    wait_until_quiet(&w);
    poll_good(&w, "");
    poll_bad(&w);
    poll_better(&w);
    poll_bad(&w);
    before = resident(&w);
    for (int i = 0; i < 3; i++)
        poll_bad(&w);
    after = resident(&w);
    print_message("%d behaviours; resident before %ld KB, after three more rounds of them %ld KB\n",
                  FAULTS, before, after);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed */
    assert_true(after - before < GROWTH_MOST);
#endif
    poll_better(&w);
    assert_int_equal(house_stop(w.house, NULL), 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all, place_set_up, place_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
