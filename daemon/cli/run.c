/* digestd run: the daemon. Two threads, each with its own loop: this one becomes the poller, and
 * the server answers beside it. */
#include "cli.h"
#include "engine.h"
#include "http.h"
#include "service.h"
#include "site.h"

#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Both halves get this long to finish what they are doing. */
#define STOP_SECONDS      5.0
/* Paths that may wait for the poller at once. */
#define WAITING_MOST      64
/* Besides connections: listeners, the store, the transfers of polls. */
#define OTHER_DESCRIPTORS 128

struct daemon {
    const char *conf_file;
    struct conf *conf;
    struct log log;
    struct proc_helper *helper;
    struct lock *lock;
    struct store *store;
    struct engine *engine;
    struct control *control;
    char *base_url;
    char address[256]; /* of the first listener */

    struct ev_loop *loop; /* the poller's */
    ev_signal terminate, interrupt, hangup;
    ev_timer watchdog;
    struct background *background;
    bool stopping;
    int parts_left; /* of stopping: the engine and the server */

    pthread_t thread;
    bool serving;
    struct ev_loop *server_loop;
    struct site *site;
    struct http_server *server;
    struct http_access *access;
    ev_async server_ended; /* on the poller's loop */
};

/* ---- callbacks of the engine --------------------------------------------------------------- */

static int64_t daemon_clock(void *arg)
{
    return cli_wall_clock(arg);
}

static void daemon_log(void *arg, int level, const char *text)
{
    struct daemon *d = arg;

    log_write(&d->log, (enum log_level)level, "%s", text);
}

static void access_trouble(void *arg, const char *text)
{
    daemon_log(arg, LOG_LEVEL_WARNING, text);
}

static void daemon_alive(void *arg)
{
    struct daemon *d = arg;

    if (ev_is_active(&d->watchdog))
        service_notify("WATCHDOG=1");
}

static void daemon_miss(void *arg, const char *path)
{
    struct daemon *d = arg;

    engine_miss(d->engine, path);
}

/* ---- the server's thread ------------------------------------------------------------------- */

static void *server_main(void *arg)
{
    struct daemon *d = arg;

    foreground_enter();
    ev_run(d->server_loop, 0);
    return NULL;
}

/* On the server's thread. */
static void server_stopped(void *arg)
{
    struct daemon *d = arg;

    ev_break(d->server_loop, EVBREAK_ALL);
    ev_async_send(d->loop, &d->server_ended);
}

/* Signals are the poller's: none may interrupt the server. */
static int server_start(struct daemon *d, struct error *e)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&d->thread, NULL, server_main, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return error_set(e, "cannot start the server's thread: %s", strerror(failed));
    d->serving = true;
    return 0;
}

/* ---- stopping ------------------------------------------------------------------------------ */

static void part_stopped(struct daemon *d)
{
    if (--d->parts_left == 0)
        ev_break(d->loop, EVBREAK_ALL);
}

static void engine_stopped(void *arg)
{
    part_stopped(arg);
}

static void on_server_ended(struct ev_loop *loop, ev_async *w, int events)
{
    (void)loop;
    (void)events;
    part_stopped(w->data);
}

static void on_stop(struct ev_loop *loop, ev_signal *w, int events)
{
    struct daemon *d = w->data;

    (void)loop;
    (void)events;
    if (d->stopping)
        _exit(EXIT_OK);
    d->stopping = true;
    d->parts_left = 2;
    service_notify("STOPPING=1");
    log_write(&d->log, LOG_LEVEL_INFO, "stopping");
    http_server_stop(d->server, STOP_SECONDS);
    engine_stop(d->engine, STOP_SECONDS, engine_stopped, d);
}

/* ---- the conf of a running daemon ---------------------------------------------------------- */

static struct http_limits limits_of(const struct conf *c)
{
    return (struct http_limits){
        .max_connections = (size_t)c->max_connections,
        .max_connections_per_address = (size_t)c->max_connections_per_address,
        .max_requests = (size_t)c->max_requests,
        .head_timeout = (double)c->head_timeout,
        .idle_timeout = (double)c->idle_timeout,
        .min_send_rate = c->min_send_rate,
    };
}

/* Makes sure that max-connections can be had. The helper, which is running already, keeps the limit
 * that programs expect. */
static void allow_descriptors(struct daemon *d)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)d->conf->max_connections + OTHER_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted)
        return;
    log_write(&d->log, LOG_LEVEL_WARNING,
              "max-connections = %lld needs %llu open files, but this process may have %llu: lower "
              "it, or raise LimitNOFILE of the service",
              (long long)d->conf->max_connections, (unsigned long long)wanted,
              (unsigned long long)limit.rlim_cur);
}

static bool words_equal(const struct word_list *a, const struct word_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

/* Opens the access log anew, whatever becomes of the conf: it may have been moved away. False: the
 * one that is open goes on. */
static bool reopen_access_log(struct daemon *d, const char *target)
{
    struct error e;

    if (http_access_open(d->access, target, &e) == 0)
        return true;
    log_write(&d->log, LOG_LEVEL_ERROR, "access-log: %s", e.text);
    return false;
}

/* The conf as its file is now. NULL: its faults are in the log, a line each. */
static struct conf *read_again(struct daemon *d)
{
    struct faults faults;
    struct conf *conf;
    struct str rest;

    faults_init(&faults);
    conf = cli_read_conf(d->conf_file, &faults);
    rest = buf_str(&faults.text);
    while (rest.n) {
        struct str line = str_cut(&rest, '\n');

        log_write(&d->log, LOG_LEVEL_ERROR, "%.*s", STR_ARG(line));
    }
    faults_clear(&faults);
    return conf;
}

/* What of `conf` does not hold: a sentence of a log line. */
static void say_read_again(struct daemon *d, bool log_is_open, bool needs_restart)
{
    bool whole = log_is_open && !needs_restart;

    log_write(&d->log, whole ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "%s read again: %zu sources%s%s",
              d->conf_file, d->conf->sources_count,
              needs_restart ? "; not taken over: listen and state-dir, which are read at the start "
                              "only: restart to change them"
                            : "",
              log_is_open ? "" : "; not taken over: access-log, which goes on as it was");
}

static void reload(struct daemon *d)
{
    struct conf *conf = read_again(d);
    char *base_url = conf ? cli_base_url(conf, d->address) : NULL;
    struct error e = {"out of memory"};
    struct http_limits limits;
    bool log_is_open = reopen_access_log(d, conf ? conf->access_log : d->conf->access_log);
    bool needs_restart;

    if (!conf) {
        log_write(&d->log, LOG_LEVEL_ERROR, "%s is faulty: the conf that was read before goes on",
                  d->conf_file);
        return;
    }
    needs_restart = strcmp(conf->state_dir, d->conf->state_dir) != 0 ||
                    !words_equal(&conf->listen, &d->conf->listen);
    if (!base_url || engine_configure(d->engine, conf, base_url, &e) < 0) {
        log_write(&d->log, LOG_LEVEL_ERROR, "%s: the conf that was read before goes on", e.text);
        conf_unref(conf);
        free(base_url);
        return;
    }
    d->log.level = (enum log_level)conf->log_level;
    conf_unref(d->conf);
    free(d->base_url);
    d->conf = conf;
    d->base_url = base_url;
    limits = limits_of(conf);
    http_server_limit(d->server, &limits);
    allow_descriptors(d);
    say_read_again(d, log_is_open, needs_restart);
}

static void on_hangup(struct ev_loop *loop, ev_signal *w, int events)
{
    struct daemon *d = w->data;

    (void)loop;
    (void)events;
    if (d->stopping)
        return;
    service_notify("RELOADING=1");
    reload(d);
    service_notify("READY=1");
}

static void on_watchdog(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)w;
    (void)events;
    service_notify("WATCHDOG=1");
}

/* ---- `digestd poll` beside us -------------------------------------------------------------- */

static void say_row(void *arg, const char *source, const char *event, const char *id,
                    struct str title)
{
    struct buf row;

    buf_init(&row, CLI_ROW_MAX);
    cli_row(&row, source, event, id, title);
    control_say(arg, buf_str(&row));
    buf_clear(&row);
}

/* Drops from `names` those that are no source of ours, with a row each. How many were dropped. */
static size_t refuse_unknown(struct daemon *d, struct control_client *client, struct str *names,
                             size_t *count)
{
    size_t kept = 0, refused;

    for (size_t i = 0; i < *count; i++) {
        char name[64];

        if (conf_source(d->conf, names[i])) {
            names[kept++] = names[i];
            continue;
        }
        snprintf(name, sizeof(name), "%.*s", STR_ARG(names[i]));
        say_row(client, name, "error", "-",
                STR("the running daemon has not read of this source: reload it"));
    }
    refused = *count - kept;
    *count = kept;
    return refused;
}

/* A poll that somebody asked for. */
struct asked {
    struct control_client *client;
    size_t refused;
};

static void say_asked_row(void *arg, const char *source, const char *event, const char *id,
                          struct str title)
{
    struct asked *asked = arg;

    say_row(asked->client, source, event, id, title);
}

static void say_polled(void *arg, size_t failed)
{
    struct asked *asked = arg;

    control_end(asked->client, failed || asked->refused ? EXIT_SOURCE : EXIT_OK);
    free(asked);
}

/* The names follow the verb, all of them: what the asker's conf has, ours need not have. */
static int start_asked(struct daemon *d, struct control_client *client, struct str names_text,
                       struct error *e)
{
    struct str *names = calloc(names_text.n / 2 + 2, sizeof(*names));
    struct asked *asked = calloc(1, sizeof(*asked));
    size_t count = 0;
    int done = names && asked ? 0 : error_set(e, "out of memory");

    while (done == 0 && names_text.n)
        names[count++] = str_cut(&names_text, ' ');
    if (done == 0) {
        asked->client = client;
        asked->refused = refuse_unknown(d, client, names, &count);
    }
    if (done == 0 && count)
        done = engine_poll(d->engine, names, count, say_asked_row, say_polled, asked, e);
    else if (done == 0)
        say_polled(asked, 0);
    if (done < 0)
        free(asked);
    free(names);
    return done;
}

static void on_request(void *arg, struct control_client *client, struct str line)
{
    struct daemon *d = arg;
    struct str verb = str_cut(&line, ' ');
    struct error e = {"the daemon does not know this request: is it of another version?"};
    int done = -1;

    if (d->stopping)
        error_set(&e, "the daemon is stopping");
    else if (str_eq(verb, STR("poll")))
        done = start_asked(d, client, line, &e);
    if (done < 0) {
        say_row(client, "-", "error", "-", str_of(e.text));
        control_end(client, EXIT_SOURCE);
    }
}

/* ---- starting ------------------------------------------------------------------------------ */

static int open_state(struct daemon *d, struct error *e)
{
    if (lock_take(&d->lock, d->conf->state_dir, false, e) != LOCK_TAKEN)
        return -1;
    return store_open(&d->store, d->conf->state_dir, STORE_OWN, e);
}

static int add_listener(struct daemon *d, int fd, struct error *e)
{
    char address[sizeof(d->address)];

    http_address(fd, address, sizeof(address));
    if (!d->address[0])
        memcpy(d->address, address, sizeof(address));
    log_write(&d->log, LOG_LEVEL_INFO, "listening on %s", address);
    return http_server_add(d->server, fd, e);
}

/* Whether nobody could follow a link to this address. */
static bool address_is_private(const char *address)
{
    static const char *const beginnings[] = {"unix:", "0.0.0.0:", "[::]:"};

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
        if (str_starts(str_of(address), str_of(beginnings[i])))
            return true;
    return false;
}

static int open_listeners(struct daemon *d, struct error *e)
{
    int first, handed = service_listen_fds(&first);

    for (int i = 0; i < handed; i++)
        if (add_listener(d, first + i, e) < 0)
            return -1;
    if (handed && address_is_private(d->address) && !d->conf->base_url)
        return error_set(e,
                         "the socket that was handed over, %s, says nothing of where readers find "
                         "it: set base-url",
                         d->address);
    for (size_t i = 0; !handed && i < d->conf->listen.count; i++) {
        int fd = http_listen(d->conf->listen.items[i], e);

        if (fd < 0 || add_listener(d, fd, e) < 0)
            return -1;
    }
    return 0;
}

static int open_server(struct daemon *d, struct error *e)
{
    struct site_options site = {.version = DIGESTD_VERSION,
                                .cache_size = d->conf->cache_size,
                                .max_waiting = WAITING_MOST,
                                .miss = daemon_miss,
                                .miss_arg = d};
    struct http_options http;

    d->access = http_access_new(access_trouble, d, e);
    if (!d->access || http_access_open(d->access, d->conf->access_log, e) < 0)
        return -1;
    http_defaults(&http);
    http.limits = limits_of(d->conf);
    http.access = d->access;
    http.clock = daemon_clock;
    http.stopped = server_stopped;
    http.stopped_arg = d;
    d->server_loop = ev_loop_new(EVFLAG_AUTO);
    if (!d->server_loop)
        return error_set(e, "cannot make an event loop");
    d->site = site_new(d->server_loop, &site, e);
    d->server = d->site ? http_server_new(d->server_loop, d->site, &http, e) : NULL;
    return d->server ? open_listeners(d, e) : -1;
}

static int open_engine(struct daemon *d, struct error *e)
{
    d->base_url = cli_base_url(d->conf, d->address);
    d->engine = engine_new(&(struct engine_options){.loop = d->loop,
                                                    .store = d->store,
                                                    .site = d->site,
                                                    .helper = d->helper,
                                                    .fetch_service = getenv("DIGESTD_FETCH_SOCKET"),
                                                    .clock = daemon_clock,
                                                    .random = cli_random,
                                                    .log = daemon_log,
                                                    .alive = daemon_alive,
                                                    .arg = d},
                           e);
    if (!d->base_url || !d->engine)
        return -1;
    d->control = control_new(d->loop, d->lock, on_request, d, e);
    return d->control ? engine_configure(d->engine, d->conf, d->base_url, e) : -1;
}

static void start_watchers(struct daemon *d)
{
    double watchdog = service_watchdog();

    ev_signal_init(&d->terminate, on_stop, SIGTERM);
    ev_signal_init(&d->interrupt, on_stop, SIGINT);
    ev_signal_init(&d->hangup, on_hangup, SIGHUP);
    ev_async_init(&d->server_ended, on_server_ended);
    ev_timer_init(&d->watchdog, on_watchdog, watchdog, watchdog);
    d->terminate.data = d->interrupt.data = d->hangup.data = d->server_ended.data = d;
    ev_signal_start(d->loop, &d->terminate);
    ev_signal_start(d->loop, &d->interrupt);
    ev_signal_start(d->loop, &d->hangup);
    ev_async_start(d->loop, &d->server_ended);
    if (watchdog > 0)
        ev_timer_start(d->loop, &d->watchdog);
}

static int daemon_open(struct daemon *d, struct error *e)
{
    d->loop = ev_default_loop(EVFLAG_AUTO);
    if (!d->loop)
        return error_set(e, "cannot make an event loop");
    start_watchers(d);
    if (open_state(d, e) < 0 || open_server(d, e) < 0 || open_engine(d, e) < 0)
        return -1;
    return server_start(d, e);
}

static void daemon_close(struct daemon *d)
{
    if (d->serving)
        pthread_join(d->thread, NULL);
    engine_free(d->engine);
    control_free(d->control);
    http_server_free(d->server);
    http_access_free(d->access);
    site_free(d->site);
    if (d->server_loop)
        ev_loop_destroy(d->server_loop);
    store_close(d->store);
    lock_free(d->lock);
    proc_helper_stop(d->helper);
    background_leave(d->background);
    conf_unref(d->conf);
    free(d->base_url);
}

static int daemon_run(struct daemon *d)
{
    struct error e = {"out of memory"};

    /* The helper first: it must inherit nothing. */
    d->helper = proc_helper_start(&e);
    if (!d->helper || daemon_open(d, &e) < 0)
        return cli_fail(EXIT_STATE, "%s", e.text);
    allow_descriptors(d);
    /* Not before: threads inherit it. */
    d->background = background_enter(d->loop, &e);
    if (!d->background)
        log_write(&d->log, LOG_LEVEL_WARNING, "readers may wait for polls: %s", e.text);
    engine_start(d->engine);
    service_notify("READY=1");
    log_write(&d->log, LOG_LEVEL_INFO, "digestd " DIGESTD_VERSION " serves %zu sources at %s/",
              d->conf->sources_count, d->base_url);
    ev_run(d->loop, 0);
    return EXIT_OK;
}

int cli_run(int argc, char **argv)
{
    struct cli_options o;
    struct daemon d = {0};
    int status = cli_options("run", argc, argv, "c", &o);

    if (status >= 0)
        return status;
    if (optind < argc)
        return cli_fail(EXIT_CONF, "run: what is '%s'? The conf is named with -c", argv[optind]);
    d.conf_file = o.conf_file;
    d.conf = cli_conf(o.conf_file);
    if (!d.conf)
        return EXIT_CONF;
    d.log = (struct log){.level = (enum log_level)d.conf->log_level,
                         .journal = getenv("JOURNAL_STREAM") != NULL,
                         .clock = daemon_clock};
    status = daemon_run(&d);
    daemon_close(&d);
    return status;
}
