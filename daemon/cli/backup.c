/* digestd backup: the state as it is at this moment, as one file. Only reads, so it always may. */
#include "cli.h"
#include "store.h"

static int backup(const struct conf *conf, const char *file)
{
    struct store *store = NULL;
    struct error e;
    int status = EXIT_OK;

    if (store_open(&store, conf->state_dir, STORE_READ, &e) < 0 ||
        store_backup(store, file, &e) < 0)
        status = cli_fail(EXIT_STATE, "%s", e.text);
    store_close(store);
    return status;
}

int cli_backup(int argc, char **argv)
{
    struct cli_options o;
    struct conf *conf;
    int status = cli_options("backup", argc, argv, "c", &o);

    if (status >= 0)
        return status;
    if (optind + 1 != argc)
        return cli_fail(EXIT_CONF, "backup: name the one FILE that the backup goes to");
    conf = cli_conf(o.conf_file);
    if (!conf)
        return EXIT_CONF;
    status = backup(conf, argv[optind]);
    conf_unref(conf);
    return status;
}
