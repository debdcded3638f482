/* names: what sources are called, and were called before. */
#include "db.h"

/* A name that this source had before stays one of its former names, but for the one it goes back
 * to; what was another's is its own from now on. */
static int names_write(struct store *s, struct str from, struct str to, struct error *e)
{
    struct call c = db_call(s, STATEMENT_FORMER_DROP, "DELETE FROM former_name WHERE name = ?1");
    db_put_str(&c, to);
    if (db_run(&c, e) < 0)
        return -1;
    c = db_call(s, STATEMENT_FORMER_WRITE,
                "INSERT OR REPLACE INTO former_name (name, source) "
                "SELECT ?1, key FROM source WHERE name = ?2");
    db_put_str(&c, from);
    db_put_str(&c, to);
    return db_run(&c, e);
}

/* 1 renamed, 0: not there, or taken; -1. */
static int rename_row(struct store *s, struct str from, struct str to, struct error *e)
{
    struct call c = db_call(s, STATEMENT_RENAME,
                            "UPDATE source SET name = ?2 WHERE name = ?1 "
                            "AND NOT EXISTS (SELECT 1 FROM source WHERE name = ?2)");
    db_put_str(&c, from);
    db_put_str(&c, to);
    return db_run(&c, e) < 0 ? -1 : sqlite3_changes(s->sql) > 0;
}

int store_rename(struct store *s, struct str from, struct str to, struct error *e)
{
    if (db_may_write(s, e) < 0 || db_begin(s, true, e) < 0)
        return -1;
    int renamed = rename_row(s, from, to, e);
    if (renamed >= 0 && (!renamed || names_write(s, from, to, e) == 0) && db_commit(s, e) == 0)
        return renamed;
    db_rollback(s);
    return -1;
}

/* The names that a statement gives, as many as there are. */
static int names_read(struct call *c, struct arena *a, struct str **out, size_t *count,
                      struct error *e)
{
    struct str *list = NULL;
    size_t n = 0, room = 0;
    int rc;
    while ((rc = db_step(c, e)) > 0) {
        if (n == room) {
            struct str *longer = arena_array(a, room = room ? 2 * room : 8, sizeof *list);
            for (size_t i = 0; longer && i < n; i++)
                longer[i] = list[i];
            list = longer;
        }
        if (!list)
            rc = db_fail(c->store, "read", SQLITE_NOMEM, e);
        if (list)
            list[n++] = db_get_str(c, a);
        if (rc < 0 || (rc = db_check(c, e)) < 0)
            break;
    }
    db_end(c);
    *out = rc < 0 ? NULL : list;
    *count = rc < 0 ? 0 : n;
    return rc;
}

int store_former_names(struct store *s, struct arena *a, struct str name, struct str **out,
                       size_t *count, struct error *e)
{
    *out = NULL;
    *count = 0;
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_FORMER_READ,
                            "SELECT former_name.name FROM source "
                            "JOIN former_name ON former_name.source = key WHERE source.name = ?1 "
                            "AND NOT EXISTS (SELECT 1 FROM source AS other "
                            "WHERE other.name = former_name.name)");
    db_put_str(&c, name);
    return names_read(&c, a, out, count, e);
}

int store_same_page(struct store *s, struct arena *a, struct str id_base, struct hash valid_for,
                    struct str **out, size_t *count, struct error *e)
{
    *out = NULL;
    *count = 0;
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_SAME_PAGE,
                            "SELECT name FROM source JOIN schedule ON schedule.source = key "
                            "WHERE id_base = ?1 OR valid_for = ?2 "
                            "ORDER BY last_poll DESC, key DESC");
    db_put_str(&c, id_base);
    db_put_hash(&c, valid_for);
    return names_read(&c, a, out, count, e);
}
