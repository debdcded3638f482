/* What the tests of the digest room share: a profile made by hand, pages and entries. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "digest.h"

#include <stdlib.h>
#include <string.h>

static inline void set(struct profile *p, const char *key, const char *value)
{
    struct error e = {""};

    if (profile_set(p, str_of(key), str_of(value), &e) < 0)
        fail_msg("%s = %s: %s", key, value, e.text);
}

/* The marks of the first digest, on an element with the id "c". */
static inline struct profile *marks_profile(void)
{
    struct profile *p = profile_new("marks");

    set(p, "content", "//*[@id='c']");
    set(p, "drop", "//*[@class='advertisement']");
    set(p, "section-start", "^[#＃]\\s*(?![#＃\\s])(.+)$");
    set(p, "section-end", "^(?:\\.{4}|．{4}|…{1,2}|。{4})$");
    set(p, "skip-title", "^[xX]{3,}$");
    set(p, "lazy-attribute", "data-src data-original");
    set(p, "unwrap-link", "^https?://out\\.example/\\?to=(.+)$");
    set(p, "canonical-xpath", "//link[@rel='canonical']/@href");
    set(p, "published-xpath", "//time/@pubdate");
    set(p, "wall", "please prove that you are human");
    set(p, "timezone", "+08:00");
    return p;
}

static inline enum doubt read_with(struct profile *p, const char *html, struct page **page,
                                   struct error *e)
{
    return page_read(&(struct page_source){.bytes = str_of(html),
                                           .content_type = STR("text/html; charset=utf-8"),
                                           .url = STR("https://site.example/a/page.html?x=1"),
                                           .profile = p},
                     page, e);
}

/* The page with this article, believed. */
static inline struct page *read_article(const char *article)
{
    struct profile *p = marks_profile();
    struct page *page = NULL;
    struct error e = {""};
    struct buf html;

    buf_init(&html, SIZE_MAX);
    buf_printf(&html,
               "<!DOCTYPE html><html lang=zh-CN><head><title>T</title></head><body>"
               "<div id=c>%s</div></body></html>",
               article);
    if (read_with(p, html.data, &page, &e) != DOUBT_NONE)
        fail_msg("not believed: %s\n%s", e.text, article);
    buf_clear(&html);
    profile_unref(p);
    return page;
}

static inline void assert_str(struct str s, const char *expected)
{
    char *copy = strndup(s.n ? s.p : "", s.n);

    assert_string_equal(copy, expected);
    free(copy);
}
