/* The fetch service's side: one question, one answer. */
#include "ask.h"
#include "command.h"
#include "fetch.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    QUESTION_SECONDS = 10, /* for the question to come, and for each piece of the answer to go */
};

struct serving {
    int fd;
    struct ev_loop *loop;
    struct ev_io hung_up;
    struct proc *command;
    int failed;
    struct error *e;
};

/* ---- the answer ---------------------------------------------------------------------------- */

static int send_all(int fd, struct str bytes)
{
    while (bytes.n) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return 0;
}

static int answer(int fd, const char *word, struct str text, struct str page)
{
    struct buf head;
    int done;

    buf_init(&head, ASK_HEAD_MAX);
    buf_printf(&head, "%s %.*s\n", word, STR_ARG(text));
    done = head.failed || send_all(fd, buf_str(&head)) || send_all(fd, page) ? -1 : 0;
    buf_clear(&head);
    return done;
}

static int refuse(int fd, const struct error *e)
{
    answer(fd, "failed", str_of(e->text), (struct str){0});
    return -1;
}

static void give(struct serving *s, struct str page)
{
    char length[32];
    struct str text = {length, (size_t)snprintf(length, sizeof length, "%zu", page.n)};

    if (answer(s->fd, "ok", text, page))
        s->failed = error_set(s->e, "could not hand the page over: %s", strerror(errno));
}

/* ---- the question -------------------------------------------------------------------------- */

/* Two lines. -1: `e`. */
static int take_question(int fd, struct buf *question, struct error *e)
{
    size_t lines = 0;
    char piece[4096];

    while (lines < 2) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set(e, "no question came: %s", n ? strerror(errno) : "it was hung up");
        if (buf_append(question, piece, (size_t)n))
            return error_set(e, "the question is too long");
        for (ssize_t i = 0; i < n; i++)
            lines += piece[i] == '\n';
    }
    return 0;
}

/* The most that any source with this command allows: those who ask heed their own limits. NULL:
 * there is none with it. */
static const char *find_command(const struct conf *conf, struct str asked, double *timeout,
                                size_t *max_size)
{
    const char *command = NULL;

    *timeout = 0;
    *max_size = 0;
    for (size_t i = 0; i < conf->sources_count; i++) {
        const struct poll_conf *poll = &conf->sources[i].poll;

        if (!poll->fetch_command || !str_eq(str_of(poll->fetch_command), asked))
            continue;
        command = poll->fetch_command;
        *timeout = (double)poll->timeout > *timeout ? (double)poll->timeout : *timeout;
        *max_size = poll->max_size > *max_size ? poll->max_size : *max_size;
    }
    return command;
}

/* ---- the program --------------------------------------------------------------------------- */

static void on_ended(void *arg, const struct proc_result *ended)
{
    struct serving *s = arg;

    s->command = NULL;
    if (command_gave_page(ended, s->e))
        give(s, ended->output);
    else
        s->failed = refuse(s->fd, s->e);
    ev_break(s->loop, EVBREAK_ALL);
}

/* Nothing more is to be said by whoever asked: either they are gone, or they talk nonsense. */
static void on_hung_up(struct ev_loop *loop, struct ev_io *w, int events)
{
    struct serving *s = w->data;

    (void)events;
    if (s->command)
        proc_cancel(s->command);
    s->command = NULL;
    s->failed = error_set(s->e, "whoever asked has hung up");
    ev_break(loop, EVBREAK_ALL);
}

static int run(struct serving *s, struct proc_helper *helper, const struct conf *conf,
               struct str command, struct str url)
{
    double timeout;
    size_t max_size;
    const char *ours = find_command(conf, command, &timeout, &max_size);

    if (!ours)
        return error_set(s->e,
                         "no source in %s has this fetch-command: was the conf file edited, "
                         "and the daemon not reloaded?",
                         conf->file);
    if (!uri_is_http(url))
        return error_set(s->e, "only http and https addresses are fetched here");
    s->command = command_run(helper, s->loop, ours, url, timeout, max_size, on_ended, s, s->e);
    return s->command ? 0 : -1;
}

static int serve(struct serving *s, struct proc_helper *helper, const struct conf *conf,
                 struct str question)
{
    struct str command = str_cut(&question, '\n'), url = str_cut(&question, '\n');

    if (run(s, helper, conf, command, url))
        return refuse(s->fd, s->e);
    ev_io_init(&s->hung_up, on_hung_up, s->fd, EV_READ);
    s->hung_up.data = s;
    ev_io_start(s->loop, &s->hung_up);
    ev_run(s->loop, 0);
    ev_io_stop(s->loop, &s->hung_up);
    return s->failed;
}

int fetch_serve(int connection, const struct conf *conf, struct proc_helper *helper,
                struct error *e)
{
    const struct timeval patience = {.tv_sec = QUESTION_SECONDS};
    struct serving s = {.fd = connection, .e = e, .loop = ev_loop_new(EVFLAG_AUTO)};
    struct buf question;
    int failed = -1;

    buf_init(&question, ASK_QUESTION_MAX);
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!s.loop)
        error_set(e, "cannot make an event loop");
    else if (take_question(connection, &question, e) == 0 && conf)
        failed = serve(&s, helper, conf, buf_str(&question));
    else if (!conf) {
        error_set(e, "the conf file has faults: 'digestd check' lists them");
        refuse(connection, e);
    }
    buf_clear(&question);
    if (s.loop)
        ev_loop_destroy(s.loop);
    return failed;
}
