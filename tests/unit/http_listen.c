/* Listening sockets and what is said where one cannot be had. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

/* ---- what connections inherit -------------------------------------------------------------- */

#define LEAST_PACKET 65200 /* of the loopback: 64 KiB but for what the kernel keeps for heads */

static int option(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(0, getsockopt(fd, IPPROTO_TCP, name, &value, &size));
    return value;
}

/* A connection to a listener of this spec that was prepared, as the server has it. The port is
 * reached at `host`. */
static int let_in(const char *spec, const char *host, struct raw_client **client)
{
    struct error e = {""};
    char address[64], reach[80];
    int listener = listen_on(spec);
    assert_int_equal(0, listener_prepare(listener, &e));
    http_address(listener, address, sizeof address);
    snprintf(reach, sizeof reach, "%s%s", host, strrchr(address, ':'));
    *client = raw_open(reach, 0);
    assert_non_null(*client);
    int fd;
    while ((fd = accept(listener, NULL, NULL)) < 0)
        assert_int_equal(EAGAIN, errno);
    close(listener);
    return fd;
}

static void control_of(int fd, char name[16])
{
    socklen_t size = 16;
    memset(name, 0, size);
    assert_int_equal(0, getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &size));
}

/* Three segments go in one packet. */
static void assert_suited_to_the_loopback(const char *spec, const char *host)
{
    struct raw_client *client;
    char control[16];
    int fd = let_in(spec, host, &client);
    assert_true(option(fd, TCP_NODELAY));
    assert_in_range(option(fd, TCP_MAXSEG), 16000, LEAST_PACKET / 3);
    control_of(fd, control);
    assert_string_equal("reno", control);
    close(fd);
    raw_close(client);
}

static void the_loopback_has_no_way_to_be_congested(void **state)
{
    (void)state;
    struct error e;
    assert_suited_to_the_loopback("127.0.0.1:0", "127.0.0.1");
    assert_suited_to_the_loopback("127.1.2.3:0", "127.1.2.3");
    int six = http_listen("[::1]:0", &e);
    if (six < 0)
        return; /* addresses_of_ipv6 says so */
    close(six);
    assert_suited_to_the_loopback("[::1]:0", "[::1]");
}

/* What the machine's administrator has chosen is for ways that can be. */
static void other_addresses_are_as_the_machine_has_them(void **state)
{
    (void)state;
    struct raw_client *client;
    char chosen[16], control[16];
    int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = let_in("0.0.0.0:0", "127.0.0.1", &client);
    control_of(plain, chosen);
    control_of(fd, control);
    assert_string_equal(chosen, control);
    assert_true(option(fd, TCP_NODELAY));
    assert_true(option(fd, TCP_MAXSEG) > LEAST_PACKET / 3);
    close(plain);
    close(fd);
    raw_close(client);
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
        cmocka_unit_test(the_loopback_has_no_way_to_be_congested),
        cmocka_unit_test(other_addresses_are_as_the_machine_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
