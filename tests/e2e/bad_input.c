/* Bad input: each fault gives one clear line and the documented exit status; each faulty page gives
 * a reason and no event, loses nothing, and leaves the feeds as they were. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in:\n%s", part, text);
}

static size_t lines_of(const char *text)
{
    size_t n = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        n++;
    return n;
}

/* ---- conf ---------------------------------------------------------------------------------- */

struct faulty_conf {
    const char *name;
    const char *text;     /* behind a [source] that is in order */
    const char *expected; /* on stderr */
};

static const struct faulty_conf faulty_confs[] = {
    {"unknown key", "intervall = 1h\n", "digestd.conf:5: unknown key"},
    {"unknown section", "[sauce a]\n", "digestd.conf:5: "},
    {"bad duration", "interval = soon\n", "digestd.conf:5: "},
    {"below the floor", "interval = 1s\n", "digestd.conf:5: "},
    {"bad percent", "removal-guard = 120%\n", "digestd.conf:5: "},
    {"bad XPath", "content = //div[\n", "digestd.conf:5: "},
    {"bad regex", "section-start = ^#(\n", "digestd.conf:5: "},
    {"no such profile", "profile = nowhere\n", "nowhere"},
    {"no url", "[source b]\nprofile = text\n", "digestd.conf:5: "},
    {"reserved name", "[source all]\nurl = http://b.example/\nprofile = text\n",
     "digestd.conf:5: "},
    {"two of one name", "[source a]\nurl = http://b.example/\nprofile = text\n",
     "digestd.conf:5: "},
    {"no key", "just words\n", "digestd.conf:5: "},
};

static void test_conf(void **state)
{
    struct place *p = *state;

    for (size_t i = 0; i < sizeof(faulty_confs) / sizeof(*faulty_confs); i++) {
        const struct faulty_conf *c = &faulty_confs[i];
        bool has_profile = strstr(c->text, "profile = nowhere") != NULL;
        struct ran r;

        place_writef(p, "digestd.conf", "[daemon]\n[source a]\nurl = http://a.example/\n%s\n%s",
                     has_profile ? "# none" : "profile = text", c->text);
        for (int run = 0; run < 2; run++) {
            r = DIGESTD(run ? "run" : "check", "-c", place_path(p, "digestd.conf"));
            if (r.status != 1 || !strstr(r.err.p, c->expected) || lines_of(r.err.p) != 1)
                fail_msg("%s: status %d, said:\n%s", c->name, r.status, r.err.p);
            ran_clear(&r);
        }
    }
}

static void test_every_fault_is_told(void **state)
{
    struct place *p = *state;
    struct ran r;

    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = nowhere\ncolour = red\n[source A]\nurl = ftp://x\n");
    r = DIGESTD("check", "-c", place_path(p, "digestd.conf"));
    assert_int_equal(r.status, 1);
    assert_has(r.err.p, "digestd.conf:2: ");
    assert_has(r.err.p, "digestd.conf:3: ");
    assert_has(r.err.p, "digestd.conf:4: ");
    assert_has(r.err.p, "digestd.conf:5: ");
    ran_clear(&r);
    /* Also where one hides what the others belong to. */
    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = 0.0.0.0:0\nbase-url =\n[source a]\nurl = http://a.example/\n"
                 "profile = nowhere\nsection-start = (\ncontent = //[\n");
    r = DIGESTD("check", "-c", place_path(p, "digestd.conf"));
    assert_int_equal(r.status, 1);
    assert_has(r.err.p, "digestd.conf:2: ");
    assert_has(r.err.p, "digestd.conf:6: ");
    assert_has(r.err.p, "digestd.conf:7: ");
    assert_has(r.err.p, "digestd.conf:8: ");
    ran_clear(&r);
}

/* A line that journals understand: when, and how bad. */
static void assert_logged(const char *log, const char *says)
{
    char line[400];

    snprintf(line, sizeof(line), "error: %s", says);
    if (!strstr(log, line))
        fail_msg("no '%s' in\n%s", line, log);
}

/* What a reload cannot use is in the log, and what then does not hold. */
static void test_reload(void **state)
{
    struct place *p = *state;
    char conf[200], says[300], *log;
    struct house *h;
    struct ran r;

    snprintf(conf, sizeof(conf), "%s", place_path(p, "digestd.conf"));
    place_writef(p, "digestd.conf", "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n",
                 place_path(p, "state"));
    h = house_start(conf, &r);
    if (!h)
        fail_msg("%s", r.err.p);
    place_writef(p, "digestd.conf", "[source a]\ncolour = red\n[daemon]\nlisten = nowhere\n");
    house_signal(h, SIGHUP);
    assert_true(house_wait_log(h, "the conf that was read before goes on", 20000));
    snprintf(says, sizeof(says), "%s:1: source 'a' has no url", conf);
    assert_logged(house_log(h), says);
    snprintf(says, sizeof(says), "%s:2: unknown key 'colour'", conf);
    assert_logged(house_log(h), says);
    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
                 "access-log = %s/access\n",
                 place_path(p, "state"), place_path(p, "missing"));
    house_signal(h, SIGHUP);
    if (!house_wait_log(h, "not taken over: listen and state-dir", 20000))
        fail_msg("%s", house_log(h));
    assert_has(house_log(h), "not taken over: access-log, which goes on as it was");
    assert_logged(house_log(h), "access-log: ");
    assert_int_equal(house_stop(h, &log), 0);
    assert_null(strstr(log, "\ndigestd.conf"));
    free(log);
    r = DIGESTD("check", "-c", conf);
    assert_int_equal(r.status, 0);
    assert_has(r.err.p, "warning: access-log: ");
    ran_clear(&r);
}

/* What this machine does not have is no fault: it may come. */
static void test_missing_things(void **state)
{
    static const char *const says[] = {
        "digestd.conf: warning: access-log: there is no folder /nowhere: make it, or name another",
        "digestd.conf:4: warning: url: cannot read /nowhere/a page.html: No such file",
        "digestd.conf:4: warning: cookie-file: cannot read /nowhere/jar: No such file",
        "digestd.conf:4: warning: on-new: no-such-program cannot be run: No such file or directory "
        "(looked for in PATH)",
        "digestd.conf:4: warning: on-trouble: /etc/passwd cannot be run: Permission denied",
        "digestd.conf:8: warning: fetch-command: /nowhere/it cannot be run: No such file or "
        "directory\n",
    };
    struct place *p = *state;
    struct ran r;

    place_write(p, "digestd.conf",
                STR("[daemon]\naccess-log = /nowhere/log\nstate-dir = state-none\n[source a]\n"
                    "url = file:///nowhere/a%20page.html\nprofile = text\n"
                    "cookie-file = /nowhere/jar\n[source b]\nurl = http://b.example/\n"
                    "profile = text\nfetch-command = /nowhere/it %u\n[source c]\n"
                    "url = http://c.example/\nprofile = text\non-trouble = sh -c true\n"
                    "[poll]\non-new = no-such-program %u\non-trouble = /etc/passwd\n"));
    r = DIGESTD("check", "-c", place_path(p, "digestd.conf"));
    assert_int_equal(r.status, 0);
    assert_has(r.out.p, "in order, 3 sources");
    for (size_t i = 0; i < sizeof(says) / sizeof(*says); i++)
        assert_has(r.err.p, says[i]);
    if (lines_of(r.err.p) != sizeof(says) / sizeof(*says))
        fail_msg("%s", r.err.p);
    ran_clear(&r);
}

static void test_command_line(void **state)
{
    static const struct {
        const char *words[6];
        int status;
        const char *expected;
    } lines[] = {
        {{"fly"}, 1, "unknown command 'fly'"},
        {{"run", "--fast"}, 1, "unknown option '--fast'"},
        {{"check", "-c"}, 1, "wants a value"},
        {{"check", "-c", "/nonexistent/digestd.conf"}, 1, "/nonexistent/digestd.conf"},
        {{"extract"}, 1, "FILE"},
        {{"extract", "-f", "pdf", "x"}, 1, "pdf"},
        {{"extract", "/nonexistent"}, 2, "/nonexistent"},
        {{"extract", "-p", "51cto", "/dev/null"}, 2, "empty"},
        {{"extract", "-p", "nowhere", "README.md"}, 1, "nowhere"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct ran r = digestd(lines[i].words);

        if (r.status != lines[i].status || !strstr(r.err.p, lines[i].expected) ||
            lines_of(r.err.p) != 1)
            fail_msg("%s %s: status %d, said:\n%s", lines[i].words[0], lines[i].words[1], r.status,
                     r.err.p);
        ran_clear(&r);
    }
}

/* ---- state and socket ---------------------------------------------------------------------- */

static void conf_with(struct place *p, const char *listen, const char *state_dir, const char *url)
{
    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = %s\nstate-dir = %s\n"
                 "[source blog]\nurl = %s\nprofile = 51cto\ninterval = 1h\ntimeout = 2s\n"
                 "max-size = 64K\n",
                 listen, state_dir, url);
}

static void run_fails(struct place *p, int status, const char *expected)
{
    struct ran r = DIGESTD("run", "-c", place_path(p, "digestd.conf"));

    if (r.status != status || !strstr(r.err.p, expected))
        fail_msg("status %d, said:\n%s", r.status, r.err.p);
    assert_int_equal(strstr(r.err.p, "digestd: ") != NULL, 1);
    ran_clear(&r);
}

static void test_state(void **state)
{
    struct place *p = *state;
    struct ran r;

    place_write(p, "file", STR("x"));
    conf_with(p, "127.0.0.1:0", place_path(p, "file/below"), "http://127.0.0.1:9/");
    run_fails(p, 3, "file/below");
    r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));
    assert_int_equal(r.status, 3);
    ran_clear(&r);
    conf_with(p, "127.0.0.1:0", place_path(p, "."), "http://127.0.0.1:9/");
    place_write(p, "digestd.db", STR("this is no database, however one looks at it .......... "));
    run_fails(p, 3, "digestd.db");
    unlink(place_path(p, "digestd.db"));
}

static void test_port_in_use(void **state)
{
    struct place *p = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char listen_at[64];

    assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&address, &n);
    snprintf(listen_at, sizeof(listen_at), "127.0.0.1:%u", ntohs(address.sin_port));
    conf_with(p, listen_at, place_path(p, "state-port"), "http://127.0.0.1:9/");
    run_fails(p, 3, listen_at);
    close(fd);
}

/* ---- pages --------------------------------------------------------------------------------- */

#define FRAME(article)                                                                             \
    "<html><head><title>T</title></head><body><article><div id=\"container\">" article             \
    "</div></article></body></html>"
#define GOOD_PAGE                                                                                  \
    FRAME("<h1>#One</h1><p>first text</p><p>....</p><h1>#Two</h1><p>second</p><p>....</p>")
#define WALL_PAGE                                                                                  \
    "<html><head><script>document.cookie=\"__tst_status=1#;\";location.href=location.href"         \
    "</script></head><body></body></html>"

struct bad_page {
    const char *name;
    struct site_step step;
    const char *reason;
};

static const struct bad_page bad_pages[] = {
    {"404", {.status = 404, .body = "gone"}, "404"},
    {"500", {.status = 500, .body = "oops"}, "500"},
    {"503 with Retry-After", {.status = 503, .retry_after = "7"}, "503"},
    {"empty page", {.body = ""}, "empty"},
    {"no content element",
     {.body = "<html><body><p>hello</p></body></html>"},
     "no content element"},
    {"no sections", {.body = FRAME("<p>hello</p>")}, "no sections"},
    {"bot wall with 200", {.body = WALL_PAGE}, "wall"},
    {"cut short by a wrong length", {.body = GOOD_PAGE, .excess = 1000}, "not whole"},
    {"cut short without a length",
     {.body = GOOD_PAGE, .framing = SITE_CLOSE, .fault = SITE_CUT, .cut = 120},
     "cut short"},
    {"chunks broken off",
     {.body = GOOD_PAGE, .framing = SITE_CHUNKED, .fault = SITE_CUT, .cut = 120},
     "not whole"},
    {"over max-size once decompressed",
     {.body = "<p>the same again and again</p>", .repeat = 100000, .coding = SITE_GZIP},
     "max-size"},
    {"redirect to a file", {.status = 302, .location = "file:///etc/passwd"}, "file"},
    {"slow", {.fault = SITE_HANG}, "2 s"},
    {"dropped", {.fault = SITE_DROP}, "127.0.0.1"},
    {"loses too much",
     {.body = FRAME("<h1>#Three</h1><p>other words</p><p>....</p>")},
     "too many lost"},
};

/* Polls through the daemon; the row must name the reason. */
static void poll_is_bad(struct place *p, const struct bad_page *bad)
{
    struct ran r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));

    if (r.status != 2 || strncmp(r.out.p, "blog\terror\t-\t", 13) != 0 ||
        !strstr(r.out.p, bad->reason) || lines_of(r.out.p) != 1)
        fail_msg("%s: status %d, said:\n%s%s", bad->name, r.status, r.out.p, r.err.p);
    ran_clear(&r);
}

static void test_pages(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    struct house *h;
    struct ran r;
    char *before;

    conf_with(p, "127.0.0.1:0", place_path(p, "state"), source_site_url(site, "/page"));
    source_site_set_page(site, "/page", GOOD_PAGE);
    h = house_start(place_path(p, "digestd.conf"), &r);
    assert_non_null(h);
    assert_true(house_wait_log(h, "blog: new: Two", 30000));
    before = house_get_with(h, "/blog.atom", "Two", 30000);
    assert_non_null(before);
    for (size_t i = 0; i < sizeof(bad_pages) / sizeof(*bad_pages); i++) {
        char *after, *index;

        source_site_set(site, "/page", &bad_pages[i].step, 1);
        poll_is_bad(p, &bad_pages[i]);
        if (!house_wait_log(h, bad_pages[i].reason, 5000))
            fail_msg("%s: '%s' is not in the log", bad_pages[i].name, bad_pages[i].reason);
        after = house_get(h, "/blog.atom");
        assert_non_null(after);
        assert_string_equal(after, before);
        index = house_get_with(h, "/", bad_pages[i].reason, 5000);
        if (!index)
            fail_msg("%s: '%s' is not on the index page", bad_pages[i].name, bad_pages[i].reason);
        free(after);
        free(index);
    }
    source_site_set_page(site, "/page", GOOD_PAGE);
    r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));
    assert_int_equal(r.status, 0);
    assert_string_equal(r.out.p, "");
    ran_clear(&r);
    source_site_stop(site);
    r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));
    assert_int_equal(r.status, 2);
    assert_has(r.out.p, "refused");
    ran_clear(&r);
    free(before);
    assert_int_equal(house_stop(h, NULL), 0);
}

/* A file that is not there cannot even be begun to fetch: a row like any other. */
static void test_no_such_file(void **state)
{
    struct place *p = *state;
    char url[4200];
    struct ran r;

    snprintf(url, sizeof(url), "file:%s", place_path(p, "nowhere.html"));
    conf_with(p, "127.0.0.1:0", place_path(p, "state-file"), url);
    r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));
    assert_int_equal(r.status, 2);
    assert_has(r.out.p, "blog\terror\t-\t");
    assert_has(r.out.p, "nowhere.html");
    ran_clear(&r);
}

/* A page that was held for its losses is believed once enough polls agree. */
static void test_held_page(void **state)
{
    struct place *p = *state;
    struct source_site *site = source_site_start();
    struct ran r;

    conf_with(p, "127.0.0.1:0", place_path(p, "state-held"), source_site_url(site, "/page"));
    source_site_set_page(site, "/page", GOOD_PAGE);
    r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));
    assert_int_equal(r.status, 0);
    ran_clear(&r);
    source_site_set_page(site, "/page", FRAME("<h1>#Three</h1><p>other words</p><p>....</p>"));
    for (int i = 0; i < 3; i++) {
        r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));
        assert_int_equal(r.status, i < 2 ? 2 : 0);
        if (i == 2) {
            assert_has(r.out.p, "blog\tnew\turn:uuid:");
            assert_has(r.out.p, "\tOne\n");
            assert_int_equal(lines_of(r.out.p), 3);
        }
        ran_clear(&r);
    }
    source_site_stop(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conf),           cmocka_unit_test(test_every_fault_is_told),
        cmocka_unit_test(test_command_line),   cmocka_unit_test(test_reload),
        cmocka_unit_test(test_missing_things), cmocka_unit_test(test_state),
        cmocka_unit_test(test_port_in_use),    cmocka_unit_test(test_pages),
        cmocka_unit_test(test_held_page),      cmocka_unit_test(test_no_such_file),
    };

    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
