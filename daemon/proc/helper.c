/* The helper process: the parent of all programs that are run. It is single-threaded and small, so
 * its fork() is cheap and safe whatever the daemon does meanwhile. It watches two descriptors: the
 * socket that orders come from, and SIGCHLD. */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What comes with an order, in this order. */
enum { GIVEN_OUTPUT, GIVEN_INPUT };

struct child {
    uint32_t id;
    pid_t pid; /* of the program, and of its group */
    int status;
    bool ended; /* the program; some of its group may still be dying */
};

struct helper {
    int socket;
    int signals;
    struct child children[WIRE_CHILDREN];
    size_t count;
};

/* Sent blocking: the daemon always comes round to reading, and an end must not be lost. */
static void send_end(const struct helper *h, uint32_t id, int error, int status)
{
    struct wire_end end = {.id = id, .error = error, .status = status};

    while (send(h->socket, &end, sizeof end, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

/* ---- starting ------------------------------------------------------------------------------ */

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

/* In the child. All descriptors but 0, 1 and 2 are close-on-exec: the helper has closed what it
 * inherited, and opens nothing without the flag. */
static _Noreturn void become(char *const argv[], const int given[WIRE_DESCRIPTORS], int report,
                             uint64_t max_memory)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(max_memory);
    reset_signals();
    if (dup2(given[GIVEN_OUTPUT], STDOUT_FILENO) >= 0 &&
        (given[GIVEN_INPUT] < 0 || dup2(given[GIVEN_INPUT], STDIN_FILENO) >= 0))
        execvp(argv[0], argv);

    int error = errno;
    if (write(report, &error, sizeof error) < 0)
        _exit(126);
    _exit(127);
}

/* 0 and the child's pid once exec has succeeded, or an errno. The pipe closes on exec, so that what
 * is read from it is either an error or the news that the program runs, in its own group. */
static int spawn(char *const argv[], const int given[WIRE_DESCRIPTORS], uint64_t max_memory,
                 pid_t *pid)
{
    int report[2], error = 0;

    if (pipe2(report, O_CLOEXEC))
        return errno;
    *pid = fork();
    if (*pid < 0)
        error = errno;
    if (*pid == 0)
        become(argv, given, report[1], max_memory);
    close(report[1]);
    if (*pid > 0 && read(report[0], &error, sizeof error) != sizeof error)
        error = 0;
    close(report[0]);
    if (*pid > 0 && error)
        waitpid(*pid, NULL, 0);
    return error;
}

/* Cuts `words` (n bytes, the last a NUL) into argv. */
static bool split(char *words, size_t n, char *argv[WIRE_WORDS + 1])
{
    size_t count = 0;

    if (n == 0 || words[n - 1] != '\0')
        return false;
    for (char *word = words; word < words + n; word += strlen(word) + 1) {
        if (count == WIRE_WORDS)
            return false;
        argv[count++] = word;
    }
    argv[count] = NULL;
    return true;
}

static void run(struct helper *h, const struct wire_request *request, char *words, size_t n,
                const int given[WIRE_DESCRIPTORS])
{
    char *argv[WIRE_WORDS + 1];
    struct child child = {.id = request->id};
    int error = EINVAL;

    if (h->count == WIRE_CHILDREN)
        error = EAGAIN;
    else if (given[GIVEN_OUTPUT] >= 0 && split(words, n, argv))
        error = spawn(argv, given, request->max_memory, &child.pid);
    if (error)
        send_end(h, request->id, error, 0);
    else
        h->children[h->count++] = child;
}

/* Not after its end: the group has been killed then, and its number may be somebody else's. */
static void kill_child(const struct helper *h, uint32_t id)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->children[i].id == id && !h->children[i].ended)
            kill(-h->children[i].pid, SIGKILL);
}

/* What was not passed is -1. */
static void passed_descriptors(struct msghdr *message, int given[WIRE_DESCRIPTORS])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(message);

    for (size_t i = 0; i < WIRE_DESCRIPTORS; i++)
        given[i] = -1;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(given, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
}

/* False: the socket is closed. */
static bool take_order(struct helper *h)
{
    struct wire_request request;
    char words[WIRE_SIZE];
    int given[WIRE_DESCRIPTORS];
    union {
        char bytes[CMSG_SPACE(WIRE_DESCRIPTORS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec parts[] = {{&request, sizeof request}, {words, sizeof words}};
    struct msghdr message = {
        .msg_iov = parts,
        .msg_iovlen = 2,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n = recvmsg(h->socket, &message, MSG_CMSG_CLOEXEC);

    if (n <= 0)
        return n < 0 && errno == EINTR;
    passed_descriptors(&message, given);
    if ((size_t)n >= sizeof request && request.order == WIRE_RUN)
        run(h, &request, words, (size_t)n - sizeof request, given);
    else if ((size_t)n >= sizeof request && request.order == WIRE_KILL)
        kill_child(h, request.id);
    for (size_t i = 0; i < WIRE_DESCRIPTORS; i++)
        if (given[i] >= 0)
            close(given[i]);
    return true;
}

/* ---- ending -------------------------------------------------------------------------------- */

static struct child *child_of(struct helper *h, pid_t pid)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->children[i].pid == pid && !h->children[i].ended)
            return &h->children[i];
    return NULL;
}

/* Orphans of a group come to us (we are a subreaper), so the last of them is seen as well. */
static bool group_is_gone(pid_t group)
{
    pid_t reaped;

    do
        reaped = waitpid(-group, NULL, WNOHANG);
    while (reaped > 0);
    return reaped < 0;
}

/* A program that has ended takes its group along. It is looked at before it is reaped: as long as
 * it is a zombie no other group can have its number. */
static void reap(struct helper *h)
{
    struct signalfd_siginfo signal_info;
    siginfo_t dead = {0};

    while (read(h->signals, &signal_info, sizeof signal_info) > 0)
        ;
    while (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) == 0 && dead.si_pid) {
        struct child *c = child_of(h, dead.si_pid);
        int status = 0;
        if (c)
            kill(-c->pid, SIGKILL);
        waitpid(dead.si_pid, &status, 0);
        if (c) {
            c->status = status;
            c->ended = true;
        }
        dead.si_pid = 0;
    }
    for (size_t i = h->count; i-- > 0;) {
        struct child c = h->children[i];
        if (!c.ended || !group_is_gone(c.pid))
            continue;
        h->children[i] = h->children[--h->count];
        send_end(h, c.id, 0, c.status);
    }
}

/* ---- life ---------------------------------------------------------------------------------- */

/* What a child must not inherit is given up here, once. Ctrl-C and systemd's SIGTERM reach the
 * whole group of processes: we go when the daemon goes, not before. */
static bool settle(struct helper *h, int socket)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGUSR1, SIGUSR2};
    static const char *const private[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC",
                                          "LISTEN_PID",    "LISTEN_FDS",   "LISTEN_FDNAMES"};
    sigset_t mask;
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        return false;
    h->socket = dup3(socket, STDERR_FILENO + 1, O_CLOEXEC);
    if (h->socket < 0)
        h->socket = socket; /* it stands there already */
    closefrom(STDERR_FILENO + 2);

    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    for (size_t i = 0; i < sizeof private / sizeof *private; i++)
        unsetenv(private[i]);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    h->signals = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    prctl(PR_SET_NAME, "digestd-helper");
    return h->signals >= 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0;
}

void helper_run(int socket)
{
    struct helper h = {0};
    bool open = settle(&h, socket);

    while (open) {
        struct pollfd ready[] = {{h.socket, POLLIN, 0}, {h.signals, POLLIN, 0}};
        if (poll(ready, 2, -1) < 0 && errno != EINTR)
            break;
        if (ready[1].revents)
            reap(&h);
        if (ready[0].revents)
            open = take_order(&h);
    }
    for (size_t i = 0; i < h.count; i++)
        if (!h.children[i].ended)
            kill(-h.children[i].pid, SIGKILL);
    _exit(0);
}
