/* backup: a copy of the database as it was at one moment, made beside whoever writes it. It is
 * written under another name, brought to the disk and then given its own, so that a backup of
 * before is replaced by a whole one or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db.h"

/* Of the copy nothing needs to be taken back: on any failure it goes. */
static const char tune[] = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;";

static int fail(const char *file, int rc, sqlite3 *to, struct error *e)
{
    int number = to ? sqlite3_system_errno(to) : 0;
    return error_set(e, "cannot back up to %s: %s%s%s", file, sqlite3_errstr(rc),
                     number ? ": " : "", number ? strerror(number) : "");
}

/* All pages in one step are all of one moment. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    if (!b)
        return sqlite3_errcode(to);
    int rc = sqlite3_backup_step(b, -1);
    int end = sqlite3_backup_finish(b);
    return rc == SQLITE_DONE ? end : rc;
}

static int note_fault(void *sound, int columns, char **values, char **names)
{
    (void)names;
    *(bool *)sound = columns == 1 && values[0] && strcmp(values[0], "ok") == 0;
    return 1; /* the first row says it */
}

/* A damaged database would take the place of a backup that is sound. */
static bool is_sound(sqlite3 *sql)
{
    bool sound = false;
    sqlite3_exec(sql, "PRAGMA integrity_check(1)", note_fault, &sound, NULL);
    return sound;
}

static int copy_to(struct store *s, const char *name, const char *file, struct error *e)
{
    sqlite3 *to = NULL;
    int rc = sqlite3_open_v2(name, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(to, tune, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = copy_pages(s->sql, to);
    if (rc != SQLITE_OK) {
        fail(file, rc, to, e);
    } else if (!is_sound(to)) {
        rc = SQLITE_CORRUPT;
        error_set(e,
                  "%s is damaged and was not backed up; 'digestd check --state' says where, "
                  "and the backup of before is as it was",
                  s->path);
    }
    sqlite3_close(to);
    return rc == SQLITE_OK ? 0 : -1;
}

static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);
    int number = errno;
    if (fd >= 0)
        close(fd);
    errno = number;
    return rc;
}

/* The new name is on the disk only once its directory is. */
static int sync_directory_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    char *dir = slash ? strndup(file, slash == file ? 1 : (size_t)(slash - file)) : strdup(".");
    int rc = dir ? sync_path(dir, O_RDONLY | O_DIRECTORY) : -1;
    free(dir);
    return rc;
}

static int finish(const char *name, const char *file, struct error *e)
{
    if (sync_path(name, O_RDWR) == 0 && rename(name, file) == 0 && sync_directory_of(file) == 0)
        return 0;
    return error_set(e, "cannot back up to %s: %s", file, strerror(errno));
}

/* Whether the file would stand beside the database, where it could take the place of one in use. */
static bool is_beside(const struct store *s, const char *file)
{
    char *own = strdup(s->path), *other = strdup(file);
    struct stat a, b;
    bool beside = own && other && stat(dirname(own), &a) == 0 && stat(dirname(other), &b) == 0 &&
                  a.st_dev == b.st_dev && a.st_ino == b.st_ino;
    free(own);
    free(other);
    return beside;
}

/* Where the copy goes: what a link points to is replaced, not the link. NULL: `e`. */
static char *real_file(const char *file, struct error *e)
{
    struct stat st;
    bool is_link = lstat(file, &st) == 0 && S_ISLNK(st.st_mode);
    char *real = is_link ? realpath(file, NULL) : strdup(file);
    if (!real && is_link)
        error_set(e,
                  "cannot back up to %s: it is a link, and what it points to cannot be had: %s; "
                  "make that, or name another file",
                  file, strerror(errno));
    else if (!real)
        error_set(e, "out of memory");
    return real;
}

/* Under another name beside `file` first. */
static int backup_beside(struct store *s, const char *file, struct error *e)
{
    char *name = NULL;
    int rc = -1;
    if (asprintf(&name, "%s.XXXXXX", file) < 0)
        return error_set(e, "out of memory");
    int fd = mkstemp(name); /* for its owner alone: cookies are in it */
    if (fd < 0) {
        error_set(e, "cannot back up to %s: %s", file, strerror(errno));
    } else {
        close(fd);
        rc = copy_to(s, name, file, e) < 0 ? -1 : finish(name, file, e);
        if (rc < 0)
            unlink(name);
    }
    free(name);
    return rc;
}

int store_backup(struct store *s, const char *file, struct error *e)
{
    if (!s->sql)
        return error_set(e, "there is no database %s to be backed up; set state-dir", s->path);
    char *real = real_file(file, e);
    int rc = -1;
    if (!real)
        return -1;
    if (is_beside(s, real))
        error_set(e,
                  "cannot back up to %s: that is the state directory itself, and a "
                  "backup has to stand somewhere else",
                  file);
    else
        rc = backup_beside(s, real, e);
    free(real);
    return rc;
}
