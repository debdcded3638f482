/* A connection: an enum of states, and for each what to do when its socket is ready, its body has
 * come, or its time is over. */
#include "server.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utlist.h>

#define INPUT_LEAST  1024
#define LINGER_BYTES (256u << 10)
#define TURNS        64 /* answers in a row before others have their turn */

static void process(struct connection *c, const char *bytes, size_t n, struct found *found);
static void leave_round(struct connection *c);

static struct http_server *server_of(const struct connection *c)
{
    return c->io.data;
}

/* ---- states -------------------------------------------------------------------------------- */

static void watch(struct connection *c, int events)
{
    struct ev_loop *loop = server_of(c)->loop;
    if (ev_is_active(&c->io) && (c->io.events & (EV_READ | EV_WRITE)) == events)
        return;
    ev_io_stop(loop, &c->io);
    ev_io_modify(&c->io, events);
    if (events)
        ev_io_start(loop, &c->io);
}

static void enter(struct connection *c, enum state state)
{
    static const int events[STATE_COUNT] = {
        [STATE_READ] = EV_READ,  [STATE_IDLE] = EV_READ,  [STATE_WAIT] = 0,
        [STATE_SEND] = EV_WRITE, [STATE_SLOW] = EV_WRITE, [STATE_LINGER] = EV_READ,
    };
    watch(c, events[state]);
    c->moved = 0;
    deadline_enter(c, state);
}

static void drop_input(struct connection *c)
{
    free(c->input);
    c->input = NULL;
}

void connection_close(struct connection *c)
{
    struct http_server *s = server_of(c);
    site_cancel(&c->waiter);
    ev_io_stop(s->loop, &c->io);
    leave_round(c);
    output_drop(c);
    close(c->io.fd);
    s->counts->open = --s->count;
    peers_leave(&s->peers, c->peer);
    deadline_leave(c);
    drop_input(c);
    free(c);
    server_room(s);
}

/* Gives up a reader that hardly takes what it is sent. What lies in the socket goes with it: the
 * system would keep trying, and the memory, for minutes. */
void connection_abort(struct connection *c)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    connection_close(c);
}

/* All has been sent and the connection shall end. What is sent goes out with its end (output.c)
 * before the socket is closed: a close over bytes that have come and were not read is a reset, and
 * forgets what has not gone. While the peer may still send it has to wait: a reset can overtake the
 * answer (RFC 9112 9.6). */
static void finish(struct connection *c)
{
    if (shutdown(c->io.fd, SHUT_WR) != 0 || !c->lingers) {
        connection_close(c);
        return;
    }
    drop_input(c);
    enter(c, STATE_LINGER);
}

/* The last answer of a connection whose request cannot be read to its end. */
static void give_up(struct connection *c, const struct http_request *r, int status)
{
    enum step step = answer_last(c, r, status);
    drop_input(c); /* not before: the request is a view of it, which the access log reads */
    if (step == STEP_MORE)
        enter(c, STATE_SEND);
    else if (step == STEP_DONE)
        finish(c);
    else
        connection_close(c);
}

/* ---- requests ------------------------------------------------------------------------------ */

/* Keeps bytes that cannot be answered yet; they may stand in the input already. */
static int keep_input(struct connection *c, const char *bytes, size_t n)
{
    if (n == 0) {
        drop_input(c);
        return 0;
    }
    if (!c->input) {
        size_t size = n > INPUT_LEAST ? HTTP_HEAD_MAX : INPUT_LEAST;
        c->input = malloc(sizeof *c->input + size);
        if (!c->input) {
            connection_close(c);
            return -1;
        }
        c->input->size = size;
    }
    memmove(c->input->bytes, bytes, n);
    c->input->n = n;
    return 0;
}

static void keep_and_enter(struct connection *c, const char *bytes, size_t n, enum state state)
{
    if (keep_input(c, bytes, n) == 0)
        enter(c, state);
}

/* A head is not complete. Its time began with its first byte and is not given again. */
static void await_more(struct connection *c, const char *bytes, size_t n, bool begun)
{
    if (keep_input(c, bytes, n) == 0 && !begun)
        enter(c, STATE_READ);
}

/* Answers the requests among these bytes, one after the other, as far as that goes. */
static void process(struct connection *c, const char *bytes, size_t n, struct found *found)
{
    bool begun = c->state == STATE_READ;
    for (unsigned turn = 0; n > 0; turn++, begun = false) {
        if (turn == TURNS) {
            keep_and_enter(c, bytes, n, STATE_SEND);
            return;
        }
        struct http_request r;
        size_t used;
        int status;
        enum http_parse parsed = http_parse((struct str){bytes, n}, &r, &used, &status);
        if (parsed == HTTP_PARSE_MORE) {
            await_more(c, bytes, n, begun);
            return;
        }
        if (parsed == HTTP_PARSE_BAD) {
            give_up(c, &r, status);
            return;
        }
        c->followed = used < n;
        enum step step = answer_request(c, &r, found);
        found = NULL;
        if (step == STEP_BROKEN) {
            connection_close(c);
            return;
        }
        if (step == STEP_WAIT) {
            keep_and_enter(c, bytes, n, STATE_WAIT);
            return;
        }
        bytes += used;
        n -= used;
        if (c->closing && n > 0) {
            c->lingers = true; /* more has come than will be answered */
            n = 0;
        }
        if (step == STEP_MORE) {
            keep_and_enter(c, bytes, n, STATE_SEND);
            return;
        }
        if (c->closing) {
            finish(c);
            return;
        }
    }
    drop_input(c);
    enter(c, STATE_IDLE);
}

/* Where the next bytes go: behind what has come of this head, else into the server's space. */
static struct iovec room_for_input(struct connection *c)
{
    struct http_server *s = server_of(c);
    struct input *in = c->input;
    if (!in)
        return (struct iovec){s->input, sizeof s->input};
    if (in->n == in->size && in->size < HTTP_HEAD_MAX) {
        struct input *grown = realloc(in, sizeof *in + HTTP_HEAD_MAX);
        if (!grown)
            return (struct iovec){0};
        grown->size = HTTP_HEAD_MAX;
        c->input = in = grown;
    }
    return (struct iovec){in->bytes + in->n, in->size - in->n};
}

static void on_readable(struct connection *c)
{
    struct iovec room = room_for_input(c);
    if (room.iov_len == 0) {
        connection_close(c);
        return;
    }
    ssize_t n = recv(c->io.fd, room.iov_base, room.iov_len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        connection_close(c);
        return;
    }
    if (c->input) {
        c->input->n += (size_t)n;
        process(c, c->input->bytes, c->input->n, NULL);
        return;
    }
    process(c, room.iov_base, (size_t)n, NULL);
}

/* The socket takes bytes again. */
static void on_writable(struct connection *c)
{
    enum step step = output_pending(c) ? output_continue(c) : STEP_DONE;
    if (step == STEP_BROKEN)
        connection_close(c);
    else if (step == STEP_MORE)
        return;
    else if (c->closing)
        finish(c);
    else if (c->input)
        process(c, c->input->bytes, c->input->n, NULL);
    else
        enter(c, STATE_IDLE);
}

void connection_sent(struct connection *c, enum step step)
{
    if (step == STEP_BROKEN)
        connection_close(c);
    else if (step == STEP_MORE)
        enter(c, STATE_SEND);
}

static void on_dropped(struct connection *c)
{
    struct http_server *s = server_of(c);
    ssize_t n = recv(c->io.fd, s->input, sizeof s->input, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0)
        c->moved += (uint32_t)n;
    if (n <= 0 || c->moved > LINGER_BYTES)
        connection_close(c);
}

static void on_socket(struct connection *c)
{
    switch ((enum state)c->state) {
    case STATE_READ:
    case STATE_IDLE:
        on_readable(c);
        break;
    case STATE_SEND:
    case STATE_SLOW:
        on_writable(c);
        break;
    case STATE_LINGER:
        on_dropped(c);
        break;
    case STATE_WAIT:
    case STATE_COUNT:
        break;
    }
}

/* libev calls those that are ready in the reverse of their order. Who asks first shall be answered
 * first, or the last of a crowd would wait no time and the first all of it. */
static void on_io(struct ev_loop *loop, struct ev_io *io, int revents)
{
    (void)loop, (void)revents;
    struct connection *c = (struct connection *)((char *)io - offsetof(struct connection, io));
    struct http_server *s = server_of(c);
    DL_PREPEND2(s->ready, c, ready_prev, ready_next);
}

static void leave_round(struct connection *c)
{
    struct http_server *s = server_of(c);
    if (!c->ready_prev) /* the first of a list, too, has one before it: the last */
        return;
    DL_DELETE2(s->ready, c, ready_prev, ready_next);
    c->ready_prev = NULL;
}

void connections_ready(struct http_server *s)
{
    while (s->ready) {
        struct connection *c = s->ready;
        leave_round(c);
        on_socket(c);
    }
}

/* ---- bodies that were waited for ----------------------------------------------------------- */

/* The request still stands at the front of the input. */
static void go_on(struct connection *c, enum site_answer what, struct body *body)
{
    struct found found = {what, body};
    process(c, c->input->bytes, c->input->n, &found);
}

static void on_ready(struct site_waiter *w, enum site_answer what, struct body *body)
{
    go_on((struct connection *)((char *)w - offsetof(struct connection, waiter)), what, body);
}

/* ---- life ---------------------------------------------------------------------------------- */

/* Counts the connection with those of its address. False: there are too many. */
static bool count_in(struct http_server *s, struct peer_address address, struct peer **peer)
{
    static const struct peer_address local;
    size_t most = s->options.limits.max_connections_per_address;
    *peer = NULL;
    if (most == 0 || memcmp(&address, &local, sizeof local) == 0)
        return true;
    *peer = peers_enter(&s->peers, address, most);
    return *peer != NULL;
}

void connection_open(struct http_server *s, int fd, struct peer_address address)
{
    struct peer *peer;
    if (!count_in(s, address, &peer)) {
        answer_too_many(s, fd, address);
        return;
    }
    struct connection *c = calloc(1, sizeof *c);
    if (!c) {
        peers_leave(&s->peers, peer);
        close(fd);
        return;
    }
    c->peer = peer;
    c->address = address;
    ev_io_init(&c->io, on_io, fd, EV_READ);
    c->io.data = s;
    c->waiter.ready = on_ready;
    s->counts->open = ++s->count;
    s->counts->connections++;
    enter(c, STATE_READ);
    on_readable(c);
}

/* The end of one who has begun no request as far as is known, unless one has come meanwhile. */
static void hear_or_close(struct connection *c)
{
    char byte;
    if (recv(c->io.fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0)
        on_readable(c);
    else
        connection_close(c);
}

/* A head that has begun is told that it was too slow; who has said nothing is just let go. */
static void expire_head(struct connection *c)
{
    struct http_request nothing_known;
    memset(&nothing_known, 0, offsetof(struct http_request, path_space));
    if (c->input)
        give_up(c, &nothing_known, 408);
    else
        hear_or_close(c);
}

/* What lies in the socket, sent or not, and has not been acknowledged. */
static int queued_in(const struct connection *c)
{
    int queued = 0;
    (void)ioctl(c->io.fd, SIOCOUTQ, &queued);
    return queued;
}

/* Not before a moment has passed: an answer that has just begun to flow fills buffers on both
 * sides, which is not the reader's pace. */
static void begin_window(struct connection *c, int queued)
{
    c->queued = queued;
    c->moved = 0;
    deadline_enter(c, STATE_SLOW);
}

/* Whether a reader has taken too little in these seconds of its window. What the socket takes says
 * little: it is ready again only when much of it has gone, which a slow reader needs minutes for.
 * So what lies in it is asked, too. */
static bool too_slow(const struct connection *c, int queued, double seconds)
{
    double taken = (double)c->moved + c->queued - queued;
    return taken < (double)server_of(c)->options.limits.min_send_rate * seconds;
}

static void expire_slow(struct connection *c)
{
    int queued = queued_in(c);
    if (too_slow(c, queued, server_of(c)->options.send_window))
        connection_abort(c);
    else
        begin_window(c, queued);
}

bool connection_lags(const struct connection *c)
{
    double age = deadline_age(c);
    return age >= server_of(c)->options.send_grace && too_slow(c, queued_in(c), age);
}

void connection_expire(struct connection *c)
{
    switch ((enum state)c->state) {
    case STATE_READ:
        expire_head(c);
        return;
    case STATE_WAIT:
        site_cancel(&c->waiter);
        go_on(c, SITE_BUSY, NULL);
        return;
    case STATE_SEND:
        begin_window(c, queued_in(c));
        return;
    case STATE_SLOW:
        expire_slow(c);
        return;
    case STATE_IDLE:
        hear_or_close(c);
        return;
    case STATE_LINGER:
    case STATE_COUNT:
        break;
    }
    connection_close(c);
}

void connection_drain(struct connection *c)
{
    if (c->state == STATE_IDLE || (c->state == STATE_READ && !c->input))
        hear_or_close(c);
}
