/* A feed that is merged from several: each entry says where it is from. */
#include "feed_sample.h"

#include <jansson.h>

/* The sample as all.*: its entries are from two sources. */
struct merged {
    struct sample sample;
    struct feed notes, tea;
    const struct feed *origins[SAMPLE_ENTRIES];
    struct feed feed;
};

static void merged_init(struct merged *m)
{
    sample_init(&m->sample);
    m->notes = m->sample.feed;
    m->notes.tags = STR("notes\ntea\n随笔");
    m->tea = (struct feed){.id = STR("urn:uuid:5f0b5ff0-6f4e-5b8e-9d4c-0000000000fe"),
                           .name = STR("tea"),
                           .title = STR("Tea & cups"),
                           .author = STR("T. Potter"),
                           .language = STR("en"),
                           .tags = STR("tea"),
                           .home = STR("https://tea.example/"),
                           .base_url = m->notes.base_url,
                           .updated = 1762900000};
    m->origins[0] = &m->notes;
    m->origins[1] = &m->tea;
    m->origins[2] = &m->notes;
    m->feed = (struct feed){.id = STR("urn:uuid:5f0b5ff0-6f4e-5b8e-9d4c-0000000000fd"),
                            .name = STR(FEED_MERGED_NAME),
                            .title = STR(FEED_MERGED_TITLE),
                            .author = STR("digestd"),
                            .home = STR("http://127.0.0.1:8780/"),
                            .base_url = m->notes.base_url,
                            .updated = m->notes.updated,
                            .entries = m->sample.picked,
                            .origins = m->origins,
                            .count = SAMPLE_ENTRIES,
                            .merged = true};
}

static void render(const struct feed *feed, enum feed_format format, struct buf *out)
{
    struct error e = {""};

    buf_init(out, OUT_MAX);
    if (feed_render(feed, format, out, &e) != 0)
        fail_msg("%s", e.text);
}

#define SECOND "/a:feed/a:entry[2]/"

static void atom_has_sources(void **state)
{
    struct merged m;
    struct buf out;

    (void)state;
    merged_init(&m);
    render(&m.feed, FEED_ATOM, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/a:feed/a:link[@rel='self']/@href", "http://127.0.0.1:8780/all.atom");
    assert_xpath(doc, "count(/a:feed/a:link[@rel='related'])", "0");
    assert_xpath(doc, "count(/a:feed/a:entry/a:source)", "3");
    assert_xpath(doc, SECOND "a:source/a:id", m.tea.id.p);
    assert_xpath(doc, SECOND "a:source/a:title", m.tea.title.p);
    assert_xpath(doc, SECOND "a:source/a:updated", "2025-11-11T22:26:40Z");
    assert_xpath(doc, SECOND "a:source/a:link[@rel='self']/@href",
                 "http://127.0.0.1:8780/tea.atom");
    assert_xpath(doc, SECOND "a:source/a:link[@rel='alternate']/@href", "https://tea.example/");
    assert_xpath(doc, SECOND "a:author/a:name", "T. Potter");
    assert_xpath(doc, SECOND "@xml:lang", "en");
    assert_xpath(doc, "count(" SECOND "a:category)", "1");
    assert_xpath(doc, "/a:feed/a:entry[1]/a:category[2]/@term", "tea");
    assert_xpath(doc, "/a:feed/a:entry[1]/a:source/a:title", m.notes.title.p);
    /* The page of an entry is among those of its source. */
    assert_xpath(doc, SECOND "a:link[@rel='alternate']/@href",
                 "http://127.0.0.1:8780/tea/5f0b5ff0-6f4e-5b8e-9d4c-000000000002.html");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

static void rss_has_sources(void **state)
{
    struct merged m;
    struct buf out;

    (void)state;
    merged_init(&m);
    render(&m.feed, FEED_RSS, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(/rss/channel/item/source)", "3");
    assert_xpath(doc, "/rss/channel/item[2]/source", m.tea.title.p);
    assert_xpath(doc, "/rss/channel/item[2]/source/@url", "http://127.0.0.1:8780/tea.rss");
    assert_xpath(doc, "/rss/channel/item[2]/d:creator", "T. Potter");
    assert_xpath(doc, "/rss/channel/item[1]/category[1]", "notes");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void json_has_sources(void **state)
{
    struct merged m;
    struct buf out;

    (void)state;
    merged_init(&m);
    render(&m.feed, FEED_JSON, &out);
    json_t *root = json_loadb(out.data, out.len, 0, NULL);
    const json_t *item = json_array_get(json_object_get(root, "items"), 1);
    const json_t *own = json_object_get(item, "_digestd");

    assert_string_equal(string_of(root, "feed_url"), "http://127.0.0.1:8780/all.json");
    assert_string_equal(string_of(own, "source"), "tea");
    assert_string_equal(string_of(own, "feed_title"), m.tea.title.p);
    assert_string_equal(string_of(own, "feed_url"), "http://127.0.0.1:8780/tea.json");
    assert_string_equal(string_of(own, "home_page_url"), "https://tea.example/");
    assert_int_equal(json_integer_value(json_object_get(own, "reading_minutes")), 1);
    assert_string_equal(string_of(item, "language"), "en");
    assert_string_equal(string_of(json_array_get(json_object_get(item, "authors"), 0), "name"),
                        "T. Potter");
    json_decref(root);
    buf_clear(&out);
}

/* An entry's pictures go through the proxy of its own source. */
static void proxies_are_the_source_s(void **state)
{
    struct merged m;
    struct buf out;

    (void)state;
    merged_init(&m);
    m.notes.image_proxy = STR("https://proxy.example/?%u");
    render(&m.feed, FEED_JSON, &out);
    assert_non_null(strstr(out.data, "https://proxy.example/?"));
    buf_clear(&out);
    merged_init(&m);
    m.feed.image_proxy = m.tea.image_proxy = STR("https://proxy.example/?%u");
    render(&m.feed, FEED_JSON, &out);
    assert_null(strstr(out.data, "https://proxy.example/?https%3A%2F%2Fexample.org%2Ftu"));
    buf_clear(&out);
}

/* From the start, when nothing is there to be merged. */
static void empty_is_a_feed(void **state)
{
    struct merged m;
    struct buf out;

    (void)state;
    merged_init(&m);
    m.feed.count = 0;
    m.feed.origins = NULL;
    render(&m.feed, FEED_ATOM, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/a:feed/a:author/a:name", "digestd");
    assert_xpath(doc, "count(//a:entry) + count(//a:link[@rel='related'])", "0");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(atom_has_sources), cmocka_unit_test(rss_has_sources),
        cmocka_unit_test(json_has_sources), cmocka_unit_test(proxies_are_the_source_s),
        cmocka_unit_test(empty_is_a_feed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    xmlCleanupParser();
    return failed;
}
