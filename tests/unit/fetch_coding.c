/* Content codings: whole streams in any pieces, and no cut that goes unseen. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../daemon/fetch/coding.h"

#include <brotli/encode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define ROOM 65536

static const char text[] = "<h1>#A</h1><p>The quick brown fox jumps over the lazy dog, and the "
                           "quick brown dog over the lazy fox.</p>";

/* What windows mean to zlib: 31 gzip, 15 its own format, -15 bare. */
static void deflated(struct buf *out, struct str plain, int window)
{
    z_stream z = {0};

    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(buf_reserve(out, ROOM), 0);
    z.next_in = (Bytef *)(uintptr_t)plain.p;
    z.avail_in = (uInt)plain.n;
    z.next_out = (Bytef *)out->data + out->len;
    z.avail_out = ROOM;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += ROOM - z.avail_out;
    deflateEnd(&z);
}

static void gzip(struct buf *out, struct str plain)
{
    deflated(out, plain, 31);
}

static void zlib(struct buf *out, struct str plain)
{
    deflated(out, plain, 15);
}

static void bare(struct buf *out, struct str plain)
{
    deflated(out, plain, -15);
}

static void brotli(struct buf *out, struct str plain)
{
    size_t n = ROOM;

    assert_int_equal(buf_reserve(out, ROOM), 0);
    assert_true(BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, plain.n, (const uint8_t *)plain.p,
                                      &n, (uint8_t *)out->data + out->len));
    out->len += n;
}

static void zstd(struct buf *out, struct str plain)
{
    assert_int_equal(buf_reserve(out, ROOM), 0);
    out->len += ZSTD_compress(out->data + out->len, ROOM, plain.p, plain.n, 3);
}

static const struct {
    const char *names;
    void (*first)(struct buf *out, struct str plain);
    void (*second)(struct buf *out, struct str plain);
} codings[] = {
    {"gzip", gzip, NULL},       {"X-GZip", gzip, NULL},
    {"deflate", zlib, NULL},    {"deflate", bare, NULL},
    {"br", brotli, NULL},       {"zstd", zstd, NULL},
    {"gzip, br", gzip, brotli}, {" zstd ,identity,\tdeflate", zstd, zlib},
};
enum { CODINGS = sizeof codings / sizeof *codings };

static void encode(size_t i, struct buf *out)
{
    struct buf between;

    buf_init(&between, ROOM * 2);
    buf_init(out, ROOM * 2);
    codings[i].first(&between, (struct str){text, sizeof text - 1});
    if (codings[i].second)
        codings[i].second(out, buf_str(&between));
    else
        buf_add(out, buf_str(&between));
    buf_clear(&between);
}

static int take(void *arg, const char *data, size_t n)
{
    return buf_append(arg, data, n);
}

/* Decodes in pieces of `piece` bytes. True: it is whole. `plain` is what came out. */
static bool decode(const char *names, struct str coded, size_t piece, struct buf *plain,
                   struct error *e)
{
    struct coding *c;
    bool good = true;

    buf_init(plain, ROOM);
    c = coding_new(str_of(names), take, plain, e);
    assert_non_null(c);
    for (size_t at = 0; at < coded.n && good; at += piece) {
        struct str some = str_sub(coded, at, piece);
        good = coding_push(c, some.p, some.n, e) == 0;
    }
    good = good && coding_end(c, e) == 0;
    coding_free(c);
    return good;
}

static void test_whole_in_any_pieces(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 7, 100, ROOM};

    (void)state;
    for (size_t i = 0; i < CODINGS; i++)
        for (size_t j = 0; j < sizeof pieces / sizeof *pieces; j++) {
            struct buf coded, plain;
            struct error e = {{0}};
            encode(i, &coded);
            if (!decode(codings[i].names, buf_str(&coded), pieces[j], &plain, &e))
                fail_msg("%s in pieces of %zu: %s", codings[i].names, pieces[j], e.text);
            assert_true(str_eq(buf_str(&plain), (struct str){text, sizeof text - 1}));
            buf_clear(&plain);
            buf_clear(&coded);
        }
}

static void test_no_cut_goes_unseen(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODINGS; i++) {
        struct buf coded, plain;
        struct error e;
        encode(i, &coded);
        for (size_t n = 1; n < coded.len; n++) {
            if (decode(codings[i].names, str_sub(buf_str(&coded), 0, n), ROOM, &plain, &e))
                fail_msg("%s: %zu of %zu bytes pass for all", codings[i].names, n, coded.len);
            assert_non_null(strstr(e.text, "coding has no end"));
            buf_clear(&plain);
        }
        buf_clear(&coded);
    }
}

/* A checksum that is wrong is broken; so is what was never coded. */
static void test_broken(void **state)
{
    static const struct {
        size_t coding;
        const char *reason;
    } cases[] = {{0, "its gzip coding is broken"}, {2, "its deflate coding is broken"}};
    struct buf coded, plain;
    struct error e;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t at = 0; at < 4; at++) {
            encode(cases[i].coding, &coded);
            coded.data[coded.len - 1 - at] ^= 0x10;
            assert_false(decode(codings[cases[i].coding].names, buf_str(&coded), 5, &plain, &e));
            assert_string_equal(e.text, cases[i].reason);
            buf_clear(&plain);
            buf_clear(&coded);
        }
    for (size_t i = 0; i < CODINGS; i++) {
        assert_false(decode(codings[i].names, str_of(text), 5, &plain, &e));
        assert_non_null(strstr(e.text, "coding is broken"));
        buf_clear(&plain);
    }
}

/* A gzip may have several members, a zstd page several frames; what else stands behind the end is
 * no part of the page. */
static void test_behind_the_end(void **state)
{
    static const struct {
        size_t coding;
        bool again;
        struct str more;
    } cases[] = {{0, true, STR("")},     {5, true, STR("")},      {0, false, STR("\0\0\0")},
                 {0, true, STR("rest")}, {4, false, STR("rest")}, {2, false, STR("rest")},
                 {5, false, STR("rest")}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < ROOM; piece += ROOM - 2) {
            struct buf coded, more, plain;
            struct error e = {{0}};
            encode(cases[i].coding, &coded);
            encode(cases[i].coding, &more);
            if (cases[i].again)
                buf_add(&coded, buf_str(&more));
            buf_add(&coded, cases[i].more);
            if (!decode(codings[cases[i].coding].names, buf_str(&coded), piece, &plain, &e))
                fail_msg("case %zu: %s", i, e.text);
            assert_int_equal(plain.len, (cases[i].again ? 2 : 1) * (sizeof text - 1));
            buf_clear(&plain);
            buf_clear(&more);
            buf_clear(&coded);
        }
}

static void test_nothing_is_whole(void **state)
{
    struct buf plain;
    struct error e;

    (void)state;
    for (size_t i = 0; i < CODINGS; i++) {
        assert_true(decode(codings[i].names, STR(""), 1, &plain, &e));
        assert_int_equal(plain.len, 0);
        buf_clear(&plain);
    }
}

static void test_names(void **state)
{
    static const char *const names[] = {"compress", "gzip;q=1", "gzip, foo", "gzip gzip",
                                        "gzip,gzip,gzip,gzip"};
    struct error e;
    char expected[128];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_null(coding_new(str_of(names[i]), take, NULL, &e));
        snprintf(expected, sizeof expected,
                 "the page is coded in a way that was not asked for (Content-Encoding: %s)",
                 names[i]);
        assert_string_equal(e.text, expected);
    }
}

/* A page of zstd may ask for a window of its own, up to 8 MB. */
static void test_window(void **state)
{
    static char zeros[1 << 16];

    (void)state;
    for (int window = 23; window <= 27; window += 4) {
        ZSTD_CCtx *z = ZSTD_createCCtx();
        struct buf coded, plain;
        struct error e;
        ZSTD_inBuffer in = {zeros, sizeof zeros, 0};
        buf_init(&coded, ROOM * 2);
        assert_int_equal(buf_reserve(&coded, ROOM), 0);
        ZSTD_outBuffer out = {coded.data, ROOM, 0};
        ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, window);
        ZSTD_compressStream2(z, &out, &in, ZSTD_e_flush); /* its size is not known */
        ZSTD_compressStream2(z, &out, &in, ZSTD_e_end);
        coded.len = out.pos;
        buf_init(&plain, sizeof zeros);
        struct coding *c = coding_new(STR("zstd"), take, &plain, &e);
        assert_int_equal(coding_push(c, coded.data, coded.len, &e), window == 23 ? 0 : -1);
        coding_free(c);
        ZSTD_freeCCtx(z);
        buf_clear(&plain);
        buf_clear(&coded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_in_any_pieces),
        cmocka_unit_test(test_no_cut_goes_unseen),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_behind_the_end),
        cmocka_unit_test(test_nothing_is_whole),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_window),
    };

    return cmocka_run_group_tests_name("fetch coding", tests, NULL, NULL);
}
