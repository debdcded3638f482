/* The helper process: all programs are run below it. It is single-threaded and small, so its fork()
 * is cheap and safe whatever the daemon does meanwhile. It watches two descriptors: the socket that
 * orders come from, and SIGCHLD. Each program has a keeper of its own (keeper.c). */
#include "keeper.h"
#include "room.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    uint32_t id;
    pid_t keeper;
    char home[ROOM_PATH]; /* empty: it has none of its own */
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

/* 0, or an errno. */
static int start(const struct wire_request *request, char *const argv[],
                 const int given[WIRE_DESCRIPTORS], struct child *child)
{
    struct program program = {.argv = argv, .max_memory = request->max_memory, .helper = getpid()};
    int error = request->own_home ? room_make(child->home) : 0;

    if (error)
        return error;
    if (request->own_home)
        program.home = child->home;
    memcpy(program.given, given, sizeof program.given);
    error = keeper_start(&program, &child->keeper);
    if (error && request->own_home)
        remove_folder(child->home);
    return error;
}

static void run(struct helper *h, const struct wire_request *request, char *words, size_t n,
                const int given[WIRE_DESCRIPTORS])
{
    char *argv[WIRE_WORDS + 1];
    struct child child = {.id = request->id};
    int error = EINVAL;

    if (h->count == WIRE_CHILDREN)
        error = EAGAIN;
    else if (given[WIRE_OUTPUT] >= 0 && split(words, n, argv))
        error = start(request, argv, given, &child);
    if (error)
        send_end(h, request->id, error, 0);
    else
        h->children[h->count++] = child;
}

static void kill_child(const struct helper *h, uint32_t id)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->children[i].id == id)
            kill(h->children[i].keeper, KEEPER_STOP);
}

/* What was not passed is -1. */
static void passed_descriptors(struct msghdr *message, uint32_t which, int given[WIRE_DESCRIPTORS])
{
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    size_t count = 0, taken = 0;
    int passed[WIRE_DESCRIPTORS];

    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (count)
        memcpy(passed, CMSG_DATA(c), count * sizeof(int));
    for (size_t i = 0; i < WIRE_DESCRIPTORS; i++)
        given[i] = which & 1u << i && taken < count ? passed[taken++] : -1;
    while (taken < count)
        close(passed[taken++]);
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
    passed_descriptors(&message, (size_t)n >= sizeof request ? request.given : 0, given);
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

/* What is no keeper leaves without a word. */
static void reap_others(const pid_t *keepers, size_t count)
{
    siginfo_t dead = {0};

    while (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) == 0 && dead.si_pid) {
        for (size_t i = 0; i < count; i++)
            if (keepers[i] == dead.si_pid)
                return; /* it ended just now: its signal is still to be read */
        waitpid(dead.si_pid, NULL, 0);
        dead.si_pid = 0;
    }
}

/* Reports those whose keepers have ended. What is left of a keeper that had to give up, or was
 * killed itself, has come to us (we are a subreaper) and is killed here. */
static void reap(struct helper *h)
{
    struct signalfd_siginfo signal_info;
    pid_t spared[WIRE_CHILDREN];
    size_t kept = 0;

    while (read(h->signals, &signal_info, sizeof signal_info) > 0)
        ;
    for (size_t i = 0; i < h->count; i++) {
        struct child *c = &h->children[i];
        int status = 0;

        if (waitpid(c->keeper, &status, WNOHANG) == 0) {
            spared[kept] = c->keeper;
            h->children[kept++] = *c;
            continue;
        }
        if (*c->home)
            remove_folder(c->home);
        send_end(h, c->id, 0, status);
    }
    h->count = kept;
    kill_children(spared, kept);
    reap_others(spared, kept);
}

/* ---- life ---------------------------------------------------------------------------------- */

/* What a child must not inherit is given up here, once. Ctrl-C and systemd's SIGTERM reach the
 * whole group of processes: we go when the daemon goes, not before. */
static bool settle(struct helper *h, int socket)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT, SIGUSR2};
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
    sigaddset(&mask, KEEPER_STOP); /* before there are keepers: none must miss it */
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    sigdelset(&mask, KEEPER_STOP);
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
    _exit(0); /* which stops the keepers */
}
