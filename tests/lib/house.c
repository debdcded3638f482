#include "house.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS     60000
#define ANSWER_MS    30000
/* Between two questions: the thread that has to bring about what is waited for is a nice one. */
#define ASK_AGAIN_MS 5

struct house {
    pid_t pid;
    int log_fd;
    struct buf log;
    size_t read_to; /* where the last wait ended */
    char address[256];
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Reads what is there, waiting at most `ms`. False: the log has ended. */
static bool log_read(struct house *h, int ms)
{
    struct pollfd p = {h->log_fd, POLLIN, 0};
    char chunk[16384];
    ssize_t n;

    if (poll(&p, 1, ms) <= 0)
        return true;
    n = read(h->log_fd, chunk, sizeof(chunk));
    if (n <= 0)
        return false;
    buf_append(&h->log, chunk, (size_t)n);
    return true;
}

const char *house_log(struct house *h)
{
    size_t before;

    do {
        before = h->log.len;
        log_read(h, 0);
    } while (h->log.len > before);
    return h->log.data ? h->log.data : "";
}

bool house_wait_log(struct house *h, const char *text, int ms)
{
    int64_t until = now_ms() + ms;
    bool more = true;

    for (;;) {
        size_t at = str_find(buf_str(&h->log), str_of(text), h->read_to);
        int64_t left = until - now_ms();

        if (at != SIZE_MAX) {
            h->read_to = at + strlen(text);
            return true;
        }
        if (!more || left <= 0)
            return false;
        more = log_read(h, (int)left);
    }
}

static int wait_status(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void house_free(struct house *h)
{
    close(h->log_fd);
    buf_clear(&h->log);
    free(h);
}

static void launch(struct house *h, const char *conf)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        exit(99);
    h->log_fd = fds[0];
    h->pid = fork();
    if (h->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        setenv("DIGESTD_PROFILE_DIR", "conf/profiles", 1);
        unsetenv("JOURNAL_STREAM");
        dup2(fds[1], STDERR_FILENO);
        execl(digestd_path(), digestd_path(), "run", "-c", conf, NULL);
        _exit(127);
    }
    close(fds[1]);
}

struct house *house_start(const char *conf, struct ran *ran)
{
    struct house *h = calloc(1, sizeof(*h));
    const char *at;

    if (!h)
        exit(99);
    buf_init(&h->log, SIZE_MAX);
    launch(h, conf);
    if (!house_wait_log(h, " serves ", START_MS)) {
        kill(h->pid, SIGKILL);
        while (log_read(h, START_MS) && h->log.len < h->log.max - 1)
            if (waitpid(h->pid, NULL, WNOHANG) != 0)
                break;
        *ran = (struct ran){.status = wait_status(h->pid)};
        ran->err.p = buf_take(&h->log, &ran->err.n);
        house_free(h);
        return NULL;
    }
    at = strstr(h->log.data, "listening on ");
    if (at)
        snprintf(h->address, sizeof(h->address), "%.*s",
                 (int)strcspn(at + strlen("listening on "), "\n"), at + strlen("listening on "));
    return h;
}

const char *house_address(const struct house *h)
{
    return h->address;
}

int house_pid(const struct house *h)
{
    return h->pid;
}

void house_signal(struct house *h, int signal)
{
    kill(h->pid, signal);
}

int house_stop(struct house *h, char **log)
{
    int status;

    kill(h->pid, SIGTERM);
    while (log_read(h, START_MS))
        ;
    status = wait_status(h->pid);
    if (log)
        *log = buf_take(&h->log, NULL);
    house_free(h);
    return status;
}

void house_kill(struct house *h)
{
    kill(h->pid, SIGKILL);
    wait_status(h->pid);
    house_free(h);
}

/* ---- asking -------------------------------------------------------------------------------- */

char *house_get(const struct house *h, const char *path)
{
    struct raw_response r;
    struct raw_client *c = raw_get(h->address, path, NULL, ANSWER_MS, &r);
    char *body = c && r.status == 200 ? strndup(r.body.p, r.body.n) : NULL;

    raw_close(c);
    return body;
}

char *house_get_with(const struct house *h, const char *path, const char *text, int ms)
{
    int64_t until = now_ms() + ms;

    do {
        char *body = house_get(h, path);

        if (body && strstr(body, text))
            return body;
        free(body);
        poll(NULL, 0, ASK_AGAIN_MS);
    } while (now_ms() < until);
    return NULL;
}

/* A date that is that of the answer may be put off still. */
static bool is_dated(const struct house *h, const char *path)
{
    struct raw_response r = {0};
    struct raw_client *c = raw_get(h->address, path, NULL, ANSWER_MS, &r);
    struct str modified = {0}, date = {0};
    bool dated;

    if (c) {
        modified = raw_field(&r, "Last-Modified");
        date = raw_field(&r, "Date");
    }
    dated = modified.n && date.n && !str_eq(modified, date);
    raw_close(c);
    return dated;
}

bool house_wait_dated(const struct house *h, const char *path, int ms)
{
    int64_t until = now_ms() + ms;

    while (!is_dated(h, path)) {
        if (now_ms() >= until)
            return false;
        poll(NULL, 0, ASK_AGAIN_MS);
    }
    return true;
}

int house_status(const struct house *h, const char *path, const char *fields)
{
    struct raw_response r = {0};
    struct raw_client *c = raw_get(h->address, path, fields, ANSWER_MS, &r);
    int status = c ? r.status : 0;

    raw_close(c);
    return status;
}
