/* Restarts: what was served before is served after, to the byte; what was killed is there in full
 * or not at all; validators are kept. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECTIONS 40

/* A page of SECTIONS sections; `generation` changes the text of each. */
static char *page_of(int generation)
{
    struct buf b;

    buf_init(&b, SIZE_MAX);
    buf_puts(&b, "<html><head><title>T</title></head><body><article><div id=\"container\">");
    for (int i = 0; i < SECTIONS; i++)
        buf_printf(
            &b,
            "<h1>#Section %d</h1><p>These are the words of section %d, which nobody else has "
            "but %d, in generation %d.</p><p>....</p>",
            i, i, i * 7919, generation);
    buf_puts(&b, "</div></article></body></html>");
    return buf_take(&b, NULL);
}

static void write_conf(struct place *p, const char *state, const char *url)
{
    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nbase-url = http://feeds.example\n"
                 "state-dir = %s\n[source blog]\nurl = %s\nid-base = x\nprofile = 51cto\n"
                 "interval = 1h\n",
                 place_path(p, state), url);
}

static struct house *start(struct place *p)
{
    struct ran r;
    struct house *h = house_start(place_path(p, "digestd.conf"), &r);

    if (!h)
        fail_msg("did not start: %s", r.err.p);
    return h;
}

static char *list(struct place *p)
{
    struct ran r = DIGESTD("list", "-c", place_path(p, "digestd.conf"));
    char *out = (char *)r.out.p;

    assert_int_equal(r.status, 0);
    free((char *)r.err.p);
    return out;
}

static void test_restart(void **state)
{
    static const char *const paths[] = {"/blog.atom", "/blog.rss", "/blog.json"};
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char *page = page_of(1), *before[3], *after, value[64];
    struct house *h;

    source_site_set(site, "/page",
                    &(struct site_step){.body = page,
                                        .etag = "\"v 1\"",
                                        .last_modified = "Wed, 12 Nov 2025 01:30:00 GMT",
                                        .conditional = true},
                    1);
    write_conf(p, "state", source_site_url(site, "/page"));
    h = start(p);
    assert_true(house_wait_log(h, "blog: new: Section 39\n", 30000));
    for (int i = 0; i < 3; i++)
        before[i] = house_get_with(h, paths[i], "Section 39", 30000);
    assert_int_equal(house_stop(h, NULL), 0);

    h = start(p);
    for (int i = 0; i < 3; i++) {
        after = house_get_with(h, paths[i], "Section 39", 30000);
        assert_non_null(after);
        assert_string_equal(after, before[i]);
        free(after);
    }
    /* The next poll is where it was, and its validators go out byte for byte. */
    assert_int_equal(source_site_requests(site, "/page"), 1);
    struct ran r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));
    assert_int_equal(r.status, 0);
    assert_string_equal(r.out.p, "");
    ran_clear(&r);
    assert_string_equal(source_site_header(site, "/page", 2, "If-None-Match", value, sizeof(value)),
                        "\"v 1\"");
    assert_string_equal(
        source_site_header(site, "/page", 2, "If-Modified-Since", value, sizeof(value)),
        "Wed, 12 Nov 2025 01:30:00 GMT");
    assert_int_equal(house_stop(h, NULL), 0);
    for (int i = 0; i < 3; i++)
        free(before[i]);
    free(page);
    source_site_stop(site);
}

/* A poll in another process, killed after so many microseconds. */
static void poll_and_kill(struct place *p, long microseconds)
{
    const char *conf = place_path(p, "digestd.conf");
    sigset_t child, old;
    struct timespec wait = {microseconds / 1000000, microseconds % 1000000 * 1000};
    pid_t pid;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &old);
    pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &old, NULL);
        setenv("DIGESTD_PROFILE_DIR", "conf/profiles", 1);
        dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
        execl(digestd_path(), digestd_path(), "poll", "-c", conf, NULL);
        _exit(127);
    }
    /* Waits for its end or for the time, whichever comes first. */
    sigtimedwait(&child, NULL, &wait);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

static size_t rows_of(const char *text)
{
    size_t n = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        n++;
    return n;
}

/* The ids of a listing, sorted by title, without dates. */
static void check_whole(const char *listing, size_t *rows)
{
    *rows = rows_of(listing);
    if (*rows != 0 && *rows != SECTIONS)
        fail_msg("a poll is there in part: %zu rows", *rows);
}

static void test_killed_in_the_middle(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char *first = page_of(1), *settled = NULL;
    size_t rows = 0;
    bool seen_none = false;

    source_site_set_page(site, "/page", first);
    write_conf(p, "state-killed", source_site_url(site, "/page"));
    for (long us = 500; us < 200000; us += us / 8 + 100) {
        char *listing;

        poll_and_kill(p, us);
        listing = list(p);
        check_whole(listing, &rows);
        seen_none = seen_none || rows == 0;
        /* Once announced, an entry is never announced again: ids and dates stand. */
        if (settled)
            assert_string_equal(listing, settled);
        else if (rows)
            settled = strdup(listing);
        free(listing);
    }
    assert_true(seen_none);
    if (!settled) { /* a slow machine: let one through */
        struct ran r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));

        assert_int_equal(rows_of(r.out.p), SECTIONS);
        ran_clear(&r);
    }
    free(settled);
    free(first);
    source_site_stop(site);
}

/* A second process on the same state is told who has it. */
static void test_one_owner(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char *page = page_of(1), expected[64];
    struct house *h;
    struct ran r;

    source_site_set_page(site, "/page", page);
    write_conf(p, "state-owned", source_site_url(site, "/page"));
    h = start(p);
    assert_true(house_wait_log(h, "blog: new: Section 39\n", 30000));
    r = DIGESTD("run", "-c", place_path(p, "digestd.conf"));
    snprintf(expected, sizeof(expected), "in use by process %d", house_pid(h));
    assert_int_equal(r.status, 3);
    assert_non_null(strstr(r.err.p, expected));
    ran_clear(&r);
    house_kill(h);
    /* Nobody has it any more. */
    r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));
    assert_int_equal(r.status, 0);
    assert_string_equal(r.out.p, "");
    ran_clear(&r);
    free(page);
    source_site_stop(site);
}

/* SIGHUP: a faulty conf is told and the old one goes on; a good one is taken over. */
static void test_reload(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char *page = page_of(1), *body;
    struct house *h;

    source_site_set_page(site, "/page", page);
    write_conf(p, "state-reload", source_site_url(site, "/page"));
    h = start(p);
    assert_true(house_wait_log(h, "blog: new: Section 39\n", 30000));
    place_write(p, "digestd.conf", STR("[daemon]\nnonsense\n"));
    house_signal(h, SIGHUP);
    assert_true(house_wait_log(h, "goes on", 30000));
    assert_int_equal(house_status(h, "/blog.atom", NULL), 200);
    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
                 "[source other]\nurl = %s\nid-base = y\nprofile = 51cto\ntitle = Another & more\n",
                 place_path(p, "state-reload"), source_site_url(site, "/page"));
    house_signal(h, SIGHUP);
    assert_true(house_wait_log(h, "other: new: Section 39\n", 30000));
    body = house_get_with(h, "/other.atom", "Another &amp; more", 30000);
    assert_non_null(body);
    assert_int_equal(house_status(h, "/blog.atom", NULL), 404);
    free(body);
    assert_int_equal(house_stop(h, NULL), 0);
    free(page);
    source_site_stop(site);
}

static void assert_served(struct house *h, const char *path, const char *text)
{
    char *body = house_get_with(h, path, text, 30000);

    if (!body)
        fail_msg("%s never had %s", path, text);
    free(body);
}

/* What only concerns how feeds are written takes effect at once, without another look at the page;
 * what is stored knows nothing of it. */
static void test_reload_writes_anew(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    struct house *h = NULL;

    source_site_set_page(site, "/page",
                         "<html><head><title>T</title></head><body><article><div id=\"container\">"
                         "<h1>#One</h1><p><img src=\"http://h/a.png\"> words</p><p>....</p>"
                         "</div></article></body></html>");
    for (int reload = 0; reload < 3; reload++) {
        bool through = reload == 1;
        place_writef(p, "digestd.conf",
                     "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n%s"
                     "[source blog]\nurl = %s\nid-base = x\nprofile = 51cto\n",
                     place_path(p, "state-proxy"),
                     through ? "[poll]\nimage-proxy = https://p.example/%u\n" : "",
                     source_site_url(site, "/page"));
        if (reload)
            house_signal(h, SIGHUP);
        else
            h = start(p);
        assert_served(h, "/blog.rss",
                      through ? "&quot;https://p.example/http%3A%2F%2Fh%2Fa%2Epng&quot;"
                              : "&quot;http://h/a.png&quot;");
    }
    assert_int_equal(source_site_requests(site, "/page"), 1);
    assert_int_equal(house_stop(h, NULL), 0);
    source_site_stop(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_killed_in_the_middle),
        cmocka_unit_test(test_one_owner),
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_reload_writes_anew),
    };

    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
