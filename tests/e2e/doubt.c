/* Doubt from end to end: pages that are not believed and why, pages that are held, what waits for
 * polls to come, also where these bring no bytes, over restarts: each poll here is a process of its
 * own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE(sections)                                                                             \
    "<html><head><title>T</title></head><body><article><div id=\"container\">" sections            \
    "</div></article></body></html>"
#define A "<h1>#A</h1><p>The quick brown fox jumps over the lazy dog.</p><p>....</p>"
#define B "<h1>#B</h1><p>Pack my box with five dozen liquor jugs.</p><p>....</p>"
#define C "<h1>#C</h1><p>How vexingly quick daft zebras jump!</p><p>....</p>"
#define D "<h1>#D</h1><p>Sphinx of black quartz, judge my vow.</p><p>....</p>"

struct world {
    struct place *place;
    struct source_site *site;
    char *conf;
};

static struct world begin(struct place *p, const char *keys)
{
    struct world w = {.place = p, .site = source_site_start()};

    place_writef(p, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[source blog]\nurl = %s\n"
                 "id-base = x\nprofile = 51cto\ninterval = 1h\n%s",
                 place_path(p, "state"), source_site_url(w.site, "/page"), keys);
    w.conf = strdup(place_path(p, "c"));
    return w;
}

static void end(struct world *w)
{
    source_site_stop(w->site);
    free(w->conf);
}

/* The page from now on. With an etag it is answered by 304 from the second time on. */
static void serve(struct world *w, const char *page, const char *etag)
{
    source_site_set(w->site, "/page",
                    &(struct site_step){.body = page, .etag = etag, .conditional = etag != NULL},
                    1);
}

static void write_rows(struct buf *out, const char *rows)
{
    struct str rest = str_of(rows);

    while (rest.n) {
        struct str row = str_cut(&rest, '\n'), event;

        str_cut(&row, '\t');
        event = str_cut(&row, '\t');
        str_cut(&row, '\t');
        buf_printf(out, "%s%.*s %.*s", out->len ? ", " : "", STR_ARG(event), STR_ARG(row));
    }
}

/* One poll; its rows as "new A, removed B". An error is compared by its beginning. */
static void poll_at(struct world *w, const char *epoch, const char *expected)
{
    char clock[64];
    const char *argv[] = {digestd_path(), "poll", "-c", w->conf, NULL};
    const char *environment[] = {"DIGESTD_PROFILE_DIR=conf/profiles", epoch ? clock : NULL, NULL};
    struct ran r;
    struct buf got;

    snprintf(clock, sizeof(clock), "SOURCE_DATE_EPOCH=%s", epoch ? epoch : "");
    r = run_program(argv, environment);
    buf_init(&got, SIZE_MAX);
    buf_puts(&got, "");
    write_rows(&got, r.out.p);
    if (strncmp(expected, "error", 5) == 0 ? !str_starts(buf_str(&got), str_of(expected))
                                           : strcmp(got.data, expected) != 0)
        fail_msg("got '%s', expected '%s' (%s)", got.data, expected, r.err.p);
    assert_int_equal(r.status, strncmp(expected, "error", 5) == 0 ? 2 : 0);
    buf_clear(&got);
    ran_clear(&r);
}

static void poll_now(struct world *w, const char *expected)
{
    poll_at(w, NULL, expected);
}

/* The If-None-Match of the last request. */
static void assert_sent(struct world *w, const char *etag)
{
    char value[64];

    assert_string_equal(
        source_site_header(w->site, "/page", 0, "If-None-Match", value, sizeof(value)), etag);
}

#define HELD(number)                                                                               \
    "error too many lost: 3 of 4 sections are gone from the page; it is held until it has been "   \
    "the same in 3 polls (this is number " number ")"

/* A page that lost too much comes once, and then as 304, or byte for byte. */
static void test_held_page_is_believed(void **state)
{
    static const char *const etags[][2] = {{"\"1\"", "\"2\""}, {NULL, NULL}};

    for (size_t i = 0; i < 2; i++) {
        struct place *p = place_make();
        struct world w = begin(p, "");

        serve(&w, PAGE(A B C D), etags[i][0]);
        poll_now(&w, "new A, new B, new C, new D");
        serve(&w, PAGE(A), etags[i][1]);
        poll_now(&w, HELD("1"));
        poll_now(&w, HELD("2"));
        if (etags[i][1])
            assert_sent(&w, "\"2\"");
        poll_now(&w, "removed B, removed C, removed D");
        poll_now(&w, "");
        serve(&w, PAGE(A B C D), NULL);
        poll_now(&w, "restored B, restored C, restored D");
        end(&w);
        place_remove(p);
    }
    (void)state;
}

static void test_held_page_is_cancelled(void **state)
{
    struct world w = begin(*state, "");

    serve(&w, PAGE(A B C D), "\"1\"");
    poll_now(&w, "new A, new B, new C, new D");
    serve(&w, PAGE(A), "\"2\"");
    poll_now(&w, HELD("1"));
    poll_now(&w, HELD("2"));
    serve(&w, PAGE(A B C D), "\"1\"");
    poll_now(&w, "");
    poll_now(&w, "");
    assert_sent(&w, "\"1\"");
    serve(&w, PAGE(A), "\"2\"");
    poll_now(&w, HELD("1"));
    /* Other sections: counted anew. */
    serve(&w, PAGE(B), "\"3\"");
    poll_now(&w, HELD("1"));
    poll_now(&w, HELD("2"));
    /* A wall says nothing, neither of sections nor of validators. */
    serve(&w, "<html><head><title>Just a moment...</title></head></html>", "\"4\"");
    poll_now(&w, "error wall: ");
    serve(&w, PAGE(B), "\"3\"");
    poll_now(&w, "removed A, removed C, removed D");
    assert_sent(&w, "\"3\"");
    end(&w);
}

static void test_unfinished(void **state)
{
    struct world w = begin(*state, "");

    serve(&w, PAGE(A "<h1>#New</h1><p>half a"), "\"1\"");
    poll_now(&w, "new A");
    serve(&w, PAGE(A "<h1>#New</h1><p>half a sentence, and no end</p>"), "\"2\"");
    poll_now(&w, "");
    poll_now(&w, "new New"); /* 304: it stood unchanged */
    assert_sent(&w, "\"2\"");
    serve(&w, PAGE(A "<h1>#New</h1><p>half a sentence, and now more"), "\"3\"");
    poll_now(&w, "");
    serve(&w, PAGE(A "<h1>#New</h1><p>half a sentence, and now more words</p><p>....</p>"),
          "\"4\"");
    poll_now(&w, "changed New");
    poll_now(&w, "");
    end(&w);
}

#define ENDLESS(n)                                                                                 \
    PAGE(A "<h1>#New</h1><p>A story of waltzes and of nymphs, read by " n " people</p>")
#define WHOLE "<h1>#New</h1><p>A story of waltzes and of nymphs, read by many</p><p>....</p>"

/* A last section that is another at every poll: somebody can see that it is waited for, and it is
 * told once in a day. */
static void test_unfinished_for_ever(void **state)
{
    static const char *const seen[] = {ENDLESS("2"), ENDLESS("3"), ENDLESS("4")};
    struct world w = begin(*state, "");
    struct house *h;
    struct ran r;
    char *body;

    serve(&w, PAGE(A), NULL);
    poll_at(&w, "1700000000", "new A");
    serve(&w, ENDLESS("1"), NULL);
    poll_at(&w, "1700000100", "");
    for (size_t i = 0; i < 3; i++) {
        serve(&w, seen[i], NULL);
        poll_at(&w, "1700000200", "");
    }
    serve(&w, ENDLESS("5"), NULL);
    poll_at(&w, "1700086499", ""); /* a second too early */
    serve(&w, ENDLESS("6"), NULL);
    poll_at(&w, "1700086500", "new New");
    /* From now on it is waited for anew: long enough, but too few have looked. */
    serve(&w, ENDLESS("7"), NULL);
    poll_at(&w, "1700086600", "");
    for (size_t i = 0; i < 3; i++) {
        serve(&w, seen[i], NULL);
        poll_at(&w, "1700186600", "");
    }
    /* It is whole, and another one begins: that has its own time. */
    serve(&w, PAGE(A WHOLE "<h1>#Next</h1><p>by 1"), NULL);
    poll_at(&w, "1700186700", "changed New");
    serve(&w, PAGE(A WHOLE "<h1>#Next</h1><p>by 2"), NULL);
    poll_at(&w, "1700186800", "");
    h = house_start(w.conf, &r);
    assert_non_null(h);
    body = house_get_with(h, "/", "2023-11-17 02:05 UTC</time> for the end of “Next”", 30000);
    assert_non_null(body);
    free(body);
    assert_int_equal(house_stop(h, NULL), 0);
    end(&w);
}

static void test_removals_wait(void **state)
{
    struct world w = begin(*state, "removed = drop\n");

    serve(&w, PAGE(A B C), "\"1\"");
    poll_now(&w, "new A, new B, new C");
    serve(&w, PAGE(A C), "\"2\"");
    poll_now(&w, "");
    poll_now(&w, "");
    serve(&w, PAGE(A B C), "\"1\"");
    poll_now(&w, "");
    serve(&w, PAGE(A C), "\"2\"");
    poll_now(&w, "");
    poll_now(&w, "");
    assert_sent(&w, "\"2\"");
    poll_now(&w, "removed B");
    poll_now(&w, "");
    end(&w);
}

/* A poll that failed saw nothing: it neither agrees, nor does it make the others count anew. */
static void test_failed_polls_do_not_count(void **state)
{
    static const char *const keys[] = {"", "removed = drop\nremoval-guard = 100%\n"};
    static const char *const told[][2] = {{HELD("1"), HELD("2")}, {"", ""}};

    for (size_t i = 0; i < 2; i++) {
        struct place *p = place_make();
        struct world w = begin(p, keys[i]);

        serve(&w, PAGE(A B C D), NULL);
        poll_now(&w, "new A, new B, new C, new D");
        for (size_t k = 0; k < 2; k++) {
            serve(&w, PAGE(A), NULL);
            poll_now(&w, told[i][k]);
            source_site_set(w.site, "/page", &(struct site_step){.status = 503}, 1);
            for (int n = 0; n < 3; n++)
                poll_now(&w, "error the site answered 503");
        }
        serve(&w, PAGE(A), NULL);
        poll_now(&w, "removed B, removed C, removed D");
        end(&w);
        place_remove(p);
    }
    (void)state;
}

static void test_small_changes(void **state)
{
    struct world w = begin(*state, "min-change = 5\n");
    struct ran r;

    serve(&w, PAGE("<h1>#A</h1><p>These are the wrods of an entry.</p><p>....</p>"), NULL);
    poll_now(&w, "new A");
    serve(&w, PAGE("<h1>#A</h1><p>These are the words of an entry.</p><p>....</p>"), NULL);
    poll_now(&w, "");
    r = DIGESTD("list", "-c", w.conf, "-f", "jsonfeed");
    assert_non_null(strstr(r.out.p, "the words of"));
    ran_clear(&r);
    serve(&w, PAGE("<h1>#A</h1><p>These are the last words of an entry.</p><p>....</p>"), NULL);
    poll_now(&w, "");
    serve(&w, PAGE("<h1>#A</h1><p>These are the very last words of an entry!</p><p>....</p>"),
          NULL);
    poll_now(&w, "changed A");
    end(&w);
}

/* A clock that stands before the last poll: nothing is looked at. */
static void test_clock_in_the_past(void **state)
{
    struct world w = begin(*state, "");
    struct house *h;
    struct ran r;

    serve(&w, PAGE(A), NULL);
    poll_at(&w, "1700000000", "new A");
    serve(&w, PAGE(A B), NULL);
    poll_at(&w, "1600000000",
            "error the clock stands at 2020-09-13T12:26:40Z, before the last poll");
    assert_int_equal(source_site_requests(w.site, "/page"), 1);
    poll_at(&w, "1699999990", "new B"); /* set right by a little */
    poll_at(&w, "4000000000", "");
    h = house_start(w.conf, &r);
    assert_non_null(h);
    assert_non_null(strstr(house_log(h), "before the last poll (2096-10-02T07:06:40Z, of blog)"));
    assert_int_equal(house_status(h, "/healthz", NULL), 200);
    poll_now(&w, "error the clock stands at ");
    assert_int_equal(source_site_requests(w.site, "/page"), 3);
    assert_int_equal(house_stop(h, NULL), 0);
    end(&w);
}

/* Every reason has its name and a sentence, in the row of a poll, the log and the index page. */
static void test_reasons(void **state)
{
    static char deep[60000] = "<html><body><article><div id=\"container\">" A;
    static const struct {
        struct site_step step;
        const char *reason;
    } steps[] = {
        {{.body = "<html><head><title>Just a moment...</title></head></html>"}, "wall: "},
        {{.body = PAGE(A B C D), .fault = SITE_CUT, .cut = 150}, "not whole: "},
        {{.body = "<html><body><article><div id=\"container\">" A "<p>on"}, "cut short: "},
        {{.body = "<html><body><p>Hello.</p></body></html>"}, "no content element: "},
        {{.body = PAGE("<p>Hello.</p>")}, "no sections: "},
        {{.body = PAGE(A)}, "too many lost: "},
        {{.body = deep}, "parser limit: "},
        {{.body = "x", .content_type = "image/png"}, "wrong type: "},
        {{.body = " "}, "empty: "},
        {{.status = 500}, "the site answered 500 Internal Server Error"},
    };
    struct world w = begin(*state, "");
    struct house *h;
    struct ran r;

    for (int i = 0; i < 10000; i++)
        strcat(deep + 5 * i, "<div>");
    serve(&w, PAGE(A B C D), NULL);
    h = house_start(w.conf, &r);
    assert_non_null(h);
    assert_true(house_wait_log(h, "blog: new: D", 30000));
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        char text[128], *body;

        source_site_set(w.site, "/page", &steps[i].step, 1);
        snprintf(text, sizeof(text), "error %s", steps[i].reason);
        poll_now(&w, text);
        snprintf(text, sizeof(text), "blog: %s", steps[i].reason);
        if (!house_wait_log(h, text, 30000))
            fail_msg("%s not in the log", steps[i].reason);
        body = house_get_with(h, "/", steps[i].reason, 30000);
        if (!body)
            fail_msg("%s not on the index page", steps[i].reason);
        free(body);
        body = house_get_with(h, "/blog.atom", "Sphinx of black", 30000);
        assert_non_null(body);
        free(body);
    }
    serve(&w, PAGE(A B C D), NULL);
    poll_now(&w, "");
    assert_true(house_wait_log(h, "blog: in order again", 30000));
    assert_int_equal(house_stop(h, NULL), 0);
    end(&w);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_held_page_is_believed),
        TEST(test_held_page_is_cancelled),
        TEST(test_unfinished),
        TEST(test_unfinished_for_ever),
        TEST(test_removals_wait),
        TEST(test_failed_polls_do_not_count),
        TEST(test_small_changes),
        TEST(test_clock_in_the_past),
        TEST(test_reasons),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
