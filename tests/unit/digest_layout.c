/* Layouts: the same digest as different editors write it, each with the sections it must give. */
#include "digest_help.h"

struct layout {
    const char *name;
    const char *article;
    const char *sections; /* a line a section: TITLE|HTML */
};

static const struct layout layouts[] = {
    {"headings", "<p>by me</p><h1>#A</h1><p>one</p><p>....</p><h1>#B</h1><p>two</p><p>....</p>",
     "A|<p>one</p>\nB|<p>two</p>\n"},
    {"paragraphs", "<p>by me</p>\n<p>#A</p> \n<p>one</p> \n<p>....</p>\n<p>#B</p><p>two</p><p>....",
     "A|<p>one</p>\nB|<p>two</p>\n"},
    {"one paragraph with breaks",
     "<p>by me<br>#A<br>one<br>more<br><br>third<br>....<br>#B<br>two<br>....<br></p>",
     "A|<p>one<br>more</p><p>third</p>\nB|<p>two</p>\n"},
    {"wrapped blocks",
     "<section><div><div><h2>#A</h2></div></div><section><p>one</p></section></section>"
     "<div><p>....</p></div><div><section><p>#B</p></section><div>two</div></div><div>....</div>",
     "A|<p>one</p>\nB|<p>two</p>\n"},
    {"marker split over spans",
     "<p><span>#</span><span> <b>A</b></span></p><p>one</p><p><i>..</i><b>..</b></p>",
     "A|<p>one</p>\n"},
    {"spans around blocks", "<span><p>#A</p><p>on<b>e</b></p><p>....</p></span>",
     "A|<p>on<b>e</b></p>\n"},
    {"upper case, unclosed", "<P>#A<P>one<UL><LI>x<LI>y</UL><P>....<P>#B<P>two<P>....",
     "A|<p>one</p><ul><li>x</li><li>y</li></ul>\nB|<p>two</p>\n"},
    {"full width marks", "<p>＃A</p><p>one</p><p>．．．．</p><p>#B</p><p>two</p><p>……</p>",
     "A|<p>one</p>\nB|<p>two</p>\n"},
    {"spaces around marks",
     "<p>&nbsp;#&#8203; A&nbsp; b </p><p>one</p><p>\xe3\x80\x80....\xe2\x80\x8b</p>",
     "A b|<p>one</p>\n"},
    {"a mark in the middle is text",
     "<p>#A</p><p>#1 best</p><p>one</p><p>....</p><p>between</p><p>#B</p><p>two</p><p>....</p>"
     "<p>after</p>",
     "A|<p>#1 best</p><p>one</p>\nB|<p>two</p>\n"},
    {"a mark in a heading begins the next", "<h1>#A</h1><p>one</p><h1>#B</h1><p>two</p><p>....</p>",
     "A|<p>one</p>\nB|<p>two</p>\n"},
    {"no end marks at all", "<p>#A</p><p>one</p><p>#B</p><p>two</p>",
     "A|<p>one</p>\nB|<p>two</p>\n"},
    {"sub-headings", "<h1>#A</h1><h3>part</h3><p>one</p><h3>other</h3><p>....</p>",
     "A|<h3>part</h3><p>one</p><h3>other</h3>\n"},
    {"code", "<h1>#A</h1><pre># comment\n....\n#B\n</pre><p>....</p>",
     "A|<pre># comment\n....\n#B\n</pre>\n"},
    {"lists and tables",
     "<p>#A</p><ul><li>#B</li><li>....</li></ul><table><tr><td align=right>....</td></tr></table>"
     "<blockquote><p>#C</p></blockquote><p>....</p>",
     "A|<ul><li>#B</li><li>....</li></ul><table><tbody><tr><td align=\"right\">....</td></tr>"
     "</tbody></table>"
     "<blockquote><p>#C</p></blockquote>\n"},
    {"placeholders and empty ones",
     "<p>#xxx</p><p>....</p><p>#A</p><p>....</p><p>#B</p><p>one</p><p>....</p><p>#XXX</p>"
     "<p>text</p><p>....</p>",
     "B|<p>one</p>\n"},
    {"pictures",
     "<p>#A</p><p><img src='e.gif' data-src='/i/a.png?w=1' alt='x' width=10 height='20px'></p>"
     "<p><img src='b.png'></p><p>....</p>",
     "A|<p><img src=\"https://site.example/i/a.png?w=1\" alt=\"x\" width=\"10\" height=\"20\""
     " referrerpolicy=\"no-referrer\"></p>"
     "<p><img src=\"https://site.example/a/b.png\" referrerpolicy=\"no-referrer\"></p>\n"},
    {"links",
     "<p>#A</p><p><a href='https://out.example/?to=https%3A%2F%2Fa.example%2Fx%3Fy%3D1'>x</a>"
     "<a href='https://out.example/?to=https://b.example/'>y</a><a href='c'>z</a>"
     "<a href='javascript:alert(1)'>bad</a><a name=n>anchor</a></p><p>....</p>",
     "A|<p><a href=\"https://a.example/x?y=1\">x</a><a href=\"https://b.example/\">y</a>"
     "<a href=\"https://site.example/a/c\">z</a>badanchor</p>\n"},
    {"a link around a list", "<p>#A</p><a href='/t'><ul><li>1</li></ul></a><p>....</p>",
     "A|<a href=\"https://site.example/t\"><ul><li>1</li></ul></a>\n"},
    {"video",
     "<p>#A</p><div class=card><video src='/v.mp4' poster=/p.png>no</video>"
     "<span>,01:00</span></div><p>....</p>",
     "A|<p><video controls=\"\" preload=\"none\" src=\"https://site.example/v.mp4\""
     " poster=\"https://site.example/p.png\"></video>,01:00</p>\n"},
    {"what must not pass",
     "<p>#A</p><p onclick=x style='y' class=z id=w>t<script>s</script><style>u</style>"
     "<img src='javascript:1' onerror=x></p><iframe src=//f></iframe><form><input value=v>f</form>"
     "<div class=advertisement>buy</div><p>....</p>",
     "A|<p>t</p><p>f</p>\n"},
    {"what Word leaves",
     "<p>#A</p><p><![if !supportLists]><span>1. </span><![endif]>one</p><p>....</p>",
     "A|<p>1. one</p>\n"},
    {"elements without an end tag",
     "<p>#A</p><ul><li>a<wbr>b<li>c<WBR/>d</ul><p>e<wbr>f<p>g<wbr class='>'>h<p>....",
     "A|<ul><li>ab</li><li>cd</li></ul><p>ef</p><p>gh</p>\n"},
    {"bold across paragraphs", "<p>#A</p><strong><p>one</p><p>two</p></strong><p>....</p>",
     "A|<p><strong>one</strong></p><p><strong>two</strong></p>\n"},
    {"elements without end tags",
     "<p>#A</p><p>before <embed src=v> after</p><keygen><p>next</p><p>lo<wbr>ng</p>"
     "<video><source src=/a.mp4><source src=/b.webm></video><p>....</p><p>#B</p>x<p>....</p>",
     "A|<p>before  after</p><p>next</p><p>long</p><p><video controls=\"\" preload=\"none\">"
     "<source src=\"https://site.example/a.mp4\"><source src=\"https://site.example/b.webm\">"
     "</video></p>\nB|<p>x</p>\n"},
    {"empty comments", "<p>#A</p><p>x</p><!--><p>y</p><!---><p>....</p><p>#B</p>z",
     "A|<p>x</p><p>y</p>\nB|<p>z</p>\n"},
    {"pictures in the lines of marks",
     "<p>#A <img src=/a.png></p><p>x</p><p><img src=/b.png>....</p><p>#B</p><p>y</p>",
     "A|<p><img src=\"https://site.example/a.png\" referrerpolicy=\"no-referrer\"></p><p>x</p>"
     "<p><img src=\"https://site.example/b.png\" referrerpolicy=\"no-referrer\"></p>\n"
     "B|<p>y</p>\n"},
    {"blocks inside headings",
     "<h1><div>#A</div></h1><p>x</p><h1><div>#B</div></h1><p>y</p><p>....</p>",
     "A|<p>x</p>\nB|<p>y</p>\n"},
    {"a link in a link", "<p>#A</p><a href=/1><div><a href=/2>two</a></div></a><p>....</p>",
     "A|<p><a href=\"https://site.example/2\">two</a></p>\n"},
    {"a target that is no text",
     "<p>#A</p><p><a href='https://out.example/?to=http%3A%2F%2F%FF%FE.example%2F'>x</a></p>",
     "A|<p><a href=\"https://out.example/?to=http%3A%2F%2F%FF%FE.example%2F\">x</a></p>\n"},
    {"a picture without an address",
     "<p>#A</p><p><img src='javascript:1'></p><p>....</p><p>#B</p><p>x</p><p>....</p>",
     "B|<p>x</p>\n"},
    {"references", "<p>#A &amp; B</p><p>1 &lt; 2 &#x3f; &quot;</p><p>....</p>",
     "A & B|<p>1 &lt; 2 ? &quot;</p>\n"},
};

static void test_layouts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
        struct page *page = read_article(layouts[i].article);
        struct buf got;

        buf_init(&got, SIZE_MAX);
        for (size_t k = 0; k < page->count; k++)
            buf_printf(&got, "%.*s|%.*s\n", STR_ARG(page->sections[k].title),
                       STR_ARG(page->sections[k].html));
        if (strcmp(got.data ? got.data : "", layouts[i].sections) != 0)
            fail_msg("%s: got\n%s expected\n%s", layouts[i].name, got.data, layouts[i].sections);
        buf_clear(&got);
        page_free(page);
    }
}

static void test_text_is_a_line_a_block(void **state)
{
    struct page *page = read_article("<p>#A</p><h3> sub </h3><p>a <b>b</b>\n c</p><ul><li>x</li>"
                                     "<li>y</li></ul><pre>1\n2</pre><p>l<br>m</p><p>....</p>");

    (void)state;
    assert_str(page->sections[0].text, "sub\na b c\nx\ny\n1\n2\nl\nm");
    page_free(page);
}

static void test_plain_text(void **state)
{
    struct profile *p = marks_profile();
    struct page *page;
    struct error e;

    (void)state;
    set(p, "syntax", "text");
    assert_int_equal(
        page_read(
            &(struct page_source){.bytes = STR("intro\r\n#A <b>\r\nsee (https://a.example/x(1)).\n"
                                               "- one\n- two: http://b.example/?a=1&b=2, ok\n"
                                               "\n<think> *x* _y_\n....\n#xxx\n....\n"),
                                  .url = STR("https://site.example/a.txt"),
                                  .profile = p},
            &page, &e),
        DOUBT_NONE);
    assert_int_equal(page->count, 1);
    assert_str(page->sections[0].title, "A <b>");
    assert_str(page->sections[0].html,
               "<p>see (<a href=\"https://a.example/x(1)\">https://a.example/x(1)</a>).</p>"
               "<ul><li>one</li><li>two: <a href=\"http://b.example/?a=1&amp;b=2\">"
               "http://b.example/?a=1&amp;b=2</a>, ok</li></ul><p>&lt;think&gt; *x* _y_</p>");
    page_free(page);
    profile_unref(p);
}

static void test_links_hit_their_section(void **state)
{
    struct profile *p = marks_profile();
    struct page *page;
    struct error e;

    (void)state;
    assert_int_equal(
        read_with(p,
                  "<html><head><link rel=canonical href='https://site.example/canon'></head><body>"
                  "<ul><li>#One</li><li>#Two</li></ul><div id=c>"
                  "<h1>#One</h1><p>First words, then more.</p><p>....</p>"
                  "<h1>#Two</h1><p>Second words.</p><p>....</p>"
                  "<h1>#Only here</h1><p>x</p><p>....</p>"
                  "<h1>#Two</h1><p>Other words.</p><p>....</p>"
                  "<h1>#Two</h1><p>Other words.</p><p>....</p></div></body></html>",
                  &page, &e),
        DOUBT_NONE);
    assert_str(page->sections[0].link, "https://site.example/canon#:~:text=One,-First%20words");
    assert_str(page->sections[1].link, "https://site.example/canon#:~:text=Two,-Second%20words");
    assert_str(page->sections[2].link, "https://site.example/canon#:~:text=Only%20here");
    assert_str(page->sections[3].link, "https://site.example/canon#:~:text=Two,-Other%20words");
    assert_str(page->sections[4].link, "");
    page_free(page);
    profile_unref(p);
}

/* A table of contents that repeats the sub-headings too: what stands before the title tells. */
static void test_links_with_full_contents(void **state)
{
    struct page *page;

    (void)state;
    page =
        read_article("<ul><li>#One</li><li>Part of one</li><li>#Two</li><li>Part of two</li></ul>"
                     "<p>#One</p><h3>Part of one</h3><p>x</p><p>....</p>"
                     "<p>#Two</p><h3>Part of two</h3><p>y</p><p>....</p>");
    assert_str(page->sections[1].link,
               "https://site.example/a/page.html?x=1#:~:text=%2E%2E%2E%2E-,%23Two");
    page_free(page);
}

static void test_stable_ids(void **state)
{
    struct profile *p = marks_profile();
    struct page *page;
    struct error e;

    (void)state;
    set(p, "stable-ids", "yes");
    assert_int_equal(
        read_with(p, "<body><div id=c><h1 id=one>#One</h1><p>x</p></div></body>", &page, &e),
        DOUBT_NONE);
    assert_str(page->sections[0].link, "https://site.example/a/page.html?x=1#one");
    page_free(page);
    profile_unref(p);
}

static void test_info(void **state)
{
    struct profile *p = marks_profile();
    struct page *page;
    struct error e;

    (void)state;
    assert_int_equal(read_with(p,
                               "<html lang='zh-CN'><head><title> The \n page </title>"
                               "<meta name=author content='Me'></head><body>"
                               "<time pubdate='on 2024-12-13 18:20:11'></time>"
                               "<div id=c><p>#A</p>x</div></body></html>",
                               &page, &e),
                     DOUBT_NONE);
    assert_str(page->info.title, "The page");
    assert_str(page->info.author, "Me");
    assert_str(page->info.language, "zh-CN");
    assert_int_equal(page->info.published, 1734085211);
    page_free(page);
    profile_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_text_is_a_line_a_block),
        cmocka_unit_test(test_plain_text),
        cmocka_unit_test(test_links_hit_their_section),
        cmocka_unit_test(test_links_with_full_contents),
        cmocka_unit_test(test_stable_ids),
        cmocka_unit_test(test_info),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
