/* Digests of several pages: what stands on two of them, what is cut at the end of one, where links
 * lead, and which page is next. */
#include "digest_help.h"

#define FIRST  "https://site.example/d"
#define SECOND "https://site.example/d?p=2"

static struct page *read_one(struct profile *p, const char *url, const char *first,
                             const char *article)
{
    struct page *page = NULL;
    struct error e = {""};
    struct buf html;

    buf_init(&html, SIZE_MAX);
    buf_printf(&html,
               "<!DOCTYPE html><html lang=en><head><title>T</title>"
               "<link rel=canonical href=\"" FIRST "\"></head><body><div id=c>%s</div>"
               "<a class=next href=\"?p=2#top\">older</a></body></html>",
               article);
    if (page_read(&(struct page_source){.bytes = buf_str(&html),
                                        .content_type = STR("text/html"),
                                        .url = str_of(url),
                                        .first = str_of(first),
                                        .profile = p},
                  &page, &e) != DOUBT_NONE)
        fail_msg("not believed: %s\n%s", e.text, article);
    buf_clear(&html);
    return page;
}

/* Two pages, joined. */
static struct page *join(const char *one, const char *two)
{
    struct profile *p = marks_profile();
    struct page *pages[] = {read_one(p, FIRST, NULL, one), read_one(p, SECOND, FIRST, two)};
    struct page *all = pages_join(pages, 2, p);

    assert_non_null(all);
    profile_unref(p);
    return all;
}

/* "A=text|B=text" */
static void assert_sections(const struct page *page, const char *expected)
{
    struct buf got;

    buf_init(&got, SIZE_MAX);
    buf_puts(&got, "");
    for (size_t i = 0; i < page->count; i++)
        buf_printf(&got, "%s%.*s=%.*s", i ? "|" : "", STR_ARG(page->sections[i].title),
                   STR_ARG(page->sections[i].text));
    assert_string_equal(got.data, expected);
    buf_clear(&got);
}

#define S(title, text) "<p>#" title "</p><p>" text "</p><p>....</p>"

static void test_one_run(void **state)
{
    struct page *page = join(S("A", "ants") S("B", "bees"), S("C", "cats"));

    (void)state;
    assert_sections(page, "A=ants|B=bees|C=cats");
    assert_int_equal(page->addresses_count, 2);
    assert_str(page->addresses[0], FIRST);
    /* Whatever the second calls its canonical address, links lead to where they hit. */
    assert_str(page->addresses[1], SECOND);
    assert_true(str_starts(page->sections[1].link, STR(FIRST "#:~:text=")));
    assert_true(str_starts(page->sections[2].link, STR(SECOND "#:~:text=")));
    assert_str(page->info.title, "T");
    page_free(page);
}

static void test_on_two_pages(void **state)
{
    struct page *page = join(S("A", "ants") S("B", "bees"), S("B", "bees") S("C", "cats"));

    (void)state;
    assert_sections(page, "A=ants|B=bees|C=cats");
    page_free(page);
    /* Another text, or another title: another section. */
    page = join(S("A", "ants") S("B", "bees"), S("B", "wasps") S("C", "bees"));
    assert_sections(page, "A=ants|B=bees|B=wasps|C=bees");
    page_free(page);
    /* Twins on one page are meant. */
    page = join(S("A", "ants") S("A", "ants"), S("B", "bees") S("B", "bees"));
    assert_sections(page, "A=ants|A=ants|B=bees|B=bees");
    page_free(page);
    page = join(S("A", "ants") S("A", "ants"), S("A", "ants"));
    assert_sections(page, "A=ants|A=ants");
    page_free(page);
}

#define TOP    "<p>#L</p><p>begins <a href=/x>here</a></p><ul><li>one</ul>"
#define BOTTOM "<p>goes <b>on</b></p><p>and ends</p><p>....</p>"

/* The same section, wherever the page ends. */
static void test_cut(void **state)
{
    struct page *whole = join(S("A", "ants") TOP BOTTOM, S("B", "bees"));
    struct page *cut = join(S("A", "ants") TOP, BOTTOM S("B", "bees"));

    (void)state;
    assert_int_equal(cut->count, 3);
    assert_true(str_eq(cut->sections[1].text, whole->sections[1].text));
    assert_true(str_eq(cut->sections[1].html, whole->sections[1].html));
    assert_true(hash_eq(cut->sections[1].hash, whole->sections[1].hash));
    assert_true(cut->sections[1].closed);
    page_free(cut);
    cut = join(S("A", "ants") S("B", "bees") TOP, BOTTOM);
    assert_int_equal(cut->count, 3);
    assert_true(str_eq(cut->sections[2].html, whole->sections[1].html));
    page_free(cut);
    page_free(whole);
}

/* What stands before the first section is the end of one only where one is open, and its end marker
 * says so. */
static void test_not_cut(void **state)
{
    struct page *page = join(S("A", "ants"), BOTTOM S("B", "bees"));

    (void)state;
    assert_sections(page, "A=ants|B=bees");
    page_free(page);
    page = join(S("A", "ants") TOP, "<p>a heading</p>" S("B", "bees"));
    assert_sections(page, "A=ants|L=begins here\none|B=bees");
    assert_false(page->sections[1].closed);
    page_free(page);
}

static void test_next(void **state)
{
    static const struct {
        const char *path, *next;
    } cases[] = {
        {NULL, ""},
        {"//a[@class='next']", "https://site.example/d?p=2"},
        {"//a[@class='next']/@href", "https://site.example/d?p=2"},
        {"string(//a[@class='next']/@href)", "https://site.example/d?p=2"},
        {"//a[@class='nothing']", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct profile *p = marks_profile();
        struct page *page;

        if (cases[i].path)
            set(p, "next", cases[i].path);
        page = read_one(p, FIRST, NULL, S("A", "ants"));
        assert_str(page->next, cases[i].next);
        page_free(page);
        profile_unref(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_run), cmocka_unit_test(test_on_two_pages),
        cmocka_unit_test(test_cut),     cmocka_unit_test(test_not_cut),
        cmocka_unit_test(test_next),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
