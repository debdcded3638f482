/* What a page says of itself: every place of every field, which place is believed before which, and
 * what is never believed. */
#include "digest_help.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define ADDRESS      "https://site.example/a/page.html?x=1"
#define LD(json)     "<script type='application/ld+json'>" json "</script>"

/* A page with an article whose section is "A". */
struct said {
    const char *name;
    const char *head;
    const char *body;    /* where the article is, there is "@@"; else it is behind all this */
    const char *expects; /* a line a field: "NAME VALUE"; fields not named may be anything */
};

static const struct said saids[] = {
    {"nothing at all", "", "", "title \nauthor \ndescription \npublished \nmodified \ntags \n"},

    /* JSON-LD */
    {"an article in JSON-LD",
     LD("{\"@context\":\"https://schema.org\",\"@type\":\"Article\",\"headline\":\"H\","
        "\"description\":\"D\",\"datePublished\":\"2024-12-13T18:20:11+01:00\","
        "\"dateModified\":\"2024-12-14\",\"author\":{\"@type\":\"Person\",\"name\":\"N\"},"
        "\"keywords\":\"one, two\"}"),
     "",
     "title H\nauthor N\ndescription D\npublished 2024-12-13T17:20:11Z\n"
     "modified 2024-12-13T16:00:00Z\ntags one|two\n"},
    {"of Baidu's shape",
     LD("{\"@context\":\"https://ziyuan.baidu.com/contexts/cambrian.jsonld\",\"title\":\"T\","
        "\"description\":\"D\",\"pubDate\":\"2024-12-13T18:20:11\","
        "\"upDate\":\"2025-11-12T09:30:00\"}"),
     "", "title T\ndescription D\npublished 2024-12-13T10:20:11Z\nmodified 2025-11-12T01:30:00Z\n"},
    {"in a graph, among others",
     LD("{\"@graph\":[{\"@type\":\"Organization\",\"name\":\"Firm\"},{\"@type\":\"WebSite\","
        "\"name\":\"Site\",\"datePublished\":\"2001-01-01\"},{\"@type\":[\"Thing\","
        "\"BlogPosting\"],\"headline\":\"Post\"}]}"),
     "", "title Post\npublished \n"},
    {"an array, the article before its page",
     LD("[{\"@type\":\"WebPage\",\"name\":\"Page\",\"description\":\"of the page\"},"
        "{\"@type\":\"https://schema.org/NewsArticle\",\"headline\":\"News\"}]"),
     "", "title News\ndescription of the page\n"},
    {"the main thing of a page",
     LD("{\"@type\":\"WebPage\",\"name\":\"Page\",\"mainEntity\":{\"@type\":\"TechArticle\","
        "\"headline\":\"Tech\"}}"),
     "", "title Tech\n"},
    {"several authors",
     LD("{\"@type\":\"Article\",\"author\":[\"A\",{\"name\":\"B\"},"
        "{\"url\":\"https://c.example/\"},\"https://d.example/\",3,\"C\"]}"),
     "", "author A, B, C\n"},
    {"an author as a string", LD("{\"@type\":\"Article\",\"author\":\" Some\\nbody \"}"), "",
     "author Some body\n"},
    {"keywords as an array",
     LD("{\"@type\":\"Article\",\"keywords\":[\"a\",{\"name\":\"b\"},\"c, d\",7,null]}"), "",
     "tags a|b|c|d\n"},
    {"characters that a feed cannot have",
     LD("{\"@type\":\"Article\",\"headline\":\"a\\u0001b \\uffff\"}"), "",
     "title a\xef\xbf\xbd"
     "b \xef\xbf\xbd\n"},
    {"at the end of the body", "<title>T</title>",
     "@@" LD("{\"@type\":\"Article\",\"headline\":\"End\"}"), "title End\n"},
    {"faulty JSON", LD("{\"@type\":\"Article\",\"headline\":\"H\",}") "<title>T</title>", "",
     "title T\n"},
    {"JSON that is no object", LD("3") LD("") LD("[[],null,{}]") "<title>T</title>", "",
     "title T\n"},
    {"fields of other types",
     LD("{\"@type\":\"Article\",\"headline\":{\"x\":1},\"datePublished\":20241213,"
        "\"author\":true,\"keywords\":{},\"inLanguage\":[]}") "<title>T</title>",
     "", "title T\npublished \nauthor \ntags \n"},
    {"one faulty script, one good", LD("{") LD("{\"@type\":\"Article\",\"headline\":\"H\"}"), "",
     "title H\n"},

    /* <meta> and <title> */
    {"Open Graph before <title>, <title> before nothing",
     "<title> The \n page </title><meta property='og:title' content='Open'>", "", "title Open\n"},
    {"<title> alone", "<title> The \n page </title>", "<svg><title>Picture</title></svg>",
     "title The page\n"},
    {"JSON-LD before Open Graph",
     "<meta property=og:title content=O>" LD("{\"@type\":\"Article\",\"headline\":\"H\"}"), "",
     "title H\n"},
    {"of equals the first",
     "<title>1</title><title>2</title><meta property=og:description content=1><meta "
     "property=og:description content=2>" LD("{\"@type\":\"Article\",\"author\":\"1\"}")
         LD("{\"@type\":\"Article\",\"author\":\"2\"}"),
     "", "title 1\nauthor 1\ndescription 1\n"},
    {"a blank headline says nothing",
     "<meta property=og:title content=O>" LD("{\"@type\":\"Article\",\"headline\":\" \"}"), "",
     "title O\n"},
    {"descriptions", "<meta name=Description content=d><meta property=og:description content=od>",
     "", "description od\n"},
    {"the description alone", "<meta name=Description content=' d\n e '>", "", "description d e\n"},
    {"an author's address is no name",
     "<meta property=article:author content='https://social.example/me'><meta name=author "
     "content=Me>",
     "", "author Me\n"},
    {"an author's name in article:author",
     "<meta name=author content=Me><meta property=article:author content='My name'>", "",
     "author My name\n"},
    {"dates of Open Graph",
     "<meta property=article:published_time content='2024-12-13T10:20:11Z'>"
     "<meta property=article:modified_time content='2024-12-14T10:20:11.123+08:00'>",
     "", "published 2024-12-13T10:20:11Z\nmodified 2024-12-14T02:20:11Z\n"},
    {"name and property mixed up", "<meta name=article:published_time content=2024-12-13>", "",
     "published 2024-12-12T16:00:00Z\n"},
    {"dates of Dublin Core",
     "<meta name=DC.date.issued content=2024-01-01><meta name=dcterms.modified content=2024-01-02>",
     "", "published 2023-12-31T16:00:00Z\nmodified 2024-01-01T16:00:00Z\n"},
    {"dates as properties of a thing",
     "<meta itemprop=datePublished content=2024-01-01><meta itemprop=dateModified "
     "content=2024-01-02>",
     "", "published 2023-12-31T16:00:00Z\nmodified 2024-01-01T16:00:00Z\n"},
    {"a plain date with words around it",
     "<meta name=date content='posted on 2024-1-3 8:05, edited 2024-1-4'>", "",
     "published 2024-01-03T00:05:00Z\n"},
    {"a property in the body, and a comment's", "",
     "<div class=comments><meta itemprop=dateModified content=2001-01-01></div>"
     "<meta itemprop=datePublished content=2024-01-01>",
     "published 2023-12-31T16:00:00Z\nmodified \n"},
    {"dates that stand for nothing",
     LD("{\"@type\":\"Article\",\"datePublished\":\"0001-01-01T00:00:00Z\","
        "\"dateModified\":\"1970-01-01T08:00:00\"}") "<meta name=date content=2024-02-30><meta "
                                                     "name=pubdate content=2024-02-03>",
     "", "published 2024-02-02T16:00:00Z\nmodified \n"},

    /* <time> */
    {"a <time> before the article", "",
     "<p>By me, <time datetime=2024-12-13T18:20>a year ago</time>",
     "published 2024-12-13T10:20:00Z\n"},
    {"its text", "", "<p>By me, <time><b>2024-12-13</b> 18:20</time>",
     "published 2024-12-13T10:20:00Z\n"},
    {"pubdate before a plain one", "",
     "<time>2020-01-01</time><time pubdate='2024-12-13 18:20:11'>",
     "published 2024-12-13T10:20:11Z\n"},
    {"properties before all others", "",
     "<time pubdate>2020-01-01</time><time itemprop='x datePublished' datetime=2024-12-13></time>"
     "<time itemprop=dateModified datetime=2024-12-14></time>",
     "published 2024-12-12T16:00:00Z\nmodified 2024-12-13T16:00:00Z\n"},
    {"when it was updated", "",
     "<time class='entry-date updated' datetime=2024-12-14></time>"
     "<time class='entry-date published' datetime=2024-12-13></time>",
     "published 2024-12-12T16:00:00Z\nmodified 2024-12-13T16:00:00Z\n"},
    {"<meta> before <time>", "<meta name=date content=2024-01-01>",
     "<time itemprop=datePublished datetime=2024-12-13></time>",
     "published 2023-12-31T16:00:00Z\n"},
    {"a <time> behind the article", "", "@@<time>2024-12-13</time>", "published \n"},
    {"a property behind the article", "", "@@<time itemprop=datePublished>2024-12-13</time>",
     "published 2024-12-12T16:00:00Z\n"},
    {"a comment's, at the side, of a list, of another article", "",
     "<div id=Comments><time pubdate>2020-01-01</time></div><aside><time>2020-01-02</time></aside>"
     "<ul><li><a href=/b>B</a> <time>2020-01-03</time></li></ul>"
     "<article><header><time>2020-01-04</time></header></article>"
     "<div itemtype='https://schema.org/Comment'><time "
     "itemprop=datePublished>2020-01-05</time></div>",
     "published \n"},
    {"whatever the page's own element is called", "",
     "</div></div><div class='has-sidebar comments-open'><time>2024-12-13</time>",
     "published 2024-12-12T16:00:00Z\n"},

    /* language */
    {"<html lang> before all others",
     "<meta http-equiv=content-language content=de><meta property=og:locale content=es>", "",
     "language zh-CN\n"},

    /* tags */
    {"article:tag before links and keywords",
     "<meta name=keywords content=k><meta property=article:tag content=' t '>"
     "<meta property=article:tag content='u, v'>",
     "<a rel=tag href=/r>r</a>", "tags t|u, v\n"},
    {"links before keywords", "<meta name=keywords content=k>",
     "<a rel='category tag' href=/r> r\n<b>s</b></a><a rel=tagged>no</a>"
     "<aside><a rel=tag>no</a></aside>@@<footer><a rel=tag>l</a><a rel=tag> </a></footer>",
     "tags r s|l\n"},
    {"keywords", "<meta name=keywords content=' C++ ,c++;大模型，机器  学习、,；LLM'>", "",
     "tags C++|大模型|机器 学习|LLM\n"},
    {"JSON-LD before article:tag",
     LD("{\"@type\":\"Article\",\"keywords\":[]}") "<meta property=article:tag content=t>" LD(
         "{\"@type\":\"Article\",\"keywords\":\"k\"}"),
     "", "tags k\n"},
    {"at most twenty",
     "<meta name=keywords content='1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21'>", "",
     "tags 1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20\n"},
    {"a sentence is no tag",
     "<meta name=keywords content='a,"
     "字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字"
     "字字字字"
     "字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字"
     "字字字字,"
     "字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字"
     "字字字字"
     "字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字"
     "字字字字字,b'>",
     "",
     "tags a|"
     "字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字"
     "字字字字"
     "字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字字"
     "字字字字|b\n"},

    /* canonical */
    {"canonical, relative", "<link rel='x canonical' href=../b#c>", "",
     "canonical https://site.example/b#c\n"},
    {"canonical, relative to <base>", "<link rel=canonical href=b><base href=/z/>", "",
     "canonical https://site.example/z/b\n"},
    {"of Open Graph", "<meta property=og:url content=https://site.example/og>", "",
     "canonical https://site.example/og\n"},
    {"the link before Open Graph",
     "<meta property=og:url content=https://site.example/og><link rel=canonical href=/l>", "",
     "canonical https://site.example/l\n"},
    {"of another host", "<link rel=canonical href=https://other.example/a>", "", "canonical \n"},
    {"of another host, Open Graph's own",
     "<link rel=canonical href=https://notsite.example/a>"
     "<meta property=og:url content=https://site.example/og>",
     "", "canonical https://site.example/og\n"},
    {"for big screens", "<link rel=canonical href=https://www.site.example/a>", "",
     "canonical https://www.site.example/a\n"},
    {"of a host above or below", "<link rel=canonical href=http://blog.SITE.example/a>", "",
     "canonical http://blog.SITE.example/a\n"},
    {"the home page", "<link rel=canonical href=https://site.example/>", "", "canonical \n"},
    {"no address", "<link rel=canonical href='javascript:1'>", "", "canonical \n"},
    {"in the body", "", "<link rel=canonical href=/b>", "canonical \n"},
};

static struct profile *bare_profile(void)
{
    struct profile *p = profile_new("bare");

    set(p, "content", "//*[@id='c']");
    set(p, "section-start", "^#(.+)$");
    set(p, "timezone", "+08:00");
    return p;
}

static struct page *read_page(struct profile *p, const char *html, const char *url)
{
    const struct page_source source = {.bytes = str_of(html), .url = str_of(url), .profile = p};
    struct page *page = NULL;
    struct error e = {""};

    if (page_read(&source, &page, &e) != DOUBT_NONE)
        fail_msg("not believed: %s\n%s", e.text, html);
    return page;
}

static struct page *read_said(struct profile *p, const struct said *said)
{
    struct str body = str_of(said->body);
    size_t at = str_find(body, STR("@@"), 0);
    struct str before = str_sub(body, 0, at);
    struct str after = at == SIZE_MAX ? (struct str){0} : str_sub(body, at + 2, SIZE_MAX);
    struct page *page;
    struct buf html;

    buf_init(&html, SIZE_MAX);
    buf_printf(&html,
               "<!DOCTYPE html><html lang=zh_CN><head>%s</head><body><div>%.*s<div id=c><p>#A</p>"
               "<p>x</p></div>%.*s</div></body></html>",
               said->head, STR_ARG(before), STR_ARG(after));
    page = read_page(p, html.data, ADDRESS);
    buf_clear(&html);
    return page;
}

/* A field as the tables write it. */
static void put_field(struct buf *out, const struct page_info *info, struct str name)
{
    const struct {
        const char *name;
        struct str value;
    } texts[] = {{"title", info->title},         {"author", info->author},
                 {"language", info->language},   {"description", info->description},
                 {"canonical", info->canonical}, {"tags", info->tags}};
    char date[DATE_SIZE];
    int64_t t = str_eq(name, STR("published")) ? info->published : info->modified;

    for (size_t i = 0; i < COUNT(texts); i++)
        if (str_eq(name, str_of(texts[i].name))) {
            for (size_t k = 0; k < texts[i].value.n; k++)
                buf_putc(out, texts[i].value.p[k] == '\n' ? '|' : texts[i].value.p[k]);
            return;
        }
    assert_true(str_eq(name, STR("published")) || str_eq(name, STR("modified")));
    buf_puts(out, t ? date_rfc3339(date, t) : "");
}

static void assert_info(const char *name, const struct page_info *info, const char *expects)
{
    struct str rest = str_of(expects);

    while (rest.n) {
        struct str value = str_cut(&rest, '\n'), field = str_cut(&value, ' ');
        struct buf got;

        buf_init(&got, SIZE_MAX);
        put_field(&got, info, field);
        if (!str_eq(buf_str(&got), value))
            fail_msg("%s: %.*s is \"%.*s\", not \"%.*s\"", name, STR_ARG(field),
                     STR_ARG(buf_str(&got)), STR_ARG(value));
        buf_clear(&got);
    }
}

static void test_places(void **state)
{
    struct profile *p = bare_profile();

    (void)state;
    for (size_t i = 0; i < COUNT(saids); i++) {
        struct page *page = read_said(p, &saids[i]);

        assert_info(saids[i].name, &page->info, saids[i].expects);
        page_free(page);
    }
    profile_unref(p);
}

/* Pages that are built otherwise: the whole of each. */
static void test_whole_pages(void **state)
{
    static const struct {
        const char *name, *url, *html, *expects;
    } pages[] = {
        {"a <time> in the header of the article", ADDRESS,
         "<body><article id=c><header><h1>T</h1><p>A long word of welcome, longer than what may "
         "stand "
         "before a date in an article, and yet in its header, where nobody doubts that the date is "
         "the article's own, however long that is; and so it goes on for another line or two, "
         "until "
         "all readers have given up and look for the date.</p><time>2024-12-13</time></header>"
         "<p>#A<p>x</article></body>",
         "published 2024-12-12T16:00:00Z\n"},
        {"a <time> where the article begins", ADDRESS,
         "<body><div id=c><style>p { color: red }</style><p>By me, <time>2024-12-13</time></p>"
         "<p>#A<p>x</div></body>",
         "published 2024-12-12T16:00:00Z\n"},
        {"a <time> inside a section", ADDRESS,
         "<body><div id=c><p>#A<p>Many words of a section that come before a date, and so many of "
         "them that no reader would take the date for that of the page: what is told is the story "
         "of one day of a long year, and that day is what the date is of; the page itself is "
         "older, "
         "or younger, nobody can tell.<p><time>2024-12-13</time></div></body>",
         "published \n"},
        {"no <html lang>: content-language", ADDRESS,
         "<head><meta http-equiv=Content-Language content='de_AT, en'><meta property=og:locale "
         "content=es_ES></head><body><div id=c><p>#A<p>x</div>",
         "language de-AT\n"},
        {"no language but og:locale, before JSON-LD", ADDRESS,
         "<html lang='中文'><head>" LD(
             "{\"@type\":\"Article\",\"inLanguage\":\"fr\"}") "<meta http-equiv=Content-Language "
                                                              "content=Chinese><meta "
                                                              "property=og:locale content=zh_CN>"
                                                              "</head><body><div "
                                                              "id=c><p>#A<p>x</div>",
         "language zh-CN\n"},
        {"no language but JSON-LD's", ADDRESS,
         LD("{\"@type\":\"Article\",\"inLanguage\":\"fr-CA\"}") "<body><div id=c><p>#A<p>x</div>",
         "language fr-CA\n"},
        {"the home page may be the page", "https://site.example",
         "<head><link rel=canonical href=https://www.site.example/></head><body><div id=c><p>#A<p>x"
         "</div>",
         "canonical https://www.site.example/\n"},
        {"a page from a file may be of any host", "file:///tmp/page.html",
         "<head><link rel=canonical href=https://other.example/a></head><body><div id=c><p>#A<p>x"
         "</div>",
         "canonical https://other.example/a\n"},
        {"an author's own name before the site's", "https://me.blog.example/article/1",
         "<head><link rel=canonical href=https://blog.example/me/article/1></head><body><div id=c>"
         "<p>#A<p>x</div>",
         "canonical https://blog.example/me/article/1\n"},
        {"a port is no part of the host", "https://site.example:8443/a",
         "<head><link rel=canonical href=https://site.example/b></head><body><div id=c><p>#A<p>x"
         "</div>",
         "canonical https://site.example/b\n"},
    };
    struct profile *p = bare_profile();

    (void)state;
    for (size_t i = 0; i < COUNT(pages); i++) {
        struct page *page = read_page(p, pages[i].html, pages[i].url);

        assert_info(pages[i].name, &page->info, pages[i].expects);
        page_free(page);
    }
    profile_unref(p);
}

/* What a site is asked with stands in nothing that is told of its page. */
static void test_no_login(void **state)
{
    static const struct {
        const char *html, *address;
    } pages[] = {
        {"<body><div id=c><p>#A<p>x</div>", "https://site.example/a"},
        {"<head><link rel=canonical href=/b></head><body><div id=c><p>#A<p>x</div>",
         "https://site.example/b"},
    };
    struct profile *p = bare_profile();

    (void)state;
    for (size_t i = 0; i < COUNT(pages); i++) {
        struct page *page = read_page(p, pages[i].html, "https://me:secret@site.example/a");

        assert_str(page->address, pages[i].address);
        assert_int_equal(str_find(page->info.canonical, STR("secret"), 0), SIZE_MAX);
        assert_int_equal(str_find(page->sections[0].link, STR("secret"), 0), SIZE_MAX);
        assert_true(str_starts(page->sections[0].link, str_of(pages[i].address)));
        page_free(page);
    }
    profile_unref(p);
}

/* The profile's paths go before everything that the page says; where one finds nothing, or nothing
 * of use, the page is asked. */
static void test_profile_is_asked_first(void **state)
{
    static const struct said full = {
        "full",
        "<title>T</title><link rel=canonical href=/c>" LD(
            "{\"@type\":\"Article\",\"headline\":\"H\",\"author\":\"N\",\"keywords\":\"k\","
            "\"datePublished\":\"2024-01-01\",\"dateModified\":\"2024-01-02\"}"),
        "<h1>Path</h1><i>Me</i><b>2025-01-01</b><u>2025-01-02</u><s>tag 1</s><s>tag, 2</s><s>TAG "
        "1</s>"
        "<em>https://mirror.example/m</em>",
        "title Path\nauthor Me\npublished 2024-12-31T16:00:00Z\nmodified 2025-01-01T16:00:00Z\n"
        "tags tag 1|tag, 2\ncanonical https://mirror.example/m\n"};
    static const char *const keys[][2] = {
        {"title-xpath", "//h1"},     {"author-xpath", "//i"},  {"published-xpath", "//b"},
        {"modified-xpath", "//u"},   {"tags-xpath", "//none"}, {"tags-xpath", "//s"},
        {"canonical-xpath", "//em"},
    };
    struct said empty = full;
    struct profile *p = bare_profile();
    struct page *page;

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++)
        set(p, keys[i][0], keys[i][1]);
    page = read_said(p, &full);
    assert_info("all found", &page->info, full.expects);
    page_free(page);
    empty.body = "<h1> </h1><b>long ago</b><s></s>";
    page = read_said(p, &empty);
    assert_info("nothing found", &page->info,
                "title H\nauthor N\npublished 2023-12-31T16:00:00Z\n"
                "modified 2024-01-01T16:00:00Z\ntags k\ncanonical https://site.example/c\n");
    page_free(page);
    profile_unref(p);
}

/* A path that gives a string gives a list. */
static void test_tags_of_a_string(void **state)
{
    static const struct said said = {"list", "<meta name=topics content='a, b，c'>", "",
                                     "tags a|b|c\n"};
    struct profile *p = bare_profile();
    struct page *page;

    (void)state;
    set(p, "tags-xpath", "string(//meta[@name='topics']/@content)");
    page = read_said(p, &said);
    assert_info(said.name, &page->info, said.expects);
    page_free(page);
    profile_unref(p);
}

/* What is too large, too deep or too much is left out, in time that does not grow with it. */
static void test_limits(void **state)
{
    struct profile *p = bare_profile();
    struct said said = {"limits", NULL, NULL, NULL};
    struct buf head, before;
    struct page *page;

    (void)state;
    buf_init(&head, SIZE_MAX);
    buf_init(&before, SIZE_MAX);
    buf_puts(&head, "<script type='application/ld+json'>");
    for (int i = 0; i < 100000; i++)
        buf_puts(&head, "[[[[");
    buf_puts(&head, "</script><script type='application/ld+json'>"
                    "{\"@type\":\"Article\",\"headline\":\"");
    for (int i = 0; i < 300000; i++)
        buf_putc(&head, 'x');
    buf_puts(&head, "\"}</script><script type='application/ld+json'>[");
    for (int i = 0; i < 2000; i++)
        buf_puts(&head, "{},");
    buf_puts(&head, "{\"@type\":\"Article\",\"headline\":\"late\"}]</script><title>");
    for (int i = 0; i < 3000; i++)
        buf_puts(&head, "字");
    buf_puts(&head, "</title>");
    for (int i = 0; i < 5000; i++)
        buf_puts(&before, "<time class=comment>2024-12-13</time><a rel=tag class=reply>t</a>");
    said.head = head.data;
    said.body = before.data;
    page = read_said(p, &said);
    assert_int_equal(text_length(page->info.title), 2000);
    assert_true(str_starts(page->info.title, STR("字")));
    assert_int_equal(page->info.published, 0);
    assert_int_equal(page->info.tags.n, 0);
    page_free(page);
    buf_clear(&head);
    buf_clear(&before);
    profile_unref(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),           cmocka_unit_test(test_whole_pages),
        cmocka_unit_test(test_no_login),         cmocka_unit_test(test_profile_is_asked_first),
        cmocka_unit_test(test_tags_of_a_string), cmocka_unit_test(test_limits),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
