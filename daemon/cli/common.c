/* common: what the subcommands share: options, the conf, clocks, the rows of `digestd poll`. */
#include "cli.h"
#include "feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define CONF_FILE "/etc/digestd/digestd.conf"

int cli_fail(int status, const char *format, ...)
{
    va_list args;

    fputs("digestd: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return status;
}

/* The options of all commands: a command has those whose letter it names. */
static const struct option all_options[] = {
    {"conf", required_argument, NULL, 'c'},   {"profile", required_argument, NULL, 'p'},
    {"format", required_argument, NULL, 'f'}, {"base", required_argument, NULL, 'b'},
    {"state", no_argument, NULL, 's'},        {NULL, 0, NULL, 0}};

static int option_set(const char *command, char **argv, const char *letters, int letter,
                      struct cli_options *o)
{
    if (letter == ':')
        return cli_fail(EXIT_CONF, "%s: option '%s' wants a value; see 'digestd --help'", command,
                        argv[optind - 1]);
    if (letter == '?' || !strchr(letters, letter))
        return cli_fail(EXIT_CONF, "%s: unknown option '%s'; see 'digestd --help'", command,
                        argv[optind - 1]);
    if (letter == 's') {
        o->state = true;
        return -1;
    }
    *(letter == 'c'   ? &o->conf_file
      : letter == 'p' ? &o->profile
      : letter == 'f' ? &o->format
                      : &o->base) = optarg;
    return -1;
}

int cli_options(const char *command, int argc, char **argv, const char *letters,
                struct cli_options *o)
{
    int letter;

    *o = (struct cli_options){.conf_file = CONF_FILE};
    while ((letter = getopt_long(argc, argv, ":c:p:f:", all_options, NULL)) != -1) {
        int status = option_set(command, argv, letters, letter, o);

        if (status >= 0)
            return status;
    }
    return -1;
}

struct conf *cli_read_conf(const char *file, struct faults *faults)
{
    const struct conf_environment env = {.state_directory = getenv("STATE_DIRECTORY"),
                                         .profile_dir = getenv("DIGESTD_PROFILE_DIR"),
                                         .version = DIGESTD_VERSION};

    return conf_load(file, &env, faults);
}

struct conf *cli_conf(const char *file)
{
    struct faults faults;
    struct conf *conf;

    faults_init(&faults);
    conf = cli_read_conf(file, &faults);
    if (faults.text.len)
        fwrite(faults.text.data, 1, faults.text.len, stderr);
    faults_clear(&faults);
    return conf;
}

char *cli_base_url(const struct conf *conf, const char *address)
{
    char *url = NULL;

    if (conf->base_url)
        return strdup(conf->base_url);
    if (!address && conf->listen.count)
        address = conf->listen.items[0];
    if (asprintf(&url, "http://%s", address ? address : "localhost") < 0)
        return NULL;
    return url;
}

int64_t cli_wall_clock(void *arg)
{
    (void)arg;
    return time(NULL);
}

int64_t cli_clock(void *arg)
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    int64_t t;

    if (fixed && parse_number(str_of(fixed), 0, INT64_MAX / 2, &t) == 0)
        return t;
    return cli_wall_clock(arg);
}

uint32_t cli_random(void *arg)
{
    uint32_t bits = 0;

    (void)arg;
    if (getrandom(&bits, sizeof(bits), 0) < 0)
        bits = (uint32_t)time(NULL); /* it only spreads polls */
    return bits;
}

void cli_row(struct buf *out, const char *source, const char *event, const char *id,
             struct str title)
{
    size_t from;

    buf_printf(out, "%s\t%s\t%s\t", source, event, id);
    from = out->len;
    buf_add(out, title);
    for (size_t i = from; i < out->len; i++)
        if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7f)
            out->data[i] = ' ';
    buf_putc(out, '\n');
}

int cli_flush(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_OK;
    if (errno == EPIPE)
        return status;
    return cli_fail(status, "cannot write to standard output: %s", strerror(errno));
}

/* ---- feeds on stdout ----------------------------------------------------------------------- */

static const char *const format_names[] = {
    [FEED_ATOM] = "atom", [FEED_RSS] = "rss", [FEED_JSON] = "jsonfeed"};

bool cli_is_feed_format(const char *format)
{
    for (size_t i = 0; i < FEED_FORMATS; i++)
        if (strcmp(format, format_names[i]) == 0)
            return true;
    return false;
}

int cli_print_feed(const struct feed *feed, const char *format)
{
    enum feed_format f = FEED_ATOM;
    struct error e;
    struct buf out;
    int status = EXIT_OK;

    while (f + 1 < FEED_FORMATS && strcmp(format, format_names[f]) != 0)
        f++;
    buf_init(&out, SIZE_MAX);
    if (feed_render(feed, f, &out, &e) < 0)
        status = cli_fail(EXIT_SOURCE, "%s", e.text);
    else {
        fwrite(out.data, 1, out.len, stdout);
        status = cli_flush(EXIT_SOURCE);
    }
    buf_clear(&out);
    return status;
}
