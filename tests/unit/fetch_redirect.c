/* Redirects: where they may lead, what goes along, and which of them are for good. */
#include "fetch_rig.h"

/* A second site: another port is another place. */
struct two {
    struct rig *rig;
    struct source_site *other;
};

static struct two two_sites(void **state)
{
    return (struct two){*state, source_site_start()};
}

static struct told follow(struct rig *rig, const char *location, int status)
{
    return fetch_step(rig, (struct site_step){.status = status, .location = location, .body = "-"});
}

/* A field of the last request that `site` got at `path`; "-": it was not there. */
static const char *sent(struct source_site *site, const char *path, const char *name)
{
    static char value[256];

    if (!source_site_header(site, path, 0, name, value, sizeof value))
        return "-";
    return value;
}

static void lead(struct source_site *site, const char *path, int status, const char *location)
{
    source_site_set(site, path, &(struct site_step){.status = status, .location = location}, 1);
}

/* ---- where to ------------------------------------------------------------------------------ */

static void test_targets(void **state)
{
    static const struct {
        const char *location, *path;
    } cases[] = {
        {"there", "/a/there"},
        {"/there?x=1&y", "/there?x=1&y"},
        {"?q", "/a/page?q"},
        {"./../b/./there#part", "/b/there"},
        {"two words", "/a/two%20words"},
        {"/\xe6\x91\x98", "/%e6%91%98"},
        {"/%E6%91%98", "/%E6%91%98"},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told told;
        lead(rig->site, "/a/page", 302, cases[i].location);
        source_site_set_page(rig->site, cases[i].path, "there");
        told = fetch_now(rig, source_site_url(rig->site, "/a/page"), NULL, NULL);
        assert_string_equal(told.body ? told.body : "", "there");
        assert_string_equal(told.url, source_site_url(rig->site, cases[i].path));
        assert_told(told, FETCH_OK, "");
    }
}

static void test_many(void **state)
{
    struct rig *rig = *state;
    char from[16], to[16];

    for (int i = 0; i < 100; i++) {
        snprintf(from, sizeof from, "/%d", i);
        snprintf(to, sizeof to, "/%d", i + 1);
        lead(rig->site, from, 302, to);
    }
    assert_told(fetch_now(rig, source_site_url(rig->site, "/0"), NULL, NULL), FETCH_FAILED,
                "the site redirects more than 5 times (max-redirects)");
    assert_int_equal(source_site_requests(rig->site, NULL), 6);
    source_site_set_page(rig->site, "/100", "the end");
    assert_told(fetch_now(rig, source_site_url(rig->site, "/95"), NULL, NULL), FETCH_OK, "");
}

/* To itself, with a cookie, is what some walls do: no loop, as long as it ends. */
static void test_to_itself_with_a_cookie(void **state)
{
    struct rig *rig = *state;
    struct site_step steps[] = {
        {.status = 302, .location = "/page", .headers = "Set-Cookie: pass=1; Path=/\r\n"},
        {.body = "come in"},
    };
    struct told told;

    source_site_set(rig->site, "/page", steps, 2);
    told = fetch_now(rig, source_site_url(rig->site, "/page"), NULL, NULL);
    assert_string_equal(told.body, "come in");
    assert_string_equal(sent(rig->site, "/page", "Cookie"), "pass=1");
    assert_told(told, FETCH_OK, "");
}

/* The head has said all: what comes of the rest does not matter. */
static void test_broken_rest(void **state)
{
    struct rig *rig = *state;
    static const struct site_step steps[] = {
        {.fault = SITE_CUT, .cut = 1},
        {.fault = SITE_CUT_RST, .cut = 1},
        {.repeat = 1 << 20},
        {.headers = "Content-Encoding: gzip\r\n"},
    };

    source_site_set_page(rig->site, "/there", "there");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct site_step step = steps[i];
        step.status = 303;
        step.body = "0123";
        step.location = "/there";
        assert_told(fetch_step(rig, step), FETCH_OK, "");
    }
}

/* All of a way has to be done within the timeout of one. */
static void test_one_timeout(void **state)
{
    struct rig *rig = *state;
    struct site_step slow = {.status = 302, .location = "/there", .drip = 0.012};
    struct told told;

    rig->conf.timeout = 2; /* each of both would do */
    source_site_set(rig->site, "/page", &slow, 1);
    slow = (struct site_step){.drip = 0.012, .body = "x"};
    source_site_set(rig->site, "/there", &slow, 1);
    told = fetch_now(rig, source_site_url(rig->site, "/page"), NULL, NULL);
    assert_int_not_equal(told.status, FETCH_OK);
    assert_non_null(strstr(told.reason, "within 2 s (timeout)"));
    told_clear(&told);
}

/* ---- what goes along ----------------------------------------------------------------------- */

static void test_fields_stay_at_home(void **state)
{
    struct two two = two_sites(state);
    char *lines[] = {(char *)(uintptr_t) "Authorization: Bearer secret",
                     (char *)(uintptr_t) "X-Key: secret", (char *)(uintptr_t) "Cookie: a=secret",
                     (char *)(uintptr_t) "accept-language: zh"};

    two.rig->conf.header = (struct word_list){lines, 4};
    lead(two.other, "/away", 302, source_site_url(two.rig->site, "/back"));
    source_site_set_page(two.rig->site, "/back", "back");
    assert_told(follow(two.rig, source_site_url(two.other, "/away"), 302), FETCH_OK, "");
    for (int i = 0; i < 2; i++) {
        struct source_site *site = i ? two.other : two.rig->site;
        const char *path = i ? "/away" : "/back", *secret = i ? "-" : "secret";
        assert_string_equal(sent(site, path, "X-Key"), secret);
        assert_string_equal(sent(site, path, "Authorization"), i ? "-" : "Bearer secret");
        assert_string_equal(sent(site, path, "Cookie"), i ? "-" : "a=secret");
        assert_string_equal(sent(site, path, "Accept-Language"), "zh");
        assert_string_equal(sent(site, path, "User-Agent"), "digestd-test/1 (+x)");
    }
    source_site_stop(two.other);
}

/* A page that has moved is asked at its new place, and is still not who the fields are for. */
static void test_fields_stay_at_the_old_place(void **state)
{
    struct two two = two_sites(state);
    char *lines[] = {(char *)(uintptr_t) "X-Key: secret"};
    struct told told = {.rig = two.rig};
    struct error e;

    two.rig->conf.header = (struct word_list){lines, 1};
    source_site_set_page(two.other, "/new", "here");
    assert_non_null(fetch_start_at(two.rig->fetcher, str_of(source_site_url(two.rig->site, "/old")),
                                   str_of(source_site_url(two.other, "/new")), &two.rig->conf, NULL,
                                   (struct str){0}, NOW, on_told, &told, &e));
    run_loop(two.rig);
    assert_string_equal(told.url, source_site_url(two.other, "/new"));
    assert_string_equal(told.moved, "");
    assert_told(told, FETCH_OK, "");
    assert_string_equal(sent(two.other, "/new", "X-Key"), "-");
    assert_int_equal(source_site_requests(two.rig->site, NULL), 0);
    source_site_stop(two.other);
}

static void test_password_of_the_address(void **state)
{
    struct two two = two_sites(state);
    char url[128];

    snprintf(url, sizeof url, "http://me:s%%40cret@127.0.0.1:%u/page",
             source_site_port(two.rig->site));
    lead(two.rig->site, "/page", 302, "/next");
    lead(two.rig->site, "/next", 302, source_site_url(two.rig->site, "/third"));
    lead(two.rig->site, "/third", 302, source_site_url(two.other, "/away"));
    source_site_set_page(two.other, "/away", "x");
    assert_told(fetch_now(two.rig, url, NULL, NULL), FETCH_OK, "");
    assert_string_equal(sent(two.rig->site, "/page", "Authorization"), "Basic bWU6c0BjcmV0");
    assert_string_equal(sent(two.rig->site, "/next", "Authorization"), "Basic bWU6c0BjcmV0");
    assert_string_equal(sent(two.rig->site, "/third", "Authorization"), "Basic bWU6c0BjcmV0");
    assert_string_equal(sent(two.other, "/away", "Authorization"), "-");
    source_site_stop(two.other);
}

static void test_cookies_know_their_host_and_path(void **state)
{
    struct rig *rig = *state;
    char elsewhere[64];
    struct site_step step = {.status = 302,
                             .location = "/a/next",
                             .headers = "Set-Cookie: all=1; Path=/\r\n"
                                        "Set-Cookie: a=2; Path=/a\r\n"
                                        "Set-Cookie: b=3; Path=/b\r\n"
                                        "Set-Cookie: old=4; Path=/; Max-Age=0\r\n"
                                        "Set-Cookie: theirs=6; Path=/; Domain=example.org\r\n"};
    struct told told;

    snprintf(elsewhere, sizeof elsewhere, "http://localhost:%u/a/away",
             source_site_port(rig->site));
    lead(rig->site, "/a/next", 302, elsewhere);
    source_site_set_page(rig->site, "/a/away", "x");
    told = fetch_step(rig, step);
    assert_string_equal(sent(rig->site, "/a/next", "Cookie"), "a=2; all=1");
    assert_string_equal(sent(rig->site, "/a/away", "Cookie"), "-");
    assert_null(strstr(told.cookies, "old"));
    assert_null(strstr(told.cookies, "theirs"));
    assert_non_null(strstr(told.cookies, "127.0.0.1\tFALSE\t/b\tFALSE\t0\tb\t3\n"));
    assert_told(told, FETCH_OK, "");
}

/* An ETag means something to the address that gave it, and to no other. */
static void test_conditions_for_their_address(void **state)
{
    struct two two = two_sites(state);
    struct validators validators = {.etag = STR("\"1\""),
                                    .url = str_of(source_site_url(two.other, "/b"))};
    const char *start = source_site_url(two.rig->site, "/page");

    lead(two.rig->site, "/page", 302, source_site_url(two.other, "/a"));
    lead(two.other, "/a", 302, "/b");
    source_site_set(two.other, "/b",
                    &(struct site_step){.body = "x", .etag = "\"1\"", .conditional = true}, 1);
    assert_told(fetch_now(two.rig, start, &validators, NULL), FETCH_NOT_MODIFIED, "");
    assert_string_equal(sent(two.rig->site, "/page", "If-None-Match"), "-");
    assert_string_equal(sent(two.other, "/a", "If-None-Match"), "-");
    assert_string_equal(sent(two.other, "/b", "If-None-Match"), "\"1\"");

    source_site_set(two.other, "/c",
                    &(struct site_step){.body = "x", .etag = "\"1\"", .conditional = true}, 1);
    lead(two.other, "/a", 302, "/c");
    assert_told(fetch_now(two.rig, start, &validators, NULL), FETCH_OK, "");
    source_site_stop(two.other);
}

/* ---- for good ------------------------------------------------------------------------------ */

static void test_moved(void **state)
{
    static const struct {
        int first, second, third;
        const char *moved; /* "-": nowhere */
    } cases[] = {
        {301, 308, 301, "/d"}, {301, 308, 302, "/c"}, {308, 307, 301, "/b"},
        {302, 301, 301, "-"},  {303, 303, 303, "-"},
    };
    struct rig *rig = *state;

    source_site_set_page(rig->site, "/d", "x");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool moved = *cases[i].moved == '/';
        struct told told;
        lead(rig->site, "/a", cases[i].first, "/b");
        lead(rig->site, "/b", cases[i].second, "/c");
        lead(rig->site, "/c", cases[i].third, "/d");
        told = fetch_now(rig, source_site_url(rig->site, "/a"), NULL, NULL);
        assert_string_equal(told.moved, moved ? source_site_url(rig->site, cases[i].moved) : "");
        assert_told(told, FETCH_OK, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_targets),
        RUN(test_many),
        RUN(test_to_itself_with_a_cookie),
        RUN(test_broken_rest),
        RUN(test_one_timeout),
        RUN(test_fields_stay_at_home),
        RUN(test_fields_stay_at_the_old_place),
        RUN(test_password_of_the_address),
        RUN(test_cookies_know_their_host_and_path),
        RUN(test_conditions_for_their_address),
        RUN(test_moved),
    };

    return cmocka_run_group_tests_name("fetch redirect", tests, NULL, NULL);
}
