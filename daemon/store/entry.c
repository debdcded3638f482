/* entry: the row of an entry and that of its content. */
#include "rows.h"

#include <limits.h>
#include <string.h>

#define SELECT                                                                                     \
    "SELECT " ENTRY_COLUMNS " FROM source JOIN entry ON entry.source = source.key "                \
    "JOIN content ON content.entry = entry.key WHERE name = ?1 "

static const char entries_count[] =
    "SELECT count(*) FROM source JOIN entry ON entry.source = source.key WHERE name = ?1";
static const char entries_read[] = SELECT "ORDER BY updated DESC, position, seq";
static const char entry_read[] = SELECT "AND id = ?2";

/* Titles alone: contents are of no use here, and may be large. */
#define SELECT_BESIDE(comparison, order)                                                           \
    "SELECT beside.id, beside.title FROM source JOIN entry ON entry.source = source.key "          \
    "JOIN entry AS beside ON beside.source = source.key "                                          \
    "WHERE name = ?1 AND entry.id = ?2 AND entry.live AND beside.live "                            \
    "AND beside.position " comparison " entry.position ORDER BY beside.position " order " LIMIT 1"
static const char entry_previous[] = SELECT_BESIDE("<", "DESC");
static const char entry_next[] = SELECT_BESIDE(">", "ASC");

static const char entry_write[] =
    "INSERT INTO entry "
    "(source, id, title, link, hash, ordinal, published, updated, seq, position, live, missing, "
    "removed, given, author, tags) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) "
    "ON CONFLICT (source, id) DO UPDATE SET title = excluded.title, link = excluded.link, "
    "hash = excluded.hash, ordinal = excluded.ordinal, published = excluded.published, "
    "updated = excluded.updated, seq = excluded.seq, position = excluded.position, "
    "live = excluded.live, missing = excluded.missing, removed = excluded.removed, "
    "given = excluded.given, author = excluded.author, tags = excluded.tags "
    "RETURNING key";

/* A removed or renamed entry has the text it had, which costs no write (as in source.c). */
static const char content_write[] =
    "INSERT INTO content (entry, html, text) VALUES (?1, ?2, ?3) "
    "ON CONFLICT (entry) DO UPDATE SET html = excluded.html, text = excluded.text";

static const char entry_move[] = "UPDATE entry SET position = ?3 WHERE source = ?1 AND id = ?2";

static unsigned get_ordinal(struct call *c)
{
    int64_t ordinal = db_get_int(c);
    if (ordinal < 0 || ordinal > UINT_MAX)
        c->rc = SQLITE_CORRUPT;
    return (unsigned)ordinal;
}

int entry_row_get(struct call *c, struct arena *a, struct entry *out, struct error *e)
{
    db_get_id(c, a, out->id);
    out->title = db_get_str(c, a);
    out->link = db_get_str(c, a);
    out->hash = db_get_hash(c);
    out->ordinal = get_ordinal(c);
    out->published = db_get_int(c);
    out->updated = db_get_int(c);
    out->seq = db_get_int(c);
    out->position = db_get_int(c);
    out->live = db_get_int(c) != 0;
    out->missing = db_get_int(c);
    out->removed = db_get_int(c);
    out->given = db_get_str(c, a);
    out->author = db_get_str(c, a);
    out->tags = db_get_str(c, a);
    out->html = db_get_str(c, a);
    out->text = db_get_str(c, a);
    return db_check(c, e);
}

static int content_row_write(struct store *s, int64_t key, const struct entry *entry,
                             struct error *e)
{
    struct call c = db_call(s, STATEMENT_CONTENT_WRITE, content_write);
    db_put_int(&c, key);
    db_put_str(&c, entry->html);
    db_put_str(&c, entry->text);
    return db_run(&c, e);
}

/* What all.* makes of it is found out later; of what has nothing but an id it makes nothing. */
static int waiting_write(struct store *s, int64_t source, int64_t key, const struct entry *entry,
                         struct error *e)
{
    if (!entry->title.n)
        return 0;
    struct call c = db_call(s, STATEMENT_WAITING_WRITE,
                            "INSERT INTO waiting (source, entry) VALUES (?1, ?2) "
                            "ON CONFLICT DO NOTHING");
    db_put_int(&c, source);
    db_put_int(&c, key);
    return db_run(&c, e);
}

int entry_row_write(struct store *s, int64_t source, const struct entry *entry, struct error *e)
{
    struct call c = db_call(s, STATEMENT_ENTRY_WRITE, entry_write);
    int64_t key = 0;
    db_put_int(&c, source);
    db_put_str(&c, str_of(entry->id));
    db_put_str(&c, entry->title);
    db_put_str(&c, entry->link);
    db_put_hash(&c, entry->hash);
    db_put_int(&c, entry->ordinal);
    db_put_int(&c, entry->published);
    db_put_int(&c, entry->updated);
    db_put_int(&c, entry->seq);
    db_put_int(&c, entry->position);
    db_put_int(&c, entry->live);
    db_put_int(&c, entry->missing);
    db_put_int(&c, entry->removed);
    db_put_str(&c, entry->given);
    db_put_str(&c, entry->author);
    db_put_str(&c, entry->tags);
    if (db_step(&c, e) < 0) {
        db_end(&c);
        return -1;
    }
    key = db_get_int(&c);
    if (db_run(&c, e) < 0 || waiting_write(s, source, key, entry, e) < 0)
        return -1;
    return content_row_write(s, key, entry, e);
}

int entry_row_move(struct store *s, int64_t source, const struct entry *entry, struct error *e)
{
    struct call c = db_call(s, STATEMENT_ENTRY_MOVE, entry_move);
    db_put_int(&c, source);
    db_put_str(&c, str_of(entry->id));
    db_put_int(&c, entry->position);
    if (db_run(&c, e) < 0)
        return -1;
    if (sqlite3_changes(s->sql) != 1)
        return error_set(e, "cannot write %s: %s was moved but is not there", s->path, entry->id);
    return 0;
}

/* How many rows the next statement of this transaction will give. */
static int count_entries(struct store *s, struct str name, size_t *count, struct error *e)
{
    struct call c = db_call(s, STATEMENT_ENTRIES_COUNT, entries_count);
    db_put_str(&c, name);
    int rc = db_step(&c, e);
    if (rc > 0)
        *count = (size_t)db_get_int(&c);
    db_end(&c);
    return rc < 0 ? -1 : 0;
}

static int read_entries(struct store *s, struct arena *a, struct str name, struct entry *list,
                        size_t count, struct error *e)
{
    struct call c = db_call(s, STATEMENT_ENTRIES_READ, entries_read);
    size_t n = 0;
    int rc;
    db_put_str(&c, name);
    while ((rc = db_step(&c, e)) > 0 && n < count)
        if ((rc = entry_row_get(&c, a, &list[n++], e)) < 0)
            break;
    db_end(&c);
    if (rc == 0 && n == count)
        return 0;
    /* Within a transaction the two can differ only where an index does not fit its table. */
    return rc < 0 ? -1 : db_fail(s, "read", SQLITE_CORRUPT, e);
}

int store_entries(struct store *s, struct arena *a, struct str name, struct entry **out,
                  size_t *count, struct error *e)
{
    size_t n = 0;
    *out = NULL;
    *count = 0;
    if (!s->sql)
        return 0;
    if (db_begin(s, false, e) < 0)
        return -1;
    int rc = count_entries(s, name, &n, e);
    struct entry *list = rc == 0 && n ? arena_array(a, n, sizeof *list) : NULL;
    if (rc == 0 && n) {
        if (list)
            rc = read_entries(s, a, name, list, n, e);
        else
            rc = db_fail(s, "read", SQLITE_NOMEM, e);
    }
    db_rollback(s); /* there is nothing to be committed */
    if (rc < 0)
        return -1;
    *out = list;
    *count = n;
    return 0;
}

int store_entry(struct store *s, struct arena *a, struct str name, struct str id, struct entry *out,
                struct error *e)
{
    memset(out, 0, sizeof *out);
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_ENTRY_READ, entry_read);
    db_put_str(&c, name);
    db_put_str(&c, id);
    int rc = db_step(&c, e);
    if (rc > 0 && entry_row_get(&c, a, out, e) < 0)
        rc = -1;
    db_end(&c);
    return rc;
}

static int neighbour_read(struct call *c, struct arena *a, struct str name, struct str id,
                          struct neighbour *out, struct error *e)
{
    db_put_str(c, name);
    db_put_str(c, id);
    int rc = db_step(c, e);
    if (rc > 0) {
        db_get_id(c, a, out->id);
        out->title = db_get_str(c, a);
        rc = db_check(c, e);
    }
    db_end(c);
    return rc < 0 ? -1 : 0;
}

int store_neighbours(struct store *s, struct arena *a, struct str name, struct str id,
                     struct neighbours *out, struct error *e)
{
    memset(out, 0, sizeof *out);
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_ENTRY_PREVIOUS, entry_previous);
    if (neighbour_read(&c, a, name, id, &out->previous, e) < 0)
        return -1;
    c = db_call(s, STATEMENT_ENTRY_NEXT, entry_next);
    return neighbour_read(&c, a, name, id, &out->next, e);
}
