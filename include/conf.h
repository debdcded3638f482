/* conf: the conf file and the profiles it uses → one immutable struct. Reads files, blocking. */
#pragma once

#include "base.h"
#include "profile.h"

/* ---- INI ----------------------------------------------------------------------------------- */

/* One setting of an INI file. Views are valid during the call only. */
struct ini_item {
    struct str section; /* "source blog"; empty before the first header */
    struct str key;     /* empty: the header line itself */
    struct str value;
    unsigned line;
};

/* Faults are collected, never just the first. */
struct faults {
    struct buf text; /* a line a fault: "FILE:LINE: what is wrong\n" */
    size_t count;
    struct fault_place *places; /* of each line of the text, so that they can be put in order */
    size_t room;
};
void faults_init(struct faults *f);
void faults_clear(struct faults *f);
/* line 0: "FILE: what". */
void faults_add(struct faults *f, const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Adds fault `index` of `from`, whose line of the text is `line`. */
void faults_pass(struct faults *f, const struct faults *from, size_t index, struct str line);
/* Puts them in the order of their lines: those of `file` first, then those of the other files, by
 * name. */
void faults_sort(struct faults *f, const char *file);

/* Reads INI text: `[section]`, `key = value`, comments (# ;) only at the start of a line, UTF-8,
 * any length of line, repeated keys. Each item goes to `item`; each line that is none of these to
 * `faults`. */
void ini_parse(const char *file, struct str text, void (*item)(void *arg, const struct ini_item *),
               void *arg, struct faults *faults);

/* ---- conf ---------------------------------------------------------------------------------- */

/* The keys of [poll]; every source has its own copy, overrides applied. */
struct poll_conf {
    int64_t interval;
    int64_t interval_max;
    int64_t timeout;
    int64_t connect_timeout;
    size_t max_size;
    int64_t max_redirects;
    char *user_agent;
    struct word_list header; /* "Name: value" */
    char *cookie_file;       /* NULL: none; likewise proxy, fetch_command */
    char *proxy;
    char *fetch_command;
    int64_t removal_guard; /* percent */
    int64_t removal_confirmations;
    int64_t min_change; /* characters */
    int64_t keep_revisions;
    struct word_list hub; /* addresses */
    char *on_new;         /* commands; NULL: none */
    char *on_trouble;
    char *image_proxy; /* an address with one %u in it; NULL: none */
};

enum removed { REMOVED_KEEP, REMOVED_DROP };
enum source_type { SOURCE_PAGE, SOURCE_FEED };

struct source_conf {
    char *name;
    char *url;      /* http, https or file:; a relative file: is made absolute, beside the conf */
    char *numbered; /* the address of every page, {n} in the place of its number: `url` is then that
                       of the first; NULL: pages have none */
    char *home;     /* `url` without user and password: what may be told of it */
    int64_t pages;  /* at most */
    enum source_type type;
    char *id_base;                                 /* NULL: the url first stored */
    char *formerly;                                /* the name it had before; NULL: none */
    struct profile *profile;                       /* of a feed: how its HTML is cleaned */
    char *title, *description, *author, *language; /* NULL: from the page */
    int64_t max_entries;
    enum removed removed;
    struct poll_conf poll;
    unsigned line; /* of its header */
};

struct conf {
    unsigned refs;
    char *file;
    struct word_list listen;
    char *base_url; /* no slash at its end; NULL: from the first listen, once its port is known */
    char *state_dir;
    char *profile_dir;
    char *access_log; /* "off", "stderr" or a path, absolute or beside the conf file */
    size_t cache_size;
    int64_t max_transfers;
    int64_t max_connections;
    int64_t max_connections_per_address; /* 0: no limit of its own */
    int64_t max_requests;
    int64_t head_timeout, idle_timeout;
    size_t min_send_rate;        /* bytes a second */
    int log_level;               /* 0 error, 1 warning, 2 info, 3 debug */
    struct source_conf *sources; /* in the order of the file */
    size_t sources_count;
    const struct source_conf **by_name; /* the same, sorted; NULL: not there */
};

/* What the environment overrides; NULL: not set. */
struct conf_environment {
    const char *state_directory; /* $STATE_DIRECTORY, the default of state-dir */
    const char *profile_dir;     /* $DIGESTD_PROFILE_DIR */
    const char *version;
};

/* Reads and checks everything. NULL where there is a fault; `faults` then has every one of them.
 * One reference. */
struct conf *conf_load(const char *file, const struct conf_environment *env, struct faults *faults);
struct conf *conf_ref(struct conf *c);
void conf_unref(struct conf *c);
const struct source_conf *conf_source(const struct conf *c, struct str name); /* NULL: none */

/* Whether every source has this hub: it is then told of what is merged from all of them, too. */
bool conf_hub_is_shared(const struct conf *c, struct str hub);

/* Whether a hub outside is told of feeds that it cannot reach, since `base_url` leads to this
 * machine: no fault, but not what one hopes. True: `e` says so. */
bool conf_hub_is_lost(const struct conf *c, struct str base_url, struct error *e);

/* The profile `name` of `dir` ("auto": the one whose match fits `url`). One reference; NULL and
 * faults. For `extract`, which has no conf file. */
struct profile *conf_profile(const char *dir, const char *name, struct str url,
                             struct faults *faults);

/* What is no fault of the conf, but will not work on this machine as it is now: programs that
 * cannot be run, files and folders that are missing. `say` is told of each, with the line of its
 * source (0: of none). */
void conf_advise(const struct conf *c, void (*say)(void *arg, unsigned line, const char *text),
                 void *arg);

/* Every key as the table of keys has it, for `check`, man page and completion. */
struct conf_key {
    const char *section; /* "daemon", "poll", "source" */
    const char *name;
    const char *fallback; /* the default as written, "" where there is none */
    const char *help;
};
const struct conf_key *conf_keys(size_t *count);
