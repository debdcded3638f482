/* What serving costs, beside nginx (one worker) serving the same bytes from files, both turn about,
 * server and client on one core each: CPU time of the server a request when it has all it can do,
 * and how long answers take when it has half of that to do. Then the same while pages are polled
 * without a pause. */
#include "../lib/figure.h"
#include "../lib/house.h"
#include "../lib/load.h"
#include "../lib/nginx.h"
#include "../lib/source_site.h"
#include "../lib/usage.h"
#include "page.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS        5
#define TURNS       12 /* of both in a run */
#define SERVER_CORE 0u
#define CLIENT_CORE 1u
/* At a rate: many short runs, turn about. A machine that stops for a millisecond now and then, as
 * one with other guests does, has that in the 99th percentile of all requests, which is shown and
 * not judged: it is now one's, now the other's. In most of the runs it is not, and these are
 * compared. */
#define RATE_RUNS   151
#define SECONDS     0.1
/* With polls and without, runs take turns by blocks: a poll may be longer than a run. */
#define BLOCKS      15
#define BLOCK_RUNS  5
_Static_assert(BLOCKS *BLOCK_RUNS <= RATE_RUNS, "they have one room");
#define OTHER_POLLS 64
#define HALF        0.5

static void give_up(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- what is asked for --------------------------------------------------------------------- */

struct row {
    const char *name;
    const char *path;
    const char *fields;
    size_t requests; /* a turn */
    bool conditional;
    bool dial;
    double limit; /* of the ratio; 0: it is for information alone */
};

static const struct row rows[] = {
    {"(a) the whole feed, plain", "/blog.atom", "", 3750, false, false, 1.0},
    {"(b) the whole feed, gzip", "/blog.atom", "Accept-Encoding: gzip\r\n", 6250, false, false,
     0.82},
    {"(c) 304", "/blog.atom", "", 15000, true, false, 0.77},
    {"(c) 304, a browser's head", "/blog.atom",
     "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
     "Accept: application/atom+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
     "Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
     "Referer: http://feeds.example/\r\nDNT: 1\r\nCache-Control: max-age=0\r\n",
     15000, true, false, 0.77},
    {"(d) a body of 2 KB", "/small.atom", "", 15000, false, false, 0.6},
    {"(e) 304, a connection each", "/blog.atom", "Connection: close\r\n", 3750, true, true, 1.0},
    {"(e) the same, the reader closes", "/blog.atom", "", 3750, true, true, 1.0},
};
#define ROWS (sizeof(rows) / sizeof(*rows))

/* The request, with the ETag that this server gives. */
static char *request_of(const char *address, const struct row *row)
{
    struct raw_response r;
    struct raw_client *c = raw_get(address, row->path, row->fields, 5000, &r);
    char *request;
    int n;

    if (!c || r.status != 200)
        give_up(address);
    if (row->conditional)
        n = asprintf(&request,
                     "GET %s HTTP/1.1\r\nHost: feeds.example\r\n%sIf-None-Match: %.*s\r\n\r\n",
                     row->path, row->fields, STR_ARG(raw_field(&r, "ETag")));
    else
        n = asprintf(&request, "GET %s HTTP/1.1\r\nHost: feeds.example\r\n%s\r\n", row->path,
                     row->fields);
    if (n < 0)
        give_up("memory");
    raw_close(c);
    return request;
}

struct server {
    int pid;
    const char *address;
};

static struct load load_of(const struct server *s, const struct row *row, const char *request)
{
    return (struct load){.address = s->address,
                         .request = request,
                         .requests = row->requests,
                         .body = !row->conditional,
                         .dial = row->dial};
}

/* ---- all that it can do -------------------------------------------------------------------- */

struct saturated {
    double cpu_us, seconds; /* for all requests of a run */
};

static void saturate(const struct server *s, const struct load *load, struct saturated *sum)
{
    double from = usage_cpu_us(s->pid);

    sum->seconds += load_run(load);
    sum->cpu_us += usage_cpu_us(s->pid) - from;
}

/* One run of both, who take turns: what slows the machine down slows both. */
static void run_both(const struct row *row, const struct server servers[2], char *const requests[2],
                     struct saturated sums[2])
{
    memset(sums, 0, 2 * sizeof *sums);
    for (int turn = 0; turn < TURNS; turn++)
        for (int k = 0; k < 2; k++) {
            struct load load = load_of(&servers[k], row, requests[k]);

            saturate(&servers[k], &load, &sums[k]);
        }
}

/* Prints the ratio, and returns what the slower of both can do in a second. */
static double compare_costs(const struct row *row, const struct server servers[2],
                            char *const requests[2])
{
    double cpu[2][RUNS], speed[2][RUNS], ratios[RUNS], least[2];
    double requests_of_run = (double)row->requests * TURNS;
    char detail[80];

    for (int i = 0; i < RUNS; i++) {
        struct saturated sums[2];

        run_both(row, servers, requests, sums);
        for (int k = 0; k < 2; k++) {
            cpu[k][i] = sums[k].cpu_us / requests_of_run;
            speed[k][i] = requests_of_run / sums[k].seconds;
        }
        ratios[i] = cpu[0][i] / cpu[1][i];
    }
    for (int k = 0; k < 2; k++)
        least[k] = figure_median(speed[k], RUNS);
    snprintf(detail, sizeof(detail), "%5.2f us, nginx %5.2f us, %6.0f a second",
             figure_median(cpu[0], RUNS), figure_median(cpu[1], RUNS), least[0]);
    figure_print(row->name, detail, figure_median(ratios, RUNS), "", row->limit);
    return least[0] < least[1] ? least[0] : least[1];
}

/* ---- half of that -------------------------------------------------------------------------- */

/* The 99th percentiles of runs, and all their requests. */
struct tail {
    double p99[RATE_RUNS]; /* of each run */
    size_t runs;
    struct latencies all;
};

static void run_at_rate(const struct server *s, const struct row *row, const char *request,
                        double rate, struct tail *tail)
{
    struct latencies latencies = {0};
    struct load load = load_of(s, row, request);

    load.rate = rate;
    load.requests = (size_t)(rate * SECONDS);
    load.latencies = &latencies;
    load_run(&load);
    latencies_add(&tail->all, &latencies);
    tail->p99[tail->runs++] = latencies_at(&latencies, 0.99);
    latencies_free(&latencies);
}

static double p99_of_all(struct tail *tail)
{
    return latencies_at(&tail->all, 0.99);
}

/* Of the run in the middle. */
static double p99_of_a_run(struct tail *tail)
{
    return figure_median(tail->p99, tail->runs);
}

/* Run for run, before they are sorted: what was slow in a moment was so for both. */
static struct interval compare_runs(const struct tail tails[2])
{
    double ratios[RATE_RUNS];

    for (size_t i = 0; i < RATE_RUNS; i++)
        ratios[i] = tails[0].p99[i] / tails[1].p99[i];
    return figure_interval(ratios, RATE_RUNS);
}

static void compare_latencies(const struct row *row, const struct server servers[2],
                              char *const requests[2], double rate)
{
    struct tail tails[2] = {0};
    struct interval ratio;
    char name[64], detail[80];

    for (int i = 0; i < RATE_RUNS; i++)
        for (int turn = 0; turn < 2; turn++) {
            int k = (i + turn) % 2; /* neither is always the first */

            run_at_rate(&servers[k], row, requests[k], rate, &tails[k]);
        }
    ratio = compare_runs(tails);
    snprintf(name, sizeof(name), "    its 99th percentile at %.0f/s", rate);
    snprintf(detail, sizeof(detail), "%4.0f us, nginx %4.0f us (all: %.0f, %.0f)",
             p99_of_a_run(&tails[0]), p99_of_a_run(&tails[1]), p99_of_all(&tails[0]),
             p99_of_all(&tails[1]));
    figure_print_interval(name, detail, ratio, 1.0);
    for (int k = 0; k < 2; k++)
        latencies_free(&tails[k].all);
}

/* Fills the rates that are half of what can be done; 0 where a row was not `wanted`. */
static void compare_servers(const struct server servers[2], const char *wanted, double rates[ROWS])
{
    for (size_t i = 0; i < ROWS; i++) {
        char *requests[2];

        rates[i] = 0;
        if (!strstr(rows[i].name, wanted))
            continue;
        for (int k = 0; k < 2; k++)
            requests[k] = request_of(servers[k].address, &rows[i]);
        rates[i] = compare_costs(&rows[i], servers, requests) * HALF;
        if (!rows[i].dial)
            compare_latencies(&rows[i], servers, requests, rates[i]);
        for (int k = 0; k < 2; k++)
            free(requests[k]);
    }
}

/* ---- while pages are polled ---------------------------------------------------------------- */

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

/* What `digestd poll` asks of the daemon, without the time that a program takes to start: that
 * would be the client's. */
static void poll_once(const struct sockaddr_un *control)
{
    static const char request[] = "poll blog\n";
    char answer[4096];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ssize_t n;

    if (fd < 0 || connect(fd, (const struct sockaddr *)control, sizeof(*control)) < 0 ||
        send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0)
        give_up("the control socket");
    do {
        n = recv(fd, answer, sizeof(answer), 0);
    } while (n > 0);
    close(fd);
}

static struct sockaddr_un control_of(struct place *p)
{
    struct sockaddr_un control = {.sun_family = AF_UNIX};

    snprintf(control.sun_path, sizeof(control.sun_path), "%s", place_path(p, "state/control"));
    return control;
}

/* A process that polls without a pause until it is killed. */
static int start_polling(const struct sockaddr_un *control)
{
    int pid = fork();

    if (pid != 0)
        return pid;
    for (;;)
        poll_once(control);
}

static void stop_polling(int pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Turn about with and without polls, so that what else the machine does is the same to both. The
 * run in the middle is compared: it knows of nothing but the polls. */
static void measure_under_polls(struct place *p, const struct server *s, struct source_site *site,
                                const char *page, const struct row *row, double rate)
{
    const struct sockaddr_un control = control_of(p);
    struct tail idle = {0}, busy = {0};
    size_t polls = source_site_requests(site, "/page");
    char *request = request_of(s->address, row);
    char name[64], detail[80];
    double without, with;

    for (int i = 0; i < BLOCKS; i++) {
        int polling;

        for (int k = 0; k < BLOCK_RUNS; k++)
            run_at_rate(s, row, request, rate, &idle);
        set_other_bytes(site, page);
        polling = start_polling(&control);
        for (int k = 0; k < BLOCK_RUNS; k++)
            run_at_rate(s, row, request, rate, &busy);
        stop_polling(polling);
        poll_once(&control); /* the last one went on */
    }
    polls = source_site_requests(site, "/page") - polls - BLOCKS;
    without = p99_of_a_run(&idle);
    with = p99_of_a_run(&busy);
    snprintf(name, sizeof(name), "%s, at %.0f/s", row->name, rate);
    snprintf(detail, sizeof(detail), "%4.0f us, idle %4.0f (all: %.0f, %.0f), %.0f polls/s", with,
             without, p99_of_all(&busy), p99_of_all(&idle),
             (double)polls / (BLOCKS * BLOCK_RUNS * SECONDS));
    figure_print(name, detail, with / without, "", 2.0);
    latencies_free(&idle.all);
    latencies_free(&busy.all);
    free(request);
}

/* ---- setting up ---------------------------------------------------------------------------- */

#define SMALL_PAGE                                                                                 \
    "<html><head><title>A small page</title></head><body><article><p>#One</p><p>%s</p>"            \
    "<p>....</p></article></body></html>"

static char *filler(size_t n)
{
    char *text = calloc(n + 1, 1);

    for (size_t i = 0; text && i < n; i++)
        text[i] = i % 8 == 7 ? ' ' : (char)('a' + i % 26);
    return text;
}

static void set_pages(struct source_site *site, const char *page)
{
    char *text = filler(650), *small = NULL;

    if (!text || asprintf(&small, SMALL_PAGE, text) < 0)
        give_up("memory");
    source_site_set_page(site, "/page", page);
    source_site_set_page(site, "/small", small);
    free(small);
    free(text);
}

static struct house *start_house(struct place *p, struct source_site *site)
{
    struct ran r;
    struct house *h;

    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
                 "max-requests = 1000000000\n[poll]\ninterval = 1h\n"
                 "[source blog]\nurl = %s\nprofile = 51cto\n"
                 "[source small]\nurl = %s\nprofile = digest\n",
                 place_path(p, "state"), source_site_url(site, "/page"),
                 source_site_url(site, "/small"));
    h = house_start(place_path(p, "digestd.conf"), &r);
    if (!h)
        give_up(r.err.p);
    return h;
}

/* What the daemon serves at this path becomes a file for nginx. */
static void save(struct place *p, const struct house *h, const char *path, const char *fields,
                 const char *name)
{
    struct raw_response r;
    struct raw_client *c = raw_get(house_address(h), path, fields, 5000, &r);

    if (!c || r.status != 200)
        give_up(path);
    place_write(p, name, r.body);
    printf("%s%s%zu bytes", name, ": ", r.body.n);
    raw_close(c);
}

static void save_all(struct place *p, const struct house *h)
{
    static const struct {
        const char *path, *fields, *name;
    } files[] = {
        {"/blog.atom", NULL, "www/blog.atom"},
        {"/blog.atom", "Accept-Encoding: gzip\r\n", "www/blog.atom.gz"},
        {"/small.atom", NULL, "www/small.atom"},
    };

    mkdir(place_path(p, "www"), 0755);
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        printf("%s", i ? ", " : "");
        save(p, h, files[i].path, files[i].fields, files[i].name);
    }
    printf("\n");
}

static void wait_for_feeds(const struct house *h)
{
    static const char *const paths[] = {"/blog.atom", "/small.atom"};

    for (size_t i = 0; i < 2; i++) {
        char *body = house_get_with(h, paths[i], "<entry>", 60000);

        if (!body)
            give_up("the first poll found nothing");
        free(body);
    }
}

/* It is nginx's; on the loopback digestd takes another. */
static void say_control(void)
{
    struct str control = file_read("/proc/sys/net/ipv4/tcp_congestion_control");

    printf("this machine's congestion control: %.*s", STR_ARG(control));
    free((char *)control.p);
}

int main(int argc, char **argv)
{
    struct place *p = place_make();
    char *page = (char *)file_read(bench_page(p, argc, argv)).p;
    struct source_site *site = source_site_start();
    struct server servers[2];
    struct nginx nginx;
    struct house *h;
    double rates[ROWS];

    set_pages(site, page);
    h = start_house(p, site);
    wait_for_feeds(h);
    usage_wait_until_quiet(house_pid(h));
    save_all(p, h);
    nginx = nginx_start(p, place_path(p, "www"));
    servers[0] = (struct server){house_pid(h), house_address(h)};
    servers[1] = (struct server){nginx.worker, nginx.address};
    for (int k = 0; k < 2; k++)
        usage_pin(servers[k].pid, SERVER_CORE);
    usage_pin(getpid(), CLIENT_CORE);
    say_control();
    printf("serving: CPU of the server a request as a ratio to nginx, median of %d runs:\n", RUNS);
    compare_servers(servers, argc > 2 ? argv[2] : "", rates);
    printf("99th percentile while the page is polled without a pause, to that without:\n");
    for (size_t i = 0; i < ROWS; i++)
        if (rates[i] > 0 && !rows[i].dial)
            measure_under_polls(p, &servers[0], site, page, &rows[i], rates[i]);
    nginx_stop(&nginx);
    house_stop(h, NULL);
    source_site_stop(site);
    free(page);
    place_remove(p);
    return 0;
}
