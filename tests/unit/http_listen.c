/* Listening sockets and what is said where one cannot be had. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../daemon/http/server.h"
#include "../lib/raw_client.h"

static void assert_refused(const char *spec, const char *says)
{
    struct error e = {""};
    int fd = http_listen(spec, &e);
    if (fd >= 0 || !strstr(e.text, spec) || !strstr(e.text, says))
        fail_msg("%s: descriptor %d, said: %s", spec, fd, e.text);
}

static int listen_on(const char *spec)
{
    struct error e = {""};
    int fd = http_listen(spec, &e);
    if (fd < 0)
        fail_msg("%s", e.text);
    return fd;
}

static void assert_reachable(const char *address)
{
    struct raw_client *c = raw_open(address, 0);
    assert_non_null(c);
    raw_close(c);
}

static void addresses(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *begins;
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1:"},
        {"localhost:0", "127.0.0.1:"},
        {"*:0", "0.0.0.0:"},
        {"0.0.0.0:0", "0.0.0.0:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char address[64], reach[80];
        int fd = listen_on(cases[i].spec);
        http_address(fd, address, sizeof address);
        if (!str_starts(str_of(address), str_of(cases[i].begins)))
            fail_msg("%s: %s", cases[i].spec, address);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        snprintf(reach, sizeof reach, "127.0.0.1%s", strrchr(address, ':'));
        assert_reachable(reach);
        close(fd);
    }
}

static void addresses_of_ipv6(void **state)
{
    (void)state;
    struct error e;
    char address[64];
    int fd = http_listen("[::1]:0", &e);
    if (fd < 0) {
        print_message("skipped: this machine has no ::1 (%s)\n", e.text);
        skip();
    }
    http_address(fd, address, sizeof address);
    assert_true(str_starts(str_of(address), STR("[::1]:")));
    assert_reachable(address);
    close(fd);
}

static void both_families_on_one_port(void **state)
{
    (void)state;
    struct error e;
    char address[64], spec[80];
    int four = listen_on("0.0.0.0:0");
    http_address(four, address, sizeof address);
    snprintf(spec, sizeof spec, "[::]%s", strrchr(address, ':'));
    int six = http_listen(spec, &e); /* it takes IPv6 alone, so the two do not clash */
    if (six < 0) {
        close(four);
        print_message("skipped: this machine has no IPv6 (%s)\n", e.text);
        skip();
    }
    close(four);
    close(six);
}

static void a_port_in_use(void **state)
{
    (void)state;
    char address[64];
    int fd = listen_on("127.0.0.1:0");
    http_address(fd, address, sizeof address);
    assert_refused(address, "Address already in use");
    assert_refused(address, "`listen`");
    close(fd);
    close(listen_on(address)); /* free again at once */
}

static void words_that_are_no_address(void **state)
{
    (void)state;
    static const char *const specs[] = {
        "",         "8780",           "127.0.0.1", "127.0.0.1:",
        ":8780",    "127.0.0.1:http", "a:-1",      "127.0.0.1:65536",
        "::1:8780", "[]:80",          "a:80 ",     "http://a:80",
    };
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++)
        assert_refused(specs[i], "HOST:PORT");
    assert_refused("192.0.2.1:0", "does not have that address");
    assert_refused("no-such-host.invalid:0", "no-such-host.invalid");
}

/* ---- unix ---------------------------------------------------------------------------------- */

struct folder {
    char path[64], socket[80], spec[96];
};

static void make_folder(struct folder *f)
{
    strcpy(f->path, "/tmp/http_listen.XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->socket, sizeof f->socket, "%s/s", f->path);
    snprintf(f->spec, sizeof f->spec, "unix:%s", f->socket);
}

static void remove_folder(struct folder *f)
{
    unlink(f->socket);
    assert_int_equal(0, rmdir(f->path));
}

static void a_unix_socket(void **state)
{
    (void)state;
    struct folder f;
    struct stat st;
    char address[128];
    make_folder(&f);
    int fd = listen_on(f.spec);
    http_address(fd, address, sizeof address);
    assert_string_equal(f.spec, address);
    assert_int_equal(0, stat(f.socket, &st));
    assert_int_equal(0660, st.st_mode & 0777);
    assert_reachable(f.spec);
    assert_refused(f.spec, "Address already in use");
    assert_reachable(f.spec); /* and is still there */
    close(fd);
    close(listen_on(f.spec)); /* the stale one is replaced */
    remove_folder(&f);
}

static void a_mode_of_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        unsigned mode;
    } cases[] = {{" mode=0600", 0600}, {" mode=666", 0666}, {"  mode=0777 ", 0777}};
    struct folder f;
    struct stat st;
    make_folder(&f);
    mode_t before = umask(077); /* it says nothing here */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char spec[128];
        snprintf(spec, sizeof spec, "%s%s", f.spec, cases[i].words);
        int fd = listen_on(spec);
        assert_int_equal(0, stat(f.socket, &st));
        assert_int_equal(cases[i].mode, st.st_mode & 0777);
        assert_reachable(f.spec);
        close(fd);
    }
    umask(before);
    remove_folder(&f);
    assert_refused("unix:/tmp/s mode=rw", "octal");
    assert_refused("unix:/tmp/s mode=", "octal");
    assert_refused("unix:/tmp/s mode=1777", "octal");
    assert_refused("unix:/tmp/s mode=0689", "octal");
}

static void a_file_is_not_replaced(void **state)
{
    (void)state;
    struct folder f;
    make_folder(&f);
    FILE *file = fopen(f.socket, "w");
    assert_non_null(file);
    fclose(file);
    assert_refused(f.spec, "what is there is no socket, and is left alone: remove it, or choose");
    assert_int_equal(0, access(f.socket, F_OK));
    remove_folder(&f);
}

static void paths_that_cannot_be(void **state)
{
    (void)state;
    char spec[300] = "unix:/";
    memset(spec + strlen(spec), 'x', 200);
    assert_refused(spec, "longer than 107 bytes");
    assert_refused("unix:relative", "begin with /");
    assert_refused("unix:", "begin with /");
    assert_refused("unix:/no/such/folder/s",
                   "the folder that the socket is to be in is missing: make it");
}

/* ---- what every one is set to -------------------------------------------------------------- */

#define CONTROL_SIZE 16
#define TIMESTAMPS   12 /* bytes of a segment, where both sides have them */

struct inherited {
    int nodelay, ahead, segment;
    char control[CONTROL_SIZE];
};

static int option(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(0, getsockopt(fd, IPPROTO_TCP, name, &value, &size));
    return value;
}

static struct inherited inherited_by(int fd)
{
    struct inherited i = {.nodelay = option(fd, TCP_NODELAY),
                          .ahead = option(fd, TCP_NOTSENT_LOWAT),
                          .segment = option(fd, TCP_MAXSEG)};
    socklen_t size = CONTROL_SIZE;
    assert_int_equal(0, getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, i.control, &size));
    return i;
}

/* What a connection to a listener has, at the server. */
static struct inherited let_in(int listener)
{
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    char address[64];
    http_address(listener, address, sizeof address);
    struct raw_client *client = raw_open(address, 0);
    assert_non_null(client);
    assert_int_equal(1, poll(&ready, 1, 5000));
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    struct inherited i = inherited_by(fd);
    close(fd);
    raw_close(client);
    return i;
}

/* By connections to a listener of this spec, when it was prepared and before. */
static void let_in_two(const char *spec, struct inherited *before, struct inherited *prepared)
{
    struct error e = {""};
    int listener = listen_on(spec);
    *before = let_in(listener);
    assert_int_equal(0, fcntl(listener, F_SETFD, 0)); /* as whoever hands it over may leave it */
    assert_int_equal(0, fcntl(listener, F_SETFL, 0));
    assert_int_equal(0, listener_prepare(listener, &e));
    assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(listener, F_GETFL) & O_NONBLOCK);
    *prepared = let_in(listener);
    assert_true(prepared->nodelay);
    assert_int_equal(128 << 10, prepared->ahead);
    close(listener);
}

static int choose(int fd, const char *control)
{
    return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, (socklen_t)strlen(control));
}

static bool may_choose(const char *control)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool may = choose(fd, control) == 0;
    close(fd);
    return may;
}

static void assert_suited_to_the_loopback(const char *spec)
{
    struct inherited before, prepared;
    let_in_two(spec, &before, &prepared);
    assert_string_equal("reno", prepared.control);
    if (before.segment <= 21700)
        assert_int_equal(before.segment, prepared.segment); /* a loopback of small packets */
    else
        assert_in_range(prepared.segment, 21700 - TIMESTAMPS, 21700);
}

static void reno_and_smaller_segments_on_the_loopback(void **state)
{
    (void)state;
    struct error e;
    if (!may_choose("reno")) {
        print_message("skipped: tcp_allowed_congestion_control does not have reno\n");
        skip();
    }
    assert_suited_to_the_loopback("127.0.0.1:0");
    assert_suited_to_the_loopback("127.1.2.3:0");
    int six = http_listen("[::1]:0", &e);
    if (six < 0)
        return; /* addresses_of_ipv6 says so */
    close(six);
    assert_suited_to_the_loopback("[::1]:0");
}

static void other_addresses_stay_as_the_machine_has_them(void **state)
{
    (void)state;
    struct inherited before, prepared;
    let_in_two("0.0.0.0:0", &before, &prepared);
    assert_string_equal(before.control, prepared.control);
    assert_int_equal(before.segment, prepared.segment);
}

/* As systemd does it for TCPCongestion=. */
static void a_control_that_was_chosen_stays(void **state)
{
    (void)state;
    static const char *const controls[] = {"bbr", "cubic", "reno"};
    struct error e = {""};
    int listener = listen_on("127.0.0.1:0");
    struct inherited before = inherited_by(listener);
    const char *other = NULL;
    for (size_t i = 0; i < sizeof controls / sizeof *controls && !other; i++)
        if (strcmp(before.control, controls[i]) != 0 && may_choose(controls[i]))
            other = controls[i];
    if (!other) {
        close(listener);
        print_message("skipped: this machine has one congestion control alone\n");
        skip();
    }
    assert_int_equal(0, choose(listener, other));
    int segment = let_in(listener).segment;
    assert_int_equal(0, listener_prepare(listener, &e));
    struct inherited prepared = let_in(listener);
    assert_string_equal(other, prepared.control);
    assert_int_equal(segment, prepared.segment);
    close(listener);
}

static void what_is_no_listener(void **state)
{
    (void)state;
    struct error e = {""};
    char says[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(says, sizeof says, "descriptor %d is no listening socket", fd);
    assert_int_equal(-1, listener_prepare(fd, &e));
    assert_string_equal(says, e.text);
    close(fd);
    assert_int_equal(-1, listener_prepare(fd, &e));
    assert_string_equal(says, e.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(addresses_of_ipv6),
        cmocka_unit_test(both_families_on_one_port),
        cmocka_unit_test(a_port_in_use),
        cmocka_unit_test(words_that_are_no_address),
        cmocka_unit_test(a_unix_socket),
        cmocka_unit_test(a_mode_of_its_own),
        cmocka_unit_test(a_file_is_not_replaced),
        cmocka_unit_test(paths_that_cannot_be),
        cmocka_unit_test(reno_and_smaller_segments_on_the_loopback),
        cmocka_unit_test(other_addresses_stay_as_the_machine_has_them),
        cmocka_unit_test(a_control_that_was_chosen_stays),
        cmocka_unit_test(what_is_no_listener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
