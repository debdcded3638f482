/* site: index page, OPML and health, put together from the rows. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ev.h>
#include <stdio.h>
#include <string.h>

#include "site.h"

#define NOW 1700000000

struct house {
    struct ev_loop *loop;
    struct site *site;
};

static int open_house(void **state)
{
    static struct house h;
    struct site_options options = {.version = "1.2.3"};
    struct error e;
    h.loop = ev_loop_new(EVFLAG_AUTO);
    h.site = h.loop ? site_new(h.loop, &options, &e) : NULL;
    *state = &h;
    return h.site ? 0 : -1;
}

static int close_house(void **state)
{
    struct house *h = *state;
    site_free(h->site);
    ev_loop_destroy(h->loop);
    return 0;
}

static void tell(struct house *h, char *name, char *reason)
{
    struct feed_row row = {.name = name,
                           .title = name,
                           .url = "https://example.org/",
                           .reason = reason,
                           .known = true};
    assert_int_equal(0, site_tell(h->site, &row));
    ev_run(h->loop, EVRUN_NOWAIT);
}

static void describe(struct house *h, const char *const *names)
{
    assert_int_equal(0, site_describe(h->site, "http://feeds.example", names));
    ev_run(h->loop, EVRUN_NOWAIT);
}

static void beat(struct house *h, int64_t now, int64_t next, bool store_works)
{
    assert_int_equal(0, site_beat(h->site, now, next, store_works));
    ev_run(h->loop, EVRUN_NOWAIT);
}

static struct body *get(struct house *h, const char *path, int64_t now, enum site_answer expected)
{
    struct body *b;
    assert_int_equal(expected, site_find(h->site, str_of(path), PAGE_ENGLISH, now, &b, NULL));
    assert_non_null(b);
    return b;
}

static size_t position(const struct body *b, const char *needle)
{
    return str_find(b->bytes[ENCODING_IDENTITY], str_of(needle), 0);
}

static void the_index_names_sources_in_the_order_of_the_conf(void **state)
{
    struct house *h = *state;
    tell(h, "unlisted", NULL);
    tell(h, "aardvark", NULL);
    tell(h, "zebra", NULL);
    describe(h, (const char *[]){"zebra", "not-told-yet", "aardvark", NULL});
    struct body *b = get(h, "/", NOW, SITE_HAVE);
    assert_true(position(b, "/zebra.atom") < position(b, "/aardvark.atom"));
    assert_true(position(b, "/aardvark.atom") < position(b, "/unlisted.atom"));
    assert_true(position(b, "/unlisted.atom") != SIZE_MAX);
    assert_true(position(b, "not-told-yet.atom") == SIZE_MAX);
    body_unref(b);
}

static void opml_has_the_base_url(void **state)
{
    struct house *h = *state;
    tell(h, "blog", NULL);
    describe(h, (const char *[]){"blog", NULL});
    struct body *b = get(h, "/feeds.opml", NOW, SITE_HAVE);
    assert_true(position(b, "http://feeds.example/blog.atom") != SIZE_MAX);
    assert_true(b->etag[0] != '\0');
    body_unref(b);
}

static void the_index_is_made_once_a_second_and_keeps_its_date(void **state)
{
    struct house *h = *state;
    tell(h, "blog", NULL);
    struct body *first = get(h, "/", NOW, SITE_HAVE);
    tell(h, "blog", "the host does not answer");
    struct body *same_second = get(h, "/", NOW, SITE_HAVE);
    assert_ptr_equal(first, same_second);
    struct body *changed = get(h, "/", NOW + 1, SITE_HAVE);
    assert_ptr_not_equal(first, changed);
    assert_true(position(changed, "does not answer") != SIZE_MAX);
    assert_int_equal(NOW + 1, changed->since);
    tell(h, "blog", "the host does not answer"); /* nothing new */
    struct body *later = get(h, "/", NOW + 100, SITE_HAVE);
    assert_ptr_equal(changed, later);
    body_unref(first);
    body_unref(same_second);
    body_unref(changed);
    body_unref(later);
}

static void a_forgotten_row_is_gone(void **state)
{
    struct house *h = *state;
    tell(h, "blog", NULL);
    tell(h, "other", NULL);
    assert_int_equal(0, site_forget(h->site, "blog"));
    assert_int_equal(0, site_forget(h->site, "never-there"));
    ev_run(h->loop, EVRUN_NOWAIT);
    struct body *b = get(h, "/", NOW, SITE_HAVE);
    assert_true(position(b, "/blog.atom") == SIZE_MAX);
    assert_true(position(b, "/other.atom") != SIZE_MAX);
    body_unref(b);
}

static void assert_health(struct house *h, int64_t now, enum site_answer expected, const char *text)
{
    struct body *b = get(h, "/healthz", now, expected);
    struct str bytes = b->bytes[ENCODING_IDENTITY];
    if (!str_eq(bytes, str_of(text)))
        fail_msg("got %.*s", STR_ARG(bytes));
    assert_int_equal('\0', b->etag[0]);
    body_unref(b);
}

static void health_follows_the_beat_and_the_store(void **state)
{
    struct house *h = *state;
    assert_health(h, NOW, SITE_SICK, "not ok: the poller has not started yet\n");
    beat(h, NOW, NOW + 300, true);
    assert_health(h, NOW + 1, SITE_HAVE, "ok\n");
    assert_health(h, NOW + 360, SITE_HAVE, "ok\n");
    assert_health(h, NOW + 361, SITE_SICK,
                  "not ok: the poller has given no sign of life since 2023-11-14T22:13:20Z; "
                  "one was due at 2023-11-14T22:18:20Z\n");
    beat(h, NOW + 400, NOW + 700, false);
    assert_health(h, NOW + 401, SITE_SICK, "not ok: the store does not work\n");
    beat(h, NOW + 410, NOW + 700, true);
    assert_health(h, NOW + 411, SITE_HAVE, "ok\n");
}

static void health_names_sources_in_trouble_and_stays_well(void **state)
{
    struct house *h = *state;
    beat(h, NOW, NOW + 300, true);
    tell(h, "fine", NULL);
    tell(h, "blog", "the page is a bot wall:\n  try later");
    assert_health(h, NOW, SITE_HAVE, "ok\nblog: the page is a bot wall: try later\n");
    tell(h, "blog", NULL);
    assert_health(h, NOW + 1, SITE_HAVE, "ok\n");
}

static void metrics_and_status_follow_the_clock(void **state)
{
    struct house *h = *state;
    const struct feed_poller counts = {.commits = 17};
    beat(h, NOW, NOW + 300, true);
    tell(h, "blog", "the host does not answer");
    assert_int_equal(0, site_count(h->site, &counts));
    ev_run(h->loop, EVRUN_NOWAIT);
    site_server(h->site)->requests[4] = 23;
    struct body *b = get(h, "/metrics", NOW, SITE_HAVE);
    assert_true(position(b, "\ndigestd_store_commits_total 17\n") != SIZE_MAX);
    assert_true(position(b, "\ndigestd_http_requests_total{code=\"4xx\"} 23\n") != SIZE_MAX);
    assert_true(position(b, "\ndigestd_poller_up 1\n") != SIZE_MAX);
    assert_true(position(b, "\nprocess_resident_memory_bytes 0\n") == SIZE_MAX);
    assert_true(str_find(b->fields_ok[ENCODING_IDENTITY],
                         STR("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
                         0) != SIZE_MAX);
    assert_int_equal('\0', b->etag[0]);
    body_unref(b);
    /* The poller is silent: both say so, and are there all the same. */
    b = get(h, "/metrics", NOW + 400, SITE_HAVE);
    assert_true(position(b, "\ndigestd_poller_up 0\n") != SIZE_MAX);
    body_unref(b);
    b = get(h, "/status.json", NOW + 400, SITE_HAVE);
    assert_true(position(b, "\"poller_works\":false") != SIZE_MAX);
    assert_true(position(b, "\"reason\":\"the host does not answer\"") != SIZE_MAX);
    body_unref(b);
}

static struct body *get_in(struct house *h, const char *path, enum page_language language,
                           int64_t now)
{
    struct body *b;
    assert_int_equal(SITE_HAVE, site_find(h->site, str_of(path), language, now, &b, NULL));
    return b;
}

static bool has_field(const struct body *b, const char *line)
{
    return str_find(b->fields_ok[ENCODING_IDENTITY], str_of(line), 0) != SIZE_MAX;
}

static void the_index_speaks_two_languages(void **state)
{
    struct house *h = *state;
    tell(h, "blog", NULL);
    struct body *en = get_in(h, "/", PAGE_ENGLISH, NOW), *zh = get_in(h, "/", PAGE_CHINESE, NOW);
    assert_true(position(en, "in order") != SIZE_MAX);
    assert_true(position(zh, "正常") != SIZE_MAX);
    assert_string_not_equal(en->etag, zh->etag);
    assert_true(has_field(en, "\r\nContent-Language: en\r\n"));
    assert_true(has_field(zh, "\r\nContent-Language: zh-Hans\r\n"));
    assert_true(has_field(zh, "\r\nVary: Accept-Encoding, Accept-Language\r\n"));
    /* Who is told that nothing has changed is told for whom, too. */
    assert_true(str_find(zh->fields_not_modified, STR("Accept-Language\r\n"), 0) != SIZE_MAX);
    struct body *again = get_in(h, "/", PAGE_ENGLISH, NOW + 5);
    assert_ptr_equal(en, again);
    body_unref(en);
    body_unref(zh);
    body_unref(again);
}

static void tell_many(struct house *h, int count)
{
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        tell(h, name, NULL);
    }
}

static void a_long_index_has_pages(void **state)
{
    struct house *h = *state;
    struct body *b;
    static const char *const none[] = {"/page/1",  "/page/0",  "/page/4", "/page/",
                                       "/page/02", "/page/2/", "/page/x", "/page/-2"};
    tell_many(h, 401);
    b = get(h, "/page/3", NOW, SITE_HAVE);
    assert_true(position(b, "/s400.atom") != SIZE_MAX);
    assert_true(position(b, "id=\"s399\"") == SIZE_MAX);
    body_unref(b);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(SITE_NONE,
                         site_find(h->site, str_of(none[i]), PAGE_ENGLISH, NOW, &b, NULL));
    assert_int_equal(0, site_forget(h->site, "s7"));
    ev_run(h->loop, EVRUN_NOWAIT);
    assert_int_equal(SITE_NONE, site_find(h->site, STR("/page/3"), PAGE_ENGLISH, NOW, &b, NULL));
}

/* However many pages there are and whoever asks: so many are made in a second, and no more. */
static void only_so_many_pages_are_made_at_once(void **state)
{
    struct house *h = *state;
    int made = 0;
    tell_many(h, 1001); /* 6 pages, in 2 languages */
    for (int64_t second = 0; second < 2; second++) {
        made = 0;
        for (int i = 0; i < 12; i++) {
            char path[16] = "/";
            struct body *b = NULL;
            if (i / 2)
                snprintf(path, sizeof path, "/page/%d", i / 2 + 1);
            enum site_answer a = site_find(h->site, str_of(path), (enum page_language)(i % 2),
                                           NOW + second, &b, NULL);
            assert_true(a == SITE_HAVE || a == SITE_BUSY);
            made += a == SITE_HAVE;
            body_unref(b);
        }
        assert_int_equal(made, 8);
        tell(h, "s1", "something has changed");
    }
}

static void the_picture_moves_along_with_the_day(void **state)
{
    struct house *h = *state;
    struct feed_row row = {.name = "blog", .title = "blog", .url = "http://x/", .known = true};
    row.activity.last = NOW / 86400;
    row.activity.fresh[FEED_DAYS - 1] = 1;
    assert_int_equal(0, site_tell(h->site, &row));
    ev_run(h->loop, EVRUN_NOWAIT);
    struct body *b = get(h, "/", NOW, SITE_HAVE);
    assert_true(position(b, "d=\"M334 36v-6\"") != SIZE_MAX);
    body_unref(b);
    b = get(h, "/", NOW + 86400, SITE_HAVE);
    assert_true(position(b, "d=\"M330 36v-6\"") != SIZE_MAX);
    body_unref(b);
    b = get(h, "/", NOW + 84 * 86400, SITE_HAVE);
    assert_true(position(b, "12 weeks: 0 new, 0 changed") != SIZE_MAX);
    body_unref(b);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_house, close_house)
    const struct CMUnitTest tests[] = {
        TEST(the_index_names_sources_in_the_order_of_the_conf),
        TEST(opml_has_the_base_url),
        TEST(the_index_is_made_once_a_second_and_keeps_its_date),
        TEST(a_forgotten_row_is_gone),
        TEST(health_follows_the_beat_and_the_store),
        TEST(health_names_sources_in_trouble_and_stays_well),
        TEST(metrics_and_status_follow_the_clock),
        TEST(the_index_speaks_two_languages),
        TEST(a_long_index_has_pages),
        TEST(only_so_many_pages_are_made_at_once),
        TEST(the_picture_moves_along_with_the_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
