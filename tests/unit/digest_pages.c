/* Pages of all kinds, cut by their headings: tests/corpus/pages/NAME.html gives exactly the
 * sections of NAME.expected, "# TITLE" and then the lines of its text. Runs in the project's
 * folder, with the profile `headings` as it is shipped. */
#include "digest_help.h"

#include <glob.h>
#include <stdio.h>

#define PAGES   "tests/corpus/pages/*.html"
#define PROFILE "conf/profiles/headings.conf"

static struct str read_whole(const char *path)
{
    FILE *f = fopen(path, "r");
    struct buf text;
    char piece[4096];
    size_t n;

    if (!f)
        fail_msg("%s cannot be opened: tests run in the top folder of the project", path);
    buf_init(&text, SIZE_MAX);
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        buf_append(&text, piece, n);
    fclose(f);
    n = text.len;
    return (struct str){buf_take(&text, NULL), n};
}

/* Its own keys: which redirectors it includes is another test's. */
static struct profile *headings_profile(void)
{
    struct profile *p = profile_new("headings");
    struct str text = read_whole(PROFILE), rest = text;
    struct error e = {""};

    while (rest.n) {
        struct str value = str_trim(str_cut(&rest, '\n')), key;

        if (!value.n || value.p[0] == '#')
            continue;
        key = str_trim(str_cut(&value, '='));
        if (!str_eq(key, STR("include")) && profile_set(p, key, str_trim(value), &e) < 0)
            fail_msg("%s: %s", PROFILE, e.text);
    }
    free((char *)text.p);
    return p;
}

static struct page *read_page(struct profile *p, struct str bytes, enum doubt expected)
{
    struct page *page = NULL;
    struct error e = {""};
    enum doubt d = page_read(&(struct page_source){.bytes = bytes,
                                                   .content_type = STR("text/html"),
                                                   .url = STR("https://site.example/a/page.html"),
                                                   .profile = p},
                             &page, &e);

    if (d != expected)
        fail_msg("%s\n%.*s", e.text, STR_ARG(str_sub(bytes, 0, 400)));
    return page;
}

static void write_sections(struct buf *out, const struct page *page)
{
    buf_puts(out, "");
    for (size_t i = 0; i < page->count; i++)
        buf_printf(out, "# %.*s\n%.*s\n", STR_ARG(page->sections[i].title),
                   STR_ARG(page->sections[i].text));
}

static bool page_is_right(struct profile *p, const char *html)
{
    struct str bytes = read_whole(html), expected;
    struct page *page = read_page(p, bytes, DOUBT_NONE);
    struct buf got, path;
    bool right;

    buf_init(&got, SIZE_MAX);
    buf_init(&path, 4096);
    buf_add(&path, str_sub(str_of(html), 0, strlen(html) - strlen(".html")));
    buf_puts(&path, ".expected");
    expected = read_whole(path.data);
    write_sections(&got, page);
    right = str_eq(buf_str(&got), expected);
    if (!right)
        print_error("%s: got\n%s", html, got.data);
    free((char *)bytes.p);
    free((char *)expected.p);
    buf_clear(&got);
    buf_clear(&path);
    page_free(page);
    return right;
}

static void test_corpus(void **state)
{
    struct profile *p = headings_profile();
    size_t wrong = 0;
    glob_t pages;

    (void)state;
    assert_int_equal(glob(PAGES, 0, NULL, &pages), 0);
    assert_true(pages.gl_pathc >= 20);
    for (size_t i = 0; i < pages.gl_pathc; i++)
        wrong += !page_is_right(p, pages.gl_pathv[i]);
    globfree(&pages);
    profile_unref(p);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
