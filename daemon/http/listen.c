/* Listening sockets: from the words of the conf, and what every one of them is set to. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG     511
#define SOCKET_MODE 0660        /* a proxy in front shares the group */
#define MOST_AHEAD  (128 << 10) /* bytes that a socket takes and has not sent */

#define CONTROL_SIZE     16 /* of a congestion control's name */
/* Bytes. Three of them go in a packet of the loopback: 64 KiB but for what the kernel keeps for
 * heads, some 320 bytes. */
#define LOOPBACK_SEGMENT 21700

static int fail(struct error *e, const char *spec, int error)
{
    const char *advice = "";
    if (error == EADDRINUSE)
        advice = " (is another digestd, or another program, running there? choose another "
                 "`listen`)";
    else if (error == EACCES || error == EPERM)
        advice = " (ports under 1024 and other people's folders need a privilege; choose another "
                 "`listen`, or let systemd hand the socket over)";
    else if (error == EADDRNOTAVAIL)
        advice = " (this machine does not have that address; `ip address` shows those it has)";
    return error_set(e, "cannot listen on %s: %s%s", spec, strerror(error), advice);
}

/* ---- HOST:PORT ----------------------------------------------------------------------------- */

struct place {
    char host[256]; /* empty: all */
    char port[6];
};

static int split(const char *spec, struct place *p)
{
    const char *colon = strrchr(spec, ':');
    if (!colon)
        return -1;
    struct str host = {spec, (size_t)(colon - spec)}, port = str_of(colon + 1);
    int64_t number;
    if (parse_number(port, 0, 65535, &number))
        return -1;
    bool literal = str_starts(host, STR("[")) && str_ends(host, STR("]"));
    if (literal)
        host = str_sub(host, 1, host.n - 2);
    if (host.n == 0 || host.n >= sizeof p->host ||
        (!literal && str_find(host, STR(":"), 0) != SIZE_MAX))
        return -1;
    bool all = str_eq(host, STR("*"));
    snprintf(p->host, sizeof p->host, "%.*s", all ? 0 : (int)host.n, host.p);
    snprintf(p->port, sizeof p->port, "%d", (int)number);
    return 0;
}

/* A descriptor, or -1 with errno set. */
static int open_address(const struct addrinfo *a)
{
    int one = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* The first address of this family that can be had. -1: errno says why; 0 there: no such address.
 */
static int open_first(const struct place *p, int family, int flags)
{
    struct addrinfo hints = {.ai_family = family,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV | flags};
    struct addrinfo *list = NULL;
    int fd = -1, error = 0;
    if (getaddrinfo(p->host[0] ? p->host : NULL, p->port, &hints, &list) != 0) {
        errno = 0;
        return -1;
    }
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
        fd = open_address(a);
        error = errno;
    }
    freeaddrinfo(list);
    errno = error;
    return fd;
}

/* Numbers before names, and the older family first: who writes `localhost` or `*` means that at
 * least. */
static int listen_tcp(const char *spec, struct error *e)
{
    static const struct {
        int family, flags;
    } ways[] = {{AF_INET, AI_NUMERICHOST}, {AF_INET6, AI_NUMERICHOST}, {AF_INET, 0}, {AF_INET6, 0}};
    struct place p;
    int error = 0;
    if (split(spec, &p))
        return error_set(e,
                         "cannot listen on %s: it is neither HOST:PORT, [ADDRESS]:PORT nor "
                         "unix:/PATH",
                         spec);
    for (size_t i = 0; i < sizeof ways / sizeof *ways && error == 0; i++) {
        int fd = open_first(&p, ways[i].family, ways[i].flags);
        if (fd >= 0)
            return fd;
        error = errno;
    }
    if (error)
        return fail(e, spec, error);
    return error_set(e, "cannot listen on %s: there is no host %s", spec, p.host);
}

/* ---- unix:/PATH ---------------------------------------------------------------------------- */

static int unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Whether a socket stands there that nobody listens on any more. */
static bool is_stale(const struct sockaddr_un *a)
{
    struct stat st;
    if (lstat(a->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = unix_socket();
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)a, sizeof *a) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int bind_unix(int fd, const struct sockaddr_un *a)
{
    if (bind(fd, (const struct sockaddr *)a, sizeof *a) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -1;
    if (!is_stale(a) || unlink(a->sun_path) != 0) {
        errno = EADDRINUSE;
        return -1;
    }
    return bind(fd, (const struct sockaddr *)a, sizeof *a);
}

/* Nobody can connect before the mode is right: who tries is refused until `listen`. */
static int open_unix(const struct sockaddr_un *a, mode_t mode)
{
    int fd = unix_socket();
    if (fd < 0)
        return -1;
    if (bind_unix(fd, a) == 0 && chmod(a->sun_path, mode) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Why no socket can be at this path, where the error alone does not say it. True: `e` says so. */
static bool explain_unix(const char *spec, const char *path, int error, struct error *e)
{
    struct stat st;
    if (error == EADDRINUSE && lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        error_set(
            e,
            "cannot listen on %s: what is there is no socket, and is left alone: remove it, or "
            "choose another `listen`",
            spec);
    else if (error == ENOENT)
        error_set(
            e,
            "cannot listen on %s: the folder that the socket is to be in is missing: make it, "
            "or choose another `listen`",
            spec);
    else
        return false;
    return true;
}

static int listen_unix(const char *spec, const char *value, struct error *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct str path;
    unsigned mode = SOCKET_MODE;
    if (parse_socket(str_of(value), &path, &mode))
        return error_set(e, "cannot listen on %s: the mode is octal, as in mode=0660", spec);
    if (!str_starts(path, STR("/")))
        return error_set(e, "cannot listen on %s: the path has to begin with /", spec);
    if (path.n >= sizeof a.sun_path)
        return error_set(e, "cannot listen on %s: the path is longer than %zu bytes", spec,
                         sizeof a.sun_path - 1);
    memcpy(a.sun_path, path.p, path.n);
    int fd = open_unix(&a, mode);
    int error = errno;
    if (fd >= 0)
        return fd;
    return explain_unix(spec, a.sun_path, error, e) ? -1 : fail(e, spec, error);
}

/* ---- both ---------------------------------------------------------------------------------- */

int http_listen(const char *spec, struct error *e)
{
    if (str_starts(str_of(spec), STR("unix:")))
        return listen_unix(spec, spec + 5, e);
    return listen_tcp(spec, e);
}

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un local;
    struct sockaddr_storage space;
};

/* Where a socket is bound, and how long that is; AF_UNSPEC: it cannot be told. */
static socklen_t get_address(int fd, union address *a)
{
    socklen_t length = sizeof *a;
    memset(a, 0, sizeof *a);
    return getsockname(fd, &a->any, &length) == 0 ? length : 0;
}

static void format_unix(const struct sockaddr_un *a, socklen_t length, char *out, size_t size)
{
    size_t n = length > offsetof(struct sockaddr_un, sun_path)
                   ? length - offsetof(struct sockaddr_un, sun_path)
                   : 0;
    snprintf(out, size, "unix:%.*s", (int)strnlen(a->sun_path, n), a->sun_path);
}

void http_address(int fd, char *out, size_t size)
{
    union address a;
    socklen_t length = get_address(fd, &a);
    char host[64], port[8];
    snprintf(out, size, "?");
    if (a.any.sa_family == AF_UNIX)
        format_unix(&a.local, length, out, size);
    else if (getnameinfo(&a.any, length, host, sizeof host, port, sizeof port,
                         NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(out, size, a.any.sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* ---- what every one is set to -------------------------------------------------------------- */

static bool is_loopback(int fd)
{
    union address a;
    (void)get_address(fd, &a);
    if (a.any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&a.six.sin6_addr);
    return a.any.sa_family == AF_INET &&
           ntohl(a.four.sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
}

static bool get_control(int fd, char name[CONTROL_SIZE])
{
    socklen_t size = CONTROL_SIZE;
    memset(name, 0, CONTROL_SIZE);
    return getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size) == 0;
}

/* Whether this socket is to have another congestion control than the machine's, as TCPCongestion=
 * of a systemd.socket(5) says it. */
static bool control_is_chosen(int fd)
{
    char has[CONTROL_SIZE], usual[CONTROL_SIZE];
    int fresh = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool same = fresh >= 0 && get_control(fd, has) && get_control(fresh, usual) &&
                strncmp(has, usual, CONTROL_SIZE) == 0;
    if (fresh >= 0)
        close(fresh);
    return !same;
}

/* To a proxy on this machine there is no way that is worth measuring: the simplest congestion
 * control will do, which every Linux has. A 304 costs 3 % less by it than by BBR, and the same as
 * by CUBIC. Of the segments of half a window, 32 KiB, that Linux would send, one goes in a packet;
 * of smaller ones three do: a feed of 360 KB costs 5 % less, and the 99th percentile of one of
 * 110 KB is a fifth lower. Not where BBR paces them, so that control comes first. */
static void suit_loopback(int fd)
{
    static const char control[] = "reno";
    int segment = LOOPBACK_SEGMENT;
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, sizeof control - 1) == 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment);
}

int listener_prepare(int fd, struct error *e)
{
    int listening = 0, one = 1, ahead = MOST_AHEAD;
    socklen_t size = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening)
        return error_set(e, "descriptor %d is no listening socket", fd);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return error_set(e, "cannot prepare the listening socket: %s", strerror(errno));
    /* Answers go out whole, so there is nothing to gather; and who hardly reads does not make the
     * kernel copy megabytes for him. Both options fail on a unix socket, which needs no such thing.
     * TCP_DEFER_ACCEPT was measured and gains nothing: the first request has come by the time of
     * `accept`, 994 times in 1000. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &ahead, sizeof ahead);
    if (is_loopback(fd) && !control_is_chosen(fd))
        suit_loopback(fd);
    return 0;
}
