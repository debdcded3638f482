/* The index page, OPML, and the rows that both are made of. */
#include "feed_sample.h"

#define NOW 1762912000

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
                                .last_new = 1762890000,
                                .known = true,
                                .activity = {.last = NOW / 86400 - 1},
                                .waiting = z("A <half>"),
                                .waiting_since = 1762910000};
    /* Yesterday, the day before, and the day that has just left the 12 weeks. */
    rows[0].activity.fresh[FEED_DAYS - 1] = 1;
    rows[0].activity.changed[FEED_DAYS - 1] = 2;
    rows[0].activity.changed[FEED_DAYS - 2] = 300;
    rows[0].activity.fresh[0] = 5;
    rows[0].moved = z("https://example.org/new?a=1&b=2");
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

/* The page as the site puts it together. */
static struct buf render(const struct feed_row *const *rows, size_t count, size_t number,
                         enum page_language language)
{
    struct str drawn[FEED_INDEX_ROWS] = {0};
    struct buf parts[FEED_INDEX_ROWS], out;
    size_t from = (number - 1) * FEED_INDEX_ROWS;
    struct str base_url = STR("http://127.0.0.1:8780");
    struct error e;

    for (size_t i = 0; i < FEED_INDEX_ROWS; i++) {
        buf_init(&parts[i], OUT_MAX);
        if (from + i < count)
            assert_int_equal(feed_index_row(rows[from + i], base_url, language, NOW, &parts[i], &e),
                             0);
        drawn[i] = buf_str(&parts[i]);
    }
    buf_init(&out, OUT_MAX);
    assert_int_equal(feed_index(&(struct feed_index){.rows = rows,
                                                     .count = count,
                                                     .number = number,
                                                     .drawn = drawn,
                                                     .base_url = base_url,
                                                     .version = "0.1.0",
                                                     .language = language},
                                &out, &e),
                     0);
    for (size_t i = 0; i < FEED_INDEX_ROWS; i++)
        buf_clear(&parts[i]);
    return out;
}

static void index_is_as_kept(void **state)
{
    struct feed_row rows[3];
    const struct feed_row *const all[] = {&rows[0], &rows[1], &rows[2]};

    (void)state;
    fill(rows);
    struct buf out = render(all, 3, 1, PAGE_ENGLISH);
    assert_golden("index.html", buf_str(&out));
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "string(/html/@lang)", "en");
    assert_xpath(doc, "count(/html/head/link[@rel='alternate'])", "4");
    assert_xpath(doc, "/html/head/link[@type='application/atom+xml'][1]/@href",
                 "http://127.0.0.1:8780/all.atom");
    assert_xpath(doc, "/html/head/link[@type='application/atom+xml'][2]/@href",
                 "http://127.0.0.1:8780/notes.atom");
    assert_xpath(doc, "//p[@class='lead'][2]/a[3]/@href", "http://127.0.0.1:8780/all.json");
    assert_xpath(doc, "//p[@class='troubled']", "In trouble, of 3 sources: A page behind a wall");
    assert_xpath(doc, "//p[@class='troubled']/a/@href", "http://127.0.0.1:8780/#ill");
    assert_xpath(doc, "//section[1]/h2/a", rows[0].title);
    assert_xpath(doc, "//section[1]/p", "in order");
    assert_xpath(
        doc, "//section[1]/p[2]",
        "waiting since 2025-11-12 01:13 UTC for the end of “A <half>”: the last section of "
        "the page has no end marker yet, and enters the feed when two polls in a row saw "
        "the same, after a day at the latest");
    assert_xpath(doc, "//section[1]/p[3]",
                 "this page has moved to https://example.org/new?a=1&b=2: set its url to that");
    assert_xpath(doc, "//section[1]/p[3]/a/@href", "https://example.org/new?a=1&b=2");
    assert_xpath(doc, "count(//section[2]/p[contains(@class, 'state')])", "1");
    assert_xpath(doc, "//section[2]/h2/a", "fresh");
    assert_xpath(doc, "//section[2]/p", "waiting for its first look");
    assert_xpath(doc, "//section[3]/p",
                 "in trouble since 2025-11-10 18:40 UTC: a bot check stands in place of the page; "
                 "the feeds go on being served");
    assert_xpath(doc, "//section[3]/p/code", "http://127.0.0.1:8780/ill.atom");
    assert_xpath(doc, "//section[3]/p[@class='also']/a[2]/@href", "http://127.0.0.1:8780/ill.json");
    assert_xpath(doc, "//section[1]/dl/div[2]/dd/time/@datetime", "2025-11-11T19:40:00Z");
    assert_xpath(doc, "count(//script) + count(//img) + count(//link[@rel='stylesheet'])", "0");
    assert_xpath(doc, "count(//@style) + count(//nav)", "0");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

/* Everything but names, sentences of the poller and addresses. */
static void index_speaks_chinese(void **state)
{
    struct feed_row rows[3];
    const struct feed_row *const all[] = {&rows[0], &rows[1], &rows[2]};

    (void)state;
    fill(rows);
    struct buf out = render(all, 3, 1, PAGE_CHINESE);
    assert_golden("index.zh.html", buf_str(&out));
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "string(/html/@lang)", "zh-Hans");
    assert_xpath(doc, "//h1", "订阅源");
    assert_xpath(doc, "//section[1]/p", "正常");
    assert_xpath(doc, "//section[3]/p",
                 "自 2025-11-10 18:40 UTC 起有故障：a bot check stands in place of the page"
                 "；订阅照常可读");
    assert_xpath(doc, "//section[3]/p/span/@lang", "en");
    assert_xpath(doc, "//section[1]//figcaption", "12 周：新增 1，改动 302");
    assert_xpath(doc, "//section[2]/dl/div[3]", "上次查看还没有");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

/* A bar a day, and the same in words; what has left the 12 weeks is not there. */
static void the_activity_is_drawn_and_said(void **state)
{
    struct feed_row rows[3];
    const struct feed_row *const all[] = {&rows[0], &rows[1], &rows[2]};

    (void)state;
    fill(rows);
    struct buf out = render(all, 3, 1, PAGE_ENGLISH);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "//section[1]//figcaption", "12 weeks: 1 new, 302 changed");
    assert_xpath(doc, "//section[1]//*[local-name()='svg']/@role", "img");
    assert_xpath(doc, "//section[1]//*[local-name()='svg']/@aria-labelledby", "notes.t notes.d");
    assert_xpath(doc, "string(//*[@id='notes.d'])",
                 "2025-11-11: 1 new, 2 changed; 2025-11-10: 0 new, 300 changed");
    assert_xpath(doc, "string(//*[@class='changed']/@d)", "M326 36v-36M330 36v-12");
    assert_xpath(doc, "string(//*[@class='fresh']/@d)", "M330 36v-6");
    /* Where nothing has happened, and where nothing is known. */
    assert_xpath(doc, "count(//section[3]//*[local-name()='svg'])", "0");
    assert_xpath(doc, "//section[3]//figcaption", "12 weeks: 0 new, 0 changed");
    assert_xpath(doc, "count(//section[2]//figure)", "0");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

#define MANY 450

static void a_long_list_has_pages(void **state)
{
    static struct feed_row rows[MANY];
    static char names[MANY][8];
    const struct feed_row *all[MANY];

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "s%zu", i);
        rows[i] = (struct feed_row){.name = names[i], .title = names[i], .url = z("http://x/")};
        all[i] = &rows[i];
    }
    rows[449].reason = z("broken");
    assert_int_equal(feed_index_pages(0), 1);
    assert_int_equal(feed_index_pages(200), 1);
    assert_int_equal(feed_index_pages(201), 2);
    assert_int_equal(feed_index_pages(MANY), 3);
    struct buf out = render(all, MANY, 1, PAGE_ENGLISH);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(//section)", "200");
    assert_xpath(doc, "count(//nav/a)", "1");
    assert_xpath(doc, "//nav/a[@rel='next']/@href", "http://127.0.0.1:8780/page/2");
    assert_xpath(doc, "//p[@class='troubled']/a/@href", "http://127.0.0.1:8780/page/3#s449");
    xmlFreeDoc(doc);
    buf_clear(&out);
    out = render(all, MANY, 3, PAGE_ENGLISH);
    doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(//section)", "50");
    assert_xpath(doc, "//section[1]/@id", "s400");
    assert_xpath(doc, "//nav/span", "Page 3 of 3");
    assert_xpath(doc, "//nav/a[1]/@href", "http://127.0.0.1:8780/");
    assert_xpath(doc, "//nav/a[@rel='prev']/@href", "http://127.0.0.1:8780/page/2");
    assert_xpath(doc, "count(//nav/a[@rel='next'])", "0");
    assert_xpath(doc, "count(/html/head/link[@rel='alternate'])", "51");
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

    (void)state;
    struct buf out = render(all, 1, 1, PAGE_ENGLISH);
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
    (void)state;
    struct buf out = render(NULL, 0, 1, PAGE_ENGLISH);
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
        cmocka_unit_test(index_is_as_kept),
        cmocka_unit_test(index_speaks_chinese),
        cmocka_unit_test(the_activity_is_drawn_and_said),
        cmocka_unit_test(a_long_list_has_pages),
        cmocka_unit_test(index_of_hostile_rows),
        cmocka_unit_test(index_without_sources),
        cmocka_unit_test(opml_is_as_kept),
        cmocka_unit_test(rows_are_copied_deep),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    xmlCleanupParser();
    return failed;
}
