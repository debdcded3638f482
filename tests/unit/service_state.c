/* The lock on the state directory and the control socket beside it, systemd's datagrams, the log.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "service.h"
#include "../lib/place.h"

#include <ev.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- lock ---------------------------------------------------------------------------------- */

static void test_lock(void **state)
{
    struct place *p = *state;
    const char *dir = place_path(p, "state");
    struct lock *first, *second;
    struct error e;
    char expected[64];

    assert_int_equal(lock_take(&first, dir, false, &e), LOCK_TAKEN);
    assert_int_equal(lock_take(&second, dir, false, &e), LOCK_BUSY);
    assert_null(second);
    snprintf(expected, sizeof(expected), "in use by process %ld", (long)getpid());
    assert_non_null(strstr(e.text, expected));
    lock_free(first);
    assert_int_equal(lock_take(&second, dir, true, &e), LOCK_TAKEN);
    lock_free(second);
}

/* It goes with its process, whatever becomes of that. */
static void test_lock_of_the_dead(void **state)
{
    struct place *p = *state;
    const char *dir = place_path(p, "state");
    struct lock *l;
    struct error e;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        lock_take(&l, dir, false, &e);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(lock_take(&l, dir, false, &e), LOCK_TAKEN);
    lock_free(l);
}

static void test_lock_impossible(void **state)
{
    struct place *p = *state;
    struct lock *l;
    struct error e;

    place_write(p, "file", STR(""));
    assert_int_equal(lock_take(&l, place_path(p, "file/state"), false, &e), LOCK_FAILED);
    assert_non_null(strstr(e.text, "state-dir"));
    assert_int_equal(lock_take(&l, place_path(p, "file"), false, &e), LOCK_FAILED);
}

static void test_state_of_another_user(void **state)
{
    struct place *p = *state;
    const char *dir = place_path(p, "theirs");
    struct lock *l;
    struct error e;

    if (geteuid() != 0)
        skip();
    assert_int_equal(mkdir(dir, 0755), 0);
    assert_int_equal(chown(dir, 12345, 12345), 0);
    assert_int_equal(lock_take(&l, dir, true, &e), LOCK_FAILED);
    assert_non_null(strstr(e.text, "another user"));
    assert_int_equal(access(place_path(p, "theirs/lock"), F_OK), -1);
}

/* ---- control ------------------------------------------------------------------------------- */

struct echo {
    struct ev_loop *loop;
    struct control_client *waiting;
};

static void echo_request(void *arg, struct control_client *client, struct str line)
{
    struct echo *echo = arg;

    control_say(client, STR("first "));
    control_say(client, line);
    control_say(client, STR("\n"));
    if (str_eq(line, STR("later")))
        echo->waiting = client;
    else
        control_end(client, 2);
}

static void *echo_main(void *arg)
{
    struct echo *echo = arg;

    ev_run(echo->loop, 0);
    return NULL;
}

static void echo_stop(struct ev_loop *loop, ev_async *w, int events)
{
    (void)w;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void test_control(void **state)
{
    struct place *p = *state;
    /* A path longer than a socket's address. */
    char name[300];
    const char *dir;
    struct echo echo = {.loop = ev_loop_new(EVFLAG_AUTO)};
    struct lock *l;
    struct control *c;
    struct error e;
    pthread_t thread;
    ev_async stop;
    struct str said;
    struct stat st;
    char control[4096];
    FILE *out;

    memset(name, 'd', 200);
    name[200] = '\0';
    dir = place_path(p, name);
    assert_int_equal(lock_take(&l, dir, false, &e), LOCK_TAKEN);
    assert_int_equal(control_ask(dir, STR("x"), stdout, &e), -1);
    c = control_new(echo.loop, l, echo_request, &echo, &e);
    assert_non_null(c);
    ev_async_init(&stop, echo_stop);
    ev_async_start(echo.loop, &stop);
    snprintf(control, sizeof(control), "%s/control", dir);
    assert_int_equal(stat(control, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    pthread_create(&thread, NULL, echo_main, &echo);
    out = fopen(place_path(p, "answer"), "w");
    assert_int_equal(control_ask(dir, STR("poll a b"), out, &e), 2);
    fclose(out);
    said = file_read(place_path(p, "answer"));
    assert_string_equal(said.p, "first poll a b\n");
    free((char *)said.p);
    ev_async_send(echo.loop, &stop);
    pthread_join(thread, NULL);
    control_free(c);
    assert_int_equal(control_ask(dir, STR("x"), stdout, &e), -1);
    lock_free(l);
    ev_loop_destroy(echo.loop);
}

/* ---- systemd ------------------------------------------------------------------------------- */

static void test_notify(void **state)
{
    struct place *p = *state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char got[64] = "";

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", place_path(p, "n"));
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    setenv("NOTIFY_SOCKET", a.sun_path, 1);
    service_notify("READY=1");
    assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 7);
    assert_string_equal(got, "READY=1");
    unsetenv("NOTIFY_SOCKET");
    service_notify("READY=1");
    assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
    close(fd);
}

static void test_watchdog_and_sockets(void **state)
{
    char pid[32];
    int first;

    (void)state;
    snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    assert_true(service_watchdog() == 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_true(service_watchdog() == 15);
    setenv("WATCHDOG_PID", "1", 1);
    assert_true(service_watchdog() == 0);
    setenv("WATCHDOG_PID", pid, 1);
    assert_true(service_watchdog() == 15);
    assert_int_equal(service_listen_fds(&first), 0);
    setenv("LISTEN_FDS", "0", 1);
    setenv("LISTEN_PID", pid, 1);
    assert_int_equal(service_listen_fds(&first), 0);
    setenv("LISTEN_PID", "1", 1);
    setenv("LISTEN_FDS", "2", 1);
    assert_int_equal(service_listen_fds(&first), 0);
    assert_int_equal(first, 3);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

/* ---- log ----------------------------------------------------------------------------------- */

static int64_t some_time(void *arg)
{
    (void)arg;
    return 86400;
}

static void test_log(void **state)
{
    struct place *p = *state;
    struct log log = {.level = LOG_LEVEL_INFO, .clock = some_time};
    int fd = open(place_path(p, "log"), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    int before = dup(STDERR_FILENO);
    struct str said;

    dup2(fd, STDERR_FILENO);
    log_write(&log, LOG_LEVEL_INFO, "a %s", "line\nforged: x\x1b[0m");
    log_write(&log, LOG_LEVEL_DEBUG, "not this");
    log.journal = true;
    log_write(&log, LOG_LEVEL_WARNING, "w");
    dup2(before, STDERR_FILENO);
    close(before);
    close(fd);
    said = file_read(place_path(p, "log"));
    assert_string_equal(said.p, "1970-01-02T00:00:00Z info: a line forged: x [0m\n<4>w\n");
    free((char *)said.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lock, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_lock_of_the_dead, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_lock_impossible, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_state_of_another_user, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_control, place_set_up, place_tear_down),
        cmocka_unit_test_setup_teardown(test_notify, place_set_up, place_tear_down),
        cmocka_unit_test(test_watchdog_and_sockets),
        cmocka_unit_test_setup_teardown(test_log, place_set_up, place_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
