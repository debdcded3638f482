/* digestd check: is the conf in order, or, with --state, what is stored? */
#include "cli.h"
#include "engine.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>

/* All that a damaged database may have to say. */
#define FAULTS_MAX ((size_t)16 * 1024 * 1024)

/* What is no fault of the conf, and would surprise whoever wrote it: warnings, on stderr. A store
 * that cannot be read is no matter of the conf. */
static void warn_of_names(const struct conf *conf)
{
    struct arena *a = arena_new();
    struct store *store = NULL;
    struct engine_heritage heritage;
    struct error e;

    if (a && store_open(&store, conf->state_dir, STORE_READ, &e) == 0)
        for (size_t i = 0; i < conf->sources_count; i++)
            if (engine_heritage(store, a, conf, &conf->sources[i], &heritage, &e) == 0 &&
                heritage.warning.text[0])
                fprintf(stderr, "%s:%u: warning: %s\n", conf->file, conf->sources[i].line,
                        heritage.warning.text);
    store_close(store);
    arena_free(a);
}

static void warn_of_hubs(const struct conf *conf)
{
    char *base_url = cli_base_url(conf, NULL);
    struct error e;

    if (base_url && conf_hub_is_lost(conf, str_of(base_url), &e))
        fprintf(stderr, "%s: warning: %s\n", conf->file, e.text);
    free(base_url);
}

static void warn(void *arg, unsigned line, const char *text)
{
    const struct conf *conf = arg;

    if (line)
        fprintf(stderr, "%s:%u: warning: %s\n", conf->file, line, text);
    else
        fprintf(stderr, "%s: warning: %s\n", conf->file, text);
}

static int check_conf(struct conf *conf)
{
    conf_advise(conf, warn, conf);
    warn_of_hubs(conf);
    warn_of_names(conf);
    printf("%s: in order, %zu source%s\n", conf->file, conf->sources_count,
           conf->sources_count == 1 ? "" : "s");
    return cli_flush(EXIT_CONF);
}

/* Says nothing where nothing is wrong: for cron. */
static int check_state(const struct conf *conf)
{
    struct store *store = NULL;
    struct buf faults;
    struct error e;
    int status = EXIT_STATE;

    buf_init(&faults, FAULTS_MAX);
    if (store_open(&store, conf->state_dir, STORE_READ, &e) < 0 ||
        store_check(store, &faults, &e) < 0)
        cli_fail(status, "%s", e.text);
    else
        status = faults.len ? EXIT_CONF : EXIT_OK;
    if (faults.len)
        fwrite(faults.data, 1, faults.len, stdout);
    if (cli_flush(EXIT_STATE) != EXIT_OK)
        status = EXIT_STATE;
    buf_clear(&faults);
    store_close(store);
    return status;
}

int cli_check(int argc, char **argv)
{
    struct cli_options o;
    struct conf *conf;
    int status = cli_options("check", argc, argv, "cs", &o);

    if (status >= 0)
        return status;
    if (optind < argc)
        return cli_fail(EXIT_CONF, "check: what is '%s'? The conf is named with -c", argv[optind]);
    conf = cli_conf(o.conf_file);
    if (!conf)
        return EXIT_CONF;
    status = o.state ? check_state(conf) : check_conf(conf);
    conf_unref(conf);
    return status;
}
