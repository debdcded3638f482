/* Which entries of two sources are one article, and which edits only follow another site's. */
#include "digest_help.h"

#include <stdio.h>

/* Sentence `n` of a language that has no other sentence like it. */
static void put_sentence(struct buf *out, unsigned n)
{
    uint64_t state = n * 0x9e3779b97f4a7c15u + 1;

    for (int words = 0; words < 8; words++) {
        for (int letters = 0; letters < 5; letters++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            buf_putc(out, (char)('a' + (state >> 33) % 26));
        }
        buf_putc(out, words < 7 ? ' ' : '.');
    }
}

/* The sentences from `from` up to `end`: each has 41 characters without the blanks. */
static struct str sentences(struct buf *out, unsigned from, unsigned end)
{
    buf_init(out, SIZE_MAX);
    for (unsigned n = from; n < end; n++)
        put_sentence(out, n);
    return buf_str(out);
}

/* Whether the sentences a0 to a1 under one title are the article b0 to b1 under the other. */
static bool is_pair(const char *title, unsigned a0, unsigned a1, const char *other, unsigned b0,
                    unsigned b1)
{
    struct buf a, b;
    const struct twin left = {.title = str_of(title), .text = sentences(&a, a0, a1)};
    const struct twin right = {.title = str_of(other), .text = sentences(&b, b0, b1)};
    const struct twin_pair possible = {0, 0};
    size_t twin;

    assert_int_equal(twins_assign(&left, 1, &right, 1, &possible, 1, &twin), 0);
    buf_clear(&a);
    buf_clear(&b);
    return twin == 0;
}

static void enough_in_common(void **state)
{
    (void)state;
    assert_true(is_pair("T", 0, 8, "T", 0, 8));
    assert_true(is_pair("T", 0, 8, "T", 2, 10)); /* three quarters */
    assert_false(is_pair("T", 0, 8, "T", 3, 11));
    assert_false(is_pair("T", 0, 8, "T", 0, 17)); /* of the longer one */
    assert_true(is_pair("T", 0, 10, "[Copied] T", 1, 10));
    assert_false(is_pair("T", 0, 10, "U", 2, 12));
}

/* Two words, or a line that everybody writes, make no article. */
static void short_texts_are_nobody(void **state)
{
    (void)state;
    assert_false(is_pair("Correction", 0, 1, "Correction", 0, 1));
    assert_true(is_pair("Correction", 0, 2, "Correction", 0, 2));
    assert_false(is_pair("T", 0, 4, "U", 0, 4));
    assert_true(is_pair("T", 0, 6, "U", 0, 6));
    assert_false(is_pair("T", 0, 0, "T", 0, 0));
}

static void the_same_id_is_certain(void **state)
{
    struct buf a, b, c;
    const struct twin lefts[] = {{STR("T"), sentences(&a, 0, 9), STR("https://x.example/1")}};
    const struct twin rights[] = {
        {STR("T"), sentences(&b, 0, 9), STR("https://x.example/2")},
        {STR("Other"), sentences(&c, 20, 22), STR("https://x.example/1")}};
    const struct twin_pair possible[] = {{0, 0}, {0, 1}};
    size_t twin;

    (void)state;
    assert_int_equal(twins_assign(lefts, 1, rights, 2, possible, 2, &twin), 0);
    assert_int_equal(twin, 1);
    buf_clear(&a);
    buf_clear(&b);
    buf_clear(&c);
}

/* Each goes where it fits best in all, and nobody is taken twice. */
static void the_best_fit_in_all(void **state)
{
    struct buf text[5];
    const struct twin lefts[] = {{.title = STR("T"), .text = sentences(&text[0], 0, 9)},
                                 {.title = STR("T"), .text = sentences(&text[1], 0, 10)},
                                 {.title = STR("T"), .text = sentences(&text[2], 30, 40)}};
    const struct twin rights[] = {{.title = STR("T"), .text = sentences(&text[3], 0, 10)},
                                  {.title = STR("T"), .text = sentences(&text[4], 0, 8)}};
    const struct twin_pair possible[] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {2, 0}, {2, 1}};
    size_t twin[3];

    (void)state;
    assert_int_equal(twins_assign(lefts, 3, rights, 2, possible, 6, twin), 0);
    assert_int_equal(twin[0], 1);
    assert_int_equal(twin[1], 0);
    assert_int_equal(twin[2], TWIN_NONE);
    for (size_t i = 0; i < 5; i++)
        buf_clear(&text[i]);
}

static size_t shared(struct str a, struct str b)
{
    struct sketch x, y;
    size_t n = 0;

    assert_int_equal(sketch_of(&x, a), 0);
    assert_int_equal(sketch_of(&y, b), 0);
    for (size_t i = 0; i < x.count; i++)
        for (size_t k = 0; k < y.count; k++)
            n += x.items[i] == y.items[k];
    return n;
}

static void alike_texts_share_their_sketch(void **state)
{
    struct buf a, b, c;

    (void)state;
    sentences(&a, 0, 20);
    sentences(&b, 4, 24);
    sentences(&c, 50, 70);
    assert_int_equal(shared(buf_str(&a), buf_str(&a)), SKETCH_SIZE);
    assert_in_range(shared(buf_str(&a), buf_str(&b)), 4, SKETCH_SIZE);
    assert_int_equal(shared(buf_str(&a), buf_str(&c)), 0);
    assert_int_equal(shared(STR("Typo fixed."), STR("Typo fixed.")), 0);
    buf_clear(&a);
    buf_clear(&b);
    buf_clear(&c);
}

/* ---- edits --------------------------------------------------------------------------------- */

#define P1 "<p>The kettle has been replaced by one that whistles in tune.</p>"
#define P2 "<p>Water should be taken from the upper spring until further notice.</p>"
#define P3 "<p>There will be no tea on the second Thursday of the month.</p>"

static int follows(const char *before, const char *after, const char *shown)
{
    const struct wording was = {STR("Title"), str_of(before)}, is = {STR("Title"), str_of(after)},
                         now = {STR("Title"), str_of(shown)};

    return edit_follows(before ? &was : NULL, &is, &now);
}

static void an_edit_that_follows(void **state)
{
    (void)state;
    assert_int_equal(follows(P1 P2, P1 P2 P3, P1 P2 P3), 1);
    assert_int_equal(follows(P1 P2, P1, P1), 1); /* what was taken out is gone there, too */
    assert_int_equal(follows(P1 P2, P1 P3, P1 P3), 1);
    assert_int_equal(follows(P1 P2, P1 P2, P1 P2 P3), 1); /* nothing is nothing new */
    /* What differs between the sites all the time makes no difference. */
    assert_int_equal(follows(P1 P2 "<p>By the kitchen.</p>", P1 P3 "<p>By the kitchen.</p>",
                             P1 P3 "<p>Copied from the kitchen.</p>"),
                     1);
}

static void an_edit_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(follows(P1 P2, P1 P2 P3, P1 P2), 0);
    assert_int_equal(follows(P1 P2, P1, P1 P2), 0);
    assert_int_equal(follows(P1 P2, P1 P3, P1 P2), 0);
    /* It follows one edit, and brings another one. */
    assert_int_equal(follows(P1, P1 P2 P3, P1 P2), 0);
    /* Back to what it was. */
    assert_int_equal(follows(P1 P2 P3, P1 P2, P1 P2 P3), 0);
}

/* Every site keeps pictures at its own addresses; links lead to the same places. */
static void pictures_and_links(void **state)
{
#define PICTURE(address) "<p><img src=\"https://" address "\" alt=\"\"></p>"
#define LINK(to)         "<p>See <a href=\"https://tea.example/" to "\">the list</a>.</p>"
    (void)state;
    assert_int_equal(follows(P1 P2, P1 PICTURE("a.example/2026/11/kettle-with-lid.png") P2,
                             P1 PICTURE("cdn.b.test/u/8f1c0b7745d2.webp?w=640") P2),
                     1);
    assert_int_equal(follows(P1 P2, P1 PICTURE("a.example/2026/11/kettle-with-lid.png") P2, P1 P2),
                     0);
    assert_int_equal(follows(P1 LINK("of-cups"), P1 LINK("of-saucers"), P1 LINK("of-saucers")), 1);
    assert_int_equal(follows(P1 LINK("of-cups"), P1 LINK("of-saucers"), P1 LINK("of-cups")), 0);
}

static void titles_are_words_too(void **state)
{
    const struct wording was = {STR("The kettle"), STR(P1)}, is = {STR("The new kettle"), STR(P1)};

    (void)state;
    assert_int_equal(edit_follows(&was, &is, &is), 1);
    assert_int_equal(edit_follows(&was, &is, &was), 0);
}

/* Nobody knows what it was before: it follows where it is what is shown. */
static void without_a_before(void **state)
{
    (void)state;
    assert_int_equal(follows(NULL, P1 P2, P1 P2), 1);
    assert_int_equal(follows(NULL, P1 P2, P1 P3), 0);
}

/* Markup that does not end is no reason to read on behind it. */
static void torn_markup(void **state)
{
    (void)state;
    assert_int_equal(follows("<", "<a href=\"", "<p"), 0);
    assert_int_equal(follows("", "<img alt='>' ", "<img alt='>' "), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enough_in_common),
        cmocka_unit_test(short_texts_are_nobody),
        cmocka_unit_test(the_same_id_is_certain),
        cmocka_unit_test(the_best_fit_in_all),
        cmocka_unit_test(alike_texts_share_their_sketch),
        cmocka_unit_test(an_edit_that_follows),
        cmocka_unit_test(an_edit_of_its_own),
        cmocka_unit_test(pictures_and_links),
        cmocka_unit_test(titles_are_words_too),
        cmocka_unit_test(without_a_before),
        cmocka_unit_test(torn_markup),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
