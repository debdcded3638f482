/* Markdown: CommonMark, marker lines, what stands before the text; and plain text, which is none.
 */
#include "digest_help.h"

#include <time.h>

static struct profile *markdown_profile(void)
{
    struct profile *p = profile_new("markdown");

    set(p, "syntax", "markdown");
    set(p, "sections", "either");
    set(p, "section-start", "^[#＃]\\s*(?![#＃\\s])(.+)$");
    set(p, "section-end", "^(?:\\.{4}|．{4}|…{1,2}|。{4})$");
    set(p, "skip-title", "^[xX]{3,}$");
    set(p, "title-xpath", "/html/head/title");
    set(p, "title-xpath", "/html/body/h1[count(/html/body/h1) = 1]");
    set(p, "published-xpath", "/html/head/meta[@name=\"date\"]/@content");
    return p;
}

static enum doubt read_text(struct profile *p, struct str text, const char *type,
                            struct page **page)
{
    struct error e = {""};

    return page_read(&(struct page_source){.bytes = text,
                                           .content_type = str_of(type),
                                           .url = STR("https://site.example/a/notes.md"),
                                           .profile = p},
                     page, &e);
}

static struct page *read_markdown(const char *text)
{
    struct profile *p = markdown_profile();
    struct page *page = NULL;

    if (read_text(p, str_of(text), "text/markdown; charset=utf-8", &page) != DOUBT_NONE)
        fail_msg("not believed:\n%s", text);
    profile_unref(p);
    return page;
}

static void write_page(struct buf *out, const struct page *page)
{
    buf_puts(out, "");
    for (size_t i = 0; i < page->count; i++)
        buf_printf(out, "%.*s|%.*s\n", STR_ARG(page->sections[i].title),
                   STR_ARG(page->sections[i].html));
}

static const struct layout {
    const char *name, *text, *sections;
} layouts[] = {
    {"markers right before and behind text",
     "intro\n#A\none\n*two*\n....\n#B\nthree\n....\nafter\n",
     "A|<p>one\n<em>two</em></p>\nB|<p>three</p>\n"},
    {"markers behind a list", "#A\ntext\n- one\n- two\n....\n#B\n> said\n....\n",
     "A|<p>text</p><ul><li>one</li><li>two</li></ul>\n"
     "B|<blockquote><p>said</p></blockquote>\n"},
    {"headings", "# T\n\nintro\n\n## A\none\n\n### sub\ntwo\n\n## B\nthree\n",
     "A|<p>one</p><h3>sub</h3><p>two</p>\nB|<p>three</p>\n"},
    {"headings of the highest level", "# A\none\n# B\ntwo\n....\nnobody's\n# C\nthree\n",
     "A|<p>one</p>\nB|<p>two</p>\nC|<p>three</p>\n"},
    {"underlined headings", "A\n=\none\n\nB\n=\ntwo\n", "A|<p>one</p>\nB|<p>two</p>\n"},
    {"code is left alone",
     "#A\n```sh\n# comment\n....\n#B\n```\n- item\n  ~~~\n  # c\n  ~~~\n\nthen\n\n    # "
     "deep\n....\n",
     "A|<pre><code># comment\n....\n#B\n</code></pre><ul><li>item<pre><code># c\n"
     "</code></pre></li></ul><p>then</p><pre><code># deep\n</code></pre>\n"},
    {"HTML in it is cleaned",
     "#A\n<script>alert(1)</script>\n\n<b onclick=x>bold</b> <img src=i.png onerror=x>\n\n"
     "<pre>\n# c\n</pre>\n....\n",
     "A|<p><b>bold</b> <img src=\"https://site.example/a/i.png\" "
     "referrerpolicy=\"no-referrer\"></p>"
     "<pre># c\n</pre>\n"},
    {"links, tables, struck out",
     "#A\n[x](../b) <https://a.example> www.b.example c@d.example "
     "~~no~~\n\n|h|i|\n|---|---|\n|1|2|\n....\n",
     "A|<p><a href=\"https://site.example/b\">x</a> "
     "<a href=\"https://a.example\">https://a.example</a> "
     "<a href=\"http://www.b.example\">www.b.example</a> "
     "<a href=\"mailto:c@d.example\">c@d.example</a> <del>no</del></p>"
     "<table><thead><tr><th>h</th><th>i</th></tr></thead>"
     "<tbody><tr><td>1</td><td>2</td></tr></tbody></table>\n"},
    {"placeholders", "#xxx\n....\n#A\none\n....\n", "A|<p>one</p>\n"},
    {"full width", "＃A\none\n。。。。\n", "A|<p>one</p>\n"},
    {"carriage returns", "#A\r\none\r\n....\r\n#B\r\ntwo\r\n....\r\n",
     "A|<p>one</p>\nB|<p>two</p>\n"},
};

static void test_layouts(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
        struct page *page = read_markdown(layouts[i].text);
        struct buf got;

        buf_init(&got, SIZE_MAX);
        write_page(&got, page);
        if (strcmp(got.data, layouts[i].sections) != 0) {
            print_error("%s: got\n%s expected\n%s", layouts[i].name, got.data, layouts[i].sections);
            wrong++;
        }
        buf_clear(&got);
        page_free(page);
    }
    assert_int_equal(wrong, 0);
}

/* ---- what stands before the text ------------------------------------------------------------ */

static void test_matter(void **state)
{
    struct page *page = read_markdown("---\ntitle: \"A <b> & c\"\n# a remark\ndate: 2024-03-22\n"
                                      "tags:\n  - x\n- y\nauthor: Jo\nlang: en\n---\n"
                                      "## A\none\n## B\ntwo\n");

    (void)state;
    assert_str(page->info.title, "A <b> & c");
    assert_str(page->info.author, "Jo");
    assert_str(page->info.language, "en");
    assert_int_equal(page->info.published, 1711065600);
    assert_int_equal(page->count, 2);
    page_free(page);
}

static void test_no_matter(void **state)
{
    static const char *const texts[] = {
        "---\ntitle: x\n## A\none\n## B\ntwo\n",              /* never closed */
        "---\nJust words.\n---\n## A\none\n## B\ntwo\n",      /* a line, a heading underlined */
        "---\n- item\n---\n## A\none\n## B\ntwo\n",           /* lines around a list */
        "\n---\ntitle: x\n---\n## A\none\n## B\ntwo\n",       /* not at the beginning */
        "# Alone\n---\ntitle: x\n---\n## A\none\n## B\ntwo\n" /* the same */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct page *page = read_markdown(texts[i]);

        assert_str(page->info.title, i == 4 ? "Alone" : "");
        page_free(page);
    }
    /* Nothing of such a text is lost. */
    struct page *page = read_markdown("## A\none\n## B\n---\n- item\n---\ntwo\n");
    assert_str(page->sections[1].text, "item\ntwo");
    page_free(page);
}

/* ---- plain text ----------------------------------------------------------------------------- */

static void test_text_is_literal(void **state)
{
    struct profile *p = markdown_profile();
    struct page *page = NULL;

    (void)state;
    profile_forget(p, STR("syntax"));
    set(p, "syntax", "text");
    profile_forget(p, STR("sections"));
    assert_int_equal(read_text(p,
                               STR("#A\n<think>\n*stars* _lines_ `ticks` ~~waves~~\n# not ## here\n"
                                   "## A sub-heading\n[x](y) &amp; <b>\n---\n> said\n....\n"),
                               "text/plain", &page),
                     DOUBT_NONE);
    assert_int_equal(page->count, 1);
    assert_str(page->sections[0].text, "<think>\n*stars* _lines_ `ticks` ~~waves~~\n# not ## here\n"
                                       "## A sub-heading\n[x](y) &amp; <b>\n---\n> said");
    assert_str(page->sections[0].html,
               "<p>&lt;think&gt;</p><p>*stars* _lines_ `ticks` ~~waves~~</p><p># not ## here</p>"
               "<p>## A sub-heading</p><p>[x](y) &amp;amp; &lt;b&gt;</p><p>---</p>"
               "<p>&gt; said</p>");
    page_free(page);
    profile_unref(p);
}

/* ---- hostile -------------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What is written once and referred to often comes to more than anybody wants. */
static void test_bomb(void **state)
{
    struct profile *p = markdown_profile();
    struct page *page = NULL;
    struct buf text;

    (void)state;
    buf_init(&text, SIZE_MAX);
    buf_puts(&text, "[a]: u \"\n");
    while (text.len < 100000)
        buf_puts(&text, "a long title\n");
    buf_puts(&text, "\"\n\n");
    for (int i = 0; i < 10000; i++)
        buf_puts(&text, "[a] ");
    assert_int_equal(read_text(p, buf_str(&text), "text/plain", &page), DOUBT_LIMIT);
    assert_null(page);
    buf_clear(&text);
    profile_unref(p);
}

/* Read or refused, but soon. */
static void test_hostile(void **state)
{
    static const char *const pieces[] = {
        "#A\n....\n", "> ", "[",  "![",    "*a_ ",  "`", "- ",   "|",
        "<a ",        "&",  "\\", "~~~\n", "|\n|-", "#", "<!--", "[a]: <b>\n[a]\n"};
    struct profile *p = markdown_profile();

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        struct page *page = NULL;
        double from = seconds();
        struct buf text;

        buf_init(&text, SIZE_MAX);
        while (text.len < 300000)
            buf_puts(&text, pieces[i]);
        read_text(p, buf_str(&text), "text/plain", &page);
        if (seconds() - from > 5)
            fail_msg("'%s' takes %.1f s", pieces[i], seconds() - from);
        page_free(page);
        buf_clear(&text);
    }
    profile_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),   cmocka_unit_test(test_matter),
        cmocka_unit_test(test_no_matter), cmocka_unit_test(test_text_is_literal),
        cmocka_unit_test(test_bomb),      cmocka_unit_test(test_hostile),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
