/* The access log. The server's thread puts lines into a buffer; a thread of the log's own writes
 * them, a second's worth at a time. Where it cannot keep up, lines are dropped and counted: readers
 * never wait for a disk. */
#include "access.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAITING_MAX (1u << 20) /* bytes of lines that wait for the disk */
#define KEPT_MAX    (64u << 10)
#define FIELD_MAX   2048 /* of a request line, a referrer, a name of a program */
#define GATHER_NANO 1000000000L
#define STAMP_SIZE  40
#define NO_FILE     (-1)

struct http_access {
    void (*trouble)(void *arg, const char *text);
    void *trouble_arg;
    atomic_bool wanted;

    pthread_t thread;
    bool running;
    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t woken;
    struct buf lines;
    size_t dropped;
    int file, next_file; /* NO_FILE: none; next_file takes the place of file where `moves` */
    size_t moves_at;     /* lines before this belong to the old file */
    bool moves, ending;

    /* The server's thread's own. */
    int64_t second;
    char stamp[STAMP_SIZE];
    /* The writer's own. */
    bool failing;
};

/* ---- lines --------------------------------------------------------------------------------- */

/* "[06/Nov/1994:08:49:37 +0000]" of "Sun, 06 Nov 1994 08:49:37 GMT". */
static void renew_stamp(struct http_access *a, int64_t now)
{
    char date[DATE_SIZE];
    if (now == a->second && a->stamp[0])
        return;
    date_http(date, now);
    snprintf(a->stamp, sizeof a->stamp, "[%.2s/%.3s/%.4s:%.8s +0000]", date + 5, date + 8,
             date + 12, date + 17);
    a->second = now;
}

static bool is_plain(char c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* Quoted; whatever could end the quotes, the line, or speak to a terminal is written as \xHH. */
static void put_quoted(struct buf *out, struct str s)
{
    static const char digits[] = "0123456789ABCDEF";
    s = str_sub(s, 0, FIELD_MAX);
    buf_putc(out, '"');
    if (s.n == 0)
        buf_putc(out, '-');
    for (size_t i = 0, end; i < s.n; i = end) {
        for (end = i; end < s.n && is_plain(s.p[end]); end++)
            ;
        buf_add(out, str_sub(s, i, end - i));
        if (end == s.n)
            break;
        unsigned char c = (unsigned char)s.p[end++];
        buf_append(out, (char[]){'\\', 'x', digits[c >> 4], digits[c & 15]}, 4);
    }
    buf_putc(out, '"');
}

/* The combined log format, which every program that reads such logs knows. */
static void put_line(struct buf *out, const char *stamp, const struct access_line *l)
{
    char address[PEER_TEXT_SIZE];
    buf_printf(out, "%s - - %s ", peer_text(address, l->address), stamp);
    put_quoted(out, l->request->line);
    buf_printf(out, " %d %zu ", l->status, l->bytes);
    put_quoted(out, l->request->referer);
    buf_putc(out, ' ');
    put_quoted(out, l->request->user_agent);
    buf_putc(out, '\n');
}

bool access_wanted(const struct http_access *a)
{
    return a && atomic_load_explicit(&a->wanted, memory_order_relaxed);
}

void access_write(struct http_access *a, const struct access_line *line)
{
    renew_stamp(a, line->now);
    pthread_mutex_lock(&a->lock);
    size_t before = a->lines.len;
    put_line(&a->lines, a->stamp, line);
    if (a->lines.failed) {
        /* Nothing of a line that does not fit as a whole. */
        a->lines.len = before;
        a->lines.failed = false;
        a->dropped++;
    }
    if (before == 0 && a->lines.len)
        pthread_cond_signal(&a->woken);
    pthread_mutex_unlock(&a->lock);
}

/* ---- the writer ---------------------------------------------------------------------------- */

/* On stderr a line is a write, so that lines of two threads never mix. */
static size_t piece_of(int file, struct str rest)
{
    size_t end = file == STDERR_FILENO ? str_find(rest, STR("\n"), 0) : SIZE_MAX;
    return end == SIZE_MAX ? rest.n : end + 1;
}

static int write_all(int file, struct str rest)
{
    while (rest.n) {
        ssize_t n = write(file, rest.p, piece_of(file, rest));
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0)
            rest = str_sub(rest, (size_t)n, rest.n);
    }
    return 0;
}

static void tell(struct http_access *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void tell(struct http_access *a, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (a->trouble)
        a->trouble(a->trouble_arg, text);
}

/* Told once, until it works again. */
static void write_lines(struct http_access *a, int file, struct str lines, size_t dropped)
{
    bool failed = file != NO_FILE && write_all(file, lines) != 0;
    if (failed && !a->failing)
        tell(a, "the access log cannot be written: %s", strerror(errno));
    a->failing = failed;
    if (dropped)
        tell(a, "the access log lacks %zu lines: the disk is too slow for them", dropped);
}

static void close_file(int file)
{
    if (file != NO_FILE && file != STDERR_FILENO)
        close(file);
}

/* What is to be written in one turn. */
struct turn {
    struct buf lines;
    size_t dropped;
    int file, next_file; /* the second takes what stands behind `moves_at` */
    bool moves;
    size_t moves_at;
    bool ending;
};

/* With the lock: takes what there is, and leaves `empty` in its place. */
static struct turn take_turn(struct http_access *a, struct buf empty)
{
    struct turn t = {.lines = a->lines,
                     .dropped = a->dropped,
                     .file = a->file,
                     .next_file = a->next_file,
                     .moves = a->moves,
                     .moves_at = a->moves ? a->moves_at : a->lines.len,
                     .ending = a->ending};
    a->lines = empty;
    a->dropped = 0;
    if (a->moves)
        a->file = a->next_file;
    a->moves = false;
    return t;
}

static void do_turn(struct http_access *a, const struct turn *t)
{
    struct str lines = buf_str(&t->lines);
    write_lines(a, t->file, str_sub(lines, 0, t->moves_at), t->dropped);
    if (!t->moves)
        return;
    close_file(t->file);
    write_lines(a, t->next_file, str_sub(lines, t->moves_at, lines.n), 0);
}

/* With the lock: waits for a line, then for those that come within the same second. */
static void gather(struct http_access *a)
{
    struct timespec until;
    while (!a->lines.len && !a->moves && !a->ending)
        pthread_cond_wait(&a->woken, &a->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += GATHER_NANO / 1000000000L;
    while (!a->moves && !a->ending)
        if (pthread_cond_timedwait(&a->woken, &a->lock, &until) != 0)
            return;
}

static void *writer_main(void *arg)
{
    struct http_access *a = arg;
    struct turn turn = {.ending = false};
    buf_init(&turn.lines, WAITING_MAX);
    while (!turn.ending) {
        pthread_mutex_lock(&a->lock);
        gather(a);
        turn = take_turn(a, turn.lines);
        pthread_mutex_unlock(&a->lock);
        do_turn(a, &turn);
        if (turn.lines.cap > KEPT_MAX)
            buf_clear(&turn.lines);
        buf_reset(&turn.lines);
    }
    buf_clear(&turn.lines);
    return NULL;
}

/* ---- life ---------------------------------------------------------------------------------- */

static int start_writer(struct http_access *a, struct error *e)
{
    sigset_t all, before;
    if (a->running)
        return 0;
    /* Signals are the poller's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&a->thread, NULL, writer_main, a);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return error_set(e, "cannot start the access log's thread: %s", strerror(failed));
    a->running = true;
    return 0;
}

struct http_access *http_access_new(void (*trouble)(void *arg, const char *text), void *arg,
                                    struct error *e)
{
    pthread_condattr_t monotonic;
    struct http_access *a = calloc(1, sizeof *a);
    if (!a) {
        error_set(e, "out of memory");
        return NULL;
    }
    a->trouble = trouble;
    a->trouble_arg = arg;
    a->file = a->next_file = NO_FILE;
    buf_init(&a->lines, WAITING_MAX);
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&a->woken, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return a;
}

static int open_target(const char *target, struct error *e)
{
    if (strcmp(target, "off") == 0)
        return NO_FILE;
    if (strcmp(target, "stderr") == 0)
        return STDERR_FILENO;
    /* Non-blocking for the sake of pipes: one that nobody reads must not hold up anything. */
    int file =
        open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (file < 0)
        error_set(e,
                  "cannot open the access log %s: %s (does its folder exist, and may digestd "
                  "write there? choose another `access-log`)",
                  target, strerror(errno));
    return file;
}

int http_access_open(struct http_access *a, const char *target, struct error *e)
{
    bool off = strcmp(target, "off") == 0;
    int file = open_target(target, e);
    if (file == NO_FILE && !off)
        return -1;
    if (!off && start_writer(a, e) != 0) {
        close_file(file);
        return -1;
    }
    pthread_mutex_lock(&a->lock);
    if (a->moves)
        close_file(a->next_file); /* the writer has never seen it */
    else
        a->moves_at = a->lines.len;
    a->next_file = file;
    a->moves = a->running;
    pthread_cond_signal(&a->woken);
    pthread_mutex_unlock(&a->lock);
    atomic_store(&a->wanted, !off);
    return 0;
}

void http_access_free(struct http_access *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->ending = true;
    pthread_cond_signal(&a->woken);
    pthread_mutex_unlock(&a->lock);
    if (a->running)
        pthread_join(a->thread, NULL);
    close_file(a->file);
    buf_clear(&a->lines);
    pthread_cond_destroy(&a->woken);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
