/* Pages from files and programs; several fetches at once, and cancelled ones. */
#include "fetch_rig.h"

#include "../../daemon/fetch/transfer.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- file: --------------------------------------------------------------------------------- */

static void write_file(char *path, const char *text)
{
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1234567890}};
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
}

static void test_file(void **state)
{
    struct rig *rig = *state;
    char path[] = "/tmp/digestd page-XXXXXX", url[64];
    struct told told;

    write_file(path, "a page");
    snprintf(url, sizeof url, "file:///tmp/digestd%%20page%s", path + strlen("/tmp/digestd page"));
    told = fetch_now(rig, url, NULL, NULL);
    assert_string_equal(told.body, "a page");
    assert_int_equal(told.file_time, 1234567890);
    assert_int_equal(told.http_status, 0);
    assert_string_equal(told.content_type, "");
    assert_string_equal(told.url, url);
    assert_told(told, FETCH_OK, "");

    rig->conf.max_size = 6;
    assert_told(fetch_now(rig, url, NULL, NULL), FETCH_OK, "");
    rig->conf.max_size = 5;
    assert_told(fetch_now(rig, url, NULL, NULL), FETCH_FAILED,
                "the page is larger than max-size (5) allows");
    assert_int_equal(truncate(path, 0), 0);
    assert_told(fetch_now(rig, url, NULL, NULL), FETCH_OK, "");
    unlink(path);
}

static void test_file_that_cannot_be_read(void **state)
{
    assert_told(fetch_now(*state, "file:///etc/passwd/no%20page", NULL, NULL), FETCH_FAILED,
                "could not read the file no page: Not a directory");
    assert_told(fetch_now(*state, "file:///no/such/page.html", NULL, NULL), FETCH_FAILED,
                "could not read the file page.html: No such file or directory");
}

static void test_file_that_is_none(void **state)
{
    struct rig *rig = *state;
    struct error e;

    assert_null(fetch_start(rig->fetcher, STR("file:///dev/zero"), &rig->conf, NULL,
                            (struct str){0}, NOW, on_told, NULL, &e));
    assert_string_equal(e.text, "could not read the file zero: it is no regular file");
    assert_null(fetch_start(rig->fetcher, STR("file:///%65tc"), &rig->conf, NULL, (struct str){0},
                            NOW, on_told, NULL, &e));
    assert_string_equal(e.text, "could not read the file etc: it is no regular file");
}

/* ---- fetch-command ------------------------------------------------------------------------- */

static struct told fetch_by(struct rig *rig, const char *command)
{
    rig->conf.fetch_command = (char *)(uintptr_t)command;
    return fetch_now(rig, "https://digest.invalid/a?b='c'&d", NULL, NULL);
}

static void test_command(void **state)
{
    struct told told = fetch_by(*state, "printf '<p>%s</p>' %u");

    assert_string_equal(told.body, "<p>https://digest.invalid/a?b='c'&d</p>");
    assert_told(told, FETCH_OK, "");
    told = fetch_by(*state, "echo '<p>' \"%u\"");
    assert_string_equal(told.body, "<p> https://digest.invalid/a?b='c'&d\n");
    assert_string_equal(told.url, "https://digest.invalid/a?b='c'&d");
    assert_string_equal(told.content_type, "");
    assert_int_equal(told.http_status, 0);
    assert_told(told, FETCH_OK, "");
}

static void test_command_that_fails(void **state)
{
    struct rig *rig = *state;
    struct error e;

    assert_told(fetch_by(rig, "sh -c 'echo half a page; exit 7'"), FETCH_FAILED,
                "fetch-command: sh ended with exit status 7");
    assert_told(fetch_by(rig, "sh -c 'echo half a page; kill -9 $$'"), FETCH_FAILED,
                "fetch-command: sh was killed by signal 9 (Killed)");
    assert_told(fetch_by(rig, "true %u"), FETCH_FAILED, "fetch-command: the program wrote nothing");
    assert_told(fetch_by(rig, "no-such-browser %u"), FETCH_FAILED,
                "fetch-command: could not start no-such-browser: No such file or directory");
    assert_told(fetch_by(rig, "yes %u"), FETCH_FAILED,
                "fetch-command: yes wrote more than 1048576 bytes and was stopped");
    rig->conf.timeout = 1;
    assert_told(fetch_by(rig, "sleep 1000"), FETCH_FAILED,
                "fetch-command: sleep had not ended after 1 s and was stopped");
    rig->conf.fetch_command = (char *)(uintptr_t) "browser '%u";
    assert_null(fetch_start(rig->fetcher, STR("http://a.invalid/"), &rig->conf, NULL,
                            (struct str){0}, NOW, on_told, NULL, &e));
    assert_string_equal(e.text, "fetch-command: a quotation mark is not closed");
}

/* A browser prints what it has once the page has loaded, unless it is told to wait. */
static void test_a_browser_waits(void **state)
{
    struct told told = fetch_by(*state, "echo --headless '--dump-dom' %u");

    assert_string_equal(told.body, "--headless --virtual-time-budget=10000 --dump-dom "
                                   "https://digest.invalid/a?b='c'&d\n");
    told_clear(&told);
    told = fetch_by(*state, "echo --dump-dom --virtual-time-budget=3 %u x");
    assert_string_equal(told.body,
                        "--dump-dom --virtual-time-budget=3 https://digest.invalid/a?b='c'&d x\n");
    told_clear(&told);
    told = fetch_by(*state, "echo 'a --dump-dom' %u");
    assert_string_equal(told.body, "a --dump-dom https://digest.invalid/a?b='c'&d\n");
    told_clear(&told);
}

static void test_command_says_why(void **state)
{
    assert_told(fetch_by(*state, "sh -c 'echo starting >&2; echo no display >&2; exit 1'"),
                FETCH_FAILED, "fetch-command: sh ended with exit status 1: no display");
}

static void count_down(void *arg, const struct fetch_result *result)
{
    int *left = arg;

    assert_string_equal(result->reason, "");
    assert_string_equal(result->body.p, "page\n");
    --*left;
}

/* Four at once; the others wait, and may be cancelled while they do. */
static void test_commands_take_turns(void **state)
{
    struct rig *rig = *state;
    struct fetch *fetches[8];
    int left = 6;

    rig->conf.fetch_command = (char *)(uintptr_t) "echo page";
    for (int i = 0; i < 8; i++) {
        fetches[i] = fetch_start(rig->fetcher, STR("http://a.invalid/"), &rig->conf, NULL,
                                 (struct str){0}, NOW, count_down, &left, NULL);
        assert_non_null(fetches[i]);
    }
    assert_int_equal(rig->fetcher->commands, 4);
    assert_int_equal(rig->fetcher->commands_waiting, 4);
    fetch_cancel(fetches[0]); /* runs: its place is given to another, from the loop */
    fetch_cancel(fetches[6]); /* waits */
    assert_int_equal(rig->fetcher->commands, 3);
    assert_int_equal(rig->fetcher->commands_waiting, 3);
    while (left > 0 && ev_run(rig->loop, EVRUN_ONCE))
        assert_true(rig->fetcher->commands <= 4);
    assert_int_equal(left, 0);
    assert_int_equal(rig->fetcher->commands, 0);
    assert_int_equal(rig->fetcher->commands_waiting, 0);
}

static void test_freed_while_commands_wait(void **state)
{
    struct rig *rig = *state;
    int left = 0;

    rig->conf.fetch_command = (char *)(uintptr_t) "sleep 1000";
    for (int i = 0; i < 9; i++)
        assert_non_null(fetch_start(rig->fetcher, STR("http://a.invalid/"), &rig->conf, NULL,
                                    (struct str){0}, NOW, count_down, &left, NULL));
    fetcher_free(rig->fetcher);
    rig->fetcher = NULL;
}

static void test_command_without_a_helper(void **state)
{
    struct rig *rig = *state;
    struct error e = {{0}};
    struct fetcher *alone = fetcher_new(rig->loop, NULL, &e);

    assert_non_null(alone);
    rig->conf.fetch_command = (char *)(uintptr_t) "true";
    assert_null(fetch_start(alone, STR("http://a.invalid/"), &rig->conf, NULL, (struct str){0}, NOW,
                            on_told, NULL, &e));
    assert_string_equal(e.text, "fetch-command: programs cannot be run here");
    fetcher_free(alone);
}

/* ---- several ------------------------------------------------------------------------------- */

struct crowd {
    struct rig *rig;
    struct fetch *other; /* to be cancelled by the first callback */
    int to_start, left, good;
};

static void on_one(void *arg, const struct fetch_result *result);

static struct fetch *start_one(struct crowd *crowd, const char *path)
{
    struct error e = {{0}};
    struct fetch *f =
        fetch_start(crowd->rig->fetcher, str_of(source_site_url(crowd->rig->site, path)),
                    &crowd->rig->conf, NULL, (struct str){0}, NOW, on_one, crowd, &e);

    if (!f)
        fail_msg("%s", e.text);
    crowd->left++;
    return f;
}

/* Starts and cancels others, as a caller may. */
static void on_one(void *arg, const struct fetch_result *result)
{
    struct crowd *crowd = arg;

    crowd->good += result->status == FETCH_OK && str_eq(result->body, STR("x"));
    if (crowd->to_start-- > 0)
        start_one(crowd, "/page");
    if (crowd->other) {
        fetch_cancel(crowd->other);
        crowd->other = NULL;
        crowd->left--;
    }
    if (--crowd->left == 0)
        ev_break(crowd->rig->loop, EVBREAK_ALL);
}

/* The site holds all it gets: more than two do not come. */
static void test_two_connections_a_host(void **state)
{
    struct rig *rig = *state;
    struct crowd crowd = {.rig = rig};
    struct site_step held = {.body = "x", .hold = true};

    source_site_set(rig->site, "/page", &held, 1);
    for (int i = 0; i < 6; i++)
        start_one(&crowd, "/page");
    for (int i = 0; i < 6; i++)
        source_site_release(rig->site, "/page");
    run_loop(rig);
    assert_int_equal(crowd.good, 6);
    assert_int_equal(source_site_requests(rig->site, NULL), 6);
    assert_in_range(source_site_connections(rig->site), 1, 2);
}

static void test_callbacks_start_and_cancel(void **state)
{
    struct rig *rig = *state;
    struct crowd crowd = {.rig = rig, .to_start = 5};
    struct site_step hang = {.fault = SITE_HANG};

    source_site_set_page(rig->site, "/page", "x");
    source_site_set(rig->site, "/hangs", &hang, 1);
    crowd.other = start_one(&crowd, "/hangs");
    start_one(&crowd, "/page");
    run_loop(rig);
    assert_int_equal(crowd.left, 0);
    assert_int_equal(crowd.good, 6);
}

/* Both come to their end in one step of the loop: the first callback cancels the second. */
static void test_cancelled_after_its_end(void **state)
{
    struct rig *rig = *state;
    char path[] = "/tmp/digestd-page-XXXXXX", url[64];
    struct crowd crowd = {.rig = rig};
    struct error e;

    write_file(path, "x");
    snprintf(url, sizeof url, "file://%s", path);
    for (int i = 0; i < 2; i++) {
        crowd.other = fetch_start(rig->fetcher, str_of(url), &rig->conf, NULL, (struct str){0}, NOW,
                                  on_one, &crowd, &e);
        assert_non_null(crowd.other);
        crowd.left++;
    }
    run_loop(rig);
    assert_int_equal(crowd.left, 0);
    assert_int_equal(crowd.good, 1);
    unlink(path);
}

/* What is under way when all ends is cancelled by fetcher_free(), in rig_down(). */
static void test_freed_while_under_way(void **state)
{
    struct rig *rig = *state;
    struct site_step hang = {.fault = SITE_HANG};
    struct crowd crowd = {.rig = rig, .to_start = 100};
    struct error e;

    source_site_set(rig->site, "/hangs", &hang, 1);
    source_site_set_page(rig->site, "/page", "x");
    start_one(&crowd, "/hangs");
    rig->conf.fetch_command = (char *)(uintptr_t) "sleep 1000";
    assert_non_null(fetch_start(rig->fetcher, STR("http://a.invalid/"), &rig->conf, NULL,
                                (struct str){0}, NOW, on_one, &crowd, &e));
    rig->conf.fetch_command = NULL;
    while (!source_site_requests(rig->site, "/hangs"))
        ev_run(rig->loop, EVRUN_ONCE);
    assert_int_equal(crowd.left, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_file),
        RUN(test_file_that_cannot_be_read),
        RUN(test_file_that_is_none),
        RUN(test_command),
        RUN(test_command_that_fails),
        RUN(test_a_browser_waits),
        RUN(test_command_says_why),
        RUN(test_commands_take_turns),
        RUN(test_freed_while_commands_wait),
        RUN(test_command_without_a_helper),
        RUN(test_two_connections_a_host),
        RUN(test_callbacks_start_and_cancel),
        RUN(test_cancelled_after_its_end),
        RUN(test_freed_while_under_way),
    };

    return cmocka_run_group_tests_name("fetch other", tests, NULL, NULL);
}
