/* db: see db.h. */
#include "db.h"

#include <string.h>

/* What a person can do about it, by SQLite's primary result code. */
static const struct advice {
    int code;
    const char *text;
} advices[] = {
    {SQLITE_FULL, "make room on its file system"},
    {SQLITE_IOERR, "look after its file system"},
    {SQLITE_CANTOPEN, "make it and its directory writable for this user, or set state-dir"},
    {SQLITE_PERM, "make it and its directory writable for this user, or set state-dir"},
    {SQLITE_READONLY, "make it and its directory writable for this user, or set state-dir"},
    {SQLITE_AUTH, "make it and its directory writable for this user, or set state-dir"},
    {SQLITE_BUSY, "end the other program that holds it"},
    {SQLITE_LOCKED, "end the other program that holds it"},
    {SQLITE_PROTOCOL, "end the other program that holds it"},
    {SQLITE_NOTADB, "it is not a digestd database: move it away, or set state-dir"},
    {SQLITE_CORRUPT, "it is damaged: put a backup in its place, or move it away"},
    {SQLITE_NOMEM, "give the machine more memory"},
    {SQLITE_TOOBIG, "what the page says is too long to be kept"},
};

static const char *advice_of(int rc)
{
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if (advices[i].code == (rc & 0xff))
            return advices[i].text;
    return "this is a fault of digestd: please report it";
}

int db_fail(const struct store *s, const char *doing, int rc, struct error *e)
{
    /* SQLite's own sentence is the better one, but only while it is about this failure. */
    bool current = s->sql && sqlite3_extended_errcode(s->sql) == rc;
    const char *why = current ? sqlite3_errmsg(s->sql) : sqlite3_errstr(rc);
    int code = rc & 0xff;
    int number = current && (code == SQLITE_IOERR || code == SQLITE_CANTOPEN)
                     ? sqlite3_system_errno(s->sql)
                     : 0;
    if (number)
        return error_set(e, "cannot %s %s: %s (%s); %s", doing, s->path, why, strerror(number),
                         advice_of(rc));
    return error_set(e, "cannot %s %s: %s; %s", doing, s->path, why, advice_of(rc));
}

static int call_fail(const struct call *c, struct error *e)
{
    return db_fail(c->store, c->store->writing ? "write" : "read", c->rc, e);
}

static void keep(struct call *c, int rc)
{
    if (c->rc == SQLITE_OK)
        c->rc = rc;
}

struct call db_call(struct store *s, enum statement which, const char *sql)
{
    struct call c = {.store = s, .next = 1};
    if (!s->statements[which])
        c.rc = sqlite3_prepare_v3(s->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->statements[which],
                                  NULL);
    c.statement = s->statements[which];
    return c;
}

void db_put_int(struct call *c, int64_t value)
{
    if (c->rc == SQLITE_OK)
        c->rc = sqlite3_bind_int64(c->statement, c->next++, value);
}

/* A NULL pointer would bind NULL, and empty is not NULL. */
void db_put_str(struct call *c, struct str value)
{
    if (c->rc == SQLITE_OK)
        c->rc = sqlite3_bind_text64(c->statement, c->next++, value.n ? value.p : "", value.n,
                                    SQLITE_STATIC, SQLITE_UTF8);
}

void db_put_bytes(struct call *c, struct str value)
{
    if (c->rc == SQLITE_OK)
        c->rc = sqlite3_bind_blob64(c->statement, c->next++, value.n ? value.p : "", value.n,
                                    SQLITE_STATIC);
}

/* Big-endian, so that the bytes read as hash_text writes them. */
static void hash_pack(unsigned char out[16], struct hash h)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (unsigned char)(h.hi >> (56 - 8 * i));
        out[8 + i] = (unsigned char)(h.lo >> (56 - 8 * i));
    }
}

static struct hash hash_unpack(const unsigned char in[16])
{
    struct hash h = {0};
    for (int i = 0; i < 8; i++) {
        h.hi = h.hi << 8 | in[i];
        h.lo = h.lo << 8 | in[8 + i];
    }
    return h;
}

void db_put_packed(struct call *c, struct str first, struct str second)
{
    struct str packed;
    if (c->rc != SQLITE_OK)
        return;
    c->rc = pack(&c->store->packer, first, second, &packed);
    db_put_bytes(c, packed);
}

void db_put_hash(struct call *c, struct hash value)
{
    unsigned char bytes[16];
    if (c->rc != SQLITE_OK)
        return;
    hash_pack(bytes, value);
    c->rc = hash_is_set(value)
                ? sqlite3_bind_blob(c->statement, c->next, bytes, sizeof bytes, SQLITE_TRANSIENT)
                : sqlite3_bind_null(c->statement, c->next);
    c->next++;
}

int db_step(struct call *c, struct error *e)
{
    int rc = c->rc == SQLITE_OK ? sqlite3_step(c->statement) : c->rc;
    c->next = 0;
    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    c->rc = rc;
    return call_fail(c, e);
}

int64_t db_get_int(struct call *c)
{
    return sqlite3_column_int64(c->statement, c->next++);
}

struct str db_get_str(struct call *c, struct arena *a)
{
    int column = c->next++;
    const void *p = sqlite3_column_blob(c->statement, column);
    int n = sqlite3_column_bytes(c->statement, column);
    /* Of an empty value the pointer is NULL, and of one there was no memory for. */
    if (!p && n > 0) {
        keep(c, SQLITE_NOMEM);
        return (struct str){0};
    }
    struct str copy = arena_copy(a, (struct str){p ? p : "", (size_t)n});
    if (!copy.p)
        keep(c, SQLITE_NOMEM);
    return copy;
}

void db_get_id(struct call *c, struct arena *a, char out[ID_SIZE])
{
    struct str id = db_get_str(c, a);
    if (id.n == ID_SIZE - 1)
        memcpy(out, id.p, ID_SIZE);
    else
        keep(c, SQLITE_CORRUPT);
}

struct hash db_get_hash(struct call *c)
{
    int column = c->next++;
    const unsigned char *p = sqlite3_column_blob(c->statement, column);
    int n = sqlite3_column_bytes(c->statement, column);
    if (n == 0)
        return (struct hash){0};
    if (!p || n != 16) {
        keep(c, p ? SQLITE_CORRUPT : SQLITE_NOMEM);
        return (struct hash){0};
    }
    return hash_unpack(p);
}

struct str db_get_packed(struct call *c, struct arena *a, int64_t size)
{
    int column = c->next++;
    const void *p = sqlite3_column_blob(c->statement, column);
    struct str out = {0};
    keep(c, unpack(&c->store->packer,
                   (struct str){p, (size_t)sqlite3_column_bytes(c->statement, column)}, size, a,
                   &out));
    return out;
}

int db_check(struct call *c, struct error *e)
{
    return c->rc == SQLITE_OK ? 0 : call_fail(c, e);
}

void db_end(struct call *c)
{
    sqlite3_reset(c->statement);
    sqlite3_clear_bindings(c->statement);
}

int db_run(struct call *c, struct error *e)
{
    int rc;
    while ((rc = db_step(c, e)) > 0)
        continue;
    db_end(c);
    return rc;
}

int db_may_write(const struct store *s, struct error *e)
{
    if (!s->reading)
        return 0;
    return error_set(e, "cannot write %s: it is open for reading only", s->path);
}

int db_begin(struct store *s, bool writing, struct error *e)
{
    struct call c;
    s->writing = writing;
    if (s->batch)
        c = db_call(s, STATEMENT_SAVE, "SAVEPOINT one");
    else if (writing)
        c = db_call(s, STATEMENT_BEGIN_WRITE, "BEGIN IMMEDIATE");
    else
        c = db_call(s, STATEMENT_BEGIN_READ, "BEGIN");
    if (db_run(&c, e) == 0)
        return 0;
    s->writing = false;
    return -1;
}

int db_commit(struct store *s, struct error *e)
{
    struct call c = s->batch ? db_call(s, STATEMENT_RELEASE, "RELEASE one")
                             : db_call(s, STATEMENT_COMMIT, "COMMIT");
    int rc = db_run(&c, e);
    if (rc == 0)
        s->writing = false;
    return rc;
}

/* A full disk makes SQLite roll back by itself, a whole batch too. */
void db_rollback(struct store *s)
{
    bool in_batch = s->batch;
    if (!sqlite3_get_autocommit(s->sql)) {
        struct call c = in_batch ? db_call(s, STATEMENT_UNDO, "ROLLBACK TO one")
                                 : db_call(s, STATEMENT_ROLLBACK, "ROLLBACK");
        db_run(&c, NULL);
        if (in_batch)
            db_commit(s, NULL);
    } else {
        s->batch = false;
    }
    s->writing = false;
}
