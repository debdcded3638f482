/* A command line into words. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base.h"

#include <stdlib.h>
#include <string.h>

#define URL "http://a.example/x y?q='1\"%u"

/* The words, each in [], or the error. */
static void assert_words(const char *command, const char *expected)
{
    struct error e = {{0}};
    struct buf seen;
    char **words = words_split(command, STR(URL), &e);

    buf_init(&seen, 4096);
    for (char **word = words; word && *word; word++)
        buf_printf(&seen, "[%s]", *word);
    assert_string_equal(words ? seen.data : e.text, expected);
    buf_clear(&seen);
    free(words);
}

static void test_words(void **state)
{
    static const struct {
        const char *command, *expected;
    } cases[] = {
        {"firefox", "[firefox]"},
        {"  a\tb  c ", "[a][b][c]"},
        {"fetch %u -x", "[fetch][" URL "][-x]"},
        {"fetch --url=%u.", "[fetch][--url=" URL ".]"},
        {"sh -c 'echo \"$1\"' x \"%u\"", "[sh][-c][echo \"$1\"][x][" URL "]"},
        {"a'b c'\"d e\"f", "[ab cd ef]"},
        {"a '' b", "[a][][b]"},
        {"a $HOME * \\n %% %", "[a][$HOME][*][\\n][%%][%]"},
        {"a 'b", "a quotation mark is not closed"},
        {"a \"b'", "a quotation mark is not closed"},
        {"", "there is no command"},
        {" \t", "there is no command"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_words(cases[i].command, cases[i].expected);
}

static void test_caps(void **state)
{
    struct error e;
    char *command = malloc(100001);

    (void)state;
    assert_non_null(command);
    memset(command, 'a', 100000);
    command[100000] = '\0';
    assert_null(words_split(command, STR(""), &e));
    assert_string_equal(e.text, "the command is longer than 32768 bytes");
    assert_null(words_split("a %u", STR("a\0b"), &e));
    assert_string_equal(e.text, "the address has a NUL byte in it");
    free(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_caps),
    };

    return cmocka_run_group_tests_name("base words", tests, NULL, NULL);
}
