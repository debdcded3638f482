/* digestd serve-fetch: the fetch service, which runs a fetch-command for the daemon where the
 * daemon may not. systemd starts it for each connection (digestd-fetch.socket). */
#include "cli.h"
#include "fetch.h"
#include "proc.h"
#include "service.h"

#include <getopt.h>

int cli_serve_fetch(int argc, char **argv)
{
    struct cli_options o;
    struct proc_helper *helper;
    struct conf *conf;
    struct error e;
    int connection, status = cli_options("serve-fetch", argc, argv, "c", &o);

    if (status >= 0)
        return status;
    if (optind < argc)
        return cli_fail(EXIT_CONF, "serve-fetch: what is '%s'? The conf is named with -c",
                        argv[optind]);
    if (service_listen_fds(&connection) != 1)
        return cli_fail(EXIT_STATE, "serve-fetch answers a connection that systemd hands over: "
                                    "enable digestd-fetch.socket");
    /* The helper first: it must inherit nothing. */
    helper = proc_helper_start(&e);
    if (!helper)
        return cli_fail(EXIT_STATE, "%s", e.text);
    conf = cli_conf(o.conf_file);
    status = EXIT_OK;
    if (fetch_serve(connection, conf, helper, &e))
        status = cli_fail(conf ? EXIT_SOURCE : EXIT_CONF, "%s", e.text);
    proc_helper_stop(helper);
    conf_unref(conf);
    return status;
}
