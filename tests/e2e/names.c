/* Another name for a source: nothing is told twice and every old address leads to the new one,
 * whether the conf says so, no longer says so, says it wrongly or not at all. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT 30000
#define PAGE                                                                                       \
    "<html><head><title>T</title></head><body><article><div id=\"container\">"                     \
    "<h1>#One</h1><p>The first thing there is to say.</p><p>....</p>"                              \
    "<h1>#Two</h1><p>The second is quite another.</p><p>....</p></div></article></body></html>"

struct stage {
    struct place *place;
    struct source_site *site;
    char conf[512];
};

static void open_stage(struct stage *s, void **state)
{
    *s = (struct stage){.place = *state, .site = source_site_start()};
    source_site_set_page(s->site, "/page", PAGE);
    source_site_set_page(s->site, "/other", PAGE);
    snprintf(s->conf, sizeof s->conf, "%s", place_path(s->place, "c"));
}

/* The conf, with one source of this name, of the page at `path`, that has these keys besides. */
static void write_conf(struct stage *s, const char *name, const char *path, const char *keys)
{
    place_writef(s->place, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\nbase-url = https://f.example\n"
                 "[source %s]\nurl = %s\nprofile = 51cto\n%s",
                 place_path(s->place, "s"), name, source_site_url(s->site, path), keys);
}

/* The same, of the usual page. */
static void call_it(struct stage *s, const char *name, const char *keys)
{
    write_conf(s, name, "/page", keys);
}

/* The next poll tells `rows` events, and `says` (NULL: nothing) is in the log. */
static void poll_tells(const struct stage *s, size_t rows, const char *says)
{
    struct ran r = DIGESTD("poll", "-c", s->conf);
    size_t n = 0;

    assert_int_equal(r.status, 0);
    for (const char *at = r.out.p; (at = strchr(at, '\n')) != NULL; at++)
        n++;
    if (n != rows)
        fail_msg("%zu rows:\n%s", n, r.out.p);
    if (says ? !strstr(r.err.p, says) : r.err.n > 0)
        fail_msg("the log has: %s", r.err.p);
    ran_clear(&r);
}

/* What `digestd check` says of it on stderr; it is no fault in any case. */
static void check_says(const struct stage *s, const char *says)
{
    struct ran r = DIGESTD("check", "-c", s->conf);

    assert_int_equal(r.status, 0);
    if (says ? !strstr(r.err.p, says) : r.err.n > 0)
        fail_msg("check says: %s", r.err.p);
    ran_clear(&r);
}

static void assert_leads(struct house *h, const char *path, const char *location)
{
    struct raw_response r;
    struct raw_client *c = raw_get(house_address(h), path, NULL, WAIT, &r);

    assert_non_null(c);
    if (r.status != (location ? 301 : 404))
        fail_msg("%s: %d", path, r.status);
    if (location)
        assert_true(str_eq(raw_field(&r, "Location"), str_of(location)));
    raw_close(c);
}

static struct house *start(const struct stage *s, const char *path)
{
    struct ran r;
    struct house *h = house_start(s->conf, &r);
    char *body;

    if (!h)
        fail_msg("did not start: %s", r.err.p);
    body = house_get_with(h, path, "Two", WAIT);
    assert_non_null(body);
    free(body);
    return h;
}

/* Twice, and then no longer a word of it in the conf. */
static void test_generations(void **state)
{
    static const char *const keys[] = {"formerly = second\n", ""};
    struct stage s;

    open_stage(&s, state);
    call_it(&s, "first", "");
    poll_tells(&s, 2, NULL);
    call_it(&s, "second", "formerly = first\n");
    check_says(&s, NULL);
    poll_tells(&s, 0, NULL);
    for (size_t i = 0; i < 2; i++) {
        call_it(&s, "third", keys[i]);
        check_says(&s, NULL);
        struct house *h = start(&s, "/third.atom");
        assert_leads(h, "/first.atom", "https://f.example/third.atom");
        assert_leads(h, "/second.json", "https://f.example/third.json");
        assert_leads(h, "/fourth.json", NULL);
        assert_int_equal(house_stop(h, NULL), 0);
        poll_tells(&s, 0, NULL);
    }
    source_site_stop(s.site);
}

/* Nobody said that it is the same: by its page it is. */
static void test_forgotten(void **state)
{
    static const char *const keys[] = {"", "formerly = frist\n", ""};
    struct stage s;
    char name[8];

    open_stage(&s, state);
    call_it(&s, "n", "");
    poll_tells(&s, 2, NULL);
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "n%zu", i);
        write_conf(&s, name, i == 2 ? "/other" : "/page", keys[i]);
        check_says(&s, "no longer in the conf; write formerly = n");
        poll_tells(&s, 0, "no longer in the conf; write formerly = n");
        check_says(&s, NULL);
        poll_tells(&s, 0, NULL);
        write_conf(&s, name, "/other", ""); /* from now on that shows it, not the id-base */
        poll_tells(&s, 0, NULL);
        write_conf(&s, name, i ? "/other" : "/page", "");
        poll_tells(&s, 0, NULL);
    }
    /* Under the running daemon. */
    struct house *h = start(&s, "/n2.atom");
    write_conf(&s, "n3", "/other", "");
    house_signal(h, SIGHUP);
    assert_true(house_wait_log(h, "n3 goes on with what is stored of 'n2'", WAIT));
    assert_true(house_wait_log(h, "n2: no longer followed", WAIT));
    char *body = house_get_with(h, "/n3.atom", "Two", WAIT);
    assert_non_null(body);
    free(body);
    assert_leads(h, "/n.atom", "https://f.example/n3.atom");
    assert_leads(h, "/n2.atom", "https://f.example/n3.atom");
    poll_tells(&s, 0, NULL);
    assert_int_equal(house_stop(h, NULL), 0);
    /* Who says what its ids are made from means another one. */
    write_conf(&s, "n4", "/other", "id-base = mine\n");
    check_says(&s, NULL);
    poll_tells(&s, 2, NULL);
    source_site_stop(s.site);
}

static void test_mistyped(void **state)
{
    struct stage s;

    open_stage(&s, state);
    call_it(&s, "first", "");
    poll_tells(&s, 2, NULL);
    /* The page has moved as well, so that nothing shows what it was. */
    place_writef(s.place, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
                 "[source second]\nurl = %s\nprofile = 51cto\nformerly = frist\n",
                 place_path(s.place, "s"), source_site_url(s.site, "/other"));
    check_says(&s, ":4: warning: formerly: nothing is stored of 'frist': second begins anew");
    poll_tells(&s, 2, "second: formerly: nothing is stored of 'frist': second begins anew");
    check_says(&s, NULL);
    place_writef(s.place, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
                 "[source second]\nurl = %s\nprofile = 51cto\nformerly = first\n",
                 place_path(s.place, "s"), source_site_url(s.site, "/other"));
    check_says(&s, "formerly = first comes too late: there are entries of second already");
    source_site_stop(s.site);
}

/* A source that stays in the conf is nobody's past, whatever page it has. */
static void test_not_of_one_that_stays(void **state)
{
    struct stage s;

    open_stage(&s, state);
    call_it(&s, "first", "id-base = mine\n");
    poll_tells(&s, 2, NULL);
    place_writef(s.place, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
                 "[source first]\nurl = %s\nprofile = 51cto\nid-base = mine\n"
                 "[source second]\nurl = %s\nprofile = 51cto\n",
                 place_path(s.place, "s"), source_site_url(s.site, "/page"),
                 source_site_url(s.site, "/page"));
    check_says(&s, NULL);
    poll_tells(&s, 2, NULL);
    source_site_stop(s.site);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_generations),
        TEST(test_forgotten),
        TEST(test_mistyped),
        TEST(test_not_of_one_that_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
