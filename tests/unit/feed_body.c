/* Bodies: encodings that give back the bytes, and the header fields. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <brotli/decode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "feed.h"

#define SINCE ((int64_t)1762911000)
#define BIG   200000

static size_t decode_gzip(struct str in, char *out, size_t max)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)in.p,
                  .avail_in = (uInt)in.n,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)max};

    assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
    return z.total_out;
}

static size_t decode_zstd(struct str in, char *out, size_t max)
{
    return ZSTD_decompress(out, max, in.p, in.n);
}

static size_t decode_brotli(struct str in, char *out, size_t max)
{
    assert_int_equal(BrotliDecoderDecompress(in.n, (const uint8_t *)in.p, &max, (uint8_t *)out),
                     BROTLI_DECODER_RESULT_SUCCESS);
    return max;
}

static size_t (*const decoders[ENCODING_COUNT])(struct str, char *, size_t) = {
    [ENCODING_GZIP] = decode_gzip,
    [ENCODING_ZSTD] = decode_zstd,
    [ENCODING_BR] = decode_brotli,
};

/* Text that compresses, but not to nothing. */
static char *make_text(size_t n)
{
    char *s = malloc(n + 1);
    uint32_t x = 1;

    assert_non_null(s);
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        s[i] = (char)('a' + (x >> 28));
    }
    s[n] = '\0';
    return s;
}

static void round_trip(size_t n, bool best)
{
    char *text = make_text(n), *space = malloc(n + 1);
    struct str s = {text, n};
    struct body *b = best ? body_new_best(s, MEDIA_ATOM, CACHE_FEED, SINCE, (struct str){0})
                          : body_new(s, MEDIA_ATOM, CACHE_FEED, SINCE, true);

    assert_non_null(b);
    assert_non_null(space);
    assert_true(str_eq(b->bytes[ENCODING_IDENTITY], (struct str){text, n}));
    for (size_t i = ENCODING_IDENTITY + 1; i < ENCODING_COUNT; i++) {
        assert_non_null(b->bytes[i].p);
        assert_true(b->bytes[i].n < n);
        assert_int_equal(decoders[i](b->bytes[i], space, n + 1), n);
        assert_memory_equal(space, text, n);
    }
    body_unref(b);
    free(space);
    free(text);
}

static void encodings_give_back_the_bytes(void **state)
{
    (void)state;
    round_trip(1000, false);
    round_trip(BIG, false);
    round_trip(BIG, true);
}

static void gzip_has_no_time(void **state)
{
    char *text = make_text(1000);
    struct body *b = body_new(str_of(text), MEDIA_HTML, CACHE_FEED, SINCE, true);

    (void)state;
    assert_non_null(b);
    assert_memory_equal(b->bytes[ENCODING_GZIP].p + 4, "\0\0\0\0", 4);
    body_unref(b);
    free(text);
}

static void assert_plain(struct str bytes, bool compress)
{
    struct body *b = body_new(bytes, MEDIA_JSON_FEED, CACHE_FEED, SINCE, compress);

    assert_non_null(b);
    assert_non_null(b->bytes[ENCODING_IDENTITY].p);
    for (size_t i = ENCODING_IDENTITY + 1; i < ENCODING_COUNT; i++) {
        assert_null(b->bytes[i].p);
        assert_null(b->fields_ok[i].p);
    }
    body_unref(b);
}

/* Of a 200, in whatever encoding; a 304 repeats what a cache needs. */
static void links_are_a_field(void **state)
{
    char *text = make_text(1000);
    struct body *b = body_new_linked(str_of(text), MEDIA_ATOM, CACHE_FEED, SINCE, true,
                                     STR("<https://x/>; rel=\"hub\""));
    struct str field = STR("\r\nLink: <https://x/>; rel=\"hub\"\r\n");

    (void)state;
    assert_non_null(b);
    for (size_t i = 0; i < ENCODING_COUNT; i++)
        assert_true(str_find(b->fields_ok[i], field, 0) != SIZE_MAX);
    assert_int_equal(str_find(b->fields_not_modified, STR("Link"), 0), SIZE_MAX);
    body_unref(b);
    free(text);
}

static void encoded_only_where_it_pays(void **state)
{
    unsigned char noise[2048];
    uint32_t x = 7;
    char *text = make_text(1000);

    (void)state;
    for (size_t i = 0; i < sizeof noise; i++) {
        x = x * 1664525 + 1013904223;
        noise[i] = (unsigned char)(x >> 24);
    }
    assert_plain(STR(""), true);
    assert_plain((struct str){text, 255}, true);
    assert_plain((struct str){text, 1000}, false);
    assert_plain((struct str){(char *)noise, sizeof noise}, true);
    free(text);
}

static void assert_fields(struct str got, const char *want)
{
    struct buf z;

    buf_init(&z, 10000);
    buf_add(&z, got);
    assert_string_equal(z.data, want);
    buf_clear(&z);
}

#define SHARED                                                                                     \
    "ETag: W/\"%s\"\r\nLast-Modified: Wed, 12 Nov 2025 01:30:00 GMT\r\n"                           \
    "Cache-Control: public, max-age=60, stale-if-error=86400\r\nVary: Accept-Encoding\r\n"

static void fields_of_a_feed(void **state)
{
    char *text = make_text(1000);
    char hex[HASH_TEXT_SIZE], want[1000];

    (void)state;
    struct body *b = body_new(str_of(text), MEDIA_ATOM, CACHE_FEED, SINCE, true);
    assert_non_null(b);
    hash_text(hex, hash_of(str_of(text)));
    snprintf(want, sizeof want, SHARED, hex);
    assert_fields(b->fields_not_modified, want);
    snprintf(want, sizeof want,
             "Content-Type: application/atom+xml; charset=utf-8\r\nContent-Length: 1000\r\n"
             "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
             "Access-Control-Allow-Origin: *\r\n" SHARED,
             hex);
    assert_fields(b->fields_ok[ENCODING_IDENTITY], want);
    snprintf(want, sizeof want,
             "Content-Type: application/atom+xml; charset=utf-8\r\nContent-Length: %zu\r\n"
             "Content-Encoding: br\r\n"
             "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
             "Access-Control-Allow-Origin: *\r\n" SHARED,
             b->bytes[ENCODING_BR].n, hex);
    assert_fields(b->fields_ok[ENCODING_BR], want);
    body_unref(b);
    free(text);
}

static void fields_of_what_is_not_stored(void **state)
{
    struct body *b = body_new(STR("ok\n"), MEDIA_TEXT, CACHE_NONE, SINCE, false);

    (void)state;
    assert_non_null(b);
    assert_string_equal(b->etag, "");
    assert_fields(b->fields_ok[ENCODING_IDENTITY],
                  "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n"
                  "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
                  "Cache-Control: no-store\r\n");
    body_unref(b);
}

static void fields_of_a_page(void **state)
{
    static const struct {
        enum caching caching;
        struct str line;
    } table[] = {{CACHE_INDEX, {"Cache-Control: no-cache\r\n", 25}},
                 {CACHE_ARCHIVE, {"Cache-Control: public, max-age=86400\r\n", 38}}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct body *b = body_new(STR("<p>"), MEDIA_HTML, table[i].caching, SINCE, true);
        assert_non_null(b);
        struct str ok = b->fields_ok[ENCODING_IDENTITY];
        assert_true(str_find(ok, table[i].line, 0) != SIZE_MAX);
        assert_true(str_find(b->fields_not_modified, table[i].line, 0) != SIZE_MAX);
        assert_true(str_find(ok, STR("default-src 'none'"), 0) != SIZE_MAX);
        assert_true(str_find(ok, STR("\r\nVary: Accept-Encoding\r\n"), 0) != SIZE_MAX);
        assert_true(str_find(ok, STR("script-src"), 0) == SIZE_MAX);
        body_unref(b);
    }
}

/* What is made on request may not hold up the others: a large one has no brotli, and is compressed
 * all the same. */
static void a_spoken_body_is_made_quickly(void **state)
{
    static char text[200000];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i * i % 23);
    for (size_t n = 1000; n <= sizeof text; n *= 200) {
        struct str bytes = {text, n};
        struct body *b = body_new_spoken(bytes, MEDIA_HTML, CACHE_INDEX, SINCE, "zh-Hans");
        assert_non_null(b);
        assert_true(b->bytes[ENCODING_GZIP].n > 0 && b->bytes[ENCODING_GZIP].n < n);
        assert_true(b->bytes[ENCODING_ZSTD].n > 0 && b->bytes[ENCODING_ZSTD].n < n);
        assert_int_equal(b->bytes[ENCODING_BR].p != NULL, n == 1000);
        for (enum encoding i = 0; i < ENCODING_BR; i++) {
            struct str fields = b->fields_ok[i];
            assert_true(str_find(fields, STR("\r\nContent-Language: zh-Hans\r\n"), 0) != SIZE_MAX);
            assert_true(str_find(fields, STR("\r\nVary: Accept-Encoding, Accept-Language\r\n"),
                                 0) != SIZE_MAX);
        }
        body_unref(b);
    }
}

static void etag_is_of_the_bytes(void **state)
{
    char one[ETAG_SIZE], two[ETAG_SIZE];
    struct body *b = body_new(STR("one"), MEDIA_TEXT, CACHE_FEED, SINCE, true);

    (void)state;
    assert_non_null(b);
    body_etag(one, STR("one"));
    body_etag(two, STR("two"));
    assert_string_equal(b->etag, one);
    assert_string_not_equal(one, two);
    assert_int_equal(strlen(one), 36);
    assert_ptr_equal(body_ref(b), b);
    assert_int_equal(b->refs, 2);
    body_unref(b);
    assert_true(str_eq(b->bytes[ENCODING_IDENTITY], STR("one")));
    body_unref(b);
    body_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings_give_back_the_bytes),
        cmocka_unit_test(gzip_has_no_time),
        cmocka_unit_test(links_are_a_field),
        cmocka_unit_test(encoded_only_where_it_pays),
        cmocka_unit_test(fields_of_a_feed),
        cmocka_unit_test(fields_of_what_is_not_stored),
        cmocka_unit_test(fields_of_a_page),
        cmocka_unit_test(a_spoken_body_is_made_quickly),
        cmocka_unit_test(etag_is_of_the_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
