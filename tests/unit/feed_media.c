/* What an entry shows, by its HTML: thumbnails, enclosures, and pictures through a proxy. */
#include "feed_sample.h"

#include <jansson.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define H            "https://example.org/"

static void render_html(const char *html, const char *proxy, enum feed_format format,
                        struct buf *out)
{
    struct sample s;
    struct error e = {""};

    sample_init(&s);
    s.entries[0].html = str_of(html);
    s.feed.count = 1;
    s.feed.image_proxy = str_of(proxy);
    buf_init(out, OUT_MAX);
    if (feed_render(&s.feed, format, out, &e) != 0)
        fail_msg("%s", e.text);
}

static xmlDoc *render_doc(const char *html, const char *proxy, enum feed_format format)
{
    struct buf out;

    render_html(html, proxy, format, &out);
    xmlDoc *doc = assert_xml(buf_str(&out));
    buf_clear(&out);
    return doc;
}

/* ---- thumbnails ---------------------------------------------------------------------------- */

static void thumbnails(void **state)
{
    static const struct {
        const char *html, *url, *size;
    } table[] = {
        {"", "", "x"},
        {"<p>words</p>", "", "x"},
        {"<img src=\"" H "a.png\">", H "a.png", "x"},
        {"<p><img src=\"" H "a.png?x=1&amp;y=%27&#39;&lt;&gt;&quot;\" alt=\"\"></p>",
         H "a.png?x=1&y=%27'<>\"", "x"},
        {"<img src=\"" H "a.png\" width=\"640\" height=\"360\">", H "a.png", "640x360"},
        {"<img src=\"" H "a.png\" width=\"640\">", H "a.png", "640x"},
        /* none is too small, inside the entry, or a word that only looks like one */
        {"<img src=\"" H "smile.png\" width=\"49\"><img src=\"" H "b.png\">", H "b.png", "x"},
        {"<img src=\"" H "line.png\" width=\"600\" height=\"2\"><img src=\"" H "b.png\">",
         H "b.png", "x"},
        {"<img src=\"" H "b.png\" width=\"50\" height=\"50\">", H "b.png", "50x50"},
        {"<img src=\"data:image/png;base64,AAAA\"><img src=\"" H "b.png\">", H "b.png", "x"},
        {"<pre>&lt;img src=&quot;" H "a.png&quot;&gt;</pre><img src=\"" H "b.png\">", H "b.png",
         "x"},
        {"<img alt=\" src=&quot;" H "a.png&quot;\" src=\"" H "b.png\">", H "b.png", "x"},
        {"<a href=\"" H "a.png\">a picture</a>", "", "x"},
        {"<img src=\"https://s.w.org/images/core/emoji/15/72x72/1f600.png\"><img "
         "src=\"https://cdn.example/npm/twemoji@14/72x72/1f600.png\"><img src=\"" H "b.png\">",
         H "b.png", "x"},
        /* the still of a film */
        {"<video src=\"" H "f.mp4\" poster=\"" H "still.jpg\"></video><img src=\"" H "b.png\">",
         H "still.jpg", "x"},
        {"<video src=\"" H "f.mp4\"></video>", "", "x"},
        /* nothing that our cleaner writes, and nothing that breaks us */
        {"<img", "", "x"},
        {"<img src=\"" H "a.png", "", "x"},
        {"<img src=\"" H "a.png>", H "a.png", "x"},
        {"<>< ><img>", "", "x"},
        {"<img src=\"" H "a.png\" width=\"99999999999\">", H "a.png", "x"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        for (enum feed_format format = FEED_ATOM; format <= FEED_RSS; format++) {
            xmlDoc *doc = render_doc(table[i].html, "", format);
            assert_xpath(doc, "string(//m:thumbnail/@url)", table[i].url);
            assert_xpath(doc, "concat(//m:thumbnail/@width, 'x', //m:thumbnail/@height)",
                         table[i].size);
            assert_xpath(doc, "count(//m:thumbnail)", table[i].url[0] ? "1" : "0");
            xmlFreeDoc(doc);
        }
}

/* ---- sounds and films ------------------------------------------------------------------------ */

static void enclosures(void **state)
{
    static const struct {
        const char *html, *first, *count; /* "type address" */
    } table[] = {
        {"<p><img src=\"" H "a.png\"></p>", " ", "0"},
        {"<audio controls=\"\" src=\"" H "a.mp3\"></audio>", "audio/mpeg " H "a.mp3", "1"},
        {"<video src=\"" H "f.MP4?x=1&amp;y=.ogv#z\"></video>", "video/mp4 " H "f.MP4?x=1&y=.ogv#z",
         "1"},
        {"<audio src=\"" H "a.ogg\"></audio>", "audio/ogg " H "a.ogg", "1"},
        {"<video src=\"" H "f.ogg\"></video>", "video/ogg " H "f.ogg", "1"},
        {"<audio src=\"" H "a.webm\"></audio>", "audio/webm " H "a.webm", "1"},
        {"<audio src=\"" H "stream\"></audio>", "audio/mpeg " H "stream", "1"},
        {"<video src=\"" H "stream\"></video>", "video/mp4 " H "stream", "1"},
        {"<video src=\"" H "live.m3u8\"></video>", "application/vnd.apple.mpegurl " H "live.m3u8",
         "1"},
        /* of several sources the first, and not one of them where the player has its own */
        {"<audio><source src=\"" H "a.opus\"><source src=\"" H "a.mp3\"></audio>",
         "audio/ogg " H "a.opus", "1"},
        {"<video src=\"" H "f.webm\"><source src=\"" H "f.mp4\"></video>", "video/webm " H "f.webm",
         "1"},
        /* which may say what it is */
        {"<audio><source src=\"" H "stream?a&amp;b\" type=\"audio/ogg\"></audio>",
         "audio/ogg " H "stream?a&b", "1"},
        {"<video><source src=\"" H "f.bin\" type=\"video/webm\"><source src=\"" H
         "f.mp4\"></video>",
         "video/webm " H "f.bin", "1"},
        {"<video></video>", " ", "0"},
        {"<source src=\"" H "f.mp4\">", " ", "0"},
        {"<video></video><audio src=\"" H "a.flac\"></audio><video src=\"" H "f.mov\"></video>",
         "audio/flac " H "a.flac", "2"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        xmlDoc *atom = render_doc(table[i].html, "", FEED_ATOM);
        xmlDoc *rss = render_doc(table[i].html, "", FEED_RSS);
        assert_xpath(atom,
                     "concat(//a:link[@rel='enclosure']/@type, ' ', "
                     "//a:link[@rel='enclosure']/@href)",
                     table[i].first);
        assert_xpath(atom, "count(//a:link[@rel='enclosure'])", table[i].count);
        assert_xpath(rss, "concat(//enclosure/@type, ' ', //enclosure/@url)", table[i].first);
        assert_xpath(rss, "count(//enclosure) + count(//m:content)", table[i].count);
        assert_xpath(rss, "count(//enclosure[@length != '0']) + (count(//enclosure) > 1)", "0");
        xmlFreeDoc(atom);
        xmlFreeDoc(rss);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *render_json(const char *html, const char *proxy)
{
    struct buf out;

    render_html(html, proxy, FEED_JSON, &out);
    json_t *root = json_loadb(out.data, out.len, 0, NULL);
    assert_non_null(root);
    buf_clear(&out);
    return root;
}

static const char *text_at(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void json_says_it_too(void **state)
{
    json_t *root = render_json("<img src=\"" H "a.png\"><audio src=\"" H "a.mp3\"></audio>"
                               "<video src=\"" H "f.mp4\"></video>",
                               "");
    json_t *item = json_array_get(json_object_get(root, "items"), 0);
    json_t *attachments = json_object_get(item, "attachments");
    json_t *tags = json_object_get(item, "tags");

    (void)state;
    assert_string_equal(text_at(item, "image"), H "a.png");
    assert_int_equal(json_array_size(attachments), 2);
    assert_string_equal(text_at(json_array_get(attachments, 1), "url"), H "f.mp4");
    assert_string_equal(text_at(json_array_get(attachments, 1), "mime_type"), "video/mp4");
    assert_int_equal(json_array_size(tags), 2);
    assert_string_equal(json_string_value(json_array_get(tags, 1)), "R&D");
    json_t *minutes = json_object_get(json_object_get(item, "_digestd"), "reading_minutes");
    assert_int_equal(json_integer_value(minutes), 1);
    assert_true(uri_is_http(str_of(text_at(json_object_get(root, "_digestd"), "about"))));
    json_decref(root);
}

/* ---- nothing where there is nothing ---------------------------------------------------------- */

static void nothing_is_said_of_nothing(void **state)
{
    static const char *const keys[] = {"image", "tags", "attachments", "language", "summary"};
    struct sample s;
    struct buf out;
    struct error e;

    (void)state;
    sample_init(&s);
    s.feed.tags = STR(" \n\n");
    s.entries[0].html = STR("<p><img src=\"data:image/png;base64,AAAA\" alt=\"\"></p>");
    s.entries[0].text = STR("\n");
    s.feed.count = 1;
    buf_init(&out, OUT_MAX);
    for (enum feed_format i = FEED_ATOM; i <= FEED_RSS; i++) {
        buf_reset(&out);
        assert_int_equal(feed_render(&s.feed, i, &out, &e), 0);
        xmlDoc *doc = assert_xml(buf_str(&out));
        assert_xpath(doc,
                     "count(//m:*) + count(//a:category) + count(//category) + count(//enclosure) "
                     "+ count(//a:summary) + count(//a:entry/a:link[@rel != 'alternate'])",
                     "0");
        if (i == FEED_RSS) /* which many readers show nothing without */
            assert_xpath(doc, "//item/description", s.entries[0].title.p);
        xmlFreeDoc(doc);
    }
    buf_reset(&out);
    assert_int_equal(feed_render(&s.feed, FEED_JSON, &out, &e), 0);
    json_t *root = json_loadb(out.data, out.len, 0, NULL);
    json_t *item = json_array_get(json_object_get(root, "items"), 0);
    for (size_t i = 0; i < COUNT(keys); i++)
        assert_null(json_object_get(item, keys[i]));
    json_decref(root);
    buf_reset(&out);
    assert_int_equal(feed_entry_page(&s.feed, &s.entries[0], &(struct neighbours){0}, &out, &e), 0);
    assert_null(strstr(out.data, "<nav"));
    assert_null(strstr(out.data, "class=\"tags\""));
    buf_clear(&out);
}

/* Of pictures without a word around them, what they say of themselves is the summary. */
static void summary_of_pictures(void **state)
{
    struct sample s;
    struct buf out;
    struct error e;

    (void)state;
    sample_init(&s);
    s.entries[0].html = STR("<p><img src=\"" H "a.png\" alt=\"A &lt;map&gt; &amp; a key\"></p>"
                            "<p><img src=\"" H "b.png\" alt=\"the  view\"></p>");
    s.entries[0].text = STR("");
    buf_init(&out, OUT_MAX);
    assert_int_equal(feed_render(&s.feed, FEED_ATOM, &out, &e), 0);
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "//a:entry[1]/a:summary", "A <map> & a key the view");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

/* ---- image-proxy --------------------------------------------------------------------------- */

#define PROXY "https://p.example/?a=1&u=%u&b=2"
#define E(s)  "https://p.example/?a=1&amp;u=" s "&amp;b=2"

static void pictures_through_a_proxy(void **state)
{
    static const struct {
        const char *html, *want;
    } table[] = {
        {"<p>words</p>", "<p>words</p>"},
        {"<p><img src=\"http://h/a.png\" alt=\"x\"> y</p>",
         "<p><img src=\"" E("http%3A%2F%2Fh%2Fa%2Epng") "\" alt=\"x\"> y</p>"},
        {"<img src=\"http://h/?a=1&amp;b=%20&#39;\">",
         "<img src=\"" E("http%3A%2F%2Fh%2F%3Fa%3D1%26b%3D%2520%27") "\">"},
        {"<video src=\"http://h/f\" poster=\"http://h/p\"></video>",
         "<video src=\"http://h/f\" poster=\"" E("http%3A%2F%2Fh%2Fp") "\"></video>"},
        {"<img src=\"http://h/a\"><img src=\"http://h/b\">",
         "<img src=\"" E("http%3A%2F%2Fh%2Fa") "\"><img src=\"" E("http%3A%2F%2Fh%2Fb") "\">"},
        /* what no proxy can fetch, and what is no picture */
        {"<img src=\"data:image/png;base64,AAAA\">", "<img src=\"data:image/png;base64,AAAA\">"},
        {"<a href=\"http://h/a.png\">a</a><audio src=\"http://h/a\"></audio>",
         "<a href=\"http://h/a.png\">a</a><audio src=\"http://h/a\"></audio>"},
        {"<code>&lt;img src=&quot;http://h/a&quot;&gt;</code>",
         "<code>&lt;img src=&quot;http://h/a&quot;&gt;</code>"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        xmlDoc *atom = render_doc(table[i].html, PROXY, FEED_ATOM);
        xmlDoc *rss = render_doc(table[i].html, PROXY, FEED_RSS);
        json_t *json = render_json(table[i].html, PROXY);
        assert_xpath(atom, "//a:content", table[i].want);
        assert_xpath(rss, "//c:encoded", table[i].want);
        assert_string_equal(
            text_at(json_array_get(json_object_get(json, "items"), 0), "content_html"),
            table[i].want);
        xmlFreeDoc(atom);
        xmlFreeDoc(rss);
        json_decref(json);
    }
}

/* Nothing but the entry's own links and films leads to where it is from. */
static void thumbnails_and_pages_through_a_proxy(void **state)
{
    const char *html = "<img src=\"http://h/a.png\">";
    const char *want = "https://p.example/?a=1&u=http%3A%2F%2Fh%2Fa%2Epng&b=2";
    struct sample s;
    struct buf out;
    struct error e;

    (void)state;
    for (enum feed_format format = FEED_ATOM; format <= FEED_RSS; format++) {
        xmlDoc *doc = render_doc(html, PROXY, format);
        assert_xpath(doc, "//m:thumbnail/@url", want);
        xmlFreeDoc(doc);
    }
    json_t *json = render_json(html, PROXY);
    json_t *item = json_array_get(json_object_get(json, "items"), 0);
    assert_string_equal(text_at(item, "image"), want);
    json_decref(json);
    sample_init(&s);
    s.entries[0].html = str_of(html);
    s.feed.image_proxy = STR(PROXY);
    buf_init(&out, OUT_MAX);
    assert_int_equal(feed_entry_page(&s.feed, &s.entries[0], &(struct neighbours){0}, &out, &e), 0);
    assert_non_null(strstr(out.data, "<img src=\"" E("http%3A%2F%2Fh%2Fa%2Epng") "\">"));
    assert_null(strstr(out.data, "http://h/"));
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thumbnails),
        cmocka_unit_test(enclosures),
        cmocka_unit_test(json_says_it_too),
        cmocka_unit_test(nothing_is_said_of_nothing),
        cmocka_unit_test(summary_of_pictures),
        cmocka_unit_test(pictures_through_a_proxy),
        cmocka_unit_test(thumbnails_and_pages_through_a_proxy),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    xmlCleanupParser();
    return failed;
}
