/* Deadlines. Connections of one state have the same time to go, so that each list is in order by
 * itself (but while limits change: then one may go as late as the one before it) and one timer does
 * for all. It is armed for the earliest deadline or before: a connection that moves on leaves it
 * alone, and when it goes off too early it is just set anew. Without connections it is not armed: a
 * server at rest never wakes. */
#include "server.h"

#include <time.h>
#include <utlist.h>

#define LINGER_SECONDS 2.0
/* Over the coarse clock's step of 4 ms: a timer set to the very deadline could go off just before
 * that clock shows it, again and again. */
#define LATE_SECONDS   0.01

static double seconds_of(const struct http_server *s, enum state state)
{
    switch (state) {
    case STATE_READ:
        return s->options.limits.head_timeout;
    case STATE_IDLE:
        return s->options.limits.idle_timeout;
    case STATE_WAIT:
        return s->options.body_timeout;
    case STATE_SEND:
        return s->options.send_grace / 2;
    case STATE_SLOW:
        return s->options.send_window;
    case STATE_LINGER:
    case STATE_COUNT:
        break;
    }
    return LINGER_SECONDS;
}

/* Not ev_now: that is the wall clock, which jumps. */
static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void arm(struct http_server *s, double now, double deadline)
{
    if (ev_is_active(&s->deadline) && s->armed_for <= deadline)
        return;
    ev_timer_stop(s->loop, &s->deadline);
    ev_timer_set(&s->deadline, (deadline > now ? deadline - now : 0.0) + LATE_SECONDS, 0.0);
    ev_timer_start(s->loop, &s->deadline);
    s->armed_for = deadline;
}

static void on_deadline(struct ev_loop *loop, struct ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    struct http_server *s = timer->data;
    double now = seconds_now();
    /* Who is known to have asked has done in time what the time was for, and must not be read a
     * second time while the answer is held. */
    connections_ready(s);
    output_flush(s);
    for (int state = 0; state < STATE_COUNT; state++)
        while (s->connections[state] && s->connections[state]->deadline <= now)
            connection_expire(s->connections[state]);
    for (int state = 0; state < STATE_COUNT; state++)
        if (s->connections[state])
            arm(s, now, s->connections[state]->deadline);
}

void deadline_init(struct http_server *s)
{
    ev_init(&s->deadline, on_deadline);
    ev_set_priority(&s->deadline, EV_MINPRI); /* once it is known who is ready */
    s->deadline.data = s;
}

void deadline_enter(struct connection *c, enum state state)
{
    struct http_server *s = c->io.data;
    double now = seconds_now();
    if (c->prev) /* the first of a list, too, has one before it: the last */
        DL_DELETE(s->connections[c->state], c);
    c->state = (uint8_t)state;
    c->deadline = now + seconds_of(s, state);
    DL_APPEND(s->connections[state], c);
    arm(s, now, c->deadline);
}

double deadline_age(const struct connection *c)
{
    return seconds_now() - (c->deadline - seconds_of(c->io.data, (enum state)c->state));
}

void deadline_leave(struct connection *c)
{
    struct http_server *s = c->io.data;
    DL_DELETE(s->connections[c->state], c);
    if (s->count == 0)
        ev_timer_stop(s->loop, &s->deadline);
}
