/* body: since when each body stands at its path. */
#include "db.h"

static const char body_read[] = "SELECT since FROM body WHERE path = ?1 AND etag = ?2";
static const char body_write[] =
    "INSERT INTO body (path, etag, since) VALUES (?1, ?2, ?3) "
    "ON CONFLICT (path) DO UPDATE SET etag = excluded.etag, since = excluded.since";

/* 1 where this body is the one that is known, 0 where it is another or none, -1. */
static int read_since(struct store *s, struct str path, struct str etag, int64_t *since,
                      struct error *e)
{
    struct call c = db_call(s, STATEMENT_BODY_READ, body_read);
    db_put_str(&c, path);
    db_put_str(&c, etag);
    int rc = db_step(&c, e);
    if (rc > 0)
        *since = db_get_int(&c);
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
    *since = now;
    if (!s->sql)
        return 0;
    int rc = read_since(s, path, etag, since, e);
    if (rc == 0 && !s->reading)
        rc = write_since(s, path, etag, now, e);
    return rc < 0 ? -1 : 0;
}
