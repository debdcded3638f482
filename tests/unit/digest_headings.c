/* Sections by headings: which level it is, where a section ends, what is no heading; how a reader
 * gets there; what people are told where there are none; and that it takes no longer than it may.
 */
#include "digest_help.h"

#include <time.h>

static struct profile *headings_profile(void)
{
    struct profile *p = profile_new("headings");

    set(p, "sections", "headings");
    set(p, "skip-title", "(?i)^(?:comments?|目录)$");
    return p;
}

static void write_page(struct buf *out, const struct page *page)
{
    buf_puts(out, "");
    for (size_t i = 0; i < page->count; i++)
        buf_printf(out, "%.*s|%.*s\n", STR_ARG(page->sections[i].title),
                   STR_ARG(page->sections[i].html));
}

static const struct layout {
    const char *name, *content, *sections;
} layouts[] = {
    {"the highest level that repeats",
     "<h1>T</h1><p>by me</p><h2>A</h2><h3>a</h3><p>x</p><h3>b</h3><p>y</p><h2>B</h2><p>z</p>",
     "A|<h3>a</h3><p>x</p><h3>b</h3><p>y</p>\nB|<p>z</p>\n"},
    {"one of its kind above", "<h2>T</h2><h3>A</h3><p>x</p><h3>B</h3><p>y</p>",
     "A|<p>x</p>\nB|<p>y</p>\n"},
    {"a higher one ends a section",
     "<h3>A</h3><p>x</p><h3>B</h3><p>y</p><h2>Other</h2><p>z</p><h3>C</h3><p>w</p>",
     "A|<p>x</p>\nB|<p>y</p>\nC|<p>w</p>\n"},
    {"only one", "<h2>A</h2><p>x</p>", "A|<p>x</p>\n"},
    {"what stands in a title's box is its section's",
     "<section><p>Monday</p><h2>A</h2><p>x</p></section>"
     "<section><p>Tuesday</p><h2>B</h2><p>y</p></section>",
     "A|<p>Monday</p><p>x</p>\nB|<p>Tuesday</p><p>y</p>\n"},
    {"boxes that are not alike divide nothing",
     "<div><h2>A</h2><p>x</p></div><section><p>x, too</p><h2>B</h2><p>y</p></section>",
     "A|<p>x</p><p>x, too</p>\nB|<p>y</p>\n"},
    {"a title that is a link",
     "<h2><a href='https://a.example/'>A</a></h2><p>x</p><h2>B <a href='#b'>b</a></h2><p>y</p>",
     "A|<p><a href=\"https://a.example/\">A</a></p><p>x</p>\nB b|<p>y</p>\n"},
    {"only one, a title", "<h1>A</h1><p>x</p>", "A|<p>x</p>\n"},
    {"only one below the title", "<h1>T</h1><p>by me</p><h3>A</h3><p>x</p><h4>a</h4><p>y</p>",
     "A|<p>x</p><h4>a</h4><p>y</p>\n"},
    {"headings with nothing below them do not count",
     "<h1>Site</h1><h1>T</h1><h2>A</h2><p>x</p><h2>B</h2><p>y</p>", "A|<p>x</p>\nB|<p>y</p>\n"},
    {"nor do those of placeholders",
     "<h2>A</h2><h3>a</h3><p>x</p><h3>b</h3><p>y</p><h2>Comments</h2><p>no</p>",
     "a|<p>x</p>\nb|<p>y</p>\n"},
    {"a placeholder ends the section before it",
     "<h2>A</h2><p>x</p><h2>COMMENTS</h2><p>no</p><h2>B</h2><p>y</p>", "A|<p>x</p>\nB|<p>y</p>\n"},
    {"several lines", "<h2>A<br>B</h2><p>x</p><h2><div>C</div><div>D</div></h2><p>y</p>",
     "A B|<p>x</p>\nC D|<p>y</p>\n"},
    {"a picture in a heading", "<h2><img src=/a.png>A</h2><p>x</p><h2>B</h2><p>y</p>",
     "A|<p><img src=\"https://site.example/a.png\" referrerpolicy=\"no-referrer\"></p><p>x</p>\n"
     "B|<p>y</p>\n"},
    {"a line under a title",
     "<h1>T</h1><hgroup><h2>A</h2><h3>sub</h3></hgroup><p>x</p><header><h2>B</h2><h3>sub</h3>"
     "</header><p>y</p>",
     "A|<h3>sub</h3><p>x</p>\nB|<h3>sub</h3><p>y</p>\n"},
    {"what is beside the text",
     "<h2>A</h2><p>x</p><aside class=note><h2>no</h2><p>r</p></aside><blockquote><h2>no</h2>"
     "</blockquote><h2>B</h2><p>y</p>",
     "A|<p>x</p><h2>no</h2><p>r</p><blockquote><h2>no</h2></blockquote>\nB|<p>y</p>\n"},
    {"links to itself",
     "<h2>A <a href=#a>¶</a></h2><p>x <a href=#b>#</a></p><h2><a href='/p#b'>#</a> B</h2><p>y</p>"
     "<h2><a href=#c>C#</a></h2><p>z</p>",
     "A|<p>x <a href=\"https://site.example/a/page.html?x=1#b\">#</a></p>\nB|<p>y</p>\n"
     "C#|<p>z</p>\n"},
};

static void test_layouts(void **state)
{
    struct profile *p = headings_profile();
    size_t wrong = 0;

    (void)state;
    set(p, "content", "//*[@id='c']");
    for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
        struct page *page = NULL;
        struct error e = {""};
        struct buf html, got;

        buf_init(&html, SIZE_MAX);
        buf_init(&got, SIZE_MAX);
        buf_printf(&html, "<meta charset=utf-8><h2>Not this</h2><p>no</p><div id=c>%s</div>",
                   layouts[i].content);
        if (read_with(p, html.data, &page, &e) != DOUBT_NONE)
            fail_msg("%s: %s", layouts[i].name, e.text);
        write_page(&got, page);
        if (strcmp(got.data, layouts[i].sections) != 0) {
            print_error("%s: got\n%s expected\n%s", layouts[i].name, got.data, layouts[i].sections);
            wrong++;
        }
        for (size_t k = 0; k < page->count; k++)
            assert_true(page->sections[k].closed);
        buf_clear(&html);
        buf_clear(&got);
        page_free(page);
    }
    assert_int_equal(wrong, 0);
    profile_unref(p);
}

/* ---- markers or headings -------------------------------------------------------------------- */

static void test_either(void **state)
{
    static const struct {
        const char *html, *sections;
    } cases[] = {
        {"<h2>A</h2><p>x</p><p>#M</p><p>m</p><p>....</p><h2>B</h2><p>y</p>", "M|<p>m</p>\n"},
        {"<h2>A</h2><p>x</p><p>#M</p><p>m</p><h2>B</h2><p>y</p>",
         "A|<p>x</p><p>#M</p><p>m</p>\nB|<p>y</p>\n"},
        {"<h2>A</h2><p>x</p><p>....</p><p>no</p><h2>B</h2><p>y</p>", "A|<p>x</p>\nB|<p>y</p>\n"},
    };
    struct profile *p = headings_profile();

    (void)state;
    profile_forget(p, STR("sections"));
    set(p, "sections", "either");
    set(p, "section-start", "^#(.+)$");
    set(p, "section-end", "^\\.{4}$");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct page *page = NULL;
        struct buf got;

        buf_init(&got, SIZE_MAX);
        assert_int_equal(read_with(p, cases[i].html, &page, NULL), DOUBT_NONE);
        write_page(&got, page);
        assert_string_equal(got.data, cases[i].sections);
        buf_clear(&got);
        page_free(page);
    }
    profile_unref(p);
}

/* A digest on a site without a profile: the article is found without a heading in it, too. */
static void test_markers_without_content(void **state)
{
    struct profile *p = marks_profile();
    struct page *page = NULL;

    (void)state;
    profile_forget(p, STR("content"));
    assert_int_equal(read_with(p,
                               "<body><div class=sidebar><h3>Tags</h3><p>#blue</p></div>"
                               "<div class=post><div><p>#A</p></div><div><p>one, and some more "
                               "words so that it is most of the page by far</p></div>"
                               "<div><p>....</p></div><div><p>#B</p><p>two</p><p>....</p></div>"
                               "</div><div id=comments><p>#C</p><p>three</p><p>....</p></div>",
                               &page, NULL),
                     DOUBT_NONE);
    assert_int_equal(page->count, 2);
    assert_str(page->sections[0].title, "A");
    assert_str(page->sections[1].title, "B");
    page_free(page);
    profile_unref(p);
}

/* ---- links, doubts -------------------------------------------------------------------------- */

static const char linked[] =
    "<html><head><title>T</title></head><body><nav><a href=#one>One</a> <a href=#two>Two</a></nav>"
    "<article><h1>T</h1><h2 id=one>One<a href=#one>#</a></h2><p>First words, then more.</p>"
    "<h2 id=two>Two</h2><p>Second words.</p><h2>Only here</h2><p>x</p></article></body></html>";

static void test_links(void **state)
{
    struct profile *p = headings_profile();
    struct page *page = NULL;

    (void)state;
    assert_int_equal(read_with(p, linked, &page, NULL), DOUBT_NONE);
    assert_int_equal(page->count, 3);
    assert_str(page->sections[0].link,
               "https://site.example/a/page.html?x=1#:~:text=One,-First%20words");
    assert_str(page->sections[1].link,
               "https://site.example/a/page.html?x=1#:~:text=Two,-Second%20words");
    assert_str(page->sections[2].link, "https://site.example/a/page.html?x=1#:~:text=Only%20here");
    page_free(page);
    set(p, "stable-ids", "yes");
    assert_int_equal(read_with(p, linked, &page, NULL), DOUBT_NONE);
    assert_str(page->sections[1].link, "https://site.example/a/page.html?x=1#two");
    page_free(page);
    profile_unref(p);
}

static void test_doubts(void **state)
{
    static const struct {
        const char *html;
        enum doubt doubt;
    } cases[] = {
        {"<body><div id=app></div><script>render()</script></body>", DOUBT_NO_CONTENT},
        {"<body><article><p>Words without a heading.</p></article></body>", DOUBT_NO_SECTIONS},
        {"<body><article><h2>A</h2><h2>B</h2></article></body>", DOUBT_NO_SECTIONS},
        {"<body><main><article><h2>A</h2><p>one two three</p><h2>B</h2><p>tw", DOUBT_CUT},
    };
    struct profile *p = headings_profile();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct page *page = NULL;
        struct error e = {""};

        if (read_with(p, cases[i].html, &page, &e) != cases[i].doubt)
            fail_msg("%s: %s", cases[i].html, e.text);
        assert_null(page);
    }
    profile_unref(p);
}

/* ---- size ----------------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of a page of `n` such pieces. */
static double time_of(struct profile *p, const char *before, const char *piece, size_t n)
{
    struct page *page = NULL;
    struct buf html;
    double from;

    buf_init(&html, SIZE_MAX);
    buf_puts(&html, before);
    while (n--)
        buf_puts(&html, piece);
    from = seconds();
    read_with(p, html.data, &page, NULL);
    from = seconds() - from;
    page_free(page);
    buf_clear(&html);
    return from;
}

/* Eight times the page takes far less than 64 times as long. */
static void test_time(void **state)
{
    static const char *const deep[] = {"", "<div><div><div><div><div><div><div><div><div><div>"
                                           "<div><div><div><div><div><div><div><div><div><div>"};
    static const char *const pieces[] = {
        "<h2>A</h2><p>text</p>",
        "<section class='a b c'><h2>A</h2><p>text</p></section>",
        "<div><p>text</p></div>",
        "<section id=comments><h2>Comments</h2><p>text</p></section>",
        "<table><tr><td><h2>A</h2>text</td></tr></table>",
        "<b><span><i>text</i></span></b>",
        "<h2>A<a href=#>#</a>",
        "<aside><h2>A</h2><p>text</p></aside>",
        "<p>A<br>",
    };
    struct profile *p = headings_profile();

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++)
        for (size_t k = 0; k < sizeof(deep) / sizeof(*deep); k++) {
            double small = time_of(p, deep[k], pieces[i], 2000);
            double large = time_of(p, deep[k], pieces[i], 16000);

            if (large > 0.2 && large > 30 * small)
                fail_msg("%s: %.3f s, eight times as many: %.3f s", pieces[i], small, large);
        }
    profile_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_either),
        cmocka_unit_test(test_markers_without_content),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_doubts),
        cmocka_unit_test(test_time),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
