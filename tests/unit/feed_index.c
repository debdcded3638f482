/* The index page, OPML, and the rows that both are made of. */
#include "feed_sample.h"

static char *z(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

static void fill(struct feed_row rows[3])
{
    rows[0] = (struct feed_row){.name = z("notes"),
                                .title = z("笔记 & <notes>"),
                                .url = z("https://example.org/digest?a=1&b=2"),
                                .entries = 22,
                                .last_poll = 1762911000,
                                .next_poll = 1762914600,
                                .last_change = 1762900000,
                                .known = true,
                                .waiting = z("A <half>"),
                                .waiting_since = 1762910000};
    rows[1] = (struct feed_row){.name = z("fresh"),
                                .title = z(""),
                                .url = z("https://example.com/weekly"),
                                .next_poll = 1762911060};
    rows[2] = (struct feed_row){.name = z("ill"),
                                .title = z("A page behind a wall"),
                                .url = z("https://example.net/walled"),
                                .reason = z("a bot check stands in place of the page"),
                                .entries = 7,
                                .last_poll = 1762911000,
                                .next_poll = 1762925400,
                                .last_change = 1762000000,
                                .trouble_since = 1762800000,
                                .known = true};
}

static void index_is_as_kept(void **state)
{
    struct feed_row rows[3];
    const struct feed_row *const all[] = {&rows[0], &rows[1], &rows[2]};
    struct buf out;
    struct error e;

    (void)state;
    fill(rows);
    buf_init(&out, OUT_MAX);
    assert_int_equal(feed_index(all, 3, STR("http://127.0.0.1:8780"), "0.1.0", &out, &e), 0);
    assert_golden("index.html", buf_str(&out));
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(/html/head/link[@rel='alternate'])", "4");
    assert_xpath(doc, "/html/head/link[@type='application/atom+xml'][1]/@href",
                 "http://127.0.0.1:8780/all.atom");
    assert_xpath(doc, "/html/head/link[@type='application/atom+xml'][2]/@href",
                 "http://127.0.0.1:8780/notes.atom");
    assert_xpath(doc, "//p[@class='lead'][2]/a[3]/@href", "http://127.0.0.1:8780/all.json");
    assert_xpath(doc, "//section[1]/h2/a", rows[0].title);
    assert_xpath(doc, "//section[1]/p", "in order");
    assert_xpath(
        doc, "//section[1]/p[2]",
        "waiting since 2025-11-12 01:13 UTC for the end of “A <half>”: the last section of "
        "the page has no end marker yet, and enters the feed when two polls in a row saw "
        "the same, after a day at the latest");
    assert_xpath(doc, "count(//section[2]/p)", "1");
    assert_xpath(doc, "//section[2]/h2/a", "fresh");
    assert_xpath(doc, "//section[2]/p", "waiting for its first look");
    assert_xpath(doc, "//section[3]/p",
                 "in trouble since 2025-11-10 18:40 UTC: a bot check stands in place of the page; "
                 "the feeds go on being served");
    assert_xpath(doc, "//section[3]//dd[3]/a", "http://127.0.0.1:8780/ill.json");
    assert_xpath(doc, "count(//script) + count(//img) + count(//link[@rel='stylesheet'])", "0");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

/* A title is text whatever it looks like, and an address that is none is no link. */
static void index_of_hostile_rows(void **state)
{
    struct feed_row row = {.name = z("x"),
                           .title = z("</title><script>\x01\xff"),
                           .url = z("javascript:alert(1)"),
                           .reason = z("<b>\x1b[0m</b>"),
                           .known = true};
    const struct feed_row *const all[] = {&row};
    struct buf out;
    struct error e;

    (void)state;
    buf_init(&out, OUT_MAX);
    assert_int_equal(feed_index(all, 1, STR("http://h"), "0.1.0", &out, &e), 0);
    assert_null(strstr(out.data, "javascript:"));
    assert_null(strstr(out.data, "all.atom")); /* one source alone is all there is */
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "//section/h2", "</title><script>\xef\xbf\xbd\xef\xbf\xbd");
    assert_xpath(doc, "count(//h2/a) + count(//script) + count(//b)", "0");
    assert_xpath(doc, "//section/p",
                 "in trouble: <b>\xef\xbf\xbd[0m</b>; the feeds go on being served");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

static void index_without_sources(void **state)
{
    struct buf out;
    struct error e;

    (void)state;
    buf_init(&out, OUT_MAX);
    assert_int_equal(feed_index(NULL, 0, STR("http://h"), "0.1.0", &out, &e), 0);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(//section)", "0");
    assert_non_null(strstr(out.data, "No source is configured yet"));
    xmlFreeDoc(doc);
    buf_clear(&out);
}

static void opml_is_as_kept(void **state)
{
    struct feed_row rows[3];
    const struct feed_row *const all[] = {&rows[0], &rows[1], &rows[2]};
    struct buf out;
    struct error e;

    (void)state;
    fill(rows);
    buf_init(&out, OUT_MAX);
    assert_int_equal(feed_opml(all, 3, STR("http://127.0.0.1:8780"), &out, &e), 0);
    assert_golden("feeds.opml", buf_str(&out));
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/opml/body/outline[1]/@text", rows[0].title);
    assert_xpath(doc, "/opml/body/outline[2]/@xmlUrl", "http://127.0.0.1:8780/fresh.atom");
    assert_xpath(doc, "/opml/body/outline[1]/@htmlUrl", rows[0].url);
    /* Who takes it over would get everything twice. */
    assert_xpath(doc, "count(/opml/body/outline)", "3");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

static void rows_are_copied_deep(void **state)
{
    struct feed_row rows[3];

    (void)state;
    fill(rows);
    struct feed_row *copy = feed_row_copy(&rows[2]);
    assert_non_null(copy);
    assert_string_equal(copy->name, rows[2].name);
    assert_ptr_not_equal(copy->name, rows[2].name);
    assert_string_equal(copy->reason, rows[2].reason);
    assert_int_equal(copy->trouble_since, rows[2].trouble_since);
    feed_row_free(copy);
    copy = feed_row_copy(&rows[0]);
    assert_non_null(copy);
    assert_null(copy->reason);
    feed_row_free(copy);
    feed_row_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index_is_as_kept),      cmocka_unit_test(index_of_hostile_rows),
        cmocka_unit_test(index_without_sources), cmocka_unit_test(opml_is_as_kept),
        cmocka_unit_test(rows_are_copied_deep),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    xmlCleanupParser();
    return failed;
}
