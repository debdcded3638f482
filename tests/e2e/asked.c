/* `digestd poll` beside a running daemon: what is asked is answered, whatever else goes on. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE(sections)                                                                             \
    "<html><head><title>T</title></head><body><article><div id=\"container\">" sections            \
    "</div></article></body></html>"
#define ONE "<h1>#One</h1><p>the first of all</p><p>....</p>"
#define TWO "<h1>#Two</h1><p>the second of all</p><p>....</p>"

/* A poll in a thread of its own. */
struct asker {
    pthread_t thread;
    const char *conf;
    struct ran ran;
};

static void *asker_main(void *arg)
{
    struct asker *a = arg;

    a->ran = DIGESTD("poll", "-c", a->conf);
    return NULL;
}

static void ask(struct asker *a, const char *conf)
{
    a->conf = conf;
    assert_int_equal(pthread_create(&a->thread, NULL, asker_main, a), 0);
}

static void write_conf(struct place *p, const char *name, const char *state, const char *sources)
{
    place_writef(p, name, "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n%s",
                 place_path(p, state), sources);
}

static char *source_of(const char *name, const char *url)
{
    char *text = NULL;

    assert_true(asprintf(&text,
                         "[source %s]\nurl = %s\nid-base = %s\nprofile = 51cto\ninterval = 1h\n",
                         name, url, name) > 0);
    return text;
}

static struct house *start(struct place *p, const char *name)
{
    struct ran r;
    struct house *h = house_start(place_path(p, name), &r);

    if (!h)
        fail_msg("did not start: %s", r.err.p);
    return h;
}

/* What was on its way already may be older than what somebody asks about. */
static void test_asked_during_a_fetch(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char *source = source_of("blog", source_site_url(site, "/page"));
    struct asker a;
    struct house *h;

    source_site_set(
        site, "/page",
        (struct site_step[]){{.body = PAGE(ONE), .hold = true}, {.body = PAGE(TWO ONE)}}, 2);
    write_conf(p, "c", "s", source);
    h = start(p, "c");
    assert_true(source_site_wait_requests(site, "/page", 1, 30));
    ask(&a, place_path(p, "c"));
    source_site_release(site, "/page");
    pthread_join(a.thread, NULL);
    assert_int_equal(a.ran.status, 0);
    assert_non_null(strstr(a.ran.out.p, "\tTwo\n"));
    assert_int_equal(source_site_requests(site, "/page"), 2);
    ran_clear(&a.ran);
    assert_int_equal(house_stop(h, NULL), 0);
    free(source);
    source_site_stop(site);
}

static void test_asked_and_stopped(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char *source = source_of("blog", source_site_url(site, "/page"));
    struct asker a;
    struct house *h;

    source_site_set(
        site, "/page",
        (struct site_step[]){{.body = PAGE(ONE)}, {.body = PAGE(TWO ONE), .hold = true}}, 2);
    write_conf(p, "c", "s", source);
    h = start(p, "c");
    assert_true(house_wait_log(h, "blog: new: One", 30000));
    ask(&a, place_path(p, "c"));
    assert_true(source_site_wait_requests(site, "/page", 2, 30));
    house_signal(h, SIGTERM);
    assert_true(house_wait_log(h, "stopping", 30000));
    source_site_release(site, "/page");
    pthread_join(a.thread, NULL);
    assert_int_equal(a.ran.status, 0);
    assert_non_null(strstr(a.ran.out.p, "\tTwo\n"));
    ran_clear(&a.ran);
    assert_int_equal(house_stop(h, NULL), 0);
    free(source);
    source_site_stop(site);
}

/* A conf that the running daemon has not read. */
static void test_another_conf(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char *blog = source_of("blog", source_site_url(site, "/page"));
    char *extra = source_of("extra", source_site_url(site, "/extra"));
    char *both = NULL;
    struct house *h;
    struct ran r;

    assert_true(asprintf(&both, "%s%s", blog, extra) > 0);
    source_site_set_page(site, "/page", PAGE(ONE));
    write_conf(p, "c", "s", blog);
    write_conf(p, "more", "s", both);
    h = start(p, "c");
    assert_true(house_wait_log(h, "blog: new: One", 30000));
    source_site_set_page(site, "/page", PAGE(TWO ONE));
    r = DIGESTD("poll", "-c", place_path(p, "more"));
    assert_int_equal(r.status, 2);
    assert_non_null(strstr(r.out.p, "extra\terror\t-\tthe running daemon"));
    assert_non_null(strstr(r.out.p, "blog\tnew\turn:uuid:"));
    ran_clear(&r);
    assert_int_equal(house_stop(h, NULL), 0);
    free(blog);
    free(extra);
    free(both);
    source_site_stop(site);
}

/* Sections that change places are no event, but what stands beside them is another one. */
static void test_moved(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    char *source = source_of("blog", source_site_url(site, "/page"));
    char path[64] = "/blog/", *body;
    struct house *h;
    struct ran r;

    source_site_set_page(site, "/page", PAGE(ONE TWO));
    write_conf(p, "c", "s", source);
    h = start(p, "c");
    body = house_get_with(h, "/blog.json", "\"title\":\"One\"", 30000);
    assert_non_null(body);
    /* One is the first of the feed, behind its own id. */
    strncat(path, strstr(body, "\"items\":[{\"id\":\"urn:uuid:") + 25, 36);
    strcat(path, ".html");
    free(body);
    body = house_get_with(h, path, "rel=\"next\"", 30000);
    assert_non_null(body);
    assert_non_null(strstr(body, ">Two<"));
    assert_null(strstr(body, "rel=\"prev\""));
    free(body);
    source_site_set_page(site, "/page", PAGE(TWO ONE));
    r = DIGESTD("poll", "-c", place_path(p, "c"));
    assert_int_equal(r.status, 0);
    assert_string_equal(r.out.p, "");
    ran_clear(&r);
    body = house_get_with(h, path, "rel=\"prev\"", 30000);
    assert_non_null(body);
    assert_null(strstr(body, "rel=\"next\""));
    free(body);
    assert_int_equal(house_stop(h, NULL), 0);
    free(source);
    source_site_stop(site);
}

static void test_no_sources(void **state)
{
    struct place *p = *state;
    struct house *h = NULL;

    write_conf(p, "c", "s", "");
    for (int beside = 0; beside < 2; beside++) {
        struct ran r;

        if (beside)
            h = start(p, "c");
        r = DIGESTD("poll", "-c", place_path(p, "c"));
        assert_int_equal(r.status, 0);
        assert_string_equal(r.out.p, "");
        ran_clear(&r);
    }
    free(house_get_with(h, "/healthz", "ok", 30000));
    assert_int_equal(house_status(h, "/healthz", NULL), 200);
    assert_int_equal(house_stop(h, NULL), 0);
}

/* Many sources of one slow host: none runs out of time because it waits for its turn. */
static void test_many_of_one_host(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    struct asker a;
    struct buf sources;

    buf_init(&sources, SIZE_MAX);
    for (int i = 0; i < 12; i++) {
        char name[16], path[16];
        char *source;

        snprintf(name, sizeof(name), "s%d", i);
        snprintf(path, sizeof(path), "/%d", i);
        source_site_set(site, path, &(struct site_step){.body = PAGE(ONE), .hold = true}, 1);
        source = source_of(name, source_site_url(site, path));
        buf_puts(&sources, source);
        free(source);
    }
    write_conf(p, "c", "s", sources.data);
    ask(&a, place_path(p, "c"));
    assert_true(source_site_wait_requests(site, NULL, 2, 30));
    for (size_t done = 0; done < 12; done++) {
        char path[16];

        /* Never more than two at once, and always the next ones. */
        assert_true(source_site_wait_requests(site, NULL, done + 2 < 12 ? done + 2 : 12, 30));
        assert_true(source_site_requests(site, NULL) <= done + 2);
        snprintf(path, sizeof(path), "/%zu", done);
        source_site_release(site, path);
    }
    pthread_join(a.thread, NULL);
    assert_int_equal(a.ran.status, 0);
    ran_clear(&a.ran);
    buf_clear(&sources);
    source_site_stop(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_asked_during_a_fetch, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_asked_and_stopped, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_another_conf, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_moved, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_no_sources, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_many_of_one_host, place_set_up, place_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
