/* Sources that are feeds already: our own, subscribed by another digestd, is the same feed; what
 * happens to one that others make, poll by poll, each a process of its own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ------------------------------------------------------------------------------- */

/* Its output, to be freed; its status and what it says on stderr are as expected. */
static char *expect(struct ran r, int status, const char *says)
{
    if (r.status != status || !strstr(r.err.p, says))
        fail_msg("status %d, not %d, or not \"%s\": %s%s", r.status, status, says, r.out.p,
                 r.err.p);
    free((char *)r.err.p);
    return (char *)r.out.p;
}

static void assert_output(struct ran r, int status, const char *output)
{
    char *out = expect(r, status, "");

    assert_string_equal(out, output);
    free(out);
}

static char *write_conf(struct place *p, const char *name, const char *sources)
{
    char file[64];

    snprintf(file, sizeof(file), "%s.conf", name);
    place_writef(p, file,
                 "[daemon]\nlisten = 127.0.0.1:0\nbase-url = http://%s.example\nstate-dir = %s\n"
                 "[poll]\ninterval = 1h\n%s",
                 name, place_path(p, name), sources);
    return strdup(place_path(p, file));
}

/* ---- round trip ---------------------------------------------------------------------------- */

#define SECTION(title, html) "<h1>#" title "</h1>" html "<p>....</p>"
static const char page[] =
    "<html lang=zh-CN><head><title>T &amp; C</title><meta name=author content=王小明></head>"
    "<body><article><div id=\"container\">" SECTION(
        "检索增强 &lt;RAG&gt; &amp;amp; more",
        "<p>先建 <a href=\"https://example.org/?a=1&amp;b=2\">索引</a>，再问模型。</p>"
        "<pre><code>if (a &lt; b &amp;&amp; c)\n    return;</code></pre>")
        SECTION(
            "A 'quoted' &quot;title&quot;",
            "<p><img src=\"https://example.org/tu.png?w=1\" alt=\"tu\" width=640></p>"
            "<ul><li>one<li>two <b>bold</b></ul>"
            "<audio controls src=\"https://example.org/a.ogg\"></audio>"
            "<video controls poster=\"https://example.org/s.jpg\">"
            "<source src=\"https://example.org/f.webm\"><source src=\"https://example.org/f.mp4\">"
            "</video>") SECTION("Same", "<p>First of two.</p>")
            SECTION("Same",
                    "<p>Second of two.</p><table><tr><td>a<td>b</table>") "</div></article></"
                                                                          "body></html>";

static json_t *items_of(const char *conf, const char *source)
{
    char *out = expect(DIGESTD("list", "-c", conf, "-f", "jsonfeed", source), 0, "");
    json_t *root = json_loads(out, 0, NULL), *items = json_object_get(root, "items");

    assert_non_null(items);
    json_incref(items);
    json_decref(root);
    free(out);
    return items;
}

static void assert_same_items(const json_t *ours, const json_t *theirs, const char *format)
{
    static const char *const keys[] = {"id",      "title",          "content_html",
                                       "url",     "date_published", "date_modified",
                                       "summary", "attachments",    "authors"};
    const json_t *one;
    size_t i;

    assert_int_equal(json_array_size(ours), json_array_size(theirs));
    json_array_foreach(ours, i, one)
    {
        for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
            const json_t *a = json_object_get(one, keys[k]);
            const json_t *b = json_object_get(json_array_get(theirs, i), keys[k]);
            char *x, *y;

            if (a == b || json_equal(a, b))
                continue;
            x = json_dumps(a, JSON_ENCODE_ANY);
            y = json_dumps(b, JSON_ENCODE_ANY);
            fail_msg("%s, item %zu, %s: %s, not %s", format, i, keys[k], y, x);
        }
    }
}

/* What digestd serves in each format, and digestd reads again, has the same ids, titles, texts,
 * addresses and dates; and is served on by the same ids. */
static void test_round_trip(void **state)
{
    static const char *const formats[] = {"atom", "rss", "json"};
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char *ours = write_conf(p, "ours",
                            "[source blog]\nurl = file:page.html\nid-base = x\n"
                            "profile = 51cto\n");
    json_t *before;
    struct house *h;
    struct ran r;

    place_write(p, "page.html", str_of(page));
    free(expect(DIGESTD("poll", "-c", ours), 0, ""));
    before = items_of(ours, "blog");
    assert_int_equal(json_array_size(before), 4);
    h = house_start(ours, &r);
    if (!h)
        fail_msg("did not start: %s", r.err.p);
    for (size_t i = 0; i < 3; i++) {
        char path[32], sources[256];
        char *body, *theirs, *feed;
        struct house *other;
        json_t *after;

        snprintf(path, sizeof(path), "/blog.%s", formats[i]);
        body = house_get(h, path);
        assert_non_null(body);
        source_site_set_page(site, path, body);
        snprintf(sources, sizeof(sources), "[source theirs]\nurl = %s\ntype = feed\n",
                 source_site_url(site, path));
        theirs = write_conf(p, formats[i], sources);
        free(expect(DIGESTD("poll", "-c", theirs), 0, ""));
        after = items_of(theirs, "theirs");
        assert_same_items(before, after, formats[i]);
        assert_output(DIGESTD("poll", "-c", theirs), 0, "");
        other = house_start(theirs, &r);
        if (!other)
            fail_msg("did not start: %s", r.err.p);
        feed = house_get(other, "/theirs.atom");
        assert_non_null(feed);
        for (size_t k = 0; k < 4; k++)
            assert_non_null(
                strstr(feed, json_string_value(json_object_get(json_array_get(before, k), "id"))));
        assert_int_equal(house_stop(other, NULL), 0);
        json_decref(after);
        free(feed);
        free(body);
        free(theirs);
    }
    assert_int_equal(house_stop(h, NULL), 0);
    json_decref(before);
    source_site_stop(site);
    free(ours);
}

/* ---- poll by poll -------------------------------------------------------------------------- */

#define RSS(items)                                                                                 \
    "<rss version=\"2.0\"><channel><title>Tea</title><link>https://tea.example/</link>" items      \
    "</channel></rss>"
#define ITEM(n, title, text)                                                                       \
    "<item><guid>https://tea.example/?p=" n "</guid><title>" title "</title>"                      \
    "<link>https://tea.example/" n "</link><pubDate>Tue, 0" n " Nov 2005 00:00:00 GMT</pubDate>"   \
    "<description>" text "</description></item>"
#define A                    ITEM("1", "A", "ants")
#define B                    ITEM("2", "B", "bees")
#define C                    ITEM("3", "C", "cats")
#define ID(n)                "https://tea.example/?p=" n
#define ROW(event, n, title) "tea\t" event "\t" ID(n) "\t" title "\n"
#define TROUBLE(reason)      "tea\terror\t-\t" reason "\n"

static void test_polls(void **state)
{
    static const struct {
        struct site_step step;
        int status;
        const char *rows;
    } polls[] = {
        {{.body = RSS("")}, 0, ""},
        {{.body = RSS(B A), .content_type = "application/rss+xml"},
         0,
         ROW("new", "2", "B") ROW("new", "1", "A")},
        {{.body = RSS(B A)}, 0, ""},
        {{.body = RSS(C B), .etag = "\"1\"", .conditional = true}, 0, ROW("new", "3", "C")},
        {{.body = RSS(C B), .etag = "\"1\"", .conditional = true}, 0, ""},
        {{.body = "<!DOCTYPE html><p>Are you a robot?"},
         2,
         TROUBLE("wrong type: an HTML page in place of a feed: perhaps a bot check or a log-in; "
                 "else set url to the address of the feed, or leave out type = feed")},
        {{.body = RSS(C B), .fault = SITE_CUT, .cut = 90}, 2, "tea\terror\t-\tnot whole: "},
        {{.body = "<rss><channel><item>"},
         2,
         TROUBLE("cut short: the feed ends in the middle (line 1)")},
        {{.body = RSS("<item>&</item>")}, 2, "tea\terror\t-\tnot well-formed: "},
        {{.body = RSS("")},
         2,
         TROUBLE("no entries: the feed is empty, and 3 entries of it are known; check the url")},
        {{.status = 503, .body = RSS(A)}, 2, "tea\terror\t-\t"},
        {{.body = RSS(ITEM("3", "C", "cats and dogs") ITEM("1", "A!", "ants"))},
         0,
         ROW("changed", "3", "C") ROW("renamed", "1", "A!")},
    };
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char sources[256], *conf, *out;

    snprintf(sources, sizeof(sources), "[source tea]\nurl = %s\ntype = feed\n",
             source_site_url(site, "/feed"));
    conf = write_conf(p, "a", sources);
    for (size_t i = 0; i < sizeof(polls) / sizeof(*polls); i++) {
        source_site_set(site, "/feed", &polls[i].step, 1);
        out = expect(DIGESTD("poll", "-c", conf), polls[i].status, "");
        if (polls[i].rows[strlen(polls[i].rows) - (*polls[i].rows != 0)] == '\n' || !*polls[i].rows
                ? strcmp(out, polls[i].rows) != 0
                : strncmp(out, polls[i].rows, strlen(polls[i].rows)) != 0)
            fail_msg("poll %zu: %s, not %s", i, out, polls[i].rows);
        free(out);
    }
    out = expect(DIGESTD("list", "-c", conf, "tea"), 0, "");
    assert_non_null(strstr(out, "\tlive\t" ID("2") "\tB\n"));
    assert_null(strstr(out, "removed"));
    free(out);
    free(expect(DIGESTD("adopt", "-c", conf, "tea", "/nowhere"), 1, "follows a feed"));
    source_site_stop(site);
    free(conf);
}

/* The page of an entry, its edits, and the state, which stays whole. */
static void test_served(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char sources[256], *conf, *feed, *body, *path, *end;
    struct house *h;
    struct ran r;

    snprintf(sources, sizeof(sources), "[source tea]\nurl = %s\ntype = feed\n",
             source_site_url(site, "/feed"));
    conf = write_conf(p, "a", sources);
    source_site_set_page(site, "/feed",
                         RSS("<item><guid isPermaLink=\"false\">41</guid><title>A</title><author>"
                             "Ann</author><description>ants</description></item>"));
    free(expect(DIGESTD("poll", "-c", conf), 0, ""));
    source_site_set_page(site, "/feed",
                         RSS("<item><guid isPermaLink=\"false\">41</guid><title>A</title><author>"
                             "Ann</author><description>aunts</description></item>"));
    free(expect(DIGESTD("poll", "-c", conf), 0, ""));
    h = house_start(conf, &r);
    if (!h)
        fail_msg("did not start: %s", r.err.p);
    feed = house_get(h, "/tea.atom");
    assert_non_null(feed);
    assert_non_null(strstr(feed, "<name>Ann</name>"));
    assert_non_null(strstr(feed, "href=\"https://tea.example/\""));
    path = strstr(feed, "rel=\"alternate\" type=\"text/html\" href=\"http://a.example/tea/");
    assert_non_null(path);
    path = strstr(path, "/tea/");
    end = strchr(path, '"');
    *end = '\0';
    body = house_get(h, path);
    assert_non_null(body);
    assert_non_null(strstr(body, "aunts"));
    assert_non_null(strstr(body, "Ann"));
    free(body);
    body = house_get(h, "/tea/changes.atom");
    assert_non_null(body);
    assert_non_null(strstr(body, "aunts"));
    free(body);
    free(feed);
    assert_int_equal(house_stop(h, NULL), 0);
    assert_output(DIGESTD("check", "--state", "-c", conf), 0, "");
    source_site_stop(site);
    free(conf);
}

/* extract sees by itself that a file is a feed. */
static void test_extract(void **state)
{
    struct place *p = *state;
    char *out;

    place_write(p, "feed.xml", str_of(RSS(ITEM("2", "B", "&lt;img src=/b.png&gt; bees") A)));
    out = expect(DIGESTD("extract", place_path(p, "feed.xml")), 0, "");
    assert_string_equal(out, "       chars  images  links  title\n"
                             "  1        4       1      0  B\n"
                             "  2        4       0      0  A\n");
    free(out);
    out = expect(DIGESTD("extract", "-f", "jsonfeed", place_path(p, "feed.xml")), 0, "");
    assert_non_null(strstr(out, "\"id\":\"" ID("2") "\""));
    assert_non_null(strstr(out, "\"date_published\":\"2005-11-02T00:00:00Z\""));
    assert_non_null(strstr(out, "https://tea.example/b.png"));
    free(out);
    place_write(p, "feed.xml", str_of(RSS("")));
    free(expect(DIGESTD("extract", place_path(p, "feed.xml")), 2, "the feed is empty"));
    place_write(p, "feed.xml", STR("<rss><channel>"));
    free(expect(DIGESTD("extract", place_path(p, "feed.xml")), 2, "ends in the middle"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
    const struct CMUnitTest tests[] = {T(test_round_trip), T(test_polls), T(test_served),
                                       T(test_extract)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
