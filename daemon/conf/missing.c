/* missing: what the conf names and this machine does not have: programs, files, folders. */
#include "conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LENGTH ((size_t)16 * 1024)
/* Where execvp(3) looks when there is no $PATH. */
#define USUAL_PATH  "/bin:/usr/bin"

struct advising {
    void (*say)(void *arg, unsigned line, const char *text);
    void *arg;
};

/* ---- programs ------------------------------------------------------------------------------ */

static bool may_be_run(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return false;
    if (S_ISREG(st.st_mode) && access(path, X_OK) == 0)
        return true;
    errno = S_ISREG(st.st_mode) ? EACCES : EISDIR;
    return false;
}

/* As execvp(3) looks for it; -1: errno says why it cannot be run. */
static int find_program(const char *name)
{
    const char *all = getenv("PATH");
    struct str rest = str_of(all ? all : USUAL_PATH);
    int why = ENOENT;

    if (strchr(name, '/'))
        return may_be_run(name) ? 0 : -1;
    while (rest.n) {
        struct str folder = str_cut(&rest, ':');
        char *path;
        bool found;

        if (asprintf(&path, "%.*s/%s", STR_ARG(folder.n ? folder : STR(".")), name) < 0)
            return 0; /* nothing is known of it */
        found = may_be_run(path);
        if (!found && errno == EACCES)
            why = EACCES;
        free(path);
        if (found)
            return 0;
    }
    errno = why;
    return -1;
}

static int check_program(const char *command, struct error *e)
{
    char **words = words_split(command, (struct str){0}, e);
    int found = words ? find_program(words[0]) : 0;

    if (found < 0)
        error_set(e, "%s cannot be run: %s%s", words[0], strerror(errno),
                  strchr(words[0], '/') ? "" : " (looked for in PATH)");
    free(words);
    return found;
}

/* ---- files --------------------------------------------------------------------------------- */

static int check_file(const char *path, struct error *e)
{
    if (access(path, R_OK) == 0)
        return 0;
    return error_set(e, "cannot read %s: %s", path, strerror(errno));
}

/* Where the source is a file. */
static int check_source_file(const char *url, struct error *e)
{
    struct str path = uri_without_query(str_of(url));
    struct buf decoded;
    int done = 0;

    if (!str_starts(path, STR("file://")))
        return 0;
    buf_init(&decoded, PATH_LENGTH);
    uri_decode(&decoded, str_sub(path, strlen("file://"), SIZE_MAX));
    if (!decoded.failed)
        done = check_file(decoded.data, e);
    buf_clear(&decoded);
    return done;
}

/* The log itself is made where it is missing. */
static int check_access_log(const char *target, struct error *e)
{
    const char *slash = strrchr(target, '/');
    struct stat st;
    char *folder;
    int done = 0;

    if (target[0] != '/') /* off, stderr */
        return 0;
    if (stat(target, &st) == 0)
        return S_ISDIR(st.st_mode) ? error_set(e, "%s is a folder: name a file", target) : 0;
    folder = strndup(target, slash == target ? 1 : (size_t)(slash - target));
    if (folder && (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode)))
        done = error_set(e, "there is no folder %s: make it, or name another file", folder);
    free(folder);
    return done;
}

/* ---- the whole ----------------------------------------------------------------------------- */

struct value {
    const char *key, *text; /* NULL: not set */
    int (*check)(const char *text, struct error *e);
};
#define VALUES 5

static void values_of(struct value values[VALUES], const struct source_conf *s)
{
    const struct value all[VALUES] = {
        /* Who has a program fetch it reads no file. */
        {"url", s->poll.fetch_command ? NULL : s->url, check_source_file},
        {"cookie-file", s->poll.cookie_file, check_file},
        {"fetch-command", s->poll.fetch_command, check_program},
        {"on-new", s->poll.on_new, check_program},
        {"on-trouble", s->poll.on_trouble, check_program},
    };

    memcpy(values, all, sizeof(all));
}

static void advise(const struct advising *a, unsigned line, const char *key, const struct error *e)
{
    struct error all;

    error_set(&all, "%s: %s", key, e->text);
    a->say(a->arg, line, all.text);
}

/* What a source has from [poll], as the one before it has, is told once. */
static void advise_source(const struct advising *a, const struct source_conf *s,
                          const struct source_conf *before)
{
    struct value mine[VALUES], others[VALUES];
    struct error e;

    values_of(mine, s);
    if (before)
        values_of(others, before);
    for (size_t i = 0; i < VALUES; i++) {
        bool same =
            before && mine[i].text && others[i].text && strcmp(mine[i].text, others[i].text) == 0;

        if (mine[i].text && !same && mine[i].check(mine[i].text, &e) < 0)
            advise(a, s->line, mine[i].key, &e);
    }
}

void conf_advise(const struct conf *c, void (*say)(void *arg, unsigned line, const char *text),
                 void *arg)
{
    const struct advising a = {say, arg};
    struct error e;

    if (check_access_log(c->access_log, &e) < 0)
        advise(&a, 0, "access-log", &e);
    for (size_t i = 0; i < c->sources_count; i++)
        advise_source(&a, &c->sources[i], i ? &c->sources[i - 1] : NULL);
}
