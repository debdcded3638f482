/* fail_vfs: see fail_vfs.h. */
#include "fail_vfs.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

/* SQLite allocates this with room behind it for the file of the real VFS. */
struct fail_file {
    sqlite3_file base;
    const char *path; /* SQLite keeps it as long as the file is open */
    int64_t real[];   /* SQLite aligns to 8 bytes */
};

/* A VFS is process-wide in SQLite, so is its plan. */
static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct fail_plan plan;
    int64_t count;
} shim;

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)((struct fail_file *)file)->real;
}

/* What is to be done with an operation that is about to happen. */
static enum fail_action meet(enum fail_operation operation, const char *path, int64_t offset,
                             int64_t size)
{
    const struct fail_plan *plan = &shim.plan;
    if (!(plan->operations & operation))
        return FAIL_NOT;
    struct fail_point point = {operation, ++shim.count, path, offset, size};
    if (plan->hook)
        plan->hook(plan->context, &point); /* which may change the plan */
    bool now = plan->at && (point.number == plan->at || (plan->lasting && point.number > plan->at));
    return now ? plan->action : FAIL_NOT;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    pause();
}

/* Whether the operation is not to be done, then with its result in *rc. */
static bool refuse(enum fail_action action, int io_error, int *rc)
{
    if (action == FAIL_KILL_BEFORE || action == FAIL_KILL_INSIDE)
        die();
    *rc = action == FAIL_NO_ROOM ? SQLITE_FULL : io_error;
    return action == FAIL_NO_ROOM || action == FAIL_IO;
}

static int done(enum fail_action action, int rc)
{
    if (action == FAIL_KILL_AFTER)
        die();
    return rc;
}

static int fail_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int fail_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    int rc;
    enum fail_action action = meet(FAIL_READ, ((struct fail_file *)file)->path, offset, size);
    if (refuse(action, SQLITE_IOERR_READ, &rc))
        return rc;
    return done(action, real->pMethods->xRead(real, data, size, offset));
}

static int fail_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    int rc;
    enum fail_action action = meet(FAIL_WRITE, ((struct fail_file *)file)->path, offset, size);
    if (action == FAIL_KILL_INSIDE || action == FAIL_NO_ROOM)
        real->pMethods->xWrite(real, data, size / 2, offset);
    if (refuse(action, SQLITE_IOERR_WRITE, &rc))
        return rc;
    return done(action, real->pMethods->xWrite(real, data, size, offset));
}

static int fail_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = real_of(file);
    int rc;
    enum fail_action action = meet(FAIL_TRUNCATE, ((struct fail_file *)file)->path, size, 0);
    if (refuse(action, SQLITE_IOERR_TRUNCATE, &rc))
        return rc;
    return done(action, real->pMethods->xTruncate(real, size));
}

static int fail_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *real = real_of(file);
    int rc;
    enum fail_action action = meet(FAIL_SYNC, ((struct fail_file *)file)->path, 0, 0);
    if (refuse(action, SQLITE_IOERR_FSYNC, &rc))
        return rc;
    return done(action, real->pMethods->xSync(real, flags));
}

static int fail_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xFileSize(real, size);
}

static int fail_lock(sqlite3_file *file, int level)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xLock(real, level);
}

static int fail_unlock(sqlite3_file *file, int level)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xUnlock(real, level);
}

static int fail_check_reserved(sqlite3_file *file, int *reserved)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xCheckReservedLock(real, reserved);
}

static int fail_control(sqlite3_file *file, int operation, void *argument)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xFileControl(real, operation, argument);
}

static int fail_sector_size(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xSectorSize(real);
}

static int fail_characteristics(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xDeviceCharacteristics(real);
}

static int fail_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
    sqlite3_file *real = real_of(file);
    enum fail_action action = FAIL_NOT;
    int rc;
    if (extend)
        action = meet(FAIL_SHM, ((struct fail_file *)file)->path, (int64_t)region * size, size);
    if (refuse(action, SQLITE_IOERR_SHMSIZE, &rc))
        return rc;
    return done(action, real->pMethods->xShmMap(real, region, size, extend, out));
}

static int fail_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xShmLock(real, offset, n, flags);
}

static void fail_shm_barrier(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    real->pMethods->xShmBarrier(real);
}

static int fail_shm_unmap(sqlite3_file *file, int delete)
{
    sqlite3_file *real = real_of(file);
    return real->pMethods->xShmUnmap(real, delete);
}

/* Version 2: shared memory, but no mapping of the database, which would pass the shim by. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = fail_close,
    .xRead = fail_read,
    .xWrite = fail_write,
    .xTruncate = fail_truncate,
    .xSync = fail_sync,
    .xFileSize = fail_file_size,
    .xLock = fail_lock,
    .xUnlock = fail_unlock,
    .xCheckReservedLock = fail_check_reserved,
    .xFileControl = fail_control,
    .xSectorSize = fail_sector_size,
    .xDeviceCharacteristics = fail_characteristics,
    .xShmMap = fail_shm_map,
    .xShmLock = fail_shm_lock,
    .xShmBarrier = fail_shm_barrier,
    .xShmUnmap = fail_shm_unmap,
};

static int fail_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *file, int flags,
                     int *out_flags)
{
    struct fail_file *f = (struct fail_file *)file;
    int rc;
    (void)vfs;
    f->base.pMethods = NULL;
    f->path = path;
    enum fail_action action = meet(FAIL_OPEN, path, 0, 0);
    if (refuse(action, SQLITE_CANTOPEN, &rc))
        return rc;
    memset(f->real, 0, (size_t)shim.real->szOsFile);
    rc = shim.real->xOpen(shim.real, path, real_of(file), flags, out_flags);
    if (real_of(file)->pMethods)
        f->base.pMethods = &methods;
    return done(action, rc);
}

static int fail_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    int rc;
    (void)vfs;
    enum fail_action action = meet(FAIL_DELETE, path, 0, 0);
    if (refuse(action, SQLITE_IOERR_DELETE, &rc))
        return rc;
    return done(action, shim.real->xDelete(shim.real, path, sync));
}

int fail_vfs_install(void)
{
    if (shim.real)
        return 0;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    if (!real)
        return -1;
    /* All that concerns no open file is the real one's. */
    shim.vfs = *real;
    shim.vfs.zName = "fail";
    shim.vfs.pNext = NULL;
    shim.vfs.szOsFile = (int)sizeof(struct fail_file) + real->szOsFile;
    shim.vfs.xOpen = fail_open;
    shim.vfs.xDelete = fail_delete;
    if (sqlite3_vfs_register(&shim.vfs, 1) != SQLITE_OK)
        return -1;
    shim.real = real;
    fail_vfs_plan(NULL);
    return 0;
}

void fail_vfs_remove(void)
{
    if (!shim.real)
        return;
    sqlite3_vfs_unregister(&shim.vfs);
    sqlite3_vfs_register(shim.real, 1);
    memset(&shim, 0, sizeof shim);
}

void fail_vfs_plan(const struct fail_plan *plan)
{
    shim.plan = plan ? *plan : (struct fail_plan){0};
    shim.count = 0;
}

int64_t fail_vfs_count(void)
{
    return shim.count;
}
