/* Feeds that are too large for all of them to stay in memory: those that find no room are kept in
 * the store, and nobody who reads them can tell. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT          60000
#define ASK_AGAIN     20
/* Two of these sources, their feeds in three formats, are more than what stays in memory (32 MiB).
 */
#define SECTIONS      40
#define SECTION_BYTES 150000
#define PAGE_MAX      ((size_t)16 << 20)

static const char *const formats[] = {".atom", ".rss", ".json"};

/* The same sentence again and again, so that compressing it takes no time. */
static void put_words(struct buf *out, unsigned seed, size_t bytes)
{
    size_t end = out->len + bytes;

    while (out->len < end)
        buf_printf(out, "What number %u has to say it says more than once. ", seed);
}

static void write_page(struct place *p, const char *name, unsigned sections, const char *news)
{
    struct buf page;

    buf_init(&page, PAGE_MAX);
    buf_puts(&page, "<html><head><title>T</title></head><body><article><div id=\"container\">");
    if (news)
        buf_printf(&page, "<h1>#%s</h1><p>What is new.</p><p>....</p>", news);
    for (unsigned i = sections; i > 0; i--) {
        buf_printf(&page, "<h1>#Section %u of %s</h1><p>", i, name);
        put_words(&page, (unsigned char)name[1] * 1000 + i, SECTION_BYTES);
        buf_puts(&page, "</p><p>....</p>");
    }
    buf_puts(&page, "</div></article></body></html>");
    place_write(p, name, buf_str(&page));
    buf_clear(&page);
}

/* The sources in this order: who comes first finds room first. */
static void write_conf(struct place *p, const char *const names[])
{
    struct buf conf;

    buf_init(&conf, PAGE_MAX);
    buf_printf(&conf,
               "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\ncache-size = 64M\n"
               "base-url = https://feeds.example.org\n",
               place_path(p, "state"));
    for (; *names; names++)
        buf_printf(&conf, "[source %s]\nurl = file:%s\nprofile = 51cto\n", *names, *names);
    place_write(p, "conf", buf_str(&conf));
    buf_clear(&conf);
}

static struct house *start(struct place *p)
{
    struct ran r;
    struct house *h = house_start(place_path(p, "conf"), &r);

    if (!h)
        fail_msg("did not start: %s", r.err.p);
    return h;
}

/* A feed as it was answered: the bytes, and what a reader keeps of it. */
struct answer {
    char *body, *etag, *since;
};

static char *field(const struct raw_response *r, const char *name)
{
    struct str value = raw_field(r, name);

    return value.p ? strndup(value.p, value.n) : NULL;
}

static struct answer look(const struct house *h, const char *name, const char *format)
{
    struct raw_response r;
    struct answer a = {0};
    char path[64];

    snprintf(path, sizeof(path), "/%s%s", name, format);
    free(house_get_with(h, path, " of ", WAIT)); /* it is there by now */
    assert_true(house_wait_dated(h, path, WAIT));
    struct raw_client *c = raw_get(house_address(h), path, NULL, WAIT, &r);
    assert_non_null(c);
    if (r.status != 200)
        fail_msg("%s: %d", path, r.status);
    a.body = strndup(r.body.p, r.body.n);
    a.etag = field(&r, "ETag");
    a.since = field(&r, "Last-Modified");
    assert_true(a.body && a.etag && a.since);
    raw_close(c);
    return a;
}

static void answer_clear(struct answer *a)
{
    free(a->body);
    free(a->etag);
    free(a->since);
}

static void assert_same(const struct answer *a, const struct answer *b)
{
    assert_string_equal(a->etag, b->etag);
    assert_string_equal(a->since, b->since);
    assert_true(strcmp(a->body, b->body) == 0); /* megabytes: not to be told */
}

/* Requests so far that had to wait for what is not in memory, as it was within this second. */
static double misses(const struct house *h)
{
    char *body = house_get_with(h, "/metrics", "\ndigestd_body_cache_misses_total ", WAIT);
    double n;

    assert_non_null(body);
    n = atof(strstr(body, "\ndigestd_body_cache_misses_total ") +
             strlen("\ndigestd_body_cache_misses_total "));
    free(body);
    return n;
}

/* There are soon so many. */
static void await_misses(const struct house *h, double least)
{
    for (int left = WAIT / ASK_AGAIN; left && misses(h) < least; left--)
        poll(NULL, 0, ASK_AGAIN);
    assert_true(misses(h) >= least);
}

static void assert_unmodified(const struct house *h, const char *path, const struct answer *a)
{
    char fields[256];

    snprintf(fields, sizeof(fields), "If-None-Match: %s\r\n", a->etag);
    assert_int_equal(house_status(h, path, fields), 304);
    snprintf(fields, sizeof(fields), "If-Modified-Since: %s\r\n", a->since);
    assert_int_equal(house_status(h, path, fields), 304);
}

static void test_put_away(void **state)
{
    struct place *p = *state;
    struct answer first[3], later[3];
    struct house *h;
    double before;

    write_page(p, "one", SECTIONS, NULL);
    write_page(p, "two", SECTIONS, NULL);
    write_page(p, "three", SECTIONS, NULL);
    write_conf(p, (const char *const[]){"three", NULL});
    h = start(p);
    for (int i = 0; i < 3; i++)
        first[i] = look(h, "three", formats[i]);
    assert_int_equal(house_stop(h, NULL), 0);

    /* Now the others come first. */
    write_conf(p, (const char *const[]){"one", "two", "three", NULL});
    h = start(p);
    struct answer one = look(h, "one", ".atom"), two = look(h, "two", ".json");
    answer_clear(&one);
    answer_clear(&two);
    /* They have the room that there was at the next start. */
    assert_int_equal(house_stop(h, NULL), 0);
    h = start(p);
    before = misses(h);
    free(house_get_with(h, "/one.atom", " of ", WAIT));
    assert_true(misses(h) == before);
    for (int i = 0; i < 3; i++) {
        char path[32];

        snprintf(path, sizeof(path), "/three%s", formats[i]);
        later[i] = look(h, "three", formats[i]);
        assert_same(&first[i], &later[i]);
        assert_unmodified(h, path, &first[i]);
        answer_clear(&later[i]);
    }
    await_misses(h, before + 3);

    /* A change is there at once, also where the feed was in the cache. */
    write_page(p, "three", SECTIONS, "Brand new");
    assert_true(house_wait_log(h, "three: new: Brand new", WAIT));
    for (int i = 0; i < 3; i++) {
        char path[32];

        snprintf(path, sizeof(path), "/three%s", formats[i]);
        char *body = house_get_with(h, path, "Brand new", WAIT);
        assert_non_null(body);
        assert_non_null(strstr(body, "Section 39 of three"));
        free(body);
    }
    house_kill(h);

    /* It finds room again, and is what it was in the store. */
    h = start(p);
    for (int i = 0; i < 3; i++)
        later[i] = look(h, "three", formats[i]);
    write_conf(p, (const char *const[]){"three", "one", NULL});
    house_signal(h, SIGHUP);
    assert_true(house_wait_log(h, "two: no longer followed", WAIT));
    for (int i = 0; i < 3; i++) {
        struct answer again = look(h, "three", formats[i]);

        assert_same(&later[i], &again);
        answer_clear(&again);
        answer_clear(&later[i]);
        answer_clear(&first[i]);
    }
    assert_int_equal(house_stop(h, NULL), 0);
}

/* What stood in memory does not stand there for ever. */
static void test_grown(void **state)
{
    struct place *p = *state;
    struct house *h;
    double before;

    write_page(p, "one", SECTIONS, NULL);
    write_page(p, "two", 1, NULL);
    write_conf(p, (const char *const[]){"one", "two", NULL});
    h = start(p);
    free(house_get_with(h, "/one.json", "Section 39 of one", WAIT));
    before = misses(h);
    for (int i = 0; i < 3; i++) {
        struct answer small = look(h, "two", formats[i]);

        assert_null(strstr(small.body, "Section 2 of two"));
        answer_clear(&small);
    }
    assert_true(misses(h) == before);
    write_page(p, "two", SECTIONS, NULL);
    assert_true(house_wait_log(h, "two: new: Section 39 of two", WAIT));
    for (int i = 0; i < 3; i++) {
        char path[32];

        snprintf(path, sizeof(path), "/two%s", formats[i]);
        char *body = house_get_with(h, path, "Section 39 of two", WAIT);
        assert_non_null(body);
        free(body);
    }
    await_misses(h, before + 1);
    assert_int_equal(house_stop(h, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_put_away, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_grown, place_set_up, place_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
