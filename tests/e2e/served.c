/* The endpoint as the conf has it: limits, access log, listeners, and what a reload changes of
 * them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/raw_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS   5000
#define GET  "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
#define PAGE "<html><head><title>T</title></head><body><article></article></body></html>"

static void write_conf(struct place *p, const char *keys)
{
    place_write(p, "page.html", str_of(PAGE));
    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nbase-url = http://feeds.example\n"
                 "state-dir = %s\n%s[source blog]\nurl = file:page.html\nid-base = x\n"
                 "profile = digest\ninterval = 1h\n",
                 place_path(p, "state"), keys);
}

static struct house *start(struct place *p)
{
    struct ran r;
    struct house *h = house_start(place_path(p, "digestd.conf"), &r);

    if (!h)
        fail_msg("did not start: %s", r.err.p);
    return h;
}

static void reload(struct house *h)
{
    house_signal(h, SIGHUP);
    assert_true(house_wait_log(h, "read again", MS));
}

/* Waits until the file has `text`. */
static void wait_for(const char *path, const char *text)
{
    for (int i = 0; i < MS / 10; i++) {
        struct str all = file_read(path);
        bool found = all.p && strstr(all.p, text);

        free((void *)(uintptr_t)all.p);
        if (found)
            return;
        poll(NULL, 0, 10);
    }
    fail_msg("%s never has %s", path, text);
}

static int status_of_next(struct raw_client *c)
{
    struct raw_response r;

    return raw_read(c, false, MS, &r) == RAW_DONE ? r.status : 0;
}

static int status_on(struct raw_client *c)
{
    assert_non_null(c);
    assert_int_equal(raw_puts(c, GET), 0);
    return status_of_next(c);
}

/* A path beside the conf file; logrotate moves it away and reloads. */
static void test_access_log(void **state)
{
    struct place *p = *state;
    char *old = NULL;
    struct house *h;

    write_conf(p, "access-log = access.log\n");
    h = start(p);
    assert_int_equal(house_status(h, "/first", "User-Agent: \"x\r\n"), 404);
    wait_for(place_path(p, "access.log"), "\"GET /first HTTP/1.1\" 404 34 \"-\" \"\\x22x\"\n");
    assert_true(asprintf(&old, "%s.1", place_path(p, "access.log")) > 0);
    assert_int_equal(rename(place_path(p, "access.log"), old), 0);
    reload(h);
    assert_int_equal(house_status(h, "/second", NULL), 404);
    wait_for(place_path(p, "access.log"), "/second");
    write_conf(p, "access-log = no/such/folder/log\n");
    house_signal(h, SIGHUP);
    assert_true(house_wait_log(h, "cannot open the access log", MS));
    assert_int_equal(house_status(h, "/third", NULL), 404);
    assert_int_equal(house_stop(h, NULL), 0);
    wait_for(place_path(p, "access.log"), "/third"); /* what was asked last is not lost */
    free(old);
}

static void test_access_log_that_cannot_be(void **state)
{
    struct place *p = *state;
    struct ran r;

    write_conf(p, "access-log = no/such/folder/log\n");
    assert_null(house_start(place_path(p, "digestd.conf"), &r));
    assert_int_equal(r.status, 3);
    assert_non_null(strstr(r.err.p, "no/such/folder/log: No such file or directory"));
    ran_clear(&r);
}

/* Whether three connections are answered three requests each, none closed before the other. */
static bool three_at_once(struct house *h)
{
    struct raw_client *c[3];
    bool all = true;

    for (int i = 0; i < 3; i++) {
        c[i] = raw_open(house_address(h), 0);
        for (int n = 0; n < 3; n++)
            all = all && raw_puts(c[i], GET) == 0 && status_of_next(c[i]) == 200;
    }
    for (int i = 0; i < 3; i++)
        raw_close(c[i]);
    return all;
}

static void test_limits(void **state)
{
    struct place *p = *state;
    struct raw_client *c[3];
    struct house *h;

    write_conf(p, "max-connections-per-address = 2\nmax-requests = 2\n");
    h = start(p);
    /* The house's own question, whether it is ready, may still be counted. */
    for (int i = 0; i < MS / 10; i++) {
        c[0] = raw_open(house_address(h), 0);
        c[1] = raw_open(house_address(h), 0);
        if (status_on(c[0]) != 429 && status_on(c[1]) != 429)
            break;
        raw_close(c[0]);
        raw_close(c[1]);
        poll(NULL, 0, 10);
    }
    c[2] = raw_open(house_address(h), 0);
    assert_int_equal(status_on(c[2]), 429);
    raw_close(c[2]);
    assert_int_equal(status_on(c[0]), 200);
    assert_true(raw_ends(c[0], MS)); /* its second request was its last */
    raw_close(c[0]);
    raw_close(c[1]);
    write_conf(p, "");
    reload(h);
    for (int i = 0; i < MS / 10 && !three_at_once(h); i++)
        poll(NULL, 0, 10);
    assert_true(three_at_once(h));
    assert_int_equal(house_stop(h, NULL), 0);
}

/* ---- listeners ----------------------------------------------------------------------------- */

static void test_several_listeners(void **state)
{
    struct place *p = *state;
    char *keys = NULL, *address = NULL;
    struct stat st;
    struct house *h;

    assert_true(asprintf(&address, "unix:%s", place_path(p, "socket")) > 0);
    assert_true(asprintf(&keys, "listen = 127.0.0.1:0\nlisten = %s mode=0606\n", address) > 0);
    write_conf(p, keys);
    for (int i = 0; i < 2; i++) { /* the second time over what is left of the first */
        h = start(p);
        struct raw_client *c = raw_open(address, 0);
        assert_int_equal(status_on(c), 200);
        raw_close(c);
        assert_int_equal(stat(place_path(p, "socket"), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0606);
        house_kill(h);
    }
    free(keys);
    free(address);
}

static int bound_tcp(char *address, size_t size)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    snprintf(address, size, "127.0.0.1:%d", ntohs(a.sin_port));
    return fd;
}

static int bound_unix(const char *path, char *address, size_t size)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 16), 0);
    snprintf(address, size, "unix:%s", path);
    return fd;
}

/* As systemd starts a service whose sockets it holds: from descriptor 3 on (sd_listen_fds(3)). */
static pid_t start_with(struct place *p, const int *fds, int count)
{
    const char *conf = place_path(p, "digestd.conf"), *log = place_path(p, "log");
    char number[16];
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid)
        return pid;
    for (int i = 0; i < count; i++) /* above where they go, lest one overwrites another */
        if (fcntl(fds[i], F_DUPFD, 100 + i) != 100 + i)
            _exit(99);
    for (int i = 0; i < count; i++)
        dup2(100 + i, 3 + i);
    dup2(open(log, O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    snprintf(number, sizeof number, "%d", (int)getpid());
    setenv("LISTEN_PID", number, 1);
    snprintf(number, sizeof number, "%d", count);
    setenv("LISTEN_FDS", number, 1);
    setenv("DIGESTD_PROFILE_DIR", "conf/profiles", 1);
    execl(digestd_path(), "digestd", "run", "-c", conf, (char *)NULL);
    _exit(99);
}

static void test_sockets_that_are_handed_over(void **state)
{
    struct place *p = *state;
    char addresses[3][160];
    int fds[3], status;

    write_conf(p, "");
    fds[0] = bound_tcp(addresses[0], sizeof addresses[0]);
    fds[1] = bound_unix(place_path(p, "socket"), addresses[1], sizeof addresses[1]);
    fds[2] = bound_tcp(addresses[2], sizeof addresses[2]);
    pid_t pid = start_with(p, fds, 3);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    /* Whoever comes before it is ready waits in the queue. */
    for (int i = 0; i < 3; i++) {
        struct raw_client *c = raw_open(addresses[i], 0);
        assert_in_range(status_on(c), 200, 503);
        raw_close(c);
        wait_for(place_path(p, "log"), addresses[i]);
    }
    /* They win over what the conf says. */
    struct str log = file_read(place_path(p, "log"));
    size_t listeners = 0;
    for (const char *at = log.p; (at = strstr(at, "listening on ")); at++)
        listeners++;
    assert_int_equal(listeners, 3);
    free((void *)(uintptr_t)log.p);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(access(place_path(p, "socket"), F_OK), 0); /* it is not ours to remove */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_access_log),        TEST(test_access_log_that_cannot_be),    TEST(test_limits),
        TEST(test_several_listeners), TEST(test_sockets_that_are_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
