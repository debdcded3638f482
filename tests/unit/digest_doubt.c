/* Doubt: pages that must not be believed, each with its reason. */
#include "digest_help.h"
#include "../../daemon/digest/pool.h"

#include <libxml/xmlmemory.h>

#define GOOD "<div id=c><p>#A</p><p>one</p><p>....</p></div>"

struct doubtful {
    const char *name;
    const char *type; /* NULL: text/html */
    const char *page;
    enum doubt doubt;
};

static const struct doubtful pages[] = {
    {"good", NULL, "<html><body>" GOOD "</body></html>", DOUBT_NONE},
    {"good, no end tags of body and html", NULL, "<html><body>" GOOD, DOUBT_NONE},
    {"good, ends in the footer", NULL, "<html><body>" GOOD "<div class=foo", DOUBT_NONE},
    {"good, an element left open by its author", NULL,
     "<body><div id=c><div><p>#A</p><p>one</p><p>....</p></div></body>", DOUBT_NONE},
    {"empty", NULL, "", DOUBT_EMPTY},
    {"blank", NULL, " \n\t ", DOUBT_EMPTY},
    {"a picture", "image/png", "\x89PNG", DOUBT_TYPE},
    {"wall", NULL, "<script>please prove that you are human</script>", DOUBT_WALL},
    {"no content element", NULL, "<html><body><p>#A</p><p>one</p></body></html>", DOUBT_NO_CONTENT},
    {"no sections", NULL, "<html><body><div id=c><p>one</p></div></body></html>",
     DOUBT_NO_SECTIONS},
    {"placeholders alone", NULL, "<html><body><div id=c><p>#xxx</p><p>y</p></div></body></html>",
     DOUBT_NO_SECTIONS},
    {"good, end tags left out", NULL, "<html><body><div id=c><p>#A<p>one</div>", DOUBT_NONE},
    {"good, white space in an end tag", NULL, "<div id=c><p>#A<p>one</p></div >", DOUBT_NONE},
    {"good, where nobody searches", NULL, "<html><body><noscript>" GOOD "</noscript></body></html>",
     DOUBT_NONE},
    {"a mark of byte order alone", NULL, "\xff\xfe", DOUBT_EMPTY},
    {"cut, with an end tag in a comment", NULL,
     "<html><body><div id=c><p>#A</p><p>one</p><!-- </body> --><p>two trunc", DOUBT_CUT},
    {"cut by a comment without end", NULL,
     "<html><body><div id=c><p>#A</p><p>one</p><!-- <p>two</p></div></body></html>", DOUBT_CUT},
    {"cut in a paragraph", NULL, "<html><body><div id=c><p>#A</p><p>one</p><p>on", DOUBT_CUT},
    {"cut in a tag", NULL, "<html><body><div id=c><p>#A</p><p>one</p><p cla", DOUBT_CUT},
    {"cut between blocks", NULL, "<html><body><div id=c><p>#A</p><p>one</p>\n", DOUBT_CUT},
};

static void test_pages(void **state)
{
    struct profile *p = marks_profile();

    (void)state;
    for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
        struct page *page = NULL;
        struct error e = {""};
        enum doubt d =
            page_read(&(struct page_source){.bytes = str_of(pages[i].page),
                                            .content_type =
                                                str_of(pages[i].type ? pages[i].type : "text/html"),
                                            .url = STR("https://site.example/"),
                                            .profile = p},
                      &page, &e);

        if (d != pages[i].doubt)
            fail_msg("%s: %s", pages[i].name, e.text);
        assert_true((page != NULL) == (d == DOUBT_NONE));
        if (d != DOUBT_NONE)
            assert_true(str_starts(str_of(e.text), str_of(doubt_name(d))));
        page_free(page);
    }
    profile_unref(p);
}

/* Whoever gives the address of a feed is told so, not of section-start. */
static void test_feeds(void **state)
{
    static const struct {
        const char *type, *text;
    } feeds[] = {
        {"text/xml",
         "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<rss version=\"2.0\"><channel><title>T</title>"
         "<item><title>A</title><description>one</description></item></channel></rss>"},
        {"application/xml", "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>T</title><entry>"
                            "<title>A</title></entry></feed>"},
        {"text/plain", "{\"version\": \"https://jsonfeed.org/version/1.1\", \"items\": []}"},
    };
    struct profile *p[] = {marks_profile(), profile_new("bare")};

    (void)state;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < sizeof(feeds) / sizeof(*feeds); i++) {
            struct page *page = NULL;
            struct error e = {""};
            enum doubt d = page_read(&(struct page_source){.bytes = str_of(feeds[i].text),
                                                           .content_type = str_of(feeds[i].type),
                                                           .url = STR("https://site.example/"),
                                                           .profile = p[k]},
                                     &page, &e);

            if (d == DOUBT_NONE ||
                !str_ends(str_of(e.text),
                          STR(": what the address serves is a feed: write type = feed")))
                fail_msg("%zu, %s: %s", k, feeds[i].text, e.text);
        }
    profile_unref(p[0]);
    profile_unref(p[1]);
}

/* A wall whose script stands far into a page without the article. */
static void test_wall_late(void **state)
{
    struct profile *p = marks_profile();
    struct page *page;
    struct error e;
    struct buf html;

    (void)state;
    buf_init(&html, SIZE_MAX);
    buf_puts(&html, "<html><body>");
    for (int i = 0; i < 20000; i++)
        buf_puts(&html, "<p>padding</p>");
    buf_puts(&html, "please prove that you are human</body></html>");
    assert_int_equal(read_with(p, html.data, &page, &e), DOUBT_WALL);
    buf_clear(&html);
    profile_unref(p);
}

static void test_nested_too_deep(void **state)
{
    struct profile *p = marks_profile();
    struct page *page;
    struct error e;
    struct buf html;

    (void)state;
    buf_init(&html, SIZE_MAX);
    buf_puts(&html, "<html><body><div id=c><p>#A</p><p>one</p><p>....</p>");
    for (int i = 0; i < 10000; i++)
        buf_puts(&html, "<div>");
    buf_puts(&html, "<p>#B</p><p>two</p></div></body></html>");
    assert_int_equal(read_with(p, html.data, &page, &e), DOUBT_LIMIT);
    buf_clear(&html);
    profile_unref(p);
}

/* Many small elements: parsed, or refused with a reason; never anything else. */
static void test_small_elements(void **state)
{
    struct profile *p = marks_profile();
    struct page *page;
    struct error e;
    struct buf html;

    (void)state;
    buf_init(&html, SIZE_MAX);
    buf_puts(&html, "<html><body><div id=c><h1>#T</h1><table>");
    for (int i = 0; i < 10000; i++)
        buf_puts(&html, "<tr><td align=center>1</td><td>2</td><td>3</td><td>4</td></tr>\n");
    buf_puts(&html, "</table><pre>");
    for (int i = 0; i < 60000; i++)
        buf_puts(&html, "<span class=\"k\">x</span> ");
    buf_puts(&html, "</pre><p>....</p></div></body></html>");
    assert_int_equal(read_with(p, html.data, &page, &e), DOUBT_NONE);
    assert_int_equal(text_length(page->sections[0].text), 10000 * 8 + 60000 * 2 - 1);
    page_free(page);
    buf_clear(&html);
    profile_unref(p);
}

/* The pool of a page: over its budget it says so and goes on giving for a while, and where it can
 * give no more, what was given stands as it was. */
static void test_pool(void **state)
{
    char *p, *q;

    (void)state;
    pool_begin(2 << 20);
    p = xmlMalloc(600 << 10);
    memset(p, 'p', 600 << 10);
    assert_false(pool_exceeded());
    q = xmlRealloc(p, 4 << 20);
    assert_non_null(q);
    assert_true(pool_exceeded());
    assert_int_equal(q[(600 << 10) - 1], 'p');
    assert_null(xmlRealloc(q, 100 << 20));
    assert_int_equal(q[0], 'p');
    xmlFree(q);
    p = xmlMalloc(100);
    q = xmlMalloc(100);
    xmlFree(p);
    assert_ptr_equal(xmlMalloc(100), p); /* used again */
    xmlFree(q);
    pool_end();
    p = xmlMalloc(10); /* outside of any pool it is the system's */
    xmlFree(p);
}

static void test_charsets(void **state)
{
    static const struct {
        const char *type, *head;
        const char *title; /* as bytes of that encoding */
        size_t n;
    } claims[] = {
        {"text/html; charset=gbk", "", "\xd6\xd0\xce\xc4", 4},
        {"text/html", "<meta charset='gb2312'>", "\xd6\xd0\xce\xc4", 4},
        {"text/html", "<meta http-equiv=Content-Type content='text/html; charset=big5'>",
         "\xa4\xa4\xa4\xe5", 4},
        {"text/html", "", "\xd6\xd0\xce\xc4", 4},                      /* says nothing: GB18030 */
        {"text/html; charset=gbk", "", "\xe4\xb8\xad\xe6\x96\x87", 6}, /* lies */
        {"text/html; charset=utf-8", "", "\xe4\xb8\xad\xe6\x96\x87", 6},
    };
    struct profile *p = marks_profile();

    (void)state;
    for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++) {
        struct page *page;
        struct error e;
        struct buf html;

        buf_init(&html, SIZE_MAX);
        buf_printf(&html, "<html><head>%s</head><body><div id=c><p>#", claims[i].head);
        buf_append(&html, claims[i].title, claims[i].n);
        buf_puts(&html, "</p><p>x</p></div></body></html>");
        assert_int_equal(page_read(&(struct page_source){.bytes = buf_str(&html),
                                                         .content_type = str_of(claims[i].type),
                                                         .url = STR("https://site.example/"),
                                                         .profile = p},
                                   &page, &e),
                         DOUBT_NONE);
        assert_str(page->sections[0].title, "中文");
        page_free(page);
        buf_clear(&html);
    }
    profile_unref(p);
}

/* Bytes that are no UTF-8, NUL and characters that XML forbids never reach an entry. */
static void test_bad_bytes(void **state)
{
    static const char bytes[] = "<html><head><meta charset=utf-8></head><body><div id=c><p>#A</p>"
                                "<p>a\xff\0b\x01\xed\xa0\x80&#1;&#xfffe;</p></div></body></html>";
    struct profile *p = marks_profile();
    struct page *page;
    struct error e;

    (void)state;
    assert_int_equal(page_read(&(struct page_source){.bytes = {bytes, sizeof(bytes) - 1},
                                                     .url = STR("https://site.example/"),
                                                     .profile = p},
                               &page, &e),
                     DOUBT_NONE);
    assert_true(text_is_xml(page->sections[0].html));
    assert_true(text_is_xml(page->sections[0].text));
    page_free(page);
    profile_unref(p);
}

/* A long <base> makes each short address long: what is written of a page has a bound. */
static void test_what_is_written_has_a_bound(void **state)
{
    struct profile *p = marks_profile();
    struct page *page = NULL;
    struct error e = {""};
    struct buf html;

    (void)state;
    buf_init(&html, SIZE_MAX);
    buf_puts(&html, "<html><head><base href='https://base.example/");
    for (int i = 0; i < 7000; i++)
        buf_putc(&html, 'a');
    buf_puts(&html, "/'></head><body><div id=c><p>#A</p><p>");
    for (int i = 0; i < 4000; i++)
        buf_puts(&html, "<img src=i.png>");
    buf_puts(&html, "</p><p>....</p></div></body></html>");
    assert_int_equal(read_with(p, html.data, &page, &e), DOUBT_LIMIT);
    assert_null(page);
    buf_clear(&html);
    profile_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_feeds),
        cmocka_unit_test(test_wall_late),
        cmocka_unit_test(test_nested_too_deep),
        cmocka_unit_test(test_charsets),
        cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_small_elements),
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_what_is_written_has_a_bound),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
