/* All that can go wrong with a page, each with its sentence. */
#include "fetch_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- statuses ------------------------------------------------------------------------------ */

static void test_statuses(void **state)
{
    static const struct {
        int status;
        const char *reason;
    } cases[] = {
        {404, "the site answered 404 Not Found"},
        {410, "the page is gone (410 Gone): take its source out of the conf file, or set url to "
              "where it is now; it is looked at once a day"},
        {429, "the site answered 429 Too Many Requests"},
        {500, "the site answered 500 Internal Server Error"},
        {503, "the site answered 503 Service Unavailable"},
        {206, "the site answered 206 Partial Content"},
        {203, "the site answered 203"},
        {401, "the site answered 401 Unauthorized"},
        {799, "the site answered 799"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told told = fetch_step(
            *state, (struct site_step){.status = cases[i].status, .body = "<p>a fine page"});
        assert_int_equal(told.http_status, cases[i].status);
        assert_told(told, FETCH_FAILED, cases[i].reason);
    }
}

/* The status says more than what became of the rest. */
static void test_status_before_all_else(void **state)
{
    struct rig *rig = *state;

    assert_told(fetch_step(rig, (struct site_step){.status = 404, .body = "0123", .excess = 9}),
                FETCH_FAILED, "the site answered 404 Not Found");
    assert_told(
        fetch_step(rig, (struct site_step){.status = 404, .body = "0123", .repeat = 1 << 20}),
        FETCH_FAILED, "the site answered 404 Not Found");
    assert_told(fetch_step(rig, (struct site_step){.status = 500,
                                                   .body = "0123",
                                                   .repeat = 1 << 20,
                                                   .framing = SITE_CLOSE}),
                FETCH_FAILED, "the site answered 500 Internal Server Error");
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *value;
        int64_t expected;
    } cases[] = {
        {"120", 120},
        {"0", 0},
        {"Wed, 12 Nov 2025 01:31:40 GMT", 100},
        {"Wednesday, 12-Nov-25 01:31:40 GMT", 100},
        {"Wed, 12 Nov 2025 01:29:00 GMT", 0},
        {"-5", 0},
        {"soon", 0},
        {"99999999999999999999999", (int64_t)3650 * 86400},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told told =
            fetch_step(*state, (struct site_step){.status = 503, .retry_after = cases[i].value});
        assert_int_equal(told.retry_after, cases[i].expected);
        assert_told(told, FETCH_FAILED, "the site answered 503 Service Unavailable");
    }
}

/* ---- not whole ----------------------------------------------------------------------------- */

static void assert_not_whole(struct rig *rig, struct site_step step, const char *reason_begins)
{
    struct told told = fetch_step(rig, step);

    assert_int_equal(told.status, FETCH_NOT_WHOLE);
    assert_int_equal(told.http_status, 200);
    assert_int_equal(told.body_size, 0);
    if (strncmp(told.reason, reason_begins, strlen(reason_begins)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", told.reason, reason_begins);
    told_clear(&told);
}

static void test_broken_off(void **state)
{
    static const struct {
        struct site_step step;
        const char *reason;
    } cases[] = {
        {{.excess = 1}, "the page broke off after 10000 bytes: "},
        {{.excess = 100000}, "the page broke off after 10000 bytes: "},
        {{.fault = SITE_CUT, .cut = 5000}, "the page broke off after 5000 bytes: "},
        {{.fault = SITE_CUT}, "the page broke off after 0 bytes: "},
        {{.fault = SITE_CUT, .cut = 5000, .framing = SITE_CHUNKED},
         "the page broke off after 5000 bytes: "},
        {{.fault = SITE_CUT, .cut = 4096, .framing = SITE_CHUNKED},
         "the page broke off after 4096 bytes: "},
        {{.fault = SITE_CUT, .cut = 10000, .framing = SITE_CHUNKED},
         "the page broke off after 10000 bytes: "},
        {{.fault = SITE_CUT_RST, .cut = 5000}, "the page broke off after "},
        {{.fault = SITE_CUT_RST, .cut = 5000, .framing = SITE_CHUNKED},
         "the page broke off after "},
        {{.fault = SITE_CUT_RST, .cut = 5000, .framing = SITE_CLOSE}, "the page broke off after "},
        {{.fault = SITE_CUT, .cut = 30, .coding = SITE_GZIP}, "the page broke off after "},
        {{.fault = SITE_CUT, .cut = 30, .coding = SITE_GZIP, .framing = SITE_CHUNKED},
         "the page broke off after "},
        {{.headers = "Content-Encoding: gzip\r\n"}, "the page broke off after 0 bytes: "},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct site_step step = cases[i].step;
        step.body = "0123456789";
        step.repeat = 1000;
        assert_not_whole(*state, step, cases[i].reason);
    }
}

/* All bytes came, and yet it is half a page: a proxy has lost the other one. */
static void test_coding_without_an_end(void **state)
{
    for (int framing = SITE_LENGTH; framing <= SITE_CLOSE; framing++)
        for (int coding = SITE_GZIP; coding <= SITE_ZSTD; coding++)
            assert_not_whole(*state,
                             (struct site_step){.body = "0123456789",
                                                .repeat = 1000,
                                                .framing = (enum site_framing)framing,
                                                .coding = (enum site_coding)coding,
                                                .unfinished = true},
                             coding <= SITE_DEFLATE ? "the page broke off after 10000 bytes: its "
                                                    : "the page broke off after 0 bytes: its ");
}

static void test_coding_of_another_kind(void **state)
{
    assert_told(fetch_step(*state, (struct site_step){.body = "x",
                                                      .headers = "Content-Encoding: compress\r\n"}),
                FETCH_FAILED,
                "the page is coded in a way that was not asked for (Content-Encoding: compress)");
    assert_not_whole(*state,
                     (struct site_step){.body = "0123", .headers = "Content-Encoding: br\r\n"},
                     "the page broke off after 0 bytes: its br coding is broken");
}

/* Where only the end of the connection tells the end of the page, nothing tells that it was cut:
 * that is for whoever looks into it. */
static void test_cut_without_a_trace(void **state)
{
    struct told told = fetch_step(
        *state, (struct site_step){
                    .body = "0123456789", .fault = SITE_CUT, .cut = 5, .framing = SITE_CLOSE});

    assert_string_equal(told.body, "01234");
    assert_told(told, FETCH_OK, "");
}

static void test_stalled(void **state)
{
    struct rig *rig = *state;

    rig->conf.timeout = 1;
    assert_not_whole(rig, (struct site_step){.body = "0123", .fault = SITE_STALL, .cut = 2},
                     "the page was not there whole within 1 s (timeout)");
}

/* ---- too large ----------------------------------------------------------------------------- */

static void test_too_large(void **state)
{
    static const struct site_step steps[] = {
        {.repeat = (1 << 16) + 1},
        {.repeat = (1 << 16) + 1, .framing = SITE_CHUNKED},
        {.repeat = (1 << 16) + 1, .framing = SITE_CLOSE},
        {.repeat = 1 << 22, .coding = SITE_GZIP},
        {.repeat = (1 << 16) + 1, .coding = SITE_GZIP, .framing = SITE_CHUNKED},
    };

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct site_step step = steps[i];
        step.body = "0123456789abcdef";
        assert_told(fetch_step(*state, step), FETCH_FAILED,
                    "the page is larger than max-size (1M) allows");
    }
}

static void test_as_large_as_allowed(void **state)
{
    for (int coding = SITE_IDENTITY; coding <= SITE_GZIP; coding++) {
        struct told told =
            fetch_step(*state, (struct site_step){.body = "0123456789abcdef",
                                                  .repeat = 1 << 16,
                                                  .coding = (enum site_coding)coding});
        assert_int_equal(told.body_size, 1 << 20);
        assert_told(told, FETCH_OK, "");
    }
}

/* ---- no answer ----------------------------------------------------------------------------- */

static void assert_place(struct rig *rig, struct told told, const char *before, const char *after)
{
    char reason[600];

    snprintf(reason, sizeof reason, "%s127.0.0.1:%u%s", before, source_site_port(rig->site), after);
    assert_told(told, FETCH_FAILED, reason);
}

static void test_hangs(void **state)
{
    struct rig *rig = *state;

    rig->conf.timeout = 1;
    assert_place(rig, fetch_step(rig, (struct site_step){.fault = SITE_HANG}), "no answer from ",
                 " within 1 s (timeout)");
}

static void test_drops(void **state)
{
    struct rig *rig = *state;

    assert_place(rig, fetch_step(rig, (struct site_step){.fault = SITE_DROP}), "",
                 " closed the connection without an answer: Empty reply from server");
    assert_place(rig, fetch_step(rig, (struct site_step){.fault = SITE_DROP_RST}),
                 "the connection to ",
                 " broke before an answer was there: Recv failure: Connection reset by peer");
}

static void test_speaks_something_else(void **state)
{
    struct rig *rig = *state;
    char url[64], expected[128];
    struct told told;

    assert_place(rig,
                 fetch_step(rig, (struct site_step){.fault = SITE_GARBAGE, .body = "220 smtp\r\n"}),
                 "", " does not speak HTTP: Received HTTP/0.9 when not allowed");
    snprintf(url, sizeof url, "https://127.0.0.1:%u/", source_site_port(rig->site));
    told = fetch_now(rig, url, NULL, NULL);
    snprintf(expected, sizeof expected,
             "no TLS connection to 127.0.0.1:%u could be made: ", source_site_port(rig->site));
    assert_int_equal(strncmp(told.reason, expected, strlen(expected)), 0);
    assert_int_equal(told.status, FETCH_FAILED);
    assert_int_equal(told.http_status, 0);
    told_clear(&told);
}

/* A port that is bound, but that nobody listens on. */
static void test_refused(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char url[64], reason[128];

    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/", ntohs(address.sin_port));
    snprintf(reason, sizeof reason, "could not connect to 127.0.0.1:%u: Connection refused",
             ntohs(address.sin_port));
    assert_told(fetch_now(*state, url, NULL, NULL), FETCH_FAILED, reason);

    ((struct rig *)*state)->conf.proxy = url;
    struct told told = fetch_now(*state, "http://digest.invalid/", NULL, NULL);
    assert_int_equal(told.status, FETCH_FAILED);
    assert_non_null(strstr(told.reason, "could not connect to digest.invalid:80: Failed to connect "
                                        "to 127.0.0.1 port"));
    told_clear(&told);
    close(fd);
}

static void test_no_address(void **state)
{
    static const char *const urls[] = {"ftp://127.0.0.1/", "gopher://127.0.0.1/", "page.html", "",
                                       "http://"};
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct error e = {{0}};
        char expected[128];
        snprintf(expected, sizeof expected, "%s is no http, https or file address", urls[i]);
        assert_null(fetch_start(rig->fetcher, str_of(urls[i]), &rig->conf, NULL, (struct str){0},
                                NOW, on_told, NULL, &e));
        assert_string_equal(e.text, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_statuses),
        RUN(test_status_before_all_else),
        RUN(test_retry_after),
        RUN(test_broken_off),
        RUN(test_coding_without_an_end),
        RUN(test_coding_of_another_kind),
        RUN(test_cut_without_a_trace),
        RUN(test_stalled),
        RUN(test_too_large),
        RUN(test_as_large_as_allowed),
        RUN(test_hangs),
        RUN(test_drops),
        RUN(test_speaks_something_else),
        RUN(test_refused),
        RUN(test_no_address),
    };

    return cmocka_run_group_tests_name("fetch trouble", tests, NULL, NULL);
}
