/* lock: one process owns a state directory, by an flock that goes with the process. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct lock {
    int directory;
    int file;
    char *state_dir;
};

/* Makes the last missing part of a path; the ones above it are somebody else's to make. */
static int directory_make(const char *path, struct error *e)
{
    if (mkdir(path, 0750) == 0 || errno == EEXIST)
        return 0;
    return error_set(e,
                     "cannot make the state directory %s: %s; make it, or set state-dir to one "
                     "that can be written",
                     path, strerror(errno));
}

static int directory_is_ours(int fd, const char *path, struct error *e)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return error_set(e, "cannot look at the state directory %s: %s", path, strerror(errno));
    if (st.st_uid == geteuid())
        return 0;
    return error_set(e,
                     "the state directory %s belongs to another user (uid %u): start the daemon "
                     "and it will do the poll, or run this as that user",
                     path, (unsigned)st.st_uid);
}

static void owner_read(int file, char *out, size_t size)
{
    ssize_t n = pread(file, out, size - 1, 0);

    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

/* Opens the lock file, and makes it only in a directory that is ours: elsewhere a file of ours
 * would lock its owner out. */
static int lock_file_open(struct lock *l, bool alone, struct error *e)
{
    l->file = openat(l->directory, "lock", O_RDWR | O_CLOEXEC);
    if (l->file < 0 && errno == ENOENT) {
        if (alone && directory_is_ours(l->directory, l->state_dir, e) < 0)
            return -1;
        l->file = openat(l->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    }
    if (l->file >= 0)
        return 0;
    return error_set(e,
                     "cannot write %s/lock: %s; set state-dir to a directory that can be written",
                     l->state_dir, strerror(errno));
}

static enum lock_result lock_open(struct lock *l, bool alone, struct error *e)
{
    char owner[32];

    if (directory_make(l->state_dir, e) < 0)
        return LOCK_FAILED;
    l->directory = open(l->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->directory < 0) {
        error_set(e, "cannot open the state directory %s: %s; set state-dir to a directory",
                  l->state_dir, strerror(errno));
        return LOCK_FAILED;
    }
    if (lock_file_open(l, alone, e) < 0)
        return LOCK_FAILED;
    if (flock(l->file, LOCK_EX | LOCK_NB) < 0) {
        owner_read(l->file, owner, sizeof(owner));
        error_set(e,
                  "the state in %s is in use by process %s; stop that one first, or set another "
                  "state-dir",
                  l->state_dir, owner[0] ? owner : "(unknown)");
        return LOCK_BUSY;
    }
    if (alone && directory_is_ours(l->directory, l->state_dir, e) < 0)
        return LOCK_FAILED;
    return lock_name_socket(l, "", e) < 0 ? LOCK_FAILED : LOCK_TAKEN;
}

enum lock_result lock_take(struct lock **out, const char *state_dir, bool alone, struct error *e)
{
    struct lock *l = calloc(1, sizeof(*l));
    enum lock_result result;

    *out = NULL;
    if (!l) {
        error_set(e, "out of memory");
        return LOCK_FAILED;
    }
    l->directory = l->file = -1;
    l->state_dir = strdup(state_dir);
    result = l->state_dir ? lock_open(l, alone, e) : LOCK_FAILED;
    if (result == LOCK_TAKEN)
        *out = l;
    else
        lock_free(l);
    return result;
}

void lock_free(struct lock *l)
{
    if (!l)
        return;
    if (l->file >= 0)
        close(l->file);
    if (l->directory >= 0)
        close(l->directory);
    free(l->state_dir);
    free(l);
}

int lock_directory(const struct lock *l)
{
    return l->directory;
}

int lock_name_socket(struct lock *l, const char *name, struct error *e)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "%ld\n%s%s", (long)getpid(), name, name[0] ? "\n" : "");

    if (ftruncate(l->file, 0) == 0 && pwrite(l->file, text, (size_t)n, 0) == n)
        return 0;
    return error_set(e, "cannot write %s/lock: %s", l->state_dir, strerror(errno));
}
