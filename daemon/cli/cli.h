/* cli: what the subcommands share. Each is a function that takes its own arguments (argv[0] is its
 * name) and returns the exit status. */
#pragma once

#include "base.h"
#include "conf.h"
#include "model.h"

#include <getopt.h>

enum exit_status {
    EXIT_OK = 0,
    EXIT_CONF = 1,   /* also a faulty command line */
    EXIT_SOURCE = 2, /* a source failed; no sections */
    EXIT_STATE = 3   /* state or socket */
};

int cli_run(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_poll(int argc, char **argv);
int cli_extract(int argc, char **argv);
int cli_list(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_adopt(int argc, char **argv);
int cli_serve_fetch(int argc, char **argv);

/* ---- what they share ----------------------------------------------------------------------- */

/* One line on stderr. Returns `status`. */
int cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Options that several commands have. */
struct cli_options {
    const char *conf_file;
    const char *profile;
    const char *format;
    const char *base;
    bool state;
};
/* Reads the options of `command`, which takes those of `letters` (of "cpfbs"). -1: go on, the rest
 * begins at optind; else the exit status, all said. */
int cli_options(const char *command, int argc, char **argv, const char *letters,
                struct cli_options *o);
/* Loads the conf, or prints every fault and returns NULL. */
struct conf *cli_conf(const char *file);
/* The same; the faults are the caller's to tell. */
struct conf *cli_read_conf(const char *file, struct faults *faults);
/* Where links to ourselves lead: base-url, else `address` (may be NULL), else the first listen.
 * The caller frees it. */
char *cli_base_url(const struct conf *conf, const char *address);

/* Seconds since the epoch: $SOURCE_DATE_EPOCH where that is set. */
int64_t cli_clock(void *arg);
/* The clock on the wall, whatever the environment says: for the daemon. */
int64_t cli_wall_clock(void *arg);
uint32_t cli_random(void *arg);

/* Room for any row. */
#define CLI_ROW_MAX ((size_t)1024 * 1024)
/* Ends what was written to stdout: EXIT_OK, or `status` with a line on stderr. A reader that has
 * had enough (EPIPE) needs no line. */
int cli_flush(int status);
/* Appends a row of `digestd poll`: SOURCE, EVENT, ID, TITLE with tabs between them. What would
 * break the row (tabs, line feeds, control characters) is a blank in the title. */
void cli_row(struct buf *out, const char *source, const char *event, const char *id,
             struct str title);

/* Renders entries as a feed of `format` to stdout. */
struct feed;
int cli_print_feed(const struct feed *feed, const char *format);
/* Whether `format` is "jsonfeed", "atom" or "rss". */
bool cli_is_feed_format(const char *format);

/* What a FILE, an http or https URL, or - (standard input) has in it. */
struct cli_input {
    struct buf bytes, url, content_type;
};
void cli_input_init(struct cli_input *in);
void cli_input_clear(struct cli_input *in);
/* Once, between init and clear. 0, -1. */
int cli_input_read(struct cli_input *in, const char *name, struct error *e);
/* What was read counts as of this address. 0, -1: it is too long. */
int cli_input_is_from(struct cli_input *in, const char *url);
