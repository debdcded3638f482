/* digestd: follows long, ever-edited digest pages and serves them as feeds. Here the subcommand is
 * found; what it does is in the file of its name. */
#include "cli.h"
#include "digest.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *arguments;
    const char *help; /* NULL: not for people */
};

static const struct command commands[] = {
    {"run", cli_run, "[-c FILE]", "the daemon, in the foreground"},
    {"check", cli_check, "[-c FILE] [--state]",
     "validate the conf and every profile it uses, or what is stored"},
    {"poll", cli_poll, "[-c FILE] [SOURCE...]", "poll sources once, now; a row an event"},
    {"extract", cli_extract, "[-p PROFILE] [-f FORMAT] [--base URL] FILE|URL|-",
     "what the sections of a page are"},
    {"list", cli_list, "[-c FILE] [-f FORMAT] [SOURCE]", "what the store holds, newest first"},
    {"backup", cli_backup, "[-c FILE] FILE", "what the store holds, as one file, at any time"},
    {"adopt", cli_adopt, "[-c FILE] NAME FEED...",
     "fill the empty store of a source from feeds of ours"},
    {"serve-fetch", cli_serve_fetch, "[-c FILE]", NULL}, /* for digestd-fetch@.service alone */
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static const struct command *command_named(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

static int help(void)
{
    printf("digestd follows long, ever-edited digest pages and serves them as feeds.\n\nUsage:\n");
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].help)
            printf("  digestd %s %s\n      %s\n", commands[i].name, commands[i].arguments,
                   commands[i].help);
    printf("\nThe conf FILE is /etc/digestd/digestd.conf unless -c names another.\n"
           "FORMAT of extract: table, jsonfeed, atom, rss; of list: table, jsonfeed.\n"
           "See digestd(1) and digestd.conf(5).\n");
    return cli_flush(EXIT_CONF);
}

static int version(void)
{
    printf("digestd %s\n", DIGESTD_VERSION);
    return cli_flush(EXIT_CONF);
}

/* --help and --version work before and behind a command. */
static int answer_common(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help();
    if (strcmp(word, "--version") == 0)
        return version();
    return -1;
}

int main(int argc, char **argv)
{
    const struct command *command;
    int status;

    signal(SIGPIPE, SIG_IGN);
    if (argc < 2)
        return cli_fail(EXIT_CONF, "which command? 'digestd --help' lists them");
    status = answer_common(argv[1]);
    if (status >= 0)
        return status;
    command = command_named(argv[1]);
    if (!command && argv[1][0] == '-')
        return cli_fail(EXIT_CONF,
                        "unknown option '%s'; options stand behind a command, and "
                        "'digestd --help' lists both",
                        argv[1]);
    if (!command)
        return cli_fail(EXIT_CONF, "unknown command '%s'; 'digestd --help' lists the commands",
                        argv[1]);
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++) {
        status = answer_common(argv[i]);
        if (status >= 0)
            return status;
    }
    memory_keep();
    digest_init();
    return command->run(argc - 1, argv + 1);
}
