/* What was taken out of a text and what was put in. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../daemon/feed/diff.h"

#define OUT_MAX ((size_t)64 << 20)

/* The difference as people write it: [-out-]{+in+}. */
static void show(struct buf *out, struct str before, struct str after)
{
    struct arena *a = arena_new();
    struct diff_piece *pieces;
    size_t count;
    static const char *const open[] = {"", "[-", "{+"}, *const close[] = {"", "-]", "+}"};

    buf_init(out, OUT_MAX);
    assert_int_equal(0, diff_text(a, before, after, &pieces, &count));
    for (size_t i = 0; i < count; i++) {
        buf_puts(out, open[pieces[i].kind]);
        buf_add(out, pieces[i].text);
        buf_puts(out, close[pieces[i].kind]);
    }
    buf_putc(out, '\0');
    arena_free(a);
}

static void edits_are_seen(void **state)
{
    static const struct {
        const char *before, *after, *want;
    } table[] = {
        {"", "", ""},
        {"one", "one", "one"},
        {"", "one\n", "{+one\n+}"},
        {"one\n", "", "[-one\n-]"},
        {"a quick fox", "a slow fox", "a [-quick-]{+slow+} fox"},
        {"take the chain off", "take the old chain off", "take the {+old +}chain off"},
        {"word", "words", "[-word-]{+words+}"},
        {"好茶不怕第二泡。", "好茶不怕第二泡，也不怕第三泡。",
         "好茶不怕第二泡{+，也不怕第三泡+}。"},
        {"用Python写", "用Rust写", "用[-Python-]{+Rust+}写"},
        /* Lines: one that is new, one that is gone, one that was mended. */
        {"one\ntwo\nthree\n", "one\nand\ntwo\nthree\n", "one\n{+and\n+}two\nthree\n"},
        {"one\ntwo\nthree\n", "one\nthree\n", "one\n[-two\n-]three\n"},
        {"keep\nit was red here\nkeep too", "keep\nit was blue here\nkeep too",
         "keep\nit was [-red-]{+blue+} here\nkeep too"},
        /* A paragraph that was cut in two. */
        {"one two three four", "one two\nthree four", "one two[- -]{+\n+}three four"},
        /* What has nothing in common but a small word is replaced as one. */
        {"rain in spring", "a walk in autumn woods",
         "[-rain in spring-]{+a walk in autumn woods+}"},
        /* What shows as one stays one. */
        {"a\xcc\x81", "a\xcc\x82", "[-a\xcc\x81-]{+a\xcc\x82+}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct buf got;
        show(&got, str_of(table[i].before), str_of(table[i].after));
        assert_string_equal(table[i].want, got.data);
        buf_clear(&got);
    }
}

/* Both texts can be had back from the pieces, which come in the order that is promised. */
static void assert_whole(struct str before, struct str after)
{
    struct arena *a = arena_new();
    struct diff_piece *pieces;
    size_t count;
    struct buf old, new;

    buf_init(&old, OUT_MAX);
    buf_init(&new, OUT_MAX);
    assert_int_equal(0, diff_text(a, before, after, &pieces, &count));
    for (size_t i = 0; i < count; i++) {
        assert_true(pieces[i].text.n > 0);
        if (i) {
            assert_true(pieces[i].kind != pieces[i - 1].kind);
            assert_false(pieces[i].kind == DIFF_OUT && pieces[i - 1].kind == DIFF_IN);
        }
        if (pieces[i].kind != DIFF_IN)
            buf_add(&old, pieces[i].text);
        if (pieces[i].kind != DIFF_OUT)
            buf_add(&new, pieces[i].text);
    }
    assert_true(str_eq(buf_str(&old), before));
    assert_true(str_eq(buf_str(&new), after));
    buf_clear(&old);
    buf_clear(&new);
    arena_free(a);
}

static uint32_t random_of(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void put_random(struct buf *b, uint32_t *seed, size_t words, size_t vocabulary)
{
    static const char *const list[] = {"\n", " ", "a",    "the", "茶", "。",   "\xcc\x81", "chain",
                                       "é",  "🚀", "\xff", "x1",  ", ", "\n\n", "水",       "red"};

    for (size_t i = 0; i < words; i++)
        buf_puts(b, list[random_of(seed) % vocabulary]);
}

static void both_texts_come_back(void **state)
{
    uint32_t seed = 7;

    (void)state;
    for (size_t round = 0; round < 20000; round++) {
        struct buf x, y;
        size_t vocabulary = 1 + random_of(&seed) % 16;
        buf_init(&x, OUT_MAX);
        buf_init(&y, OUT_MAX);
        put_random(&x, &seed, random_of(&seed) % 30, vocabulary);
        if (round % 2) /* an edit of it */
            buf_add(&y, str_sub(buf_str(&x), 0, random_of(&seed) % (x.len + 1)));
        put_random(&y, &seed, random_of(&seed) % 30, vocabulary);
        if (round % 2)
            buf_add(&y, str_sub(buf_str(&x), random_of(&seed) % (x.len + 1), x.len));
        assert_whole(buf_str(&x), buf_str(&y));
        buf_clear(&x);
        buf_clear(&y);
    }
}

/* A mebibyte and more, alike and not at all: never the product of both. */
static void long_texts_take_no_time(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        uint32_t seed = kind + 1;
        struct buf x, y;
        buf_init(&x, OUT_MAX);
        buf_init(&y, OUT_MAX);
        for (unsigned i = 0; i < 200000; i++) {
            buf_printf(&x, kind & 1 ? "%u%s" : "w%u%s", random_of(&seed) % 5000,
                       kind & 2 ? "\n" : " ");
            buf_printf(&y, "w%u%s", random_of(&seed) % 5000, kind & 2 ? "\n" : " ");
        }
        clock_t begun = clock();
        assert_whole(buf_str(&x), buf_str(&y));
        double took = (double)(clock() - begun) / CLOCKS_PER_SEC;
        if (getenv("DIFF_SHOW"))
            printf("kind %u: %zu bytes: %.3f s\n", kind, x.len + y.len, took);
        assert_true(took < 5);
        buf_clear(&x);
        buf_clear(&y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edits_are_seen),
        cmocka_unit_test(both_texts_come_back),
        cmocka_unit_test(long_texts_take_no_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
