/* fail_vfs: an SQLite VFS that does its work until told to fail, or to die, at its n-th operation.
 *
 * It stands before the real one of the machine, as the default VFS of this process, so that the
 * code under test needs to know nothing of it. A plan says what happens and when; the operations
 * that a plan counts are numbered from 1 since fail_vfs_plan. A test of crashes first runs its work
 * with an empty plan, asks fail_vfs_count how many operations that were, and then forks a child for
 * each:
 *
 *     fail_vfs_install();
 *     fail_vfs_plan(&(struct fail_plan){.operations = FAIL_WRITE, .at = n, .action =
 * FAIL_KILL_INSIDE}); … work … fail_vfs_remove();
 *
 * A hook sees every counted operation before it is done: there a test may copy the files as they
 * would be found after a loss of power. It may make another plan, which
 * holds for that operation already. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What is counted; a plan may combine them. Writes to the shared index (-shm) go through memory
 * that is mapped and are not seen; making it larger is (FAIL_SHM). */
enum fail_operation {
    FAIL_WRITE = 1,
    FAIL_SYNC = 2,
    FAIL_TRUNCATE = 4,
    FAIL_OPEN = 8,
    FAIL_DELETE = 16,
    FAIL_SHM = 32,
    FAIL_READ = 64,
    FAIL_CHANGES = FAIL_WRITE | FAIL_SYNC | FAIL_TRUNCATE | FAIL_DELETE
};

enum fail_action {
    FAIL_NOT,         /* count only */
    FAIL_NO_ROOM,     /* as ENOSPC: SQLITE_FULL; half of a write may have happened, and did */
    FAIL_IO,          /* as EIO: the matching SQLITE_IOERR_… */
    FAIL_KILL_BEFORE, /* SIGKILL to this process before the operation, … */
    FAIL_KILL_INSIDE, /* … after half of the bytes (other than a write: as before), … */
    FAIL_KILL_AFTER   /* … after all of it */
};

struct fail_point {
    enum fail_operation operation;
    int64_t number;   /* from 1 */
    const char *path; /* of the file; NULL for one without a name */
    int64_t offset;   /* of a read, a write; of a truncate the new size */
    int64_t size;
};

struct fail_plan {
    unsigned operations; /* of enum fail_operation, or'ed */
    int64_t at;          /* 0: never */
    bool lasting;        /* that one and all after it */
    enum fail_action action;
    void (*hook)(void *context, const struct fail_point *point); /* or NULL */
    void *context;
};

int fail_vfs_install(void);                       /* 0, -1 */
void fail_vfs_remove(void);                       /* files opened through it must be closed */
void fail_vfs_plan(const struct fail_plan *plan); /* NULL: neither count nor fail */
int64_t fail_vfs_count(void);                     /* operations since fail_vfs_plan */
