/* Bytes: views, growing bytes, arenas, errors, hashes, words of configuration. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void assert_str(struct str s, const char *expected)
{
    if (!str_eq(s, str_of(expected)))
        fail_msg("'%.*s' instead of '%s'", STR_ARG(s), expected);
}

/* ---- str ----------------------------------------------------------------------------------- */

static void test_str_compares(void **state)
{
    (void)state;
    assert_true(str_eq((struct str){0}, str_of("")));
    assert_true(str_eq((struct str){0}, str_of(NULL)));
    assert_false(str_eq(STR("a"), STR("A")));
    assert_true(str_eq_nocase(STR("Text/HTML"), STR("text/html")));
    assert_false(str_eq_nocase(STR("[x"), STR("{x"))); /* 0x20 apart, but no letters */
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_true(str_starts(STR("abc"), (struct str){0}));
    assert_false(str_starts(STR("ab"), STR("abc")));
    assert_true(str_starts_nocase(STR("HTTP://x"), STR("http:")));
    assert_true(str_ends(STR("a.conf"), STR(".conf")));
    assert_false(str_ends(STR("conf"), STR(".conf")));
}

static void test_str_find(void **state)
{
    (void)state;
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 0), 1);
    assert_int_equal(str_find(STR("abcabc"), STR("bc"), 2), 4);
    assert_true(str_find(STR("abcabc"), STR("bc"), 5) == SIZE_MAX);
    assert_true(str_find(STR("abc"), STR("abcd"), 0) == SIZE_MAX);
    assert_int_equal(str_find(STR("abc"), STR(""), 3), 3);
    assert_true(str_find(STR("abc"), STR(""), 4) == SIZE_MAX);
    assert_true(str_find((struct str){0}, STR("a"), 0) == SIZE_MAX);
    assert_int_equal(str_find(STR("a\0b"), STR("\0b"), 0), 1);
}

static void test_str_parts(void **state)
{
    struct str rest = STR("a,,b"), nothing = {0};

    (void)state;
    assert_str(str_trim(STR(" \t\r\n a b \v\f")), "a b");
    assert_str(str_trim(STR("  ")), "");
    assert_str(str_sub(STR("abc"), 1, 1), "b");
    assert_str(str_sub(STR("abc"), 1, SIZE_MAX), "bc");
    assert_str(str_sub(STR("abc"), 7, 1), "");
    assert_str(str_sub(nothing, 1, 1), "");
    assert_str(str_cut(&rest, ','), "a");
    assert_str(str_cut(&rest, ','), "");
    assert_str(rest, "b");
    assert_str(str_cut(&rest, ','), "b");
    assert_int_equal(rest.n, 0);
    assert_str(str_cut(&rest, ','), "");
    assert_str(str_cut(&nothing, ','), "");
}

/* ---- buf ----------------------------------------------------------------------------------- */

static void test_buf_grows_up_to_its_cap(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(buf_puts(&b, "0123456789"), 0);
    assert_int_equal(b.len, 1000);
    assert_int_equal(b.data[1000], '\0');
    assert_int_equal(buf_putc(&b, 'x'), -1);
    assert_true(b.failed);
    assert_int_equal(b.len, 1000);
    buf_reset(&b);
    assert_int_equal(buf_printf(&b, "%s-%d", "a", 7), 0);
    assert_str(buf_str(&b), "a-7");
    buf_clear(&b);
}

static void test_buf_failure_stays(void **state)
{
    struct buf b;
    size_t len = 99;

    (void)state;
    buf_init(&b, 4);
    buf_puts(&b, "abc");
    assert_int_equal(buf_puts(&b, "de"), -1);
    assert_int_equal(buf_putc(&b, 'd'), -1); /* would leave a hole */
    assert_str(buf_str(&b), "abc");
    assert_int_equal(buf_printf(&b, "%d", 1), -1);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), -1);
    assert_null(buf_take(&b, &len));
    assert_null(b.data);
    assert_int_equal(buf_puts(&b, "fits"), 0);
    assert_int_equal(buf_append(&b, NULL, 0), 0);
    buf_clear(&b);
}

static void test_buf_take(void **state)
{
    struct buf b;
    size_t len = 99;
    char *data;

    (void)state;
    buf_init(&b, SIZE_MAX);
    assert_null(buf_take(&b, NULL));
    assert_int_equal(buf_reserve(&b, SIZE_MAX), -1);
    buf_reset(&b);
    buf_add(&b, STR("a\0b"));
    data = buf_take(&b, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(data, "a\0b", 4);
    assert_null(b.data);
    free(data);
    buf_puts(&b, "");
    data = buf_take(&b, &len);
    assert_string_equal(data, "");
    assert_int_equal(len, 0);
    free(data);
}

/* ---- arena --------------------------------------------------------------------------------- */

static void test_arena_gives_zeroed_aligned_memory(void **state)
{
    struct arena *a = arena_new();
    unsigned char *all[200];

    (void)state;
    assert_non_null(a);
    for (size_t i = 0; i < COUNT(all); i++) {
        size_t n = i * i * 7; /* up to 270 KB: bigger than any chunk */

        all[i] = arena_alloc(a, n);
        assert_non_null(all[i]);
        assert_int_equal((uintptr_t)all[i] % _Alignof(max_align_t), 0);
        for (size_t j = 0; j < n; j++)
            assert_true(all[i][j] == 0);
        memset(all[i], (int)i, n);
    }
    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t j = 0; j < i * i * 7; j++)
            assert_true(all[i][j] == (unsigned char)i);
    arena_free(a);
}

static void test_arena_refuses_what_overflows(void **state)
{
    struct arena *a = arena_new();
    struct str s;

    (void)state;
    assert_null(arena_alloc(a, SIZE_MAX));
    assert_null(arena_array(a, SIZE_MAX / 2, 3));
    assert_non_null(arena_array(a, 0, 8));
    s = arena_copy(a, STR("a\0b"));
    assert_int_equal(s.n, 3);
    assert_memory_equal(s.p, "a\0b", 4);
    s = arena_copy(a, (struct str){0});
    assert_non_null(s.p);
    assert_int_equal(s.p[0], '\0');
    arena_free(a);
    arena_free(NULL);
}

/* One big piece must not make the small ones around it waste chunks. */
static void test_arena_is_thrifty(void **state)
{
    struct arena *a = arena_new();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        arena_alloc(a, 16);
        arena_alloc(a, 20000);
    }
    assert_true(arena_used(a) > 1000 * 20016);
    assert_true(arena_used(a) < 1000 * 20016 * 11 / 10);
    arena_free(a);
}

/* ---- errors -------------------------------------------------------------------------------- */

static void test_error_is_cut_between_characters(void **state)
{
    struct error e;
    char text[600];

    (void)state;
    for (size_t lead = 0; lead < 4; lead++) {
        memset(text, 'a', lead);
        text[lead] = '\0';
        for (int i = 0; i < 190; i++)
            strcat(text, "中");
        assert_int_equal(error_set(&e, "%s", text), -1);
        assert_true(strlen(e.text) >= sizeof(e.text) - 4);
        assert_int_equal(text_valid(str_of(e.text)), strlen(e.text));
        assert_int_equal((strlen(e.text) - lead) % 3, 0);
    }
}

static void test_error_may_hold_itself(void **state)
{
    struct error e;

    (void)state;
    error_set(&e, "no such file");
    error_set(&e, "%s: %s", "x.conf", e.text);
    assert_string_equal(e.text, "x.conf: no such file");
    assert_int_equal(error_set(NULL, "%d", 1), -1);
}

/* ---- hashes -------------------------------------------------------------------------------- */

static void test_hash(void **state)
{
    struct hash none = {0}, ab = hash_more(none, STR("ab")), a = hash_more(none, STR("a"));
    char text[HASH_TEXT_SIZE];

    (void)state;
    assert_true(hash_is_set(hash_of((struct str){0})));
    assert_false(hash_is_set(none));
    assert_true(hash_eq(hash_of(STR("x")), hash_of(STR("x"))));
    assert_false(hash_eq(hash_more(ab, STR("c")), hash_more(a, STR("bc"))));
    assert_false(hash_eq(hash_more(a, (struct str){0}), a));
    /* They are stored: they must never come out otherwise. The first is XXH3's own test value. */
    assert_string_equal(hash_text(text, hash_of((struct str){0})),
                        "99aa06d3014798d86001c324468d497f");
    assert_string_equal(hash_text(text, (struct hash){1, 2}), "00000000000000020000000000000001");
}

/* ---- words --------------------------------------------------------------------------------- */

static void test_duration(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: none */
    } cases[] = {
        {"90", 90},
        {"90s", 90},
        {"30m", 1800},
        {"6h", 21600},
        {"1d", 86400},
        {"0", 0},
        {"", -1},
        {"s", -1},
        {"-1", -1},
        {"+1", -1},
        {"1.5h", -1},
        {"1w", -1},
        {"1 h", -1},
        {"1hh", -1},
        {"1H", -1},
        {"3650d", 315360000},
        {"36500d", -1},
        {"9223372036854775807d", -1},
        {"99999999999999999999", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t seconds = -1;
        int done = parse_duration(str_of(cases[i].text), &seconds);

        if (done != (cases[i].seconds < 0 ? -1 : 0) || seconds != cases[i].seconds)
            fail_msg("'%s': %d, %ld", cases[i].text, done, (long)seconds);
    }
}

static void test_size_and_number(void **state)
{
    size_t bytes = 0;
    int64_t v = 0;

    (void)state;
    assert_int_equal(parse_size(STR("512"), &bytes), 0);
    assert_int_equal(bytes, 512);
    assert_int_equal(parse_size(STR("16M"), &bytes), 0);
    assert_int_equal(bytes, 16 << 20);
    assert_int_equal(parse_size(STR("2G"), &bytes), 0);
    assert_true(bytes == (size_t)2 << 30);
    assert_int_equal(parse_size(STR("16MB"), &bytes), -1);
    assert_int_equal(parse_size(STR("9007199254740993G"), &bytes), -1);
    assert_int_equal(parse_size(STR("K"), &bytes), -1);
    assert_int_equal(parse_number(STR("-5"), -5, 5, &v), 0);
    assert_int_equal(v, -5);
    assert_int_equal(parse_number(STR("6"), -5, 5, &v), -1);
    assert_int_equal(parse_number(STR("-6"), -5, 5, &v), -1);
    assert_int_equal(parse_number(STR("5x"), -5, 5, &v), -1);
    assert_int_equal(parse_number(STR("-"), -5, 5, &v), -1);
    assert_int_equal(parse_number((struct str){0}, -5, 5, &v), -1);
    assert_int_equal(v, -5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_str_compares),
        cmocka_unit_test(test_str_find),
        cmocka_unit_test(test_str_parts),
        cmocka_unit_test(test_buf_grows_up_to_its_cap),
        cmocka_unit_test(test_buf_failure_stays),
        cmocka_unit_test(test_buf_take),
        cmocka_unit_test(test_arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(test_arena_refuses_what_overflows),
        cmocka_unit_test(test_arena_is_thrifty),
        cmocka_unit_test(test_error_is_cut_between_characters),
        cmocka_unit_test(test_error_may_hold_itself),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_size_and_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
