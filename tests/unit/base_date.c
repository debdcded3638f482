/* Dates, out and in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base.h"

#include <string.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NONE         INT64_MIN
#define NOW          INT64_C(1762911000) /* 2025-11-12T01:30:00Z */

static void test_written(void **state)
{
    char text[DATE_SIZE];

    (void)state;
    assert_string_equal(date_rfc3339(text, NOW), "2025-11-12T01:30:00Z");
    assert_string_equal(date_rfc822(text, NOW), "Wed, 12 Nov 2025 01:30:00 +0000");
    assert_string_equal(date_http(text, NOW), "Wed, 12 Nov 2025 01:30:00 GMT");
    assert_string_equal(date_rfc3339(text, 0), "1970-01-01T00:00:00Z");
    assert_string_equal(date_http(text, -1), "Wed, 31 Dec 1969 23:59:59 GMT");
    assert_string_equal(date_rfc3339(text, INT64_MAX), "9999-12-31T23:59:59Z");
    assert_string_equal(date_rfc822(text, INT64_MIN), "Mon, 01 Jan 0001 00:00:00 +0000");
}

/* Against libc's calendar, over four hundred years and their leap days, in steps of some days. */
static void test_calendar(void **state)
{
    char ours[DATE_SIZE], libc[64];

    (void)state;
    for (int64_t t = -6 * 1000000000LL; t < 8 * 1000000000LL; t += 86399 * 3 + 7) {
        time_t copy = (time_t)t;
        int64_t back;
        struct tm tm;

        assert_non_null(gmtime_r(&copy, &tm));
        strftime(libc, sizeof(libc), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        assert_string_equal(date_http(ours, t), libc);
        assert_int_equal(date_parse_http(str_of(ours), NOW, &back), 0);
        assert_true(back == t);
    }
}

static void test_http(void **state)
{
    static const struct {
        const char *text;
        int64_t t;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Sun Nov 16 08:49:37 1994", 784975777},
        {"Saturday, 01-Jan-00 00:00:00 GMT", 946684800},
        {"Wednesday, 01-Jan-75 00:00:00 GMT", INT64_C(3313526400)}, /* 2075: not 50 years ahead */
        {"Thursday, 01-Jan-76 00:00:00 GMT", 189302400},            /* 1976 */
        {"Sat, 29 Feb 2020 00:00:00 GMT", 1582934400},
        {"Tue, 30 Jun 2015 23:59:60 GMT", 1435708800}, /* a leap second */
        {"Fri, 29 Feb 2019 00:00:00 GMT", NONE},
        {"Sun, 06 Nov 1994 08:49:37", NONE},
        {"Sun, 06 Nov 1994 08:49:37 +0000", NONE},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", NONE},
        {"Sun, 6 Nov 1994 08:49:37 GMT", NONE},
        {"Sun, 06 Nov 1994 24:00:00 GMT", NONE},
        {"Sun, 06 Nov 1994 08:60:37 GMT", NONE},
        {"Sun, 00 Nov 1994 08:49:37 GMT", NONE},
        {"Sun, 06 Foo 1994 08:49:37 GMT", NONE},
        {"Xxx, 06 Nov 1994 08:49:37 GMT", NONE},
        {"784111777", NONE},
        {"", NONE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t t = NONE;

        date_parse_http(str_of(cases[i].text), NOW, &t);
        if (t != cases[i].t)
            fail_msg("'%s' gives %ld", cases[i].text, (long)t);
    }
}

static void test_iso(void **state)
{
    static const int beijing = 8 * 3600;
    static const struct {
        const char *text;
        const char *utc; /* NULL: none */
    } cases[] = {
        {"2024-12-13", "2024-12-12T16:00:00Z"},
        {"2024-12-13 18:20:11", "2024-12-13T10:20:11Z"},
        {"2024-12-13T18:20+08:00", "2024-12-13T10:20:00Z"},
        {"2024-12-13T18:20:11Z", "2024-12-13T18:20:11Z"},
        {"2024-12-13T18:20:11.123456-0330", "2024-12-13T21:50:11Z"},
        {"2024-12-13 18:20:11 +0000", "2024-12-13T18:20:11Z"},
        {" 2024-12-13\n18:20 ", NULL},
        {" 2024-12-13 18:20 ", "2024-12-13T10:20:00Z"},
        {"2024-1-3 8:05", "2024-01-03T00:05:00Z"},
        {"2024/1/3 8:05", "2024-01-03T00:05:00Z"},
        {"2024年1月3日", "2024-01-02T16:00:00Z"},
        {"2024年12月13日 18:20:11", "2024-12-13T10:20:11Z"},
        {"2024-02-29", "2024-02-28T16:00:00Z"},
        {"2023-02-29", NULL},
        {"2024-13-01", NULL},
        {"2024-00-01", NULL},
        {"2024-12-13T", NULL},
        {"2024-12-13T25:00", NULL},
        {"2024-12-13x", NULL},
        {"2024-12-13 18:20:11 CST", NULL},
        {"24-12-13", NULL},
        {"20241213", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[DATE_SIZE];
        int64_t t;
        int done = date_parse_iso(str_of(cases[i].text), beijing, &t);

        if (done != (cases[i].utc ? 0 : -1))
            fail_msg("'%s' gives %d", cases[i].text, done);
        if (cases[i].utc)
            assert_string_equal(date_rfc3339(text, t), cases[i].utc);
    }
}

static void test_zone(void **state)
{
    static const struct {
        const char *text;
        int zone;
    } cases[] = {
        {"+08:00", 28800}, {"-0330", -12600},    {"UTC", 0},        {"Z", 0},       {"GMT", 0},
        {"+08", 28800},    {"-00:00", 0},        {"+14:00", 50400}, {"+15:00", 1},  {"+08:60", 1},
        {"08:00", 1},      {"+8:00", 1},         {"+08:0", 1},      {"+08:00x", 1}, {"+", 1},
        {"", 1},           {"Asia/Shanghai", 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int zone = 1;

        date_parse_zone(str_of(cases[i].text), &zone);
        if (zone != cases[i].zone)
            fail_msg("'%s' gives %d", cases[i].text, zone);
    }
}

/* As it should be, and as feeds write it. */
static void test_rfc822(void **state)
{
    static const struct {
        const char *text;
        int64_t t;
    } cases[] = {
        {"Wed, 12 Nov 2025 01:30:00 +0000", NOW},
        {"Wed, 12 Nov 2025 01:30:00 GMT", NOW},
        {" 12 Nov 2025 01:30:00 ", NOW},
        {"Wed, 12 Nov 2025 09:30:00 +0800", NOW},
        {"Wed, 12 Nov 2025 09:30:00 +08:00", NOW},
        {"Tue, 11 Nov 2025 20:30:00 EST", NOW},
        {"Tue, 11 Nov 2025 18:30 pdt", NOW},
        {"Tue, 11 Nov 2025 17:30:00 -0800 (PST)", NOW},
        {"Wed 12 November 25 1:30", NOW},
        {"Wednesday, 12-Nov-25 01:30:00 UT", NOW},
        {"Mi., 12. Nov. 2025, 01:30:00.123 Z", NOW},
        {"12 nov 2025", NOW - 5400},
        {"1 Jan 70 00:00:00 GMT", 0},
        {"Thu, 29 Feb 2024 00:00:00 GMT", 1709164800},
        {"Thu, 29 Feb 2023 00:00:00 GMT", NONE},
        {"Wed, 12 Nov 2025 25:30:00 GMT", NONE},
        {"Wed, 12 Nov 2025 01:3 GMT", NONE},
        {"Wed, 12 Noc 2025 01:30:00 GMT", NONE},
        {"Wed, 12 Nov 20251 01:30:00 GMT", NONE},
        {"Wed, 12 Nov", NONE},
        {"2025-11-12", NONE},
        {"yesterday", NONE},
        {"", NONE},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t t = NONE;

        if (date_parse_rfc822(str_of(cases[i].text), &t) < 0)
            t = NONE;
        if (t != cases[i].t)
            fail_msg("'%s' gives %lld", cases[i].text, (long long)t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written), cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_http),    cmocka_unit_test(test_iso),
        cmocka_unit_test(test_zone),    cmocka_unit_test(test_rfc822),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
