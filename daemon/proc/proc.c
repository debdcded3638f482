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

enum { READ_SIZE = 64 * 1024, ERRORS_KEPT = 4096, ERRORS_SHOWN = 200 };

struct proc_helper {
    int socket; /* -1: it has died, and is started anew when it is needed */
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
    int errors; /* the same of its stderr, -1: it is ours */
    struct ev_io complaining;
    struct ev_timer timer;
    double timeout;
    struct buf output;
    char said[ERRORS_KEPT]; /* the end of what came on its stderr */
    size_t said_size;
    bool lost;         /* with the helper that ran it */
    enum proc_end end; /* PROC_EXITED as long as we have not stopped it */
    void (*done)(void *arg, const struct proc_result *);
    void *arg;
    struct proc *prev, *next;
};

static void on_end(struct ev_loop *loop, struct ev_io *w, int events);

/* ---- the helper ---------------------------------------------------------------------------- */

/* Starts the process. Later than at the start of the daemon it is only because the first has died:
 * the new one gives up what it inherits, too, but its memory is that of a bigger program. */
static int launch(struct proc_helper *h, struct error *e)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return error_set(e, "could not make a socket for the helper process: %s", strerror(errno));
    h->pid = fork();
    if (h->pid == 0)
        helper_run(pair[1]);
    close(pair[1]);
    if (h->pid < 0) {
        error_set(e, "could not start the helper process: %s", strerror(errno));
        close(pair[0]);
        return -1;
    }
    h->socket = pair[0];
    ev_io_init(&h->ends, on_end, h->socket, EV_READ);
    h->ends.data = h;
    if (h->loop)
        ev_io_start(h->loop, &h->ends);
    return 0;
}

/* Hangs up, which ends the helper, and waits for that. (Its end may have been seen by somebody
 * else: libev's default loop waits for all children.) */
static void dismiss(struct proc_helper *h)
{
    if (h->socket < 0)
        return;
    close(h->socket);
    h->socket = -1;
    while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

struct proc_helper *proc_helper_start(struct error *e)
{
    struct proc_helper *h = calloc(1, sizeof *h);

    if (h && launch(h, e) == 0)
        return h;
    if (!h)
        error_set(e, "out of memory");
    free(h);
    return NULL;
}

void proc_helper_stop(struct proc_helper *h)
{
    if (!h)
        return;
    while (h->running)
        proc_cancel(h->running);
    dismiss(h);
    free(h);
}

/* Nothing runs, and so nobody may have noticed its death. */
static int revive(struct proc_helper *h, struct error *e)
{
    if (!h->running && h->socket >= 0 && waitpid(h->pid, NULL, WNOHANG) != 0)
        dismiss(h);
    return h->socket >= 0 ? 0 : launch(h, e);
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

/* Packs those descriptors that there are. How many. */
static size_t pack_given(const int given[WIRE_DESCRIPTORS], int packed[WIRE_DESCRIPTORS],
                         uint32_t *which)
{
    size_t count = 0;

    for (size_t i = 0; i < WIRE_DESCRIPTORS; i++) {
        if (given[i] < 0)
            continue;
        packed[count++] = given[i];
        *which |= 1u << i;
    }
    return count;
}

static int order_run(const struct proc *p, char *const argv[], const struct proc_limits *limits,
                     const int given[WIRE_DESCRIPTORS], struct error *e)
{
    struct wire_request request = {.order = WIRE_RUN,
                                   .id = p->id,
                                   .max_memory = limits->max_memory,
                                   .own_home = limits->apart};
    struct buf words;
    int packed[WIRE_DESCRIPTORS];
    size_t count = 0, size = pack_given(given, packed, &request.given) * sizeof(int);
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
    memcpy(CMSG_DATA(&control.head), packed, size);
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
    ev_io_stop(h->loop, &p->complaining);
    ev_timer_stop(h->loop, &p->timer);
    DL_DELETE(h->running, p);
    detach(h);
}

static void release(struct proc *p)
{
    if (p->pipe >= 0)
        close(p->pipe);
    if (p->errors >= 0)
        close(p->errors);
    buf_clear(&p->output);
    free(p->name);
    free(p);
}

/* Kills all of it; the end comes from the helper. The order is repeated each second, should the
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

/* One piece of what it complains of: the last that fits is kept. False: there is no more now. */
static bool read_complaint(struct proc *p)
{
    char piece[ERRORS_KEPT];
    ssize_t n = read(p->errors, piece, sizeof piece);
    size_t kept;

    if (n < 0)
        return errno == EINTR;
    if (n == 0) {
        ev_io_stop(p->helper->loop, &p->complaining);
        return false;
    }
    kept = sizeof p->said - (size_t)n;
    if (kept > p->said_size)
        kept = p->said_size;
    memmove(p->said, p->said + p->said_size - kept, kept);
    memcpy(p->said + kept, piece, (size_t)n);
    p->said_size = kept + (size_t)n;
    return true;
}

static void on_complaining(struct ev_loop *loop, struct ev_io *w, int events)
{
    (void)loop;
    (void)events;
    read_complaint(w->data);
}

/* Adds the last line of its stderr, where programs say why they end. */
static void add_complaint(const struct proc *p, struct error *reason)
{
    struct str said = str_trim((struct str){p->said, p->said_size});
    struct buf line;
    size_t begin = said.n;

    while (begin && said.p[begin - 1] != '\n')
        begin--;
    buf_init(&line, 4 * ERRORS_KEPT);
    text_repair(&line, text_head(str_sub(said, begin, said.n), ERRORS_SHOWN));
    if (line.len)
        error_set(reason, "%s: %s", reason->text, line.data);
    buf_clear(&line);
}

static void describe(const struct proc *p, int code, struct error *reason)
{
    switch (p->end) {
    case PROC_EXITED:
        if (code)
            error_set(reason, "%s ended with exit status %d", p->name, code);
        break;
    case PROC_KILLED:
        if (p->lost)
            error_set(reason, "%s was stopped: the helper process that ran it has died", p->name);
        else
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
    for (int i = 0; i < 64 && p->errors >= 0 && read_complaint(p); i++)
        ; /* 64 times: another program may hold the other end, and write on */
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
    if (reason.text[0])
        add_complaint(p, &reason);
    p->done(p->arg, &result);
    release(p);
}

/* The helper is gone, and with it all that it ran. */
static void on_lost(struct proc_helper *h)
{
    struct wire_end end = {.status = SIGKILL};

    /* What runs from here on, started by a callback, is a new helper's. */
    struct proc *lost = h->running;

    ev_io_stop(h->loop, &h->ends);
    dismiss(h);
    for (struct proc *p = lost; p; p = p->next)
        p->lost = true;
    while (h->running && h->running->lost)
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
    ev_io_init(&p->complaining, on_complaining, p->errors, EV_READ);
    p->complaining.data = p;
    if (p->errors >= 0)
        ev_io_start(loop, &p->complaining);
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

/* The end that we read, or -1. */
static int open_pipe(int *writing, struct error *e)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return error_set(e, "could not make a pipe: %s", strerror(errno));
    *writing = ends[1];
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        return ends[0];
    error_set(e, "could not make a pipe: %s", strerror(errno));
    close(ends[0]);
    return -1;
}

/* What the program's output goes into, and its input; the ends that we read are p's. 0, -1. */
static int open_given(struct proc *p, struct str input, const struct proc_limits *limits,
                      int given[WIRE_DESCRIPTORS], struct error *e)
{
    if (limits->max_output)
        p->pipe = open_pipe(&given[WIRE_OUTPUT], e);
    else
        given[WIRE_OUTPUT] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (given[WIRE_OUTPUT] < 0 && !limits->max_output)
        return error_set(e, "there is no stderr: %s", strerror(errno));
    if (limits->max_output && p->pipe < 0)
        return -1;
    if (limits->apart && (p->errors = open_pipe(&given[WIRE_ERRORS], e)) < 0)
        return -1;
    return input.n && (given[WIRE_INPUT] = input_file(input, e)) < 0 ? -1 : 0;
}

static struct proc *proc_new(struct proc_helper *h, const char *name,
                             const struct proc_limits *limits)
{
    struct proc *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->helper = h;
    p->id = ++h->last_id;
    p->pipe = p->errors = -1;
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
    int given[WIRE_DESCRIPTORS] = {-1, -1, -1};
    struct proc *p = proc_new(h, argv[0], limits);
    bool started = false;

    if (!p) {
        error_set(e, "out of memory");
        return NULL;
    }
    p->done = done;
    p->arg = arg;
    if (revive(h, e) || open_given(p, input, limits, given, e) || attach(h, loop, e))
        goto out;
    started = order_run(p, argv, limits, given, e) == 0;
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
