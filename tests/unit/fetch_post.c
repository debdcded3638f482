/* Posting a form: what is sent, and what counts as an answer. */
#include "fetch_rig.h"

#define FORM "hub.mode=publish&hub.url=http%3A%2F%2Fexample%2Eorg"

static struct fetch *start_post(struct rig *rig, struct told *told, const char *url)
{
    struct error e = {{0}};
    struct fetch *f;

    *told = (struct told){.rig = rig};
    f = fetch_post(rig->fetcher, str_of(url), STR(FORM), &rig->conf, NOW, on_told, told, &e);
    if (!f)
        fail_msg("%s", e.text);
    return f;
}

static struct told post_now(struct rig *rig, struct site_step step)
{
    struct told told;

    source_site_set(rig->site, "/hub", &step, 1);
    start_post(rig, &told, source_site_url(rig->site, "/hub"));
    run_loop(rig);
    assert_int_equal(told.calls, 1);
    return told;
}

static void assert_field(struct rig *rig, const char *name, const char *expected)
{
    char value[256];
    const char *got = source_site_header(rig->site, "/hub", 0, name, value, sizeof value);

    if (!expected)
        assert_null(got);
    else
        assert_string_equal(got, expected);
}

/* The form; none of what is meant for the site of the page. */
static void test_what_is_sent(void **state)
{
    struct rig *rig = *state;
    char *headers[] = {"X-Secret: of the page"};

    rig->conf.header = (struct word_list){.items = headers, .count = 1};
    rig->conf.cookie_file = "/nowhere/cookies";
    rig->conf.fetch_command = "/nowhere/program";
    assert_told(post_now(rig, (struct site_step){.status = 204}), FETCH_OK, "");
    assert_true(strncmp(source_site_head(rig->site, "/hub", 0), "POST /hub HTTP/1.1\r\n", 20) == 0);
    assert_string_equal(source_site_body(rig->site, "/hub", 0), FORM);
    assert_field(rig, "Content-Type", "application/x-www-form-urlencoded");
    assert_field(rig, "User-Agent", "digestd-test/1 (+x)");
    assert_field(rig, "X-Secret", NULL);
    assert_field(rig, "Cookie", NULL);
    assert_field(rig, "Expect", NULL);
}

static void test_answers(void **state)
{
    static const struct {
        struct site_step step;
        enum fetch_status status;
        const char *reason;
    } cases[] = {
        {{.status = 202}, FETCH_OK, ""},
        {{.status = 200, .body = "thanks"}, FETCH_OK, ""},
        {{.status = 202, .body = "very long ", .repeat = 100000}, FETCH_OK, ""},
        {{.status = 200, .body = "broken", .fault = SITE_CUT, .cut = 3}, FETCH_OK, ""},
        {{.status = 400, .body = "no"}, FETCH_FAILED, "the site answered 400 Bad Request"},
        {{.status = 301, .location = "/elsewhere"},
         FETCH_FAILED,
         "the site answered 301 Moved Permanently"},
        {{.status = 304},
         FETCH_FAILED,
         "the site answered 304 Not Modified to a request without conditions"},
        {{.status = 503, .retry_after = "120"},
         FETCH_FAILED,
         "the site answered 503 Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig *rig = *state;
        struct told told = post_now(rig, cases[i].step);

        assert_string_equal(told.reason, cases[i].reason);
        assert_int_equal(told.status, cases[i].status);
        assert_int_equal(told.retry_after, cases[i].step.retry_after ? 120 : 0);
        assert_int_equal(told.body_size, 0);
        told_clear(&told);
    }
    assert_int_equal(source_site_requests(((struct rig *)*state)->site, "/elsewhere"), 0);
}

static void test_no_answer(void **state)
{
    struct rig *rig = *state;
    struct told told;

    rig->conf.timeout = 1;
    told = post_now(rig, (struct site_step){.fault = SITE_HANG});
    assert_int_equal(told.status, FETCH_FAILED);
    assert_non_null(strstr(told.reason, "no answer from 127.0.0.1:"));
    told_clear(&told);
    told = post_now(rig, (struct site_step){.fault = SITE_DROP});
    assert_int_equal(told.status, FETCH_FAILED);
    assert_non_null(strstr(told.reason, "closed the connection without an answer"));
    told_clear(&told);
}

static void test_cancelled_is_not_told(void **state)
{
    struct rig *rig = *state;
    struct told told, other;

    source_site_set(rig->site, "/hub", &(struct site_step){.fault = SITE_HANG}, 1);
    fetch_cancel(start_post(rig, &told, source_site_url(rig->site, "/hub")));
    other = fetch_step(rig, (struct site_step){.body = "page"});
    assert_int_equal(other.status, FETCH_OK);
    assert_int_equal(told.calls, 0);
    told_clear(&other);
}

static void test_refused(void **state)
{
    struct rig *rig = *state;
    struct error e = {{0}};
    struct told told = {.rig = rig};

    assert_null(fetch_post(rig->fetcher, STR("file:///etc/passwd"), STR(FORM), &rig->conf, NOW,
                           on_told, &told, &e));
    assert_string_equal(e.text, "file:///etc/passwd is no http or https address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_what_is_sent),          RUN(test_answers), RUN(test_no_answer),
        RUN(test_cancelled_is_not_told), RUN(test_refused),
    };

    return cmocka_run_group_tests_name("fetch post", tests, NULL, NULL);
}
