/* The fetch service: both of its sides, and each against one that does not behave. */
#include "fetch_rig.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What both confs have; LC_WHO says in whose environment it ran. */
#define WHO "sh -c 'echo \"$LC_WHO: $0\"' %u"

struct place {
    struct rig *rig;
    char folder[64], path[96], sleeper[160];
    int listener;
    pid_t service;
};

static char *words(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

/* ---- the service --------------------------------------------------------------------------- */

/* As systemd has it: a process of its own for each connection. */
static _Noreturn void serve_forever(int listener, const struct conf *conf)
{
    setenv("LC_WHO", "service", 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) {
        int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        struct error e = {{0}};
        pid_t pid = connection >= 0 ? fork() : -1;

        if (pid == 0) {
            struct proc_helper *helper = proc_helper_start(&e);
            int failed = helper ? fetch_serve(connection, conf, helper, &e) : -1;
            proc_helper_stop(helper);
            _exit(failed ? 1 : 0);
        }
        close(connection);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
}

static struct conf *make_conf(struct source_conf sources[], size_t count)
{
    static struct conf conf;

    conf = (struct conf){.file = words("service.conf"), .sources = sources, .sources_count = count};
    return &conf;
}

static void start_service(struct place *p)
{
    struct source_conf sources[] = {
        {.poll = {.timeout = 15, .max_size = 1 << 20}},
        {.poll = {.timeout = 15, .max_size = 1000, .fetch_command = words("yes %u")}},
        {.poll = {.timeout = 1, .max_size = 1000, .fetch_command = words(WHO)}},
        {.poll = {.timeout = 15, .max_size = 1 << 20, .fetch_command = words(WHO)}},
        {.poll = {.timeout = 15,
                  .max_size = 1000,
                  .fetch_command = words("sh -c 'echo no >&2; exit 3'")}},
        {.poll = {.timeout = 15, .max_size = 1000, .fetch_command = words("true")}},
        {.poll = {.timeout = 1, .max_size = 1000, .fetch_command = words("sleep 999")}},
        {.poll = {.timeout = 1,
                  .max_size = 1000,
                  .fetch_command = words("head -c 1000000 /dev/zero")}},
        {.poll = {.timeout = 15,
                  .max_size = 1 << 20,
                  .fetch_command = words("head -c 1000000 /dev/zero")}},
        {.poll = {.timeout = 1,
                  .max_size = 1000,
                  .fetch_command = words("head -c 1000000 /dev/zero")}},
        {.poll = {.timeout = 99, .max_size = 1000, .fetch_command = p->sleeper}},
    };
    struct conf *conf = make_conf(sources, sizeof sources / sizeof *sources);

    p->service = fork();
    assert_true(p->service >= 0);
    if (p->service == 0)
        serve_forever(p->listener, conf);
}

/* One that answers anything with `bytes`, or with silence, and hangs up only where it says so. */
static void start_impostor(struct place *p, const char *bytes, bool hang_up)
{
    p->service = fork();
    assert_true(p->service >= 0);
    if (p->service)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) {
        char question[1024];
        int connection = accept(p->listener, NULL, NULL);

        if (read(connection, question, sizeof question) > 0 && *bytes &&
            write(connection, bytes, strlen(bytes)) < 0)
            _exit(1);
        if (hang_up)
            close(connection);
    }
}

static struct told ask(struct place *p, const char *command, const char *url)
{
    p->rig->conf.fetch_command = words(command);
    return fetch_now(p->rig, url, NULL, NULL);
}

/* ---- what is asked ------------------------------------------------------------------------- */

static void test_the_service_runs_it(void **state)
{
    struct place *p = *state;
    struct told told;

    start_service(p);
    told = ask(p, WHO, "https://digest.invalid/a b?'c'");
    assert_string_equal(told.body, "service: https://digest.invalid/a b?'c'\n");
    assert_string_equal(told.url, "https://digest.invalid/a b?'c'");
    assert_told(told, FETCH_OK, "");
}

/* Two sources have the command and allow less: the most that any allows counts there, ours here. */
static void test_a_big_page_comes_whole(void **state)
{
    struct place *p = *state;
    struct told told;

    start_service(p);
    told = ask(p, "head -c 1000000 /dev/zero", "http://a.invalid/");
    assert_int_equal(told.body_size, 1000000);
    assert_told(told, FETCH_OK, "");
}

static void test_only_what_its_conf_has(void **state)
{
    struct place *p = *state;

    start_service(p);
    assert_told(
        ask(p, "id", "http://a.invalid/"), FETCH_FAILED,
        "fetch-command: no source in service.conf has this fetch-command: was the conf file "
        "edited, and the daemon not reloaded?");
    assert_told(
        ask(p, WHO " ", "http://a.invalid/"), FETCH_FAILED,
        "fetch-command: no source in service.conf has this fetch-command: was the conf file "
        "edited, and the daemon not reloaded?");
}

static void test_files_are_not_asked_for(void **state)
{
    struct place *p = *state;
    struct told told;

    start_service(p);
    told = ask(p, WHO, "file:///etc/passwd");
    assert_string_equal(told.body, "daemon: file:///etc/passwd\n");
    assert_told(told, FETCH_OK, "");
}

/* Not what our own side would send. */
static void assert_answer(struct place *p, const char *question, const char *answer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char got[2048] = "";
    size_t n = 0;
    ssize_t more;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", p->path);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, question, strlen(question), MSG_NOSIGNAL), strlen(question));
    while ((more = recv(fd, got + n, sizeof got - 1 - n, 0)) > 0)
        n += (size_t)more;
    assert_string_equal(got, answer);
    close(fd);
}

static void test_other_addresses_are_refused(void **state)
{
    struct place *p = *state;
    const char *refused = "failed only http and https addresses are fetched here\n";

    start_service(p);
    assert_answer(p, "true\nfile:///etc/passwd\n", refused);
    assert_answer(p, "true\n--option\n", refused);
    assert_answer(p, "true\n\n", refused);
    assert_answer(p, "\nhttp://a.invalid/\n",
                  "failed no source in service.conf has this fetch-command: was the conf file "
                  "edited, and the daemon not reloaded?\n");
}

/* ---- how it ends --------------------------------------------------------------------------- */

static void test_reasons_come_over(void **state)
{
    struct place *p = *state;

    start_service(p);
    assert_told(ask(p, "sh -c 'echo no >&2; exit 3'", "http://a.invalid/"), FETCH_FAILED,
                "fetch-command: sh ended with exit status 3: no");
    assert_told(ask(p, "true", "http://a.invalid/"), FETCH_FAILED,
                "fetch-command: the program wrote nothing");
    assert_told(ask(p, "yes %u", "http://a.invalid/"), FETCH_FAILED,
                "fetch-command: yes wrote more than 1000 bytes and was stopped");
    assert_told(ask(p, "sleep 999", "http://a.invalid/"), FETCH_FAILED,
                "fetch-command: sleep had not ended after 1 s and was stopped");
}

/* Our limit counts, where the service allows more to others. */
static void test_our_limit_of_size(void **state)
{
    struct place *p = *state;
    struct error e;

    start_service(p);
    fetcher_free(p->rig->fetcher);
    p->rig->fetcher = fetcher_new(p->rig->loop, p->rig->helper, &e);
    assert_int_equal(fetcher_use_service(p->rig->fetcher, p->path, &e), 0);
    p->rig->conf.max_size = 10000;
    assert_told(ask(p, "head -c 1000000 /dev/zero", "http://a.invalid/"), FETCH_FAILED,
                "fetch-command: the fetch service sent more than 10000 bytes");
}

/* What the file says, once it says something; 0 at the deadline. */
static pid_t wait_for_pid(struct rig *rig, const char *file)
{
    for (int i = 0; i < 100 * (int)PATIENCE; i++) {
        FILE *in = fopen(file, "r");
        int pid = 0, got = in ? fscanf(in, "%d\n", &pid) : 0;

        if (in)
            fclose(in);
        if (got == 1)
            return pid;
        ev_run(rig->loop, EVRUN_NOWAIT);
        poll(NULL, 0, 10);
    }
    return 0;
}

static bool wait_until_gone(pid_t pid)
{
    for (int i = 0; i < 100 * (int)PATIENCE; i++) {
        if (kill(pid, 0) && errno == ESRCH)
            return true;
        poll(NULL, 0, 10);
    }
    return false;
}

static void test_who_hangs_up_stops_it(void **state)
{
    struct place *p = *state;
    struct told told;
    struct fetch *f;
    char file[96];
    pid_t pid;

    start_service(p);
    snprintf(file, sizeof file, "%s/pid", p->folder);
    p->rig->conf.fetch_command = p->sleeper;
    f = start(p->rig, &told, "http://a.invalid/", NULL, NULL);
    pid = wait_for_pid(p->rig, file);
    assert_true(pid > 1);
    fetch_cancel(f);
    assert_int_equal(told.calls, 0);
    assert_true(wait_until_gone(pid));
    unlink(file);
}

/* ---- services that do not behave ----------------------------------------------------------- */

static void test_impostors(void **state)
{
    static const struct {
        const char *bytes, *reason;
    } impostors[] = {
        {"ok 5\nhalf", "fetch-command: the fetch service broke off in the middle of the page"},
        {"ok 3\npage", "fetch-command: the fetch service broke off in the middle of the page"},
        {"ok five\npage!", "fetch-command: the fetch service answered something else than a page"},
        {"HTTP/1.1 200\n", "fetch-command: the fetch service answered something else than a page"},
        {"ok 4", "fetch-command: the fetch service hung up without an answer: its log says why "
                 "(journalctl -u 'digestd-fetch@*')"},
        {"", "fetch-command: the fetch service hung up without an answer: its log says why "
             "(journalctl -u 'digestd-fetch@*')"},
        {"failed because\n", "fetch-command: because"},
    };
    struct place *p = *state;

    for (size_t i = 0; i < sizeof impostors / sizeof *impostors; i++) {
        start_impostor(p, impostors[i].bytes, true);
        assert_told(ask(p, WHO, "http://a.invalid/"), FETCH_FAILED, impostors[i].reason);
        kill(p->service, SIGKILL);
        waitpid(p->service, NULL, 0);
        p->service = 0;
    }
}

static void test_silence(void **state)
{
    struct place *p = *state;

    start_impostor(p, "ok 1000\nhalf", false);
    p->rig->conf.timeout = -4; /* five seconds more are for the answer */
    assert_told(ask(p, WHO, "http://a.invalid/"), FETCH_FAILED,
                "fetch-command: the fetch service did not answer in time");
}

static void test_nobody(void **state)
{
    struct place *p = *state;
    struct told told;

    /* The socket is there, and nobody listens any more. */
    close(p->listener);
    p->listener = -1;
    told = ask(p, WHO, "http://a.invalid/");
    assert_string_equal(told.body, "daemon: http://a.invalid/\n");
    assert_told(told, FETCH_OK, "");
    unlink(p->path);
    assert_told(
        ask(p, "sh -c 'exit 3'", "http://a.invalid/"), FETCH_FAILED,
        "fetch-command: sh ended with exit status 3 (it ran in the sandbox of the service: a "
        "browser needs digestd-fetch.socket, see digestd(1))");
}

/* ---- the rig ------------------------------------------------------------------------------- */

static int place_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct error e;
    void *rig = NULL;

    if (!p)
        return -1;
    *state = p; /* before any process is forked: valgrind counts what a child cannot find */
    setenv("LC_WHO", "daemon", 1);
    strcpy(p->folder, "/tmp/digestd-service-XXXXXX");
    if (!mkdtemp(p->folder) || rig_up(&rig))
        return -1;
    p->rig = rig;
    snprintf(p->path, sizeof p->path, "%s/socket", p->folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", p->path);
    snprintf(p->sleeper, sizeof p->sleeper, "sh -c 'echo $$ > %s/pid; exec sleep 998'", p->folder);
    p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(p->listener, (struct sockaddr *)&address, sizeof address) ||
           listen(p->listener, 8) || fetcher_use_service(p->rig->fetcher, p->path, &e);
}

static int place_down(void **state)
{
    struct place *p = *state;
    void *rig = p->rig;

    if (p->service > 0) {
        kill(p->service, SIGKILL);
        waitpid(p->service, NULL, 0);
    }
    if (p->listener >= 0)
        close(p->listener);
    unlink(p->path);
    rmdir(p->folder);
    free(p);
    return rig_down(&rig);
}

#define RUN_THERE(test) cmocka_unit_test_setup_teardown(test, place_up, place_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_THERE(test_the_service_runs_it),
        RUN_THERE(test_a_big_page_comes_whole),
        RUN_THERE(test_only_what_its_conf_has),
        RUN_THERE(test_files_are_not_asked_for),
        RUN_THERE(test_other_addresses_are_refused),
        RUN_THERE(test_reasons_come_over),
        RUN_THERE(test_our_limit_of_size),
        RUN_THERE(test_who_hangs_up_stops_it),
        RUN_THERE(test_impostors),
        RUN_THERE(test_silence),
        RUN_THERE(test_nobody),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("fetch service", tests, NULL, NULL);
}
