/* What users move and back up: backups beside a running daemon, the check of what is stored, feeds
 * from which a store is filled again, a source that goes on under another name. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTIONS 12

/* Sections with what a feed could lose on its way: markup, links into the page and out of it,
 * pictures, a list, twins. */
static void write_page(struct place *p, const char *name, int first, const char *more)
{
    struct buf b;

    buf_init(&b, SIZE_MAX);
    buf_puts(&b, "<html><head><title>T</title></head><body><article><div id=\"container\">");
    for (int i = first; i < SECTIONS; i++)
        buf_printf(&b,
                   "<h1>#Section %d</h1><p>Words of <b>section %d &amp; %d</b>, <a "
                   "href=\"#there\">there</a> and <a href=\"https://example.net/?a=%d&amp;b=1\">"
                   "elsewhere<br>on two lines</a>.</p><ul><li>one<li>two <i>%d</i></ul><p>"
                   "<img src=\"https://example.net/%d.png?x=1&amp;y=2\" alt=\"%d\"></p>"
                   "<pre>a\n  b %d</pre><p>....</p>",
                   i / 2, i, i * 7919, i, i, i, i, i);
    buf_puts(&b, more);
    buf_puts(&b, "</div></article></body></html>");
    place_write(p, name, buf_str(&b));
    buf_clear(&b);
}

static const char *write_conf(struct place *p, const char *state, const char *source)
{
    char name[64];

    snprintf(name, sizeof(name), "%s.conf", state);
    place_writef(p, name,
                 "[daemon]\nlisten = 127.0.0.1:0\nbase-url = http://feeds.example\n"
                 "state-dir = %s\n[source %s]\nurl = file:page.html\nid-base = x\n"
                 "profile = 51cto\ninterval = 1h\n",
                 place_path(p, state), source);
    return place_path(p, name);
}

/* Runs it; its output, to be freed. */
static char *expect(struct ran r, int status, const char *says)
{
    if (r.status != status || !strstr(r.err.p, says))
        fail_msg("status %d, not %d, or not \"%s\": %s%s", r.status, status, says, r.out.p,
                 r.err.p);
    free((char *)r.err.p);
    return (char *)r.out.p;
}

static void silent(struct ran r, int status, const char *says)
{
    char *out = expect(r, status, says);

    assert_string_equal(out, "");
    free(out);
}

static struct house *start(const char *conf)
{
    struct ran r;
    struct house *h = house_start(conf, &r);

    if (!h)
        fail_msg("did not start: %s", r.err.p);
    return h;
}

static void save_feeds(struct place *p, const char *conf, const char *source)
{
    static const char *const suffixes[] = {"atom", "rss", "json"};
    struct house *h = start(conf);

    for (size_t i = 0; i < 3; i++) {
        char path[64], name[64];
        char *body;

        snprintf(path, sizeof(path), "/%s.%s", source, suffixes[i]);
        snprintf(name, sizeof(name), "saved.%s", suffixes[i]);
        body = house_get(h, path);
        assert_non_null(body);
        place_write(p, name, str_of(body));
        free(body);
    }
    assert_int_equal(house_stop(h, NULL), 0);
}

/* Polled, saved, adopted by an empty store: no event, the same ids, dates, titles. */
static void test_adopt(void **state)
{
    static const char *const feeds[] = {"saved.atom", "saved.rss", "saved.json"};
    struct place *p = *state;
    char *before, *after;

    write_page(p, "page.html", 2, "");
    const char *conf = write_conf(p, "a", "blog");
    free(expect(DIGESTD("poll", "-c", conf), 0, ""));
    write_page(p, "page.html", 0, "");
    free(expect(DIGESTD("poll", "-c", conf), 0, ""));
    save_feeds(p, conf, "blog");
    before = expect(DIGESTD("list", "-c", conf), 0, "");
    for (size_t i = 0; i < 3; i++) {
        char name[8] = {(char)('b' + (int)i)};
        const char *other = write_conf(p, name, "blog");
        char *said = expect(DIGESTD("adopt", "-c", other, "blog", place_path(p, feeds[i])), 0, "");

        assert_string_equal(said, "blog: adopted 12 entries\n");
        free(said);
        silent(DIGESTD("poll", "-c", other), 0, "");
        after = expect(DIGESTD("list", "-c", other), 0, "");
        assert_string_equal(after, before);
        free(after);
        silent(DIGESTD("check", "--state", "-c", other), 0, "");
        silent(DIGESTD("adopt", "-c", other, "blog", place_path(p, feeds[i])), 3,
               "there are entries of blog already");
    }
    free(before);
}

/* Where the page is a file, readers are led to its place on our index: the path is of no use to
 * them, and none of their business. What the page calls its address is where it is. */
static void test_file_is_not_told(void **state)
{
    static const char *const paths[] = {"/blog.atom",  "/blog.rss",    "/blog.json",
                                        "/all.atom",   "/all.json",    "/",
                                        "/feeds.opml", "/status.json", "/blog/changes.atom"};
    static const char home[] = "http://feeds.example/#blog";
    static const char head[] = "<html><head><title>T</title>";
    struct place *p = *state;
    const char *conf = write_conf(p, "a", "blog");
    struct str page;
    struct house *h;
    struct buf b;
    char *body;

    write_page(p, "page.html", 0, "");
    h = start(conf);
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        body = house_get_with(h, paths[i], i < 7 && i != 3 && i != 4 ? home : "", 20000);
        if (!body)
            fail_msg("%s has not %s", paths[i], home);
        if (strstr(body, "file:") || strstr(body, place_path(p, "page.html")))
            fail_msg("%s: %s", paths[i], body);
        free(body);
    }
    body = expect(DIGESTD("list", "-c", conf, "-f", "jsonfeed", "blog"), 0, "");
    assert_non_null(strstr(body, home));
    assert_null(strstr(body, "file:"));
    free(body);
    page = file_read(place_path(p, "page.html"));
    buf_init(&b, SIZE_MAX);
    buf_puts(&b, head);
    buf_puts(&b, "<link rel=\"canonical\" href=\"https://site.example/page\">");
    buf_puts(&b, page.p + strlen(head));
    place_write(p, "page.html", buf_str(&b));
    buf_clear(&b);
    free((char *)page.p);
    body = house_get_with(h, "/blog.atom", "href=\"https://site.example/page\"", 20000);
    assert_non_null(body);
    assert_null(strstr(body, home));
    free(body);
    assert_int_equal(house_stop(h, NULL), 0);
}

/* What is new after an adoption is told, and nothing else. */
static void test_adopt_and_go_on(void **state)
{
    struct place *p = *state;
    const char *conf = write_conf(p, "a", "blog"), *other = write_conf(p, "b", "blog");
    char *rows;

    write_page(p, "page.html", 0, "");
    free(expect(DIGESTD("poll", "-c", conf), 0, ""));
    save_feeds(p, conf, "blog");
    free(expect(DIGESTD("adopt", "-c", other, "blog", place_path(p, "saved.rss"),
                        place_path(p, "saved.json")),
                0, ""));
    write_page(p, "page.html", 0, "<h1>#Another</h1><p>With its text.</p><p>....</p>");
    rows = expect(DIGESTD("poll", "-c", other), 0, "");
    assert_true(strncmp(rows, "blog\tnew\t", 9) == 0 && strstr(rows, "\tAnother\n"));
    assert_ptr_equal(strchr(rows, '\n'), rows + strlen(rows) - 1);
    free(rows);
}

/* Puts `text` before the first `mark` of a file. */
static void insert(struct place *p, const char *name, const char *mark, const char *text)
{
    struct str file = file_read(place_path(p, name));
    struct buf b;
    size_t at = str_find(file, str_of(mark), 0);

    assert_true(at != SIZE_MAX);
    buf_init(&b, SIZE_MAX);
    buf_add(&b, str_sub(file, 0, at));
    buf_puts(&b, text);
    buf_add(&b, str_sub(file, at, SIZE_MAX));
    place_write(p, name, buf_str(&b));
    buf_clear(&b);
    free((char *)file.p);
}

/* A tombstone buries what is older than it; one from before the entry came back does not. */
static void test_tombstones(void **state)
{
    static const struct {
        const char *when;
        size_t removed;
    } cases[] = {{"2100-01-01T00:00:00Z", 1}, {"2001-01-01T00:00:00Z", 0}};
    struct place *p = *state;
    const char *conf = write_conf(p, "a", "blog");

    write_page(p, "page.html", 0, "");
    free(expect(DIGESTD("poll", "-c", conf), 0, ""));
    for (size_t i = 0; i < 2; i++) {
        char name[8] = {(char)('b' + (int)i)}, stone[300];
        const char *other = write_conf(p, name, "blog");
        char *list = expect(DIGESTD("list", "-c", conf), 0, ""), *id = strstr(list, "urn:");

        save_feeds(p, conf, "blog");
        snprintf(stone, sizeof(stone),
                 "<at:deleted-entry xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" "
                 "ref=\"%.45s\" when=\"%s\"/>",
                 id, cases[i].when);
        insert(p, "saved.atom", "<entry>", stone);
        free(list);
        free(expect(DIGESTD("adopt", "-c", other, "blog", place_path(p, "saved.atom")), 0, ""));
        list = expect(DIGESTD("list", "-c", other), 0, "");
        assert_int_equal(strstr(list, "\tremoved\t") != NULL, cases[i].removed);
        free(list);
    }
}

/* ---- tombstones of what stands in no feed ---------------------------------------------------- */

#define MANY 60

/* Numbers from MANY down to 1 without one; number `other` says something else. Some share a title.
 */
static void write_many(struct place *p, int without, int other)
{
    struct buf b;

    buf_init(&b, SIZE_MAX);
    buf_puts(&b, "<html><head><title>T</title></head><body><article><div id=\"container\">");
    for (int i = MANY; i > 0; i--)
        if (i != without)
            buf_printf(&b, "<h1>#Number %d</h1><p>%s %d.</p><p>....</p>", i / 2,
                       i == other ? "Nothing of what there was, but something new:"
                                  : "All that there is to be said of",
                       i * 7919);
    buf_puts(&b, "</div></article></body></html>");
    place_write(p, "page.html", buf_str(&b));
    buf_clear(&b);
}

static const char *write_dropping(struct place *p, const char *state, const char *removed)
{
    char name[64];

    snprintf(name, sizeof(name), "%s.conf", state);
    place_writef(p, name,
                 "[daemon]\nlisten = 127.0.0.1:0\nbase-url = http://feeds.example\n"
                 "state-dir = %s\n[source blog]\nurl = file:page.html\nid-base = x\n"
                 "profile = 51cto\ninterval = 1h\nremoved = %s\nremoval-confirmations = 1\n",
                 place_path(p, state), removed);
    return place_path(p, name);
}

static void save(struct house *h, struct place *p, const char *path, const char *with,
                 const char *name)
{
    char *body = house_get_with(h, path, with, 30000);

    if (!body)
        fail_msg("%s has no %s", path, with);
    place_write(p, name, str_of(body));
    free(body);
}

/* The page from now on; which events the next poll has, and for which id. */
static void poll_many(struct place *p, const char *conf, int without, int other, const char *event,
                      const char *id)
{
    write_many(p, without, other);
    char *rows = expect(DIGESTD("poll", "-c", conf), 0, "");
    char *tab = strchr(rows, '\t');

    if (!event[0]) {
        assert_string_equal(rows, "");
    } else {
        assert_non_null(tab);
        assert_int_equal(strncmp(tab + 1, event, strlen(event)), 0);
        if (id)
            assert_int_equal(strncmp(tab + 1 + strlen(event) + 1, id, 45), 0);
        assert_ptr_equal(strchr(rows, '\n'), strrchr(rows, '\n'));
    }
    free(rows);
}

static void await_status(struct house *h, const char *path, int status)
{
    int got = 0;

    for (int i = 0; i < 500 && got != status; i++)
        got = house_status(h, path, NULL);
    assert_int_equal(got, status);
}

/* Number 7 was dropped before the feeds were saved: nothing is left of it but its tombstone. Its
 * archive page is the same again, byte for byte, its own page is gone, its id is nobody else's, and
 * it comes back as itself, though the text that it had is unknown and number 6 has its title. */
static void test_bare_tombstones(void **state)
{
    static const char *const ways[] = {"drop", "keep"};
    struct place *p = *state;
    const char *conf = write_dropping(p, "a", "drop");
    char *list, *seven, path[80], stone[120];

    write_many(p, 0, 0);
    free(expect(DIGESTD("poll", "-c", conf), 0, ""));
    list = expect(DIGESTD("list", "-c", conf), 0, "");
    seven = list;
    for (int i = MANY; i > 7; i--) /* newest first, and the first of the page is the newest */
        seven = strchr(seven, '\n') + 1;
    seven = strstr(seven, "urn:uuid:");
    seven[45] = '\0';
    snprintf(path, sizeof(path), "/blog/%s.html", seven + 9);
    snprintf(stone, sizeof(stone), "<at:deleted-entry ref=\"%s\"", seven);
    struct house *h = start(conf);
    await_status(h, path, 200);
    assert_int_equal(house_stop(h, NULL), 0);
    poll_many(p, conf, 7, 0, "removed", seven);
    h = start(conf);
    await_status(h, path, 410);
    save(h, p, "/blog.atom", stone, "feed.atom");
    save(h, p, "/blog/archive/1.atom", stone, "archive.atom");
    assert_int_equal(house_stop(h, NULL), 0);
    for (size_t i = 0; i < 2; i++) {
        const char *other = write_dropping(p, i ? "c" : "b", ways[i]);

        free(expect(DIGESTD("adopt", "-c", other, "blog", place_path(p, "feed.atom"),
                            place_path(p, "archive.atom")),
                    0, ""));
        silent(DIGESTD("check", "--state", "-c", other), 0, "");
        h = start(other);
        await_status(h, path, 410);
        save(h, p, "/blog.atom", stone, "again.atom");
        save(h, p, "/blog/archive/1.atom", stone, "archive-again.atom");
        struct str before = file_read(place_path(p, "archive.atom"));
        struct str after = file_read(place_path(p, "archive-again.atom"));
        assert_string_equal(before.p, after.p);
        free((char *)before.p);
        free((char *)after.p);
        assert_int_equal(house_stop(h, NULL), 0);
        poll_many(p, other, 7, 0, "", NULL);
        poll_many(p, other, 0, 7, "restored", seven);
        h = start(other);
        await_status(h, path, 200);
        save(h, p, "/blog/archive/1.atom", "but something new", "again.atom");
        char *body = house_get_with(h, "/blog.atom", "but something new", 30000);
        assert_non_null(body);
        assert_null(strstr(body, "deleted-entry"));
        free(body);
        body = house_get(h, "/blog/changes.atom"); /* what it was is unknown: that is no change */
        assert_non_null(body);
        assert_null(strstr(body, "<entry>"));
        free(body);
        assert_int_equal(house_stop(h, NULL), 0);
        poll_many(p, other, 0, 7, "", NULL);
        poll_many(p, other, 7, 0, "removed", seven);
    }
    free(list);
}

/* The feed of changes looks like one of entries, and no id-base would make it one. */
static void refuse_changes(struct place *p, const char *conf)
{
    const char *theirs = write_conf(p, "theirs", "blog");
    struct house *h;
    char *body;

    free(expect(DIGESTD("poll", "-c", theirs), 0, ""));
    write_page(p, "page.html", 1, "");
    free(expect(DIGESTD("poll", "-c", theirs), 0, ""));
    h = start(theirs);
    body = house_get(h, "/blog/changes.atom");
    assert_non_null(body);
    place_write(p, "changes", str_of(body));
    free(body);
    assert_int_equal(house_stop(h, NULL), 0);
    silent(DIGESTD("adopt", "-c", conf, "blog", place_path(p, "changes")), 2,
           "is a feed of changes, whose entries are changes and not the sections: adopt what was "
           "served as blog.atom");
    write_page(p, "page.html", 0, "");
}

static void test_adopt_refuses(void **state)
{
    static const struct {
        const char *text, *says;
        int status;
    } cases[] = {
        {"", "empty", 2},
        {"words", "neither RSS, Atom nor JSON Feed", 2},
        {"<feed", "the feed ends in the middle", 2},
        {"<rss><channel></rss>", "no well-formed XML", 2},
        {"{", "the feed ends in the middle", 2},
        {"{\"version\": \"https://jsonfeed.org/version/1.1\", \"items\": []}", "another program",
         2},
        {"<!DOCTYPE html><title>T</title>", "it is an HTML page; name what was served as .atom", 2},
        {"<opml/>", "neither RSS nor Atom", 2},
        {"<rss><channel><generator>other</generator></channel></rss>", "another program", 2},
        {"<!DOCTYPE x [<!ENTITY a \"b\">]><rss/>", "declares entities", 2},
        {"<rss><channel><generator>digestd</generator><item><guid>1</guid></item></channel></rss>",
         "no urn:uuid:", 2},
        {"<feed xmlns=\"http://www.w3.org/2005/Atom\">"
         "<id>urn:uuid:00000000-0000-5000-8000-000000000001</id>"
         "<generator>digestd</generator></feed>",
         "of another source", 2},
        {"<rss><channel><generator>digestd</generator><item><title>a</title>"
         "<guid>urn:uuid:00000000-0000-5000-8000-000000000001</guid>"
         "<pubDate>Wed, 12 Nov 2025 01:30:00 +0000</pubDate>"
         "<updated "
         "xmlns=\"http://www.w3.org/2005/Atom\">2025-11-12T01:30:00Z</updated></item></channel></"
         "rss>",
         "of another source", 2},
    };
    struct place *p = *state;
    const char *conf = write_conf(p, "a", "blog"), *file = place_path(p, "feed");
    struct house *h;

    write_page(p, "page.html", 0, "");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        place_write(p, "feed", str_of(cases[i].text));
        silent(DIGESTD("adopt", "-c", conf, "blog", file), cases[i].status, cases[i].says);
    }
    refuse_changes(p, conf);
    silent(DIGESTD("adopt", "-c", conf, "other", file), 1, "has no source 'other'");
    silent(DIGESTD("adopt", "-c", conf, "blog"), 1, "name a source, and the feeds");
    silent(DIGESTD("adopt", "-c", conf, "blog", "/nowhere"), 2, "cannot open /nowhere");
    h = start(conf);
    silent(DIGESTD("adopt", "-c", conf, "blog", file), 3, "is in use by process ");
    assert_int_equal(house_stop(h, NULL), 0);
}

/* A backup beside the daemon is a state of its own, with the same entries. */
static void test_backup(void **state)
{
    struct place *p = *state;
    const char *conf = write_conf(p, "a", "blog"), *other = write_conf(p, "b", "blog");
    char file[512], *before, *after;
    struct house *h;

    silent(DIGESTD("backup", "-c", conf, place_path(p, "none.db")), 3, "there is no database");
    silent(DIGESTD("check", "--state", "-c", conf), 3, "there is no database");
    write_page(p, "page.html", 0, "");
    free(expect(DIGESTD("poll", "-c", conf), 0, ""));
    before = expect(DIGESTD("list", "-c", conf), 0, "");
    assert_int_equal(mkdir(place_path(p, "b"), 0755), 0);
    snprintf(file, sizeof(file), "%s/digestd.db", place_path(p, "b"));
    h = start(conf);
    silent(DIGESTD("check", "--state", "-c", conf), 0, "");
    for (int i = 0; i < 2; i++) /* as cron does: over the one of yesterday */
        silent(DIGESTD("backup", "-c", conf, file), 0, "");
    assert_int_equal(house_stop(h, NULL), 0);
    after = expect(DIGESTD("list", "-c", other), 0, "");
    assert_string_equal(after, before);
    silent(DIGESTD("check", "--state", "-c", other), 0, "");
    silent(DIGESTD("poll", "-c", other), 0, "");
    silent(DIGESTD("backup", "-c", conf, place_path(p, "none/x.db")), 3, "cannot back up to");
    silent(DIGESTD("backup", "-c", conf), 1, "name the one FILE");
    free(before);
    free(after);
}

static void test_damage(void **state)
{
    struct place *p = *state;
    const char *conf = write_conf(p, "a", "blog");

    assert_int_equal(mkdir(place_path(p, "a"), 0755), 0);
    place_write(p, "a/digestd.db", STR("this is no database, whatever it is called"));
    silent(DIGESTD("check", "--state", "-c", conf), 3, "digestd.db");
}

/* Also at a reload: what was stored goes on, and nothing is new. */
static void test_formerly(void **state)
{
    struct place *p = *state;
    const char *conf = write_conf(p, "a", "blog");
    char *before, *after, *tab;

    write_page(p, "page.html", 0, "");
    free(expect(DIGESTD("poll", "-c", conf), 0, ""));
    before = expect(DIGESTD("list", "-c", conf), 0, "");
    place_writef(p, "a.conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nbase-url = http://feeds.example\n"
                 "state-dir = %s\n[source news]\nformerly = blog\nurl = file:page.html\n"
                 "id-base = x\nprofile = 51cto\n",
                 place_path(p, "a"));
    silent(DIGESTD("poll", "-c", conf), 0, "");
    silent(DIGESTD("poll", "-c", conf), 0, "");
    after = expect(DIGESTD("list", "-c", conf, "news"), 0, "");
    for (char *b = before, *a = after; *b; b = strchr(b, '\n') + 1, a = strchr(a, '\n') + 1) {
        tab = strchr(b, '\t');
        assert_int_equal(strncmp(a, "news\t", 5), 0);
        assert_int_equal(strncmp(a + 4, tab, (size_t)(strchr(tab, '\n') - tab) + 1), 0);
    }
    free(before);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file_is_not_told, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_adopt, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_adopt_and_go_on, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_tombstones, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_bare_tombstones, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_adopt_refuses, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_backup, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_damage, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_formerly, place_set_up, place_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
