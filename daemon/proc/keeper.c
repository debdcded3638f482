/* Starting one program, and seeing to it that nothing of it stays behind. */
#include "keeper.h"

#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROUND_MS = 20,   /* between two looks at what is still dying */
    ROUNDS_MAX = 500 /* what we may not kill (it has become root) is left to itself then */
};

/* ---- the program --------------------------------------------------------------------------- */

static void limit(uint64_t max_memory)
{
    struct rlimit none = {0}, data = {.rlim_cur = max_memory, .rlim_max = max_memory};

    setrlimit(RLIMIT_CORE, &none);
    if (max_memory)
        setrlimit(RLIMIT_DATA, &data);
}

static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool place(const int given[WIRE_DESCRIPTORS])
{
    static const int at[WIRE_DESCRIPTORS] = {
        [WIRE_OUTPUT] = STDOUT_FILENO, [WIRE_INPUT] = STDIN_FILENO, [WIRE_ERRORS] = STDERR_FILENO};

    for (size_t i = 0; i < WIRE_DESCRIPTORS; i++)
        if (given[i] >= 0 && dup2(given[i], at[i]) < 0)
            return false;
    return true;
}

/* All descriptors but 0, 1 and 2 are close-on-exec: the helper has closed what it inherited, and
 * opens nothing without the flag. */
static _Noreturn void become(const struct program *program, int report)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(program->max_memory);
    reset_signals();
    if ((!program->home || room_enter(program->home)) && place(program->given))
        execvp(program->argv[0], program->argv);

    int error = errno;
    if (write(report, &error, sizeof error) < 0)
        _exit(126);
    _exit(127);
}

/* ---- what descends from it ----------------------------------------------------------------- */

static bool is_among(pid_t pid, const pid_t *pids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* The kernel's own list, see proc(5). One that grows while it is read is read again next time. */
void kill_children(const pid_t *spared, size_t count)
{
    FILE *list = fopen("/proc/thread-self/children", "re");
    int pid;

    while (list && fscanf(list, "%d", &pid) == 1)
        if (!is_among(pid, spared, count))
            kill(pid, SIGKILL);
    if (list)
        fclose(list);
}

/* Takes in what has ended. The program is looked at before it is reaped: as long as it is a zombie
 * no other group can have its number. True: there are no children any more. */
static bool reap(pid_t program, int *status, bool *ended)
{
    siginfo_t dead = {0};

    while (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) == 0 && dead.si_pid) {
        pid_t pid = dead.si_pid;
        if (pid == program)
            kill(-program, SIGKILL);
        waitpid(pid, pid == program ? status : NULL, 0);
        if (pid == program)
            *ended = true;
        dead.si_pid = 0;
    }
    return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

/* Waits for the end of the program, or for the order to stop it; then kills what is left, again
 * and again: orphans come to us only when their parents have died. */
static int wait_for_all(pid_t program)
{
    const struct timespec pause = {.tv_nsec = ROUND_MS * 1000000l};
    bool ended = false, stopping = false;
    sigset_t set;
    int status = SIGKILL;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, KEEPER_STOP);
    for (int rounds = 0; rounds < ROUNDS_MAX; rounds += stopping) {
        if (reap(program, &status, &ended))
            break;
        if (ended || stopping) {
            stopping = true;
            if (!ended)
                kill(-program, SIGKILL);
            kill_children(NULL, 0);
        }
        if (sigtimedwait(&set, NULL, stopping ? &pause : NULL) == KEEPER_STOP)
            stopping = true;
    }
    return status;
}

/* ---- the folder ---------------------------------------------------------------------------- */

void remove_folder(const char *path)
{
    char *paths[] = {(char *)(uintptr_t)path, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL, NULL);
    FTSENT *at;

    while (walk && (at = fts_read(walk)) != NULL) {
        if (at->fts_info == FTS_D)
            chmod(at->fts_accpath, S_IRWXU); /* it is read only after this */
        else if (at->fts_info == FTS_DP || at->fts_info == FTS_DNR)
            rmdir(at->fts_accpath);
        else
            unlink(at->fts_accpath);
    }
    if (walk)
        fts_close(walk);
}

/* ---- the keeper ---------------------------------------------------------------------------- */

static _Noreturn void end_like(int status)
{
    if (WIFSIGNALED(status)) {
        struct rlimit none = {0};

        setrlimit(RLIMIT_CORE, &none);
        reset_signals();
        raise(WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

static _Noreturn void keep(const struct program *program, int report)
{
    pid_t pid;
    int error, status = 0;

    prctl(PR_SET_NAME, "digestd-keeper");
    signal(KEEPER_STOP, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, KEEPER_STOP);
    if (getppid() != program->helper)
        _exit(EXIT_FAILURE);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid = fork();
    if (pid == 0)
        become(program, report);
    error = errno;
    if (pid < 0 && write(report, &error, sizeof error) < 0)
        _exit(EXIT_FAILURE);
    close(report);
    for (size_t i = 0; i < WIRE_DESCRIPTORS; i++)
        if (program->given[i] >= 0)
            close(program->given[i]);
    if (pid > 0)
        status = wait_for_all(pid);
    if (program->home)
        remove_folder(program->home);
    end_like(status);
}

/* The pipe closes on exec, so that what is read from it is either an error or the news that the
 * program runs, in its own group. */
int keeper_start(const struct program *program, pid_t *keeper)
{
    int report[2], error = 0;

    if (pipe2(report, O_CLOEXEC))
        return errno;
    *keeper = fork();
    if (*keeper < 0)
        error = errno;
    if (*keeper == 0) {
        close(report[0]);
        keep(program, report[1]);
    }
    close(report[1]);
    if (*keeper > 0 && read(report[0], &error, sizeof error) != sizeof error)
        error = 0;
    close(report[0]);
    if (*keeper > 0 && error)
        waitpid(*keeper, NULL, 0);
    return error;
}
