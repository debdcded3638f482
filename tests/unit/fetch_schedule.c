/* When a source is looked at again, over simulated weeks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetch.h"

#define HOUR  ((int64_t)3600)
#define DAY   (24 * HOUR)
#define START ((int64_t)1700000000)

/* xorshift: the same numbers in each run. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Of a page that says nothing of itself. */
static void after(struct schedule *s, enum poll_result result, int64_t now, int64_t interval,
                  int64_t retry_after, uint32_t random)
{
    schedule_after(s, result, now,
                   &(struct schedule_terms){.interval = interval,
                                            .interval_max = DAY,
                                            .retry_after = retry_after,
                                            .random = random});
}

static void test_good_polls_keep_the_interval(void **state)
{
    struct schedule s = {0};
    int64_t now = START, least = INT64_MAX, most = 0;
    uint32_t random = 1;

    (void)state;
    for (int i = 0; i < 24 * 7 * 8; i++) {
        after(&s, POLL_GOOD, now, HOUR, 0, next_random(&random));
        int64_t delay = s.next_poll - now;
        assert_in_range(delay, HOUR - HOUR / 10, HOUR + HOUR / 10);
        assert_int_equal(s.last_poll, now);
        assert_int_equal(s.last_good, now);
        assert_int_equal(s.failures, 0);
        assert_int_equal(s.trouble_since, 0);
        least = delay < least ? delay : least;
        most = delay > most ? delay : most;
        now = s.next_poll;
    }
    assert_true(least < HOUR - HOUR / 11);
    assert_true(most > HOUR + HOUR / 11);
}

static void test_jitter_reaches_both_ends(void **state)
{
    struct schedule s = {0};

    (void)state;
    after(&s, POLL_GOOD, START, HOUR, 0, 0);
    assert_int_equal(s.next_poll, START + HOUR - 360);
    after(&s, POLL_GOOD, START, HOUR, 0, 720);
    assert_int_equal(s.next_poll, START + HOUR + 360);
    after(&s, POLL_GOOD, START, HOUR, 0, 721);
    assert_int_equal(s.next_poll, START + HOUR - 360);
}

static void test_failures_back_off_to_a_day_and_never_give_up(void **state)
{
    struct schedule s = {.last_good = START - HOUR};
    int64_t now = START, expected = HOUR;
    uint32_t random = 7;
    int polls = 0;

    (void)state;
    while (now < START + 70 * DAY) {
        after(&s, POLL_FAILED, now, HOUR, 0, next_random(&random));
        int64_t delay = s.next_poll - now;
        assert_in_range(delay, expected - expected / 10, expected + expected / 10);
        assert_int_equal(s.failures, ++polls);
        assert_int_equal(s.trouble_since, START);
        assert_int_equal(s.last_good, START - HOUR);
        expected = expected * 2 < DAY ? expected * 2 : DAY;
        now = s.next_poll;
    }
    assert_true(polls > 65);
    after(&s, POLL_GOOD, now, HOUR, 0, 360);
    assert_int_equal(s.next_poll, now + HOUR);
    assert_int_equal(s.failures, 0);
    assert_int_equal(s.trouble_since, 0);
}

static void test_gone_is_looked_at_once_a_day(void **state)
{
    struct schedule s = {.last_good = START - HOUR};
    int64_t now = START;
    uint32_t random = 3;

    (void)state;
    for (int i = 1; i <= 1000; i++) {
        after(&s, POLL_GONE, now, HOUR, 0, next_random(&random));
        assert_in_range(s.next_poll - now, DAY, DAY + DAY / 10);
        assert_int_equal(s.failures, i);
        assert_int_equal(s.trouble_since, START);
        assert_int_equal(schedule_at_start(&s, now, HOUR, DAY), s.next_poll);
        now = s.next_poll;
    }
    after(&s, POLL_GONE, now, 7 * DAY, 0, (uint32_t)(7 * DAY / 10));
    assert_int_equal(s.next_poll, now + 7 * DAY);
    after(&s, POLL_GOOD, now, HOUR, 0, 360);
    assert_int_equal(s.next_poll, now + HOUR);
}

static void test_a_long_interval_is_never_shortened(void **state)
{
    struct schedule s = {0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        after(&s, POLL_FAILED, START, 7 * DAY, 0, (uint32_t)(7 * DAY / 10));
        assert_int_equal(s.next_poll, START + 7 * DAY);
    }
}

static void test_held_polls_keep_the_interval(void **state)
{
    struct schedule s = {.failures = 3, .trouble_since = START - DAY, .last_good = START - DAY};

    (void)state;
    after(&s, POLL_HELD, START, HOUR, 0, 360);
    assert_int_equal(s.next_poll, START + HOUR);
    assert_int_equal(s.failures, 0);
    assert_int_equal(s.trouble_since, START - DAY);
    assert_int_equal(s.last_good, START - DAY);

    s = (struct schedule){0};
    after(&s, POLL_HELD, START, HOUR, 0, 360);
    assert_int_equal(s.trouble_since, START);
    assert_int_equal(s.last_good, 0);
}

static void test_retry_after_is_a_floor_to_the_second(void **state)
{
    uint32_t random = 99;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct schedule s = {0};
        after(&s, POLL_FAILED, START, HOUR, 5 * HOUR + 1, next_random(&random));
        assert_int_equal(s.next_poll, START + 5 * HOUR + 1);
        after(&s, POLL_FAILED, START, HOUR, 2 * HOUR, next_random(&random));
        assert_in_range(s.next_poll - START, 2 * HOUR, 2 * HOUR + 2 * HOUR / 10);
        after(&s, POLL_FAILED, START, HOUR, 400 * DAY, next_random(&random));
        assert_int_equal(s.next_poll, START + DAY);
        after(&s, POLL_GOOD, START, HOUR, 3 * HOUR, next_random(&random));
        assert_int_equal(s.next_poll, START + 3 * HOUR);
        after(&s, POLL_GOOD, START, HOUR, 60, 360);
        assert_int_equal(s.next_poll, START + HOUR);
    }
}

static void test_extremes_do_not_overflow(void **state)
{
    static const int64_t extremes[] = {INT64_MIN, -1, 0, 1, DAY, INT64_MAX / 2, INT64_MAX};
    enum { N = sizeof extremes / sizeof *extremes };

    (void)state;
    for (int i = 0; i < N * N * N; i++) {
        struct schedule s = {.failures = INT64_MAX, .trouble_since = 1};
        int64_t now = extremes[i % N];
        after(&s, POLL_FAILED, now, extremes[i / N % N], extremes[i / N / N], UINT32_MAX);
        assert_true(s.next_poll > now || now == INT64_MAX);
        assert_true(s.failures == INT64_MAX);
        schedule_at_start(&s, now, extremes[i / N % N], DAY);
    }
}

static void test_at_start(void **state)
{
    struct schedule s = {0};

    (void)state;
    assert_int_equal(schedule_at_start(&s, START, HOUR, DAY), START);
    s = (struct schedule){.last_poll = START - 60, .next_poll = START + HOUR - 60};
    assert_int_equal(schedule_at_start(&s, START, HOUR, DAY), START + HOUR - 60);
    assert_int_equal(schedule_at_start(&s, START + DAY, HOUR, DAY), START + DAY);
    /* a clock that was years ahead */
    s = (struct schedule){.last_poll = START + 400 * DAY, .next_poll = START + 401 * DAY};
    assert_int_equal(schedule_at_start(&s, START, HOUR, DAY), START);
    /* the longest back-off, jitter included, is kept */
    s = (struct schedule){.last_poll = START, .next_poll = START + DAY + DAY / 10};
    assert_int_equal(schedule_at_start(&s, START, HOUR, DAY), s.next_poll);
    s.next_poll++;
    assert_int_equal(schedule_at_start(&s, START, HOUR, DAY), START);
    assert_int_equal(schedule_at_start(&s, START, 7 * DAY, DAY), s.next_poll);
}

/* Without jitter, which goes as far to one side as to the other. */
static int64_t delay_of(struct schedule s, enum poll_result result, struct schedule_terms terms)
{
    int64_t least, delay;

    terms.random = 0;
    schedule_after(&s, result, START, &terms);
    least = s.next_poll - START;
    for (delay = least; terms.random < 2 * DAY && delay >= least; terms.random++) {
        int64_t last = delay;

        schedule_after(&s, result, START, &terms);
        delay = s.next_poll - START;
        if (delay < last)
            return (least + last) / 2;
    }
    return least;
}

static void test_a_quiet_page_is_looked_at_less_often(void **state)
{
    static const struct {
        int64_t quiet, interval, most, expected;
    } cases[] = {
        {0, HOUR, DAY, HOUR},
        {DAY, HOUR, DAY, HOUR},
        {14 * DAY, HOUR, DAY, HOUR},
        {21 * DAY, HOUR, DAY, HOUR + HOUR / 2},
        {28 * DAY, HOUR, DAY, 2 * HOUR},
        {140 * DAY, HOUR, DAY, 10 * HOUR},
        {14 * 24 * DAY, HOUR, DAY, DAY},
        {3000 * DAY, HOUR, DAY, DAY},
        {3000 * DAY, HOUR, 6 * HOUR, 6 * HOUR},
        {3000 * DAY, HOUR, HOUR, HOUR},
        {3000 * DAY, 7 * DAY, DAY, 7 * DAY}, /* interval-max is no less than interval */
        {28 * DAY, 60, DAY, 120},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schedule s = {.last_change = START - cases[i].quiet};
        struct schedule_terms terms = {.interval = cases[i].interval,
                                       .interval_max = cases[i].most};

        assert_int_equal(delay_of(s, POLL_GOOD, terms), cases[i].expected);
        /* Something is waited for; held; failed for the first time: none of it is quiet. */
        terms.restless = true;
        assert_int_equal(delay_of(s, POLL_GOOD, terms), cases[i].interval);
        terms.restless = false;
        assert_int_equal(delay_of(s, POLL_HELD, terms), cases[i].interval);
        s.last_change = 0; /* nothing is known of it */
        assert_int_equal(delay_of(s, POLL_GOOD, terms), cases[i].interval);
        s.last_change = START + DAY; /* a clock that was wrong */
        assert_int_equal(delay_of(s, POLL_GOOD, terms), cases[i].interval);
    }
}

static void test_what_stays_as_it_is_is_not_looked_at(void **state)
{
    struct schedule_terms terms = {.interval = HOUR, .interval_max = DAY};
    uint32_t random = 5;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct schedule s = {0};

        terms.random = next_random(&random);
        terms.fresh = 3 * HOUR + 1;
        schedule_after(&s, POLL_GOOD, START, &terms);
        assert_int_equal(s.next_poll, START + 3 * HOUR + 1);
        terms.fresh = 9 * DAY;
        schedule_after(&s, POLL_HELD, START, &terms);
        assert_int_equal(s.next_poll, START + DAY);
        terms.fresh = 60;
        schedule_after(&s, POLL_GOOD, START, &terms);
        assert_in_range(s.next_poll - START, HOUR - HOUR / 10, HOUR + HOUR / 10);
        terms.fresh = 9 * DAY; /* of a page of an error */
        schedule_after(&s, POLL_FAILED, START, &terms);
        assert_in_range(s.next_poll - START, HOUR - HOUR / 10, HOUR + HOUR / 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_polls_keep_the_interval),
        cmocka_unit_test(test_jitter_reaches_both_ends),
        cmocka_unit_test(test_failures_back_off_to_a_day_and_never_give_up),
        cmocka_unit_test(test_gone_is_looked_at_once_a_day),
        cmocka_unit_test(test_a_long_interval_is_never_shortened),
        cmocka_unit_test(test_held_polls_keep_the_interval),
        cmocka_unit_test(test_retry_after_is_a_floor_to_the_second),
        cmocka_unit_test(test_extremes_do_not_overflow),
        cmocka_unit_test(test_at_start),
        cmocka_unit_test(test_a_quiet_page_is_looked_at_less_often),
        cmocka_unit_test(test_what_stays_as_it_is_is_not_looked_at),
    };

    return cmocka_run_group_tests_name("fetch schedule", tests, NULL, NULL);
}
