/* The daemon's side: a question to the fetch service, and its answer. */
#include "ask.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024 };

struct ask {
    struct ev_loop *loop;
    struct ev_io readable;
    struct ev_timer timer;
    int fd;
    size_t max_size;
    struct buf answer;
    ask_done *done;
    void *arg;
};

void ask_cancel(struct ask *a)
{
    ev_io_stop(a->loop, &a->readable);
    ev_timer_stop(a->loop, &a->timer);
    close(a->fd);
    buf_clear(&a->answer);
    free(a);
}

static void fail(struct ask *a, const char *reason)
{
    a->done(a->arg, (struct str){0}, reason);
    ask_cancel(a);
}

/* ---- the answer ---------------------------------------------------------------------------- */

static void give_page(struct ask *a, struct str length, struct str page)
{
    int64_t n;

    if (parse_number(length, 0, INT64_MAX / 2, &n) < 0)
        fail(a, "the fetch service answered something else than a page");
    else if ((uint64_t)n != page.n)
        fail(a, "the fetch service broke off in the middle of the page");
    else {
        a->done(a->arg, page.n ? page : STR(""), "");
        ask_cancel(a);
    }
}

/* All of it is there. */
static void take_answer(struct ask *a)
{
    struct str rest = buf_str(&a->answer), head, word;
    struct error reason;

    if (!rest.n || !memchr(rest.p, '\n', rest.n < ASK_HEAD_MAX ? rest.n : ASK_HEAD_MAX)) {
        fail(a, "the fetch service hung up without an answer: its log says why "
                "(journalctl -u 'digestd-fetch@*')");
        return;
    }
    head = str_cut(&rest, '\n');
    word = str_cut(&head, ' ');
    if (str_eq(word, STR("ok"))) {
        give_page(a, head, rest);
    } else if (str_eq(word, STR("failed"))) {
        error_set(&reason, "%.*s", STR_ARG(head));
        fail(a, reason.text);
    } else {
        fail(a, "the fetch service answered something else than a page");
    }
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int events)
{
    struct ask *a = w->data;
    char piece[READ_SIZE];
    ssize_t n = read(a->fd, piece, sizeof piece);
    struct error reason;

    (void)loop;
    (void)events;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n > 0 && buf_append(&a->answer, piece, (size_t)n)) {
        error_set(&reason, "the fetch service sent more than %zu bytes", a->max_size);
        fail(a, reason.text);
    } else if (n <= 0) {
        take_answer(a);
    }
}

static void on_timeout(struct ev_loop *loop, struct ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    fail(w->data, "the fetch service did not answer in time");
}

/* ---- the question -------------------------------------------------------------------------- */

/* A file that is no socket refuses like one that nobody listens at. */
static enum ask_started connect_to(int *fd, const char *path, struct error *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path) {
        error_set(e, "%s: the path is too long for a socket", path);
        return ASK_FAILED;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd >= 0 && connect(*fd, (struct sockaddr *)&address, sizeof address) == 0)
        return ASK_STARTED;
    if (*fd >= 0 && (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR))
        return ASK_NOBODY;
    error_set(e, "could not reach the fetch service: %s", strerror(errno));
    return ASK_FAILED;
}

/* The socket of a new connection has room for all of it. */
static enum ask_started put_question(int fd, const struct ask_options *options, struct error *e)
{
    struct buf question;
    ssize_t sent = -1;

    buf_init(&question, ASK_QUESTION_MAX);
    buf_printf(&question, "%s\n%.*s\n", options->command, STR_ARG(options->url));
    if (!question.failed)
        sent = send(fd, question.data, question.len, MSG_NOSIGNAL);
    if (question.failed)
        error_set(e, "the command and its address are too long for the fetch service");
    else if (sent < 0)
        error_set(e, "could not ask the fetch service: %s", strerror(errno));
    else if ((size_t)sent < question.len)
        error_set(e, "could not ask the fetch service: it does not listen");
    buf_clear(&question);
    return sent >= 0 && !e->text[0] ? ASK_STARTED : ASK_FAILED;
}

static struct ask *ask_new(struct ev_loop *loop, const struct ask_options *options, int fd)
{
    struct ask *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->loop = loop;
    a->fd = fd;
    a->max_size = options->max_size;
    a->done = options->done;
    a->arg = options->arg;
    buf_init(&a->answer, options->max_size + ASK_HEAD_MAX);
    ev_io_init(&a->readable, on_readable, fd, EV_READ);
    ev_now_update(loop);
    ev_timer_init(&a->timer, on_timeout, options->timeout, 0.);
    a->readable.data = a->timer.data = a;
    ev_io_start(loop, &a->readable);
    ev_timer_start(loop, &a->timer);
    return a;
}

enum ask_started ask_start(struct ask **out, struct ev_loop *loop,
                           const struct ask_options *options, struct error *e)
{
    int fd = -1;
    struct error why = {{0}};
    enum ask_started started = connect_to(&fd, options->path, &why);

    if (started == ASK_STARTED)
        started = put_question(fd, options, &why);
    if (started == ASK_STARTED && !(*out = ask_new(loop, options, fd))) {
        error_set(&why, "out of memory");
        started = ASK_FAILED;
    }
    if (started != ASK_STARTED && fd >= 0)
        close(fd);
    if (started == ASK_FAILED)
        error_set(e, "%s", why.text);
    return started;
}
