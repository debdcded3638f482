/* What the daemon costs at rest: memory with all its feeds, memory of connections that say nothing,
 * and how often it wakes up between two polls. */
#include "../lib/figure.h"
#include "../lib/house.h"
#include "../lib/source_site.h"
#include "../lib/usage.h"
#include "page.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IDLERS       10000
#define ATTACH_MS    2000
#define REST_SECONDS 30
#define SETTLE_MS    60000

static void give_up(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- setting up ---------------------------------------------------------------------------- */

/* Here and, since it is inherited, in the daemon and in whoever fills its connections. */
static void raise_descriptors(void)
{
    struct rlimit limit = {IDLERS + 512, IDLERS + 512};

    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        give_up("10,000 connections need as many descriptors (ulimit -n)");
}

static struct house *start_house(struct place *p, struct source_site *site)
{
    struct ran r;
    struct house *h;

    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\nmax-connections = %d\n"
                 "idle-timeout = 1h\n[poll]\ninterval = 1h\n"
                 "[source blog]\nurl = %s\nprofile = 51cto\n",
                 place_path(p, "state"), IDLERS + 16, source_site_url(site, "/page"));
    h = house_start(place_path(p, "digestd.conf"), &r);
    if (!h)
        give_up(r.err.p);
    return h;
}

/* ---- memory -------------------------------------------------------------------------------- */

static void measure_memory(const struct house *h)
{
    double mib = (double)usage_memory_kb(house_pid(h), "Anonymous") / 1024;

    figure_print("anonymous memory at rest", "with all feeds in all encodings", mib, " MiB", 12);
}

/* ---- connections that say nothing ----------------------------------------------------------- */

static const char question[] = "GET /blog.atom HTTP/1.1\r\nHost: feeds.example\r\n"
                               "If-None-Match: *\r\n\r\n";

static void open_idler(const struct sockaddr_in *to)
{
    char answer[4096];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
        give_up("a connection");
    if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0 ||
        recv(fd, answer, sizeof(answer), 0) <= 0)
        give_up("an answer");
}

/* A process that has asked once on each of so many connections, keeps them, and says so. */
static int start_idlers(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int ready[2], pid;
    char byte;

    to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    if (pipe(ready) < 0 || (pid = fork()) < 0)
        give_up("a process");
    if (pid == 0) {
        for (int i = 0; i < IDLERS; i++)
            open_idler(&to);
        (void)!write(ready[1], "", 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        give_up("10,000 connections");
    close(ready[0]);
    return pid;
}

static void measure_idlers(const struct house *h)
{
    long before, after;
    int idlers;
    char *warm = house_get(h, "/blog.atom"), detail[80];

    free(warm);
    before = usage_memory_kb(house_pid(h), "Rss");
    idlers = start_idlers(house_address(h));
    after = usage_memory_kb(house_pid(h), "Rss");
    snprintf(detail, sizeof(detail), "%d connections, resident %ld kB, then %ld kB", IDLERS, before,
             after);
    figure_print("an idle connection", detail, (double)(after - before) * 1024 / IDLERS, " bytes",
                 512);
    kill(idlers, SIGKILL);
    waitpid(idlers, NULL, 0);
}

/* ---- waking up ------------------------------------------------------------------------------ */

static int start_strace(const char *out, int pid)
{
    char number[16];
    int strace = fork();

    snprintf(number, sizeof(number), "%d", pid);
    if (strace == 0) {
        execlp("strace", "strace", "-f", "-q", "-o", out, "-p", number, NULL);
        _exit(127);
    }
    return strace;
}

/* Calls that have returned: the one that each thread was in all the time has not. */
static int count_calls(const char *out)
{
    struct str rest = file_read(out);
    int calls = 0;

    if (!rest.p)
        give_up(out);
    while (rest.n)
        calls += str_find(str_cut(&rest, '\n'), STR(") = "), 0) != SIZE_MAX;
    return calls;
}

static void measure_wakeups(struct place *p, const struct house *h)
{
    const char *out = place_path(p, "calls");
    long switches;
    int strace, status, attached;

    switches = usage_switches(house_pid(h));
    poll(NULL, 0, REST_SECONDS * 1000);
    figure_print("wake-ups between polls", "switches of all threads in 30 s",
                 (double)(usage_switches(house_pid(h)) - switches), "", 0);
    strace = start_strace(out, house_pid(h));
    /* To be attached to interrupts what each thread is waiting in. */
    poll(NULL, 0, ATTACH_MS);
    attached = count_calls(out);
    poll(NULL, 0, REST_SECONDS * 1000);
    kill(strace, SIGINT);
    waitpid(strace, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        give_up("install strace");
    figure_print("system calls between polls", "strace -f, in 30 s", count_calls(out) - attached,
                 "", 0);
}

int main(int argc, char **argv)
{
    struct place *p = place_make();
    char *page = (char *)file_read(bench_page(p, argc, argv)).p;
    struct source_site *site = source_site_start();
    struct house *h;

    raise_descriptors();
    source_site_set_page(site, "/page", page);
    h = start_house(p, site);
    free(house_get_with(h, "/blog.atom", "<entry>", SETTLE_MS));
    usage_wait_until_quiet(house_pid(h));
    printf("at rest:\n");
    measure_memory(h);
    measure_wakeups(p, h);
    measure_idlers(h);
    house_stop(h, NULL);
    source_site_stop(site);
    free(page);
    place_remove(p);
    return 0;
}
