/* WebSub from the side of the publisher: how a hub stands in the feeds, what it is told and when,
 * and what becomes of it where it fails. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MS      20000 /* until a test that waits is given up */
#define SECONDS (MS / 1000.)

#define PAGE(sections)                                                                             \
    "<html><head><title>T</title></head><body><article><div id=\"container\">" sections            \
    "</div></article></body></html>"
#define A "<h1>#A</h1><p>The quick brown fox jumps over the lazy dog.</p><p>....</p>"
#define B "<h1>#B</h1><p>Pack my box with five dozen liquor jugs.</p><p>....</p>"

/* Those of the source, then those of all. */
static const char *const paths[] = {"/blog.atom", "/blog.rss", "/blog.json",
                                    "/all.atom",  "/all.rss",  "/all.json"};
enum { FEEDS = sizeof(paths) / sizeof(*paths), FORMATS = FEEDS / 2 };

/* The hub is a path of the site. */
struct world {
    struct place *place;
    struct source_site *site;
    struct house *house;
    char *conf;
};

static void write_conf(struct world *w, const char *hub)
{
    char keys[512] = "";

    if (hub)
        snprintf(keys, sizeof(keys), "hub = %s\n", hub);
    place_writef(w->place, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\nlog-level = debug\n"
                 "[source blog]\nurl = %s\nid-base = x\nprofile = 51cto\ninterval = 1h\n%s",
                 place_path(w->place, "state"), source_site_url(w->site, "/page"), keys);
}

static void start(struct world *w)
{
    struct ran ran = {0};

    w->house = house_start(w->conf, &ran);
    if (!w->house)
        fail_msg("%s", ran.err.p);
}

static struct world begin(struct place *p, struct site_step hub)
{
    struct world w = {.place = p, .site = source_site_start()};

    source_site_set(w.site, "/hub", &hub, 1);
    source_site_set_page(w.site, "/page", PAGE(A));
    write_conf(&w, source_site_url(w.site, "/hub"));
    w.conf = strdup(place_path(p, "c"));
    return w;
}

static void end(struct world *w)
{
    if (w->house)
        assert_int_equal(house_stop(w->house, NULL), 0);
    source_site_stop(w->site);
    free(w->conf);
}

static void poll_now(struct world *w)
{
    struct ran r = DIGESTD("poll", "-c", w->conf);

    if (r.status != 0)
        fail_msg("%s%s", r.out.p, r.err.p);
    ran_clear(&r);
}

static void wait_pings(struct world *w, size_t count)
{
    if (!source_site_wait_requests(w->site, "/hub", count, SECONDS))
        fail_msg("%zu pings, not %zu", source_site_requests(w->site, "/hub"), count);
}

/* A number out of the database, which the daemon has open. */
static int64_t ask_state(struct world *w, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    int64_t value = -1;

    assert_int_equal(sqlite3_open(place_path(w->place, "state/digestd.db"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, MS);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
    if (sqlite3_step(row) == SQLITE_ROW)
        value = sqlite3_column_int64(row, 0);
    assert_int_equal(sqlite3_finalize(row), SQLITE_OK);
    sqlite3_close(db);
    return value;
}

static void wait_state(struct world *w, const char *sql, int64_t wanted)
{
    const struct timespec moment = {.tv_nsec = 20000000};

    for (int ms = 0; ms < MS && ask_state(w, sql) != wanted; ms += 20)
        nanosleep(&moment, NULL);
    assert_int_equal(ask_state(w, sql), wanted);
}

/* What the number-th ping told: exactly one of the feeds, under both names. */
static int told_feed(struct world *w, size_t number)
{
    const char *form = source_site_body(w->site, "/hub", number);

    for (int i = 0; i < FEEDS; i++) {
        struct buf address, expected;
        bool same;

        buf_init(&address, 4096);
        buf_init(&expected, 4096);
        buf_printf(&address, "http://%s%s", house_address(w->house), paths[i]);
        buf_puts(&expected, "hub.mode=publish&hub.url=");
        uri_encode_all(&expected, buf_str(&address));
        buf_puts(&expected, "&hub.topic=");
        uri_encode_all(&expected, buf_str(&address));
        same = strcmp(form, expected.data) == 0;
        buf_clear(&address);
        buf_clear(&expected);
        if (same)
            return i;
    }
    fail_msg("no feed is told of by '%s'", form);
    return -1;
}

static void assert_all_feeds_told(struct world *w, size_t first)
{
    unsigned seen = 0;

    for (size_t i = 0; i < FEEDS; i++)
        seen |= 1U << told_feed(w, first + i);
    assert_int_equal(seen, (1U << FEEDS) - 1);
}

/* ---- what stands in the feeds -------------------------------------------------------------- */

static void assert_has(struct str text, const char *format, const char *value)
{
    char expected[512];

    snprintf(expected, sizeof(expected), format, value);
    if (str_find(text, str_of(expected), 0) == SIZE_MAX)
        fail_msg("no %s in %.*s", expected, STR_ARG(text_head(text, 1500)));
}

static void test_discovery(void **state)
{
    static const char *const forms[] = {"<link rel=\"hub\" href=\"%s\"/>",
                                        "<atom:link rel=\"hub\" href=\"%s\"/>",
                                        "\"hubs\":[{\"type\":\"WebSub\",\"url\":\"%s\"}]"};
    struct world w = begin(*state, (struct site_step){.status = 204});
    const char *hub = source_site_url(w.site, "/hub");

    start(&w);
    for (int i = 0; i < FEEDS; i++) {
        struct raw_response r;
        char links[512];

        snprintf(links, sizeof(links), "<http://%s%s>; rel=\"self\", <%s>; rel=\"hub\"",
                 house_address(w.house), paths[i], hub);
        struct raw_client *c = raw_get(house_address(w.house), paths[i], NULL, MS, &r);
        assert_non_null(c);
        assert_true(str_eq(raw_field(&r, "Link"), str_of(links)));
        assert_has(r.body, forms[i % FORMATS], hub);
        raw_close(c);
    }
    free(house_get_with(w.house, "/blog/changes.atom", "", MS));
    char *changes = house_get(w.house, "/blog/changes.atom");
    assert_null(strstr(changes, "rel=\"hub\"")); /* nobody is told of that one */
    free(changes);
    end(&w);
}

static void test_no_hub_no_links(void **state)
{
    struct world w = begin(*state, (struct site_step){.status = 204});
    struct raw_response r;

    write_conf(&w, NULL);
    start(&w);
    struct raw_client *c = raw_get(house_address(w.house), "/blog.atom", NULL, MS, &r);
    assert_non_null(c);
    assert_null(raw_field(&r, "Link").p);
    assert_int_equal(str_find(r.body, STR("rel=\"hub\""), 0), SIZE_MAX);
    raw_close(c);
    poll_now(&w);
    assert_int_equal(ask_state(&w, "SELECT count(*) FROM outbox"), 0);
    end(&w);
}

/* ---- what the hub is told ------------------------------------------------------------------ */

/* The feed that it comes for is the new one. Nothing has changed: nothing is told. */
static void test_changes_are_told(void **state)
{
    struct world w = begin(*state, (struct site_step){.status = 204});
    char *feed;

    start(&w);
    poll_now(&w);
    wait_pings(&w, FEEDS);
    feed = house_get(w.house, "/blog.json");
    assert_non_null(strstr(feed, "\"title\":\"A\""));
    free(feed);
    assert_all_feeds_told(&w, 1);
    wait_state(&w, "SELECT count(*) FROM outbox", 0);
    poll_now(&w);
    assert_int_equal(ask_state(&w, "SELECT count(*) FROM outbox"), 0);
    source_site_set_page(w.site, "/page", PAGE(A) "<!-- 1,234 visitors -->");
    poll_now(&w);
    assert_int_equal(ask_state(&w, "SELECT count(*) FROM outbox"), 0);

    source_site_set_page(w.site, "/page", PAGE(B A));
    poll_now(&w);
    wait_pings(&w, 2 * FEEDS);
    for (int i = FORMATS - 1; i < FEEDS; i += FORMATS) {
        feed = house_get(w.house, paths[i]);
        assert_non_null(strstr(feed, "\"title\":\"B\""));
        free(feed);
    }
    assert_all_feeds_told(&w, FEEDS + 1);
    wait_state(&w, "SELECT count(*) FROM outbox", 0);
    end(&w);
}

/* all.* has the hubs that every source has: who follows one of them need not hear of the rest. */
static void test_a_hub_of_one_source(void **state)
{
    struct world w = begin(*state, (struct site_step){.status = 204});
    struct str conf;
    char *feed;

    conf = file_read(w.conf);
    place_writef(w.place, "c", "%s[source other]\nurl = %s\nprofile = 51cto\n", conf.p,
                 source_site_url(w.site, "/other"));
    free((void *)(uintptr_t)conf.p);
    source_site_set_page(w.site, "/other", PAGE(B));
    start(&w);
    poll_now(&w);
    wait_pings(&w, FORMATS);
    wait_state(&w, "SELECT count(*) FROM outbox", 0);
    for (size_t i = 1; i <= FORMATS; i++)
        assert_in_range(told_feed(&w, i), 0, FORMATS - 1);
    feed = house_get_with(w.house, "/all.json", "\"title\":\"B\"", MS);
    assert_non_null(feed);
    assert_null(strstr(feed, "\"hubs\""));
    free(feed);
    assert_int_equal(source_site_requests(w.site, "/hub"), FORMATS);
    end(&w);
}

/* What was polled without a daemon is told by the next one, when the feeds are in service. */
static void test_told_by_the_next_daemon(void **state)
{
    struct world w = begin(*state, (struct site_step){.status = 202});

    poll_now(&w);
    ask_state(&w, "UPDATE outbox SET due = 1");
    poll_now(&w);
    assert_int_equal(ask_state(&w, "SELECT count(*) FROM outbox"), FEEDS);
    assert_int_equal(source_site_requests(w.site, "/hub"), 0);
    start(&w);
    wait_pings(&w, FEEDS);
    assert_all_feeds_told(&w, 1);
    end(&w);
}

/* The time until the next try is over, and we were restarted meanwhile. */
static void pass_time(struct world *w)
{
    assert_int_equal(house_stop(w->house, NULL), 0);
    ask_state(w, "UPDATE outbox SET due = 1");
    start(w);
}

/* Twice it fails; then it works, and that was it. None of that is the source's trouble. */
static void test_a_hub_that_fails(void **state)
{
    struct world w = begin(*state, (struct site_step){.status = 500});
    char *index;

    start(&w);
    poll_now(&w);
    assert_true(house_wait_log(
        w.house, "the site answered 500 Internal Server Error; tried again in 30 s: /blog.atom",
        MS));
    wait_state(&w, "SELECT count(*) FROM outbox WHERE tries = 1", FEEDS);
    pass_time(&w);
    wait_state(&w, "SELECT count(*) FROM outbox WHERE tries = 2", FEEDS);
    source_site_set(w.site, "/hub", &(struct site_step){.status = 202}, 1);
    index = house_get(w.house, "/");
    assert_null(strstr(index, "500"));
    free(index);
    pass_time(&w);
    wait_state(&w, "SELECT count(*) FROM outbox", 0);
    assert_int_equal(source_site_requests(w.site, "/hub"), 3 * FEEDS);
    end(&w);
}

/* A host that wants to be left alone is. */
static void test_a_hub_that_says_when(void **state)
{
    struct world w = begin(*state, (struct site_step){.status = 429, .retry_after = "4000"});

    start(&w);
    poll_now(&w);
    assert_true(house_wait_log(w.house, "tried again in 4000 s: /blog.", MS));
    end(&w);
}

static void test_a_hub_that_is_down(void **state)
{
    struct world w = begin(*state, (struct site_step){.status = 204});
    char *feed;

    write_conf(&w, "http://127.0.0.1:1/");
    start(&w);
    poll_now(&w);
    assert_true(house_wait_log(w.house,
                               "blog: hub http://127.0.0.1:1/: could not connect to 127.0.0.1:1: "
                               "Connection refused; tried again in 30 s: /blog.atom",
                               MS));
    feed = house_get_with(w.house, "/blog.json", "\"title\":\"A\"", MS);
    assert_non_null(feed);
    free(feed);
    wait_state(&w, "SELECT count(*) FROM outbox WHERE tries = 1", FEEDS);
    ask_state(&w, "UPDATE outbox SET tries = 5");
    pass_time(&w);
    assert_true(house_wait_log(w.house, "Connection refused; given up after 6 tries: /blog.", MS));
    wait_state(&w, "SELECT count(*) FROM outbox", 0);
    end(&w);
}

/* Polls, feeds and the end of the daemon do not wait for it. */
static void test_a_hub_that_is_slow(void **state)
{
    struct world w = begin(*state, (struct site_step){.fault = SITE_HANG});
    char *feed;

    start(&w);
    poll_now(&w);
    wait_pings(&w, 1);
    source_site_set_page(w.site, "/page", PAGE(B A));
    poll_now(&w);
    feed = house_get_with(w.house, "/blog.json", "\"title\":\"B\"", MS);
    assert_non_null(feed);
    free(feed);
    end(&w);
}

/* Nothing of it is left behind. */
static void test_a_hub_that_is_taken_out(void **state)
{
    struct world w = begin(*state, (struct site_step){.status = 500});

    start(&w);
    poll_now(&w);
    wait_state(&w, "SELECT count(*) FROM outbox WHERE tries = 1", FEEDS);
    write_conf(&w, NULL);
    pass_time(&w);
    wait_state(&w, "SELECT count(*) FROM outbox", 0);
    assert_int_equal(source_site_requests(w.site, "/hub"), FEEDS);
    end(&w);
}

/* It cannot come for the feeds: that is said, and the conf is fine all the same. */
static void test_a_hub_that_cannot_reach_us(void **state)
{
    struct world w = begin(*state, (struct site_step){.status = 204});
    struct ran r;

    write_conf(&w, "https://hub.example.org/");
    r = DIGESTD("check", "-c", w.conf);
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.err.p, "warning: the hub https://hub.example.org/ cannot come for "
                                    "feeds to http://127.0.0.1:0: set base-url"));
    ran_clear(&r);
    write_conf(&w, source_site_url(w.site, "/hub"));
    r = DIGESTD("check", "-c", w.conf);
    assert_int_equal(r.status, 0);
    assert_string_equal(r.err.p, "");
    ran_clear(&r);
    end(&w);
}

#define RUN(test) cmocka_unit_test_setup_teardown(test, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_discovery),
        RUN(test_no_hub_no_links),
        RUN(test_changes_are_told),
        RUN(test_a_hub_of_one_source),
        RUN(test_told_by_the_next_daemon),
        RUN(test_a_hub_that_fails),
        RUN(test_a_hub_that_says_when),
        RUN(test_a_hub_that_is_down),
        RUN(test_a_hub_that_is_slow),
        RUN(test_a_hub_that_is_taken_out),
        RUN(test_a_hub_that_cannot_reach_us),
    };

    return cmocka_run_group_tests_name("websub", tests, NULL, NULL);
}
