/* open: finds or makes the database of a state directory. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "db.h"
#include "schema.h"

/* How long a commit waits for another program that holds the database, in milliseconds: long enough
 * for a backup's last page, short enough for the watchdog. */
#define BUSY_MS 5000

/* The log is written back at 1000 pages (SQLite's default) and afterwards cut to this. The cache is
 * small since what is read stays in memory elsewhere; nothing temporary goes to a disk that may be
 * full. */
static const char tune[] = "PRAGMA synchronous = FULL;"
                           "PRAGMA trusted_schema = OFF;"
                           "PRAGMA temp_store = MEMORY;"
                           "PRAGMA cache_size = -1024;"
                           "PRAGMA journal_size_limit = 4194304;";

/* Makes `dir` and what is missing above it. */
static int make_directory(const char *dir, struct error *e)
{
    char *path = strdup(dir);
    int rc = -1;
    if (!path) {
        error_set(e, "out of memory");
        goto out;
    }
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        if (!slash[1])
            break;
        *slash = '\0';
        mkdir(path, 0755); /* what fails here is told by the last one */
        *slash = '/';
    }
    if (mkdir(path, 0750) < 0 && errno != EEXIST) {
        error_set(e,
                  "cannot make the state directory %s: %s; set state-dir to one that can be "
                  "written",
                  dir, strerror(errno));
        goto out;
    }
    rc = 0;
out:
    free(path);
    return rc;
}

/* SQLite would make it readable for all. Only with O_EXCL: closing any descriptor of a database
 * that is in use would drop the locks of this process (POSIX). */
static int make_file(const char *path, struct error *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST)
        return error_set(e, "cannot make %s: %s; set state-dir to a directory that can be written",
                         path, strerror(errno));
    return 0;
}

/* SQLite naps where another program holds what it needs, and counts its naps: one that a signal
 * ends early would be worth a whole one. So signals do not. */
static int nap(sqlite3_vfs *vfs, int microseconds)
{
    struct timespec until;
    (void)vfs;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += microseconds / 1000000;
    until.tv_nsec += microseconds % 1000000 * 1000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
    return microseconds;
}

/* The system as SQLite sees it, for this store alone. */
static int take_system(struct store *s, struct error *e)
{
    const sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    if (!system)
        return error_set(e, "out of memory");
    snprintf(s->system_name, sizeof s->system_name, "digestd-%p", (void *)s);
    s->system = *system;
    s->system.zName = s->system_name;
    s->system.xSleep = nap;
    int rc = sqlite3_vfs_register(&s->system, 0);
    return rc == SQLITE_OK ? 0 : db_fail(s, "open", rc, e);
}

/* `flags` and `name` as SQLite takes them; what is open of an earlier try is closed. */
static int connect_to(struct store *s, const char *name, int flags, struct error *e)
{
    sqlite3_close(s->sql);
    s->sql = NULL;
    int rc = sqlite3_open_v2(name, &s->sql, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                             s->system_name);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(s->sql, BUSY_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_db_config(s->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->sql, tune, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : db_fail(s, "open", rc, e);
}

static int is_wal(void *found, int columns, char **values, char **names)
{
    (void)names;
    *(bool *)found = columns == 1 && values[0] && strcmp(values[0], "wal") == 0;
    return 0;
}

static int use_wal(struct store *s, struct error *e)
{
    bool wal = false;
    int rc = sqlite3_exec(s->sql, "PRAGMA journal_mode = WAL", is_wal, &wal, NULL);
    if (rc != SQLITE_OK)
        return db_fail(s, "open", rc, e);
    if (!wal)
        return error_set(e,
                         "cannot keep a write-ahead log beside %s; set state-dir to a directory "
                         "on a local file system",
                         s->path);
    return 0;
}

/* The look comes first: of a database that is not ours not a byte is changed. */
static int open_own(struct store *s, const char *dir, struct error *e)
{
    int version;
    if (make_directory(dir, e) < 0 || make_file(s->path, e) < 0 ||
        connect_to(s, s->path, SQLITE_OPEN_READWRITE, e) < 0 ||
        schema_look(s, schema_version, &version, e) < 0 || use_wal(s, e) < 0 ||
        schema_migrate(s, schema_steps, schema_version, e) < 0)
        return -1;
    int rc = sqlite3_exec(s->sql, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : db_fail(s, "open", rc, e);
}

/* Whether nothing waits in the write-ahead log, so that the database is whole without it. */
static bool log_is_empty(const struct store *s)
{
    struct stat st;
    char *name = NULL;
    if (asprintf(&name, "%s-wal", s->path) < 0)
        return false;
    bool empty = stat(name, &st) < 0 ? errno == ENOENT : st.st_size == 0;
    free(name);
    return empty;
}

/* A database in WAL mode cannot be read without its two other files, and who may not write the
 * directory cannot make them. Where no owner is at work they are not needed. */
static int connect_immutable(struct store *s, struct error *e)
{
    struct buf name;
    int rc = -1;
    buf_init(&name, 64 * 1024);
    buf_puts(&name, "file:");
    for (const char *c = s->path; *c; c++)
        if (strchr("%?#", *c))
            buf_printf(&name, "%%%02X", (unsigned)*c);
        else
            buf_putc(&name, *c);
    buf_puts(&name, "?immutable=1");
    if (name.failed)
        error_set(e, "cannot open %s: its path is too long", s->path);
    else
        rc = connect_to(s, name.data, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, e);
    buf_clear(&name);
    return rc;
}

static bool cannot_write(const struct store *s)
{
    int code = sqlite3_errcode(s->sql) & 0xff;
    return code == SQLITE_CANTOPEN || code == SQLITE_READONLY;
}

static void disconnect(struct store *s)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(s->statements[i]);
        s->statements[i] = NULL;
    }
    sqlite3_close(s->sql);
    s->sql = NULL;
}

static int look_into(struct store *s, bool immutable, int *version, struct error *e)
{
    int rc = immutable ? connect_immutable(s, e) : connect_to(s, s->path, SQLITE_OPEN_READONLY, e);
    return rc < 0 ? -1 : schema_look(s, schema_version, version, e);
}

static int open_read(struct store *s, struct error *e)
{
    struct stat st;
    int version = 0;
    if (stat(s->path, &st) < 0) {
        if (errno == ENOENT)
            return 0;
        return error_set(e, "cannot open %s: %s; set state-dir", s->path, strerror(errno));
    }
    if (look_into(s, false, &version, e) < 0 &&
        !(cannot_write(s) && log_is_empty(s) && look_into(s, true, &version, e) == 0))
        return -1;
    if (version == 0) /* its owner is about to make the tables */
        disconnect(s);
    else if (version < schema_version)
        return error_set(e,
                         "%s was written by an older digestd (schema %d, this one reads %d); "
                         "start this version's daemon once",
                         s->path, version, schema_version);
    return 0;
}

int store_open(struct store **out, const char *state_dir, enum store_mode mode, struct error *e)
{
    *out = NULL;
    if (!*state_dir)
        return error_set(e, "there is no state directory; set state-dir");
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(e, "out of memory");
    if (asprintf(&s->path, "%s/digestd.db", state_dir) < 0) {
        s->path = NULL;
        free(s);
        return error_set(e, "out of memory");
    }
    s->reading = mode == STORE_READ;
    if (take_system(s, e) < 0 || (s->reading ? open_read(s, e) : open_own(s, state_dir, e)) < 0) {
        store_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    disconnect(s);
    sqlite3_vfs_unregister(&s->system);
    packer_clear(&s->packer);
    free(s->path);
    free(s);
}
