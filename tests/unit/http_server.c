/* The server over a real socket: what it answers, in which order, and how it ends. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_house.h"

#define MS         5000
#define HOST       "Host: a\r\n"
#define FEED       "<feed>one</feed>"
#define CROWD      40 /* more than are held at once */
#define PAGE       "/blog/0a1b2c3d-0000-5000-8000-000000000001.html"
#define OTHER_PAGE "/blog/0a1b2c3d-0000-5000-8000-000000000002.html"

static int open_house_that_waits(void **state, size_t max_waiting, size_t max_connections)
{
    struct http_options o;
    http_house_defaults(&o);
    o.limits.max_connections = max_connections;
    struct http_house *h = http_house_open(&o, max_waiting);
    struct feed_row row = {
        .name = (char[]){"blog"}, .title = (char[]){"blog"}, .url = (char[]){""}};
    *state = h;
    if (site_tell(h->site, &row))
        return -1;
    http_house_publish(h, "/blog.atom", STR(FEED), SITE_FEED); /* waits, so the row is there too */
    return 0;
}

static int open_house(void **state)
{
    return open_house_that_waits(state, 1, 4096);
}

static int open_house_of_two(void **state)
{
    return open_house_that_waits(state, 2, 4096);
}

static int open_house_of_a_crowd(void **state)
{
    return open_house_that_waits(state, 1 + CROWD, 4096);
}

static int open_small_house(void **state)
{
    return open_house_that_waits(state, 1, 2);
}

static int close_house(void **state)
{
    http_house_close(*state);
    return 0;
}

static struct raw_client *connect_to(struct http_house *h)
{
    struct raw_client *c = raw_open(h->address, 0);
    assert_non_null(c);
    return c;
}

static struct raw_response expect(struct raw_client *c, int status, const char *body)
{
    struct raw_response r;
    enum raw_result result = raw_read(c, body == NULL, MS, &r);
    if (result != RAW_DONE)
        fail_msg("no answer (%d) where %d was expected", (int)result, status);
    if (r.status != status || (body && !str_eq(r.body, str_of(body))))
        fail_msg("%.*s%.*s", STR_ARG(r.head), STR_ARG(r.body));
    return r;
}

static void ask(struct raw_client *c, const char *text)
{
    assert_int_equal(0, raw_puts(c, text));
}

static void assert_field(const struct raw_response *r, const char *name, const char *value)
{
    struct str got = raw_field(r, name);
    if (!got.p != !value || (value && !str_eq(got, str_of(value))))
        fail_msg("%s is %.*s", name, STR_ARG(got));
}

/* ---- answers ------------------------------------------------------------------------------- */

static void a_feed(void **state)
{
    struct raw_client *c = connect_to(*state);
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    struct raw_response r = expect(c, 200, FEED);
    assert_field(&r, "Content-Type", "application/atom+xml; charset=utf-8");
    assert_field(&r, "Content-Length", "16");
    assert_field(&r, "Connection", NULL);
    static const char *const once[] = {"Date", "ETag", "Last-Modified", "Cache-Control", "Vary"};
    for (size_t i = 0; i < sizeof once / sizeof *once; i++)
        if (raw_field_count(&r, once[i]) != 1)
            fail_msg("%s: %zu times", once[i], raw_field_count(&r, once[i]));
    assert_int_equal(1, r.minor);
    raw_close(c);
}

static void head_is_a_feed_without_its_body(void **state)
{
    struct raw_client *c = connect_to(*state);
    ask(c, "HEAD /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    struct raw_response r = expect(c, 200, NULL);
    assert_field(&r, "Content-Length", "16");
    ask(c, "HEAD /nothing HTTP/1.1\r\n" HOST "\r\n");
    expect(c, 404, NULL);
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    expect(c, 200, FEED); /* nothing stood between */
    ask(c, "HEAD / HTTP/1.1\r\n\r\n");
    expect(c, 400, NULL);
    assert_true(raw_ends(c, MS));
    raw_close(c);
}

static void not_modified(void **state)
{
    struct raw_client *c = connect_to(*state);
    char etag[64], request[256];
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    struct raw_response r = expect(c, 200, FEED);
    snprintf(etag, sizeof etag, "%.*s", STR_ARG(raw_field(&r, "ETag")));
    snprintf(request, sizeof request,
             "GET /blog.atom HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n", etag);
    ask(c, request);
    r = expect(c, 304, "");
    assert_field(&r, "ETag", etag);
    assert_field(&r, "Content-Length", NULL);
    assert_true(raw_field(&r, "Cache-Control").p != NULL);
    assert_true(raw_field(&r, "Vary").p != NULL);
    raw_close(c);
}

static int64_t standing(void *arg)
{
    return atomic_load((_Atomic int64_t *)arg);
}

static void assert_modified(struct http_house *h, const char *fields, int status, int64_t modified)
{
    char date[DATE_SIZE], request[256];
    struct raw_client *c = connect_to(h);
    snprintf(request, sizeof request, "GET /blog.atom HTTP/1.1\r\n" HOST "%s\r\n", fields);
    ask(c, request);
    struct raw_response r = expect(c, status, status == 200 ? FEED : NULL);
    assert_field(&r, "Last-Modified", date_http(date, modified));
    raw_close(c);
}

/* RFC 9110 8.8.2.1: a second body in one second has the next one's date, but not before it. */
static void nothing_was_modified_in_the_future(void **state)
{
    (void)state;
    struct http_options o;
    _Atomic int64_t now = time(NULL);
    http_house_defaults(&o);
    o.clock = standing;
    o.clock_arg = &now;
    struct http_house *h = http_house_open(&o, 1);
    int64_t published = time(NULL);
    http_house_publish(h, "/blog.atom", STR(FEED), SITE_FEED);
    atomic_store(&now, published - 1);
    assert_modified(h, "", 200, published - 1);
    assert_modified(h, "If-None-Match: *\r\n", 304, published - 1);
    char date[DATE_SIZE], since[64];
    snprintf(since, sizeof since, "If-Modified-Since: %s\r\n", date_http(date, published - 1));
    assert_modified(h, since, 200, published - 1);
    atomic_store(&now, published + 5);
    struct raw_client *c = connect_to(h);
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    struct raw_response r = expect(c, 200, FEED);
    int64_t modified;
    assert_int_equal(date_parse_http(raw_field(&r, "Last-Modified"), published, &modified), 0);
    assert_true(modified >= published && modified <= published + 1);
    raw_close(c);
    http_house_close(h);
}

static void errors_say_what_is_allowed_and_reflect_nothing(void **state)
{
    struct raw_client *c = connect_to(*state);
    ask(c, "GET /nothing-evil%3Cscript%3E?evil HTTP/1.1\r\n" HOST "X: evil\r\n\r\n");
    struct raw_response r = expect(c, 404, "There is nothing at this address.\n");
    assert_true(str_find(r.head, STR("evil"), 0) == SIZE_MAX);
    assert_field(&r, "Cache-Control", "no-store");
    assert_field(&r, "X-Content-Type-Options", "nosniff");
    assert_field(&r, "Content-Type", "text/plain; charset=utf-8");
    ask(c, "POST /blog.atom HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
    r = expect(c, 405, "Only GET and HEAD are allowed here.\n");
    assert_field(&r, "Allow", "GET, HEAD");
    assert_field(&r, "Connection", NULL);
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    expect(c, 200, FEED);
    raw_close(c);
}

static void health_is_sick_before_the_poller_starts(void **state)
{
    struct raw_client *c = connect_to(*state);
    ask(c, "GET /healthz HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n");
    struct raw_response r = expect(c, 503, "not ok: the poller has not started yet\n");
    assert_field(&r, "Cache-Control", "no-store");
    raw_close(c);
}

static struct raw_response read_page(struct raw_client *c)
{
    struct raw_response r;
    assert_int_equal(RAW_DONE, raw_read(c, false, MS, &r));
    assert_int_equal(200, r.status);
    return r;
}

static void the_index_is_in_the_language_that_is_liked(void **state)
{
    struct raw_client *c = connect_to(*state);
    ask(c, "GET / HTTP/1.1\r\n" HOST "Accept-Language: zh-CN,zh;q=0.9,en;q=0.8\r\n\r\n");
    struct raw_response r = read_page(c);
    assert_field(&r, "Content-Language", "zh-Hans");
    assert_field(&r, "Vary", "Accept-Encoding, Accept-Language");
    assert_true(str_find(r.body, STR("订阅源"), 0) != SIZE_MAX);
    ask(c, "GET / HTTP/1.1\r\n" HOST "\r\n");
    r = read_page(c);
    assert_field(&r, "Content-Language", "en");
    raw_close(c);
}

/* Figures are looked at once a second at most: here each look is in another one. */
static int64_t ticking(void *arg)
{
    return ++*(int64_t *)arg;
}

struct figures {
    long long answers[4]; /* 2xx to 5xx */
    long long bytes, connections, open;
    size_t own; /* bytes of the answer that says this */
};

static long long figure(struct str text, const char *name)
{
    char line[100];
    snprintf(line, sizeof line, "\ndigestd_http_%s ", name);
    size_t at = str_find(text, str_of(line), 0);
    if (at == SIZE_MAX)
        fail_msg("no%sin %.*s", line, STR_ARG(text));
    return strtoll(text.p + at + strlen(line), NULL, 10);
}

static struct figures read_figures(struct raw_client *c)
{
    static const char *const codes[] = {
        "requests_total{code=\"2xx\"}", "requests_total{code=\"3xx\"}",
        "requests_total{code=\"4xx\"}", "requests_total{code=\"5xx\"}"};
    struct figures f;
    ask(c, "GET /metrics HTTP/1.1\r\n" HOST "\r\n");
    struct raw_response r = read_page(c);
    for (size_t i = 0; i < 4; i++)
        f.answers[i] = figure(r.body, codes[i]);
    f.bytes = figure(r.body, "sent_bytes_total");
    f.connections = figure(r.body, "connections_total");
    f.open = figure(r.body, "connections");
    f.own = r.head.n + r.body.n;
    return f;
}

static void answers_are_counted(void **state)
{
    static const struct {
        const char *request;
        int status;
    } asked[] = {
        {"GET /blog.atom HTTP/1.1\r\n" HOST "\r\n", 404},
        {"GET /blog.atom HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n", 404},
        {"GET / HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n", 304},
        {"PUT / HTTP/1.1\r\n" HOST "\r\n", 405},
        {"HEAD /healthz HTTP/1.1\r\n" HOST "\r\n", 503},
    };
    (void)state;
    struct http_options o;
    int64_t now = 1000;
    http_house_defaults(&o);
    o.clock = ticking;
    o.clock_arg = &now;
    o.limits.max_connections_per_address = 2;
    struct http_house *h = http_house_open(&o, 1);
    struct raw_client *c = connect_to(h), *other = connect_to(h);
    struct figures before = read_figures(c);
    size_t bytes = before.own;
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct raw_response r;
        ask(c, asked[i].request);
        assert_int_equal(RAW_DONE, raw_read(c, i == 4, MS, &r));
        assert_int_equal(asked[i].status, r.status);
        bytes += r.head.n + r.body.n;
    }
    struct raw_client *third = connect_to(h);
    struct raw_response refused;
    assert_int_equal(RAW_DONE, raw_read(third, false, MS, &refused));
    assert_int_equal(429, refused.status);
    struct figures after = read_figures(c);
    assert_int_equal(after.answers[0] - before.answers[0], 1); /* that of before */
    assert_int_equal(after.answers[1] - before.answers[1], 1);
    assert_int_equal(after.answers[2] - before.answers[2], 4);
    assert_int_equal(after.answers[3] - before.answers[3], 1);
    assert_int_equal(after.bytes - before.bytes, bytes);
    assert_int_equal(after.connections, 2);
    assert_int_equal(after.open, 2);
    raw_close(third);
    raw_close(other);
    raw_close(c);
    http_house_close(h);
}

/* ---- connections --------------------------------------------------------------------------- */

static void connections_are_kept_as_the_client_asks(void **state)
{
    static const struct {
        const char *request, *connection;
        bool ends;
    } cases[] = {
        {"GET /blog.atom HTTP/1.1\r\n" HOST "\r\n", NULL, false},
        {"GET /blog.atom HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "close", true},
        {"GET /blog.atom HTTP/1.0\r\n\r\n", "close", true},
        {"GET /blog.atom HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct raw_client *c = connect_to(*state);
        ask(c, cases[i].request);
        struct raw_response r = expect(c, 200, FEED);
        assert_field(&r, "Connection", cases[i].connection);
        assert_true(cases[i].ends ? raw_ends(c, MS) : raw_silent(c, 10));
        raw_close(c);
    }
}

static void a_request_in_single_bytes(void **state)
{
    struct raw_client *c = connect_to(*state);
    static const char request[] = "\r\nGET /blog.atom HTTP/1.1\r\n" HOST "\r\n";
    for (size_t i = 0; i < sizeof request - 1; i++) {
        assert_true(i == 0 || raw_silent(c, 0));
        assert_int_equal(0, raw_send(c, (struct str){request + i, 1}, MS));
    }
    expect(c, 200, FEED);
    raw_close(c);
}

/* Large enough that the first buffer of a connection has to grow. */
static void a_large_head_in_pieces(void **state)
{
    struct raw_client *c = connect_to(*state);
    char field[9000];
    memset(field, 'x', sizeof field);
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "X-Large: ");
    for (size_t i = 0; i < sizeof field; i += 500)
        assert_int_equal(0, raw_send(c, (struct str){field + i, 500}, MS));
    assert_true(raw_silent(c, 10));
    ask(c, "\r\n\r\nGET /nothing HTTP/1.1\r\n" HOST "\r\n");
    expect(c, 200, FEED);
    expect(c, 404, "There is nothing at this address.\n");
    raw_close(c);
}

static void a_head_that_never_ends(void **state)
{
    struct raw_client *c = connect_to(*state);
    char field[HTTP_HEAD_MAX];
    memset(field, 'x', sizeof field);
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "X-Large: ");
    assert_int_equal(0, raw_send(c, (struct str){field, sizeof field}, MS));
    struct raw_response r = expect(c, 431, "The head of this request is too large.\n");
    assert_field(&r, "Connection", "close");
    assert_true(raw_ends(c, MS));
    raw_close(c);
}

static void requests_in_a_row(void **state)
{
    struct raw_client *c = connect_to(*state);
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n"
           "HEAD /blog.atom HTTP/1.1\r\n" HOST "\r\n"
           "\r\nGET /nothing HTTP/1.1\r\n" HOST "\r\n"
           "POST / HTTP/1.1\r\n" HOST "\r\n"
           "GET /blog.atom HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
           "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    expect(c, 200, FEED);
    expect(c, 200, NULL);
    expect(c, 404, "There is nothing at this address.\n");
    expect(c, 405, "Only GET and HEAD are allowed here.\n");
    expect(c, 200, FEED);
    assert_true(raw_ends(c, MS)); /* what came behind the close is not answered */
    raw_close(c);
}

/* More than are answered in one turn, and cut in the middle of the last. */
static void many_requests_in_a_row(void **state)
{
    struct raw_client *c = connect_to(*state);
    for (int i = 0; i < 500; i++)
        ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    ask(c, "GET /blog.atom HTTP/1.1\r\nHo");
    for (int i = 0; i < 500; i++)
        expect(c, 200, FEED);
    assert_true(raw_silent(c, 10));
    ask(c, "st: a\r\n\r\n");
    expect(c, 200, FEED);
    raw_close(c);
}

static void a_refused_request_ends_the_connection(void **state)
{
    struct raw_client *c = connect_to(*state);
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n"
           "GET /blog.atom HTTP/1.1\r\nHost : a\r\n\r\n"
           "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    expect(c, 200, FEED);
    struct raw_response r = expect(c, 400, "This request is malformed.\n");
    assert_field(&r, "Connection", "close");
    assert_true(raw_ends(c, MS));
    raw_close(c);
}

/* What the server takes at once ends with the last request, and more has come, which it does not
 * see: the close is a reset, and must not take the answer along. */
static void an_answer_goes_before_its_connection(void **state)
{
    static const char first[] = "GET /blog.atom HTTP/1.1\r\n" HOST "Connection: close\r\nX: ";
    static char bytes[HTTP_HEAD_MAX + 100];
    memset(bytes, 'v', sizeof bytes);
    memcpy(bytes, first, sizeof first - 1);
    memcpy(bytes + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
    for (int i = 0; i < 20; i++) {
        struct raw_client *c = connect_to(*state);
        assert_int_equal(0, raw_send(c, (struct str){bytes, sizeof bytes}, MS));
        expect(c, 200, FEED);
        raw_close(c);
    }
}

static void a_body_is_answered_and_dropped(void **state)
{
    static const struct {
        const char *head;
        int status;
    } cases[] = {
        {"GET /blog.atom HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n", 200},
        {"GET /blog.atom HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 200},
        {"GET /blog.atom HTTP/1.1\r\n" HOST
         "Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n",
         200},
        {"POST /blog.atom HTTP/1.1\r\n" HOST "Content-Length: 100000\r\n\r\n", 405},
    };
    static char body[100000];
    memset(body, 'x', sizeof body);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct raw_client *c = connect_to(*state);
        ask(c, cases[i].head);
        assert_int_equal(0, raw_send(c, (struct str){body, sizeof body}, MS));
        struct raw_response r;
        assert_int_equal(RAW_DONE, raw_read(c, false, MS, &r));
        assert_int_equal(cases[i].status, r.status);
        assert_field(&r, "Connection", "close");
        assert_true(raw_ends(c, MS));
        raw_close(c);
    }
}

/* One that sends for ever behind an answer is cut off in the end. */
static void endless_bytes_are_cut_off(void **state)
{
    struct raw_client *c = connect_to(*state);
    static char body[65536];
    ask(c, "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999\r\n\r\n");
    int i = 0;
    while (i < 1000 && raw_send(c, (struct str){body, sizeof body}, MS) == 0)
        i++;
    assert_true(i < 1000);
    raw_close(c);
}

static void a_client_that_has_said_all(void **state)
{
    struct raw_client *c = connect_to(*state);
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(0, raw_end(c));
    expect(c, 200, FEED);
    assert_true(raw_ends(c, MS));
    raw_close(c);
}

/* ---- large bodies -------------------------------------------------------------------------- */

#define LARGE (8u << 20)

static char *large_body(char seed)
{
    char *bytes = malloc(LARGE);
    assert_non_null(bytes);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(seed + (char)(i % 19));
    return bytes;
}

static void a_slow_reader_gets_what_stood_there_when_it_asked(void **state)
{
    struct http_house *h = *state;
    char *old = large_body('a'), *new = large_body('A');
    struct raw_response r;
    http_house_publish(h, "/large.atom", (struct str){old, LARGE}, SITE_FEED);
    struct raw_client *c = raw_open(h->address, 4096);
    assert_non_null(c);
    ask(c, "GET /large.atom HTTP/1.1\r\n" HOST "\r\nGET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    assert_false(raw_silent(c, MS)); /* it has begun to come */
    http_house_publish(h, "/large.atom", (struct str){new, LARGE}, SITE_FEED);
    assert_int_equal(RAW_DONE, raw_read(c, false, 60000, &r));
    assert_true(str_eq(r.body, (struct str){old, LARGE}));
    expect(c, 200, FEED);
    raw_close(c);
    free(old);
    free(new);
}

static void a_reader_that_goes_in_the_middle(void **state)
{
    struct http_house *h = *state;
    char *bytes = large_body('a');
    http_house_publish(h, "/large.atom", (struct str){bytes, LARGE}, SITE_FEED);
    for (int i = 0; i < 5; i++) {
        struct raw_client *c = raw_open(h->address, 4096);
        assert_non_null(c);
        ask(c, "GET /large.atom HTTP/1.1\r\n" HOST "\r\n");
        assert_false(raw_silent(c, MS));
        raw_close(c);
    }
    struct raw_client *c = connect_to(h);
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    expect(c, 200, FEED);
    raw_close(c);
    free(bytes);
}

/* ---- pages that are made when asked for ---------------------------------------------------- */

static struct body *page_body(const char *text)
{
    struct body *b = body_new(str_of(text), MEDIA_HTML, CACHE_FEED, 1700000000, true);
    assert_non_null(b);
    return b;
}

static void assert_missed(struct http_house *h)
{
    char path[128];
    assert_true(http_house_missed(h, path, sizeof path));
    assert_string_equal(PAGE, path);
}

static void a_page_is_waited_for(void **state)
{
    struct http_house *h = *state;
    struct raw_client *a = connect_to(h), *b = connect_to(h);
    ask(a, "GET " PAGE " HTTP/1.1\r\n" HOST "\r\nGET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    ask(b, "HEAD " PAGE " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    assert_missed(h);
    assert_true(raw_silent(a, 10)); /* also the second request waits for its turn */
    assert_int_equal(0, site_publish(h->site, PAGE, page_body("a page"), SITE_CACHED));
    expect(a, 200, "a page");
    expect(a, 200, FEED);
    expect(b, 200, NULL);
    assert_true(raw_ends(b, MS));
    ask(a, "GET " PAGE " HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n");
    expect(a, 304, "");
    raw_close(a);
    raw_close(b);
}

static void a_page_that_is_not_there(void **state)
{
    struct http_house *h = *state;
    struct raw_client *c = connect_to(h);
    ask(c, "GET " PAGE " HTTP/1.1\r\n" HOST "\r\n");
    assert_missed(h);
    assert_int_equal(0, site_refuse(h->site, PAGE));
    expect(c, 404, "There is nothing at this address.\n");
    ask(c, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n");
    expect(c, 200, FEED);
    raw_close(c);
}

static void who_waits_may_go(void **state)
{
    struct http_house *h = *state;
    struct raw_client *a = connect_to(h), *b = connect_to(h);
    ask(a, "GET " PAGE " HTTP/1.1\r\n" HOST "\r\n");
    assert_missed(h);
    raw_close(a);
    ask(b, "GET " PAGE " HTTP/1.1\r\n" HOST "\r\n");
    assert_true(raw_silent(b, 10));
    assert_int_equal(0, site_publish(h->site, PAGE, page_body("a page"), SITE_CACHED));
    expect(b, 200, "a page");
    raw_close(b);
}

static void too_many_pages_at_once(void **state)
{
    struct http_house *h = *state;
    struct raw_client *a = connect_to(h), *b = connect_to(h);
    ask(a, "GET " PAGE " HTTP/1.1\r\n" HOST "\r\n");
    assert_missed(h);
    ask(b, "GET " OTHER_PAGE " HTTP/1.1\r\n" HOST "\r\n");
    struct raw_response r = expect(b, 503, "This is not to be had right now. Please try again.\n");
    assert_field(&r, "Retry-After", "10");
    raw_close(a);
    raw_close(b);
}

/* ---- answers of one round ------------------------------------------------------------------ */

#define NTH_PAGE  "/blog/0a1b2c3d-0000-5000-8000-1000000000%02d.html"
#define UNCHANGED "GET /blog.atom HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n"

/* All have been answered once and may ask again. */
static void gather(struct http_house *h, struct raw_client *crowd[CROWD])
{
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = connect_to(h);
        ask(crowd[i], UNCHANGED);
        expect(crowd[i], 304, "");
    }
}

/* The server stands still at a page that is missed, until the lock is given back. */
static void hold_up(struct http_house *h, struct raw_client *c, const char *page)
{
    char request[128];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HOST "\r\n", page);
    unsigned before = http_house_iterations(h);
    pthread_mutex_lock(&h->lock);
    ask(c, request);
    while (http_house_iterations(h) == before)
        sched_yield();
}

/* Each asks for a page of its own: the misses show the order. */
static void who_asks_first_is_answered_first(void **state)
{
    struct http_house *h = *state;
    struct raw_client *crowd[CROWD], *a = connect_to(h);
    char request[128], path[128], page[128];
    gather(h, crowd);
    ask(a, UNCHANGED); /* the kernel looks first at whom it named last */
    expect(a, 304, "");
    hold_up(h, a, PAGE);
    for (int i = 0; i < CROWD; i++) {
        snprintf(request, sizeof request, "GET " NTH_PAGE " HTTP/1.1\r\n" HOST "\r\n", i);
        ask(crowd[i], request);
    }
    pthread_mutex_unlock(&h->lock);
    assert_missed(h);
    for (int i = 0; i < CROWD; i++) {
        snprintf(page, sizeof page, NTH_PAGE, i);
        assert_true(http_house_missed(h, path, sizeof path));
        assert_string_equal(page, path);
        raw_close(crowd[i]);
    }
    raw_close(a);
}

static void ask_in_many_ways(struct raw_client *c, int i)
{
    static const char *const ways[] = {
        UNCHANGED,
        UNCHANGED "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n",
        UNCHANGED UNCHANGED,
        UNCHANGED "HEAD /nothing HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
    };
    ask(c, ways[i % 4]);
}

static void expect_in_many_ways(struct raw_client *c, int i)
{
    expect(c, 304, "");
    if (i % 4 == 1)
        expect(c, 200, FEED);
    if (i % 4 == 2)
        expect(c, 304, "");
    if (i % 4 == 3) {
        expect(c, 404, NULL);
        assert_true(raw_ends(c, MS));
    } else {
        assert_true(raw_silent(c, 0));
    }
}

/* While the server stands still many ask and some go. */
static void each_of_a_crowd_gets_its_answer(void **state)
{
    struct http_house *h = *state;
    struct raw_client *crowd[CROWD], *a = connect_to(h);
    gather(h, crowd);
    hold_up(h, a, PAGE);
    for (int i = 0; i < CROWD; i++)
        ask_in_many_ways(crowd[i], i);
    for (int i = 0; i < CROWD; i += 5)
        raw_close(crowd[i]);
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < CROWD; i++)
        if (i % 5) {
            expect_in_many_ways(crowd[i], i);
            raw_close(crowd[i]);
        }
    assert_missed(h);
    raw_close(a);
}

/* They have come when the server is told to stop, and it sees both at once. */
static void a_crowd_is_answered_before_the_end(void **state)
{
    struct http_house *h = *state;
    struct raw_client *crowd[CROWD], *a = connect_to(h);
    gather(h, crowd);
    hold_up(h, a, PAGE);
    for (int i = 0; i < CROWD; i++)
        ask(crowd[i], UNCHANGED);
    http_server_stop(h->server, 0);
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < CROWD; i++) {
        expect(crowd[i], 304, "");
        assert_true(raw_ends(crowd[i], MS));
        raw_close(crowd[i]);
    }
    raw_close(a);
}

/* A crowd whose page has just come is answered, and in the same round the server is told to stop
 * and reads what they have asked meanwhile. */
static void a_crowd_that_waited_is_answered_before_the_end(void **state)
{
    enum { FULL = 16 }; /* as many as are held at once */
    struct http_house *h = *state;
    struct raw_client *crowd[FULL], *a = connect_to(h);
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    for (int i = 0; i < FULL; i++) {
        crowd[i] = connect_to(h);
        ask(crowd[i], "GET " PAGE " HTTP/1.1\r\n" HOST "\r\n");
    }
    assert_missed(h);
    ask(a, UNCHANGED);
    expect(a, 304, "");
    hold_up(h, a, OTHER_PAGE);
    for (int i = 0; i < FULL; i++)
        ask(crowd[i], UNCHANGED);
    for (int i = 0; i < FULL; i += 5) {
        setsockopt(raw_fd(crowd[i]), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        raw_close(crowd[i]);
    }
    assert_int_equal(0, site_refuse(h->site, PAGE));
    http_server_stop(h->server, 0);
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < FULL; i++)
        if (i % 5) {
            expect(crowd[i], 404, NULL);
            raw_close(crowd[i]);
        }
    raw_close(a);
}

/* There is no room, and one who has just asked is the only one who can make way. */
static void who_makes_way_has_the_answer(void **state)
{
    struct http_house *h = *state;
    struct raw_client *a = connect_to(h), *b, *c;
    ask(a, UNCHANGED); /* or, with nobody idle, no more would be let in for a while */
    expect(a, 304, "");
    b = connect_to(h);
    ask(b, UNCHANGED);
    expect(b, 304, "");
    hold_up(h, a, PAGE);
    ask(b, UNCHANGED); /* read before the other is let in */
    c = connect_to(h);
    pthread_mutex_unlock(&h->lock);
    expect(b, 304, "");
    assert_true(raw_ends(b, MS));
    ask(c, UNCHANGED);
    expect(c, 304, "");
    raw_close(a);
    raw_close(b);
    raw_close(c);
}

/* One after the other, until the socket takes a part of an answer that was held. */
static void who_reads_late_gets_all_answers(void **state)
{
    enum { COUNT = 900 };
    struct http_house *h = *state;
    struct raw_client *c = raw_open(h->address, 4096);
    assert_non_null(c);
    for (int i = 0; i < COUNT; i++) {
        unsigned before = http_house_iterations(h);
        ask(c, UNCHANGED);
        for (int k = 0; k < 1000 && http_house_iterations(h) == before; k++)
            sched_yield();
    }
    for (int i = 0; i < COUNT; i++)
        expect(c, 304, "");
    assert_true(raw_silent(c, 0));
    raw_close(c);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_house, close_house)
    const struct CMUnitTest tests[] = {
        TEST(a_feed),
        TEST(head_is_a_feed_without_its_body),
        TEST(not_modified),
        cmocka_unit_test(nothing_was_modified_in_the_future),
        TEST(errors_say_what_is_allowed_and_reflect_nothing),
        TEST(health_is_sick_before_the_poller_starts),
        TEST(the_index_is_in_the_language_that_is_liked),
        cmocka_unit_test(answers_are_counted),
        TEST(connections_are_kept_as_the_client_asks),
        TEST(a_request_in_single_bytes),
        TEST(a_large_head_in_pieces),
        TEST(a_head_that_never_ends),
        TEST(requests_in_a_row),
        TEST(many_requests_in_a_row),
        TEST(a_refused_request_ends_the_connection),
        TEST(an_answer_goes_before_its_connection),
        TEST(a_body_is_answered_and_dropped),
        TEST(endless_bytes_are_cut_off),
        TEST(a_client_that_has_said_all),
        TEST(a_slow_reader_gets_what_stood_there_when_it_asked),
        TEST(a_reader_that_goes_in_the_middle),
        TEST(a_page_is_waited_for),
        TEST(a_page_that_is_not_there),
        TEST(who_waits_may_go),
        TEST(too_many_pages_at_once),
        cmocka_unit_test_setup_teardown(who_asks_first_is_answered_first, open_house_of_a_crowd,
                                        close_house),
        TEST(each_of_a_crowd_gets_its_answer),
        TEST(a_crowd_is_answered_before_the_end),
        cmocka_unit_test_setup_teardown(a_crowd_that_waited_is_answered_before_the_end,
                                        open_house_of_two, close_house),
        cmocka_unit_test_setup_teardown(who_makes_way_has_the_answer, open_small_house,
                                        close_house),
        TEST(who_reads_late_gets_all_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
