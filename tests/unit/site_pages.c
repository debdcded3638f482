/* site: bodies at their paths, what may go, and who waits. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ev.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "site.h"

#define NOW      1700000000
#define UUID_ONE "0a1b2c3d-0000-5000-8000-000000000001"
#define UUID_TWO "0a1b2c3d-0000-5000-8000-000000000002"
#define PAGE_ONE "/blog/" UUID_ONE ".html"
#define PAGE_TWO "/blog/" UUID_TWO ".html"

struct house {
    struct ev_loop *loop;
    struct site *site;
    unsigned misses;
    char missed[128]; /* the last one */
};

static void on_miss(void *arg, const char *path)
{
    struct house *h = arg;
    h->misses++;
    snprintf(h->missed, sizeof h->missed, "%s", path);
}

static void open_house(struct house *h, size_t cache_size, size_t max_waiting)
{
    *h = (struct house){.loop = ev_loop_new(EVFLAG_AUTO)};
    struct site_options options = {.version = "0",
                                   .cache_size = cache_size,
                                   .max_waiting = max_waiting,
                                   .miss = on_miss,
                                   .miss_arg = h};
    struct error e;
    assert_non_null(h->loop);
    h->site = site_new(h->loop, &options, &e);
    assert_non_null(h->site);
}

static void close_house(struct house *h)
{
    site_free(h->site);
    ev_loop_destroy(h->loop);
}

/* Lets the server's side read its mail. */
static void deliver(struct house *h)
{
    ev_run(h->loop, EVRUN_NOWAIT);
}

static struct body *body_of(const char *text)
{
    struct body *b = body_new(str_of(text), MEDIA_HTML, CACHE_FEED, NOW, false);
    assert_non_null(b);
    return b;
}

static void publish(struct house *h, const char *path, const char *text, enum site_keep keep)
{
    assert_int_equal(0, site_publish(h->site, path, body_of(text), keep));
    deliver(h);
}

static void know(struct house *h, char *name)
{
    struct feed_row row = {.name = name, .title = name, .url = "https://example.org/"};
    assert_int_equal(0, site_tell(h->site, &row));
    deliver(h);
}

static enum site_answer find(struct house *h, const char *path, struct body **body)
{
    return site_find(h->site, str_of(path), PAGE_ENGLISH, NOW, body, NULL);
}

static void assert_stands(struct house *h, const char *path, const char *text)
{
    struct body *b;
    assert_int_equal(SITE_HAVE, find(h, path, &b));
    assert_true(str_eq(b->bytes[ENCODING_IDENTITY], str_of(text)));
    body_unref(b);
}

static void assert_nothing(struct house *h, const char *path)
{
    struct body *b;
    assert_int_equal(SITE_NONE, find(h, path, &b));
    assert_null(b);
}

/* ---- those who wait ------------------------------------------------------------------------ */

struct guest {
    struct site_waiter waiter;
    unsigned told;
    enum site_answer answer;
    struct body *body;
};

static void on_ready(struct site_waiter *w, enum site_answer answer, struct body *body)
{
    struct guest *g = (struct guest *)((char *)w - offsetof(struct guest, waiter));
    g->told++;
    g->answer = answer;
    g->body = body;
}

static enum site_answer visit(struct house *h, const char *path, struct guest *g)
{
    struct body *body;
    *g = (struct guest){.waiter.ready = on_ready};
    return site_find(h->site, str_of(path), PAGE_ENGLISH, NOW, &body, &g->waiter);
}

static void assert_got(struct guest *g, const char *text)
{
    assert_int_equal(1, g->told);
    assert_int_equal(SITE_HAVE, g->answer);
    assert_true(str_eq(g->body->bytes[ENCODING_IDENTITY], str_of(text)));
    body_unref(g->body);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void a_feed_stays_and_is_replaced(void **state)
{
    (void)state;
    struct house h;
    open_house(&h, 0, 1);
    assert_nothing(&h, "/blog.atom");
    publish(&h, "/blog.atom", "one", SITE_FEED);
    assert_stands(&h, "/blog.atom", "one");
    publish(&h, "/blog.atom", "two", SITE_FEED);
    assert_stands(&h, "/blog.atom", "two");
    assert_nothing(&h, "/blog.atom/");
    assert_nothing(&h, "/blog.ato");
    assert_int_equal(0, site_refuse(h.site, "/blog.atom"));
    deliver(&h);
    assert_nothing(&h, "/blog.atom");
    close_house(&h);
}

static void a_body_outlives_its_replacement(void **state)
{
    (void)state;
    struct house h;
    struct body *held;
    open_house(&h, 0, 1);
    publish(&h, "/blog.atom", "one", SITE_FEED);
    assert_int_equal(SITE_HAVE, find(&h, "/blog.atom", &held));
    publish(&h, "/blog.atom", "two", SITE_FEED);
    assert_true(str_eq(held->bytes[ENCODING_IDENTITY], STR("one")));
    body_unref(held);
    close_house(&h);
}

static void mail_is_read_in_order_and_not_before(void **state)
{
    (void)state;
    struct house h;
    open_house(&h, 0, 1);
    assert_int_equal(0, site_publish(h.site, "/a.atom", body_of("one"), SITE_FEED));
    assert_int_equal(0, site_publish(h.site, "/a.atom", body_of("two"), SITE_FEED));
    assert_nothing(&h, "/a.atom");
    deliver(&h);
    assert_stands(&h, "/a.atom", "two");
    close_house(&h);
}

static void mail_left_in_the_box_is_freed(void **state)
{
    (void)state;
    struct house h;
    struct feed_row row = {.name = "blog", .title = "t", .url = "https://example.org/"};
    const char *names[] = {"blog", NULL};
    open_house(&h, 0, 1);
    assert_int_equal(0, site_publish(h.site, "/a.atom", body_of("one"), SITE_FEED));
    assert_int_equal(0, site_tell(h.site, &row));
    assert_int_equal(0, site_describe(h.site, "http://x", names));
    close_house(&h); /* the sanitizer and valgrind look for what is left */
}

static void the_least_used_goes_first(void **state)
{
    (void)state;
    struct house h;
    struct body *probe = body_of("0123456789");
    size_t one = probe->size;
    body_unref(probe);
    open_house(&h, 2 * one, 1);
    publish(&h, "/blog/a.html", "aaaaaaaaaa", SITE_CACHED);
    publish(&h, "/blog/b.html", "bbbbbbbbbb", SITE_CACHED);
    assert_stands(&h, "/blog/a.html", "aaaaaaaaaa"); /* now b is the least used */
    publish(&h, "/blog/c.html", "cccccccccc", SITE_CACHED);
    assert_nothing(&h, "/blog/b.html");
    assert_stands(&h, "/blog/a.html", "aaaaaaaaaa");
    assert_stands(&h, "/blog/c.html", "cccccccccc");
    publish(&h, "/blog.atom", "ffffffffff", SITE_FEED); /* does not count */
    assert_stands(&h, "/blog/a.html", "aaaaaaaaaa");
    publish(&h, "/blog/a.html", "AAAAAAAAAA", SITE_CACHED); /* replaced, not counted twice */
    assert_stands(&h, "/blog/c.html", "cccccccccc");
    close_house(&h);
}

static void a_body_larger_than_the_cache_is_not_kept(void **state)
{
    (void)state;
    struct house h;
    struct guest g;
    open_house(&h, 10, 1);
    know(&h, "blog");
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &g));
    publish(&h, PAGE_ONE, "a page", SITE_CACHED);
    assert_got(&g, "a page");
    assert_nothing(&h, PAGE_ONE);
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &g)); /* and is asked for again */
    assert_int_equal(2, h.misses);
    site_cancel(&g.waiter);
    close_house(&h);
}

static void many_wait_for_one_rendering(void **state)
{
    (void)state;
    struct house h;
    struct guest a, b, c;
    open_house(&h, 1 << 20, 1);
    know(&h, "blog");
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &a));
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &b));
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &c));
    assert_int_equal(1, h.misses);
    assert_string_equal(PAGE_ONE, h.missed);
    site_cancel(&b.waiter);
    site_cancel(&b.waiter); /* fine a second time */
    publish(&h, PAGE_ONE, "a page", SITE_CACHED);
    assert_got(&a, "a page");
    assert_got(&c, "a page");
    assert_int_equal(0, b.told);
    assert_stands(&h, PAGE_ONE, "a page");
    close_house(&h);
}

static void who_waits_for_nothing_is_told(void **state)
{
    (void)state;
    struct house h;
    struct guest a, b;
    open_house(&h, 1 << 20, 2);
    know(&h, "blog");
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &a));
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_TWO, &b));
    assert_int_equal(0, site_refuse(h.site, PAGE_ONE));
    deliver(&h);
    assert_int_equal(1, a.told);
    assert_int_equal(SITE_NONE, a.answer);
    assert_int_equal(0, b.told);
    close_house(&h); /* with b still waiting: it is let go */
    assert_int_equal(0, b.told);
    assert_null(b.waiter.link);
}

static void what_is_out_of_date_is_asked_for_again(void **state)
{
    (void)state;
    struct house h;
    struct guest g;
    open_house(&h, 1 << 20, 2);
    know(&h, "blog");
    publish(&h, "/blog.atom", "feed", SITE_FEED);
    publish(&h, PAGE_ONE, "old", SITE_CACHED);
    assert_int_equal(0, site_expire(h.site, "blog"));
    assert_int_equal(0, site_expire(h.site, "never-there"));
    deliver(&h);
    assert_stands(&h, "/blog.atom", "feed"); /* stays until it is replaced */
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &g));
    assert_int_equal(0, site_expire(h.site, "blog"));
    deliver(&h);
    assert_int_equal(0, g.told);
    publish(&h, PAGE_ONE, "new", SITE_CACHED);
    assert_got(&g, "new");
    assert_int_equal(1, h.misses);
    close_house(&h);
}

/* Of a feed that is not kept, too; and what was put in its place is not what was cached. */
static void a_cached_feed_goes_when_it_is_out_of_date(void **state)
{
    (void)state;
    struct house h;
    struct guest g;
    open_house(&h, 1 << 20, 10);
    know(&h, "blog");
    know(&h, "blog-two");
    publish(&h, "/blog-two.atom", "other", SITE_CACHED);
    assert_int_equal(SITE_WAIT, visit(&h, "/blog.atom", &g));
    assert_string_equal(h.missed, "/blog.atom");
    publish(&h, "/blog.atom", "old", SITE_CACHED);
    assert_got(&g, "old");
    assert_stands(&h, "/blog.atom", "old");
    assert_int_equal(0, site_expire(h.site, "blog"));
    deliver(&h);
    assert_int_equal(SITE_WAIT, visit(&h, "/blog.atom", &g));
    publish(&h, "/blog.atom", "new", SITE_FEED);
    assert_got(&g, "new");
    assert_int_equal(0, site_expire(h.site, "blog"));
    deliver(&h);
    assert_stands(&h, "/blog.atom", "new");
    assert_stands(&h, "/blog-two.atom", "other");
    assert_int_equal(0, site_refuse(h.site, "/blog.atom"));
    deliver(&h);
    assert_int_equal(SITE_WAIT, visit(&h, "/blog.atom", &g)); /* put away */
    site_cancel(&g.waiter);
    assert_int_equal(3, h.misses);
    close_house(&h);
}

static void only_so_many_paths_are_asked_at_once(void **state)
{
    (void)state;
    struct house h;
    struct guest a, b;
    open_house(&h, 1 << 20, 1);
    know(&h, "blog");
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &a));
    assert_int_equal(SITE_BUSY, visit(&h, PAGE_TWO, &b));
    site_cancel(&a.waiter); /* the poller still owes its answer */
    assert_int_equal(SITE_BUSY, visit(&h, PAGE_TWO, &b));
    publish(&h, PAGE_ONE, "a page", SITE_CACHED);
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_TWO, &b));
    assert_int_equal(2, h.misses);
    site_cancel(&b.waiter);
    close_house(&h);
}

static void only_pages_of_known_sources_are_asked_for(void **state)
{
    (void)state;
    struct house h;
    struct guest g;
    open_house(&h, 1 << 20, 10);
    know(&h, "blog");
    assert_int_equal(SITE_NONE, visit(&h, "/other/" UUID_ONE ".html", &g));
    assert_int_equal(SITE_NONE, visit(&h, "/blog/x.html", &g));
    assert_int_equal(SITE_NONE, visit(&h, "/blog/" UUID_ONE, &g));
    assert_int_equal(SITE_NONE, visit(&h, "/blog.html", &g));
    assert_int_equal(SITE_NONE, visit(&h, "/other.rss", &g));
    assert_nothing(&h, PAGE_ONE); /* nobody to wait */
    assert_int_equal(0, h.misses);
    close_house(&h);
}

static void a_forgotten_source_leaves_nothing(void **state)
{
    (void)state;
    struct house h;
    struct guest g, late;
    open_house(&h, 1 << 20, 2);
    know(&h, "blog");
    publish(&h, "/blog.atom", "x", SITE_FEED);
    publish(&h, "/blog/archive/1.atom", "x", SITE_CACHED);
    publish(&h, "/blog-two.atom", "x", SITE_FEED);
    publish(&h, "/all.atom", "x", SITE_FEED);
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &g));
    assert_int_equal(0, site_forget(h.site, "blog"));
    deliver(&h);
    assert_int_equal(1, g.told);
    assert_int_equal(SITE_NONE, g.answer);
    assert_nothing(&h, "/blog.atom");
    assert_nothing(&h, "/blog/archive/1.atom");
    assert_int_equal(SITE_NONE, visit(&h, PAGE_ONE, &late));
    assert_stands(&h, "/blog-two.atom", "x");
    assert_stands(&h, "/all.atom", "x");
    close_house(&h);
}

/* One that asks again as soon as it is told, and takes another guest along. */
struct restless {
    struct guest guest;
    struct house *house;
    struct site_waiter *companion;
    struct guest again;
};

static void on_restless(struct site_waiter *w, enum site_answer answer, struct body *body)
{
    struct restless *r = (struct restless *)((char *)w - offsetof(struct restless, guest.waiter));
    on_ready(w, answer, body);
    site_cancel(r->companion);
    assert_int_equal(SITE_WAIT, visit(r->house, PAGE_TWO, &r->again));
}

static void who_is_told_may_ask_and_cancel(void **state)
{
    (void)state;
    struct house h;
    struct guest companion;
    struct body *body;
    open_house(&h, 1 << 20, 4);
    know(&h, "blog");
    struct restless r = {.house = &h, .companion = &companion.waiter};
    r.guest.waiter.ready = on_restless;
    assert_int_equal(
        SITE_WAIT, site_find(h.site, str_of(PAGE_ONE), PAGE_ENGLISH, NOW, &body, &r.guest.waiter));
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &companion)); /* told in the order they came */
    publish(&h, PAGE_ONE, "a page", SITE_CACHED);
    assert_got(&r.guest, "a page");
    assert_int_equal(0, companion.told);
    publish(&h, PAGE_TWO, "another", SITE_CACHED);
    assert_got(&r.again, "another");
    close_house(&h);
}

static void paths_made_on_request(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool is;
    } cases[] = {
        {PAGE_ONE, true},
        {"/b/" UUID_TWO ".html", true},
        {"/" UUID_ONE ".html", false},
        {"//" UUID_ONE ".html", false},
        {"/blog/" UUID_ONE, false},
        {"/blog/" UUID_ONE ".htm", false},
        {"/blog/0A1b2c3d-0000-5000-8000-000000000001.html", false},
        {"/blog/0a1b2c3d00000-5000-8000-000000000001.html", false},
        {"/blog/0a1b2c3d-0000-5000-8000-00000000000.html", false},
        {"/blog/changes.atom", true},
        {"/blog/changes.rss", false},
        {"//changes.atom", false},
        {"/blog/x/changes.atom", false},
        {"/blog/archive/1.atom", true},
        {"/blog/archive/120.atom", true},
        {"/blog/archive/0.atom", false},
        {"/blog/archive/01.atom", false},
        {"/blog/archive/-1.atom", false},
        {"/blog/archive/.atom", false},
        {"/blog/archive/1.rss", false},
        {"/blog/archive/1/2.atom", false},
        {"/blog/archive/99999999999999999999.atom", false},
        {"/blog/x/" UUID_ONE ".html", false},
        {"blog/" UUID_ONE ".html", false},
        {"/blog.atom", true},
        {"/blog.rss", true},
        {"/blog.json", true},
        {"/blog.html", false},
        {"/blog.atom/", false},
        {"/.atom", false},
        {"blog.atom", false},
        {"/blog", false},
        {"/.html", false},
        {".html", false},
        {"/", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct site_path p;
        if (site_parse(str_of(cases[i].path), &p) != cases[i].is)
            fail_msg("%s", cases[i].path);
    }
    struct site_path p;
    assert_true(site_parse(str_of(PAGE_ONE), &p));
    assert_int_equal(SITE_ENTRY, p.kind);
    assert_true(str_eq(p.name, STR("blog")));
    assert_true(str_eq(p.uuid, STR(UUID_ONE)));
    assert_true(site_parse(STR("/b.json"), &p));
    assert_int_equal(SITE_ENTRIES, p.kind);
    assert_int_equal(FEED_JSON, p.format);
    assert_true(str_eq(p.name, STR("b")));
    assert_true(site_parse(STR("/b/changes.atom"), &p));
    assert_int_equal(SITE_CHANGES, p.kind);
    assert_true(site_parse(STR("/b/archive/12.atom"), &p));
    assert_int_equal(SITE_ARCHIVE, p.kind);
    assert_int_equal(12, p.number);
    assert_true(str_eq(p.name, STR("b")));
}

/* ---- what is gone, and what has another name ------------------------------------------------ */

static void what_is_gone_is_said_to_be(void **state)
{
    (void)state;
    struct house h;
    struct guest g;
    open_house(&h, 1 << 20, 4);
    know(&h, "blog");
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &g));
    assert_int_equal(0, site_gone(h.site, PAGE_ONE));
    deliver(&h);
    assert_int_equal(1, g.told);
    assert_int_equal(SITE_GONE, g.answer);
    assert_null(g.body);
    /* It may come back: the poller is asked again. */
    assert_int_equal(SITE_WAIT, visit(&h, PAGE_ONE, &g));
    assert_int_equal(2, h.misses);
    publish(&h, PAGE_ONE, "back", SITE_CACHED);
    assert_got(&g, "back");
    close_house(&h);
}

/* `location` NULL: nothing is there. */
static void assert_moved(struct house *h, const char *path, const char *location)
{
    struct body *b;
    char field[512];
    if (!location) {
        assert_nothing(h, path);
        return;
    }
    assert_int_equal(SITE_MOVED, find(h, path, &b));
    snprintf(field, sizeof field, "Location: %s\r\n", location);
    struct str fields = b->fields_ok[ENCODING_IDENTITY];
    assert_true(str_starts(fields, str_of(field)));
    assert_true(str_find(fields, STR("Cache-Control: public, max-age=86400\r\n"), 0) != SIZE_MAX);
    assert_true(str_ends(fields, STR("\r\n")));
    assert_true(b->bytes[ENCODING_IDENTITY].n > 0);
    body_unref(b);
}

static void old_names_lead_to_new_ones(void **state)
{
    (void)state;
    static const struct {
        const char *path, *location;
    } cases[] = {
        {"/old.atom", "https://example.org/f/blog.atom"},
        {"/old.json", "https://example.org/f/blog.json"},
        {"/old/changes.atom", "https://example.org/f/blog/changes.atom"},
        {"/old/archive/3.atom", "https://example.org/f/blog/archive/3.atom"},
        {"/old/" UUID_ONE ".html", "https://example.org/f/blog/" UUID_ONE ".html"},
        {"/old", "https://example.org/f/blog"},
        {"/old/", NULL},
        {"/older.atom", NULL},
        {"/old.atom\r\nSet-Cookie: a=b", NULL},
        {"/old/<script>", NULL},
        {"/old/\xe8\x8c\xb6", NULL},
    };
    const char *const names[] = {"blog", NULL};
    struct house h;
    open_house(&h, 1 << 20, 4);
    know(&h, "blog");
    assert_int_equal(0, site_describe(h.site, "https://example.org/f", names));
    assert_nothing(&h, "/old.atom");
    assert_int_equal(0, site_moved(h.site, "old", "blog"));
    deliver(&h);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_moved(&h, cases[i].path, cases[i].location);
    /* What stands there under its own name is not sent away. */
    publish(&h, "/old.atom", "own", SITE_FEED);
    assert_stands(&h, "/old.atom", "own");
    assert_int_equal(0, site_moved(h.site, "old", NULL));
    deliver(&h);
    assert_nothing(&h, "/old.json");
    close_house(&h);
}

/* The name alone is a feed in whatever format is liked. */
static void a_name_is_a_choice(void **state)
{
    (void)state;
    const char *const names[] = {"blog", NULL};
    struct house h;
    struct body *b;
    open_house(&h, 1 << 20, 4);
    know(&h, "blog");
    assert_int_equal(0, site_describe(h.site, "https://example.org/f", names));
    deliver(&h);
    assert_nothing(&h, "/blog"); /* there is no feed yet */
    publish(&h, "/blog.atom", "feed", SITE_FEED);
    assert_int_equal(SITE_CHOICE, find(&h, "/blog", &b));
    assert_null(b);
    assert_nothing(&h, "/blog/");
    assert_nothing(&h, "/blo");
    b = site_format(h.site, STR("/blog"), FEED_JSON);
    assert_non_null(b);
    struct str fields = b->fields_ok[ENCODING_IDENTITY];
    assert_true(str_starts(fields, STR("Location: https://example.org/f/blog.json\r\n")));
    assert_true(str_find(fields, STR("Vary: Accept\r\n"), 0) != SIZE_MAX);
    body_unref(b);
    close_house(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_feed_stays_and_is_replaced),
        cmocka_unit_test(a_name_is_a_choice),
        cmocka_unit_test(a_body_outlives_its_replacement),
        cmocka_unit_test(mail_is_read_in_order_and_not_before),
        cmocka_unit_test(mail_left_in_the_box_is_freed),
        cmocka_unit_test(the_least_used_goes_first),
        cmocka_unit_test(a_body_larger_than_the_cache_is_not_kept),
        cmocka_unit_test(many_wait_for_one_rendering),
        cmocka_unit_test(who_waits_for_nothing_is_told),
        cmocka_unit_test(what_is_out_of_date_is_asked_for_again),
        cmocka_unit_test(a_cached_feed_goes_when_it_is_out_of_date),
        cmocka_unit_test(only_so_many_paths_are_asked_at_once),
        cmocka_unit_test(only_pages_of_known_sources_are_asked_for),
        cmocka_unit_test(a_forgotten_source_leaves_nothing),
        cmocka_unit_test(who_is_told_may_ask_and_cancel),
        cmocka_unit_test(paths_made_on_request),
        cmocka_unit_test(what_is_gone_is_said_to_be),
        cmocka_unit_test(old_names_lead_to_new_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
