/* UTF-8, white space, and what XML can hold. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

typedef int transform(struct buf *out, struct str s);

static void assert_gives(transform *f, struct str s, struct str expected)
{
    struct buf b;

    buf_init(&b, 4096);
    assert_int_equal(f(&b, s), 0);
    if (!str_eq(buf_str(&b), expected))
        fail_msg("'%.*s' gives '%.*s' instead of '%.*s'", STR_ARG(s), STR_ARG(buf_str(&b)),
                 STR_ARG(expected));
    buf_clear(&b);
}

/* ---- validity ------------------------------------------------------------------------------ */

/* RFC 3629 as it is written there, a byte at a time: what text_valid() is measured by. */
static size_t plain_sequence(const unsigned char *p, size_t n)
{
    static const struct {
        unsigned char first, last, low, high;
        size_t n;
    } rows[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        if (p[0] < rows[i].first || p[0] > rows[i].last || n < rows[i].n)
            continue;
        if (rows[i].n > 1 && (p[1] < rows[i].low || p[1] > rows[i].high))
            return 0;
        for (size_t j = 2; j < rows[i].n; j++)
            if (p[j] < 0x80 || p[j] > 0xbf)
                return 0;
        return rows[i].n;
    }
    return 0;
}

static size_t plain_valid(const unsigned char *p, size_t n)
{
    size_t done = 0, step;

    while (done < n && (step = plain_sequence(p + done, n - done)) > 0)
        done += step;
    return done;
}

static void test_valid_names(void **state)
{
    static const struct {
        struct str text;
        size_t valid;
    } cases[] = {
        {{NULL, 0}, 0},
        {{"", 0}, 0},
        {STR("0123456789abcdef"), 16},
        {STR("中文，字"), 12},
        {STR("a\0b"), 3},
        {STR("\xc0\x80"), 0},             /* overlong NUL */
        {STR("\xe0\x80\x80"), 0},         /* overlong */
        {STR("ab\xed\xa0\x80"), 2},       /* surrogate */
        {STR("\xed\x9f\xbf"), 3},         /* the last before them */
        {STR("\xf0\x8f\xbf\xbf"), 0},     /* overlong */
        {STR("\xf4\x8f\xbf\xbf"), 4},     /* U+10FFFF */
        {STR("\xf4\x90\x80\x80"), 0},     /* beyond */
        {STR("\xf8\x88\x80\x80\x80"), 0}, /* five bytes */
        {STR("中\xe4\xb8"), 3},           /* cut */
        {STR("12345678\xff"), 8},
        {STR("\xef\xbf\xbf"), 3}, /* valid UTF-8, though no Char of XML */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(text_valid(cases[i].text), cases[i].valid);
}

/* Every text of up to four of the bytes where something changes, behind 0 to 8 bytes of ASCII. */
static void test_valid_against_the_rfc(void **state)
{
    static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                          0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee,
                                          0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
    unsigned char text[16] = "abcdefgh";

    (void)state;
    for (unsigned code = 0; code < 25u * 25 * 25 * 25; code++) {
        unsigned lead = code % 9, rest = code;

        memcpy(text, "abcdefgh", 8);
        for (unsigned i = 0; i < 4; i++, rest /= 25)
            text[lead + i] = edges[rest % 25];
        for (unsigned n = lead + 1; n <= lead + 4; n++)
            if (text_valid((struct str){(char *)text, n}) != plain_valid(text, n))
                fail_msg("%02x %02x %02x %02x behind %u", text[lead], text[lead + 1],
                         text[lead + 2], text[lead + 3], lead);
    }
}

static void test_characters_come_back(void **state)
{
    struct buf b;
    uint32_t expected;
    struct str s;

    (void)state;
    buf_init(&b, 8 * 0x110000);
    for (uint32_t c = 1; c < 0x110000; c++)
        if (c < 0xd800 || c > 0xdfff)
            text_put(&b, c);
    s = buf_str(&b);
    assert_int_equal(text_valid(s), s.n);
    for (expected = 1; s.n; expected += expected == 0xd7ff ? 0x801 : 1)
        if (text_next(&s) != expected)
            fail_msg("U+%X", (unsigned)expected);
    assert_int_equal(expected, 0x110000);
    assert_int_equal(text_next(&s), 0);
    buf_reset(&b);
    text_put(&b, 0xd800);
    text_put(&b, 0x110000);
    assert_true(str_eq(buf_str(&b), STR("\xef\xbf\xbd\xef\xbf\xbd")));
    buf_clear(&b);
}

static void test_next_goes_one_byte_over_what_is_not_valid(void **state)
{
    struct str s = STR("\xe4\xb8z");

    (void)state;
    assert_int_equal(text_next(&s), 0xfffd);
    assert_int_equal(text_next(&s), 0xfffd);
    assert_int_equal(text_next(&s), 'z');
    assert_int_equal(text_next(&s), 0);
}

/* ---- XML ----------------------------------------------------------------------------------- */

static void test_repair(void **state)
{
    static const struct {
        struct str in, out;
    } cases[] = {
        {{NULL, 0}, {NULL, 0}},
        {STR("plain 中文\t\n"), STR("plain 中文\t\n")},
        {STR("a\r\nb\rc\r\r\n"), STR("a\nb\nc\n\n")},
        {STR("a\0b\x01"), STR("a\uFFFDb\uFFFD")},
        {STR("\x7f"), STR("\x7f")},
        {STR("\xe4\xb8"), STR("\uFFFD\uFFFD")},
        {STR("中\xe4\xb8z"), STR("中\uFFFD\uFFFDz")},
        {STR("\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd"), STR("\uFFFD\uFFFD\uFFFD")},
        {STR("\xed\xa0\x80"), STR("\uFFFD\uFFFD\uFFFD")},
        {STR("\xf0\x9f\x98\x80\xff"), STR("\xf0\x9f\x98\x80\uFFFD")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_gives(text_repair, cases[i].in, cases[i].out);
        assert_true(text_is_xml(cases[i].out));
    }
    assert_false(text_is_xml(STR("a\0")));
    assert_false(text_is_xml(STR("中\x0b")));
    assert_false(text_is_xml(STR("中\xef\xbf\xbf")));
    assert_false(text_is_xml(STR("\xc3")));
    assert_true(text_is_xml(STR("a\r\n\t中\xef\xbb\xbf")));
}

/* One bad byte at each place of an ASCII text, which is gone through eight bytes at a time. */
static void test_repair_sees_every_byte(void **state)
{
    static const char ascii[] = "The quick brown fox ~ jumps over";
    char text[sizeof(ascii)];

    (void)state;
    for (size_t i = 0; i < sizeof(ascii) - 1; i++) {
        for (int c = 0; c < 0x100; c++) {
            bool fine = (c >= 0x20 && c < 0x80) || c == '\t' || c == '\n' || c == '\r';

            memcpy(text, ascii, sizeof(ascii));
            text[i] = (char)c;
            if (text_is_xml((struct str){text, sizeof(ascii) - 1}) != fine)
                fail_msg("%02x at %zu", c, i);
        }
    }
}

static void test_a_full_buf_is_told(void **state)
{
    transform *const all[] = {text_repair, text_collapse, text_squeeze, text_escape};

    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        struct buf b;

        buf_init(&b, 3);
        assert_int_equal(all[i](&b, STR("abc d")), -1);
        buf_clear(&b);
    }
}

static void test_escape(void **state)
{
    (void)state;
    assert_gives(text_escape, STR("a<b & \"c\" > 'd'中"),
                 STR("a&lt;b &amp; &quot;c&quot; &gt; &#39;d&#39;中"));
    assert_gives(text_escape, (struct str){0}, (struct str){0});
}

/* ---- white space --------------------------------------------------------------------------- */

static const uint32_t spaces[] = {
    0x09,   0x0a,   0x0b,   0x0c,   0x0d,   0x20,   0x85,   0xa0,   0x1680,
    0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
    0x2009, 0x200a, 0x200b, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff,
};

static bool listed(uint32_t c)
{
    for (size_t i = 0; i < COUNT(spaces); i++)
        if (spaces[i] == c)
            return true;
    return false;
}

/* Both ways to tell, over all of Unicode. */
static void test_space_is_what_is_listed(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    for (uint32_t c = 1; c < 0x110000; c++) {
        buf_reset(&b);
        text_put(&b, c);
        if (text_is_space(c) != listed(c) || text_blank(buf_str(&b)) != listed(c))
            fail_msg("U+%04X", (unsigned)c);
    }
    buf_clear(&b);
}

static void test_collapse_and_squeeze(void **state)
{
    static const struct {
        struct str in, collapsed, squeezed;
    } cases[] = {
        {{NULL, 0}, {NULL, 0}, {NULL, 0}},
        {STR(" \t\u3000\u200b"), {NULL, 0}, {NULL, 0}},
        {STR("a b c"), STR("a b c"), STR("abc")},
        {STR("\ufeff a \u00a0\n b\u3000c\u200b"), STR("a b c"), STR("abc")},
        {STR("a  b "), STR("a b"), STR("ab")},
        {STR("标\u200b题 \u2003x"), STR("标 题 x"), STR("标题x")},
        {STR("€\xe2\x80"), STR("€\xe2\x80"), STR("€\xe2\x80")}, /* not valid: kept */
        {STR("a\xe3"), STR("a\xe3"), STR("a\xe3")},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_gives(text_collapse, cases[i].in, cases[i].collapsed);
        assert_gives(text_squeeze, cases[i].in, cases[i].squeezed);
        assert_int_equal(text_blank(cases[i].in), cases[i].collapsed.n == 0);
    }
}

static void test_characters_are_counted(void **state)
{
    (void)state;
    assert_int_equal(text_length(STR("a中\xf0\x9f\x98\x80")), 3);
    assert_int_equal(text_length((struct str){0}), 0);
    assert_true(str_eq(text_head(STR("a中文"), 2), STR("a中")));
    assert_true(str_eq(text_head(STR("a中文"), 3), STR("a中文")));
    assert_true(str_eq(text_head(STR("a中文"), SIZE_MAX), STR("a中文")));
    assert_true(str_eq(text_head(STR("中"), 0), STR("")));
    assert_true(str_eq(text_head((struct str){0}, 5), STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_names),
        cmocka_unit_test(test_valid_against_the_rfc),
        cmocka_unit_test(test_characters_come_back),
        cmocka_unit_test(test_next_goes_one_byte_over_what_is_not_valid),
        cmocka_unit_test(test_repair),
        cmocka_unit_test(test_repair_sees_every_byte),
        cmocka_unit_test(test_a_full_buf_is_told),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_space_is_what_is_listed),
        cmocka_unit_test(test_collapse_and_squeeze),
        cmocka_unit_test(test_characters_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
