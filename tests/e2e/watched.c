/* A page that is a file: every way to edit it shows at once, though it is polled once a year. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_MS 15000

struct world {
    struct place *place;
    struct house *house;
};

/* A page of one section whose text is `word`. */
static struct str page_of(const char *word, char *out, size_t size)
{
    int n = snprintf(out, size,
                     "<html><body><article><div id=\"container\"><h1>#Title</h1>"
                     "<p>The word is %s.</p><p>....</p></div></article></body></html>",
                     word);

    assert_in_range(n, 1, size - 1);
    return (struct str){out, (size_t)n};
}

static void edit(const struct world *w, const char *name, const char *word)
{
    char page[512];

    place_write(w->place, name, page_of(word, page, sizeof(page)));
}

/* The feed says so, in time. */
static void shows(const struct world *w, const char *word)
{
    char text[64];
    char *feed;

    snprintf(text, sizeof(text), "The word is %s.", word);
    feed = house_get_with(w->house, "/page.json", text, WAIT_MS);
    if (!feed)
        fail_msg("the feed does not say \"%s\": %s", text, house_log(w->house));
    free(feed);
}

static void put_in_place(const struct world *w, const char *from, const char *to)
{
    char *old = strdup(place_path(w->place, from));

    assert_int_equal(rename(old, place_path(w->place, to)), 0);
    free(old);
}

static struct world begin(struct place *p)
{
    struct world w = {.place = p};
    struct ran r;

    place_writef(p, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[source page]\n"
                 "url = file:p%%C3%%A4%%20ge.html\nid-base = x\nprofile = 51cto\n"
                 "interval = 365d\n",
                 place_path(p, "state"));
    w.house = house_start(place_path(p, "c"), &r);
    if (!w.house)
        fail_msg("did not start: %s", r.err.p);
    return w;
}

#define PAGE "pä ge.html"

/* In place, and twice within a second by as many bytes, which no time in seconds tells apart. */
static void test_written(void **state)
{
    struct world w = {.place = *state};

    edit(&w, PAGE, "first");
    w = begin(*state);
    shows(&w, "first");
    edit(&w, PAGE, "second");
    shows(&w, "second");
    for (char word[] = "aaaa"; word[0] < 'g'; word[0]++) {
        edit(&w, PAGE, word);
        shows(&w, word);
    }
    assert_int_equal(house_stop(w.house, NULL), 0);
}

/* Another file takes its name, as editors do it; the one that took it is watched in its turn. */
static void test_replaced(void **state)
{
    struct world w = {.place = *state};

    edit(&w, PAGE, "first");
    w = begin(*state);
    shows(&w, "first");
    for (char word[] = "aaaa"; word[0] < 'd'; word[0]++) {
        edit(&w, "new", word);
        put_in_place(&w, "new", PAGE);
        shows(&w, word);
    }
    edit(&w, PAGE, "written");
    shows(&w, "written");
    assert_int_equal(house_stop(w.house, NULL), 0);
}

/* Told once as trouble, with its feed as it was; put back it is in order again, at once. */
static void test_deleted(void **state)
{
    struct world w = {.place = *state};
    char *log;

    edit(&w, PAGE, "first");
    w = begin(*state);
    shows(&w, "first");
    put_in_place(&w, PAGE, "aside");
    assert_true(house_wait_log(w.house, "No such file", WAIT_MS));
    shows(&w, "first");
    put_in_place(&w, "aside", PAGE);
    assert_true(house_wait_log(w.house, "page: in order again", WAIT_MS));
    assert_int_equal(unlink(place_path(w.place, PAGE)), 0);
    edit(&w, PAGE, "again");
    shows(&w, "again");
    assert_int_equal(house_stop(w.house, &log), 0);
    assert_null(strstr(log, "removed"));
    free(log);
}

/* It was never there. */
static void test_made_later(void **state)
{
    struct world w = begin(*state);

    assert_true(house_wait_log(w.house, "No such file", WAIT_MS));
    edit(&w, PAGE, "late");
    shows(&w, "late");
    assert_int_equal(house_stop(w.house, NULL), 0);
}

/* What a link leads to is edited; the link leads elsewhere. */
static void test_link(void **state)
{
    struct world w = {.place = *state};

    edit(&w, "one", "first");
    edit(&w, "two", "other");
    assert_int_equal(symlink("one", place_path(w.place, PAGE)), 0);
    w = begin(*state);
    shows(&w, "first");
    edit(&w, "one", "second");
    shows(&w, "second");
    assert_int_equal(symlink("two", place_path(w.place, "new")), 0);
    put_in_place(&w, "new", PAGE);
    shows(&w, "other");
    edit(&w, "two", "another");
    shows(&w, "another");
    assert_int_equal(house_stop(w.house, NULL), 0);
}

/* Written in pieces: the half is not believed, nor told as trouble. */
static void test_in_pieces(void **state)
{
    struct world w = {.place = *state};
    char page[512], *log;
    struct str whole = page_of("whole", page, sizeof(page));

    edit(&w, PAGE, "first");
    w = begin(*state);
    shows(&w, "first");
    int fd = open(place_path(w.place, PAGE), O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t i = 0; i < whole.n; i++)
        assert_int_equal(write(fd, whole.p + i, 1), 1);
    close(fd);
    shows(&w, "whole");
    assert_int_equal(house_stop(w.house, &log), 0);
    if (strstr(log, "page: cut short") || strstr(log, "page: empty"))
        fail_msg("%s", log);
    free(log);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
    const struct CMUnitTest tests[] = {T(test_written),    T(test_replaced), T(test_deleted),
                                       T(test_made_later), T(test_link),     T(test_in_pieces)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
