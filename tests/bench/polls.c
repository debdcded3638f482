/* What thousands of sources cost: polls a second on one core, processor time of a poll that found
 * nothing beside what curl itself spends on the same addresses in the same run, memory, bytes
 * written. The daemon (and curl) have one core, the sites, all of them ports of one small server,
 * the other. Every round looks at every source once. */
#include "../lib/house.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOSTS       250 /* however many sources: each has a connection, or has to make one */
#define CONNECTIONS 4096
#define PAGE_BYTES  16384
#define ROUNDS      3    /* of each kind */
#define FLUSHED_MS  6000 /* quiet polls are written within 5 seconds */
/* Nothing is under way where so much time takes no more than that of the processor. */
#define SETTLE_MS   500
#define SETTLED_US  5000
#define TRANSFERS   32

/* Limits. */
#define RATIO_MOST   1.3         /* of a quiet poll to curl */
#define MEMORY_MOST  (64. + 64.) /* MiB, cache-size among them */
#define WRITTEN_MOST 512.        /* bytes of a quiet poll */
#define GROWTH_MOST  1.25        /* of the cost of a poll at ten times the sources */

static void give_up(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- the sites ----------------------------------------------------------------------------- */

struct sites {
    pid_t pid;
    size_t hosts;
    int listeners[HOSTS];
    uint16_t ports[HOSTS];
    volatile unsigned *round; /* shared with the server */
};

/* So many times the page has changed up to this round: one in a hundred does in each. */
static unsigned version_of(unsigned page, unsigned round)
{
    return round / 100 + (page % 100 < round % 100);
}

static void put_words(struct buf *out, unsigned seed, int count)
{
    static const char *const words[] = {"digest", "poll",  "author", "page",  "quiet", "section",
                                        "reader", "early", "writes", "under", "above", "again"};

    for (int i = 0; i < count; i++) {
        seed = seed * 1103515245 + 12345;
        buf_printf(out, "%s%u ", words[(seed >> 16) % 12], (seed >> 20) % 50);
    }
}

static void put_page(struct buf *out, unsigned page, unsigned version)
{
    buf_printf(out,
               "<html><head><title>Page %u</title></head><body><article><div id=\"container\">",
               page);
    for (unsigned i = version + 3; i > 0; i--) {
        buf_printf(out, "<h1>#Section %u of page %u</h1><p>", i, page);
        put_words(out, page * 31 + i, 60);
        buf_puts(out, "</p><p>....</p>");
    }
    buf_puts(out, "</div></article></body></html>");
}

static void put_answer(struct buf *out, const char *request, unsigned round)
{
    unsigned page = 0, version;
    char etag[48];
    const char *condition = strcasestr(request, "\r\nif-none-match: ");
    struct buf body;

    if (sscanf(request, "GET /%u ", &page) != 1) {
        buf_puts(out, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    version = version_of(page, round);
    snprintf(etag, sizeof(etag), "\"%u-%u\"", page, version);
    if (condition && (condition[17] == '*' || strncmp(condition + 17, etag, strlen(etag)) == 0)) {
        buf_printf(out, "HTTP/1.1 304 Not Modified\r\nETag: %s\r\n\r\n", etag);
        return;
    }
    buf_init(&body, PAGE_BYTES);
    put_page(&body, page, version);
    buf_printf(out,
               "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
               "Content-Length: %zu\r\nETag: %s\r\n\r\n",
               body.len, etag);
    buf_add(out, buf_str(&body));
    buf_clear(&body);
}

/* A request comes whole, or it is not of those who are measured here. */
static void serve_one(int fd, unsigned round)
{
    char request[4096];
    ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
    struct buf out;

    if (n <= 0) {
        close(fd);
        return;
    }
    request[n] = '\0';
    buf_init(&out, PAGE_BYTES + 1024);
    put_answer(&out, request, round);
    if (send(fd, out.data, out.len, MSG_NOSIGNAL) != (ssize_t)out.len)
        close(fd);
    buf_clear(&out);
}

static void serve(const struct sites *s)
{
    struct epoll_event events[256];
    int epoll = epoll_create1(0);

    for (size_t i = 0; i < s->hosts; i++)
        epoll_ctl(epoll, EPOLL_CTL_ADD, s->listeners[i],
                  &(struct epoll_event){.events = EPOLLIN, .data.u64 = i});
    for (;;) {
        int n = epoll_wait(epoll, events, 256, -1);

        for (int i = 0; i < n; i++) {
            uint64_t which = events[i].data.u64;
            int fd;

            if (which >= HOSTS) {
                serve_one((int)(which - HOSTS), *s->round);
                continue;
            }
            fd = accept4(s->listeners[which], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd >= 0)
                epoll_ctl(
                    epoll, EPOLL_CTL_ADD, fd,
                    &(struct epoll_event){.events = EPOLLIN, .data.u64 = HOSTS + (uint64_t)fd});
        }
    }
}

static void pin_self(int core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    sched_setaffinity(0, sizeof(set), &set); /* a machine with one core goes without */
}

static void site_listen(struct sites *s, size_t i)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);

    s->listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(s->listeners[i], (struct sockaddr *)&a, n) < 0 ||
        listen(s->listeners[i], CONNECTIONS) < 0 ||
        getsockname(s->listeners[i], (struct sockaddr *)&a, &n) < 0)
        give_up("no port for a site");
    s->ports[i] = ntohs(a.sin_port);
}

static struct sites sites_start(size_t hosts)
{
    struct sites s = {.hosts = hosts};

    s.round =
        mmap(NULL, sizeof(*s.round), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s.round == MAP_FAILED)
        give_up("memory");
    for (size_t i = 0; i < hosts; i++)
        site_listen(&s, i);
    s.pid = fork();
    if (s.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin_self(1);
        serve(&s);
        _exit(0);
    }
    for (size_t i = 0; i < hosts; i++)
        close(s.listeners[i]);
    return s;
}

static void sites_stop(struct sites *s)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    munmap((void *)(uintptr_t)s->round, sizeof(*s->round));
}

/* ---- what a process has used --------------------------------------------------------------- */

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of all its threads, in microseconds. */
static double cpu_us(int pid)
{
    char path[300];
    double total = 0;
    struct dirent *entry;
    DIR *tasks;

    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    tasks = opendir(path);
    while (tasks && (entry = readdir(tasks))) {
        unsigned long long ns = 0;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/task/%.200s/schedstat", pid, entry->d_name);
        f = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (f && fscanf(f, "%llu", &ns) == 1)
            total += (double)ns / 1e3;
        if (f)
            fclose(f);
    }
    if (tasks)
        closedir(tasks);
    return total;
}

/* A number of /proc/PID/FILE, behind "NAME: ". */
static double proc_number(int pid, const char *file, const char *name)
{
    char path[64], line[256];
    double value = -1;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            value = atof(line + strlen(name) + 1);
    if (f)
        fclose(f);
    return value;
}

/* ---- rounds -------------------------------------------------------------------------------- */

struct cost {
    double us; /* of processor time a poll */
    double seconds;
};

struct fleet {
    struct place *place;
    struct sites sites;
    struct house *house;
    size_t count;
};

/* So many events are to be told; ANY: the daemon has begun by itself, too. */
#define ANY SIZE_MAX

/* `digestd poll` beside the daemon, however long it takes. Returns the events. */
static size_t ask(struct fleet *f)
{
    const char *rows_path = place_path(f->place, "rows");
    size_t rows = 0;
    int status;
    char *text;
    pid_t pid = fork();

    if (pid == 0) {
        if (freopen(rows_path, "w", stdout))
            execl(digestd_path(), "digestd", "poll", "-c", place_path(f->place, "digestd.conf"),
                  NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        house_log(f->house); /* what the daemon says has to be taken from it */
        poll(NULL, 0, 5);
    }
    text = (char *)(uintptr_t)file_read(rows_path).p;
    if (status != 0 || !text) {
        const char *failed = text ? strstr(text, "\terror\t") : NULL;

        fprintf(stderr, "bench: a poll ended with %d: %.200s\n", status, failed ? failed : "");
        exit(1);
    }
    for (const char *p = text; *p; p++)
        rows += *p == '\n';
    free(text);
    return rows;
}

static struct cost round_of(struct fleet *f, size_t expected)
{
    int pid = house_pid(f->house);
    double cpu = cpu_us(pid), from = now_s();
    size_t rows = ask(f);
    struct cost cost = {.seconds = now_s() - from, .us = (cpu_us(pid) - cpu) / (double)f->count};

    if (expected != ANY && rows != expected) {
        fprintf(stderr, "bench: a round gave %zu events, not %zu\n", rows, expected);
        exit(1);
    }
    return cost;
}

/* The same addresses by curl, each answered with 304. */
static struct cost curl_round(struct fleet *f)
{
    char transfers[16];
    double from = now_s();
    struct rusage used;
    int status;
    pid_t pid = fork();

    snprintf(transfers, sizeof(transfers), "%d", TRANSFERS);
    if (pid == 0) {
        pin_self(0);
        if (freopen("/dev/null", "w", stderr)) /* where its meter goes */
            execlp("curl", "curl", "-q", "--silent", "--parallel", "--parallel-max", transfers,
                   "--header", "If-None-Match: *", "--config", place_path(f->place, "curl.conf"),
                   NULL);
        _exit(127);
    }
    if (wait4(pid, &status, 0, &used) != pid || status != 0)
        give_up("curl: install it");
    return (struct cost){
        .seconds = now_s() - from,
        .us = ((double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec)) /
              (double)f->count,
    };
}

/* The same order for both. */
static struct fleet fleet_start(size_t count)
{
    struct fleet f = {.place = place_make(), .count = count};
    struct buf conf, curl;
    struct ran r;

    f.sites = sites_start(count < HOSTS ? count : HOSTS);
    buf_init(&conf, SIZE_MAX);
    buf_init(&curl, SIZE_MAX);
    buf_printf(&conf, "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n",
               place_path(f.place, "state"));
    for (size_t i = 0; i < count; i++) {
        unsigned port = f.sites.ports[i % f.sites.hosts];

        buf_printf(&conf, "[source s%zu]\nurl = http://127.0.0.1:%u/%zu\nprofile = 51cto\n", i,
                   port, i);
        buf_printf(&curl, "url = \"http://127.0.0.1:%u/%zu\"\n", port, i);
    }
    place_write(f.place, "digestd.conf", buf_str(&conf));
    place_write(f.place, "curl.conf", buf_str(&curl));
    buf_clear(&conf);
    buf_clear(&curl);
    f.house = house_start(place_path(f.place, "digestd.conf"), &r);
    if (!f.house)
        give_up(r.err.p);
    return f;
}

static void pin(int pid, int core)
{
    char command[128];

    snprintf(command, sizeof(command), "taskset -a -p -c %d %d >/dev/null 2>&1", core, pid);
    if (system(command) != 0)
        fprintf(stderr, "bench: could not pin process %d to core %d\n", pid, core);
}

static void fleet_stop(struct fleet *f)
{
    house_stop(f->house, NULL);
    sites_stop(&f->sites);
    place_remove(f->place);
}

/* ---- figures ------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double items[ROUNDS])
{
    qsort(items, ROUNDS, sizeof(*items), compare);
    return items[ROUNDS / 2];
}

static size_t over; /* so many figures are over their limits */

static void figure(const char *name, double value, const char *unit, double limit)
{
    bool bad = limit > 0 && value > limit;

    over += bad;
    printf("  %-44s %10.2f %-5s", name, value, unit);
    if (limit > 0)
        printf(" limit %7.2f  %s", limit, bad ? "OVER" : "ok");
    printf("\n");
    fflush(stdout);
}

/* Whether there are entries without a place among those of all sources. */
static bool some_wait(struct fleet *f)
{
    sqlite3 *sql = NULL;
    sqlite3_stmt *statement = NULL;
    bool some = true;

    if (sqlite3_open_v2(place_path(f->place, "state/digestd.db"), &sql, SQLITE_OPEN_READONLY,
                        NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(sql, "SELECT 1 FROM waiting LIMIT 1", -1, &statement, NULL) == SQLITE_OK)
        some = sqlite3_step(statement) != SQLITE_DONE;
    sqlite3_finalize(statement);
    sqlite3_close(sql);
    return some;
}

/* Entries that are new get their places when there is nothing else to do: until then no poll is
 * quiet. On a machine that others use, too, a daemon that is idle may only be waiting for it. */
static void settle(struct fleet *f)
{
    double before, now = cpu_us(house_pid(f->house));
    bool busy;

    do {
        house_log(f->house);
        poll(NULL, 0, SETTLE_MS);
        before = now;
        now = cpu_us(house_pid(f->house));
        busy = now - before > SETTLED_US || some_wait(f);
    } while (busy);
}

static void first_polls(struct fleet *f)
{
    struct cost cost;
    double from = now_s();

    pin(house_pid(f->house), 0);
    cost = round_of(f, ANY);
    figure("first polls, three sections each", (double)f->count / (now_s() - from), "a s", 0);
    figure("  processor time of each", cost.us, "us", 0);
    cost.seconds = now_s();
    settle(f);
    figure("  until all have their places", now_s() - cost.seconds, "s", 0);
}

/* Returns the processor time of a quiet poll. */
static double quiet_polls(struct fleet *f)
{
    double ours[ROUNDS], theirs[ROUNDS], ratios[ROUNDS], seconds[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        struct cost own = round_of(f, 0), curl = curl_round(f);

        ours[i] = own.us;
        theirs[i] = curl.us;
        ratios[i] = own.us / curl.us;
        seconds[i] = own.seconds;
    }
    figure("quiet polls (304)", (double)f->count / median(seconds), "a s", 0);
    figure("  processor time of each", median(ours), "us", 0);
    figure("  of curl --parallel", median(theirs), "us", 0);
    figure("  ratio", median(ratios), "", RATIO_MOST);
    return median(ours);
}

static void changing_polls(struct fleet *f)
{
    double us[ROUNDS], seconds[ROUNDS];

    for (int i = 0; i < ROUNDS; i++) {
        struct cost cost;

        ++*f->sites.round;
        cost = round_of(f, f->count / 100);
        us[i] = cost.us;
        seconds[i] = cost.seconds;
    }
    figure("polls, 1 % of the pages changed", (double)f->count / median(seconds), "a s", 0);
    figure("  processor time of each", median(us), "us", 0);
}

static void written(struct fleet *f)
{
    int pid = house_pid(f->house);
    double from;

    settle(f);
    poll(NULL, 0, FLUSHED_MS);
    from = proc_number(pid, "io", "write_bytes");
    round_of(f, 0);
    poll(NULL, 0, FLUSHED_MS);
    figure("written to disk, a quiet poll",
           (proc_number(pid, "io", "write_bytes") - from) / (double)f->count, "bytes",
           WRITTEN_MOST);
}

static double measure(size_t count)
{
    double from = now_s(), quiet;
    struct fleet f = fleet_start(count);
    int pid = house_pid(f.house);

    printf("%zu sources at %zu hosts:\n", count, f.sites.hosts);
    figure("until the daemon answers, the first time", now_s() - from, "s", 0);
    first_polls(&f);
    quiet = quiet_polls(&f);
    changing_polls(&f);
    written(&f);
    figure("resident memory", proc_number(pid, "status", "VmRSS") / 1024, "MiB", MEMORY_MOST);
    figure("  at the most, while it began", proc_number(pid, "status", "VmHWM") / 1024, "MiB", 0);
    fleet_stop(&f);
    return quiet;
}

int main(int argc, char **argv)
{
    size_t large = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
    double few, many;

    printf("polling, digestd on one core\n");
    few = measure(large / 10);
    many = measure(large);
    figure("growth of a quiet poll's cost, tenfold", many / few, "", GROWTH_MOST);
    if (over)
        printf("bench: %zu of these figures are over their limits\n", over);
    return over > 0;
}
