/* Profiles: every key, set, refused, forgotten. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "profile.h"

#include <libxml/xpath.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct profile *new_profile(void **state)
{
    struct profile *p = profile_new("site");

    assert_non_null(p);
    *state = p;
    return p;
}

static int drop_profile(void **state)
{
    profile_unref(*state);
    return 0;
}

static void set(struct profile *p, const char *key, const char *value)
{
    struct error e = {{0}};

    if (profile_set(p, str_of(key), str_of(value), &e) < 0)
        fail_msg("%s = %s: %s", key, value, e.text);
}

static void assert_refused(struct profile *p, const char *key, struct str value, const char *why)
{
    struct error e = {{0}};

    assert_int_equal(profile_set(p, str_of(key), value, &e), -1);
    assert_string_equal(e.text, why);
}

static void test_every_key(void **state)
{
    struct profile *p = new_profile(state);

    set(p, "syntax", "text");
    set(p, "match", "^https?://a\\.example/");
    set(p, "match", "^https?://b\\.example/");
    set(p, "content", "//article");
    set(p, "content", "//main");
    set(p, "drop", "//aside");
    set(p, "sections", "either");
    set(p, "section-start", "^#(.+)$");
    set(p, "section-end", "^---$");
    set(p, "skip-title", "^x+$");
    set(p, "stable-ids", "yes");
    set(p, "title-xpath", "//h1");
    set(p, "author-xpath", "//*[@rel='author']");
    set(p, "published-xpath", "//time/@datetime");
    set(p, "modified-xpath", "substring-after(//p[last()], ':')");
    set(p, "canonical-xpath", "//link/@href");
    set(p, "tags-xpath", "//a[@rel='tag']");
    set(p, "tags-xpath", "//meta[@name='tag']/@content");
    set(p, "next", "//a[@rel='next']");
    set(p, "lazy-attribute", "data-src  data-original");
    set(p, "lazy-attribute", "data-lazy");
    set(p, "unwrap-link", "\\?to=(.+)");
    set(p, "wall", "captcha");
    set(p, "timezone", "+08:00");

    assert_int_equal(p->syntax, SYNTAX_TEXT);
    assert_int_equal(p->sections, SECTIONS_EITHER);
    assert_int_equal(p->match.count, 2);
    assert_int_equal(p->content.count, 2);
    assert_string_equal(p->content.items[1].text, "//main");
    assert_non_null(p->content.items[1].compiled);
    assert_int_equal(p->drop.count, 1);
    assert_true(pattern_match(p->section_start, STR("#t"), NULL));
    assert_true(pattern_match(p->section_end, STR("---"), NULL));
    assert_true(pattern_match(p->skip_title, STR("xx"), NULL));
    assert_true(p->stable_ids);
    assert_int_equal(p->title_xpath.count, 1);
    assert_int_equal(p->author_xpath.count, 1);
    assert_int_equal(p->published_xpath.count, 1);
    assert_int_equal(p->modified_xpath.count, 1);
    assert_int_equal(p->canonical_xpath.count, 1);
    assert_int_equal(p->tags_xpath.count, 2);
    assert_string_equal(p->tags_xpath.items[1].text, "//meta[@name='tag']/@content");
    assert_non_null(p->tags_xpath.items[1].compiled);
    assert_int_equal(p->next.count, 1);
    assert_non_null(p->next.items[0].compiled);
    assert_int_equal(p->lazy_attribute.count, 3);
    assert_string_equal(p->lazy_attribute.items[1], "data-original");
    assert_string_equal(p->lazy_attribute.items[2], "data-lazy");
    assert_int_equal(p->unwrap_link.count, 1);
    assert_int_equal(p->wall.count, 1);
    assert_int_equal(p->timezone, 28800);
    assert_true(profile_matches(p, STR("http://b.example/x")));
    assert_false(profile_matches(p, STR("http://c.example/x")));
}

/* The list of keys and what can be set are the same. */
static void test_keys_are_listed(void **state)
{
    size_t count = 0;

    (void)state;
    for (; profile_key(count); count++)
        assert_true(profile_has_key(str_of(profile_key(count))));
    assert_int_equal(count, 20);
    assert_false(profile_has_key(STR("interval")));
    assert_false(profile_has_key((struct str){0}));
}

static void test_refused(void **state)
{
    struct profile *p = new_profile(state);

    assert_refused(p, "no-key", STR("x"), "unknown key 'no-key'");
    assert_refused(p, "wall", STR(""), "wall has no value");
    assert_refused(p, "wall", STR("a\xff"), "wall is not UTF-8, or has a control character in it");
    assert_refused(p, "content", STR("//a\0b"),
                   "content is not UTF-8, or has a control character in it");
    assert_refused(p, "section-start", STR("^#"),
                   "section-start: the regex has no group: put the part that is the title in "
                   "parentheses");
    assert_refused(p, "unwrap-link", STR("x"),
                   "unwrap-link: the regex has no group: put the part that is the link's target in "
                   "parentheses");
    assert_refused(p, "section-start", STR("("),
                   "section-start: bad regex '(' at offset 1: missing closing parenthesis");
    assert_refused(p, "content", STR("//a["),
                   "content: bad XPath '//a[' at offset 4: Invalid expression");
    assert_refused(p, "drop", STR("//a b"),
                   "drop: bad XPath '//a b' at offset 4: Invalid expression");
    assert_refused(p, "stable-ids", STR("true"), "stable-ids: 'true' is neither yes nor no");
    assert_refused(p, "syntax", STR("markup"),
                   "syntax: 'markup' is none of html, text and markdown");
    assert_refused(p, "sections", STR("both"),
                   "sections: 'both' is none of markers, headings and either");
    assert_refused(p, "timezone", STR("Asia/Shanghai"),
                   "timezone: 'Asia/Shanghai' is no offset from UTC: write one such as +08:00 or "
                   "UTC");
    assert_false(hash_is_set(p->hash));
    assert_null(p->section_start);
    assert_int_equal(p->content.count + p->drop.count + p->wall.count, 0);
    set(p, "section-start", "(a)");
    assert_refused(p, "section-start", STR("b"), "section-start is given twice");
    for (int i = 0; i < 64; i++)
        set(p, "match", "a");
    assert_refused(p, "match", STR("a"), "match: more than 64 values");
}

/* What XPath would find out only on a page. */
static void test_names_in_paths(void **state)
{
    static const char *const fine[] = {
        "//a[contains(., 'matches(x)')]",
        "(//a | //b)[1]",
        "child::text()",
        "//a[not (@b) and (@c or (@d))]",
        "//*[2 * (3 + 1) div (2)]",
        "//a[. = \"$x\"]",
        "substring-before ( //p , ':' )",
        "//processing-instruction('x')",
        "//\xe4\xb8\xad/self::node()",
    };
    struct profile *p = new_profile(state);

    for (size_t i = 0; i < COUNT(fine); i++)
        set(p, "drop", fine[i]);
    assert_refused(p, "drop", STR("//a[ends-with(@b, 'x')]"),
                   "drop: bad XPath '//a[ends-with(@b, 'x')]': XPath 1.0 has no function "
                   "'ends-with'");
    assert_refused(p, "drop", STR("re:test(//a)"),
                   "drop: bad XPath 're:test(//a)': XPath 1.0 has no function 're:test'");
    assert_refused(p, "drop", STR("//a[. = $x]"),
                   "drop: bad XPath '//a[. = $x]': there are no variables here");
    assert_int_equal(profile_set(p, STR("drop"), STR("//a['x"), NULL), -1);
}

static void on_error(void *arg, xmlErrorPtr error)
{
    int *count = arg;

    (void)error;
    ++*count;
}

/* A handler that the thread had is left alone, and gets none of our faults. */
static void test_handler_is_given_back(void **state)
{
    struct profile *p = new_profile(state);
    int count = 0;

    xmlSetStructuredErrorFunc(&count, on_error);
    assert_int_equal(profile_set(p, STR("drop"), STR("//a["), NULL), -1);
    assert_int_equal(count, 0);
    assert_ptr_equal(xmlStructuredErrorContext, &count);
    assert_true(xmlStructuredError == on_error);
    xmlSetStructuredErrorFunc(NULL, NULL);
}

static void test_forget(void **state)
{
    static const struct profile fresh;
    struct profile *p = new_profile(state);

    set(p, "section-start", "(a)");
    set(p, "stable-ids", "yes");
    set(p, "timezone", "-01:00");
    set(p, "syntax", "text");
    set(p, "lazy-attribute", "a b");
    set(p, "match", "a");
    set(p, "drop", "//a");
    set(p, "tags-xpath", "//a");
    for (size_t i = 0; profile_key(i); i++)
        profile_forget(p, str_of(profile_key(i)));
    profile_forget(p, STR("no-key"));
    assert_null(p->section_start);
    assert_false(p->stable_ids);
    assert_int_equal(p->timezone, 0);
    assert_int_equal(p->syntax, SYNTAX_HTML);
    assert_int_equal(p->given, fresh.given);
    assert_memory_equal(&p->lazy_attribute, &fresh.lazy_attribute, sizeof(fresh.lazy_attribute));
    assert_memory_equal(&p->match, &fresh.match, sizeof(fresh.match));
    assert_memory_equal(&p->drop, &fresh.drop, sizeof(fresh.drop));
    assert_memory_equal(&p->tags_xpath, &fresh.tags_xpath, sizeof(fresh.tags_xpath));
    set(p, "section-start", "(b)");
    assert_true(pattern_match(p->section_start, STR("b"), NULL));
}

static void test_complete(void **state)
{
    struct profile *p = new_profile(state);
    struct error e;

    assert_int_equal(profile_complete(p, &e), -1);
    assert_string_equal(e.text, "profile 'site' has no section-start: set it to a regex whose "
                                "group is the title, or say sections = headings");
    set(p, "sections", "either");
    assert_int_equal(profile_complete(p, &e), -1);
    profile_forget(p, STR("sections"));
    set(p, "sections", "headings");
    assert_int_equal(profile_complete(p, &e), 0);
    set(p, "syntax", "text");
    assert_int_equal(profile_complete(p, &e), -1);
    assert_string_equal(e.text, "profile 'site' has sections = headings, but plain text has none");
    profile_forget(p, STR("sections"));
    set(p, "section-start", "^#(.+)");
    assert_int_equal(profile_complete(p, &e), 0);
    profile_forget(p, STR("syntax"));
    assert_int_equal(profile_complete(p, &e), 0);
}

static void test_inherited(void **state)
{
    struct profile *p = new_profile(state);

    set(p, "section-start", "(a)");
    set(p, "wall", "one");
    profile_inherited(p);
    set(p, "wall", "two");
    set(p, "section-start", "(b)");
    assert_refused(p, "section-start", STR("(c)"), "section-start is given twice");
    assert_true(pattern_match(p->section_start, STR("b"), NULL));
    assert_false(pattern_match(p->section_start, STR("a"), NULL));
    assert_int_equal(p->wall.count, 2);
}

/* The same keys and values give the same hash; one less, another or another order does not. */
static void test_hash(void **state)
{
    struct profile *p[4];

    (void)state;
    for (size_t i = 0; i < COUNT(p); i++)
        p[i] = profile_new("site");
    set(p[0], "match", "a");
    set(p[0], "match", "b");
    set(p[1], "match", "a");
    set(p[1], "match", "b");
    set(p[2], "match", "b");
    set(p[2], "match", "a");
    set(p[3], "match", "a");
    assert_true(hash_eq(p[0]->hash, p[1]->hash));
    assert_false(hash_eq(p[0]->hash, p[2]->hash));
    assert_false(hash_eq(p[0]->hash, p[3]->hash));
    profile_forget(p[1], STR("match"));
    set(p[1], "match", "a");
    assert_false(hash_eq(p[0]->hash, p[1]->hash));
    for (size_t i = 0; i < COUNT(p); i++)
        profile_unref(p[i]);
}

static void test_references(void **state)
{
    struct profile *p = profile_new("site");

    (void)state;
    assert_ptr_equal(profile_ref(p), p);
    profile_unref(p);
    set(p, "match", "still there");
    profile_unref(p);
    profile_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_every_key, drop_profile),
        cmocka_unit_test(test_keys_are_listed),
        cmocka_unit_test_teardown(test_refused, drop_profile),
        cmocka_unit_test_teardown(test_names_in_paths, drop_profile),
        cmocka_unit_test_teardown(test_handler_is_given_back, drop_profile),
        cmocka_unit_test_teardown(test_forget, drop_profile),
        cmocka_unit_test_teardown(test_complete, drop_profile),
        cmocka_unit_test_teardown(test_inherited, drop_profile),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_references),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
