/* Formulas, as the programs that draw them leave them on pages: each comes out once. */
#include "digest_help.h"

struct formula {
    const char *name, *html;
    const char *clean, *text;
};

#define KATEX                                                                                      \
    "<span class=\"katex\"><span "                                                                 \
    "class=\"katex-mathml\"><math><semantics><mrow><msup><mi>x</mi><mn>2</mn></msup>"              \
    "</mrow><annotation "                                                                          \
    "encoding=\"application/x-tex\">x^2</annotation></semantics></math></span><span "              \
    "class=\"katex-html\" aria-hidden=\"true\"><span class=base>x<span "                           \
    "class=msupsub>2</span></span></span></span>"
#define MATHJAX_2                                                                                  \
    "<span class=\"MathJax_Preview\" style=\"color:inherit\">[math]</span><span "                  \
    "class=\"MathJax\" id=\"MathJax-Element-1-Frame\" "                                            \
    "data-mathml=\"&lt;math&gt;\"><nobr aria-hidden=true>x2</nobr><span "                          \
    "class=\"MJX_Assistive_MathML\"><math><msup><mi>x</mi><mn>2</mn></msup></math>"                \
    "</span></span><script "                                                                       \
    "type=\"math/tex\" id=\"MathJax-Element-1\">x^2</script>"

static const struct formula formulas[] = {
    {"KaTeX", "<p>a " KATEX " b</p>", "<p>a <code>x^2</code> b</p>", "a x^2 b"},
    {"KaTeX on a line of its own", "<p>a<span class=\"katex-display\">" KATEX "</span>b</p>",
     "<p>a</p><p><code>x^2</code></p><p>b</p>", "a\nx^2\nb"},
    {"KaTeX without TeX",
     "<p>a <span class=\"katex\"><span "
     "class=\"katex-mathml\"><math><mfrac><mn>1</mn><mi>n</mi></mfrac></math></span>"
     "<span "
     "class=\"katex-html\" aria-hidden=\"true\">1n</span></span></p>",
     "<p>a 1/n</p>", "a 1/n"},
    {"KaTeX without MathML",
     "<p>a <span class=\"katex\"><span class=\"katex-html\" "
     "aria-hidden=\"true\">x<span>2</span></span></span></p>",
     "<p>a x2</p>", "a x2"},
    {"KaTeX whose elements were taken out",
     "<p><span class=\"katex--inline\"><span class=\"katex\"><span "
     "class=\"katex-mathml\">\n \n x\n \n \n 2\n \n\n x^2\n \n</span><span "
     "class=\"katex-html\">x2</span></span></span></p>",
     "<p><code>x^2</code></p>", "x^2"},
    {"MathJax 2", "<p>a " MATHJAX_2 " b</p>", "<p>a <code>x^2</code> b</p>", "a x^2 b"},
    {"a root of nothing", "<p>a <math><mroot></mroot></math> b</p>", "<p>a \xe2\x88\x9a[]() b</p>",
     "a \xe2\x88\x9a[]() b"},
    {"a root without its index, in another",
     "<p><math><mroot><mroot><mi>x</mi></mroot></mroot></math></p>",
     "<p>\xe2\x88\x9a[](\xe2\x88\x9a[](x))</p>", "\xe2\x88\x9a[](\xe2\x88\x9a[](x))"},
    {"an article with the class of a formula",
     "<div class=\"post katex\"><p>First " KATEX "</p><p>Last <img src=i.png></p></div>",
     "<p>First <code>x^2</code></p><p>Last <img src=\"https://site.example/a/i.png\" "
     "referrerpolicy=\"no-referrer\"></p>",
     "First x^2\nLast"},
    {"MathJax 2 on a line of its own",
     "<div>a<div class=\"MathJax_Display\"><span "
     "class=\"MathJax\">x2</span></div><script type=\"math/tex; "
     "mode=display\">x^2</script>b</div>",
     "<p>a</p><p><code>x^2</code></p><p>b</p>", "a\nx^2\nb"},
    {"MathJax 2 not drawn yet",
     "<p>a <span class=MathJax_Preview>x2</span><script "
     "type=\"math/tex\">x^2</script></p>",
     "<p>a <code>x^2</code></p>", "a x^2"},
    {"MathJax 2 without its script",
     "<p>a <span class=\"MathJax_Preview\">p</span><span "
     "class=\"MathJax\">x2<span "
     "class=\"MJX_Assistive_MathML\"><math><msup><mi>x</mi><mn>2</mn></msup></math>"
     "</span></span> "
     "b</p>",
     "<p>a x^2 b</p>", "a x^2 b"},
    {"MathJax 2 as saved, without MathML", "<p>a <span class=\"MathJax\">x2</span> b</p>",
     "<p>a x2 b</p>", "a x2 b"},
    {"a preview of nothing", "<p>a <span class=\"MathJax_Preview\">x2</span> b</p>",
     "<p>a x2 b</p>", "a x2 b"},
    {"MathJax 3",
     "<p>a <mjx-container class=MathJax "
     "jax=SVG><svg><text>no</text></svg><mjx-assistive-mml "
     "unselectable=on><math><msqrt><mi>x</mi></msqrt></math></mjx-assistive-mml>"
     "</mjx-container> "
     "b</p>",
     "<p>a √(x) b</p>", "a √(x) b"},
    {"MathJax 3 on a line of its own",
     "<p>a<mjx-container "
     "display=true><mjx-math></mjx-math><mjx-assistive-mml><math "
     "alttext=\"x^2\"><mi>x</mi></math></mjx-assistive-mml></mjx-container>b</p>",
     "<p>a</p><p><code>x^2</code></p><p>b</p>", "a\nx^2\nb"},
    {"MathML with TeX",
     "<p>a <math><semantics><mi>x</mi><annotation "
     "encoding=\"application/x-tex\">\\xi</annotation></semantics></math></p>",
     "<p>a <code>\\xi</code></p>", "a \\xi"},
    {"MathML with another text", "<p>a <math alttext=\"\\xi\"><mi>x</mi></math></p>",
     "<p>a <code>\\xi</code></p>", "a \\xi"},
    {"fractions and roots",
     "<p><math><mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>"
     "<mo>=</mo><msqrt><mi>x</mi><mo>&#x2062;</mo><mi>y</mi></msqrt><mo>+</mo><mroot>"
     "<mi>z</mi><mn>3</mn></mroot></math></p>",
     "<p>(a+b)/2=√(xy)+√[3](z)</p>", "(a+b)/2=√(xy)+√[3](z)"},
    {"what stands above and below",
     "<p><math><munderover><mo>&sum;</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow>"
     "<mi>n</mi></munderover><msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup></math>"
     "</p>",
     "<p>∑_(i=1)^nx_i^2</p>", "∑_(i=1)^nx_i^2"},
    {"a matrix",
     "<p><math><mfenced><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>0</mn></mtd></mtr>"
     "<mtr><mtd><mn>0</mn></mtd><mtd><mn>1</mn></mtd></mtr></mtable></mfenced></math>"
     "</p>",
     "<p>(1, 0; 0, 1)</p>", "(1, 0; 0, 1)"},
    {"Wikipedia",
     "<p>a <span class=\"mwe-math-element\"><span class=\"mwe-math-mathml-inline "
     "mwe-math-mathml-a11y\" style=\"display: none;\"><math "
     "alttext=\"{x}\"><semantics><mi>x</mi><annotation "
     "encoding=\"application/x-tex\">{x}</annotation></semantics></math></span><img "
     "src=\"https://w.example/x.svg\" class=\"mwe-math-fallback-image-inline\" "
     "alt=\"{x}\"></span> b</p>",
     "<p>a <code>{x}</code> b</p>", "a {x} b"},
    {"Zhihu",
     "<p>a <span class=\"ztext-math\" data-eeimg=1 "
     "data-tex=\"x^2\"><span></span><span><span "
     "class=\"MathJax_Preview\"></span><span "
     "class=\"MathJax_SVG\"><svg></svg></span><script "
     "type=\"math/tex\">x^2</script></span></span> b</p>",
     "<p>a <code>x^2</code> b</p>", "a x^2 b"},
    {"a picture of a formula",
     "<p>a <img class=latex src=\"https://s0.wp.example/latex.php?latex=x%5E2\" "
     "alt=\"x^2\"> b</p>",
     "<p>a <img src=\"https://s0.wp.example/latex.php?latex=x%5E2\" alt=\"x^2\" "
     "referrerpolicy=\"no-referrer\"> b</p>",
     "a b"},
    {"TeX as text", "<p>a $x^2$ b \\(y\\)</p>", "<p>a $x^2$ b \\(y\\)</p>", "a $x^2$ b \\(y\\)"},
    {"in a cell", "<table><tr><td>" KATEX "</td></tr></table>",
     "<table><tbody><tr><td><code>x^2</code></td></tr></tbody></table>", "x^2"},
    {"in a link", "<p><a href=/x>" KATEX "</a></p>",
     "<p><a href=\"https://site.example/x\"><code>x^2</code></a></p>", "x^2"},
    {"a script without TeX", "<p>a<script type=\"math/tex\"></script>b</p>", "<p>ab</p>", "ab"},
};

static void test_formulas(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(formulas) / sizeof(*formulas); i++) {
        const struct formula *f = &formulas[i];
        struct buf article;
        struct page *page;

        buf_init(&article, SIZE_MAX);
        buf_printf(&article, "<p>#A</p>%s", f->html);
        page = read_article(article.data);
        if (page->count != 1 || !str_eq(page->sections[0].html, str_of(f->clean)) ||
            !str_eq(page->sections[0].text, str_of(f->text)))
            fail_msg("%s: got\n%.*s\n%.*s\nexpected\n%s\n%s", f->name,
                     STR_ARG(page->sections[0].html), STR_ARG(page->sections[0].text), f->clean,
                     f->text);
        page_free(page);
        buf_clear(&article);
    }
}

/* A formula that was drawn between two polls is no change. */
static void test_drawing_is_no_change(void **state)
{
    struct page *before =
        read_article("<p>#A</p><p>a <script type=\"math/tex\">x^2</script> b</p>");
    struct page *after = read_article("<p>#A</p><p>a " MATHJAX_2 " b</p>");

    (void)state;
    assert_true(hash_eq(before->sections[0].hash, after->sections[0].hash));
    page_free(before);
    page_free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_formulas),
        cmocka_unit_test(test_drawing_is_no_change),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
