/* body: since when each body stands at its path, and the bytes of those that are not in memory. */
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

static const char rendered_same[] = "SELECT 1 FROM rendered WHERE path = ?1 AND etag = ?2";
static const char rendered_read[] = "SELECT since, size, packed FROM rendered "
                                    "JOIN body USING (path, etag) WHERE rendered.path = ?1";
static const char rendered_write[] =
    "INSERT INTO rendered (path, etag, size, packed) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (path) DO UPDATE SET etag = excluded.etag, size = excluded.size, "
    "packed = excluded.packed";

/* 1 it is there, 0 not, -1. */
static int is_rendered(struct store *s, struct str path, struct str etag, struct error *e)
{
    struct call c = db_call(s, STATEMENT_RENDERED_SAME, rendered_same);
    db_put_str(&c, path);
    db_put_str(&c, etag);
    int rc = db_step(&c, e);
    db_end(&c);
    return rc;
}

static int write_rendered(struct store *s, struct str path, struct str etag, struct str bytes,
                          struct error *e)
{
    if (db_begin(s, true, e) < 0)
        return -1;
    struct call c = db_call(s, STATEMENT_RENDERED_WRITE, rendered_write);
    db_put_str(&c, path);
    db_put_str(&c, etag);
    db_put_int(&c, (int64_t)bytes.n);
    db_put_packed(&c, bytes, (struct str){0});
    if (db_run(&c, e) == 0 && db_commit(s, e) == 0)
        return 0;
    db_rollback(s);
    return -1;
}

int store_body_keep(struct store *s, struct str path, struct str etag, struct str bytes,
                    int64_t now, struct error *e)
{
    int64_t since;

    if (db_may_write(s, e) < 0 || store_body_since(s, path, etag, now, &since, e) < 0)
        return -1;
    int rc = is_rendered(s, path, etag, e);
    return rc ? rc < 0 ? -1 : 0 : write_rendered(s, path, etag, bytes, e);
}

int store_body(struct store *s, struct arena *a, struct str path, struct str *bytes, int64_t *since,
               struct error *e)
{
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_RENDERED_READ, rendered_read);
    db_put_str(&c, path);
    int rc = db_step(&c, e);
    if (rc > 0) {
        *since = db_get_int(&c);
        int64_t size = db_get_int(&c);
        *bytes = db_get_packed(&c, a, size);
        rc = db_check(&c, e) < 0 ? -1 : 1;
    }
    db_end(&c);
    return rc;
}
