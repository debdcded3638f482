/* Deep links of pages with many sections: whatever way they are searched for, each must first match
 * its own section. Here they are looked up again by the plainest search there is. */
#include "digest_help.h"

#include <stdio.h>

#define SECTIONS_MOST 600

/* The page's text as a browser reads it, a line a block, all in lower case; and where each
 * section's title line stands in it. */
struct told {
    struct buf html, text;
    size_t heads[SECTIONS_MOST], count;
};

static void told_init(struct told *t)
{
    buf_init(&t->html, SIZE_MAX);
    buf_init(&t->text, SIZE_MAX);
    t->count = 0;
}

static void told_clear(struct told *t)
{
    buf_clear(&t->html);
    buf_clear(&t->text);
}

static void tell(struct told *t, const char *line)
{
    buf_printf(&t->html, "<p>%s</p>", line);
    for (; *line; line++)
        buf_putc(&t->text, (char)(*line >= 'A' && *line <= 'Z' ? *line | 0x20 : *line));
    buf_putc(&t->text, '\n');
}

static void tell_section(struct told *t, const char *title, const char *words)
{
    char line[128];

    snprintf(line, sizeof(line), "#%s", title);
    t->heads[t->count++] = t->text.len;
    tell(t, line);
    tell(t, words);
    tell(t, "....");
}

static void decode_lower(struct buf *out, struct str s)
{
    uri_decode(out, s);
    for (size_t i = 0; i < out->len; i++)
        if (out->data[i] >= 'A' && out->data[i] <= 'Z')
            out->data[i] = (char)(out->data[i] | 0x20);
}

/* Where a browser goes: the first place of the text between its neighbours. SIZE_MAX: nowhere. */
static size_t target_of(const struct told *t, struct str link)
{
    struct str page = buf_str(&t->text), rest = link, part;
    struct buf parts[3]; /* prefix, text, suffix */
    size_t at;

    for (size_t i = 0; i < 3; i++)
        buf_init(&parts[i], SIZE_MAX);
    at = str_find(rest, STR("#:~:text="), 0);
    assert_int_not_equal(at, SIZE_MAX);
    rest = str_sub(rest, at + 9, SIZE_MAX);
    while ((part = str_cut(&rest, ',')).n) {
        bool prefix = str_ends(part, STR("-")), suffix = str_starts(part, STR("-"));

        part = str_sub(part, suffix, part.n - suffix - prefix);
        decode_lower(&parts[prefix ? 0 : suffix ? 2 : 1], part);
    }
    for (at = 0; (at = str_find(page, buf_str(&parts[1]), at)) != SIZE_MAX; at++) {
        size_t behind = at + parts[1].len + (page.p[at + parts[1].len] == '\n');
        size_t before = at - (at && page.p[at - 1] == '\n');

        if (str_ends(str_sub(page, 0, before), buf_str(&parts[0])) &&
            str_starts(str_sub(page, behind, SIZE_MAX), buf_str(&parts[2])))
            break;
    }
    for (size_t i = 0; i < 3; i++)
        buf_clear(&parts[i]);
    return at;
}

/* Whether `at` is in the title line of section `i` or right behind it. */
static bool is_in_head(const struct told *t, size_t i, size_t at)
{
    struct str page = buf_str(&t->text);
    size_t end = str_find(page, STR("\n"), t->heads[i]);

    return at >= t->heads[i] && at <= end + 1;
}

/* How many sections have a deep link; all of these must be right. */
static size_t count_links(const struct told *t)
{
    struct page *page = read_article(t->html.data);
    size_t linked = 0;

    assert_int_equal(page->count, t->count);
    for (size_t i = 0; i < page->count; i++) {
        struct str link = page->sections[i].link;

        if (!link.n)
            continue;
        linked++;
        if (!is_in_head(t, i, target_of(t, link)))
            fail_msg("section %zu: %.*s leads elsewhere", i, STR_ARG(link));
    }
    page_free(page);
    return linked;
}

static const char *const names[] = {"Notes",
                                    "News from the Harbour",
                                    "What a feed reader asks",
                                    "Tea",
                                    "On bicycles",
                                    "A long title that goes on "
                                    "and on beyond sixteen and "
                                    "beyond sixty-four bytes"};

static void section_title(char out[128], size_t i)
{
    snprintf(out, 128, "%s %zu", names[i % 6], i);
}

static void tell_many(struct told *t, size_t count, bool contents)
{
    char title[128], words[128];

    for (size_t i = 0; contents && i < count; i++) {
        section_title(title, i);
        tell(t, title);
    }
    for (size_t i = 0; i < count; i++) {
        section_title(title, i);
        snprintf(words, sizeof(words), "Number %zu begins here, and it goes on.", i * 7919);
        tell_section(t, title, words);
    }
}

static void test_every_section_has_its_link(void **state)
{
    static const size_t counts[] = {1, 5, 40, 599};

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
        for (int contents = 0; contents < 2; contents++) {
            struct told t;

            told_init(&t);
            tell_many(&t, counts[i], contents);
            assert_int_equal(count_links(&t), counts[i]);
            told_clear(&t);
        }
}

/* One title for all: only their opening words tell them apart. */
static void test_sections_of_one_title(void **state)
{
    static const size_t counts[] = {2, 40, 599};

    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        struct told t;

        told_init(&t);
        for (size_t k = 0; k < counts[i]; k++) {
            char words[128];

            snprintf(words, sizeof(words), "%zu things were new on that day.", k + 1000);
            tell_section(&t, "Update", words);
        }
        assert_int_equal(count_links(&t), counts[i]);
        told_clear(&t);
    }
}

/* The first is the first, and the second the first that stands behind an end marker; nothing tells
 * the others apart: better no link than a wrong one. */
static void test_twins_have_none(void **state)
{
    struct told t;

    (void)state;
    told_init(&t);
    for (size_t k = 0; k < 200; k++)
        tell_section(&t, "Update", "Nothing new today.");
    assert_int_equal(count_links(&t), 2);
    told_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_section_has_its_link),
        cmocka_unit_test(test_sections_of_one_title),
        cmocka_unit_test(test_twins_have_none),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
