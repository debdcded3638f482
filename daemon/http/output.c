/* Sending: an answer goes out at once, with one system call for head and body. Only what the
 * socket does not take is kept, and waits for it. */
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

void output_drop(struct connection *c)
{
    body_unref(c->body);
    c->body = NULL;
    c->rest = (struct str){0};
    free(c->head);
    c->head = NULL;
}

/* The last answer of a connection is held back until its end is sent, by the shutdown that follows
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

enum step output_start(struct connection *c, struct str head, struct body *body, struct str bytes)
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
        output_drop(c);
        return STEP_DONE;
    }
    size_t of_head = (size_t)n < head.n ? (size_t)n : head.n;
    c->head_sent = (uint16_t)(c->head_sent + of_head);
    c->rest = str_sub(c->rest, (size_t)n - of_head, c->rest.n);
    return STEP_MORE;
}
