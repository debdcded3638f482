/* One digest of three sections, written in every way that the parts below can be put together: each
 * must give the same three sections. */
#include "digest_help.h"

#include <stdio.h>

/* How editors write a part. What does not begin with a block runs on from a part that left its line
 * open. */
struct form {
    const char *html;
    bool begins_block, leaves_open;
};

static const struct form titles[] = {
    {"<h1>#%s</h1>", true, false},
    {"<h2>#%s</h2>", true, false},
    {"<h3 id=h3><a name=x></a># %s</h3>", true, false},
    {"<h4 class='t'>＃%s</h4>", true, false},
    {"<h5>#%s</h5>", true, false},
    {"<h6><span>#</span><span>%s</span></h6>", true, false},
    {"<H2>#%s</H2>", true, false},
    {"<p>#%s</p>", true, false},
    {"<p>＃　%s</p>", true, false},
    {"<p><strong>#%s</strong></p>", true, false},
    {"<p><b>#</b> %s</p>", true, false},
    {"<strong><p>#%s</p></strong>", true, false},
    {"<p><span style='color:red'><span>#</span></span><em>%s</em></p>", true, false},
    {"<p>&nbsp;#&nbsp;%s&nbsp;</p>", true, false},
    {"<p>&#8203;#\xe2\x80\x8b%s\xef\xbb\xbf</p>", true, false},
    {"<p>\xe3\x80\x80&#35;%s\xe3\x80\x80</p>", true, false},
    {"<p>&#xFF03;%s</p>", true, false},
    {"<p><!-- a -->#<!-- #b -->%s</p>", true, false},
    {"<h2>\n  #\n  %s\n</h2>\n", true, false},
    {"<div>#%s</div>", true, false},
    {"<section><div><div><h2>#%s</h2></div></div></section>", true, false},
    {"<div><p><br></p><p>#%s<br></p></div>", true, false},
    {"<center><font size=5>#%s</font></center>", true, false},
    {"<p>#%s", true, true},
    {"<P><B>#%s</B>", true, true},
    {"#%s<br>", false, false},
    {"<br><b>#%s</b><br/>", false, false},
};

static const struct form ends[] = {
    {"<p>....</p>", true, false},
    {"<p>．．．．</p>", true, false},
    {"<p>……</p>", true, false},
    {"<p>…</p>", true, false},
    {"<p>。。。。</p>", true, false},
    {"<p>&nbsp;....&nbsp;</p>", true, false},
    {"<p>\xe2\x80\x8b....\xef\xbb\xbf</p>", true, false},
    {"<p><b>..</b><i>..</i></p>", true, false},
    {"<p>&#46;&#46;..</p>", true, false},
    {"<h1>....</h1>", true, false},
    {"<div><section><p>....<br></p></section></div>", true, false},
    {"<P>....", true, true},
    {"<div>....</div>", true, false},
    {"....<br>", false, false},
    {"<br>....<br/>", false, false},
};

static const struct {
    struct form form;
    const char *text;
} bodies[] = {
    {{"<p>one</p><p>two</p>", true, false}, "one\ntwo"},
    {{"<div><div>one</div></div><section><p>two</section>", true, false}, "one\ntwo"},
    {{"<P>one<P>two", true, true}, "one\ntwo"},
    {{"one<br>two<br>", false, false}, "one\ntwo"},
    {{"one<br><br><br>two<br>", false, false}, "one\ntwo"},
    {{"<p><span>on</span><b>e</b><br/>t<i>w</i>o</p>", true, false}, "one\ntwo"},
    {{"<h3>one</h3><p>two</p>", true, false}, "one\ntwo"},
    {{"<p>one</p><p>#1 best</p><p>#two</p>", true, false}, "one\n#1 best\n#two"},
    {{"<ul><li>#one<li>....</ul><ol><li><p>#two</p></ol>", true, false}, "#one\n....\n#two"},
    {{"<table><tr><td>#one<td>....</table>", true, false}, "#one\n...."},
    {{"<pre># one\n....\n#two</pre>", true, false}, "# one\n....\n#two"},
    {{"<pre><code># one\n</code></pre><p>two", true, true}, "# one\ntwo"},
    {{"<p><code>....</code></p><p><span><kbd>#</kbd><tt>one</tt></span></p>", true, false},
     "....\n#one"},
    {{"<blockquote><p>#one<p>....</blockquote>", true, false}, "#one\n...."},
    {{"<p>one....</p><p>.....</p><p>...</p>", true, false}, "one....\n.....\n..."},
    {{"<p>##one</p><p># #</p><p>#</p>", true, false}, "##one\n# #\n#"},
};

/* What stands around it all. */
static const char *const frames[] = {
    "%s",
    "<p>by me</p>%s<p>after</p>",
    "<div><div><section>%s</section></div></div>",
    "<ul><li>#Alpha<li>#Beta<li>#Gamma</ul><p>Contents</p>%s",
    "<span><font>%s</font></span>",
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const char *const names[] = {"Alpha", "北京 Beta", "Gamma: 3 & 4"};

static bool fits(const struct form *before, const struct form *behind)
{
    return !before->leaves_open || behind->begins_block;
}

/* A name in the place of its "%s". */
static void put_form(struct buf *out, const char *form, const char *name)
{
    const char *at = strstr(form, "%s");

    buf_append(out, form, at ? (size_t)(at - form) : strlen(form));
    if (at) {
        buf_puts(out, name);
        buf_puts(out, at + 2);
    }
}

static void check(const struct buf *html, const char *text)
{
    struct page *page = read_article(html->data);
    bool right = page->count == COUNT(names);

    for (size_t i = 0; right && i < page->count; i++)
        right = str_eq(page->sections[i].title, str_of(names[i])) &&
                str_eq(page->sections[i].text, str_of(text)) && page->sections[i].closed;
    if (!right) {
        for (size_t i = 0; i < page->count; i++)
            print_error("'%.*s': '%.*s'\n", STR_ARG(page->sections[i].title),
                        STR_ARG(page->sections[i].text));
        fail_msg("not the three sections with '%s': %s", text, html->data);
    }
    page_free(page);
}

static void check_form(size_t title, size_t body, size_t end, size_t frame)
{
    struct buf digest, html;

    if (!fits(&titles[title], &bodies[body].form) || !fits(&bodies[body].form, &ends[end]) ||
        !fits(&ends[end], &titles[title]))
        return;
    buf_init(&digest, SIZE_MAX);
    buf_init(&html, SIZE_MAX);
    for (size_t i = 0; i < COUNT(names); i++) {
        put_form(&digest, titles[title].html, names[i]);
        buf_puts(&digest, bodies[body].form.html);
        buf_puts(&digest, ends[end].html);
    }
    put_form(&html, frames[frame], digest.data);
    check(&html, bodies[body].text);
    buf_clear(&digest);
    buf_clear(&html);
}

static void test_every_form_gives_the_same(void **state)
{
    (void)state;
    for (size_t title = 0; title < COUNT(titles); title++)
        for (size_t body = 0; body < COUNT(bodies); body++)
            for (size_t end = 0; end < COUNT(ends); end++)
                for (size_t frame = 0; frame < COUNT(frames); frame++)
                    check_form(title, body, end, frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_form_gives_the_same),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
