/* The profiles that are shipped, each pattern tried on what it is for. Runs in the project's
 * folder. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf.h"

#include <libxml/HTMLparser.h>
#include <libxml/xpath.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define PROFILES     "conf/profiles"

static struct profile *take(const char *name, const char *url)
{
    struct faults faults;
    struct profile *p;

    faults_init(&faults);
    p = conf_profile(PROFILES, name, str_of(url), &faults);
    if (!p)
        fail_msg("%.*s", STR_ARG(buf_str(&faults.text)));
    faults_clear(&faults);
    return p;
}

static void test_chosen_by_address(void **state)
{
    static const struct {
        const char *url, *name; /* NULL: none */
    } cases[] = {
        {"https://blog.51cto.com/somebody/123", "51cto"},
        {"http://blog.51cto.com/u_1/2?x#y", "51cto"},
        {"https://blog.csdn.net/somebody/article/details/1", "csdn"},
        {"https://somebody.blog.csdn.net/article/details/1", "csdn"},
        {"https://h.example/notes.txt", "text"},
        {"file:///srv/notes.text?x", "text"},
        {"https://h.example/CHANGELOG.md", "markdown"},
        {"https://h.example/a.markdown?raw", "markdown"},
        {"https://h.example/notes.txt.html", NULL},
        {"https://h.example/readme.mdx", NULL},
        {"https://blog.51cto.com.evil.example/", NULL},
        {"https://h.example/?https://blog.csdn.net/", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct faults faults;
        struct profile *p;

        faults_init(&faults);
        p = conf_profile(PROFILES, "auto", str_of(cases[i].url), &faults);
        if (cases[i].name ? !p || strcmp(p->name, cases[i].name) : p != NULL)
            fail_msg("%s: %s", cases[i].url, p ? p->name : "none");
        profile_unref(p);
        faults_clear(&faults);
    }
}

static const char *const names[] = {"51cto", "csdn", "text", "markdown", "digest"};

static void test_markers(void **state)
{
    static const struct {
        const char *text, *title; /* NULL: begins nothing */
    } starts[] = {
        {"#A title", "A title"},
        {"# A title", "A title"},
        {"＃全角", "全角"},
        {"# 1 #2", "1 #2"},
        {"#", NULL},
        {"##A sub-heading", NULL},
        {"# # odd", NULL},
        {"#＃x", NULL},
        {"No # title", NULL},
        {"＃　全角空格", "全角空格"},
        {"", NULL},
    };
    static const char *const ends[] = {"....", "．．．．", "…", "……", "。。。。"};
    static const char *const no_ends[] = {"...", ".....", ".... and so on", "。", "………",
                                          "",    "...x"};
    static const char *const skipped[] = {"xxx", "XXX", "xXxx"};
    static const char *const kept[] = {"xx", "xxx y", "axxx", "Exxon", ""};

    (void)state;
    for (size_t n = 0; n < COUNT(names); n++) {
        struct profile *p = take(names[n], "");

        for (size_t i = 0; i < COUNT(starts); i++) {
            struct str title;
            bool begins = pattern_match(p->section_start, str_of(starts[i].text), &title);

            if (begins != (starts[i].title != NULL) || !str_eq(title, str_of(starts[i].title)))
                fail_msg("%s: '%s' gives '%.*s'", names[n], starts[i].text, STR_ARG(title));
        }
        for (size_t i = 0; i < COUNT(ends); i++)
            assert_true(pattern_match(p->section_end, str_of(ends[i]), NULL));
        for (size_t i = 0; i < COUNT(no_ends); i++)
            assert_false(pattern_match(p->section_end, str_of(no_ends[i]), NULL));
        for (size_t i = 0; i < COUNT(skipped); i++)
            assert_true(pattern_match(p->skip_title, str_of(skipped[i]), NULL));
        for (size_t i = 0; i < COUNT(kept); i++)
            assert_false(pattern_match(p->skip_title, str_of(kept[i]), NULL));
        assert_false(p->stable_ids);
        profile_unref(p);
    }
}

static void test_redirectors(void **state)
{
    static const struct {
        const char *link, *target; /* NULL: no redirector */
    } cases[] = {
        {"https://blog.51cto.com/transfer?https://h.example/?a=b&c#d",
         "https://h.example/?a=b&c#d"},
        {"https://blog.51cto.com/somebody/1", NULL},
        {"https://h.example/transfer?https://x.example/", NULL},
        {"https://link.csdn.net/?target=https%3A%2F%2Fh.example%2F%3Fa%3Db",
         "https%3A%2F%2Fh.example%2F%3Fa%3Db"},
        {"https://link.csdn.net?from=x&target=https%3A%2F%2Fh.example&y=1",
         "https%3A%2F%2Fh.example"},
        {"https://link.csdn.net/?from_id=141&target=https%3A%2F%2Fh.example%2F1",
         "https%3A%2F%2Fh.example%2F1"},
        {"https://link.csdn.net/?mytarget=x", NULL},
        {"https://blog.csdn.net/?target=x", NULL},
        {"https://link.zhihu.com/?target=https%3A//h.example/p%3Fq%3D1",
         "https%3A//h.example/p%3Fq%3D1"},
        {"https://link.zhihu.com/?utm_oi=42&target=http%3A//h.example", "http%3A//h.example"},
        {"https://zhuanlan.zhihu.com/p/1?target=x", NULL},
        {"https://www.jianshu.com/go-wild?ac=2&url=https%3A%2F%2Fh.example%2Fa",
         "https%3A%2F%2Fh.example%2Fa"},
        {"https://links.jianshu.com/go?to=https%3A%2F%2Fh.example", "https%3A%2F%2Fh.example"},
        {"https://link.jianshu.com/go?to=https%3A%2F%2Fh.example", "https%3A%2F%2Fh.example"},
        {"https://link.jianshu.com/?t=https%3A%2F%2Fh.example", "https%3A%2F%2Fh.example"},
        {"https://www.jianshu.com/p/0123456789ab?url=x", NULL},
        {"https://link.juejin.cn/?target=https%3A%2F%2Fh.example%2F", "https%3A%2F%2Fh.example%2F"},
        {"https://link.juejin.cn?target=https%3A%2F%2Fh.example", "https%3A%2F%2Fh.example"},
        {"https://link.juejin.im/?target=https%3A%2F%2Fh.example", "https%3A%2F%2Fh.example"},
        {"https://juejin.cn/post/7?target=x", NULL},
        {"https://segmentfault.com/link?url=https%3A%2F%2Fh.example", "https%3A%2F%2Fh.example"},
        {"https://link.segmentfault.com/?enc=Xy%3D%3D.Zz", NULL},
        {"https://gitee.com/link?target=https%3A%2F%2Fh.example%2Fb",
         "https%3A%2F%2Fh.example%2Fb"},
        {"https://gitee.com/somebody/link?target=x", NULL},
        {"https://weibo.cn/sinaurl?u=https%3A%2F%2Fh.example", "https%3A%2F%2Fh.example"},
        {"https://weibo.cn/sinaurl?f=w&toasturl=https%3A%2F%2Fh.example",
         "https%3A%2F%2Fh.example"},
        {"https://weibo.com/sinaurl?u=https%3A%2F%2Fh.example&ep=1", "https%3A%2F%2Fh.example"},
        {"http://t.cn/A6abcdef", NULL},
        {"https://weibo.com/u/1234567890?u=x", NULL},
    };
    static const char *const profiles[] = {"51cto",  "csdn",     "text",
                                           "digest", "markdown", "headings"};

    (void)state;
    for (size_t n = 0; n < COUNT(profiles); n++) {
        struct profile *p = take(profiles[n], "");

        for (size_t i = 0; i < COUNT(cases); i++) {
            struct str target = {0};

            for (size_t k = 0; k < p->unwrap_link.count && !target.n; k++)
                pattern_match(p->unwrap_link.items[k], str_of(cases[i].link), &target);
            if (!str_eq(target, str_of(cases[i].target)))
                fail_msg("%s: %s gives '%.*s'", profiles[n], cases[i].link, STR_ARG(target));
        }
        profile_unref(p);
    }
}

/* What is there to be included alone is no profile. */
static void test_fragment(void **state)
{
    struct faults faults;

    (void)state;
    faults_init(&faults);
    assert_null(conf_profile(PROFILES, "redirectors", (struct str){0}, &faults));
    assert_null(conf_profile(PROFILES, "auto", STR("https://h.example/"), &faults));
    assert_non_null(strstr(faults.text.data, "NAME is one of: 51cto, csdn, digest, headings, "
                                             "markdown, text\n"));
    faults_clear(&faults);
}

static void test_headings(void **state)
{
    static const char *const skipped[] = {"Comments",
                                          "3 Comments",
                                          "comment",
                                          "Leave a Reply",
                                          "Related Posts",
                                          "Related",
                                          "Share this:",
                                          "Subscribe",
                                          "Subscribe to News",
                                          "Table of Contents",
                                          "Contents",
                                          "You may also like…",
                                          "目录",
                                          "评论 (12)",
                                          "相关阅读",
                                          "发表评论",
                                          "猜你喜欢",
                                          "评论（3）",
                                          "xxx",
                                          "Sign up"};
    static const char *const kept[] = {"Comments in C",  "Subscribe buttons return",
                                       "Sharing memory", "Contents of a jar",
                                       "Related work",   "Share prices fall",
                                       "评论家之死",     "目录结构",
                                       "Recommended",    "",
                                       "Signing up",     "Newsletter of the year"};
    struct profile *p = take("headings", "");

    (void)state;
    assert_int_equal(p->sections, SECTIONS_HEADINGS);
    assert_int_equal(p->content.count + p->match.count, 0);
    for (size_t i = 0; i < COUNT(skipped); i++)
        if (!pattern_match(p->skip_title, str_of(skipped[i]), NULL))
            fail_msg("not skipped: %s", skipped[i]);
    for (size_t i = 0; i < COUNT(kept); i++)
        if (pattern_match(p->skip_title, str_of(kept[i]), NULL))
            fail_msg("skipped: %s", kept[i]);
    profile_unref(p);
}

static bool is_wall(const struct profile *p, const char *page)
{
    for (size_t i = 0; i < p->wall.count; i++)
        if (pattern_match(p->wall.items[i], str_of(page), NULL))
            return true;
    return false;
}

static void test_walls(void **state)
{
    static const char *const walls[] = {
        "<script>document.cookie=\"__tst_status=\"+n+\"#;\"</script>",
        "<script>document.cookie = 'EO_Bot_Ssid=1;';</script>",
        "<head><title>安全验证</title></head>",
        "<title> 人机验证 - 51CTO</title>",
        "<title>用户登录_51CTO博客</title>",
        "<title>Just a moment...</title>",
    };
    static const char *const articles[] = {
        "<title>安全验证码是怎样识别的_somebody的技术博客_51CTO博客</title>",
        "<title>登录功能的实现_somebody的技术博客_51CTO博客</title>",
        "<script>document.cookie=\"theme=dark\"</script>",
        "<p>They set __tst_status and EO_Bot_Ssid in document.cookie.</p>",
        "<button>登录</button>",
    };

    (void)state;
    for (size_t n = 0; n < 2; n++) {
        struct profile *p = take(names[n], "");

        for (size_t i = 0; i < COUNT(walls); i++)
            if (!is_wall(p, walls[i]))
                fail_msg("%s: no wall: %s", names[n], walls[i]);
        for (size_t i = 0; i < COUNT(articles); i++)
            if (is_wall(p, articles[i]))
                fail_msg("%s: a wall: %s", names[n], articles[i]);
        profile_unref(p);
    }
}

/* ---- paths --------------------------------------------------------------------------------- */

static const char page_51cto[] =
    "<html><head><link rel=canonical href='https://blog.51cto.com/a/1'>"
    "</head><body><h1>Not this</h1><div class=title><h1>Nor this</h1></div>"
    "<article><div class='box title'><h1>The title</h1></div>"
    "<p class='clearfix mess-line1'><a>The author</a><a>Follow</a></p>"
    "<p class='clearfix mess-tag'><b><a>One tag</a><a>Another</a></b></p>"
    "<div class='article-content-wrap'><div id=result><div id=container>The text"
    "<h1>#A piece</h1></div></div></div></article></body></html>";

static const char page_csdn[] =
    "<html><head><link rel='canonical' href='https://blog.csdn.net/a/1'></head><body>"
    "<h1 id=articleContentId>The title</h1><a class='follow-nickName vip'>The author</a>"
    "<span class='time'>已于 2021-02-03 04:05:06 修改</span>"
    "<span class='time first'>于 2020-01-02 03:04:05 首次发布</span>"
    "<article><div id=article_content><div id=content_views>The text</div></div></article>"
    "</body></html>";

/* What the first path of the list that finds something gives, as text. */
static void assert_path(htmlDocPtr doc, const struct path_list *paths, const char *expected)
{
    xmlXPathContextPtr context = xmlXPathNewContext(doc);
    xmlChar *text = NULL;

    for (size_t i = 0; i < paths->count && (!text || !*text); i++) {
        xmlXPathObjectPtr found = xmlXPathCompiledEval(paths->items[i].compiled, context);

        assert_non_null(found);
        xmlFree(text);
        text = xmlXPathCastToString(found);
        xmlXPathFreeObject(found);
    }
    assert_non_null(text);
    assert_string_equal((char *)text, expected);
    xmlFree(text);
    xmlXPathFreeContext(context);
}

static htmlDocPtr parse(const char *page)
{
    htmlDocPtr doc = htmlReadMemory(page, (int)strlen(page), NULL, "UTF-8",
                                    HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);

    assert_non_null(doc);
    return doc;
}

static void test_paths_51cto(void **state)
{
    struct profile *p = take("51cto", "");
    htmlDocPtr doc = parse(page_51cto);

    (void)state;
    assert_path(doc, &p->content, "The text#A piece");
    assert_path(doc, &p->title_xpath, "The title");
    assert_path(doc, &p->author_xpath, "The author");
    assert_path(doc, &p->tags_xpath, "One tag");
    assert_path(doc, &p->canonical_xpath, "https://blog.51cto.com/a/1");
    assert_int_equal(p->timezone, 28800);
    assert_string_equal(p->lazy_attribute.items[0], "data-src");
    xmlFreeDoc(doc);
    /* The second ways: the older editor. */
    doc = parse("<div id=container>Not this</div><article><div class=title><h1>Its title</h1></div>"
                "<p class=mess-line1><a>Its author</a></p>"
                "<div class='x article-content-wrap'>Old</div></article>");
    assert_path(doc, &p->content, "Old");
    assert_path(doc, &p->title_xpath, "Its title");
    assert_path(doc, &p->author_xpath, "Its author");
    xmlFreeDoc(doc);
    profile_unref(p);
}

static void test_paths_csdn(void **state)
{
    struct profile *p = take("csdn", "");
    htmlDocPtr doc = parse(page_csdn);

    (void)state;
    assert_path(doc, &p->content, "The text");
    assert_path(doc, &p->title_xpath, "The title");
    assert_path(doc, &p->author_xpath, "The author");
    assert_path(doc, &p->published_xpath, "于 2020-01-02 03:04:05 首次发布");
    assert_path(doc, &p->modified_xpath, "已于 2021-02-03 04:05:06 修改");
    assert_path(doc, &p->canonical_xpath, "https://blog.csdn.net/a/1");
    assert_int_equal(p->timezone, 28800);
    xmlFreeDoc(doc);
    profile_unref(p);
}

static void test_text(void **state)
{
    struct profile *p = take("text", "");

    (void)state;
    assert_int_equal(p->syntax, SYNTAX_TEXT);
    assert_int_equal(p->content.count, 0);
    profile_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chosen_by_address),
        cmocka_unit_test(test_markers),
        cmocka_unit_test(test_redirectors),
        cmocka_unit_test(test_fragment),
        cmocka_unit_test(test_headings),
        cmocka_unit_test(test_walls),
        cmocka_unit_test(test_paths_51cto),
        cmocka_unit_test(test_paths_csdn),
        cmocka_unit_test(test_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
