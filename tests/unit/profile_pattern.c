/* Patterns: what they match, and that none of them can hold us up. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "profile.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void test_match_and_group(void **state)
{
    static const struct {
        const char *regex;
        struct str subject;
        const char *group; /* NULL: no match */
    } cases[] = {
        {"b+", STR("abbc"), ""},
        {"a(b+)", STR("abbc"), "bb"},
        {"^b", STR("abbc"), NULL},
        {"(x)|a", STR("abc"), ""}, /* the group took no part */
        {"^(.)$", STR("中"), "中"},
        {"^\\s(\\w+)\\s$", STR("\u3000中文\u00a0"), "中文"}, /* Unicode's white space and letters */
        {"(?i)ä", STR("Ä"), ""},
        {"", STR(""), ""},
        {"^$", {NULL, 0}, ""},
        {"a", {NULL, 0}, NULL},
        {"a", STR("a\xff"), NULL}, /* not UTF-8 */
        {"b$", STR("a\0b"), ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error e = {{0}};
        struct pattern *p = pattern_new(str_of(cases[i].regex), &e);
        struct str group = STR("untouched");

        if (!p)
            fail_msg("%s", e.text);
        if (pattern_match(p, cases[i].subject, &group) != (cases[i].group != NULL))
            fail_msg("%s and '%.*s'", cases[i].regex, STR_ARG(cases[i].subject));
        if (!str_eq(group, str_of(cases[i].group)))
            fail_msg("%s gives '%.*s'", cases[i].regex, STR_ARG(group));
        assert_int_equal(pattern_match(p, cases[i].subject, NULL), cases[i].group != NULL);
        pattern_free(p);
    }
}

static void test_group_is_a_view(void **state)
{
    struct str subject = STR("id=42;"), group;
    struct pattern *p = pattern_new(STR("=(\\d+)"), NULL);

    (void)state;
    assert_true(pattern_match(p, subject, &group));
    assert_ptr_equal(group.p, subject.p + 3);
    pattern_free(p);
    pattern_free(NULL);
}

static void test_bad_regex(void **state)
{
    struct error e;
    char *longest = calloc(1, 9000);

    (void)state;
    assert_null(pattern_new(STR("ab("), &e));
    assert_string_equal(e.text, "bad regex 'ab(' at offset 3: missing closing parenthesis");
    assert_null(pattern_new(STR("a\xff"), &e));
    assert_non_null(strstr(e.text, "UTF-8"));
    assert_null(pattern_new(STR("\\C"), &e));
    assert_null(pattern_new(STR("[z-a]"), NULL));
    memset(longest, 'a', 8999);
    assert_null(pattern_new(str_of(longest), &e));
    assert_string_equal(e.text, "the regex is longer than 8192 bytes");
    free(longest);
}

/* Exponential without limits: that this test ends is the test. */
static void test_limits(void **state)
{
    static const char *const regexes[] = {"^(a+)+$", "^(a|aa)+$", "^(?:(a*)*)*b", "^((?:a|b)+)+c$"};
    char text[5001];

    (void)state;
    memset(text, 'a', 5000);
    text[5000] = '\0';
    text[4999] = '!';
    for (size_t i = 0; i < COUNT(regexes); i++) {
        struct pattern *p = pattern_new(str_of(regexes[i]), NULL);

        assert_false(pattern_match(p, str_of(text), NULL));
        pattern_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match_and_group),
        cmocka_unit_test(test_group_is_a_view),
        cmocka_unit_test(test_bad_regex),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
