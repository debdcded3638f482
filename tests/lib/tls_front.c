/* The TLS server: its certificates, and a thread a connection. */
#include "tls_front.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

enum { DAY = 24 * 60 * 60 };

struct connection {
    struct tls_front *front;
    pthread_t thread;
    int fd;
    struct connection *prev, *next;
};

struct tls_front {
    SSL_CTX *context;
    pthread_t thread;
    int listener;
    unsigned port, to;

    pthread_mutex_t lock; /* for all below */
    struct connection *connections;
    size_t handshakes, resumed;
};

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "tls front: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    abort();
}

/* ---- certificates -------------------------------------------------------------------------- */

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    if (!extension || !X509_add_ext(certificate, extension, -1))
        give_up("X509_add_ext");
    X509_EXTENSION_free(extension);
}

/* Valid from `from` to `to`, seconds from now. `by` NULL: signed by itself. */
static struct identity make_identity(const char *name, long from, long to,
                                     const struct identity *by)
{
    struct identity made = {EVP_EC_gen("P-256"), X509_new()};
    X509_NAME *subject = X509_NAME_new();
    static int serial;
    char unique[64]; /* authorities are found by their names */

    if (!made.key || !made.certificate || !subject)
        give_up("X509_new");
    by = by ? by : &made;
    snprintf(unique, sizeof unique, "%s %d", name, ++serial);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)unique, -1, -1,
                               0);
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), to);
    X509_set_subject_name(made.certificate, subject);
    X509_set_issuer_name(made.certificate,
                         by == &made ? subject : X509_get_subject_name(by->certificate));
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME_free(subject);
    return made;
}

static void sign(struct identity *made, const struct identity *by)
{
    if (!X509_sign(made->certificate, by->key, EVP_sha256()))
        give_up("X509_sign");
}

static struct identity make_authority(const char *name)
{
    struct identity authority = make_identity(name, -DAY, DAY, NULL);

    add_extension(authority.certificate, NID_basic_constraints, "critical,CA:TRUE");
    sign(&authority, &authority);
    return authority;
}

static struct identity make_server(enum tls_certificate kind, const struct identity *authority)
{
    long from = kind == TLS_NOT_YET ? DAY : -2 * DAY, to = kind == TLS_EXPIRED ? -DAY : 2 * DAY;
    bool alone = kind == TLS_SELF_SIGNED;
    struct identity server = make_identity("a test", from, to, alone ? NULL : authority);

    add_extension(server.certificate, NID_subject_alt_name,
                  kind == TLS_WRONG_HOST ? "DNS:elsewhere.example" : "IP:127.0.0.1,DNS:localhost");
    sign(&server, alone ? &server : authority);
    return server;
}

static void identity_clear(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

static void write_certificate(const struct identity *identity, const char *path)
{
    FILE *f = fopen(path, "w");

    if (!f || !PEM_write_X509(f, identity->certificate) || fclose(f))
        give_up(path);
}

static SSL_CTX *make_context(enum tls_certificate kind, const char *path)
{
    struct identity authority = make_authority("an authority of a test");
    struct identity other = make_authority("another authority");
    struct identity server = make_server(kind, &authority);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    write_certificate(kind == TLS_UNKNOWN_AUTHORITY ? &other : &authority, path);
    if (!context || SSL_CTX_use_certificate(context, server.certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, server.key) != 1)
        give_up("SSL_CTX");
    if (kind == TLS_TOO_OLD) {
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    }
    identity_clear(&authority);
    identity_clear(&other);
    identity_clear(&server);
    return context;
}

/* ---- connections --------------------------------------------------------------------------- */

static bool pass_on(int fd, const char *data, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Until one of both sides has ended. */
static void relay(SSL *tls, int fd)
{
    struct pollfd ends[] = {{SSL_get_fd(tls), POLLIN, 0}, {fd, POLLIN, 0}};
    char piece[16384];
    bool open = true;

    while (open) {
        if (!SSL_pending(tls) && poll(ends, 2, -1) < 0)
            return;
        if (SSL_pending(tls) || ends[0].revents) {
            int n = SSL_read(tls, piece, sizeof piece);
            open = n > 0 && pass_on(fd, piece, (size_t)n);
        }
        if (open && ends[1].revents) {
            ssize_t n = recv(fd, piece, sizeof piece, 0);
            open = n > 0 && SSL_write(tls, piece, (int)n) > 0;
        }
    }
}

static int connect_to(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        give_up("connect");
    return fd;
}

static void serve(struct tls_front *front, SSL *tls)
{
    int fd;

    if (SSL_accept(tls) != 1)
        return;
    pthread_mutex_lock(&front->lock);
    front->handshakes++;
    front->resumed += SSL_session_reused(tls) == 1;
    pthread_mutex_unlock(&front->lock);
    fd = connect_to(front->to);
    relay(tls, fd);
    SSL_shutdown(tls);
    close(fd);
}

static void *run_connection(void *arg)
{
    struct connection *c = arg;
    SSL *tls = SSL_new(c->front->context);

    if (!tls || !SSL_set_fd(tls, c->fd))
        give_up("SSL_new");
    serve(c->front, tls);
    SSL_free(tls);
    shutdown(c->fd, SHUT_RDWR); /* closed when the front stops: its number stays ours */
    return NULL;
}

/* Signals are for the test's own threads, and SIGPIPE, which SSL_write may raise, for nobody. */
static void start_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
    sigset_t all, old;
    int code;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    code = pthread_create(thread, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code)
        give_up("pthread_create");
}

static void take_connection(struct tls_front *front, int fd)
{
    struct connection *c = calloc(1, sizeof *c);

    if (!c)
        give_up("calloc");
    c->front = front;
    c->fd = fd;
    pthread_mutex_lock(&front->lock);
    DL_APPEND(front->connections, c);
    start_thread(&c->thread, run_connection, c);
    pthread_mutex_unlock(&front->lock);
}

static void *run(void *arg)
{
    struct tls_front *front = arg;
    int fd;

    while ((fd = accept4(front->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        take_connection(front, fd);
    return NULL;
}

/* ---- the face ------------------------------------------------------------------------------ */

struct tls_front *tls_front_start(enum tls_certificate certificate, unsigned port,
                                  const char *authority)
{
    struct tls_front *front = calloc(1, sizeof *front);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof address;

    if (!front)
        give_up("calloc");
    front->to = port;
    front->context = make_context(certificate, authority);
    front->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (front->listener < 0 || bind(front->listener, (struct sockaddr *)&address, n) ||
        listen(front->listener, 128) ||
        getsockname(front->listener, (struct sockaddr *)&address, &n))
        give_up("listen");
    front->port = ntohs(address.sin_port);
    pthread_mutex_init(&front->lock, NULL);
    start_thread(&front->thread, run, front);
    return front;
}

void tls_front_stop(struct tls_front *front)
{
    struct connection *c, *next;

    if (!front)
        return;
    shutdown(front->listener, SHUT_RDWR); /* wakes accept() */
    pthread_join(front->thread, NULL);
    close(front->listener);
    DL_FOREACH_SAFE(front->connections, c, next)
    {
        shutdown(c->fd, SHUT_RDWR);
        pthread_join(c->thread, NULL);
        close(c->fd);
        free(c);
    }
    SSL_CTX_free(front->context);
    pthread_mutex_destroy(&front->lock);
    free(front);
}

unsigned tls_front_port(const struct tls_front *front)
{
    return front->port;
}

static size_t read_counter(struct tls_front *front, const size_t *counter)
{
    size_t value;

    pthread_mutex_lock(&front->lock);
    value = *counter;
    pthread_mutex_unlock(&front->lock);
    return value;
}

size_t tls_front_handshakes(struct tls_front *front)
{
    return read_counter(front, &front->handshakes);
}

size_t tls_front_resumed(struct tls_front *front)
{
    return read_counter(front, &front->resumed);
}
