#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Longer than anything takes that is not stuck, sanitizers and valgrind included. */
#define PROGRAM_MS 120000
#define OUTPUT_MAX ((size_t)64 * 1024 * 1024)

struct place {
    char dir[PATH_MAX];
    struct arena *paths;
};

static void give_up(const char *what)
{
    fprintf(stderr, "test harness: %s: %s\n", what, strerror(errno));
    exit(99);
}

struct place *place_make(void)
{
    struct place *p = calloc(1, sizeof(*p));
    const char *tmp = getenv("TMPDIR");

    if (!p || !(p->paths = arena_new()))
        give_up("memory");
    snprintf(p->dir, sizeof(p->dir), "%s/digestd-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(p->dir))
        give_up(p->dir);
    return p;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void place_remove(struct place *p)
{
    nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(p->paths);
    free(p);
}

int place_set_up(void **state)
{
    *state = place_make();
    return 0;
}

int place_tear_down(void **state)
{
    place_remove(*state);
    return 0;
}

const char *place_path(struct place *p, const char *name)
{
    char path[PATH_MAX * 2];

    snprintf(path, sizeof(path), "%s/%s", p->dir, name);
    return arena_copy(p->paths, str_of(path)).p;
}

void place_write(struct place *p, const char *name, struct str text)
{
    const char *path = place_path(p, name);
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(text.p, 1, text.n, f) != text.n || fclose(f) != 0)
        give_up(path);
}

void place_writef(struct place *p, const char *name, const char *format, ...)
{
    char *text;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&text, format, args);
    va_end(args);
    if (n < 0)
        give_up("memory");
    place_write(p, name, (struct str){text, (size_t)n});
    free(text);
}

struct str file_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct buf b;
    char chunk[65536];
    struct str out = {0};
    size_t n;

    if (!f)
        return out;
    buf_init(&b, OUTPUT_MAX);
    buf_reserve(&b, 0);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_append(&b, chunk, n);
    fclose(f);
    out.p = buf_take(&b, &out.n);
    return out;
}

const char *shared_path(struct place *p, const char *name)
{
    char path[PATH_MAX], *absolute;
    const char *copy;

    snprintf(path, sizeof(path), "../shared/%s", name);
    absolute = realpath(path, NULL);
    copy = absolute ? arena_copy(p->paths, str_of(absolute)).p : NULL;
    free(absolute);
    return copy;
}

/* ---- programs ------------------------------------------------------------------------------ */

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What a test lets a program see of the world. */
static char **environment_make(const char *const extra[])
{
    static const char *const kept[] = {
        "PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"};
    char **env = calloc(64, sizeof(*env));
    size_t n = 0;

    for (size_t i = 0; env && i < sizeof(kept) / sizeof(*kept); i++)
        if (getenv(kept[i]) && asprintf(&env[n], "%s=%s", kept[i], getenv(kept[i])) > 0)
            n++;
    for (size_t i = 0; env && extra && extra[i] && n < 60; i++)
        env[n++] = strdup(extra[i]);
    return env;
}

static void environment_free(char **env)
{
    for (size_t i = 0; env && env[i]; i++)
        free(env[i]);
    free(env);
}

static pid_t start(const char *const argv[], const char *const extra[], int out, int err)
{
    char **env = environment_make(extra);
    pid_t pid = fork();

    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);

        dup2(null, STDIN_FILENO);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        execvpe(argv[0], (char *const *)argv, env);
        dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    environment_free(env);
    return pid;
}

/* Reads both ends until both are closed. False: the time was over first. */
static bool drain(int fds[2], struct buf *bufs[2])
{
    struct pollfd polls[2] = {{fds[0], POLLIN, 0}, {fds[1], POLLIN, 0}};
    int64_t until = now_ms() + PROGRAM_MS;

    while (polls[0].fd >= 0 || polls[1].fd >= 0) {
        int64_t left = until - now_ms();

        if (left <= 0 || (poll(polls, 2, (int)left) < 0 && errno != EINTR))
            return false;
        for (int i = 0; i < 2; i++) {
            char chunk[65536];
            ssize_t n;

            if (polls[i].fd < 0 || !polls[i].revents)
                continue;
            n = read(polls[i].fd, chunk, sizeof(chunk));
            if (n > 0)
                buf_append(bufs[i], chunk, (size_t)n);
            else
                polls[i].fd = -1;
        }
    }
    return true;
}

struct ran run_program(const char *const argv[], const char *const environment[])
{
    int out[2], err[2], status = 0;
    struct buf text[2];
    struct ran r = {0};
    pid_t pid;
    bool ended;

    buf_init(&text[0], OUTPUT_MAX);
    buf_init(&text[1], OUTPUT_MAX);
    buf_puts(&text[0], "");
    buf_puts(&text[1], "");
    if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
        give_up("pipe");
    pid = start(argv, environment, out[1], err[1]);
    close(out[1]);
    close(err[1]);
    ended = pid > 0 && drain((int[]){out[0], err[0]}, (struct buf *[]){&text[0], &text[1]});
    close(out[0]);
    close(err[0]);
    if (!ended && pid > 0)
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    r.status = !ended ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    r.out.p = buf_take(&text[0], &r.out.n);
    r.err.p = buf_take(&text[1], &r.err.n);
    return r;
}

void ran_clear(struct ran *r)
{
    free((char *)r->out.p);
    free((char *)r->err.p);
    *r = (struct ran){0};
}

const char *digestd_path(void)
{
    const char *path = getenv("DIGESTD");

    return path ? path : "build/digestd";
}

struct ran digestd(const char *const words[])
{
    const char *argv[32] = {digestd_path()};

    for (size_t i = 0; words[i] && i < 30; i++)
        argv[i + 1] = words[i];
    return run_program(argv, (const char *const[]){"DIGESTD_PROFILE_DIR=conf/profiles", NULL});
}
