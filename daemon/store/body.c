/* body: since when each body stands at its path. */
#include "db.h"

static const char body_read[] = "SELECT since, etag = ?2 FROM body WHERE path = ?1";
static const char body_write[] =
    "INSERT INTO body (path, etag, since) VALUES (?1, ?2, ?3) "
    "ON CONFLICT (path) DO UPDATE SET etag = excluded.etag, since = excluded.since";

/* What is known of a path: *since, and whether it is of this body. 1 known, 0 not, -1. */
static int read_since(struct store *s, struct str path, struct str etag, int64_t *since, bool *same,
                      struct error *e)
{
    struct call c = db_call(s, STATEMENT_BODY_READ, body_read);
    db_put_str(&c, path);
    db_put_str(&c, etag);
    int rc = db_step(&c, e);
    if (rc > 0) {
        *since = db_get_int(&c);
        *same = db_get_int(&c) != 0;
    }
    db_end(&c);
    return rc;
}

static int write_since(struct store *s, struct str path, struct str etag, int64_t since,
                       struct error *e)
{
    if (db_begin(s, true, e) < 0)
        return -1;
    struct call c = db_call(s, STATEMENT_BODY_WRITE, body_write);
    db_put_str(&c, path);
    db_put_str(&c, etag);
    db_put_int(&c, since);
    if (db_run(&c, e) == 0 && db_commit(s, e) == 0)
        return 0;
    db_rollback(s);
    return -1;
}

int store_body_since(struct store *s, struct str path, struct str etag, int64_t now, int64_t *since,
                     struct error *e)
{
    int64_t before = 0;
    bool same = false;

    *since = now;
    if (!s->sql)
        return 0;
    int rc = read_since(s, path, etag, &before, &same, e);
    if (rc < 0)
        return -1;
    /* A reader drops a body that is no later than the one it has. */
    *since = same ? before : before >= now ? before + 1 : now;
    return same || s->reading ? 0 : write_since(s, path, etag, *since, e);
}
