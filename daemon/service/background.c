/* Who goes first where two threads share a core: answers before polls. */
#include "service.h"

#include <errno.h>
#include <ev.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id /* timer_create(2) calls it so, glibc does not */
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define NICE                19
#define FOREGROUND_SLICE_NS 100000 /* the least that the kernel knows */
#define BACKGROUND_SLICE_NS 150000
#define TURN_NS             150000
#define TURN_SIGNAL         SIGRTMIN

struct background {
    struct ev_loop *loop;
    ev_prepare before_waiting;
    ev_check after_waiting;
    timer_t turn;
    bool armed;
    volatile sig_atomic_t turns; /* that have ended */
    sig_atomic_t seen;           /* of those, when it last began to wait or to work */
    bool interrupted;            /* a turn ended while it waited */
};

/* What sched_setattr(2) takes; the C library has neither it nor the call. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* How long the calling thread would run at a time. Since Linux 6.12 one that has woken up takes the
 * place of one that has asked for more. An older kernel refuses or ignores it. */
static void ask_for_slice(uint64_t nanoseconds)
{
    struct scheduling s = {.size = sizeof(s)};

    if (syscall(SYS_sched_getattr, 0, &s, sizeof(s), 0) != 0 || s.policy != SCHED_OTHER)
        return;
    s.runtime = nanoseconds;
    (void)syscall(SYS_sched_setattr, 0, &s, 0);
}

void foreground_enter(void)
{
    ask_for_slice(FOREGROUND_SLICE_NS);
}

/* ---- turns --------------------------------------------------------------------------------- */

static void on_turn(int signal, siginfo_t *info, void *context)
{
    struct background *b = info->si_value.sival_ptr;
    int before = errno;

    (void)signal;
    (void)context;
    b->turns = b->turns + 1;
    sched_yield();
    errno = before;
}

static void arm(struct background *b, bool armed)
{
    long nanoseconds = armed ? TURN_NS : 0;
    struct itimerspec every = {{0, nanoseconds}, {0, nanoseconds}};

    b->armed = armed;
    (void)timer_settime(b->turn, 0, &every, NULL);
}

/* To set a timer costs more than most callbacks. So turns go on through the short waits between
 * callbacks, and end with the first wait that is as long as one: that is ended early by its signal,
 * and the one behind it, if there is nothing to do, is left alone. */
static void on_before_waiting(struct ev_loop *loop, ev_prepare *w, int events)
{
    struct background *b = w->data;

    (void)loop;
    (void)events;
    if (b->armed && b->interrupted && b->turns == b->seen)
        arm(b, false);
    b->seen = b->turns;
}

static void on_after_waiting(struct ev_loop *loop, ev_check *w, int events)
{
    struct background *b = w->data;

    (void)loop;
    (void)events;
    b->interrupted = b->turns != b->seen;
    b->seen = b->turns;
    if (!b->armed)
        arm(b, true);
}

static int make_timer(struct background *b)
{
    struct sigaction action = {.sa_sigaction = on_turn, .sa_flags = SA_RESTART | SA_SIGINFO};
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TURN_SIGNAL, .sigev_value.sival_ptr = b};

    event.sigev_notify_thread_id = gettid();
    if (sigaction(TURN_SIGNAL, &action, NULL) != 0)
        return -1;
    return timer_create(CLOCK_MONOTONIC, &event, &b->turn);
}

struct background *background_enter(struct ev_loop *loop, struct error *e)
{
    struct background *b = calloc(1, sizeof(*b));

    /* On Linux a thread has a niceness of its own. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    ask_for_slice(BACKGROUND_SLICE_NS);
    if (!b) {
        error_set(e, "out of memory");
        return NULL;
    }
    if (make_timer(b) != 0) {
        error_set(e, "cannot make a timer: %s", strerror(errno));
        free(b);
        return NULL;
    }
    b->loop = loop;
    ev_prepare_init(&b->before_waiting, on_before_waiting);
    ev_check_init(&b->after_waiting, on_after_waiting);
    ev_set_priority(&b->before_waiting, EV_MINPRI);
    ev_set_priority(&b->after_waiting, EV_MAXPRI);
    b->before_waiting.data = b->after_waiting.data = b;
    ev_prepare_start(loop, &b->before_waiting);
    ev_check_start(loop, &b->after_waiting);
    ev_unref(loop);
    ev_unref(loop);
    return b;
}

void background_leave(struct background *b)
{
    if (!b)
        return;
    ev_ref(b->loop);
    ev_ref(b->loop);
    ev_prepare_stop(b->loop, &b->before_waiting);
    ev_check_stop(b->loop, &b->after_waiting);
    timer_delete(b->turn);
    free(b);
}
