/* A name server that never answers: the look-up is given up in time, nobody else waits for it, and
 * neither does the end of the program. In a mount name space of its own, where resolv.conf is
 * another file; without the right to that it is skipped. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NAME_SERVER "127.0.0.77"
#define PATIENCE    20 /* seconds that a look-up would wait for it */

/* A socket at the port of name servers that nobody reads from. -1: it may not be had. */
static int silent_server(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(53)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, NAME_SERVER, &a.sin_addr);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void bind_file(struct place *p, const char *name, const char *over)
{
    if (mount(place_path(p, name), over, NULL, MS_BIND, NULL) < 0)
        fail_msg("cannot put a file over %s: %s", over, strerror(errno));
}

/* False: not here. */
static bool use_silent_server(struct place *p, int *server)
{
    if (geteuid() != 0 || (*server = silent_server()) < 0 || unshare(CLONE_NEWNS) < 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return false;
    place_writef(p, "resolv.conf", "nameserver %s\noptions timeout:%d attempts:1\n", NAME_SERVER,
                 PATIENCE);
    place_write(p, "nsswitch.conf", STR("hosts: files dns\n"));
    bind_file(p, "resolv.conf", "/etc/resolv.conf");
    bind_file(p, "nsswitch.conf", "/etc/nsswitch.conf");
    return true;
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Whether a query has come to the name server. */
static bool was_asked(int server)
{
    char query[512];

    return recv(server, query, sizeof(query), MSG_DONTWAIT | MSG_PEEK) > 0;
}

static void test_a_name_server_that_never_answers(void **state)
{
    struct place *p = *state;
    struct source_site *site;
    int server = -1;
    struct house *h;
    struct ran r;
    double from;

    if (!use_silent_server(p, &server)) {
        print_message("skip: a mount name space and port 53 of " NAME_SERVER " are root's alone\n");
        skip();
    }
    site = source_site_start();
    source_site_set_page(site, "/page",
                         "<html><head><title>T</title></head><body><article><div id=\"container\">"
                         "<h1>#One</h1><p>the first</p><p>....</p></div></article></body></html>");
    place_writef(
        p, "digestd.conf",
        "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
        "[source lost]\nurl = http://lost.example/\nprofile = 51cto\nconnect-timeout = 2s\n"
        "[source waits]\nurl = http://waits.example/\nprofile = 51cto\nconnect-timeout = 60s\n"
        "timeout = 60s\n[source here]\nprofile = 51cto\nurl = %s\n",
        place_path(p, "state"), source_site_url(site, "/page"));
    from = now_s();
    h = house_start(place_path(p, "digestd.conf"), &r);
    if (!h)
        fail_msg("did not start: %s", r.err.p);
    assert_true(house_wait_log(h, "here: new: One", 10000));
    assert_true(house_wait_log(h, "lost: ", (PATIENCE - 5) * 1000));
    assert_true(was_asked(server));
    assert_true(now_s() - from < PATIENCE - 2); /* the look-up itself still goes on */
    from = now_s();
    assert_int_equal(house_stop(h, NULL), 0);
    assert_true(now_s() - from < 8); /* 5 seconds are what polls under way have */
    close(server);
    source_site_stop(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_name_server_that_never_answers, place_set_up,
                                        place_tear_down),
    };

    return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
