/* A thread in the background gives way while it works and leaves the machine alone while it waits;
 * whoever shares a core with it has it again after a moment, however long the work takes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "service.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define WORK_MS       200 /* of CPU time: the core may belong to others, too */
#define WAIT_MS       100
#define SHORT_US      50 /* less than a turn */
#define CALLS         400
#define TURNS_LEAST   5 /* valgrind is slow, and lets few signals through */
#define INTERRUPTIONS 3
#define PATIENCE_MS   20000

static atomic_uint turns;

/* Ours stands before the C library's. */
int sched_yield(void)
{
    errno = EPERM; /* what a handler leaves behind would be the work's own error */
    atomic_fetch_add(&turns, 1);
    return 0;
}

static int64_t microseconds_of(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void work(int64_t microseconds)
{
    int64_t end = microseconds_of(CLOCK_THREAD_CPUTIME_ID) + microseconds;

    while (microseconds_of(CLOCK_THREAD_CPUTIME_ID) < end)
        ;
}

struct work {
    struct ev_timer timer;
    unsigned turns;   /* while it worked */
    unsigned at_rest; /* while the loop waited */
    int error;        /* errno at the end of the work */
    int calls;
};

/* The first call works, the second ends it all. */
static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct work *w = timer->data;
    unsigned before = atomic_load(&turns);

    (void)events;
    if (w->calls++) {
        w->at_rest = before - w->turns;
        ev_break(loop, EVBREAK_ALL);
        return;
    }
    errno = 0;
    work(WORK_MS * 1000);
    w->error = errno;
    w->turns = atomic_load(&turns);
    ev_now_update(loop);
    ev_timer_set(timer, WAIT_MS / 1e3, 0.);
    ev_timer_start(loop, timer);
}

static struct work run_work(struct ev_loop *loop)
{
    struct work w = {.calls = 0};

    atomic_store(&turns, 0);
    ev_timer_init(&w.timer, on_timer, 0., 0.);
    w.timer.data = &w;
    ev_timer_start(loop, &w.timer);
    ev_run(loop, 0);
    return w;
}

static void test_turns(void **state)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct error e;
    struct background *b = background_enter(loop, &e);
    struct work w;

    (void)state;
    assert_non_null(b);
    assert_int_equal(getpriority(PRIO_PROCESS, (id_t)gettid()), 19);
    w = run_work(loop);
    assert_int_equal(w.error, 0);
    assert_true(w.turns >= TURNS_LEAST);
    /* A few end before it is seen that there is nothing to do; else there would be hundreds. */
    assert_true(w.at_rest <= 8);
    background_leave(b);
    assert_int_equal(run_work(loop).turns, 0);
    ev_loop_destroy(loop);
}

/* A loop in which nothing else is left ends, as it would without. */
static void test_does_not_keep_the_loop(void **state)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct error e;
    struct background *b = background_enter(loop, &e);

    (void)state;
    assert_non_null(b);
    ev_run(loop, 0);
    background_leave(b);
    ev_loop_destroy(loop);
}

struct calls {
    struct ev_idle idle;
    int left;
};

static void on_idle(struct ev_loop *loop, ev_idle *idle, int events)
{
    struct calls *c = idle->data;

    (void)events;
    work(SHORT_US);
    if (--c->left == 0)
        ev_idle_stop(loop, idle);
}

/* Many short callbacks in a row are long work, too. */
static void test_short_callbacks(void **state)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct error e;
    struct background *b = background_enter(loop, &e);
    struct calls c = {.left = CALLS};

    (void)state;
    assert_non_null(b);
    atomic_store(&turns, 0);
    ev_idle_init(&c.idle, on_idle);
    c.idle.data = &c;
    ev_idle_start(loop, &c.idle);
    ev_run(loop, 0);
    /* One in three calls, the third at the latest, and none is counted twice. */
    assert_true(atomic_load(&turns) >= CALLS / 4);
    background_leave(b);
    ev_loop_destroy(loop);
}

struct reading {
    int pipe[2];
    struct ev_timer timer;
    ssize_t read;
    bool interrupted;
};

/* Writes once a few turns have interrupted the reader. */
static void *write_later(void *arg)
{
    struct reading *r = arg;
    int64_t end = microseconds_of(CLOCK_MONOTONIC) + PATIENCE_MS * 1000;

    while (atomic_load(&turns) < INTERRUPTIONS && microseconds_of(CLOCK_MONOTONIC) < end)
        ;
    assert_int_equal(write(r->pipe[1], "x", 1), 1);
    return NULL;
}

static void on_read(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct reading *r = timer->data;
    pthread_t writer;
    char byte;

    (void)loop;
    (void)events;
    atomic_store(&turns, 0);
    assert_int_equal(pthread_create(&writer, NULL, write_later, r), 0);
    r->read = read(r->pipe[0], &byte, 1);
    r->interrupted = atomic_load(&turns) >= INTERRUPTIONS;
    pthread_join(writer, NULL);
}

/* A system call that waits goes on waiting. */
static void test_calls_go_on(void **state)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct error e;
    struct background *b = background_enter(loop, &e);
    struct reading r = {.read = -1};

    (void)state;
    assert_non_null(b);
    assert_int_equal(pipe2(r.pipe, O_CLOEXEC), 0);
    ev_timer_init(&r.timer, on_read, 0., 0.);
    r.timer.data = &r;
    ev_timer_start(loop, &r.timer);
    ev_run(loop, 0);
    assert_true(r.interrupted);
    assert_int_equal(r.read, 1);
    background_leave(b);
    close(r.pipe[0]);
    close(r.pipe[1]);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_does_not_keep_the_loop),
        cmocka_unit_test(test_short_callbacks),
        cmocka_unit_test(test_calls_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
