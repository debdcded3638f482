/* Summaries and reading times: plain text, cut where it may be. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "feed.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static size_t utf16_length(struct str s)
{
    size_t n = 0;

    for (uint32_t c; (c = text_next(&s)) != 0;)
        n += c > 0xffff ? 2 : 1;
    return n;
}

static void assert_summary(const char *text, size_t max, const char *want)
{
    struct buf out;

    buf_init(&out, 100000);
    assert_int_equal(feed_summary(&out, str_of(text), max), 0);
    assert_string_equal(out.data ? out.data : "", want);
    assert_true(utf16_length(buf_str(&out)) <= max);
    buf_clear(&out);
}

static void where_it_is_cut(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        const char *want;
    } table[] = {
        {"", 10, ""},
        {"  one \n\t two　three  ", 280, "one two three"},
        {"exactly ten", 11, "exactly ten"},
        {"ab", 1, "…"},
        {"ab", 0, ""},
        /* the end of a sentence in the second half */
        {"One two. Three four five six.", 14, "One two. …"},
        {"One two. Three four five six.", 9, "One two.…"},
        {"第一句话。第二句话很长很长", 8, "第一句话。…"},
        {"One! Two? Three four five", 12, "One! Two? …"},
        /* with what closes around it */
        {"他说：“好的。”然后就走了", 10, "他说：“好的。”…"},
        {"He said \"yes.\" Then he went", 17, "He said \"yes.\" …"},
        {"他问：真的吗？！然后就走了", 10, "他问：真的吗？！…"},
        /* a point is not always the end of a sentence */
        {"version 1.2.3 of it", 12, "version 1.2…"},
        {"call f(x.y).z of it now", 14, "call f(x.y).z…"},
        /* none there: between words, else anywhere between characters */
        {"A. bcdefgh ijklmnopq", 14, "A. bcdefgh…"},
        {"abcdefghijklmnop", 6, "abcde…"},
        {"one two three", 5, "one…"},
        {"检索增强生成模型", 5, "检索增强…"},
        {"слово другое слово", 15, "слово другое…"},
        {"größer höher", 10, "größer…"},
        {"한국어 문장입니다", 7, "한국어…"},
        {"模型 Transformer", 8, "模型 Tran…"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        assert_summary(table[i].text, table[i].max, table[i].want);
}

#define ACCENT "e\xcc\x81"          /* é of two characters */
#define FAMILY "👩‍👩‍👧" /* three, joined */
#define THUMB  "👍🏽"           /* with its colour */
#define FLAG   "🇨🇳"                 /* two letters */

/* Cut anywhere, but not in what shows as one. */
static void what_is_not_cut(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        const char *want;
    } table[] = {
        {"🚀🚀🚀🚀", 8, "🚀🚀🚀🚀"},
        {"🚀🚀🚀🚀🚀", 7, "🚀🚀🚀…"},
        {"🚀🚀🚀🚀🚀", 8, "🚀🚀🚀…"},
        {"ab" ACCENT ACCENT "z", 4, "ab…"},
        {"ab" ACCENT ACCENT "z", 5, "ab" ACCENT "…"},
        {"ab" ACCENT ACCENT "z", 6, "ab" ACCENT "…"},
        {"字" FAMILY FAMILY, 10, "字" FAMILY "…"},
        {"字" FAMILY FAMILY, 9, "字…"},
        {"字" THUMB THUMB, 8, "字" THUMB "…"},
        {"字" THUMB THUMB, 5, "字…"},
        {"字" FLAG FLAG FLAG, 8, "字" FLAG "…"},
        {"字" FLAG FLAG FLAG, 10, "字" FLAG FLAG "…"},
        {"❤️❤️❤️", 4, "❤️…"},
    };
    struct buf text;

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        assert_summary(table[i].text, table[i].max, table[i].want);
    /* One that is longer than all there is room for is cut all the same. */
    buf_init(&text, 10000);
    for (size_t i = 0; i < 400; i++)
        buf_puts(&text, "\xcc\x81");
    assert_summary(text.data, 4, "\xcc\x81\xcc\x81\xcc\x81…");
    buf_clear(&text);
}

/* Long texts, of which only the head is looked at, and those whose head is all white space. */
static void long_summaries(void **state)
{
    static const struct {
        const char *unit, *end;
        size_t units;
    } table[] = {{"字", "", 280}, {"🚀", "", 279}, {"a ", "", 280}, {" \n", "end", 3}};
    struct buf text, out;

    (void)state;
    buf_init(&text, 1000000);
    buf_init(&out, 10000);
    for (size_t i = 0; i < COUNT(table); i++) {
        buf_reset(&text);
        buf_reset(&out);
        for (int n = 0; n < 20000; n++)
            buf_puts(&text, table[i].unit);
        buf_puts(&text, table[i].end);
        assert_int_equal(feed_summary(&out, buf_str(&text), 280), 0);
        assert_int_equal(utf16_length(buf_str(&out)), table[i].units);
        assert_int_equal(text_valid(buf_str(&out)), out.len);
        assert_int_equal(str_ends(buf_str(&out), STR("…")), !table[i].end[0]);
    }
    buf_clear(&text);
    buf_clear(&out);
}

/* ---- reading ------------------------------------------------------------------------------- */

static void reading_minutes(void **state)
{
    static const struct {
        const char *unit;
        unsigned times, minutes;
    } table[] = {
        {"", 0, 1},
        {"字", 1, 1},
        {"字", 400, 1},
        {"字", 401, 2},
        {"字，", 400, 1},
        {"かな", 400, 2},
        {"word ", 220, 1},
        {"word ", 221, 2},
        {"слово ", 441, 3},
        {"don't stop ", 220, 2},
        {"... — ", 5000, 1},
        {"단어 ", 221, 2},
        {"x = f(y);\n", 221, 3}, /* code: x and f(y), what has no letter is none */
        {"字 word ", 200, 2},    /* both add up */
        {"https://example.org/a/b ", 220, 1},
        {"\xff", 1000, 1},
    };
    struct buf text;

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        buf_init(&text, 1000000);
        for (unsigned n = 0; n < table[i].times; n++)
            buf_puts(&text, table[i].unit);
        if (feed_reading_minutes(buf_str(&text)) != table[i].minutes)
            fail_msg("%u times '%s': %u minutes, not %u", table[i].times, table[i].unit,
                     feed_reading_minutes(buf_str(&text)), table[i].minutes);
        buf_clear(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_it_is_cut),
        cmocka_unit_test(what_is_not_cut),
        cmocka_unit_test(long_summaries),
        cmocka_unit_test(reading_minutes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
