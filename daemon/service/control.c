/* control: `digestd poll` beside a running daemon is carried out by the daemon. A request is one
 * line; the answer is copied to the asker as it comes, and ends with a NUL and the exit status. */
#include "lock.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)4 * 1024 * 1024)
/* What an asker may leave unread before it is given up. */
#define ANSWER_MAX  ((size_t)64 * 1024 * 1024)

struct control_client {
    struct control *control;
    struct control_client *next, **link;
    int fd;
    ev_io readable, writable;
    struct buf in, out;
    size_t sent;
    bool asked; /* the request is under way: it is its carrier who ends it */
    bool ended;
    bool gone; /* hung up, or gave too much or too little: nothing is sent any more */
};

struct control {
    struct ev_loop *loop;
    struct lock *lock;
    int fd;
    ev_io acceptable;
    control_request *request;
    void *arg;
    struct control_client *clients;
};

static void control_address(struct sockaddr_un *address, int directory)
{
    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", directory,
             CONTROL_NAME);
}

/* ---- clients ------------------------------------------------------------------------------- */

static void client_free(struct control_client *client)
{
    ev_io_stop(client->control->loop, &client->readable);
    ev_io_stop(client->control->loop, &client->writable);
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    close(client->fd);
    buf_clear(&client->in);
    buf_clear(&client->out);
    free(client);
}

/* Frees the client unless somebody still carries out its request. */
static void client_drop(struct control_client *client)
{
    client->gone = true;
    ev_io_stop(client->control->loop, &client->readable);
    ev_io_stop(client->control->loop, &client->writable);
    if (!client->asked || client->ended)
        client_free(client);
}

static void client_write(struct ev_loop *loop, ev_io *w, int events)
{
    struct control_client *client = w->data;

    (void)events;
    while (client->sent < client->out.len) {
        ssize_t n = send(client->fd, client->out.data + client->sent,
                         client->out.len - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            client_drop(client);
            return;
        }
        client->sent += (size_t)n;
    }
    buf_reset(&client->out);
    client->sent = 0;
    ev_io_stop(loop, &client->writable);
    if (client->ended)
        client_free(client);
}

void control_say(struct control_client *client, struct str text)
{
    if (client->gone)
        return;
    buf_add(&client->out, text);
    ev_io_start(client->control->loop, &client->writable);
}

void control_end(struct control_client *client, int status)
{
    char end[16];
    int n = snprintf(end, sizeof(end), "%c%d\n", '\0', status);

    client->ended = true;
    if (client->gone) {
        client_free(client);
        return;
    }
    control_say(client, (struct str){end, (size_t)n});
    if (client->out.failed)
        client_free(client);
}

static void client_read(struct ev_loop *loop, ev_io *w, int events)
{
    struct control_client *client = w->data;
    char chunk[4096];
    ssize_t n = recv(client->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
    char *end;

    (void)loop;
    (void)events;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || client->asked || buf_append(&client->in, chunk, (size_t)n) < 0) {
        client_drop(client);
        return;
    }
    end = memchr(client->in.data, '\n', client->in.len);
    if (!end)
        return;
    client->asked = true;
    client->control->request(client->control->arg, client,
                             str_sub(buf_str(&client->in), 0, (size_t)(end - client->in.data)));
}

/* The last chance of an answer that has ended and is not sent yet. */
static void client_finish(struct control_client *client)
{
    struct timeval a_second = {1, 0};

    if (client->gone || !client->ended)
        return;
    fcntl(client->fd, F_SETFL, 0);
    setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &a_second, sizeof(a_second));
    while (client->sent < client->out.len) {
        ssize_t n = send(client->fd, client->out.data + client->sent,
                         client->out.len - client->sent, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        client->sent += (size_t)n;
    }
}

/* ---- the listener -------------------------------------------------------------------------- */

static void control_accept(struct ev_loop *loop, ev_io *w, int events)
{
    struct control *c = w->data;
    int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct control_client *client;

    (void)events;
    if (fd < 0)
        return;
    client = calloc(1, sizeof(*client));
    if (!client) {
        close(fd);
        return;
    }
    client->control = c;
    client->fd = fd;
    buf_init(&client->in, REQUEST_MAX);
    buf_init(&client->out, ANSWER_MAX);
    ev_io_init(&client->readable, client_read, fd, EV_READ);
    ev_io_init(&client->writable, client_write, fd, EV_WRITE);
    client->readable.data = client->writable.data = client;
    client->next = c->clients;
    client->link = &c->clients;
    if (c->clients)
        c->clients->link = &client->next;
    c->clients = client;
    ev_io_start(loop, &client->readable);
}

static int control_listen(struct control *c, struct error *e)
{
    struct sockaddr_un address;
    mode_t mask;
    int bound;

    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return error_set(e, "cannot make the control socket: %s", strerror(errno));
    /* The lock is ours: a socket that stands there is a dead daemon's. */
    unlinkat(lock_directory(c->lock), CONTROL_NAME, 0);
    control_address(&address, lock_directory(c->lock));
    /* Its mode says who may connect: the owner, and root. Asking the peer for its user would not
     * do: in a user name space of its own the daemon sees root as nobody. */
    mask = umask(0177);
    bound = bind(c->fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (bound < 0 || listen(c->fd, 16) < 0)
        return error_set(e, "cannot listen on the control socket: %s", strerror(errno));
    return lock_name_socket(c->lock, CONTROL_NAME, e);
}

struct control *control_new(struct ev_loop *loop, struct lock *lock, control_request *request,
                            void *arg, struct error *e)
{
    struct control *c = calloc(1, sizeof(*c));

    if (!c) {
        error_set(e, "out of memory");
        return NULL;
    }
    *c = (struct control){.loop = loop, .lock = lock, .fd = -1, .request = request, .arg = arg};
    ev_io_init(&c->acceptable, control_accept, -1, EV_READ);
    if (control_listen(c, e) < 0) {
        control_free(c);
        return NULL;
    }
    ev_io_set(&c->acceptable, c->fd, EV_READ);
    c->acceptable.data = c;
    ev_io_start(loop, &c->acceptable);
    return c;
}

void control_free(struct control *c)
{
    if (!c)
        return;
    ev_io_stop(c->loop, &c->acceptable);
    while (c->clients) {
        client_finish(c->clients);
        client_free(c->clients);
    }
    if (c->fd >= 0) {
        close(c->fd);
        unlinkat(lock_directory(c->lock), CONTROL_NAME, 0);
    }
    free(c);
}

/* ---- the asker ----------------------------------------------------------------------------- */

static int control_connect(const char *state_dir, struct error *e)
{
    int directory = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address;
    int connected;

    control_address(&address, directory);
    connected = connect(fd, (struct sockaddr *)&address, sizeof(address));
    if (directory >= 0)
        close(directory);
    if (connected == 0)
        return fd;
    error_set(e, "cannot reach the daemon through %s/%s: %s", state_dir, CONTROL_NAME,
              strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static int control_send(int fd, struct str request)
{
    struct str newline = STR("\n");
    struct iovec parts[] = {{(void *)request.p, request.n}, {(void *)newline.p, newline.n}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)(request.n + 1) ? 0 : -1;
}

/* Copies up to the NUL, then reads the status. */
static int control_receive(int fd, FILE *out)
{
    char chunk[4096], status[16];
    size_t status_length = 0;
    bool ended = false;
    ssize_t n;

    while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
        char *end = ended ? chunk : memchr(chunk, '\0', (size_t)n);
        size_t rows = end ? (size_t)(end - chunk) : (size_t)n;

        if (!ended) {
            fwrite(chunk, 1, rows, out);
            fflush(out);
        }
        if (end && !ended)
            rows++;
        ended = ended || end;
        for (size_t i = rows; ended && i < (size_t)n && status_length < sizeof(status) - 1; i++)
            status[status_length++] = chunk[i];
    }
    status[status_length] = '\0';
    return status_length ? atoi(status) : -1;
}

int control_ask(const char *state_dir, struct str request, void *out, struct error *e)
{
    int fd = control_connect(state_dir, e);
    int status;

    if (fd < 0)
        return -1;
    status = control_send(fd, request) == 0 ? control_receive(fd, out) : -1;
    close(fd);
    return status >= 0 ? status : error_set(e, "the daemon hung up before it was done");
}
