/* 200 or 304, the encoding, and heads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "http.h"

#define NOW   1700000000
#define SINCE 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */

static void etag_lists(void **state)
{
    (void)state;
    static const struct {
        const char *list, *etag;
        bool listed;
    } cases[] = {
        {"W/\"a\"", "W/\"a\"", true},
        {"\"a\"", "W/\"a\"", true}, /* weak comparison */
        {"W/\"a\"", "\"a\"", true},
        {"\"b\"", "W/\"a\"", false},
        {"\"x\", W/\"a\"", "W/\"a\"", true},
        {"\"x\",W/\"a\"", "W/\"a\"", true},
        {"\"x\" \t, \t \"a\" ", "W/\"a\"", true},
        {", ,\"a\",,", "W/\"a\"", true},
        {"\"x,\"a\"", "W/\"a\"", false}, /* the comma is inside the first tag */
        {"\"x,y\", \"a\"", "W/\"a\"", true},
        {"\"x,\\\"a\\\"\"", "W/\"a\"", false},
        {"a", "W/\"a\"", false},       /* no quotes, no tag */
        {"w/\"a\"", "W/\"a\"", false}, /* case matters */
        {"W/ \"a\"", "W/\"a\"", false},
        {"\"A\"", "W/\"a\"", false},
        {"\"a", "W/\"a\"", false},
        {"\"\"", "W/\"\"", true},
        {"\"ab\"", "W/\"a\"", false},
        {"\"a\"x", "W/\"a\"", false},
        {"x\"a\"", "W/\"a\"", false},
        {"bad, \"a\"", "W/\"a\"", true}, /* what is no tag is passed over */
        {"", "W/\"a\"", false},
        {"\"a\"", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (http_etag_listed(str_of(cases[i].list), str_of(cases[i].etag), HTTP_WEAK) !=
            cases[i].listed)
            fail_msg("%s in %s", cases[i].etag, cases[i].list);
}

/* A weak tag equals none. */
static void etag_lists_compared_strongly(void **state)
{
    (void)state;
    static const struct {
        const char *list, *etag;
        bool listed;
    } cases[] = {
        {"\"a\"", "\"a\"", true},
        {"\"b\", \"a\"", "\"a\"", true},
        {"W/\"a\"", "\"a\"", false},
        {"\"a\"", "W/\"a\"", false},
        {"W/\"a\"", "W/\"a\"", false},
        {"W/\"a\", \"a\"", "\"a\"", true},
        {" \tW/\"a\",\"b\"", "\"a\"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (http_etag_listed(str_of(cases[i].list), str_of(cases[i].etag), HTTP_STRONG) !=
            cases[i].listed)
            fail_msg("%s in %s", cases[i].etag, cases[i].list);
}

/* ---- conditions ---------------------------------------------------------------------------- */

static int status_of(const char *fields, const struct body *b)
{
    char head[1024];
    struct http_request r;
    size_t used;
    int status;
    snprintf(head, sizeof head, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
    assert_int_equal(HTTP_PARSE_DONE, http_parse(str_of(head), &r, &used, &status));
    return http_choose(&r, b, NOW).status;
}

static void conditions_in_their_order(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        int status;
    } cases[] = {
        {"", 200},
        {"If-None-Match: %s\r\n", 304},
        {"If-None-Match: \"other\", %s\r\n", 304},
        {"If-None-Match: \"other\"\r\nIf-None-Match: %s\r\n", 304},
        {"If-None-Match: *\r\n", 304},
        {"If-None-Match: \"other\"\r\n", 200},
        {"If-None-Match:\r\n", 200},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 304},
        {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 304},
        {"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", 304},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:38 GMT\r\n", 304},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 200},
        {"If-Modified-Since: yesterday\r\n", 200},
        {"If-Modified-Since:\r\n", 200},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
         "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
         200},
        /* where the tag is asked for, the date says nothing */
        {"If-None-Match: \"other\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200},
        {"If-None-Match:\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200},
        {"If-None-Match: %s\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 304},
        {"Range: bytes=0-1\r\n", 200},
        {"Range: bytes=0-1\r\nIf-Range: %s\r\n", 200},
        {"If-Match: *\r\n", 200},
        {"If-Match: *\r\nIf-None-Match: %s\r\n", 304},
        {"If-Match: %s\r\n", 412}, /* our tags are weak, and If-Match compares strongly */
        {"If-Match: \"other\"\r\n", 412},
        {"If-Match: \"other\"\r\nIf-None-Match: %s\r\n", 412},
        {"If-Match:\r\n", 412},
        {"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200},
        {"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 412},
        {"If-Unmodified-Since: Sunday, 06-Nov-94 08:49:36 GMT\r\n", 412},
        {"If-Unmodified-Since: Sun Nov  6 08:49:36 1994\r\n", 412},
        {"If-Unmodified-Since: yesterday\r\n", 200},
        {"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\nIf-None-Match: %s\r\n", 412},
        {"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\nIf-None-Match: %s\r\n", 304},
        /* where the tag is asked for, the date says nothing */
        {"If-Match: *\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 200},
    };
    struct body *b = body_new(STR("<feed/>"), MEDIA_ATOM, CACHE_FEED, SINCE, false);
    assert_non_null(b);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf fields;
        struct str before = str_of(cases[i].fields);
        size_t at = str_find(before, STR("%s"), 0);
        buf_init(&fields, 1024);
        buf_add(&fields, str_sub(before, 0, at));
        if (at != SIZE_MAX) {
            buf_puts(&fields, b->etag);
            buf_add(&fields, str_sub(before, at + 2, before.n));
        }
        buf_putc(&fields, '\0');
        int status = status_of(fields.data, b);
        if (status != cases[i].status)
            fail_msg("%d for %s", status, fields.data);
        buf_clear(&fields);
    }
    body_unref(b);
}

static void what_may_not_be_stored_is_never_unchanged(void **state)
{
    (void)state;
    struct body *b = body_new(STR("ok\n"), MEDIA_TEXT, CACHE_NONE, SINCE, false);
    assert_non_null(b);
    assert_int_equal(200, status_of("If-None-Match: *\r\n", b));
    assert_int_equal(200, status_of("If-None-Match: \"\", W/\"\"\r\n", b));
    assert_int_equal(200, status_of("If-Modified-Since: Sun, 06 Nov 2094 08:49:37 GMT\r\n", b));
    assert_int_equal(200, status_of("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", b));
    body_unref(b);
}

/* ---- encodings ----------------------------------------------------------------------------- */

/* A body whose encodings are of these sizes; 0: it has not got it. */
static struct body encoded(size_t identity, size_t gzip, size_t zstd, size_t br)
{
    static const char bytes[100];
    struct body b = {.bytes[ENCODING_IDENTITY] = {bytes, identity}};
    if (gzip)
        b.bytes[ENCODING_GZIP] = (struct str){bytes, gzip};
    if (zstd)
        b.bytes[ENCODING_ZSTD] = (struct str){bytes, zstd};
    if (br)
        b.bytes[ENCODING_BR] = (struct str){bytes, br};
    return b;
}

static void encodings_as_the_client_likes(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum encoding encoding;
    } cases[] = {
        {"", ENCODING_IDENTITY},
        {"gzip", ENCODING_GZIP},
        {"x-gzip", ENCODING_GZIP},
        {"GZip", ENCODING_GZIP},
        {"gzip, deflate", ENCODING_GZIP},
        {"deflate, compress", ENCODING_IDENTITY},
        {"gzip, deflate, br, zstd", ENCODING_BR}, /* the smallest of equals */
        {"gzip, zstd", ENCODING_ZSTD},
        {"gzip;q=1.0, br;q=0.9", ENCODING_GZIP},
        {"gzip;q=0.1, br;q=0.101", ENCODING_BR},
        {"br;q=0, gzip", ENCODING_GZIP},
        {"gzip;q=0", ENCODING_IDENTITY},
        {"gzip;q=0.000", ENCODING_IDENTITY},
        {"gzip;q=0.5", ENCODING_GZIP},
        {"gzip ; q=0.5 , br ; q=0.4", ENCODING_GZIP},
        {"gzip;Q=0.3,br;Q=0.4", ENCODING_BR},
        {"identity", ENCODING_IDENTITY},
        {"identity, gzip", ENCODING_GZIP},
        {"identity;q=1, gzip;q=0.5", ENCODING_IDENTITY},
        {"identity;q=0.5, gzip;q=1", ENCODING_GZIP},
        {"identity;q=0, gzip;q=0.001", ENCODING_GZIP},
        {"identity;q=0", ENCODING_IDENTITY}, /* better than nothing */
        {"*;q=0", ENCODING_IDENTITY},
        {"*", ENCODING_GZIP}, /* the one that everybody knows */
        {"*;q=0.5, gzip;q=0", ENCODING_IDENTITY},
        {"br, *;q=0", ENCODING_BR},
        {"gzip;q=2", ENCODING_IDENTITY}, /* no weight at all */
        {"gzip;q=1.001", ENCODING_IDENTITY},
        {"gzip;q=x", ENCODING_IDENTITY},
        {"gzip;q=0.1234", ENCODING_IDENTITY},
        {"gzip;q=", ENCODING_IDENTITY},
        {"gzip;q=1.", ENCODING_GZIP},
        {",,gzip,,", ENCODING_GZIP},
        {"gzipped, brx", ENCODING_IDENTITY},
    };
    struct body b = encoded(100, 50, 45, 40);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum encoding got = http_encoding(str_of(cases[i].accept), true, &b);
        if (got != cases[i].encoding)
            fail_msg("%s: %d", cases[i].accept, (int)got);
    }
    assert_int_equal(ENCODING_IDENTITY, http_encoding(STR("gzip"), false, &b));
}

static void languages_as_the_client_likes(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        enum page_language liked;
    } cases[] = {
        {"", PAGE_ENGLISH},
        {"zh-CN,zh;q=0.9,en;q=0.8", PAGE_CHINESE},
        {"en-US,en;q=0.9,zh-CN;q=0.8,zh;q=0.7", PAGE_ENGLISH},
        {"ZH-hans", PAGE_CHINESE},
        {"zh-TW", PAGE_CHINESE}, /* Chinese all the same */
        {"zha", PAGE_ENGLISH},   /* Zhuang, another language */
        {"z", PAGE_ENGLISH},
        {"de,fr;q=0.9,zh;q=0.1", PAGE_CHINESE}, /* the only one of these that there is */
        {"de", PAGE_ENGLISH},
        {"*", PAGE_ENGLISH},
        {"zh;q=0", PAGE_ENGLISH},
        {"zh;q=0, *", PAGE_ENGLISH},
        {"zh;q=nonsense", PAGE_ENGLISH},
        {"en;q=0.5, zh;q=0.501", PAGE_CHINESE},
        {"zh, en", PAGE_CHINESE}, /* liked equally: the first */
        {"en, zh", PAGE_ENGLISH},
        {" zh ; q=1.0 ,en;q=0.999", PAGE_CHINESE},
        {",,;q=1,zh", PAGE_CHINESE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (http_language(str_of(cases[i].list)) != cases[i].liked)
            fail_msg("\"%s\"", cases[i].list);
}

static void only_encodings_that_are_there(void **state)
{
    (void)state;
    struct body plain = encoded(100, 0, 0, 0), no_br = encoded(100, 50, 0, 0);
    assert_int_equal(ENCODING_IDENTITY, http_encoding(STR("gzip, br, zstd"), true, &plain));
    assert_int_equal(ENCODING_GZIP, http_encoding(STR("br, gzip;q=0.1"), true, &no_br));
    struct body zstd_smallest = encoded(100, 50, 30, 40);
    assert_int_equal(ENCODING_ZSTD, http_encoding(STR("br, gzip, zstd"), true, &zstd_smallest));
}

/* ---- formats ------------------------------------------------------------------------------- */

static void formats_as_the_client_likes(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum feed_format format;
    } cases[] = {
        {"", FEED_ATOM},
        {"*/*", FEED_ATOM},
        {"application/*", FEED_ATOM},
        {"application/atom+xml", FEED_ATOM},
        {"application/rss+xml", FEED_RSS},
        {"application/feed+json", FEED_JSON},
        {"application/json", FEED_JSON},
        {"Application/RSS+XML", FEED_RSS},
        {"application/rss+xml, */*;q=0.1", FEED_RSS},
        {"application/rss+xml, application/rdf+xml;q=0.8, application/atom+xml;q=0.6, "
         "application/xml;q=0.4, text/xml;q=0.4",
         FEED_RSS},
        {"application/feed+json, application/atom+xml", FEED_ATOM}, /* of equals */
        {"application/feed+json, application/atom+xml;q=0.9", FEED_JSON},
        {"application/atom+xml;q=0, */*", FEED_RSS},
        {"application/atom+xml;q=0, application/rss+xml;q=0, */*", FEED_JSON},
        {"*/*, application/atom+xml;q=0.1, application/rss+xml;q=0.2", FEED_JSON},
        {"application/*;q=0.1, application/rss+xml;q=0.2", FEED_RSS},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", FEED_ATOM},
        {"application/xml;q=0.1, application/atom+xml;q=0.9, application/rss+xml;q=0.5", FEED_ATOM},
        {"application/atom+xml;q=0.2, application/xml, application/rss+xml;q=0.5", FEED_RSS},
        {"application/rss+xml;charset=utf-8;q=0.5, application/feed+json;q=0.6", FEED_JSON},
        {"text/html", FEED_ATOM}, /* none is liked: better one than none */
        {"image/*", FEED_ATOM},
        {",,application/rss+xml,,", FEED_RSS},
        {"application/rss+xml;q=2, application/feed+json;q=0.1", FEED_JSON},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (http_format(str_of(cases[i].accept)) != cases[i].format)
            fail_msg("%s: %d", cases[i].accept, (int)http_format(str_of(cases[i].accept)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(etag_lists),
        cmocka_unit_test(etag_lists_compared_strongly),
        cmocka_unit_test(conditions_in_their_order),
        cmocka_unit_test(what_may_not_be_stored_is_never_unchanged),
        cmocka_unit_test(encodings_as_the_client_likes),
        cmocka_unit_test(only_encodings_that_are_there),
        cmocka_unit_test(languages_as_the_client_likes),
        cmocka_unit_test(formats_as_the_client_likes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
