/* Pages that come, and all that is said about them: validators, conditions, redirects, cookies. */
#include "fetch_rig.h"

#include <unistd.h>

static void test_page(void **state)
{
    struct told told = fetch_step(*state, (struct site_step){
                                              .body = "a\0b",
                                              .body_size = 3,
                                              .content_type = "text/html;charset=GBK",
                                              .headers = "eTAG: \t W/\"a  b\\\xff\" \t\r\n"
                                                         "LAST-modified:yesterday, or so\r\n",
                                          });

    assert_int_equal(told.http_status, 200);
    assert_int_equal(told.body_size, 3);
    assert_memory_equal(told.body, "a\0b", 3);
    assert_string_equal(told.content_type, "text/html;charset=GBK");
    assert_string_equal(told.etag, "W/\"a  b\\\xff\"");
    assert_string_equal(told.last_modified, "yesterday, or so");
    assert_string_equal(told.url, source_site_url(((struct rig *)*state)->site, "/page"));
    assert_int_equal(told.retry_after, 0);
    assert_int_equal(told.file_time, 0);
    assert_told(told, FETCH_OK, "");
}

static void test_framings_and_codings(void **state)
{
    for (int framing = SITE_LENGTH; framing <= SITE_CLOSE; framing++)
        for (int coding = SITE_IDENTITY; coding <= SITE_ZSTD; coding++) {
            struct told told = fetch_step(*state, (struct site_step){
                                                      .body = "0123456789",
                                                      .repeat = 10000,
                                                      .framing = (enum site_framing)framing,
                                                      .coding = (enum site_coding)coding,
                                                  });
            assert_int_equal(told.body_size, 100000);
            assert_string_equal(told.body + 99990, "0123456789");
            assert_told(told, FETCH_OK, "");
        }
}

static void test_empty_page(void **state)
{
    for (int framing = SITE_LENGTH; framing <= SITE_CLOSE; framing++) {
        struct told told =
            fetch_step(*state, (struct site_step){.framing = (enum site_framing)framing});
        assert_int_equal(told.http_status, 200);
        assert_int_equal(told.body_size, 0);
        assert_told(told, FETCH_OK, "");
    }
}

static void test_request(void **state)
{
    struct rig *rig = *state;
    char *lines[] = {(char *)(uintptr_t) "Accept-Language: zh, en;q=0.5",
                     (char *)(uintptr_t) "X-Two:  2"};
    char value[256];

    rig->conf.header = (struct word_list){lines, 2};
    assert_told(fetch_step(rig, (struct site_step){.body = "x"}), FETCH_OK, "");
    assert_string_equal(
        source_site_header(rig->site, "/page", 1, "user-agent", value, sizeof value),
        "digestd-test/1 (+x)");
    assert_string_equal(
        source_site_header(rig->site, "/page", 1, "accept-language", value, sizeof value),
        "zh, en;q=0.5");
    assert_string_equal(source_site_header(rig->site, "/page", 1, "x-two", value, sizeof value),
                        "2");
    assert_non_null(
        source_site_header(rig->site, "/page", 1, "accept-encoding", value, sizeof value));
    assert_string_equal(value, "gzip, deflate, br, zstd");
    assert_null(source_site_header(rig->site, "/page", 1, "if-none-match", value, sizeof value));
}

/* ---- conditions ---------------------------------------------------------------------------- */

static void test_not_modified(void **state)
{
    struct rig *rig = *state;
    struct validators validators = {.etag = STR("W/\"a  b,\xff\""),
                                    .last_modified = STR("yesterday, or so")};
    struct site_step step = {
        .body = "x", .etag = "W/\"a  b,\xff\"", .conditional = true, .headers = "X-A: b\r\n"};
    char value[256];
    struct told told;

    source_site_set(rig->site, "/page", &step, 1);
    told = fetch_now(rig, source_site_url(rig->site, "/page"), &validators, NULL);
    assert_int_equal(told.http_status, 304);
    assert_string_equal(told.etag, "W/\"a  b,\xff\"");
    assert_told(told, FETCH_NOT_MODIFIED, "");
    assert_string_equal(
        source_site_header(rig->site, "/page", 1, "if-none-match", value, sizeof value),
        "W/\"a  b,\xff\"");
    assert_string_equal(
        source_site_header(rig->site, "/page", 1, "if-modified-since", value, sizeof value),
        "yesterday, or so");

    validators.etag = STR("\"another\"");
    told = fetch_now(rig, source_site_url(rig->site, "/page"), &validators, NULL);
    assert_string_equal(told.body, "x");
    assert_told(told, FETCH_OK, "");
}

static void test_not_modified_since(void **state)
{
    struct rig *rig = *state;
    struct validators validators = {.last_modified = STR("Wed, 12 Nov 2025 01:30:00 GMT")};
    struct site_step step = {
        .body = "x", .last_modified = "Wed, 12 Nov 2025 01:30:00 GMT", .conditional = true};

    source_site_set(rig->site, "/page", &step, 1);
    assert_told(fetch_now(rig, source_site_url(rig->site, "/page"), &validators, NULL),
                FETCH_NOT_MODIFIED, "");
}

static void test_not_modified_unasked(void **state)
{
    static const struct validators none = {.body = {1, 1}};
    static const struct validators split = {.etag = {"a\nb", 3}};
    struct rig *rig = *state;
    const char *reason = "the site answered 304 Not Modified to a request without conditions";
    char value[16];

    assert_told(fetch_step(rig, (struct site_step){.status = 304}), FETCH_FAILED, reason);
    assert_told(fetch_now(rig, source_site_url(rig->site, "/page"), &none, NULL), FETCH_FAILED,
                reason);
    assert_told(fetch_now(rig, source_site_url(rig->site, "/page"), &split, NULL), FETCH_FAILED,
                reason);
    assert_null(source_site_header(rig->site, "/page", 0, "if-none-match", value, sizeof value));
}

/* ---- redirects ----------------------------------------------------------------------------- */

static void test_redirect(void **state)
{
    struct rig *rig = *state;
    struct told told;

    source_site_set_page(rig->site, "/to?q=1", "there");
    told = fetch_step(rig, (struct site_step){.status = 301,
                                              .location = "/to?q=1",
                                              .etag = "\"of the redirect\"",
                                              .last_modified = "then",
                                              .retry_after = "77",
                                              .body = "moved"});
    assert_string_equal(told.body, "there");
    assert_string_equal(told.url, source_site_url(rig->site, "/to?q=1"));
    assert_string_equal(told.etag, "");
    assert_string_equal(told.last_modified, "");
    assert_int_equal(told.retry_after, 0);
    assert_told(told, FETCH_OK, "");
}

static void test_redirect_refused(void **state)
{
    static const struct {
        const char *location, *reason;
    } cases[] = {
        {"file:///etc/passwd", "the site redirects to a 'file' address, which is refused"},
        {"ftp://127.0.0.1/", "the site redirects to a 'ftp' address, which is refused"},
        {"gopher://127.0.0.1/x", "the site redirects to a 'gopher' address, which is refused"},
        {"http://[", "the site redirects to a malformed address"},
        {"/page", NULL},
    };
    struct rig *rig = *state;
    char loop[256];

    snprintf(loop, sizeof loop,
             "the site redirects in a loop, to %s again and again (max-redirects 5)",
             source_site_url(rig->site, "/page"));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told told = fetch_step(
            rig, (struct site_step){.status = 302, .location = cases[i].location, .body = "no"});
        assert_string_equal(told.url, source_site_url(rig->site, "/page"));
        assert_told(told, FETCH_FAILED, cases[i].reason ? cases[i].reason : loop);
    }
    assert_int_equal(source_site_requests(rig->site, "/page"), 4 + 6);
    assert_told(fetch_step(rig, (struct site_step){.status = 302}), FETCH_FAILED,
                "the site answered 302 Found");
}

static void test_no_redirects_at_all(void **state)
{
    struct rig *rig = *state;

    rig->conf.max_redirects = 0;
    assert_told(fetch_step(rig, (struct site_step){.status = 302, .location = "/page"}),
                FETCH_FAILED, "the site redirects more than 0 times (max-redirects)");
    assert_int_equal(source_site_requests(rig->site, "/page"), 1);
}

/* ---- cookies ------------------------------------------------------------------------------- */

static void test_cookies_are_kept(void **state)
{
    struct rig *rig = *state;
    char value[256];
    struct told told = fetch_step(
        rig, (struct site_step){.body = "x",
                                .headers = "Set-Cookie: a=1; Path=/; HttpOnly\r\n"
                                           "Set-Cookie: b=two words; Max-Age=100000\r\n"});
    struct told again = fetch_now(rig, source_site_url(rig->site, "/page"), NULL, told.cookies);

    assert_non_null(strstr(told.cookies, "#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\ta\t1\n"));
    assert_string_equal(source_site_header(rig->site, "/page", 2, "cookie", value, sizeof value),
                        "b=two words; a=1");
    assert_told(told, FETCH_OK, "");
    assert_told(again, FETCH_OK, "");
    /* and are not shared with other fetches */
    assert_told(fetch_step(rig, (struct site_step){.body = "x"}), FETCH_OK, "");
    assert_null(source_site_header(rig->site, "/page", 3, "cookie", value, sizeof value));
}

static void test_words_that_are_no_cookies(void **state)
{
    struct rig *rig = *state;
    const char *lines = "127.0.0.1\tFALSE\t/\tFALSE\t0\ta\t1\nALL\n\nRELOAD\n";
    char value[256];

    source_site_set_page(rig->site, "/page", "x");
    assert_told(fetch_now(rig, source_site_url(rig->site, "/page"), NULL, lines), FETCH_OK, "");
    assert_string_equal(source_site_header(rig->site, "/page", 1, "cookie", value, sizeof value),
                        "a=1");
}

static void test_cookie_file(void **state)
{
    struct rig *rig = *state;
    char path[] = "/tmp/digestd-cookies-XXXXXX", value[256];
    const char *lines = "127.0.0.1\tFALSE\t/\tFALSE\t0\ta\tnewer\n";
    struct error e = {{0}};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_true(dprintf(fd, "# Netscape HTTP Cookie File\n"
                            "127.0.0.1\tFALSE\t/\tFALSE\t0\ta\told\n"
                            "127.0.0.1\tFALSE\t/\tFALSE\t0\tb\tfile\n") > 0);
    close(fd);
    rig->conf.cookie_file = path;
    source_site_set_page(rig->site, "/page", "x");
    assert_told(fetch_now(rig, source_site_url(rig->site, "/page"), NULL, NULL), FETCH_OK, "");
    assert_told(fetch_now(rig, source_site_url(rig->site, "/page"), NULL, lines), FETCH_OK, "");
    source_site_header(rig->site, "/page", 1, "cookie", value, sizeof value);
    assert_non_null(strstr(value, "a=old"));
    assert_non_null(strstr(value, "b=file"));
    source_site_header(rig->site, "/page", 2, "cookie", value, sizeof value);
    assert_non_null(strstr(value, "a=newer"));
    assert_non_null(strstr(value, "b=file"));
    assert_null(strstr(value, "a=old"));
    unlink(path);

    rig->conf.cookie_file = (char *)(uintptr_t) "/etc/passwd/cookies";
    assert_null(fetch_start(rig->fetcher, str_of(source_site_url(rig->site, "/page")), &rig->conf,
                            NULL, (struct str){0}, NOW, on_told, NULL, &e));
    assert_string_equal(e.text, "cannot read cookie-file /etc/passwd/cookies");
}

/* ---- a proxy ------------------------------------------------------------------------------- */

static void test_proxy(void **state)
{
    struct rig *rig = *state;
    struct told told;

    rig->conf.proxy = (char *)(uintptr_t)source_site_url(rig->site, "");
    source_site_set_page(rig->site, "http://digest.invalid/page", "through the proxy");
    told = fetch_now(rig, "http://digest.invalid/page", NULL, NULL);
    assert_string_equal(told.body, "through the proxy");
    assert_string_equal(told.url, "http://digest.invalid/page");
    assert_told(told, FETCH_OK, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_page),
        RUN(test_framings_and_codings),
        RUN(test_empty_page),
        RUN(test_request),
        RUN(test_not_modified),
        RUN(test_not_modified_since),
        RUN(test_not_modified_unasked),
        RUN(test_redirect),
        RUN(test_redirect_refused),
        RUN(test_no_redirects_at_all),
        RUN(test_cookies_are_kept),
        RUN(test_words_that_are_no_cookies),
        RUN(test_cookie_file),
        RUN(test_proxy),
    };

    return cmocka_run_group_tests_name("fetch http", tests, NULL, NULL);
}
