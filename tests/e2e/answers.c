/* What a site says of a page besides its text: that it is as it was, has moved, is gone, or wants a
 * cookie back. Each poll here is a process of its own, so all of it outlives restarts. */
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

struct world {
    struct place *place;
    struct source_site *site;
};

static void write_conf(struct world *w, const char *path, const char *keys)
{
    place_writef(w->place, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[source blog]\nurl = %s\n"
                 "profile = 51cto\ninterval = 1h\n%s",
                 place_path(w->place, "state"), source_site_url(w->site, path), keys);
}

static struct world begin(struct place *p, const char *path)
{
    struct world w = {p, source_site_start()};

    write_conf(&w, path, "");
    return w;
}

static void end(struct world *w)
{
    source_site_stop(w->site);
}

static void serve(struct world *w, const char *path, struct site_step step)
{
    source_site_set(w->site, path, &step, 1);
}

static void lead(struct world *w, const char *path, int status, const char *location)
{
    serve(w, path, (struct site_step){.status = status, .location = location});
}

/* One poll; what it prints, the ids left out: "new A, new B", "error …" by its beginning. */
static void poll_now(struct world *w, const char *expected)
{
    struct ran r = DIGESTD("poll", "-c", place_path(w->place, "c"));
    struct str rest = str_of(r.out.p);
    struct buf got;
    bool same;

    buf_init(&got, SIZE_MAX);
    buf_puts(&got, "");
    while (rest.n) {
        struct str row = str_cut(&rest, '\n'), event;
        str_cut(&row, '\t');
        event = str_cut(&row, '\t');
        str_cut(&row, '\t');
        buf_printf(&got, "%s%.*s %.*s", got.len ? ", " : "", STR_ARG(event), STR_ARG(row));
    }
    same = strncmp(expected, "error", 5) == 0 ? str_starts(buf_str(&got), str_of(expected))
                                              : strcmp(got.data, expected) == 0;
    if (!same)
        fail_msg("got '%s', expected '%s' (%s)", got.data, expected, r.err.p);
    buf_clear(&got);
    ran_clear(&r);
}

/* How often each of these two was asked by what `poll` does. */
static void poll_asks(struct world *w, const char *expected, const char *first, size_t first_times,
                      const char *second, size_t second_times)
{
    size_t before = source_site_requests(w->site, first);
    size_t before_second = source_site_requests(w->site, second);

    poll_now(w, expected);
    assert_int_equal(source_site_requests(w->site, first) - before, first_times);
    assert_int_equal(source_site_requests(w->site, second) - before_second, second_times);
}

static const char *sent(struct world *w, const char *path, const char *name)
{
    static char value[16384];

    if (!source_site_header(w->site, path, 0, name, value, sizeof(value)))
        return "-";
    return value;
}

static char *listed(struct world *w)
{
    struct ran r = DIGESTD("list", "-c", place_path(w->place, "c"), "-f", "jsonfeed");
    char *out = strdup(r.out.p);

    assert_int_equal(r.status, 0);
    ran_clear(&r);
    return out;
}

/* The index page of a daemon, which polls nothing meanwhile. */
static char *index_page(struct world *w, const char *with)
{
    struct ran r;
    struct house *h = house_start(place_path(w->place, "c"), &r);
    char *page;

    if (!h)
        fail_msg("%s", r.err.p);
    page = house_get_with(h, "/", with, 30000);
    assert_int_equal(house_stop(h, NULL), 0);
    return page;
}

/* ---- as it was ----------------------------------------------------------------------------- */

static char long_tag[4096];

/* Sent back byte for byte, whatever it looks like; what is empty is none. */
static void test_validators_come_back_as_they_were(void **state)
{
    static const char *const etags[] = {
        "\"1\"", "W/\"weak\"",      "unquoted", "\"with, \"\" more\"",
        "\"\"",  "W/\"a\xff\xe9\"", long_tag};
    static const char *const dates[] = {"Wed, 12 Nov 2025 01:30:00 GMT", "yesterday, or so", "0",
                                        "2025-11-12 01:30"};
    struct world w = begin(*state, "/page");
    struct site_step step = {.body = PAGE(A), .conditional = true};

    memset(long_tag, 'x', sizeof(long_tag) - 1);
    for (size_t i = 0; i < sizeof(etags) / sizeof(*etags); i++) {
        step.etag = etags[i];
        step.last_modified = dates[i % 4];
        serve(&w, "/page", step);
        poll_now(&w, i ? "" : "new A");
        poll_now(&w, "");
        assert_string_equal(sent(&w, "/page", "If-None-Match"), etags[i]);
        assert_string_equal(sent(&w, "/page", "If-Modified-Since"), dates[i % 4]);
    }
    step.etag = NULL;
    for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
        step.last_modified = dates[i];
        serve(&w, "/page", step);
        poll_now(&w, "");
        poll_now(&w, "");
        assert_string_equal(sent(&w, "/page", "If-None-Match"), "-");
        assert_string_equal(sent(&w, "/page", "If-Modified-Since"), dates[i]);
    }
    serve(&w, "/page", (struct site_step){.body = PAGE(A), .headers = "ETag:\r\n"});
    poll_now(&w, "");
    poll_now(&w, "");
    assert_string_equal(sent(&w, "/page", "If-None-Match"), "-");
    assert_string_equal(sent(&w, "/page", "If-Modified-Since"), "-");
    end(&w);
}

/* They are of an address: another one does not get them. */
static void test_validators_end_with_the_url(void **state)
{
    struct world w = begin(*state, "/page");
    struct site_step step = {.body = PAGE(A), .etag = "\"1\"", .conditional = true};

    serve(&w, "/page", step);
    poll_now(&w, "new A");
    write_conf(&w, "/other", "");
    step.body = PAGE(A B);
    serve(&w, "/other", step);
    poll_now(&w, "new B");
    assert_string_equal(sent(&w, "/other", "If-None-Match"), "-");
    poll_now(&w, "");
    assert_string_equal(sent(&w, "/other", "If-None-Match"), "\"1\"");
    end(&w);
}

/* Nanoseconds that the process has been at work. */
static long long work_of(int pid)
{
    char path[64], *text;
    long long work;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, pid);
    text = (char *)file_read(path).p;
    work = text ? atoll(text) : 0;
    free(text);
    return work;
}

static long long work_of_poll(struct world *w, struct house *h, const char *expected)
{
    long long before = work_of(house_pid(h));

    poll_now(w, expected);
    return work_of(house_pid(h)) - before;
}

/* A 304, and a 200 with the same bytes, are not read: ten of them are less work than one look. */
static void test_what_is_as_it_was_is_not_read(void **state)
{
    struct world w = begin(*state, "/page");
    struct site_step step = {.etag = "\"1\""};
    struct buf page;
    struct house *h;
    struct ran r;

    buf_init(&page, SIZE_MAX);
    buf_puts(&page, "<html><body><article><div id=\"container\"><h1>#A</h1>");
    for (int i = 0; i < 12000; i++)
        buf_printf(&page, "<p>Words of <b>paragraph %d</b>, <a href=\"#%d\">there</a>.</p>", i, i);
    buf_puts(&page, "<p>....</p></div></article></body></html>");
    step.body = page.data;
    serve(&w, "/page", (struct site_step){.status = 500});
    h = house_start(place_path(w.place, "c"), &r);
    assert_non_null(h);
    assert_true(house_wait_log(h, "500 Internal Server Error", 30000));
    serve(&w, "/page", step);
    if (work_of(house_pid(h)) == 0) {
        print_message("skipped: this kernel does not tell a process's work\n");
    } else {
        long long look = work_of_poll(&w, h, "new A");
        for (int kind = 0; kind < 2; kind++) {
            long long quiet = 0;
            step.conditional = kind == 1;
            serve(&w, "/page", step);
            for (int i = 0; i < 10; i++)
                quiet += work_of_poll(&w, h, "");
            if (quiet > look)
                fail_msg("ten quiet polls (%s): %lld ms, a look: %lld ms",
                         kind ? "304" : "the same bytes", quiet / 1000000, look / 1000000);
        }
    }
    assert_int_equal(house_stop(h, NULL), 0);
    buf_clear(&page);
    end(&w);
}

/* ---- moved --------------------------------------------------------------------------------- */

static void test_a_page_that_moves(void **state)
{
    struct world w = begin(*state, "/old");
    struct site_step page = {.body = PAGE(A), .etag = "\"1\"", .conditional = true};
    char *before, *after, *index;

    serve(&w, "/old", page);
    poll_now(&w, "new A");
    before = listed(&w);
    lead(&w, "/old", 301, "/new");
    serve(&w, "/new", page);
    poll_asks(&w, "", "/old", 1, "/new", 1);
    assert_string_equal(sent(&w, "/new", "If-None-Match"), "-");
    poll_asks(&w, "", "/old", 1, "/new", 1);
    assert_string_equal(sent(&w, "/new", "If-None-Match"), "\"1\"");
    index = index_page(&w, "blog");
    assert_null(strstr(index, "moved"));
    free(index);
    poll_asks(&w, "", "/old", 1, "/new", 1);
    poll_asks(&w, "", "/old", 0, "/new", 1);
    assert_string_equal(sent(&w, "/new", "If-None-Match"), "\"1\"");
    index = index_page(&w, "this page has moved to ");
    assert_non_null(strstr(index, source_site_url(w.site, "/new")));
    free(index);
    after = listed(&w);
    assert_non_null(strstr(before, "urn:uuid:"));
    assert_int_equal(strncmp(strstr(before, "urn:uuid:"), strstr(after, "urn:uuid:"), 45), 0);
    free(after);

    /* The operator takes the new address over: the same entries, and nothing to be told any more.
     */
    write_conf(&w, "/new", "");
    poll_asks(&w, "", "/old", 0, "/new", 1);
    index = index_page(&w, "blog");
    assert_null(strstr(index, "moved"));
    free(index);
    after = listed(&w);
    assert_int_equal(strncmp(strstr(before, "urn:uuid:"), strstr(after, "urn:uuid:"), 45), 0);
    free(before);
    free(after);
    end(&w);
}

/* What a site is asked with is told to nobody else, not even of where its page has moved. */
static void test_a_login_is_not_told(void **state)
{
    struct world w = begin(*state, "/old");
    const char *url = source_site_url(w.site, "/old");
    char *told;

    place_writef(w.place, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[source blog]\n"
                 "url = http://me:secret@%s\nprofile = 51cto\ninterval = 1h\n",
                 place_path(w.place, "state"), url + strlen("http://"));
    lead(&w, "/old", 301, "/new");
    serve(&w, "/new", (struct site_step){.body = PAGE(A)});
    poll_asks(&w, "new A", "/old", 1, "/new", 1);
    poll_asks(&w, "", "/old", 1, "/new", 1);
    poll_asks(&w, "", "/old", 1, "/new", 1);
    told = index_page(&w, "this page has moved to ");
    assert_null(strstr(told, "secret"));
    free(told);
    told = listed(&w);
    assert_non_null(strstr(told, "urn:uuid:"));
    assert_null(strstr(told, "secret"));
    free(told);
    end(&w);
}

static void move(struct world *w)
{
    serve(w, "/new", (struct site_step){.body = PAGE(A)});
    lead(w, "/old", 308, "/new");
    poll_now(w, "new A");
    poll_now(w, "");
    poll_now(w, "");
    poll_asks(w, "", "/old", 0, "/new", 1);
}

/* Where the new place fails, both take turns: either may be what works again. */
static void test_the_old_address_is_tried_again(void **state)
{
    struct world w = begin(*state, "/old");

    move(&w);
    serve(&w, "/new", (struct site_step){.status = 500});
    lead(&w, "/old", 500, NULL);
    poll_asks(&w, "error the site answered 500", "/old", 0, "/new", 1);
    poll_asks(&w, "error the site answered 500", "/old", 1, "/new", 0);
    poll_asks(&w, "error the site answered 500", "/old", 0, "/new", 1);
    poll_asks(&w, "error the site answered 500", "/old", 1, "/new", 0);
    serve(&w, "/new", (struct site_step){.body = PAGE(A B)});
    poll_asks(&w, "new B", "/old", 0, "/new", 1);
    poll_asks(&w, "", "/old", 0, "/new", 1);

    /* A page that is not believed counts as well; the old address knows better by now. */
    serve(&w, "/new", (struct site_step){.body = "<html><body><p>This domain is for sale."});
    lead(&w, "/old", 301, "/newest");
    serve(&w, "/newest", (struct site_step){.body = PAGE(A B C)});
    poll_asks(&w, "error ", "/old", 0, "/new", 1);
    poll_asks(&w, "new C", "/old", 1, "/newest", 1);
    poll_asks(&w, "", "/old", 1, "/newest", 1);
    poll_asks(&w, "", "/old", 1, "/newest", 1);
    poll_asks(&w, "", "/old", 0, "/newest", 1);
    end(&w);
}

/* Three in a row, to one place, for good, with a page that is believed. */
static void test_what_is_no_move(void **state)
{
    struct world w = begin(*state, "/old");
    char to[16];

    serve(&w, "/new", (struct site_step){.body = PAGE(A)});
    lead(&w, "/old", 302, "/new");
    poll_now(&w, "new A");
    for (int i = 0; i < 4; i++)
        poll_asks(&w, "", "/old", 1, "/new", 1);
    for (int i = 0; i < 5; i++) {
        snprintf(to, sizeof(to), "/new?%d", i);
        serve(&w, to, (struct site_step){.body = PAGE(A)});
        lead(&w, "/old", 301, to);
        poll_asks(&w, "", "/old", 1, to, 1);
    }
    lead(&w, "/old", 301, "/wall");
    serve(&w, "/wall", (struct site_step){.body = "<title>Just a moment...</title>"});
    for (int i = 0; i < 4; i++)
        poll_asks(&w, "error wall: ", "/old", 1, "/wall", 1);
    lead(&w, "/old", 301, "/new");
    poll_asks(&w, "", "/old", 1, "/new", 1);
    poll_asks(&w, "", "/old", 1, "/new", 1);
    serve(&w, "/old", (struct site_step){.body = PAGE(A)});
    poll_asks(&w, "", "/old", 1, "/new", 0);
    lead(&w, "/old", 301, "/new");
    poll_asks(&w, "", "/old", 1, "/new", 1);
    poll_asks(&w, "", "/old", 1, "/new", 1);
    poll_asks(&w, "", "/old", 1, "/new", 1);
    poll_asks(&w, "", "/old", 0, "/new", 1);
    end(&w);
}

/* ---- gone ---------------------------------------------------------------------------------- */

static void test_gone(void **state)
{
    struct world w = begin(*state, "/page");
    char *index, *next;
    struct str date;
    int64_t polled, due;

    serve(&w, "/page", (struct site_step){.body = PAGE(A)});
    poll_now(&w, "new A");
    serve(&w, "/page", (struct site_step){.status = 410});
    for (int i = 0; i < 4; i++) /* no doubling */
        poll_now(&w, "error the page is gone (410 Gone): ");
    index = index_page(&w, "the page is gone (410 Gone): ");
    next = strstr(index, "Last look</dt><dd><time datetime=\"");
    assert_non_null(next);
    date = str_of(next + strlen("Last look</dt><dd><time datetime=\""));
    date = str_cut(&date, '"');
    assert_int_equal(date_parse_iso(date, 0, &polled), 0);
    next = strstr(index, "Next look</dt><dd><time datetime=\"");
    assert_non_null(next);
    date = str_of(next + strlen("Next look</dt><dd><time datetime=\""));
    date = str_cut(&date, '"');
    assert_int_equal(date_parse_iso(date, 0, &due), 0);
    assert_in_range(due - polled, 86400, 86400 + 8640);
    free(index);
    serve(&w, "/page", (struct site_step){.body = PAGE(A B)});
    poll_now(&w, "new B");
    end(&w);
}

/* ---- cookies ------------------------------------------------------------------------------- */

/* A wall that lets in who brings its cookie back. */
static void test_a_wall_with_a_cookie(void **state)
{
    struct world w = begin(*state, "/page");
    struct site_step steps[] = {
        {.body = "<html><head><title>Just a moment...</title></head></html>",
         .headers = "Set-Cookie: clear=1; Path=/; Max-Age=100000\r\n"
                    "Set-Cookie: gone=1; Path=/; Max-Age=0\r\n"},
        {.body = PAGE(A)}};

    source_site_set(w.site, "/page", steps, 2);
    poll_now(&w, "error wall: ");
    poll_now(&w, "new A");
    assert_string_equal(sent(&w, "/page", "Cookie"), "clear=1");
    serve(&w, "/page",
          (struct site_step){.body = PAGE(A),
                             .headers = "Set-Cookie: clear=; Path=/; Max-Age=0\r\n"});
    poll_now(&w, "");
    poll_now(&w, "");
    assert_string_equal(sent(&w, "/page", "Cookie"), "-");
    end(&w);
}

/* Cookies that are imported, from their file: for their host and path, while they are valid. */
static void test_imported_cookies(void **state)
{
    struct world w = begin(*state, "/a/page");
    char key[4200];

    place_writef(*state, "cookies",
                 "# Netscape HTTP Cookie File\n"
                 "127.0.0.1\tFALSE\t/\tFALSE\t0\tall\t1\n"
                 "127.0.0.1\tFALSE\t/a\tFALSE\t4102444800\ta\t2\n"
                 "127.0.0.1\tFALSE\t/b\tFALSE\t0\tb\t3\n"
                 "127.0.0.1\tFALSE\t/\tFALSE\t1000000000\told\t4\n"
                 "127.0.0.2\tFALSE\t/\tFALSE\t0\tother\t5\n");
    snprintf(key, sizeof(key), "cookie-file = %s\n", place_path(*state, "cookies"));
    write_conf(&w, "/a/page", key);
    serve(&w, "/a/page", (struct site_step){.body = PAGE(A)});
    poll_now(&w, "new A");
    assert_string_equal(sent(&w, "/a/page", "Cookie"), "a=2; all=1");
    write_conf(&w, "/a/page", ""); /* they were imported */
    poll_now(&w, "");
    assert_string_equal(sent(&w, "/a/page", "Cookie"), "a=2; all=1");
    end(&w);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_validators_come_back_as_they_were),
        TEST(test_validators_end_with_the_url),
        TEST(test_what_is_as_it_was_is_not_read),
        TEST(test_a_page_that_moves),
        TEST(test_a_login_is_not_told),
        TEST(test_the_old_address_is_tried_again),
        TEST(test_what_is_no_move),
        TEST(test_gone),
        TEST(test_a_wall_with_a_cookie),
        TEST(test_imported_cookies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
