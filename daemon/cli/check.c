/* digestd check: is the conf in order? */
#include "cli.h"

#include <stdio.h>

int cli_check(int argc, char **argv)
{
    struct cli_options o;
    struct conf *conf;
    int status = cli_options("check", argc, argv, "c", &o);

    if (status >= 0)
        return status;
    if (optind < argc)
        return cli_fail(EXIT_CONF, "check: what is '%s'? The conf is named with -c", argv[optind]);
    conf = cli_conf(o.conf_file);
    if (!conf)
        return EXIT_CONF;
    printf("%s: in order, %zu source%s\n", o.conf_file, conf->sources_count,
           conf->sources_count == 1 ? "" : "s");
    conf_unref(conf);
    return cli_flush(EXIT_CONF);
}
