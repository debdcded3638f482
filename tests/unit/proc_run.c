/* Programs that are run by the helper process, and all ways they end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proc.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 20. /* seconds until a test that hangs is given up */

struct rig {
    struct proc_helper *helper;
    struct ev_loop *loop;
    int inherited; /* a descriptor that no program may see */
};

struct seen {
    struct ev_loop *loop;
    int calls;
    enum proc_end end;
    int code;
    char output[4096];
    size_t output_size;
    char reason[512];
};

static void on_done(void *arg, const struct proc_result *result)
{
    struct seen *seen = arg;

    seen->calls++;
    seen->end = result->end;
    seen->code = result->code;
    seen->output_size = result->output.n;
    snprintf(seen->output, sizeof seen->output, "%.*s", STR_ARG(result->output));
    snprintf(seen->reason, sizeof seen->reason, "%s", result->reason);
    ev_break(seen->loop, EVBREAK_ALL);
}

static void on_patience(struct ev_loop *loop, struct ev_timer *w, int events)
{
    (void)w;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void run_loop(struct rig *rig)
{
    struct ev_timer patience;

    ev_now_update(rig->loop);
    ev_timer_init(&patience, on_patience, PATIENCE, 0.);
    ev_timer_start(rig->loop, &patience);
    ev_run(rig->loop, 0);
    ev_timer_stop(rig->loop, &patience);
}

static struct seen run_with(struct rig *rig, const struct proc_limits *limits, char *const argv[],
                            struct str input)
{
    struct seen seen = {.loop = rig->loop};
    struct error e = {{0}};

    if (!proc_start(rig->helper, rig->loop, argv, input, limits, on_done, &seen, &e))
        fail_msg("%s", e.text);
    assert_int_equal(seen.calls, 0);
    run_loop(rig);
    assert_int_equal(seen.calls, 1);
    return seen;
}

static struct seen run(struct rig *rig, const struct proc_limits *limits, char *const argv[])
{
    return run_with(rig, limits, argv, (struct str){0});
}

static struct seen run_script(struct rig *rig, const char *script)
{
    static const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 100000};
    char *argv[] = {"/bin/sh", "-c", (char *)(uintptr_t)script, NULL};

    return run(rig, &limits, argv);
}

static void assert_gone(const char *pid)
{
    long number = strtol(pid, NULL, 10);

    assert_true(number > 1);
    assert_int_equal(kill((pid_t)number, 0), -1);
    assert_int_equal(errno, ESRCH);
}

/* ---- ends ---------------------------------------------------------------------------------- */

static void test_output(void **state)
{
    struct seen seen = run_script(*state, "echo one; echo two; printf three");

    assert_int_equal(seen.end, PROC_EXITED);
    assert_int_equal(seen.code, 0);
    assert_string_equal(seen.output, "one\ntwo\nthree");
    assert_string_equal(seen.reason, "");
}

static void test_much_output_comes_whole(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 5000000};
    char *argv[] = {"head", "-c", "5000000", "/dev/zero", NULL};
    struct seen seen = run(*state, &limits, argv);

    assert_int_equal(seen.end, PROC_EXITED);
    assert_int_equal(seen.output_size, 5000000);
}

static void test_exit_status(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 100};
    char *argv[] = {"false", NULL};
    struct seen seen = run(*state, &limits, argv);

    assert_int_equal(seen.end, PROC_EXITED);
    assert_int_equal(seen.code, 1);
    assert_string_equal(seen.reason, "false ended with exit status 1");
}

static void test_killed(void **state)
{
    struct seen seen = run_script(*state, "kill -TERM $$");

    assert_int_equal(seen.end, PROC_KILLED);
    assert_int_equal(seen.code, SIGTERM);
    assert_string_equal(seen.reason, "/bin/sh was killed by signal 15 (Terminated)");
}

static void test_not_started(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 100};
    char *missing[] = {"no-such-program", NULL}, *folder[] = {"/etc", NULL};
    struct seen seen = run(*state, &limits, missing);

    assert_int_equal(seen.end, PROC_NOT_STARTED);
    assert_int_equal(seen.code, ENOENT);
    assert_string_equal(seen.reason, "could not start no-such-program: No such file or directory");
    seen = run(*state, &limits, folder);
    assert_int_equal(seen.end, PROC_NOT_STARTED);
    assert_string_equal(seen.reason, "could not start /etc: Permission denied");
}

static void test_flood(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 100000};
    char *argv[] = {"yes", NULL};
    struct seen seen = run(*state, &limits, argv);

    assert_int_equal(seen.end, PROC_FLOOD);
    assert_true(seen.output_size <= 100000);
    assert_string_equal(seen.reason, "yes wrote more than 100000 bytes and was stopped");
}

/* It has ended when its output is read: what counts is that it was too much. */
static void test_flood_of_a_short_program(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 10};
    char *argv[] = {"echo", "more than ten bytes", NULL};

    assert_int_equal(run(*state, &limits, argv).end, PROC_FLOOD);
}

static void test_timeout(void **state)
{
    const struct proc_limits limits = {.timeout = .2, .max_output = 100};
    char *argv[] = {"sleep", "1000", NULL};
    struct seen seen = run(*state, &limits, argv);

    assert_int_equal(seen.end, PROC_TIMEOUT);
    assert_int_equal(seen.code, SIGKILL);
    assert_string_equal(seen.reason, "sleep had not ended after 0.2 s and was stopped");
}

/* ---- grandchildren ------------------------------------------------------------------------- */

static void test_grandchildren_go_with_the_program(void **state)
{
    struct seen seen = run_script(*state, "sleep 1000 & echo $!; exit 3");

    assert_int_equal(seen.end, PROC_EXITED);
    assert_int_equal(seen.code, 3);
    assert_gone(seen.output);
}

static void test_grandchildren_go_at_the_timeout(void **state)
{
    const struct proc_limits limits = {.timeout = 1, .max_output = 100};
    char *argv[] = {"sh", "-c", "sh -c 'sleep 1000 & echo $!; wait' & wait", NULL};
    struct seen seen = run(*state, &limits, argv);

    assert_int_equal(seen.end, PROC_TIMEOUT);
    assert_gone(seen.output);
}

static void test_a_daemon_goes_at_the_timeout(void **state)
{
    const struct proc_limits limits = {.timeout = 1, .max_output = 100};
    char *argv[] = {"sh", "-c", "trap '' TERM; setsid sleep 1000 & echo $!; wait", NULL};
    struct seen seen = run(*state, &limits, argv);

    assert_int_equal(seen.end, PROC_TIMEOUT);
    assert_gone(seen.output);
}

/* ---- what a program finds ------------------------------------------------------------------ */

static void test_inherits_nothing(void **state)
{
    struct seen seen = run_script(*state, "exec ls /proc/self/fd");

    assert_string_equal(seen.output, "0\n1\n2\n3\n"); /* 3 is the folder that ls reads */
    seen = run_script(*state, "cat; readlink /proc/self/fd/0");
    assert_string_equal(seen.output, "/dev/null\n");
    seen = run_script(*state, "sed -n 's/^Sig\\(Ign\\|Blk\\):\t//p' /proc/self/status");
    assert_int_equal(strtoull(seen.output, NULL, 16), 0);
    /* but for the two that the C library keeps for itself */
    assert_int_equal(strtoull(strchr(seen.output, '\n'), NULL, 16) & ~0x180000000ull, 0);
    seen = run_script(*state, "echo \"$NOTIFY_SOCKET$LISTEN_FDS\"");
    assert_string_equal(seen.output, "\n");
}

static void test_has_its_own_group(void **state)
{
    struct seen seen = run_script(*state, "read -r a < /proc/$$/stat; set -- $a; test $5 = $$");

    assert_int_equal(seen.end, PROC_EXITED);
    assert_int_equal(seen.code, 0);
}

/* valgrind keeps RLIMIT_DATA to itself: the kernel never hears of it. */
static void test_has_its_limits(void **state)
{
    const struct proc_limits limits = {
        .timeout = PATIENCE, .max_output = 1000, .max_memory = (size_t)1 << 30};
    char *argv[] = {"sh", "-c", "ulimit -d", NULL};
    const char *preload = getenv("LD_PRELOAD");

    assert_string_equal(run_script(*state, "ulimit -c").output, "0\n");
    if (preload && strstr(preload, "vgpreload")) {
        print_message("skipped under valgrind: RLIMIT_DATA\n");
        skip();
    }
    assert_string_equal(run(*state, &limits, argv).output, "1048576\n");
}

/* ---- many, and cancelled ------------------------------------------------------------------- */

struct many {
    struct ev_loop *loop;
    int left, good;
};

static void on_one_of_many(void *arg, const struct proc_result *result)
{
    struct many *many = arg;

    many->good += result->end == PROC_EXITED && result->output.n > 0;
    if (--many->left == 0)
        ev_break(many->loop, EVBREAK_ALL);
}

static void test_many_at_once(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 1000};
    struct rig *rig = *state;
    struct many many = {.loop = rig->loop, .left = 40};
    char *argv[] = {"echo", "x", NULL};

    for (int i = 0; i < 40; i++)
        assert_non_null(proc_start(rig->helper, rig->loop, argv, (struct str){0}, &limits,
                                   on_one_of_many, &many, NULL));
    run_loop(rig);
    assert_int_equal(many.left, 0);
    assert_int_equal(many.good, 40);
}

static void test_cancelled_is_not_told(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 1000};
    struct rig *rig = *state;
    struct seen never = {.loop = rig->loop};
    char *argv[] = {"sleep", "1000", NULL};
    struct proc *p =
        proc_start(rig->helper, rig->loop, argv, (struct str){0}, &limits, on_done, &never, NULL);

    assert_non_null(p);
    proc_cancel(p);
    /* the end of the cancelled one comes first, and is passed over */
    assert_string_equal(run_script(rig, "echo later").output, "later\n");
    assert_int_equal(never.calls, 0);
}

static void test_too_long_a_command(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 1000};
    struct rig *rig = *state;
    struct seen never = {.loop = rig->loop};
    struct error e;
    char *none[] = {NULL}, *argv[] = {"echo", NULL, NULL};

    argv[1] = malloc(200001);
    assert_non_null(argv[1]);
    memset(argv[1], 'x', 200000);
    argv[1][200000] = '\0';
    assert_null(
        proc_start(rig->helper, rig->loop, argv, (struct str){0}, &limits, on_done, &never, &e));
    assert_string_equal(e.text, "the command is empty or too long");
    assert_null(
        proc_start(rig->helper, rig->loop, none, (struct str){0}, &limits, on_done, &never, &e));
    free(argv[1]);
}

/* ---- deaths that nobody planned ------------------------------------------------------------ */

/* The parent of a program is its keeper, the parent of that the helper. */
#define KILL_THE_HELPER "read -r a < /proc/$PPID/stat; set -- $a; kill -KILL $4; "

static void test_the_helper_dies(void **state)
{
    struct rig *rig = *state;
    struct seen seen = run_script(rig, "setsid sleep 1000 & echo $!; " KILL_THE_HELPER "wait");

    assert_int_equal(seen.end, PROC_KILLED);
    assert_string_equal(seen.reason,
                        "/bin/sh was stopped: the helper process that ran it has died");
    assert_gone(seen.output);
    seen = run_script(rig, "echo again");
    assert_string_equal(seen.output, "again\n");
}

static void test_the_helper_dies_while_nothing_runs(void **state)
{
    struct rig *rig = *state;
    struct seen seen = run_script(rig, "read -r a < /proc/$PPID/stat; set -- $a; echo $4");
    pid_t helper = (pid_t)strtol(seen.output, NULL, 10);
    siginfo_t dead;

    assert_true(helper > 1);
    assert_int_equal(kill(helper, SIGKILL), 0);
    assert_int_equal(waitid(P_PID, (id_t)helper, &dead, WEXITED | WNOWAIT), 0);
    assert_string_equal(run_script(rig, "echo again").output, "again\n");
}

struct one_more {
    struct rig *rig;
    struct seen first, second;
};

static void on_first(void *arg, const struct proc_result *result)
{
    static const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 1000};
    struct one_more *one_more = arg;
    char *argv[] = {"echo", "again", NULL};

    on_done(&one_more->first, result);
    ev_break(one_more->rig->loop, EVBREAK_CANCEL);
    if (one_more->first.calls == 1)
        assert_non_null(proc_start(one_more->rig->helper, one_more->rig->loop, argv,
                                   (struct str){0}, &limits, on_done, &one_more->second, NULL));
}

/* Two are lost, and the callback of the first starts one of the new helper's. */
static void test_started_while_the_lost_are_told(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 1000};
    struct rig *rig = *state;
    struct one_more one_more = {
        .rig = rig, .first = {.loop = rig->loop}, .second = {.loop = rig->loop}};
    char *sleeper[] = {"sleep", "1000", NULL};
    char *killer[] = {"sh", "-c", KILL_THE_HELPER "exec sleep 1000", NULL};

    assert_non_null(proc_start(rig->helper, rig->loop, sleeper, (struct str){0}, &limits, on_first,
                               &one_more, NULL));
    assert_non_null(proc_start(rig->helper, rig->loop, killer, (struct str){0}, &limits, on_first,
                               &one_more, NULL));
    run_loop(rig);
    assert_int_equal(one_more.first.calls, 2);
    assert_int_equal(one_more.second.calls, 1);
    assert_string_equal(one_more.second.output, "again\n");
}

/* Somebody kills the keeper, as the kernel does where memory is short: the helper sees to what is
 * left. It is told first, so there is something to wait for. */
static void test_the_keeper_dies(void **state)
{
    struct rig *rig = *state;
    struct seen seen = run_script(rig, "setsid sleep 1000 & echo $!; kill -KILL $PPID; sleep 1000");
    pid_t left = (pid_t)strtol(seen.output, NULL, 10);

    assert_int_equal(seen.end, PROC_KILLED);
    assert_true(left > 1);
    for (int i = 0; i < 500 && kill(left, 0) == 0; i++)
        assert_string_equal(run_script(rig, "echo later").output, "later\n");
    assert_gone(seen.output);
}

/* ---- apart --------------------------------------------------------------------------------- */

static struct seen run_apart(struct rig *rig, const char *script)
{
    static const struct proc_limits limits = {
        .timeout = PATIENCE, .max_output = 100000, .apart = true};
    char *argv[] = {"/bin/sh", "-c", (char *)(uintptr_t)script, NULL};

    return run(rig, &limits, argv);
}

/* It leaves its group and session, and ignores what one is asked to end with. */
static void test_a_session_of_its_own_is_no_way_out(void **state)
{
    struct seen seen = run_apart(*state, "mkfifo f; cat f & setsid sh -c 'trap \"\" TERM HUP; "
                                         "echo $$ > f; exec sleep 1000' & wait %1; exit 3");

    assert_int_equal(seen.code, 3);
    assert_gone(seen.output);
}

/* Its parent is gone long before the program ends, and its output is elsewhere. */
static void test_a_daemon_is_no_way_out(void **state)
{
    struct seen seen = run_apart(*state, "mkfifo f; (setsid sh -c 'echo $$ > f; exec sleep 1000' "
                                         "</dev/null >/dev/null 2>&1 &) && cat f");

    assert_int_equal(seen.end, PROC_EXITED);
    assert_int_equal(seen.code, 0);
    assert_gone(seen.output);
}

static void test_apart_has_a_home_that_goes(void **state)
{
    struct seen seen = run_apart(*state, "cd && pwd -P && stat -c %a . && : > a && mkdir -p b/c && "
                                         ": > b/c/d && ln -s /etc b/e && chmod 0 b/c && chmod 0 b");
    char *mode = strchr(seen.output, '\n');

    assert_string_equal(seen.reason, "");
    assert_non_null(mode);
    *mode++ = '\0';
    assert_string_equal(mode, "700\n");
    assert_int_equal(access(seen.output, F_OK), -1);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void test_apart_goes_when_stopped(void **state)
{
    const struct proc_limits limits = {.timeout = .5, .max_output = 1000, .apart = true};
    char *argv[] = {"sh", "-c", "mkdir x; echo $HOME; exec sleep 1000", NULL};
    struct seen seen = run(*state, &limits, argv);

    assert_int_equal(seen.end, PROC_TIMEOUT);
    *strchrnul(seen.output, '\n') = '\0';
    assert_int_equal(seen.output[0], '/');
    assert_int_equal(access(seen.output, F_OK), -1);
}

static void test_apart_goes_when_there_is_no_such_program(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 1000, .apart = true};
    char *argv[] = {"no-such-program", NULL};
    char folder[] = "/tmp/digestd-test-XXXXXX";
    const char *before = getenv("TMPDIR");
    struct rig *rig = *state;
    struct error e;

    /* A helper that puts all folders below this one. */
    assert_non_null(mkdtemp(folder));
    setenv("TMPDIR", folder, 1);
    proc_helper_stop(rig->helper);
    rig->helper = proc_helper_start(&e);
    assert_non_null(rig->helper);
    assert_int_equal(run(rig, &limits, argv).end, PROC_NOT_STARTED);
    assert_string_equal(run_apart(rig, "dirname $HOME").output + strlen(folder), "\n");
    assert_int_equal(rmdir(folder), 0); /* it is empty */
    /* where that is gone, there is /tmp */
    assert_int_equal(strncmp(run_apart(rig, "echo $HOME").output, "/tmp/digestd-", 13), 0);
    if (before)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
}

/* Two at once do not fight over one profile. */
static void test_apart_from_each_other(void **state)
{
    struct seen one = run_apart(*state, "echo $HOME"), two = run_apart(*state, "echo $HOME");

    assert_string_not_equal(one.output, two.output);
}

static void test_apart_has_a_clean_environment(void **state)
{
    struct seen seen = run_apart(
        *state, "test \"$TMPDIR\" = \"$HOME/tmp\" && test -w \"$TMPDIR\" && "
                "test \"$XDG_RUNTIME_DIR\" = \"$HOME/run\" && test -w \"$XDG_RUNTIME_DIR\" && "
                "unset HOME TMPDIR XDG_RUNTIME_DIR PWD && env | cut -d= -f1 | grep -v '^_$'");
    char *rest = seen.output, *name;
    int path = 0, proxy = 0;

    assert_string_equal(seen.reason, "");
    while ((name = strsep(&rest, "\n")) != NULL) {
        path += strcmp(name, "PATH") == 0;
        proxy += strcmp(name, "https_proxy") == 0;
        assert_string_not_equal(name, "DIGESTD_TEST_SECRET");
        assert_string_not_equal(name, "XDG_CONFIG_HOME");
    }
    assert_int_equal(path, 1);
    assert_int_equal(proxy, 1);
}

static void test_apart_says_why_it_failed(void **state)
{
    struct seen seen = run_apart(*state, "echo one >&2; echo 'no display' >&2; echo >&2; exit 3");

    assert_string_equal(seen.reason, "/bin/sh ended with exit status 3: no display");
    seen = run_apart(
        *state, "head -c 1000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo '\377' >&2; exit 1");
    assert_string_equal(seen.reason, "/bin/sh ended with exit status 1: \xef\xbf\xbd");
    seen = run_apart(*state, "echo noise >&2; echo page");
    assert_string_equal(seen.reason, "");
    assert_string_equal(seen.output, "page\n");
}

/* ---- stdin, and stdout that nobody reads --------------------------------------------------- */

static struct seen run_script_with(struct rig *rig, const char *script, struct str input)
{
    static const struct proc_limits limits = {.timeout = PATIENCE, .max_output = 100000};
    char *argv[] = {"/bin/sh", "-c", (char *)(uintptr_t)script, NULL};

    return run_with(rig, &limits, argv, input);
}

/* More than any pipe holds. */
static void test_input_comes_whole(void **state)
{
    struct buf input;
    struct seen seen;

    buf_init(&input, SIZE_MAX);
    while (input.len < 3000000)
        buf_puts(&input, "a line of what the program is given\n");
    seen = run_script_with(*state, "wc -c", buf_str(&input));
    assert_int_equal(seen.end, PROC_EXITED);
    assert_int_equal(strtol(seen.output, NULL, 10), input.len);
    seen = run_script_with(*state, "tail -n 1", buf_str(&input));
    assert_string_equal(seen.output, "a line of what the program is given\n");
    buf_clear(&input);
}

static void test_input_that_is_not_read_is_no_fault(void **state)
{
    struct seen seen = run_script_with(*state, "exec 0<&-; echo done", STR("unread"));

    assert_int_equal(seen.end, PROC_EXITED);
    assert_int_equal(seen.code, 0);
    assert_string_equal(seen.output, "done\n");
}

/* What a program is given takes no more memory than it did. */
static void test_input_does_not_grow(void **state)
{
    struct seen seen =
        run_script_with(*state, "echo more 2>/dev/null >>/dev/stdin; cat", STR("what it was"));

    assert_string_equal(seen.output, "what it was");
}

static void test_output_that_nobody_reads_goes_to_stderr(void **state)
{
    const struct proc_limits limits = {.timeout = PATIENCE};
    char *argv[] = {"echo", "for the log", NULL};
    FILE *file = tmpfile();
    char written[64] = "";
    int kept = dup(STDERR_FILENO);
    struct seen seen;

    assert_non_null(file);
    assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
    seen = run(*state, &limits, argv);
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    close(kept);
    rewind(file);
    assert_non_null(fgets(written, sizeof written, file));
    fclose(file);
    assert_string_equal(written, "for the log\n");
    assert_int_equal(seen.end, PROC_EXITED);
    assert_int_equal(seen.output_size, 0);
}

/* ---- the rig ------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct error e = {{0}};

    if (!rig)
        return -1;
    signal(SIGUSR1, SIG_IGN);
    setenv("NOTIFY_SOCKET", "/nowhere", 1);
    setenv("DIGESTD_TEST_SECRET", "1", 1);
    setenv("XDG_CONFIG_HOME", "/nowhere", 1);
    setenv("https_proxy", "http://127.0.0.1:9", 1);
    rig->inherited = open("/dev/null", O_RDONLY);
    rig->helper = proc_helper_start(&e);
    rig->loop = ev_loop_new(EVFLAG_AUTO);
    *state = rig;
    return rig->helper && rig->loop && rig->inherited >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    proc_helper_stop(rig->helper);
    ev_loop_destroy(rig->loop);
    close(rig->inherited);
    free(rig);
    return 0;
}

#define RUN(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_output),
        RUN(test_much_output_comes_whole),
        RUN(test_exit_status),
        RUN(test_killed),
        RUN(test_not_started),
        RUN(test_flood),
        RUN(test_flood_of_a_short_program),
        RUN(test_timeout),
        RUN(test_grandchildren_go_with_the_program),
        RUN(test_grandchildren_go_at_the_timeout),
        RUN(test_a_session_of_its_own_is_no_way_out),
        RUN(test_a_daemon_is_no_way_out),
        RUN(test_a_daemon_goes_at_the_timeout),
        RUN(test_inherits_nothing),
        RUN(test_has_its_own_group),
        RUN(test_has_its_limits),
        RUN(test_input_comes_whole),
        RUN(test_input_that_is_not_read_is_no_fault),
        RUN(test_input_does_not_grow),
        RUN(test_output_that_nobody_reads_goes_to_stderr),
        RUN(test_many_at_once),
        RUN(test_cancelled_is_not_told),
        RUN(test_too_long_a_command),
        RUN(test_the_helper_dies),
        RUN(test_the_helper_dies_while_nothing_runs),
        RUN(test_started_while_the_lost_are_told),
        RUN(test_the_keeper_dies),
        RUN(test_apart_has_a_home_that_goes),
        RUN(test_apart_goes_when_stopped),
        RUN(test_apart_goes_when_there_is_no_such_program),
        RUN(test_apart_from_each_other),
        RUN(test_apart_has_a_clean_environment),
        RUN(test_apart_says_why_it_failed),
    };

    return cmocka_run_group_tests_name("proc run", tests, NULL, NULL);
}
