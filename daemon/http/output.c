/* Sending: an answer goes out with one system call for head and body. Only what the socket does not
 * take is kept, and waits for it.
 *
 * An answer without a body of its own, a 304 mostly, is held until all that has come in this round
 * of the loop has been read, and those of a round go one after the other: reading, then sending
 * costs 4 % less than taking turns, since the kernel's way through TCP is larger than the
 * processor's cache. */
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

static void let_go(struct connection *c)
{
    body_unref(c->body);
    c->body = NULL;
    c->rest = (struct str){0};
    free(c->head);
    c->head = NULL;
}

/* The last answer of a connection is kept back until its end is sent, by the shutdown that follows
 * at once, and goes with it in one packet. */
static int flags_of(const struct connection *c)
{
    return MSG_NOSIGNAL | MSG_DONTWAIT | (c->closing ? MSG_MORE : 0);
}

static ssize_t send_both(int fd, struct str head, struct str body, int flags)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)head.p, head.n},
                             {(void *)(uintptr_t)body.p, body.n}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    return sendmsg(fd, &message, flags);
}

/* How much the socket took; 0 also where it is full. -1: it is broken. */
static ssize_t send_parts(const struct connection *c, struct str head, struct str body)
{
    const struct http_server *s = c->io.data;
    int fd = c->io.fd, flags = flags_of(c);
    ssize_t n;
    if (head.n && body.n)
        n = send_both(fd, head, body, flags);
    else if (head.n) /* a 304: what is asked most */
        n = send(fd, head.p, head.n, flags);
    else
        n = send(fd, body.p, body.n, flags);
    if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
        return 0;
    if (n > 0)
        s->counts->bytes += (size_t)n;
    return n;
}

/* Keeps what is left: the body by reference, the head, which stands in the server's own space, as
 * a copy. */
static enum step keep(struct connection *c, struct str head, struct body *body, struct str rest)
{
    c->body = body;
    c->rest = rest;
    c->head_sent = 0;
    c->head_length = (uint16_t)head.n;
    if (head.n == 0)
        return STEP_MORE;
    c->head = malloc(head.n);
    if (!c->head)
        return STEP_BROKEN;
    memcpy(c->head, head.p, head.n);
    return STEP_MORE;
}

static enum step start(struct connection *c, struct str head, struct body *body, struct str bytes)
{
    ssize_t n = send_parts(c, head, bytes);
    if (n < 0 || (size_t)n == head.n + bytes.n) {
        body_unref(body);
        return n < 0 ? STEP_BROKEN : STEP_DONE;
    }
    size_t of_head = (size_t)n < head.n ? (size_t)n : head.n;
    return keep(c, str_sub(head, of_head, head.n), body,
                str_sub(bytes, (size_t)n - of_head, bytes.n));
}

/* ---- answers of a round -------------------------------------------------------------------- */

static enum step send_held(struct held *h)
{
    struct connection *c = h->to;
    h->to = NULL;
    c->held = NULL;
    return start(c, h->head, NULL, (struct str){0});
}

void output_flush(struct http_server *s)
{
    for (struct held *h = s->held; h < s->held + s->held_count; h++)
        if (h->to) {
            struct connection *c = h->to;
            connection_sent(c, send_held(h));
        }
    s->held_count = s->heads_length = 0;
}

char *output_space(struct http_server *s)
{
    if (s->held_count == HELD_MOST || s->heads_length > HELD_BYTES)
        output_flush(s);
    return s->heads + s->heads_length;
}

/* Whatever else is to go to this connection must not overtake it: there is no more to answer, and
 * its end does not follow. What comes later is read in a later round; for a server that stops,
 * which reads once more, all is flushed and nothing held again. */
static bool may_be_held(const struct connection *c, struct str bytes)
{
    return bytes.n == 0 && !c->followed && !c->closing;
}

enum step output_start(struct connection *c, struct str head, struct body *body, struct str bytes)
{
    struct http_server *s = c->io.data;
    if (bytes.n)
        output_flush(s); /* who came before does not wait for what may take long */
    if (!may_be_held(c, bytes))
        return start(c, head, body, bytes);
    body_unref(body);
    c->held = &s->held[s->held_count++];
    *c->held = (struct held){c, head};
    s->heads_length += head.n;
    return STEP_DONE;
}

void output_drop(struct connection *c)
{
    if (c->held)
        (void)send_held(c->held);
    let_go(c);
}

bool output_pending(const struct connection *c)
{
    return c->head || c->rest.n;
}

enum step output_continue(struct connection *c)
{
    struct str head = {0};
    if (c->head)
        head = (struct str){c->head + c->head_sent, (size_t)c->head_length - c->head_sent};
    ssize_t n = send_parts(c, head, c->rest);
    if (n < 0)
        return STEP_BROKEN;
    c->moved += (uint32_t)n;
    if ((size_t)n == head.n + c->rest.n) {
        let_go(c);
        return STEP_DONE;
    }
    size_t of_head = (size_t)n < head.n ? (size_t)n : head.n;
    c->head_sent = (uint16_t)(c->head_sent + of_head);
    c->rest = str_sub(c->rest, (size_t)n - of_head, c->rest.n);
    return STEP_MORE;
}
