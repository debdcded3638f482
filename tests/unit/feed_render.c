/* The formats: golden files, hostile input, empty feeds, caps. */
#include "feed_sample.h"

#include <jansson.h>

static const char *const golden[FEED_FORMATS] = {"sample.atom", "sample.rss", "sample.json"};

static void render(const struct feed *feed, enum feed_format format, struct buf *out)
{
    struct error e = {""};

    buf_init(out, OUT_MAX);
    if (feed_render(feed, format, out, &e) != 0)
        fail_msg("%s", e.text);
}

static void formats_are_as_kept(void **state)
{
    struct sample s;
    struct buf out;

    (void)state;
    sample_init(&s);
    for (enum feed_format i = 0; i < FEED_FORMATS; i++) {
        render(&s.feed, i, &out);
        assert_golden(golden[i], buf_str(&out));
        buf_clear(&out);
    }
}

static struct neighbour neighbour_of(const struct entry *entry)
{
    struct neighbour n = {.title = entry->title};

    memcpy(n.id, entry->id, sizeof n.id);
    return n;
}

static void page_is_as_kept(void **state)
{
    struct sample s;
    struct buf out;
    struct error e;

    (void)state;
    sample_init(&s);
    const struct neighbours beside[2] = {
        {.next = neighbour_of(&s.entries[1])},
        {.previous = neighbour_of(&s.entries[0]), .next = neighbour_of(&s.entries[2])}};
    for (size_t i = 0; i < 2; i++) {
        buf_init(&out, OUT_MAX);
        assert_int_equal(feed_entry_page(&s.feed, &s.entries[i], &beside[i], &out, &e), 0);
        assert_golden(i ? "entry-own-link.html" : "entry.html", buf_str(&out));
        buf_clear(&out);
    }
}

static void atom_says_what_the_entry_is(void **state)
{
    struct sample s;
    struct buf out;

    (void)state;
    sample_init(&s);
    render(&s.feed, FEED_ATOM, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(/a:feed/a:entry)", "3");
    assert_xpath(doc, "/a:feed/@xml:lang", "zh-CN");
    assert_xpath(doc, "/a:feed/a:entry[1]/a:title", s.entries[0].title.p);
    assert_xpath(doc, "/a:feed/a:entry[1]/a:content", s.entries[0].html.p);
    assert_xpath(doc, "/a:feed/a:entry[1]/a:link/@href", s.entries[0].link.p);
    assert_xpath(doc, "/a:feed/a:entry[2]/a:link/@href",
                 "http://127.0.0.1:8780/notes/5f0b5ff0-6f4e-5b8e-9d4c-000000000002.html");
    assert_xpath(doc, "/a:feed/a:link[@rel='self']/@href", "http://127.0.0.1:8780/notes.atom");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

static void rss_says_what_the_entry_is(void **state)
{
    struct sample s;
    struct buf out;

    (void)state;
    sample_init(&s);
    render(&s.feed, FEED_RSS, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/rss/channel/item[1]/title", s.entries[0].title.p);
    assert_xpath(doc, "/rss/channel/item[1]/c:encoded", s.entries[0].html.p);
    assert_xpath(doc, "/rss/channel/item[1]/description",
                 "先建索引，再问模型。参考 if (a < b && c) return;");
    assert_xpath(doc, "/rss/channel/item[1]/guid[@isPermaLink='false']", s.entries[0].id);
    assert_xpath(doc, "/rss/channel/item[1]/pubDate", "Wed, 12 Nov 2025 01:13:20 +0000");
    assert_xpath(doc, "/rss/channel/item[1]/a:updated", "2025-11-12T01:30:00Z");
    assert_xpath(doc, "/rss/channel/item[1]/d:creator", "王小明");
    assert_xpath(doc, "/rss/channel/a:link[@rel='self']/@href", "http://127.0.0.1:8780/notes.rss");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

/* An entry of a foreign feed keeps its id, its author and its own tags; its page stands under ours.
 */
static void foreign_entries_keep_what_they_came_with(void **state)
{
    struct sample s;
    struct buf out;

    (void)state;
    sample_init(&s);
    s.entries[1].given = STR("https://other.example/?p=7&x='1'");
    s.entries[1].author = STR("A. N. Other <a@other.example>");
    s.entries[1].tags = STR("tea\n随笔\n\nwater");
    render(&s.feed, FEED_ATOM, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/a:feed/a:entry[1]/a:id", s.entries[0].id);
    assert_xpath(doc, "count(/a:feed/a:entry[1]/a:author)", "0");
    assert_xpath(doc, "/a:feed/a:entry[2]/a:id", s.entries[1].given.p);
    assert_xpath(doc, "/a:feed/a:entry[2]/a:author/a:name", s.entries[1].author.p);
    assert_xpath(doc, "count(/a:feed/a:entry[2]/a:category)", "4");
    assert_xpath(doc, "/a:feed/a:entry[2]/a:category[3]/@term", "tea");
    assert_xpath(doc, "/a:feed/a:entry[2]/a:category[4]/@term", "water");
    assert_xpath(doc, "/a:feed/a:entry[2]/a:link/@href",
                 "http://127.0.0.1:8780/notes/5f0b5ff0-6f4e-5b8e-9d4c-000000000002.html");
    xmlFreeDoc(doc);
    buf_clear(&out);
    render(&s.feed, FEED_RSS, &out);
    doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/rss/channel/item[2]/guid[@isPermaLink='false']", s.entries[1].given.p);
    assert_xpath(doc, "/rss/channel/item[2]/d:creator", s.entries[1].author.p);
    assert_xpath(doc, "/rss/channel/item[1]/d:creator", "王小明");
    assert_xpath(doc, "/rss/channel/item[2]/category[4]", "water");
    xmlFreeDoc(doc);
    buf_clear(&out);
    render(&s.feed, FEED_JSON, &out);
    json_t *root = json_loads(out.data, 0, NULL);
    const json_t *item = json_array_get(json_object_get(root, "items"), 1);
    assert_string_equal(json_string_value(json_object_get(item, "id")), s.entries[1].given.p);
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(item, "authors"), 0), "name")),
                        s.entries[1].author.p);
    assert_int_equal(json_array_size(json_object_get(item, "tags")), 4);
    json_decref(root);
    buf_clear(&out);
}

/* Without a base-url nothing of ours can be linked to. */
static void without_base_url(void **state)
{
    struct sample s;
    struct buf out;

    (void)state;
    sample_init(&s);
    s.feed.base_url = STR("");
    render(&s.feed, FEED_ATOM, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(//a:link[@rel='self'])", "0");
    assert_xpath(doc, "/a:feed/a:entry[2]/a:link/@href", s.feed.home.p);
    xmlFreeDoc(doc);
    buf_clear(&out);
    render(&s.feed, FEED_JSON, &out);
    assert_null(strstr(out.data, "feed_url"));
    buf_clear(&out);
}

static void empty_feeds_are_feeds(void **state)
{
    struct sample s;
    struct buf out;

    (void)state;
    sample_init(&s);
    s.feed.count = 0;
    s.feed.language = s.feed.description = STR("");
    render(&s.feed, FEED_ATOM, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/a:feed/a:updated", "2025-11-12T01:30:00Z");
    assert_xpath(doc, "/a:feed/a:author/a:name", "王小明");
    assert_xpath(doc, "count(//a:entry) + count(//a:subtitle) + count(//@xml:lang)", "0");
    xmlFreeDoc(doc);
    buf_clear(&out);
    render(&s.feed, FEED_RSS, &out);
    doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/rss/channel/description", s.feed.title.p);
    assert_xpath(doc, "count(//item) + count(//language)", "0");
    xmlFreeDoc(doc);
    buf_clear(&out);
    render(&s.feed, FEED_JSON, &out);
    json_t *root = json_loadb(out.data, out.len, 0, NULL);
    assert_true(json_is_array(json_object_get(root, "items")));
    assert_int_equal(json_array_size(json_object_get(root, "items")), 0);
    json_decref(root);
    buf_clear(&out);
}

/* What no XML may hold: control characters, U+FFFE, a lone surrogate, bytes that are no UTF-8. */
static const char hostile[] = "a\x01\x1b]]>\xef\xbf\xbe\xed\xa0\x80<\xff&amp;\"'</title>\xc3";

static void hostile_is_made_harmless(void **state)
{
    struct sample s;
    struct buf out, want;

    (void)state;
    sample_init(&s);
    buf_init(&want, OUT_MAX);
    assert_int_equal(text_repair(&want, STR(hostile)), 0);
    s.entries[0].title = s.entries[0].html = s.entries[0].text = STR(hostile);
    s.entries[0].link = s.feed.title = s.feed.author = s.feed.home = STR(hostile);
    s.feed.language = STR("x\"><script>");
    render(&s.feed, FEED_ATOM, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/a:feed/a:entry[1]/a:title", want.data);
    assert_xpath(doc, "/a:feed/a:entry[1]/a:content", want.data);
    assert_xpath(doc, "count(//@xml:lang)", "0");
    xmlFreeDoc(doc);
    buf_clear(&out);
    render(&s.feed, FEED_RSS, &out);
    doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/rss/channel/item[1]/title", want.data);
    xmlFreeDoc(doc);
    buf_clear(&out);
    render(&s.feed, FEED_JSON, &out);
    json_t *root = json_loadb(out.data, out.len, 0, NULL);
    json_t *item = json_array_get(json_object_get(root, "items"), 0);
    assert_string_equal(json_string_value(json_object_get(item, "title")), want.data);
    json_decref(root);
    buf_clear(&out);
    buf_clear(&want);
}

static void hostile_page(void **state)
{
    struct sample s;
    struct buf out;
    struct error e;

    (void)state;
    sample_init(&s);
    s.entries[0].title = STR(hostile);
    s.entries[0].html = STR("<p>fine</p>");
    s.entries[0].link = STR("javascript:alert(1)");
    s.feed.home = STR("JavaScript:alert(2)");
    s.feed.tags = STR("<script>\n\"'>");
    struct neighbours beside = {.previous = neighbour_of(&s.entries[1])};
    beside.previous.title = STR("</a><script>");
    buf_init(&out, OUT_MAX);
    assert_int_equal(feed_entry_page(&s.feed, &s.entries[0], &beside, &out, &e), 0);
    assert_null(strcasestr(out.data, "javascript:"));
    assert_null(strstr(out.data, "<script"));
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(/html/body/main/header/h1)", "1");
    assert_xpath(doc, "//nav/a[@rel='prev']/span", "</a><script>");
    assert_xpath(doc, "//ul[@class='tags']/li[2]", "\"'>");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

/* A document that does not fit is an error with a sentence, never half a document believed. */
static void cap_is_kept(void **state)
{
    struct sample s;
    struct buf out;

    (void)state;
    sample_init(&s);
    for (enum feed_format i = 0; i < FEED_FORMATS; i++) {
        struct error e = {""};
        buf_init(&out, 1000);
        assert_int_equal(feed_render(&s.feed, i, &out, &e), -1);
        assert_non_null(strstr(e.text, "1000 bytes"));
        buf_clear(&out);
    }
}

static void language_tags(void **state)
{
    static const char *const table[][2] = {
        {"zh_CN", "zh-CN"}, {"en", "en"},         {"zh-Hans-CN", "zh-Hans-CN"},
        {"", ""},           {"1en", ""},          {"en-", ""},
        {"-en", ""},        {"en--us", ""},       {"en us", ""},
        {"abcdefghi", ""},  {"es-419", "es-419"}, {"en,zh", ""},
    };
    struct sample s;
    struct buf out;

    (void)state;
    sample_init(&s);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        s.feed.language = str_of(table[i][0]);
        render(&s.feed, FEED_ATOM, &out);
        xmlDoc *doc = assert_xml(buf_str(&out));
        assert_xpath(doc, "string(/a:feed/@xml:lang)", table[i][1]);
        xmlFreeDoc(doc);
        buf_clear(&out);
    }
}

/* In each format and in the Link field; what is not served from anywhere has none. */
static void hubs_are_told_of(void **state)
{
    char *hubs[] = {"https://hub.example/?a=1&b=2", "https://other.example/hub"};
    struct sample s;
    struct buf out;

    (void)state;
    sample_init(&s);
    s.feed.hubs = hubs;
    s.feed.hubs_count = 2;
    render(&s.feed, FEED_ATOM, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(/a:feed/a:link[@rel='hub'])", "2");
    assert_xpath(doc, "string(/a:feed/a:link[@rel='hub'][1]/@href)", hubs[0]);
    assert_xpath(doc, "count(/a:feed/a:link[@rel='hub']/@type)", "0");
    xmlFreeDoc(doc);
    buf_clear(&out);
    render(&s.feed, FEED_RSS, &out);
    doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "string(/rss/channel/a:link[@rel='hub'][2]/@href)", hubs[1]);
    xmlFreeDoc(doc);
    buf_clear(&out);

    buf_init(&out, 2048);
    feed_links(&s.feed, FEED_RSS, &out);
    assert_string_equal(out.data, "<http://127.0.0.1:8780/notes.rss>; rel=\"self\", "
                                  "<https://hub.example/?a=1&b=2>; rel=\"hub\", "
                                  "<https://other.example/hub>; rel=\"hub\"");
    buf_clear(&out);
    buf_init(&out, 110); /* no room for the second */
    feed_links(&s.feed, FEED_RSS, &out);
    assert_string_equal(out.data, "<http://127.0.0.1:8780/notes.rss>; rel=\"self\", "
                                  "<https://hub.example/?a=1&b=2>; rel=\"hub\"");
    buf_clear(&out);

    s.feed.base_url = STR("http://a>b");
    feed_links(&s.feed, FEED_RSS, &out);
    assert_int_equal(out.len, 0);
    s.feed.base_url = STR("");
    feed_links(&s.feed, FEED_RSS, &out);
    assert_int_equal(out.len, 0);
    for (enum feed_format format = 0; format < FEED_FORMATS; format++) {
        render(&s.feed, format, &out);
        assert_null(strstr(out.data, "hub.example"));
        buf_clear(&out);
    }
}

static void names_of_formats(void **state)
{
    (void)state;
    assert_string_equal(feed_suffix(FEED_ATOM), ".atom");
    assert_string_equal(feed_suffix(FEED_RSS), ".rss");
    assert_string_equal(feed_suffix(FEED_JSON), ".json");
    assert_int_equal(feed_media(FEED_RSS), MEDIA_RSS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_as_kept),
        cmocka_unit_test(page_is_as_kept),
        cmocka_unit_test(atom_says_what_the_entry_is),
        cmocka_unit_test(rss_says_what_the_entry_is),
        cmocka_unit_test(foreign_entries_keep_what_they_came_with),
        cmocka_unit_test(without_base_url),
        cmocka_unit_test(empty_feeds_are_feeds),
        cmocka_unit_test(hostile_is_made_harmless),
        cmocka_unit_test(hostile_page),
        cmocka_unit_test(cap_is_kept),
        cmocka_unit_test(language_tags),
        cmocka_unit_test(hubs_are_told_of),
        cmocka_unit_test(names_of_formats),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    xmlCleanupParser();
    return failed;
}
