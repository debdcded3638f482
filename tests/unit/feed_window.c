/* Which entries stand in a feed. */
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
        all[i].title = STR("T");
        all[i].html = STR("<p>x</p>");
        all[i].live = true;
    }
}

/* All of them are archived. */
static size_t window(const struct entry *all, size_t count, size_t max, bool drop_removed,
                     const struct entry **picked)
{
    return feed_window(all, count,
                       &(struct feed_choice){
                           .max = max, .drop_removed = drop_removed, .archived = MANY, .now = NOW},
                       picked);
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
        assert_int_equal(window(all, MANY, table[i][0], false, picked), table[i][1]);
        for (size_t k = 0; k < table[i][1]; k++)
            assert_ptr_equal(picked[k], &all[k]);
    }
    assert_int_equal(window(all, 0, 50, false, picked), 0);
}

static void window_without_removed(void **state)
{
    struct entry all[MANY];
    const struct entry *picked[MANY];

    (void)state;
    fill(all);
    all[0].live = all[2].live = false;
    assert_int_equal(window(all, MANY, 20, false, picked), 20);
    assert_ptr_equal(picked[0], &all[0]);
    assert_int_equal(window(all, MANY, 20, true, picked), 20);
    assert_ptr_equal(picked[0], &all[1]);
    assert_ptr_equal(picked[1], &all[3]);
    assert_ptr_equal(picked[19], &all[21]);
    all[2].title = (struct str){0}; /* it is gone, and nothing else is known of it */
    assert_int_equal(window(all, MANY, 20, false, picked), 20);
    assert_ptr_equal(picked[0], &all[0]);
    assert_ptr_equal(picked[2], &all[3]);
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
    assert_int_equal(window(all, MANY, 2, false, picked), 4);
    assert_int_equal(window(all, MANY, 7, false, picked), 7);
    free(html);
}

/* What is in no full archive page is nowhere else: it stands in the feed, whatever that takes. */
static void window_of_what_is_not_archived(void **state)
{
    static const struct {
        size_t max;
        int64_t archived;
        size_t want;
    } table[] = {
        {50, 50, 50}, {50, 0, MANY}, {20, 51, 49}, {1, 60, 40}, {0, 90, 10}, {5, 95, 14},
    };
    struct entry all[MANY];
    const struct entry *picked[MANY];

    (void)state;
    fill(all);
    for (size_t i = 0; i < MANY; i++)
        all[i].seq = (int64_t)(MANY - i);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct feed_choice choice = {
            .max = table[i].max, .archived = table[i].archived, .now = NOW};
        assert_int_equal(feed_window(all, MANY, &choice, picked), table[i].want);
    }
    /* An old one that is not archived stands behind the newest, in its place. */
    all[99].seq = MANY + 1;
    struct feed_choice choice = {.max = 20, .archived = MANY, .now = NOW};
    assert_int_equal(feed_window(all, MANY, &choice, picked), 21);
    assert_ptr_equal(picked[20], &all[99]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_by_number_and_age),
        cmocka_unit_test(window_without_removed),
        cmocka_unit_test(window_by_size),
        cmocka_unit_test(window_of_what_is_not_archived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
