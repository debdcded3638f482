/* What serving costs: CPU time of the server a request, beside nginx (one worker) serving the same
 * bytes as a file, five runs turn about, server and client on one core each. The client throws
 * bodies away in the kernel (MSG_TRUNC), so that it is not itself the limit. Also: what a poll that
 * finds nothing new costs, and the daemon's memory at rest. */
#include "../lib/house.h"
#include "page.h"
#include "../lib/source_site.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 64
#define RUNS        5
#define POLLS       100
#define OTHER_POLLS 20

static void give_up(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- what a process has used --------------------------------------------------------------- */

/* CPU time of a process, all its threads, in microseconds. */
static double cpu_us(int pid)
{
    char path[64], text[128];
    double total = 0;
    FILE *f;

    snprintf(path, sizeof(path), "ls /proc/%d/task", pid);
    f = popen(path, "r");
    while (f && fgets(text, sizeof(text), f)) {
        unsigned long long ns = 0;
        FILE *s;

        snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, atoi(text));
        s = fopen(path, "r");
        if (s && fscanf(s, "%llu", &ns) == 1)
            total += (double)ns / 1e3;
        if (s)
            fclose(s);
    }
    if (f)
        pclose(f);
    return total;
}

static long anonymous_kb(int pid)
{
    char path[64], line[256];
    long kb = -1;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "Anonymous: %ld kB", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb;
}

static void pin(int pid, int core)
{
    char command[128];

    /* All threads of the process; a machine with one core goes without. */
    snprintf(command, sizeof(command), "taskset -a -p -c %d %d >/dev/null 2>&1", core, pid);
    if (system(command) != 0)
        fprintf(stderr, "bench: could not pin process %d to core %d\n", pid, core);
}

/* ---- the client ---------------------------------------------------------------------------- */

struct load {
    const char *name;
    const char *fields; /* of the request */
    size_t requests;    /* a run */
    bool body;
};

struct connection {
    int fd;
    size_t left; /* of the body */
};

static int dial(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        give_up(address);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Reads a head and says how long the body is. */
static size_t read_head(struct connection *c, bool body)
{
    char head[4096];
    ssize_t n = recv(c->fd, head, sizeof(head) - 1, 0);
    char *end, *length;

    if (n <= 0)
        return SIZE_MAX;
    head[n] = '\0';
    end = strstr(head, "\r\n\r\n");
    length = strcasestr(head, "content-length:");
    if (!end)
        give_up("a head that came in parts");
    if (!body || !length || length > end)
        return 0;
    return strtoul(length + 15, NULL, 10) - (size_t)(n - (end + 4 - head));
}

/* One event of a connection. True: an answer has come whole. */
static bool step(struct connection *c, bool body)
{
    ssize_t n;

    if (c->left == 0) {
        c->left = read_head(c, body);
        if (c->left == SIZE_MAX) {
            c->left = 0;
            return false;
        }
        return c->left == 0;
    }
    n = recv(c->fd, NULL, c->left, MSG_TRUNC);
    if (n > 0)
        c->left -= (size_t)n;
    return n > 0 && c->left == 0;
}

static void run_load(const char *address, const char *request, const struct load *load)
{
    struct connection connections[CONNECTIONS];
    struct epoll_event events[CONNECTIONS];
    size_t sent = 0, done = 0, n = strlen(request);
    int epoll = epoll_create1(0);

    for (int i = 0; i < CONNECTIONS; i++) {
        connections[i] = (struct connection){dial(address), 0};
        epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd,
                  &(struct epoll_event){.events = EPOLLIN, .data.ptr = &connections[i]});
        if (send(connections[i].fd, request, n, MSG_NOSIGNAL) == (ssize_t)n)
            sent++;
    }
    while (done < load->requests) {
        int ready = epoll_wait(epoll, events, CONNECTIONS, 10000);

        if (ready <= 0)
            give_up("the server has stopped answering");
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;

            if (!step(c, load->body))
                continue;
            done++;
            if (sent < load->requests && send(c->fd, request, n, MSG_NOSIGNAL) == (ssize_t)n)
                sent++;
        }
    }
    for (int i = 0; i < CONNECTIONS; i++)
        close(connections[i].fd);
    close(epoll);
}

static double cost(int pid, const char *address, const char *path, const char *etag,
                   const struct load *load)
{
    char request[1024];
    double from;

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: feeds.example\r\n%s%s%s\r\n", path,
             load->fields, load->body ? "" : etag, load->body ? "" : "\r\n");
    from = cpu_us(pid);
    run_load(address, request, load);
    return (cpu_us(pid) - from) / (double)load->requests;
}

/* ---- nginx --------------------------------------------------------------------------------- */

struct nginx {
    int master, worker;
    char address[64];
};

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&a, n) < 0 || getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        give_up("no free port");
    close(fd);
    return ntohs(a.sin_port);
}

static int child_of(int pid)
{
    char path[64];
    int child = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    for (int i = 0; i < 5000 && !child; i++) {
        FILE *f = fopen(path, "r");

        if (f && fscanf(f, "%d", &child) != 1)
            poll(NULL, 0, 1);
        if (f)
            fclose(f);
    }
    return child;
}

static struct nginx nginx_start(struct place *p, const char *body)
{
    struct nginx n;
    int port = free_port();

    place_write(p, "blog.atom", str_of(body));
    place_writef(p, "nginx.conf",
                 "worker_processes 1; daemon off; user root; pid %s; error_log stderr error;\n"
                 "events { worker_connections 4096; }\n"
                 "http { access_log off; sendfile on; open_file_cache max=100;\n"
                 "types { application/atom+xml atom; } keepalive_requests 1000000000;\n"
                 "server { listen 127.0.0.1:%d; location / { root %s; gzip_static on; } } }\n",
                 place_path(p, "nginx.pid"), port, place_path(p, "."));
    snprintf(n.address, sizeof(n.address), "127.0.0.1:%d", port);
    n.master = fork();
    if (n.master == 0) {
        execlp("nginx", "nginx", "-c", place_path(p, "nginx.conf"), NULL);
        _exit(127);
    }
    n.worker = child_of(n.master);
    if (!n.worker)
        give_up("nginx does not start: install nginx-light");
    return n;
}

/* The value of ETag that a server gives. */
static void etag_of(const char *address, char *out, size_t size)
{
    struct raw_response r;
    struct raw_client *c = NULL;

    for (int i = 0; i < 100 && !(c = raw_get(address, "/blog.atom", NULL, 5000, &r)); i++)
        poll(NULL, 0, 20);
    if (!c || r.status != 200)
        give_up(address);
    snprintf(out, size, "If-None-Match: %.*s", STR_ARG(raw_field(&r, "ETag")));
    raw_close(c);
}

/* ---- figures ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *items)
{
    qsort(items, RUNS, sizeof(*items), compare);
    return items[RUNS / 2];
}

static void compare_servers(struct house *h, struct nginx *n)
{
    static const struct load loads[] = {
        {"the whole feed, plain", "", 20000, true},
        {"304", "", 100000, false},
    };
    char ours[128], theirs[128];

    etag_of(house_address(h), ours, sizeof(ours));
    etag_of(n->address, theirs, sizeof(theirs));
    printf("serving, CPU of the server a request, median of %d runs:\n", RUNS);
    for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++) {
        double a[RUNS], b[RUNS], ratios[RUNS];

        for (int r = 0; r < RUNS; r++) {
            a[r] = cost(house_pid(h), house_address(h), "/blog.atom", ours, &loads[i]);
            b[r] = cost(n->worker, n->address, "/blog.atom", theirs, &loads[i]);
            ratios[r] = a[r] / b[r];
        }
        printf("  %-24s digestd %6.2f us  nginx %6.2f us  ratio %.2f\n", loads[i].name, median(a),
               median(b), median(ratios));
    }
}

static double poll_cost(struct place *p, struct house *h, int polls)
{
    double from = cpu_us(house_pid(h));

    for (int i = 0; i < polls; i++) {
        struct ran r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));

        if (r.status != 0)
            give_up(r.out.p);
        ran_clear(&r);
    }
    return (cpu_us(house_pid(h)) - from) / polls;
}

/* Pages that differ in nothing but a comment: each has to be parsed to see that. */
static void set_other_bytes(struct source_site *site, const char *page)
{
    struct site_step steps[OTHER_POLLS] = {0};

    for (int i = 0; i < OTHER_POLLS; i++)
        if (asprintf((char **)&steps[i].body, "%s<!-- %d -->", page, i) < 0)
            give_up("memory");
    source_site_set(site, "/page", steps, OTHER_POLLS);
    for (int i = 0; i < OTHER_POLLS; i++)
        free((char *)steps[i].body);
}

static void measure_polls(struct place *p, struct house *h, struct source_site *site,
                          const char *page)
{
    double parsed, same, not_modified;

    set_other_bytes(site, page);
    parsed = poll_cost(p, h, OTHER_POLLS);
    source_site_set_page(site, "/page", page);
    poll_cost(p, h, 1);
    same = poll_cost(p, h, POLLS);
    source_site_set(site, "/page",
                    &(struct site_step){.body = page, .etag = "\"1\"", .conditional = true}, 1);
    poll_cost(p, h, 1);
    not_modified = poll_cost(p, h, POLLS);
    printf("a poll that finds nothing new, CPU of the daemon, asked for by `digestd poll`:\n"
           "  other bytes, parsed      %8.0f us\n"
           "  the same bytes           %8.0f us, %.2f of it\n"
           "  304                      %8.0f us, %.2f of it\n",
           parsed, same, same / parsed, not_modified, not_modified / parsed);
}

int main(int argc, char **argv)
{
    struct place *p = place_make();
    char *page = (char *)file_read(bench_page(p, argc, argv)).p;
    struct source_site *site = source_site_start();
    struct nginx n;
    struct house *h;
    struct ran r;
    char *body;

    source_site_set_page(site, "/page", page);
    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[source blog]\n"
                 "url = %s\nprofile = 51cto\ninterval = 1h\n",
                 place_path(p, "state"), source_site_url(site, "/page"));
    h = house_start(place_path(p, "digestd.conf"), &r);
    if (!h)
        give_up(r.err.p);
    if (!house_wait_log(h, "blog: new: ", 30000))
        give_up("the first poll found nothing");
    do {
        body = house_get(h, "/blog.atom");
    } while (!body || !strstr(body, "<entry>"));
    printf("feed: %zu bytes of Atom; anonymous memory at rest: ", strlen(body));
    printf("%.1f MiB\n", (double)anonymous_kb(house_pid(h)) / 1024);
    n = nginx_start(p, body);
    pin(house_pid(h), 0);
    pin(n.worker, 0);
    pin(getpid(), 1);
    compare_servers(h, &n);
    measure_polls(p, h, site, page);
    kill(n.master, SIGTERM);
    waitpid(n.master, NULL, 0);
    house_stop(h, NULL);
    source_site_stop(site);
    free(body);
    free(page);
    place_remove(p);
    return 0;
}
