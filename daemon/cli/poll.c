/* digestd poll: look at sources once, now. Beside a running daemon the daemon does it; without one
 * the state is taken for as long as it lasts. */
#include "cli.h"
#include "engine.h"
#include "service.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names of more sources than anybody has. */
#define REQUEST_MAX ((size_t)4 * 1024 * 1024)

/* A poll in this process. */
struct polling {
    struct ev_loop *loop;
    struct proc_helper *helper;
    struct store *store;
    struct engine *engine;
    struct log log;
    size_t failed;
};

/* ---- rows ---------------------------------------------------------------------------------- */

static void print_row(void *arg, const char *source, const char *event, const char *id,
                      struct str title)
{
    struct buf row;

    (void)arg;
    buf_init(&row, CLI_ROW_MAX);
    cli_row(&row, source, event, id, title);
    fwrite(row.data, 1, row.len, stdout);
    fflush(stdout);
    buf_clear(&row);
}

static void settled(void *arg)
{
    struct polling *p = arg;

    ev_break(p->loop, EVBREAK_ALL);
}

/* No daemon will run the programs of on-new and on-trouble soon. */
static void polled(void *arg, size_t failed)
{
    struct polling *p = arg;

    p->failed = failed;
    engine_settle(p->engine, settled, p);
}

/* Rows say what happened; only what else goes wrong is told beside them, and what should be known
 * of the conf before. */
static void tell(void *arg, int level, const char *text)
{
    struct polling *p = arg;

    log_write(&p->log, (enum log_level)level, "%s", text);
}

/* ---- here ---------------------------------------------------------------------------------- */

static int poll_start(struct polling *p, struct conf *conf, char **names, size_t count,
                      struct error *e)
{
    struct str *wanted = calloc(count + 1, sizeof(*wanted));
    char *base_url = cli_base_url(conf, NULL);
    int done = -1;

    p->log = (struct log){.level = LOG_LEVEL_WARNING, .clock = cli_wall_clock};
    p->loop = ev_loop_new(EVFLAG_AUTO);
    for (size_t i = 0; wanted && i < count; i++)
        wanted[i] = str_of(names[i]);
    if (p->loop && wanted && base_url && store_open(&p->store, conf->state_dir, STORE_OWN, e) == 0)
        p->engine =
            engine_new(&(struct engine_options){.loop = p->loop,
                                                .store = p->store,
                                                .helper = p->helper,
                                                .fetch_service = getenv("DIGESTD_FETCH_SOCKET"),
                                                .clock = cli_clock,
                                                .random = cli_random,
                                                .log = tell,
                                                .arg = p},
                       e);
    if (p->engine && engine_configure(p->engine, conf, base_url, e) == 0) {
        p->log.level = LOG_LEVEL_ERROR;
        done = engine_poll(p->engine, wanted, count, print_row, polled, p, e);
    }
    free(wanted);
    free(base_url);
    return done;
}

static int poll_here(struct conf *conf, struct proc_helper *helper, char **names, size_t count)
{
    struct polling p = {.helper = helper};
    struct error e = {"out of memory"};
    int status;

    if (poll_start(&p, conf, names, count, &e) < 0) {
        status = cli_fail(EXIT_STATE, "%s", e.text);
    } else {
        ev_run(p.loop, 0);
        status = cli_flush(EXIT_STATE);
        if (status == EXIT_OK && p.failed)
            status = EXIT_SOURCE;
    }
    engine_free(p.engine);
    store_close(p.store);
    if (p.loop)
        ev_loop_destroy(p.loop);
    return status;
}

/* ---- by the daemon ------------------------------------------------------------------------- */

static int poll_there(const struct conf *conf, const char *busy, char **names, size_t count)
{
    struct buf request;
    struct error e;
    int status;

    buf_init(&request, REQUEST_MAX);
    buf_puts(&request, "poll");
    for (size_t i = 0; i < count; i++)
        buf_printf(&request, " %s", names[i]);
    for (size_t i = 0; !count && i < conf->sources_count; i++)
        buf_printf(&request, " %s", conf->sources[i].name);
    status = request.failed ? error_set(&e, "too many names")
                            : control_ask(conf->state_dir, buf_str(&request), stdout, &e);
    buf_clear(&request);
    return status >= 0 ? status : cli_fail(EXIT_STATE, "%s (%s)", busy, e.text);
}

static int poll_conf(struct conf *conf, struct proc_helper *helper, char **names, size_t count)
{
    struct lock *lock;
    struct error e;
    int status = EXIT_STATE;

    for (size_t i = 0; i < count; i++)
        if (!conf_source(conf, str_of(names[i])))
            return cli_fail(EXIT_CONF, "%s has no source '%s'", conf->file, names[i]);
    switch (lock_take(&lock, conf->state_dir, true, &e)) {
    case LOCK_TAKEN:
        status = poll_here(conf, helper, names, count);
        lock_free(lock);
        break;
    case LOCK_BUSY:
        status = poll_there(conf, e.text, names, count);
        break;
    case LOCK_FAILED:
        status = cli_fail(EXIT_STATE, "%s", e.text);
        break;
    }
    return status;
}

int cli_poll(int argc, char **argv)
{
    struct cli_options o;
    struct proc_helper *helper;
    struct conf *conf;
    struct error e;
    int status = cli_options("poll", argc, argv, "c", &o);

    if (status >= 0)
        return status;
    conf = cli_conf(o.conf_file);
    if (!conf)
        return EXIT_CONF;
    helper = proc_helper_start(&e);
    if (helper)
        status = poll_conf(conf, helper, argv + optind, (size_t)(argc - optind));
    else
        status = cli_fail(EXIT_STATE, "%s", e.text);
    proc_helper_stop(helper);
    conf_unref(conf);
    return status;
}
