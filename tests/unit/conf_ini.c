/* The INI reader: items with their lines, and what is none of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf.h"

#include <stdlib.h>
#include <string.h>

static void write_item(void *arg, const struct ini_item *item)
{
    buf_printf(arg, "%u[%.*s]", item->line, STR_ARG(item->section));
    if (item->key.n)
        buf_printf(arg, "%.*s=%.*s", STR_ARG(item->key), STR_ARG(item->value));
    buf_putc(arg, '\n');
}

static void assert_read(struct str text, const char *items, const char *told)
{
    struct faults faults;
    struct buf seen;
    size_t lines = 0;

    faults_init(&faults);
    buf_init(&seen, 1 << 20);
    buf_puts(&seen, "");
    buf_puts(&faults.text, "");
    ini_parse("f", text, write_item, &seen, &faults);
    assert_string_equal(seen.data, items);
    assert_string_equal(faults.text.data, told);
    for (const char *p = told; *p; p++)
        lines += *p == '\n';
    assert_int_equal(faults.count, lines);
    buf_clear(&seen);
    faults_clear(&faults);
}

static void test_items(void **state)
{
    (void)state;
    assert_read((struct str){0}, "", "");
    assert_read(STR("a=1\n[s]\n\n b  =  2 3 \n[source  x ]\nc = \n"),
                "1[]a=1\n2[s]\n4[s]b=2 3\n5[source  x]\n6[source  x]c=\n", "");
    assert_read(STR("\xef\xbb\xbf[s]\r\na = 1\r\n"), "1[s]\n2[s]a=1\n", "");
    assert_read(STR("a = 1"), "1[]a=1\n", "");
    assert_read(STR("a = 1\na = 2\n"), "1[]a=1\n2[]a=2\n", "");
}

static void test_comments_only_at_the_start_of_a_line(void **state)
{
    (void)state;
    assert_read(STR("# a = 1\n; b\n  # c\nd = 1 # 2 ; 3\ne = #f\n"), "4[]d=1 # 2 ; 3\n5[]e=#f\n",
                "");
}

static void test_only_the_first_equals_sign_parts(void **state)
{
    (void)state;
    assert_read(STR("a = b = c\nb = [x]\n"), "1[]a=b = c\n2[]b=[x]\n", "");
}

static void test_faults(void **state)
{
    (void)state;
    assert_read(STR("junk\n= 1\n[s\nk = \xff\nm = a\x01\na = 1\n"), "6[]a=1\n",
                "f:1: 'junk' is neither [section] nor key = value nor a comment\n"
                "f:2: there is no key before the =\n"
                "f:3: a section's header ends with ]\n"
                "f:4: this line is not UTF-8\n"
                "f:5: this line has a control character in it\n");
    assert_read(STR("a = \0\n# \xff\n"), "",
                "f:1: this line has a control character in it\nf:2: this line is not UTF-8\n");
}

static void test_long_lines(void **state)
{
    struct buf text, items;

    (void)state;
    buf_init(&text, 1 << 20);
    buf_init(&items, 1 << 20);
    buf_puts(&text, "k = ");
    buf_puts(&items, "1[]k=");
    for (int i = 0; i < 50000; i++) {
        buf_puts(&text, "中a");
        buf_puts(&items, "中a");
    }
    buf_puts(&items, "\n");
    assert_read(buf_str(&text), items.data, "");
    buf_clear(&text);
    buf_clear(&items);
}

/* A file of faults is not quoted without end, but its faults are counted. */
static void test_faults_are_capped(void **state)
{
    struct faults faults;

    (void)state;
    faults_init(&faults);
    for (int i = 0; i < 30000; i++)
        faults_add(&faults, "file", 7, "%0900d", i);
    assert_int_equal(faults.count, 30000);
    assert_true(faults.text.len <= 1024 * 1024);
    assert_int_equal(faults.text.data[faults.text.len - 1], '\n');
    faults_clear(&faults);
    faults_add(&faults, "file", 0, "x");
    assert_string_equal(faults.text.data, "file: x\n");
    faults_clear(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_comments_only_at_the_start_of_a_line),
        cmocka_unit_test(test_only_the_first_equals_sign_parts),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_faults_are_capped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
