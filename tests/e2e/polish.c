/* Once there is nothing else to do, feeds are compressed better, and no reader notices but by
 * getting fewer bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_MS 60000
/* What is published after all others, and so comes last here, too. */
#define LAST    "/all.json"
#define BR      "Accept-Encoding: br\r\n"
/* Of the text of a page. */
#define LONG    30000
#define SHORT   1800

struct stage {
    struct place *place;
    struct source_site *site;
    struct house *house;
};

/* ---- pages ---------------------------------------------------------------------------------- */

/* Words in an order that no rule tells. */
static void put_words(struct buf *page, size_t n)
{
    static const char *const words[] = {"kettle", "bridge", "garden", "spring",   "whistle", "rain",
                                        "tea",    "upper",  "second", "thursday", "and",     "of"};
    uint32_t x = 1;

    for (size_t from = page->len; page->len - from < n;) {
        x = x * 1664525 + 1013904223;
        buf_printf(page, "%s%u ", words[(x >> 24) % 12], (x >> 16) % 50);
    }
}

static void show(struct stage *s, const char *path, size_t n)
{
    struct buf page;

    buf_init(&page, 1 << 20);
    buf_puts(&page, "<html><head><title>T</title></head><body><article><p>#One</p><p>");
    put_words(&page, n);
    buf_puts(&page, "</p><p>....</p></article></body></html>");
    source_site_set_page(s->site, path, page.data);
    buf_clear(&page);
}

static const char *write_conf(struct stage *s, bool with_first)
{
    char first[512] = "";

    if (with_first)
        snprintf(first, sizeof first, "[source first]\nurl = %s\nprofile = digest\n",
                 source_site_url(s->site, "/first"));
    place_writef(s->place, "conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n%s"
                 "[source short]\nurl = %s\nprofile = digest\n"
                 "[source long]\nurl = %s\nprofile = digest\n",
                 place_path(s->place, "state"), first, source_site_url(s->site, "/short"),
                 source_site_url(s->site, "/long"));
    return place_path(s->place, "conf");
}

static void start(struct stage *s)
{
    struct ran r;

    show(s, "/long", LONG);
    show(s, "/first", LONG);
    show(s, "/short", SHORT);
    s->house = house_start(write_conf(s, true), &r);
    if (!s->house)
        fail_msg("%s", r.err.p);
    free(house_get_with(s->house, "/long.atom", "<entry>", WAIT_MS));
    free(house_get_with(s->house, "/short.atom", "<entry>", WAIT_MS));
}

/* ---- what is served ------------------------------------------------------------------------- */

static size_t brotli_length(struct str text, int quality)
{
    size_t n = BrotliEncoderMaxCompressedSize(text.n);
    uint8_t *out = malloc(n);

    assert_non_null(out);
    assert_true(BrotliEncoderCompress(quality, text.n > 65536 ? 18 : 16, BROTLI_MODE_TEXT, text.n,
                                      (const uint8_t *)text.p, &n, out));
    free(out);
    return n;
}

static struct raw_client *get(const struct stage *s, const char *path, const char *fields,
                              struct raw_response *r)
{
    struct raw_client *c = raw_get(house_address(s->house), path, fields, WAIT_MS, r);

    assert_non_null(c);
    return c;
}

static size_t served_length(const struct stage *s, const char *path)
{
    struct raw_response r;
    struct raw_client *c = get(s, path, BR, &r);
    size_t n = r.body.n;

    assert_int_equal(r.status, 200);
    raw_close(c);
    return n;
}

static bool is_polished(const struct stage *s, const char *path)
{
    size_t served = served_length(s, path), soon;
    char *text = house_get(s->house, path);

    assert_non_null(text);
    soon = brotli_length(str_of(text), 5);
    free(text);
    return served < soon;
}

/* Until its brotli is smaller than that of level 5. */
static void wait_until_polished(const struct stage *s, const char *path)
{
    time_t until = time(NULL) + WAIT_MS / 1000;

    while (!is_polished(s, path)) {
        assert_true(time(NULL) < until);
        poll(NULL, 0, 20);
    }
}

static void assert_decodes(struct str packed, struct str text)
{
    size_t n = text.n + 1;
    uint8_t *out = malloc(n);

    assert_non_null(out);
    assert_int_equal(BrotliDecoderDecompress(packed.n, (const uint8_t *)packed.p, &n, out),
                     BROTLI_DECODER_RESULT_SUCCESS);
    assert_int_equal(n, text.n);
    assert_memory_equal(out, text.p, n);
    free(out);
}

static int64_t date_of(const struct raw_response *r, const char *field)
{
    int64_t date = 0;

    assert_int_equal(date_parse_http(raw_field(r, field), 0, &date), 0);
    return date;
}

/* What was published twice within a second is dated in the next one, but in that second itself with
 * the answer's own date (house_wait_dated): then the later date may be one more. */
static void assert_same_date(const struct raw_response *before, const struct raw_response *after)
{
    int64_t first = date_of(before, "Last-Modified"), then = date_of(after, "Last-Modified");
    bool put_off = first == date_of(before, "Date") && then == first + 1;

    assert_true(then == first || put_off);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void nobody_fetches_again(void **state)
{
    struct stage *s = *state;
    struct raw_response before, after, packed;
    struct raw_client *old, *new, *br;
    char fields[256];

    start(s);
    old = get(s, "/long.atom", NULL, &before);
    wait_until_polished(s, "/long.atom");
    new = get(s, "/long.atom", NULL, &after);
    br = get(s, "/long.atom", BR, &packed);
    assert_true(str_eq(before.body, after.body));
    assert_decodes(packed.body, after.body);
    assert_true(str_eq(raw_field(&before, "ETag"), raw_field(&packed, "ETag")));
    assert_same_date(&before, &packed);
    snprintf(fields, sizeof fields, BR "If-None-Match: %.*s\r\n",
             STR_ARG(raw_field(&before, "ETag")));
    assert_int_equal(house_status(s->house, "/long.atom", fields), 304);
    raw_close(old);
    raw_close(new);
    raw_close(br);
}

static void the_short_one_is_left_alone(void **state)
{
    struct stage *s = *state;
    char *text;

    start(s);
    wait_until_polished(s, LAST);
    text = house_get(s->house, "/short.atom");
    assert_non_null(text);
    assert_true(strlen(text) < 4096);
    assert_int_equal(served_length(s, "/short.atom"), brotli_length(str_of(text), 5));
    free(text);
}

static void what_is_no_longer_followed_does_not_come_back(void **state)
{
    struct stage *s = *state;

    start(s);
    free(house_get_with(s->house, "/first.atom", "<entry>", WAIT_MS));
    write_conf(s, false);
    house_signal(s->house, SIGHUP);
    assert_true(house_wait_log(s->house, "first: no longer followed", WAIT_MS));
    wait_until_polished(s, LAST);
    assert_int_equal(house_status(s->house, "/first.atom", NULL), 404);
}

static int set_up(void **state)
{
    struct stage *s = calloc(1, sizeof *s);

    if (!s)
        return -1;
    s->place = place_make();
    s->site = source_site_start();
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *s = *state;

    if (s->house)
        assert_int_equal(house_stop(s->house, NULL), 0);
    source_site_stop(s->site);
    place_remove(s->place);
    free(s);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_fetches_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_short_one_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_longer_followed_does_not_come_back, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
