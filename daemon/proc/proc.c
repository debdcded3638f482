/* The daemon's side: orders to the helper process, the programs' output, their ends. */
#include "proc.h"

#include "wire.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

enum { READ_SIZE = 64 * 1024 };

struct proc_helper {
    int socket;
    pid_t pid;
    uint32_t last_id;
    struct ev_loop *loop; /* while something runs; its watcher is active then */
    struct ev_io ends;
    struct proc *running;
};

struct proc {
    struct proc_helper *helper;
    uint32_t id;
    char *name;
    int pipe; /* -1: nobody reads the output */
    struct ev_io readable;
    struct ev_timer timer;
    double timeout;
    struct buf output;
    enum proc_end end; /* PROC_EXITED as long as we have not stopped it */
    void (*done)(void *arg, const struct proc_result *);
    void *arg;
    struct proc *prev, *next;
};

static void on_end(struct ev_loop *loop, struct ev_io *w, int events);

/* ---- the helper ---------------------------------------------------------------------------- */

struct proc_helper *proc_helper_start(struct error *e)
{
    struct proc_helper *h = calloc(1, sizeof *h);
    int pair[2];

    if (!h || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        error_set(e, "could not make a socket for the helper process: %s", strerror(errno));
        free(h);
        return NULL;
    }
    h->pid = fork();
    if (h->pid == 0)
        helper_run(pair[1]);
    close(pair[1]);
    h->socket = pair[0];
    if (h->pid < 0) {
        error_set(e, "could not start the helper process: %s", strerror(errno));
        close(pair[0]);
        free(h);
        return NULL;
    }
    ev_io_init(&h->ends, on_end, h->socket, EV_READ);
    h->ends.data = h;
    return h;
}

void proc_helper_stop(struct proc_helper *h)
{
    if (!h)
        return;
    while (h->running)
        proc_cancel(h->running);
    close(h->socket);
    while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(h);
}

/* Several loops may use the helper one after the other, not at once. */
static int attach(struct proc_helper *h, struct ev_loop *loop, struct error *e)
{
    if (h->loop && h->loop != loop)
        return error_set(e, "the helper process is in use by another loop");
    if (!h->loop) {
        h->loop = loop;
        ev_io_start(loop, &h->ends);
    }
    return 0;
}

static void detach(struct proc_helper *h)
{
    if (h->running || !h->loop)
        return;
    ev_io_stop(h->loop, &h->ends);
    h->loop = NULL;
}

static void order_kill(const struct proc *p)
{
    struct wire_request request = {.order = WIRE_KILL, .id = p->id};

    send(p->helper->socket, &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* `given`: stdout, and stdin unless that is -1. */
static int order_run(const struct proc *p, char *const argv[], size_t max_memory,
                     const int given[WIRE_DESCRIPTORS], struct error *e)
{
    struct wire_request request = {.order = WIRE_RUN, .id = p->id, .max_memory = max_memory};
    struct buf words;
    size_t count = 0, size = (given[1] < 0 ? 1 : 2) * sizeof(int);
    int failed = -1;
    union {
        char bytes[CMSG_SPACE(WIRE_DESCRIPTORS * sizeof(int))];
        struct cmsghdr head;
    } control = {{0}};

    buf_init(&words, WIRE_SIZE);
    for (; argv[count] && count <= WIRE_WORDS; count++)
        buf_append(&words, argv[count], strlen(argv[count]) + 1);
    if (count == 0 || count > WIRE_WORDS || words.failed) {
        error_set(e, "the command is empty or too long");
        goto out;
    }
    struct iovec parts[] = {{&request, sizeof request}, {words.data, words.len}};
    struct msghdr message = {
        .msg_iov = parts,
        .msg_iovlen = 2,
        .msg_control = &control,
        .msg_controllen = CMSG_SPACE(size),
    };
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(&control.head), given, size);
    if (sendmsg(p->helper->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        error_set(e, "the helper process that runs programs does not answer: %s", strerror(errno));
    else
        failed = 0;
out:
    buf_clear(&words);
    return failed;
}

/* ---- one program --------------------------------------------------------------------------- */

static void forget(struct proc *p)
{
    struct proc_helper *h = p->helper;

    ev_io_stop(h->loop, &p->readable);
    ev_timer_stop(h->loop, &p->timer);
    DL_DELETE(h->running, p);
    detach(h);
}

static void release(struct proc *p)
{
    if (p->pipe >= 0)
        close(p->pipe);
    buf_clear(&p->output);
    free(p->name);
    free(p);
}

/* Kills the group; the end comes from the helper. The order is repeated each second, should the
 * socket have been full. */
static void stop(struct proc *p, enum proc_end why)
{
    if (p->end == PROC_EXITED)
        p->end = why;
    ev_io_stop(p->helper->loop, &p->readable);
    order_kill(p);
    p->timer.repeat = 1;
    ev_timer_again(p->helper->loop, &p->timer);
}

static void on_timeout(struct ev_loop *loop, struct ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    stop(w->data, PROC_TIMEOUT);
}

/* One piece of output. False: there is no more now. */
static bool read_some(struct proc *p)
{
    char piece[READ_SIZE];
    ssize_t n = read(p->pipe, piece, sizeof piece);

    if (n < 0)
        return errno == EINTR;
    if (n == 0)
        ev_io_stop(p->helper->loop, &p->readable);
    else if (buf_append(&p->output, piece, (size_t)n))
        stop(p, PROC_FLOOD);
    return n > 0 && p->end == PROC_EXITED;
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int events)
{
    (void)loop;
    (void)events;
    read_some(w->data);
}

static void describe(const struct proc *p, int code, struct error *reason)
{
    switch (p->end) {
    case PROC_EXITED:
        if (code)
            error_set(reason, "%s ended with exit status %d", p->name, code);
        break;
    case PROC_KILLED:
        error_set(reason, "%s was killed by signal %d (%s)", p->name, code, strsignal(code));
        break;
    case PROC_TIMEOUT:
        error_set(reason, "%s had not ended after %g s and was stopped", p->name, p->timeout);
        break;
    case PROC_FLOOD:
        error_set(reason, "%s wrote more than %zu bytes and was stopped", p->name, p->output.max);
        break;
    case PROC_NOT_STARTED:
        error_set(reason, "could not start %s: %s", p->name, strerror(code));
        break;
    }
}

/* What the program wrote last may still be in the pipe. */
static void finish(struct proc *p, const struct wire_end *end)
{
    struct error reason = {{0}};
    struct proc_result result = {.reason = reason.text};

    while (p->end == PROC_EXITED && p->pipe >= 0 && !end->error && read_some(p))
        ;
    forget(p);
    if (end->error) {
        p->end = PROC_NOT_STARTED;
        result.code = end->error;
    } else if (WIFSIGNALED(end->status)) {
        p->end = p->end == PROC_EXITED ? PROC_KILLED : p->end;
        result.code = WTERMSIG(end->status);
    } else {
        result.code = WEXITSTATUS(end->status);
    }
    result.end = p->end;
    result.output = buf_str(&p->output);
    describe(p, result.code, &reason);
    p->done(p->arg, &result);
    release(p);
}

/* The helper is gone, and with it all that it ran. */
static void on_lost(struct proc_helper *h)
{
    struct wire_end end = {.status = SIGKILL};

    while (h->running)
        finish(h->running, &end);
    detach(h);
}

static void on_end(struct ev_loop *loop, struct ev_io *w, int events)
{
    struct proc_helper *h = w->data;
    struct wire_end end;
    struct proc *p;
    ssize_t n = recv(h->socket, &end, sizeof end, MSG_DONTWAIT);

    (void)loop;
    (void)events;
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        on_lost(h);
    if (n != sizeof end)
        return;
    /* An end of an unknown id is that of a cancelled one. */
    DL_SEARCH_SCALAR(h->running, p, id, end.id);
    if (p)
        finish(p, &end);
}

static void watch(struct proc *p, struct ev_loop *loop)
{
    ev_io_init(&p->readable, on_readable, p->pipe, EV_READ);
    p->readable.data = p;
    if (p->pipe >= 0)
        ev_io_start(loop, &p->readable);
    ev_now_update(loop);
    ev_timer_init(&p->timer, on_timeout, p->timeout, 1.);
    p->timer.data = p;
    ev_timer_start(loop, &p->timer);
}

/* The input as a file in memory, which cannot be changed any more, with its reader at the
 * beginning. Unlike a pipe it is complete at once, and nobody has to write. -1: `e`. */
static int input_file(struct str input, struct error *e)
{
    int fd = memfd_create("digestd-input", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    size_t at = 0;

    while (fd >= 0 && at < input.n) {
        ssize_t n = pwrite(fd, input.p + at, input.n - at, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    if (fd >= 0 && at == input.n &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
        return fd;
    error_set(e, "could not make its input: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* What the program's output goes into, and its input; the reading end is p->pipe. 0, -1. */
static int open_given(struct proc *p, struct str input, int given[WIRE_DESCRIPTORS],
                      struct error *e)
{
    int ends[2] = {-1, -1};

    if (p->output.max) {
        if (pipe2(ends, O_CLOEXEC))
            return error_set(e, "could not make a pipe: %s", strerror(errno));
        p->pipe = ends[0];
        given[0] = ends[1];
        if (fcntl(p->pipe, F_SETFL, O_NONBLOCK))
            return error_set(e, "could not make a pipe: %s", strerror(errno));
    } else if ((given[0] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0) {
        return error_set(e, "there is no stderr: %s", strerror(errno));
    }
    return input.n && (given[1] = input_file(input, e)) < 0 ? -1 : 0;
}

static struct proc *proc_new(struct proc_helper *h, const char *name,
                             const struct proc_limits *limits)
{
    struct proc *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->helper = h;
    p->id = ++h->last_id;
    p->pipe = -1;
    p->timeout = limits->timeout;
    buf_init(&p->output, limits->max_output);
    p->name = strdup(name ? name : "");
    if (p->name)
        return p;
    free(p);
    return NULL;
}

struct proc *proc_start(struct proc_helper *h, struct ev_loop *loop, char *const argv[],
                        struct str input, const struct proc_limits *limits,
                        void (*done)(void *arg, const struct proc_result *), void *arg,
                        struct error *e)
{
    int given[WIRE_DESCRIPTORS] = {-1, -1};
    struct proc *p = proc_new(h, argv[0], limits);
    bool started = false;

    if (!p) {
        error_set(e, "out of memory");
        return NULL;
    }
    p->done = done;
    p->arg = arg;
    if (open_given(p, input, given, e) || attach(h, loop, e))
        goto out;
    started = order_run(p, argv, limits->max_memory, given, e) == 0;
    if (!started) {
        detach(h);
        goto out;
    }
    watch(p, loop);
    DL_APPEND(h->running, p);
out:
    for (size_t i = 0; i < WIRE_DESCRIPTORS; i++)
        if (given[i] >= 0)
            close(given[i]);
    if (!started)
        release(p);
    return started ? p : NULL;
}

void proc_cancel(struct proc *p)
{
    order_kill(p);
    forget(p);
    release(p);
}
