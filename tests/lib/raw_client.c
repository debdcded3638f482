/* A client that says exactly the bytes it is given. */
#include "raw_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RESPONSE_MAX (64u << 20)

struct raw_client {
    int fd;
    struct buf in;
    size_t read; /* of `in`, given out already */
    bool ended;
};

/* ---- time ---------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whether the socket is ready for `events` before `deadline`. */
static bool wait_for(const struct raw_client *c, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - now_ms();
        struct pollfd p = {.fd = c->fd, .events = events};
        int n = poll(&p, 1, left > 0 ? (int)left : 0);
        if (n > 0)
            return true;
        if (n == 0 || errno != EINTR)
            return false;
    }
}

/* ---- connecting ---------------------------------------------------------------------------- */

static int connect_to(const struct sockaddr *a, socklen_t size, int receive_buffer)
{
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (connect(fd, a, size) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int open_unix(const char *path, int receive_buffer)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(a.sun_path, path);
    return connect_to((const struct sockaddr *)&a, sizeof a, receive_buffer);
}

static int open_tcp(const char *address, int receive_buffer)
{
    char host[128];
    const char *colon = strrchr(address, ':');
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *list = NULL;
    errno = EINVAL;
    if (!colon || (size_t)(colon - address) >= sizeof host)
        return -1;
    struct str h = {address, (size_t)(colon - address)};
    if (str_starts(h, STR("[")))
        h = str_sub(h, 1, h.n - 2);
    snprintf(host, sizeof host, "%.*s", STR_ARG(h));
    if (getaddrinfo(host, colon + 1, &hints, &list) != 0)
        return -1;
    int fd = connect_to(list->ai_addr, list->ai_addrlen, receive_buffer);
    freeaddrinfo(list);
    return fd;
}

struct raw_client *raw_open(const char *address, int receive_buffer)
{
    bool local = strncmp(address, "unix:", 5) == 0;
    int fd = local ? open_unix(address + 5, receive_buffer) : open_tcp(address, receive_buffer);
    if (fd < 0)
        return NULL;
    struct raw_client *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return NULL;
    }
    c->fd = fd;
    buf_init(&c->in, RESPONSE_MAX);
    return c;
}

void raw_close(struct raw_client *c)
{
    if (!c)
        return;
    close(c->fd);
    buf_clear(&c->in);
    free(c);
}

int raw_fd(const struct raw_client *c)
{
    return c->fd;
}

/* ---- saying -------------------------------------------------------------------------------- */

int raw_send(struct raw_client *c, struct str bytes, int ms)
{
    int64_t deadline = now_ms() + ms;
    while (bytes.n) {
        if (!wait_for(c, POLLOUT, deadline))
            return -1;
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return -1;
        if (n > 0)
            bytes = str_sub(bytes, (size_t)n, bytes.n);
    }
    return 0;
}

int raw_puts(struct raw_client *c, const char *text)
{
    return raw_send(c, str_of(text), 5000);
}

int raw_end(struct raw_client *c)
{
    return shutdown(c->fd, SHUT_WR);
}

/* ---- hearing ------------------------------------------------------------------------------- */

/* Takes in what is there, waiting for it until `deadline`. */
static enum raw_result hear(struct raw_client *c, int64_t deadline)
{
    if (c->ended)
        return RAW_CLOSED;
    if (!wait_for(c, POLLIN, deadline))
        return RAW_TIMEOUT;
    if (buf_reserve(&c->in, 65536))
        return RAW_BAD;
    ssize_t n = recv(c->fd, c->in.data + c->in.len, 65536, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return RAW_DONE;
    if (n <= 0) {
        c->ended = true;
        return RAW_CLOSED;
    }
    c->in.len += (size_t)n;
    c->in.data[c->in.len] = '\0';
    return RAW_DONE;
}

static struct str unread(const struct raw_client *c)
{
    return str_sub(buf_str(&c->in), c->read, c->in.len);
}

static void forget_read(struct raw_client *c)
{
    if (c->read == 0)
        return;
    memmove(c->in.data, c->in.data + c->read, c->in.len - c->read);
    c->in.len -= c->read;
    c->read = 0;
}

static int parse_status_line(struct str line, struct raw_response *out)
{
    if (line.n < 13 || !str_starts(line, STR("HTTP/1.")) || line.p[8] != ' ' || line.p[12] != ' ')
        return -1;
    int64_t minor, status;
    if (parse_number(str_sub(line, 7, 1), 0, 9, &minor) ||
        parse_number(str_sub(line, 9, 3), 100, 599, &status))
        return -1;
    out->minor = (unsigned)minor;
    out->status = (int)status;
    return 0;
}

static enum raw_result read_head(struct raw_client *c, int64_t deadline, size_t *length)
{
    size_t end;
    while ((end = str_find(unread(c), STR("\r\n\r\n"), 0)) == SIZE_MAX) {
        enum raw_result result = hear(c, deadline);
        if (result != RAW_DONE)
            return result;
    }
    *length = end + 4;
    return RAW_DONE;
}

static void set_head(struct raw_client *c, size_t length, struct raw_response *out)
{
    out->head = str_sub(unread(c), 0, length);
    size_t line = str_find(out->head, STR("\r\n"), 0) + 2;
    out->fields = str_sub(out->head, line, length - line - 2);
}

/* How long the body is; SIZE_MAX: until the end of the connection. -1: it cannot be told. */
static int body_length(const struct raw_response *r, bool of_head, size_t *length)
{
    int64_t n;
    struct str field = raw_field(r, "Content-Length");
    *length = 0;
    if (of_head || r->status < 200 || r->status == 204 || r->status == 304)
        return 0;
    if (raw_field(r, "Transfer-Encoding").p)
        return -1;
    *length = SIZE_MAX;
    if (!field.p)
        return 0;
    if (parse_number(field, 0, RESPONSE_MAX, &n))
        return -1;
    *length = (size_t)n;
    return 0;
}

/* Hears until `n` bytes are unread; SIZE_MAX: until the peer closes. */
static enum raw_result hear_bytes(struct raw_client *c, size_t n, int64_t deadline)
{
    while (unread(c).n < n) {
        enum raw_result result = hear(c, deadline);
        if (result == RAW_CLOSED && n == SIZE_MAX)
            return RAW_DONE;
        if (result != RAW_DONE)
            return result;
    }
    return RAW_DONE;
}

enum raw_result raw_read(struct raw_client *c, bool of_head, int ms, struct raw_response *out)
{
    int64_t deadline = now_ms() + ms;
    size_t head, body;
    *out = (struct raw_response){0};
    forget_read(c);
    enum raw_result result = read_head(c, deadline, &head);
    if (result != RAW_DONE)
        return result;
    set_head(c, head, out);
    if (parse_status_line(out->head, out) || body_length(out, of_head, &body))
        return RAW_BAD;
    result = hear_bytes(c, body == SIZE_MAX ? SIZE_MAX : head + body, deadline);
    set_head(c, head, out);
    out->body = str_sub(unread(c), head, body);
    if (result == RAW_DONE)
        c->read += head + out->body.n;
    return result;
}

bool raw_ends(struct raw_client *c, int ms)
{
    int64_t deadline = now_ms() + ms;
    enum raw_result result = RAW_DONE;
    while (unread(c).n == 0 && result == RAW_DONE)
        result = hear(c, deadline);
    return unread(c).n == 0 && result == RAW_CLOSED;
}

bool raw_silent(struct raw_client *c, int ms)
{
    int64_t deadline = now_ms() + ms;
    enum raw_result result = RAW_DONE;
    while (unread(c).n == 0 && result == RAW_DONE)
        result = hear(c, deadline);
    return unread(c).n == 0 && result == RAW_TIMEOUT;
}

/* ---- fields -------------------------------------------------------------------------------- */

static struct str field_at(const struct raw_response *r, const char *name, size_t *count)
{
    struct str rest = r->fields, found = {0};
    *count = 0;
    while (rest.n) {
        struct str value = str_cut(&rest, '\n');
        struct str field = str_cut(&value, ':');
        if (str_eq_nocase(field, str_of(name)) && (*count)++ == 0)
            found = str_trim(value);
    }
    return found;
}

struct str raw_field(const struct raw_response *r, const char *name)
{
    size_t count;
    return field_at(r, name, &count);
}

size_t raw_field_count(const struct raw_response *r, const char *name)
{
    size_t count;
    field_at(r, name, &count);
    return count;
}

struct raw_client *raw_get(const char *address, const char *path, const char *fields, int ms,
                           struct raw_response *out)
{
    struct buf request;
    buf_init(&request, 65536);
    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%s\r\n", path,
               fields ? fields : "");
    struct raw_client *c = request.failed ? NULL : raw_open(address, 0);
    if (c && (raw_send(c, buf_str(&request), ms) || raw_read(c, false, ms, out) != RAW_DONE)) {
        raw_close(c);
        c = NULL;
    }
    buf_clear(&request);
    return c;
}
