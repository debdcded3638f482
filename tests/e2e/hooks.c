/* Programs that are run for what happened: what they are told, in which order, how often, and what
 * becomes of it where they fail, are slow, or we are killed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS 20000 /* until a test that waits is given up */

#define PAGE(sections)                                                                             \
    "<html><head><title>T</title></head><body><article><div id=\"container\">" sections            \
    "</div></article></body></html>"
#define A "<h1>#A</h1><p>The quick brown fox jumps over the lazy dog.</p><p>....</p>"
#define B "<h1>#B</h1><p>Pack my box with five dozen liquor jugs.</p><p>....</p>"
#define C "<h1>#C</h1><p>How vexingly quick daft zebras jump!</p><p>....</p>"
#define D "<h1>#D</h1><p>Sphinx of black quartz, judge my vow.</p><p>....</p>"

struct world {
    struct place *place;
    struct source_site *site;
    char *conf;
    char *told; /* the file that the hook writes to */
};

static void write_conf(struct world *w, const char *keys)
{
    place_writef(w->place, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[source blog]\nurl = %s\n"
                 "id-base = x\nprofile = 51cto\ninterval = 1h\nremoval-guard = 100%%\n%s",
                 place_path(w->place, "state"), source_site_url(w->site, "/page"), keys);
}

/* The program is the shell with this script, in the folder of the test. */
static void write_hook(struct world *w, const char *script)
{
    place_writef(w->place, "hook", "cd %s\n%s\n", place_path(w->place, ""), script);
}

static struct world begin(struct place *p, const char *key, const char *script)
{
    struct world w = {.place = p, .site = source_site_start()};
    char keys[512];

    snprintf(keys, sizeof(keys), "%s = /bin/sh %s %%u\n", key, place_path(p, "hook"));
    write_conf(&w, keys);
    write_hook(&w, script);
    w.conf = strdup(place_path(p, "c"));
    w.told = strdup(place_path(p, "told"));
    return w;
}

static void end(struct world *w)
{
    source_site_stop(w->site);
    free(w->conf);
    free(w->told);
}

static void serve(struct world *w, const char *page)
{
    source_site_set_page(w->site, "/page", page);
}

/* One poll in a process of its own; its exit status. */
static int poll_at(struct world *w, int epoch)
{
    char clock[64];
    const char *argv[] = {digestd_path(), "poll", "-c", w->conf, NULL};
    const char *environment[] = {"DIGESTD_PROFILE_DIR=conf/profiles", clock, NULL};
    struct ran r;

    snprintf(clock, sizeof(clock), "SOURCE_DATE_EPOCH=%d", 1800000000 + epoch);
    r = run_program(argv, environment);
    int status = r.status;
    ran_clear(&r);
    return status;
}

/* What the hook was told: a title a line of JSON, or a state; or the lines as they are. */
static char *told(struct world *w)
{
    struct str all = file_read(w->told), rest = {all.p ? all.p : "", all.n};
    struct buf out;

    buf_init(&out, SIZE_MAX);
    buf_puts(&out, "");
    while (rest.n) {
        struct str line = str_cut(&rest, '\n');
        json_t *o = json_loadb(line.p, line.n, 0, NULL);
        const char *word = json_string_value(json_object_get(o, "state"));

        word = word ? word : json_string_value(json_object_get(o, "title"));
        if (out.len)
            buf_putc(&out, ' ');
        if (word)
            buf_puts(&out, word);
        else
            buf_add(&out, line);
        json_decref(o);
    }
    free((void *)(uintptr_t)all.p);
    return buf_take(&out, NULL);
}

static void assert_told(struct world *w, const char *expected)
{
    char *got = told(w);

    assert_string_equal(got, expected);
    free(got);
}

static bool wait_told(struct world *w, const char *expected)
{
    const struct timespec moment = {.tv_nsec = 20000000};

    for (int ms = 0; ms < MS; ms += 20) {
        char *got = told(w);
        bool same = strcmp(got, expected) == 0;

        free(got);
        if (same)
            return true;
        nanosleep(&moment, NULL);
    }
    assert_told(w, expected);
    return false;
}

static struct house *start(struct world *w)
{
    struct ran ran = {0};
    struct house *h = house_start(w->conf, &ran);

    if (!h)
        fail_msg("%s", ran.err.p);
    return h;
}

static void poll_beside(struct world *w)
{
    struct ran r = DIGESTD("poll", "-c", w->conf);

    assert_int_equal(r.status, 0);
    ran_clear(&r);
}

/* ---- on-new -------------------------------------------------------------------------------- */

/* The item of the JSON Feed with this title. */
static json_t *item_titled(struct world *w, const char *title)
{
    struct ran r = DIGESTD("list", "-c", w->conf, "-f", "jsonfeed", "blog");
    json_t *root = json_loads(r.out.p, 0, NULL), *item, *found = NULL;
    size_t i;

    json_array_foreach(json_object_get(root, "items"), i,
                       item) if (strcmp(json_string_value(json_object_get(item, "title")), title) ==
                                 0) found = json_incref(item);
    json_decref(root);
    ran_clear(&r);
    assert_non_null(found);
    return found;
}

/* Once for each entry that is new, the oldest first, with the item of the JSON Feed and whose it
 * is; never for what was there at the first poll, came back, or was edited. */
static void test_new_entries_are_told(void **state)
{
    struct world w = begin(*state, "on-new", "cat >>told; echo $1 >>links");

    serve(&w, PAGE(A B));
    assert_int_equal(poll_at(&w, 0), 0);
    assert_told(&w, "");
    serve(&w, PAGE(D C A B));
    assert_int_equal(poll_at(&w, 10), 0);
    assert_told(&w, "C D");
    assert_int_equal(poll_at(&w, 20), 0);
    serve(&w, PAGE(D C B));
    assert_int_equal(poll_at(&w, 30), 0);
    serve(&w,
          PAGE(D "<h1>#C</h1><p>How vexingly quick zebras jump, daft ones!</p><p>....</p>" A B));
    assert_int_equal(poll_at(&w, 40), 0);
    assert_told(&w, "C D");

    struct str all = file_read(w.told), rest = all;
    str_cut(&rest, '\n');
    json_t *given = json_loadb(rest.p, rest.n, 0, NULL), *item = item_titled(&w, "D");
    const json_t *more = json_object_get(given, "_digestd");
    assert_string_equal(json_string_value(json_object_get(more, "source")), "blog");
    assert_string_equal(json_string_value(json_object_get(more, "feed_title")), "T");
    assert_string_equal(json_string_value(json_object_get(more, "home_page_url")),
                        source_site_url(w.site, "/page"));
    assert_true(json_is_integer(json_object_get(more, "reading_minutes")));
    json_object_set(given, "_digestd", json_object_get(item, "_digestd"));
    assert_true(json_equal(given, item));

    struct str links = file_read(place_path(w.place, "links"));
    rest = links;
    str_cut(&rest, '\n');
    assert_true(
        str_eq(str_cut(&rest, '\n'), str_of(json_string_value(json_object_get(item, "url")))));
    json_decref(given);
    json_decref(item);
    free((void *)(uintptr_t)all.p);
    free((void *)(uintptr_t)links.p);
    end(&w);
}

/* Later and later, those behind it wait; then it is given up. No poll fails for that. */
static void test_a_program_that_fails(void **state)
{
    static const int tries[] = {11, 72, 373, 2174};
    struct world w = begin(*state, "on-new", "cat >>told; exit 1");
    int at = 10;

    serve(&w, PAGE(A));
    poll_at(&w, 0);
    serve(&w, PAGE(C B A));
    assert_int_equal(poll_at(&w, at), 0);
    assert_told(&w, "B");
    assert_int_equal(poll_at(&w, at + 9), 0);
    assert_told(&w, "B");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(poll_at(&w, at + tries[i]), 0);
    assert_told(&w, "B B B B");
    write_hook(&w, "cat >>told; [ -e better ]");
    assert_int_equal(poll_at(&w, at + tries[3]), 0); /* the last, and the first of the next */
    assert_told(&w, "B B B B B C");
    place_write(w.place, "better", STR(""));
    assert_int_equal(poll_at(&w, at + tries[3] + 11), 0);
    assert_int_equal(poll_at(&w, at + tries[3] + 99), 0);
    assert_told(&w, "B B B B B C C");
    end(&w);
}

static void test_a_program_that_is_not_there(void **state)
{
    struct world w = begin(*state, "on-new", "");
    struct house *h;
    char *feed;

    write_conf(&w, "on-new = /nowhere/program\n");
    serve(&w, PAGE(A));
    h = start(&w);
    poll_beside(&w);
    serve(&w, PAGE(B A));
    poll_beside(&w);
    assert_true(house_wait_log(h,
                               "blog: on-new: could not start /nowhere/program: No such file or "
                               "directory; tried again in 10 s: urn:uuid:",
                               MS));
    feed = house_get_with(h, "/blog.json", "\"title\":\"B\"", MS);
    assert_non_null(feed);
    free(feed);
    assert_int_equal(house_stop(h, NULL), 0);
    end(&w);
}

/* Killed in the middle of it: once more at the next start, and never again after that. */
static void test_killed(void **state)
{
    struct world w = begin(*state, "on-new", "cat >>told; [ -e go ] || sleep 1000");
    struct house *h;

    serve(&w, PAGE(A));
    h = start(&w);
    poll_beside(&w);
    serve(&w, PAGE(C B A));
    poll_beside(&w);
    assert_true(wait_told(&w, "B"));
    house_kill(h);
    assert_told(&w, "B");
    place_write(w.place, "go", STR(""));
    h = start(&w);
    assert_true(wait_told(&w, "B B C"));
    serve(&w, PAGE(D C B A));
    poll_beside(&w);
    assert_true(wait_told(&w, "B B C D"));
    assert_int_equal(house_stop(h, NULL), 0);
    end(&w);
}

/* Neither a poll nor the feeds nor the end of the daemon wait for a program that is slow. */
static void test_a_program_that_is_slow(void **state)
{
    struct world w = begin(*state, "on-new", "cat >>told; [ -e go ] || sleep 1000");
    struct house *h;
    char *feed;

    serve(&w, PAGE(A));
    h = start(&w);
    poll_beside(&w);
    serve(&w, PAGE(B A));
    poll_beside(&w);
    assert_true(wait_told(&w, "B"));
    serve(&w, PAGE(C B A));
    poll_beside(&w);
    feed = house_get_with(h, "/blog.json", "\"title\":\"C\"", MS);
    assert_non_null(feed);
    free(feed);
    assert_told(&w, "B"); /* C waits for its turn */
    house_signal(h, 15);
    assert_int_equal(house_stop(h, NULL), 0);
    end(&w);
}

/* Nothing is handed over to whom the conf has no more. */
static void test_a_program_that_is_taken_out(void **state)
{
    struct world w = begin(*state, "on-new", "cat >>told; exit 1");
    struct ran r;

    serve(&w, PAGE(A));
    poll_at(&w, 0);
    serve(&w, PAGE(C B A));
    poll_at(&w, 10);
    assert_told(&w, "B");
    char *before = (char *)(uintptr_t)file_read(w.conf).p;
    write_conf(&w, "");
    poll_at(&w, 30);
    place_write(w.place, "c", str_of(before));
    free(before);
    poll_at(&w, 50);
    assert_told(&w, "B");
    r = DIGESTD("check", "--state", "-c", w.conf);
    assert_int_equal(r.status, 0);
    ran_clear(&r);
    end(&w);
}

/* ---- on-trouble ---------------------------------------------------------------------------- */

static void fail_source(struct world *w)
{
    source_site_set(w->site, "/page", &(struct site_step){.status = 500}, 1);
}

/* Into trouble at the second poll in a row that fails, whatever comes of the next ones, and out of
 * it; each poll is a process of its own. */
static void test_trouble_is_told_once_each_way(void **state)
{
    struct world w = begin(*state, "on-trouble", "cat >>told; echo $1 >>links");
    char *feed;

    serve(&w, PAGE(A));
    poll_at(&w, 0);
    fail_source(&w);
    assert_int_equal(poll_at(&w, 1000), 2); /* a blip */
    serve(&w, PAGE(A));
    poll_at(&w, 2000);
    assert_told(&w, "");
    for (int i = 3; i < 7; i++) {
        if (i < 5)
            fail_source(&w);
        else
            serve(&w, "<html><body>nothing</body></html>");
        assert_int_equal(poll_at(&w, i * 1000), 2);
        assert_told(&w, i == 3 ? "" : "trouble");
    }
    serve(&w, PAGE(A));
    poll_at(&w, 7000);
    poll_at(&w, 8000);
    assert_told(&w, "trouble ok");

    struct str all = file_read(w.told), rest = all;
    json_t *first = json_loadb(rest.p, str_find(rest, STR("\n"), 0), 0, NULL), *second;
    str_cut(&rest, '\n');
    second = json_loadb(rest.p, rest.n, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(first, "source")), "blog");
    assert_string_equal(json_string_value(json_object_get(first, "doubt")), "fetch");
    assert_string_equal(json_string_value(json_object_get(first, "reason")),
                        "the site answered 500 Internal Server Error");
    assert_string_equal(json_string_value(json_object_get(first, "since")), "2027-01-15T08:50:00Z");
    assert_string_equal(json_string_value(json_object_get(first, "at")), "2027-01-15T09:06:40Z");
    assert_string_equal(json_string_value(json_object_get(second, "since")),
                        "2027-01-15T08:50:00Z");
    assert_string_equal(json_string_value(json_object_get(second, "at")), "2027-01-15T09:56:40Z");
    json_decref(first);
    json_decref(second);
    free((void *)(uintptr_t)all.p);

    /* again, and out of it by a page that has news */
    fail_source(&w);
    poll_at(&w, 9000);
    poll_at(&w, 10000);
    serve(&w, PAGE(B A));
    poll_at(&w, 11000);
    assert_told(&w, "trouble ok trouble ok");
    feed = (char *)(uintptr_t)file_read(place_path(w.place, "links")).p;
    assert_true(str_starts(str_of(feed), str_of(source_site_url(w.site, "/page"))));
    free(feed);
    end(&w);
}

/* A trouble that could not be told of is not told of to whom the conf has no more. */
static void test_an_alarm_that_is_taken_out(void **state)
{
    struct world w = begin(*state, "on-trouble", "cat >>told; exit 1");
    char *before;

    serve(&w, PAGE(A));
    poll_at(&w, 0);
    fail_source(&w);
    poll_at(&w, 1000);
    poll_at(&w, 2000);
    assert_told(&w, "trouble");
    before = (char *)(uintptr_t)file_read(w.conf).p;
    write_conf(&w, "");
    assert_int_equal(poll_at(&w, 3000), 2);
    place_write(w.place, "c", str_of(before));
    free(before);
    serve(&w, PAGE(A));
    assert_int_equal(poll_at(&w, 4000), 0);
    assert_told(&w, "trouble ok");
    end(&w);
}

#define RUN(test) cmocka_unit_test_setup_teardown(test, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_new_entries_are_told),          RUN(test_a_program_that_fails),
        RUN(test_a_program_that_is_not_there),   RUN(test_killed),
        RUN(test_a_program_that_is_slow),        RUN(test_a_program_that_is_taken_out),
        RUN(test_trouble_is_told_once_each_way), RUN(test_an_alarm_that_is_taken_out),
    };

    return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
