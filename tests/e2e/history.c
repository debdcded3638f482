/* What lasts: archive pages, tombstones, the feed of changes, names that sources had before. */
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

#define WAIT     30000
#define SECTIONS 130
#define PAGE_MAX ((size_t)1 << 20)

/* A stage: a page on a site, a conf on a place of its own, a daemon. */
struct stage {
    struct place *place;
    struct source_site *site;
    struct house *house;
    const char *name, *more; /* of the source, and its further keys */
};

static void put_section(struct buf *page, int i, const char *text)
{
    buf_printf(page, "<h1>#Section %d</h1><p>%s number %d.</p><p>....</p>", i, text, i);
}

/* The page with the sections from `from` down to `to`, without number `without`. */
static void show(struct stage *s, int from, int to, int without, const char *last_text)
{
    struct buf page;

    buf_init(&page, PAGE_MAX);
    buf_puts(&page, "<html><head><title>T</title></head><body><article><div id=\"container\">");
    for (int i = from; i >= to; i--)
        if (i != without)
            put_section(&page, i, i == to ? last_text : "All there is to say of");
    buf_puts(&page, "</div></article></body></html>");
    source_site_set_page(s->site, "/page", page.data);
    buf_clear(&page);
}

/* The base-url is one of another place: what is rendered then is the same at every start. */
static void start(struct stage *s)
{
    struct ran r;

    place_writef(s->place, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
                 "base-url = https://feeds.example.org/f\n"
                 "[source %s]\nurl = %s\nid-base = blog\nprofile = 51cto\ninterval = 1h\n"
                 "removal-confirmations = 1\nremoval-guard = 100%%\n%s",
                 place_path(s->place, "s"), s->name, source_site_url(s->site, "/page"), s->more);
    s->house = house_start(place_path(s->place, "c"), &r);
    if (!s->house)
        fail_msg("did not start: %s", r.err.p);
}

static void poll_now(struct stage *s, const char *event)
{
    struct ran r = DIGESTD("poll", "-c", place_path(s->place, "c"));

    assert_int_equal(r.status, 0);
    if (!strstr(r.out.p, event))
        fail_msg("no %s in:\n%s", event, r.out.p);
    ran_clear(&r);
}

static void stop(struct stage *s)
{
    assert_int_equal(house_stop(s->house, NULL), 0);
}

static void open_stage(struct stage *s, void **state)
{
    *s = (struct stage){.place = *state, .site = source_site_start(), .name = "blog", .more = ""};
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        n++;
    return n;
}

static char *get(const struct stage *s, const char *path, const char *with)
{
    char *body = house_get_with(s->house, path, with, WAIT);

    if (!body)
        fail_msg("%s has no %s", path, with);
    return body;
}

/* Where the link of this kind leads, below the base-url; NULL: there is none. */
static char *link_of(const char *body, const char *rel)
{
    char want[128];

    snprintf(want, sizeof want,
             "rel=\"%s\" type=\"application/atom+xml\" "
             "href=\"https://feeds.example.org/f",
             rel);
    const char *at = strstr(body, want);
    if (!at)
        return NULL;
    at += strlen(want);
    return strndup(at, strcspn(at, "\""));
}

/* How often each section is there: seen[1] is number 1. */
static void see_sections(const char *body, int seen[SECTIONS + 1])
{
    for (const char *at = body; (at = strstr(at, "<title type=\"text\">Section ")) != NULL; at++) {
        int i = atoi(at + strlen("<title type=\"text\">Section "));
        assert_in_range(i, 1, SECTIONS);
        seen[i]++;
    }
}

/* From the feed back through its archive: every entry is there, and in one archive page at most. */
static size_t walk(const struct stage *s, const char *path)
{
    int current[SECTIONS + 1] = {0}, archived[SECTIONS + 1] = {0};
    size_t pages = 0;
    char *body = get(s, path, "<feed");
    char *back = link_of(body, "prev-archive");

    see_sections(body, current);
    free(body);
    while (back) {
        body = get(s, back, "<fh:archive/>");
        char *self = link_of(body, "self");
        assert_string_equal(self, back);
        assert_int_equal(count_of(body, "<entry>"), 50);
        see_sections(body, archived);
        free(self);
        free(back);
        back = link_of(body, "prev-archive");
        free(body);
        pages++;
    }
    for (int i = 1; i <= SECTIONS; i++) {
        assert_in_range(archived[i], 0, 1);
        assert_in_range(current[i], 0, 1);
        assert_in_range(archived[i] + current[i], 1, 2);
    }
    return pages;
}

static void test_archive(void **state)
{
    struct stage s;
    char *before, *after;

    open_stage(&s, state);
    s.more = "max-entries = 5\n";
    show(&s, 90, 1, 0, "All there is to say of");
    start(&s);
    /* 40 of 90 are in no full page: they stand in the feed, far more than four times five. */
    after = get(&s, "/blog.atom", "prev-archive");
    assert_in_range(count_of(after, "<entry>"), 40, 49);
    free(after);
    assert_int_equal(house_status(s.house, "/blog/archive/2.atom", NULL), 404);
    before = get(&s, "/blog/archive/1.atom", "Section 50<");
    assert_null(strstr(before, "Section 51<"));
    /* A page that is full stays as it is, whatever becomes of its entries. */
    show(&s, SECTIONS, 1, 0, "Quite another thing to say of");
    poll_now(&s, "changed");
    after = get(&s, "/blog/archive/2.atom", "Section 100<");
    free(after);
    after = get(&s, "/blog.atom", "Quite another thing");
    free(after);
    assert_int_equal(walk(&s, "/blog.atom"), 2);
    stop(&s);
    start(&s);
    after = get(&s, "/blog/archive/1.atom", "<feed");
    assert_string_equal(after, before);
    free(after);
    assert_int_equal(walk(&s, "/blog.atom"), 2);
    stop(&s);
    free(before);
    source_site_stop(s.site);
}

/* Asks until the answer has this status: what was published may take a moment. */
static void await_status(const struct stage *s, const char *path, int status)
{
    int got = 0;

    for (int i = 0; i < 200 && got != status; i++)
        got = house_status(s->house, path, NULL);
    assert_int_equal(got, status);
}

/* The page of Section 7, as its archive page links it. */
static char *page_of_seven(const struct stage *s)
{
    char *body = get(s, "/blog/archive/1.atom", "Section 7<");
    const char *id = strstr(body, "Section 7<");
    char *path = NULL;

    while (id > body && strncmp(id, "urn:uuid:", 9))
        id--;
    assert_true(asprintf(&path, "/blog/%.36s.html", id + 9) > 0);
    free(body);
    return path;
}

static void test_dropped(void **state)
{
    struct stage s;
    char *body, *path;

    open_stage(&s, state);
    s.more = "removed = drop\n";
    show(&s, 60, 1, 0, "All there is to say of");
    start(&s);
    path = page_of_seven(&s);
    await_status(&s, path, 200);
    show(&s, 60, 1, 7, "All there is to say of");
    poll_now(&s, "removed");
    body = get(&s, "/blog.atom", "<at:deleted-entry ref=\"urn:uuid:");
    assert_non_null(strstr(body, "xmlns:at=\"http://purl.org/atompub/tombstones/1.0\""));
    free(body);
    for (int again = 0; again < 2; again++) {
        body = get(&s, "/blog/archive/1.atom", "<at:deleted-entry");
        assert_int_equal(count_of(body, "<at:deleted-entry"), 1);
        assert_int_equal(count_of(body, "<entry>"), 49);
        assert_null(strstr(body, "Section 7<"));
        free(body);
        await_status(&s, path, 410);
        stop(&s);
        start(&s);
        free(get(&s, "/blog.atom", "Section 60<"));
    }
    /* It comes back. */
    show(&s, 60, 1, 0, "All there is to say of");
    poll_now(&s, "restored");
    body = get(&s, "/blog/archive/1.atom", "Section 7<");
    assert_null(strstr(body, "<at:deleted-entry"));
    free(body);
    await_status(&s, path, 200);
    stop(&s);
    free(path);
    source_site_stop(s.site);
}

static void test_changes(void **state)
{
    struct stage s;
    char *body, *id;

    open_stage(&s, state);
    show(&s, 3, 1, 0, "There is much to say of");
    start(&s);
    free(get(&s, "/blog.atom", "Section 1<"));
    body = get(&s, "/blog/changes.atom", "<feed");
    assert_null(strstr(body, "<entry>"));
    free(body);
    show(&s, 3, 1, 0, "There is nothing to say of");
    poll_now(&s, "changed");
    body = get(&s, "/blog/changes.atom", "<entry>");
    assert_int_equal(count_of(body, "<entry>"), 1);
    assert_non_null(strstr(body, "Section 1 (changed)"));
    assert_non_null(strstr(body,
                           "There is &lt;del&gt;much&lt;/del&gt;&lt;ins&gt;nothing&lt;/ins&gt;"
                           " to say of number 1."));
    id = strndup(strstr(body, "<entry>"), 80);
    free(body);
    stop(&s);
    /* Under another name it is the same change. */
    s.name = "diary";
    s.more = "formerly = blog\n";
    start(&s);
    body = get(&s, "/diary/changes.atom", id);
    free(body);
    free(id);
    /* What is taken out stays in the feed, and is told here. */
    show(&s, 3, 1, 1, "");
    poll_now(&s, "removed");
    body = get(&s, "/diary/changes.atom", "Section 1 (removed)");
    assert_int_equal(count_of(body, "<entry>"), 2);
    assert_non_null(strstr(body, "&lt;p&gt;It no longer stands on the page.&lt;/p&gt;"));
    free(body);
    free(get(&s, "/diary.atom", ">Section 1<"));
    stop(&s);
    source_site_stop(s.site);
}

static void assert_moved(const struct stage *s, const char *path, const char *location)
{
    struct raw_response r;
    struct raw_client *c = raw_get(house_address(s->house), path, NULL, WAIT, &r);

    assert_non_null(c);
    assert_int_equal(r.status, 301);
    assert_true(str_eq(raw_field(&r, "Location"), str_of(location)));
    assert_true(str_eq(raw_field(&r, "Cache-Control"), STR("public, max-age=86400")));
    assert_int_equal(raw_field_count(&r, "Content-Length"), 1);
    raw_close(c);
}

static void test_renamed_source(void **state)
{
    struct stage s;
    char *before, *after;

    open_stage(&s, state);
    show(&s, SECTIONS, 1, 0, "All there is to say of");
    start(&s);
    before = get(&s, "/blog/archive/1.atom", "<feed");
    stop(&s);
    s.name = "diary";
    s.more = "formerly = blog\n";
    start(&s);
    free(get(&s, "/diary.atom", "Section 130<"));
    assert_moved(&s, "/blog.atom", "https://feeds.example.org/f/diary.atom");
    assert_moved(&s, "/blog.rss?a=b", "https://feeds.example.org/f/diary.rss");
    assert_moved(&s, "/blog/archive/2.atom", "https://feeds.example.org/f/diary/archive/2.atom");
    assert_moved(&s, "/blog", "https://feeds.example.org/f/diary");
    assert_int_equal(house_status(s.house, "/blog/", NULL), 404);
    /* Pages say where they stand now, and hold what they held. */
    assert_int_equal(walk(&s, "/diary.atom"), 2);
    after = get(&s, "/diary/archive/1.atom", "<feed");
    assert_int_equal(count_of(after, "Section"), count_of(before, "Section"));
    free(before);
    free(after);
    stop(&s);
    source_site_stop(s.site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_archive, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_dropped, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_changes, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_renamed_source, place_set_up, place_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
