/* Digests of several pages: one run of sections, believed together or not at all. Each poll here is
 * a process of its own, so that all that is known of the pages comes from the store. */
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

#define PAGE(sections, more)                                                                       \
    "<html><head><title>T</title></head><body><article><div id=\"container\">" sections            \
    "</div></article>" more "</body></html>"
#define NEXT(href) "<p><a class=next href=\"" href "\">older</a></p>"
#define S(title)   "<h1>#" title "</h1><p>All the words of section " title ".</p><p>....</p>"
#define BY_LINK    "pages = 3\nnext = //a[@class='next']\n"
#define BY_NUMBER  "pages = 3\n"

struct world {
    struct place *place;
    struct source_site *site;
    char *conf;
};

static struct world begin(struct place *p, const char *path, const char *keys)
{
    struct world w = {.place = p, .site = source_site_start()};

    place_writef(p, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[source blog]\nurl = %s\n"
                 "id-base = x\nprofile = 51cto\ninterval = 1h\n%s",
                 place_path(p, "state"), source_site_url(w.site, path), keys);
    w.conf = strdup(place_path(p, "c"));
    return w;
}

static void end(struct world *w)
{
    struct ran r = DIGESTD("check", "--state", "-c", w->conf);

    assert_string_equal(r.out.p, "");
    ran_clear(&r);
    source_site_stop(w->site);
    free(w->conf);
}

/* With validators that its bytes have, so that it is answered by 304 while it is what it was. */
static void serve(struct world *w, const char *path, const char *page)
{
    char etag[40];

    snprintf(etag, sizeof(etag), "\"%llx\"", (unsigned long long)hash_of(str_of(page)).lo);
    source_site_set(w->site, path,
                    &(struct site_step){.body = page, .etag = etag, .conditional = true}, 1);
}

/* One poll; its rows as "new A, removed B". An error is compared by its beginning. */
static void poll(struct world *w, const char *expected)
{
    struct ran r = DIGESTD("poll", "-c", w->conf);
    struct str rest = r.out;
    struct buf got;

    buf_init(&got, SIZE_MAX);
    buf_puts(&got, "");
    while (rest.n) {
        struct str row = str_cut(&rest, '\n'), event;

        str_cut(&row, '\t');
        event = str_cut(&row, '\t');
        str_cut(&row, '\t');
        buf_printf(&got, "%s%.*s %.*s", got.len ? ", " : "", STR_ARG(event), STR_ARG(row));
    }
    if (strncmp(expected, "error", 5) == 0 ? !str_starts(buf_str(&got), str_of(expected))
                                           : !str_eq(buf_str(&got), str_of(expected)))
        fail_msg("got '%.*s', expected '%s' (%s)", STR_ARG(buf_str(&got)), expected, r.err.p);
    assert_int_equal(r.status, strncmp(expected, "error", 5) == 0 ? 2 : 0);
    buf_clear(&got);
    ran_clear(&r);
}

/* How often each of the three was asked for since the last time. */
static void asked(struct world *w, const char *const paths[3], size_t one, size_t two, size_t three)
{
    static size_t before[3];
    size_t now[3], want[] = {one, two, three};

    for (size_t i = 0; i < 3; i++)
        now[i] = source_site_requests(w->site, paths[i]);
    if (!one && !two && !three)
        memset(before, 0, sizeof(before)); /* a new site */
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(now[i] - before[i], want[i]);
        before[i] = now[i];
    }
}

static const char *const linked[] = {"/d", "/d/2", "/d/3"};
static const char *const numbered[] = {"/d?p=1", "/d?p=2", "/d?p=3"};

static bool list_has(struct world *w, const char *text)
{
    struct ran r = DIGESTD("list", "-c", w->conf, "-f", "jsonfeed", "blog");
    bool has = strstr(r.out.p, text) != NULL;

    if (!has)
        print_error("%s\n", r.out.p);
    ran_clear(&r);
    return has;
}

/* One run, one feed; each page has its validators; links lead to the page that the section is on,
 * also when it has slid there. */
static void test_one_run(void **state)
{
    struct world w = begin(*state, "/d", BY_LINK);
    char link[128];

    asked(&w, linked, 0, 0, 0);
    serve(&w, "/d", PAGE(S("A") S("B"), NEXT("/d/2")));
    serve(&w, "/d/2", PAGE(S("C") S("D"), NEXT("3#top")));
    source_site_set_page(w.site, "/3", "");
    serve(&w, "/d/2", PAGE(S("C") S("D"), NEXT("/d/3#top")));
    serve(&w, "/d/3", PAGE(S("E") S("F"), NEXT("/d/4")));
    poll(&w, "new A, new B, new C, new D, new E, new F");
    asked(&w, linked, 1, 1, 1);
    assert_int_equal(source_site_requests(w.site, "/d/4"), 0);
    snprintf(link, sizeof(link), "\"url\":\"%s#:~:text=", source_site_url(w.site, "/d/2"));
    assert_true(list_has(&w, link));
    /* Nothing new: three requests without a body. */
    poll(&w, "");
    asked(&w, linked, 1, 1, 1);
    assert_non_null(strstr(source_site_head(w.site, "/d/3", 0), "If-None-Match: "));
    /* One in the middle changes: the others need not come. */
    serve(&w, "/d/2",
          PAGE(S("C") "<h1>#D</h1><p>Another text altogether of section D.</p><p>....</p>",
               NEXT("/d/3")));
    poll(&w, "changed D");
    asked(&w, linked, 1, 1, 1);
    poll(&w, "");
    /* One comes in at the top, and the rest slides. */
    asked(&w, linked, 1, 1, 1);
    serve(&w, "/d", PAGE(S("N") S("A"), NEXT("/d/2")));
    serve(&w, "/d/2", PAGE(S("B") S("C"), NEXT("/d/3")));
    serve(&w, "/d/3",
          PAGE("<h1>#D</h1><p>Another text altogether of section D.</p><p>....</p>" S("E") S("F"),
               ""));
    poll(&w, "new N");
    snprintf(link, sizeof(link), "\"url\":\"%s#:~:text=B", source_site_url(w.site, "/d/2"));
    assert_true(list_has(&w, link));
    poll(&w, "");
    end(&w);
}

/* A section that slid from one page to the next between two fetches is on both; one that slid the
 * other way is on neither, and is not told as removed before it is missed twice. */
static void test_slid(void **state)
{
    struct world w = begin(*state, "/d", BY_LINK);

    serve(&w, "/d", PAGE(S("A") S("B"), NEXT("/d/2")));
    serve(&w, "/d/2", PAGE(S("B") S("C"), ""));
    poll(&w, "new A, new B, new C");
    serve(&w, "/d", PAGE(S("A"), NEXT("/d/2")));
    serve(&w, "/d/2", PAGE(S("C"), ""));
    poll(&w, "");
    serve(&w, "/d", PAGE(S("A") S("B"), NEXT("/d/2")));
    poll(&w, "");
    serve(&w, "/d", PAGE(S("A"), NEXT("/d/2")));
    poll(&w, "");
    poll(&w, "removed B"); /* of 304s alone */
    poll(&w, "");
    end(&w);
}

#define CUT_TOP    "<h1>#L</h1><p>It begins on one page,</p>"
#define CUT_BOTTOM "<p>and ends on <b>the next</b>.</p><p>....</p>"

/* A section that goes on over the end of its page is one, with all of its words. */
static void test_cut(void **state)
{
    struct world w = begin(*state, "/d", BY_LINK);

    serve(&w, "/d", PAGE(S("A") CUT_TOP, NEXT("/d/2")));
    serve(&w, "/d/2", PAGE(CUT_BOTTOM S("B"), ""));
    poll(&w, "new A, new L, new B");
    assert_true(list_has(&w, "<p>It begins on one page,</p><p>and ends on <b>the next</b>.</p>"));
    /* Wherever the page ends. */
    serve(&w, "/d", PAGE(S("A") CUT_TOP CUT_BOTTOM, NEXT("/d/2")));
    serve(&w, "/d/2", PAGE(S("B"), ""));
    poll(&w, "");
    /* On to the very end, where nothing else is. */
    serve(&w, "/d", PAGE(S("A") S("B") CUT_TOP, NEXT("/d/2")));
    serve(&w, "/d/2", PAGE(CUT_BOTTOM, ""));
    poll(&w, "");
    end(&w);
}

/* One page that is doubted is a poll that is doubted; the next good one tells what there is. */
static void test_doubted(void **state)
{
    static const struct {
        struct site_step second;
        const char *says;
    } cases[] = {
        {{.status = 503}, "error page 2: the site answered 503 "},
        {{.status = 404}, "error page 2: the site answered 404 "},
        {{.body = PAGE(S("C") S("D"), ""), .fault = SITE_CUT, .cut = 80}, "error page 2: "},
        {{.body = "<html><p>Prove that you are human"}, "error page 2: no content element: "},
        {{.body = "<html><article><div id=\"container\">" S("C") "<p>half"},
         "error page 2: cut short: "},
        {{.body = PAGE("<p>Nothing.</p>", "")}, "error page 2: no sections: "},
        {{.body = PAGE(S("C"), NEXT("http://127.0.0.2:1/d"))},
         "error next page: page 2 leads on to http://127.0.0.2:1/d, a page on another host"},
        {{.body = PAGE(S("C"), NEXT("http://me:secret@127.0.0.2:1/d"))},
         "error next page: page 2 leads on to http://127.0.0.2:1/d, a page on another host"},
        {{.body = PAGE(S("C"), NEXT("/d"))}, "error next page: page 2 leads on to http://"},
        {{.body = PAGE(S("C"), NEXT("#"))}, "error next page: page 2 leads on to http://"},
        {{.body = PAGE(S("C"), NEXT("file:///etc/passwd"))},
         "error next page: page 2 leads on to file:///etc/passwd, a page of another kind"},
        {{.body = PAGE(S("C"), NEXT("javascript:go()"))},
         "error next page: page 2 leads on to javascript:go(), a page of another kind"},
    };
    struct world w = begin(*state, "/d", BY_LINK);

    serve(&w, "/d", PAGE(S("A") S("B"), NEXT("/d/2")));
    serve(&w, "/d/2", PAGE(S("C") S("D"), ""));
    poll(&w, "new A, new B, new C, new D");
    serve(&w, "/d", PAGE(S("N") S("A") S("B"), NEXT("/d/2")));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        source_site_set(w.site, "/d/2", &cases[i].second, 1);
        poll(&w, cases[i].says);
    }
    serve(&w, "/d/2", PAGE(S("C") S("D"), ""));
    poll(&w, "new N");
    end(&w);
}

/* {n} in the url: pages up to the first that is not there. */
static void test_numbered(void **state)
{
    struct world w = begin(*state, "/d?p={n}", BY_NUMBER);

    asked(&w, numbered, 0, 0, 0);
    serve(&w, "/d?p=1", PAGE(S("A") S("B"), ""));
    poll(&w, "new A, new B");
    asked(&w, numbered, 1, 1, 0);
    serve(&w, "/d?p=2", PAGE(S("C") S("D"), ""));
    poll(&w, "new C, new D");
    asked(&w, numbered, 1, 1, 1);
    /* One behind the last with nothing on it, or that sends back to the first. */
    serve(&w, "/d?p=3", PAGE("<p>No more.</p>", ""));
    poll(&w, "");
    poll(&w, "");
    asked(&w, numbered, 2, 2, 2);
    source_site_set(
        w.site, "/d?p=3",
        &(struct site_step){.status = 302, .location = source_site_url(w.site, "/d?p=1")}, 1);
    poll(&w, "");
    serve(&w, "/d?p=3", PAGE(S("E"), ""));
    serve(&w, "/d?p=4", PAGE(S("F"), ""));
    poll(&w, "new E");
    assert_int_equal(source_site_requests(w.site, "/d?p=4"), 0);
    /* The last one goes, and what was on it. */
    source_site_set(w.site, "/d?p=3", &(struct site_step){.status = 410}, 1);
    poll(&w, "");
    poll(&w, "removed E");
    poll(&w, "");
    /* A wall on the second is no end. */
    source_site_set(w.site, "/d?p=2", &(struct site_step){.status = 403}, 1);
    poll(&w, "error page 2: the site answered 403 ");
    end(&w);
}

/* Most of it is gone: held, also where the pages that show it come but once. */
static void test_held(void **state)
{
    struct world w = begin(*state, "/d", BY_LINK);

    serve(&w, "/d", PAGE(S("A"), NEXT("/d/2")));
    serve(&w, "/d/2", PAGE(S("B") S("C") S("D"), ""));
    poll(&w, "new A, new B, new C, new D");
    serve(&w, "/d", PAGE(S("A"), ""));
    poll(&w, "error too many lost: 3 of 4 sections are gone");
    poll(&w, "error too many lost: 3 of 4 sections are gone");
    poll(&w, "removed B, removed C, removed D");
    poll(&w, "");
    end(&w);
}

/* Files, up to the last there is. */
static void test_files(void **state)
{
    struct place *p = *state;
    struct world w = begin(p, "/", "");

    place_writef(p, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[source blog]\n"
                 "url = file:part {n}.html\nid-base = x\nprofile = 51cto\npages = 9\n",
                 place_path(p, "state"));
    place_write(p, "part 1.html", STR(PAGE(S("A"), "")));
    place_write(p, "part 2.html", STR(PAGE(S("B"), "")));
    poll(&w, "new A, new B");
    poll(&w, "");
    place_write(p, "part 3.html", STR(PAGE(S("C"), "")));
    poll(&w, "new C");
    end(&w);
}

/* In the daemon: a poll that waits for its second page is begun anew where the conf is read again,
 * and given up where the daemon stops. */
static void test_daemon(void **state)
{
    struct world w = begin(*state, "/d", BY_LINK);
    struct house *h;
    struct ran r;
    char *feed;

    serve(&w, "/d", PAGE(S("A"), NEXT("/d/2")));
    source_site_set(w.site, "/d/2", &(struct site_step){.fault = SITE_HANG}, 1);
    h = house_start(w.conf, &r);
    if (!h)
        fail_msg("did not start: %s", r.err.p);
    assert_true(source_site_wait_requests(w.site, "/d/2", 1, 15));
    serve(&w, "/d/2", PAGE(S("B"), ""));
    house_signal(h, SIGHUP);
    feed = house_get_with(h, "/blog.atom", "All the words of section B.", 15000);
    assert_non_null(feed);
    assert_non_null(strstr(feed, "All the words of section A."));
    free(feed);
    assert_int_equal(house_stop(h, NULL), 0);
    end(&w);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
    const struct CMUnitTest tests[] = {T(test_one_run), T(test_slid),     T(test_cut),
                                       T(test_doubted), T(test_numbered), T(test_held),
                                       T(test_files),   T(test_daemon)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
