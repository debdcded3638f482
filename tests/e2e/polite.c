/* Manners, as hosts see them: two requests at once, peace for who asks for it, also over a crash,
 * and nothing before a page says that it may be another. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE                                                                                       \
    "<html><head><title>T</title></head><body><article><div id=\"container\">"                     \
    "<h1>#One</h1><p>the first of all</p><p>....</p></div></article></body></html>"

static void put_source(struct buf *conf, struct source_site *site, const char *name)
{
    char path[16];

    snprintf(path, sizeof(path), "/%s", name);
    buf_printf(conf, "[source %s]\nurl = %s\nprofile = 51cto\ninterval = 1h\n", name,
               source_site_url(site, path));
    source_site_set_page(site, path, PAGE);
}

static struct house *start(struct place *p)
{
    struct ran r;
    struct house *h = house_start(place_path(p, "digestd.conf"), &r);

    if (!h)
        fail_msg("did not start: %s", r.err.p);
    return h;
}

static void conf_begin(struct buf *conf, struct place *p, const char *more)
{
    buf_init(conf, 65536);
    buf_printf(conf, "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n%s", place_path(p, "state"),
               more);
}

static struct house *conf_start(struct buf *conf, struct place *p)
{
    place_write(p, "digestd.conf", buf_str(conf));
    buf_clear(conf);
    return start(p);
}

/* /a and /b begin at once, /c has to wait its turn, and then for what /a was told. */
static void test_peace_over_a_crash(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start(), *other = source_site_start();
    struct buf conf;
    struct house *h;
    char *index;
    time_t told;

    conf_begin(&conf, p, "");
    put_source(&conf, site, "a");
    put_source(&conf, site, "b");
    put_source(&conf, site, "c");
    put_source(&conf, other, "d");
    source_site_set(site, "/a", &(struct site_step){.status = 429, .retry_after = "4"}, 1);
    source_site_set(site, "/b", &(struct site_step){.body = PAGE, .hold = true}, 1);
    source_site_set(other, "/d", &(struct site_step){.body = PAGE, .hold = true}, 1);
    told = time(NULL); /* no later than that it was told */
    h = conf_start(&conf, p);
    /* Its row is published when it has been written. */
    index = house_get_with(h, "/", "429 Too Many Requests", 20000);
    assert_non_null(index);
    free(index);
    house_kill(h);
    assert_int_equal(source_site_requests(site, "/c"), 0);
    source_site_set_page(site, "/b", PAGE);
    source_site_set_page(other, "/d", PAGE);

    h = start(p);
    assert_true(house_wait_log(h, "d: new: One", 20000)); /* another host is not touched */
    assert_true(time(NULL) < told + 4 || source_site_requests(site, "/c") == 0);
    assert_true(source_site_wait_requests(site, "/c", 1, 20));
    assert_true(time(NULL) >= told + 4);
    assert_true(source_site_wait_requests(site, "/b", 2, 20));
    assert_int_equal(source_site_requests(site, "/a"), 1); /* it backs off besides */
    assert_int_equal(house_stop(h, NULL), 0);
    source_site_stop(site);
    source_site_stop(other);
}

static void count_begun(struct place *p, const char *daemon, size_t expected)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    struct source_site *site = source_site_start();
    struct buf conf;
    struct house *h;

    conf_begin(&conf, p, daemon);
    for (size_t i = 0; i < 5; i++)
        put_source(&conf, site, names[i]);
    for (size_t i = 0; i < 5; i++) {
        char path[] = {'/', names[i][0], '\0'};
        source_site_set(site, path, &(struct site_step){.body = PAGE, .hold = true}, 1);
    }
    h = conf_start(&conf, p);
    for (size_t i = 0; i < 5; i++) {
        size_t begun = i + expected < 5 ? i + expected : 5;
        char path[] = {'/', names[i][0], '\0'}, text[] = {names[i][0], ':', ' ', 'n', 'e', 'w', 0};

        while (source_site_requests(site, NULL) < begun)
            assert_true(source_site_wait_requests(site, NULL, begun, 20));
        /* Whoever was asked before has had time to be asked more. */
        free(house_get(h, "/"));
        assert_int_equal(source_site_requests(site, NULL), begun);
        source_site_release(site, path);
        assert_true(house_wait_log(h, text, 20000));
    }
    assert_int_equal(house_stop(h, NULL), 0);
    source_site_stop(site);
}

static void test_two_at_a_host(void **state)
{
    count_begun(*state, "", 2);
}

static void test_max_transfers(void **state)
{
    count_begun(*state, "max-transfers = 1\n", 1);
}

static int64_t number(struct place *p, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t value;

    assert_int_equal(
        sqlite3_open_v2(place_path(p, "state/digestd.db"), &db, SQLITE_OPEN_READONLY, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
}

static int poll_at(struct place *p, const char *epoch)
{
    const char *argv[] = {digestd_path(), "poll", "-c", place_path(p, "digestd.conf"), NULL};
    const char *environment[] = {"DIGESTD_PROFILE_DIR=conf/profiles", epoch, NULL};
    struct ran r = run_program(argv, environment);
    int status = r.status;

    ran_clear(&r);
    return status;
}

/* A day at the most, and then it is over, however long a host would have it. */
static void test_peace_for_a_day(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    struct buf conf;

    conf_begin(&conf, p, "");
    put_source(&conf, site, "a");
    place_write(p, "digestd.conf", buf_str(&conf));
    buf_clear(&conf);
    source_site_set(site, "/a", &(struct site_step){.status = 429, .retry_after = "999999999"}, 1);
    assert_int_equal(poll_at(p, "SOURCE_DATE_EPOCH=1800000000"), 2);
    assert_int_equal(number(p, "SELECT wait_until FROM source"), 1800000000 + 86400);
    source_site_set_page(site, "/a", PAGE);
    assert_int_equal(poll_at(p, "SOURCE_DATE_EPOCH=1800086000"), 0);
    assert_int_equal(number(p, "SELECT wait_until FROM source"), 1800000000 + 86400);
    assert_int_equal(poll_at(p, "SOURCE_DATE_EPOCH=1800086400"), 0);
    assert_int_equal(number(p, "SELECT wait_until FROM source"), 0);
    source_site_stop(site);
}

#define NEXT_LOOK "digestd_source_next_poll_timestamp_seconds{source=\"%s\"} "

/* When a source that is in trouble is looked at next, as the metrics have it. */
static int64_t next_look(const struct house *h, const char *name)
{
    char trouble[100], line[100], *metrics;
    int64_t at;

    snprintf(trouble, sizeof(trouble), "digestd_source_in_trouble{source=\"%s\"} 1\n", name);
    snprintf(line, sizeof(line), NEXT_LOOK, name);
    metrics = house_get_with(h, "/metrics", trouble, 20000);
    assert_non_null(metrics);
    at = strtoll(strstr(metrics, line) + strlen(line), NULL, 10);
    free(metrics);
    return at;
}

static void assert_next_look(const struct house *h, const char *name, int64_t at)
{
    char line[100], *metrics;

    snprintf(line, sizeof(line), NEXT_LOOK "%" PRId64 "\n", name, at);
    metrics = house_get_with(h, "/metrics", line, 20000);
    if (!metrics)
        fail_msg("not among the metrics: %s", line);
    free(metrics);
}

/* Of a host that wants its peace no source is looked at before, and none says so. */
static void test_peace_is_told(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    time_t told = time(NULL);
    struct buf conf;
    struct house *h;
    int64_t until;

    conf_begin(&conf, p, "");
    put_source(&conf, site, "a");
    put_source(&conf, site, "b");
    source_site_set(site, "/a",
                    &(struct site_step){.status = 429, .retry_after = "20000", .hold = true}, 1);
    h = conf_start(&conf, p);
    assert_true(house_wait_log(h, "b: new: One", 20000));
    source_site_release(site, "/a");
    until = next_look(h, "a");
    assert_true(until >= told + 20000);
    assert_next_look(h, "b", until);
    house_kill(h);
    h = start(p);
    assert_next_look(h, "a", until);
    assert_next_look(h, "b", until);
    assert_int_equal(house_stop(h, NULL), 0);
    source_site_stop(site);
}

static void test_what_a_page_says_of_itself(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    struct buf conf;
    struct house *h;

    conf_begin(&conf, p, "");
    put_source(&conf, site, "a");
    put_source(&conf, site, "b");
    buf_puts(&conf, "interval-max = 2h\n");
    put_source(&conf, site, "c");
    source_site_set(site, "/a",
                    &(struct site_step){.body = PAGE, .headers = "Cache-Control: max-age=8000\r\n"},
                    1);
    source_site_set(
        site, "/b",
        &(struct site_step){.body = PAGE, .headers = "Cache-Control: max-age=80000\r\n"}, 1);
    source_site_set(site, "/c",
                    &(struct site_step){.body = PAGE,
                                        .headers = "Date: Wed, 12 Nov 2025 01:30:00 GMT\r\n"
                                                   "Expires: Wed, 12 Nov 2025 04:30:00 GMT\r\n"},
                    1);
    h = conf_start(&conf, p);
    assert_true(house_wait_log(h, "a: new", 20000));
    assert_true(source_site_wait_requests(site, "/c", 1, 20));
    assert_true(source_site_wait_requests(site, "/b", 1, 20));
    assert_int_equal(house_stop(h, NULL), 0);
    source_site_stop(site);
#define DELAY(name)                                                                                \
    "SELECT next_poll - last_poll FROM schedule JOIN source ON key = source WHERE name = '" name "'"
    assert_int_equal(number(p, DELAY("a")), 8000);
    assert_int_equal(number(p, DELAY("b")), 7200);
    assert_int_equal(number(p, DELAY("c")), 3 * 3600);
}

#define RUN(test) cmocka_unit_test_setup_teardown(test, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_peace_over_a_crash), RUN(test_peace_for_a_day),
        RUN(test_peace_is_told),      RUN(test_two_at_a_host),
        RUN(test_max_transfers),      RUN(test_what_a_page_says_of_itself),
    };

    return cmocka_run_group_tests_name("polite", tests, NULL, NULL);
}
