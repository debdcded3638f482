/* Which entries stand in a feed, and summaries. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "feed.h"

#define DAY ((int64_t)86400)
#define NOW ((int64_t)1762911000)

enum { MANY = 100 };

/* Entry i was updated i days ago. */
static void fill(struct entry *all)
{
    memset(all, 0, MANY * sizeof *all);
    for (size_t i = 0; i < MANY; i++) {
        all[i].updated = NOW - (int64_t)i * DAY;
        all[i].html = STR("<p>x</p>");
        all[i].live = true;
    }
}

static void window_by_number_and_age(void **state)
{
    /* max → how many: the newest, the fresh ones (14 days), at most four times max. */
    static const size_t table[][2] = {{50, 50}, {14, 14}, {10, 14},    {4, 14},         {3, 12},
                                      {1, 4},   {0, 0},   {200, MANY}, {SIZE_MAX, MANY}};
    struct entry all[MANY];
    const struct entry *picked[MANY];

    (void)state;
    fill(all);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        assert_int_equal(feed_window(all, MANY, table[i][0], false, NOW, picked), table[i][1]);
        for (size_t k = 0; k < table[i][1]; k++)
            assert_ptr_equal(picked[k], &all[k]);
    }
    assert_int_equal(feed_window(all, 0, 50, false, NOW, picked), 0);
}

static void window_without_removed(void **state)
{
    struct entry all[MANY];
    const struct entry *picked[MANY];

    (void)state;
    fill(all);
    all[0].live = all[2].live = false;
    assert_int_equal(feed_window(all, MANY, 20, false, NOW, picked), 20);
    assert_ptr_equal(picked[0], &all[0]);
    assert_int_equal(feed_window(all, MANY, 20, true, NOW, picked), 20);
    assert_ptr_equal(picked[0], &all[1]);
    assert_ptr_equal(picked[1], &all[3]);
    assert_ptr_equal(picked[19], &all[21]);
}

static void window_by_size(void **state)
{
    struct entry all[MANY];
    const struct entry *picked[MANY];
    size_t big = (size_t)1 << 20;
    char *html = calloc(1, big);

    (void)state;
    assert_non_null(html);
    fill(all);
    for (size_t i = 0; i < MANY; i++)
        all[i].html = (struct str){html, big};
    /* Four of a mebibyte fit as extras; the newest `max` always stand, however big. */
    assert_int_equal(feed_window(all, MANY, 2, false, NOW, picked), 4);
    assert_int_equal(feed_window(all, MANY, 7, false, NOW, picked), 7);
    free(html);
}

static void assert_summary(const char *text, size_t max, const char *want)
{
    struct buf out;

    buf_init(&out, 100000);
    assert_int_equal(feed_summary(&out, str_of(text), max), 0);
    assert_string_equal(out.data ? out.data : "", want);
    assert_true(text_length(buf_str(&out)) <= max);
    buf_clear(&out);
}

static void summaries(void **state)
{
    (void)state;
    assert_summary("", 10, "");
    assert_summary("  one \n\t two　three  ", 280, "one two three");
    assert_summary("exactly ten", 11, "exactly ten");
    /* the end of a sentence in the second half */
    assert_summary("One two. Three four five six.", 14, "One two. …");
    assert_summary("One two. Three four five six.", 9, "One two.…");
    assert_summary("第一句话。第二句话很长很长", 8, "第一句话。…");
    /* none there: between words, else anywhere between characters */
    assert_summary("A. bcdefgh ijklmnopq", 14, "A. bcdefgh…");
    assert_summary("version 1.2.3 of it", 12, "version 1.2…");
    assert_summary("abcdefghijklmnop", 6, "abcde…");
    assert_summary("检索增强生成模型", 5, "检索增强…");
    assert_summary("🚀🚀🚀🚀", 3, "🚀🚀…");
    assert_summary("one two three", 5, "one…");
    assert_summary("ab", 1, "…");
    assert_summary("ab", 0, "");
}

/* Long texts, of which only the head is looked at, and those whose head is all white space. */
static void long_summaries(void **state)
{
    struct buf text, out;

    (void)state;
    buf_init(&text, 1000000);
    buf_init(&out, 10000);
    for (int i = 0; i < 20000; i++)
        buf_puts(&text, "字");
    assert_int_equal(feed_summary(&out, buf_str(&text), 280), 0);
    assert_int_equal(text_length(buf_str(&out)), 280);
    assert_int_equal(text_valid(buf_str(&out)), out.len);
    buf_reset(&text);
    buf_reset(&out);
    for (int i = 0; i < 20000; i++)
        buf_puts(&text, " \n");
    buf_puts(&text, "end");
    assert_int_equal(feed_summary(&out, buf_str(&text), 280), 0);
    assert_string_equal(out.data, "end");
    buf_clear(&text);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_by_number_and_age), cmocka_unit_test(window_without_removed),
        cmocka_unit_test(window_by_size),           cmocka_unit_test(summaries),
        cmocka_unit_test(long_summaries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
