/* URIs: RFC 3986, and what browsers make of the rest. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct example {
    const char *reference;
    const char *target; /* NULL: none is to be had */
};

static void assert_resolves(const char *base, const struct example *x)
{
    struct buf b;
    int done;

    buf_init(&b, 4096);
    done = uri_resolve(&b, str_of(base), str_of(x->reference));
    if (done != (x->target ? 0 : -1))
        fail_msg("'%s' against '%s' gives %d, '%.*s'", x->reference, base, done,
                 STR_ARG(buf_str(&b)));
    if (x->target && !str_eq(buf_str(&b), str_of(x->target)))
        fail_msg("'%s' against '%s' gives '%.*s' instead of '%s'", x->reference, base,
                 STR_ARG(buf_str(&b)), x->target);
    buf_clear(&b);
}

static void assert_all(const char *base, const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_resolves(base, &examples[i]);
}

static void test_rfc_normal(void **state)
{
    static const struct example examples[] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
    };

    (void)state;
    assert_all("http://a/b/c/d;p?q", examples, COUNT(examples));
}

static void test_rfc_abnormal(void **state)
{
    static const struct example examples[] = {
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
        {"http:g", "http://a/b/c/g"}, /* the way that browsers go */
    };

    (void)state;
    assert_all("http://a/b/c/d;p?q", examples, COUNT(examples));
}

static void test_as_browsers_do(void **state)
{
    static const struct example examples[] = {
        {" \n/x\t ", "https://h.example/x"},
        {"/a\nb\t/c", "https://h.example/ab/c"},
        {"/a b", "https://h.example/a%20b"},
        {"/图?名=值#段", "https://h.example/%E5%9B%BE?%E5%90%8D=%E5%80%BC#%E6%AE%B5"},
        {"/%e5%9B%BE%20", "https://h.example/%e5%9B%BE%20"},
        {"/100%", "https://h.example/100%25"},
        {"/%zz%4", "https://h.example/%25zz%254"},
        {"/\"<>`{|}^", "https://h.example/%22%3C%3E%60%7B%7C%7D%5E"},
        {"/[1]?a[]=1", "https://h.example/[1]?a[]=1"},
        {"//other.example/x", "https://other.example/x"},
        {"\\\\other.example\\x?a\\b", "https://other.example/x?a%5Cb"},
        {"https:///other.example/x", "https://other.example/x"},
        {"//\xe4\xbe\x8b.example/\xe4\xbe\x8b", "https://\xe4\xbe\x8b.example/%E4%BE%8B"},
        {"HTTP://Host.Example/A", "http://Host.Example/A"},
        {"http://user@h:8080/?q", "http://user@h:8080/?q"},
        {"http://[::1]:80/", "http://[::1]:80/"},
        {"/a/%2E%2e/b", "https://h.example/b"},
        {"?", "https://h.example/dir/page?"},
        {"#", "https://h.example/dir/page?a=b#"},
        {"javascript:void(0)", "javascript:void(0)"},
        {"java\nscript:alert(1)", "javascript:alert(1)"},
        {"\x01javascript:alert(1)", "javascript:alert(1)"},
        {"data:image/png;base64,AA+/==", "data:image/png;base64,AA+/=="},
        {"data:text/html,/a/../b", "data:text/html,/a/../b"},
        {"mailto:a@b.example?subject=x y", "mailto:a@b.example?subject=x%20y"},
        {"http://", NULL},
        {"http:///", NULL},
        {"http://a b/", NULL},
        {"http://a<b>/", NULL},
        {"http:x", NULL}, /* not the scheme of the page: there is no host */
    };

    (void)state;
    assert_all("https://h.example/dir/page?a=b#c", examples, COUNT(examples));
}

static void test_other_bases(void **state)
{
    static const struct {
        const char *base;
        struct example x;
    } cases[] = {
        {"", {"http://a/b/../c d", "http://a/c%20d"}},
        /* Nearly what resolving would give, and not quite. */
        {"", {"https://h.example/a.b/c?d.e#f.g", "https://h.example/a.b/c?d.e#f.g"}},
        {"", {"https://h.example/a/./b/../c", "https://h.example/a/c"}},
        {"", {"https://h.example/a.", "https://h.example/a."}},
        {"", {"https://h.example/.a/..b", "https://h.example/.a/..b"}},
        {"", {"https://h.example/..", "https://h.example/"}},
        {"", {"https://h.example/x%", "https://h.example/x%25"}},
        {"", {"https://h.example/x ", "https://h.example/x"}},
        {"", {"https://h.example", "https://h.example"}},
        {"", {"https:////h.example/x", "https://h.example/x"}},
        {"", {"x", NULL}},
        {"", {"", NULL}},
        {"", {"//a/b", NULL}},
        {"", {"#f", NULL}},
        {"not a base", {"x", NULL}},
        {"http://a", {"b", "http://a/b"}},
        {"http://a?q", {"", "http://a?q"}},
        {"http://a?q", {"b", "http://a/b"}},
        {"http://a/中 文/", {"b", "http://a/%E4%B8%AD%20%E6%96%87/b"}},
        {"file:///d/page.html", {"pic.png", "file:///d/pic.png"}},
        {"file:///d/page.html", {"../../x", "file:///x"}},
        {"file:///d/page.html", {"//h/x", "file://h/x"}},
        {"mailto:a@b", {"x", NULL}},
        {"mailto:a@b", {"#f", "mailto:a@b#f"}},
        {"data:text/html,x", {"/y", "data:/y"}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_resolves(cases[i].base, &cases[i].x);
}

/* What came out once comes out again. */
static void test_resolving_twice_changes_nothing(void **state)
{
    static const char *const references[] = {"a b%", "//x/%20/../y", "中?#%", "d:e f", "a/..//b"};

    (void)state;
    for (size_t i = 0; i < COUNT(references); i++) {
        struct buf once, twice;

        buf_init(&once, 1000);
        buf_init(&twice, 1000);
        assert_int_equal(uri_resolve(&once, STR("http://h/d/p"), str_of(references[i])), 0);
        assert_int_equal(uri_resolve(&twice, (struct str){0}, buf_str(&once)), 0);
        assert_string_equal(once.data, twice.data);
        buf_clear(&once);
        buf_clear(&twice);
    }
}

static void test_a_full_buf_is_told(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_int_equal(uri_resolve(&b, STR("http://a/b/c"), STR("../long/enough")), -1);
    buf_clear(&b);
}

static void assert_part(struct str part, const char *expected)
{
    if (!str_eq(part, str_of(expected)))
        fail_msg("'%.*s' instead of '%s'", STR_ARG(part), expected);
}

static void test_parts(void **state)
{
    (void)state;
    assert_part(uri_scheme(STR("HTTP://x")), "HTTP");
    assert_part(uri_scheme(STR("a+b-c.d1:x")), "a+b-c.d1");
    assert_part(uri_scheme(STR("1a:x")), "");
    assert_part(uri_scheme(STR("a/b:c")), "");
    assert_part(uri_scheme(STR("a")), "");
    assert_part(uri_host(STR("http://user:pw@host.example:80/x?y#z")), "host.example");
    assert_part(uri_host(STR("http://[::1]:80/")), "[::1]");
    assert_part(uri_host(STR("http://h?q@x")), "h");
    assert_part(uri_host(STR("mailto:a@b")), "");
    assert_part(uri_host(STR("file:///x")), "");
    assert_part(uri_without_fragment(STR("http://a/?b#c#d")), "http://a/?b");
    assert_part(uri_without_query(STR("http://a/?b#c")), "http://a/");
    assert_part(uri_without_query(STR("http://a/#b?c")), "http://a/");
    assert_part(uri_without_query(STR("http://a/")), "http://a/");
    assert_true(uri_is_http(STR("Https://x")));
    assert_false(uri_is_http(STR("http:///x")));
    assert_false(uri_is_http(STR("http:x")));
    assert_false(uri_is_http(STR("ftp://x")));
    assert_false(uri_is_http((struct str){0}));
}

static void test_coding(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    uri_decode(&b, STR("a%20b%E4%b8%ad%%2%zz%41"));
    assert_string_equal(b.data, "a b中%%2%zzA");
    buf_reset(&b);
    uri_encode_all(&b, STR("aZ9 -_.~中,"));
    assert_string_equal(b.data, "aZ9%20%2D%5F%2E%7E%E4%B8%AD%2C");
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc_normal),
        cmocka_unit_test(test_rfc_abnormal),
        cmocka_unit_test(test_as_browsers_do),
        cmocka_unit_test(test_other_bases),
        cmocka_unit_test(test_resolving_twice_changes_nothing),
        cmocka_unit_test(test_a_full_buf_is_told),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_coding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
