/* What the tests of feed/ share: a small feed of our own text, golden files, and libxml2's parser
 * as the judge of what is well-formed. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"

#define GOLDEN_DIR "tests/golden/feed/"
#define OUT_MAX    ((size_t)16 << 20)

enum { SAMPLE_ENTRIES = 3 };

struct sample {
    struct entry entries[SAMPLE_ENTRIES];
    const struct entry *picked[SAMPLE_ENTRIES];
    struct feed feed;
};

static inline struct entry sample_entry(const char *id, const char *title, const char *html,
                                        const char *text, const char *link)
{
    struct entry e = {.title = str_of(title),
                      .html = str_of(html),
                      .text = str_of(text),
                      .link = str_of(link),
                      .live = true};

    snprintf(e.id, sizeof e.id, "urn:uuid:5f0b5ff0-6f4e-5b8e-9d4c-%s", id);
    return e;
}

static inline void sample_fill(struct entry *e)
{
    e[0] = sample_entry(
        "000000000003", "检索增强 & <RAG>：从零开始 🚀",
        "<p>先建索引，再问模型。<a href=\"https://example.org/a?x=1&amp;y=2\">参考</a></p>"
        "<pre><code>if (a &lt; b &amp;&amp; c)\n    return;\n</code></pre>"
        "<p><img src=\"https://example.org/tu.png?w=1&amp;f=webp\" alt=\"\" width=\"640\" "
        "height=\"360\" referrerpolicy=\"no-referrer\"></p>",
        "先建索引，再问模型。参考\nif (a < b && c)\n    return;",
        "https://example.org/digest#:~:text=%E6%A3%80%E7%B4%A2");
    e[0].published = 1762910000;
    e[0].updated = 1762911000;
    e[1] = sample_entry("000000000002", "A \"quoted\" title & 'more'",
                        "<p>Sections are found by their markers.</p><ul><li>one</li></ul>"
                        "<audio controls=\"\" preload=\"none\" src=\"https://example.org/a.ogg\">"
                        "</audio><video controls=\"\" preload=\"none\" "
                        "poster=\"https://example.org/still.jpg\"><source "
                        "src=\"https://example.org/film.webm\"><source "
                        "src=\"https://example.org/film.mp4\"></video>",
                        "Sections are found by their markers.\none", NULL);
    e[1].published = e[1].updated = 1762900000;
    e[2] = sample_entry("000000000001", "已撤下的一节", "<p>它不在页面上了。</p>",
                        "它不在页面上了。", "https://example.org/digest#:~:text=gone");
    e[2].published = 1734000000;
    e[2].updated = 1734100000;
    e[2].live = false;
}

static inline void sample_init(struct sample *s)
{
    sample_fill(s->entries);
    for (size_t i = 0; i < SAMPLE_ENTRIES; i++)
        s->picked[i] = &s->entries[i];
    s->feed = (struct feed){.id = STR("urn:uuid:5f0b5ff0-6f4e-5b8e-9d4c-0000000000ff"),
                            .name = STR("notes"),
                            .title = STR("笔记 & notes"),
                            .description = STR("One long page, cut into its sections."),
                            .author = STR("王小明"),
                            .language = STR("zh_CN"),
                            .tags = STR("随笔\nR&D"),
                            .home = STR("https://example.org/digest?a=1&b=2"),
                            .base_url = STR("http://127.0.0.1:8780"),
                            .updated = 1762911000,
                            .entries = s->picked,
                            .count = SAMPLE_ENTRIES};
}

/* Compares with the golden file; with GOLDEN_WRITE in the environment writes it instead. */
static inline void assert_golden(const char *name, struct str got)
{
    char path[256];
    struct buf want;
    char piece[4096];
    size_t n;

    snprintf(path, sizeof path, GOLDEN_DIR "%s", name);
    FILE *f = fopen(path, getenv("GOLDEN_WRITE") ? "w+" : "r");
    if (!f)
        fail_msg("%s cannot be opened: tests run in the top folder of the project", path);
    if (getenv("GOLDEN_WRITE"))
        assert_int_equal(fwrite(got.p, 1, got.n, f), got.n);
    rewind(f);
    buf_init(&want, OUT_MAX);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_append(&want, piece, n);
    fclose(f);
    buf_putc(&want, '\0');
    size_t size = got.n + 1;
    if (want.len != size || memcmp(want.data, got.p, size) != 0)
        fail_msg("%s is not what was rendered:\n%s", path, got.p);
    buf_clear(&want);
}

/* The document, which must be well-formed; free it with xmlFreeDoc. */
static inline xmlDoc *assert_xml(struct str s)
{
    xmlDoc *doc = xmlReadMemory(s.p, (int)s.n, NULL, NULL,
                                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

    if (!doc)
        fail_msg("not well-formed:\n%s", s.p);
    return doc;
}

/* The string that an XPath gives (prefixes: a Atom, c content, d Dublin Core, h feed history, m
 * media, t tombstones); free with xmlFree. */
static inline char *xpath_string(xmlDoc *doc, const char *path)
{
    xmlXPathContext *context = xmlXPathNewContext(doc);

    xmlXPathRegisterNs(context, BAD_CAST "a", BAD_CAST "http://www.w3.org/2005/Atom");
    xmlXPathRegisterNs(context, BAD_CAST "c", BAD_CAST "http://purl.org/rss/1.0/modules/content/");
    xmlXPathRegisterNs(context, BAD_CAST "d", BAD_CAST "http://purl.org/dc/elements/1.1/");
    xmlXPathRegisterNs(context, BAD_CAST "h", BAD_CAST "http://purl.org/syndication/history/1.0");
    xmlXPathRegisterNs(context, BAD_CAST "t", BAD_CAST "http://purl.org/atompub/tombstones/1.0");
    xmlXPathRegisterNs(context, BAD_CAST "m", BAD_CAST "http://search.yahoo.com/mrss/");
    xmlXPathObject *object = xmlXPathEvalExpression(BAD_CAST path, context);
    char *s = (char *)xmlXPathCastToString(object);
    xmlXPathFreeObject(object);
    xmlXPathFreeContext(context);
    return s;
}

static inline void assert_xpath(xmlDoc *doc, const char *path, const char *want)
{
    char *got = xpath_string(doc, path);

    if (strcmp(got, want) != 0)
        fail_msg("%s is \"%s\", not \"%s\"", path, got, want);
    xmlFree(got);
}
