/* check: what cannot be true of a database that is whole, found before somebody's reader does. */
#include "db.h"

/* So many faults of one kind are enough to know. */
#define FAULTS_MOST "100"

#define HEX  "[0-9a-f]"
#define HEX4 HEX HEX HEX HEX
#define ID_OF_OURS                                                                                 \
    "urn:uuid:" HEX4 HEX4 "-" HEX4 "-5" HEX HEX HEX "-[89ab]" HEX HEX HEX "-" HEX4 HEX4 HEX4

/* One kind of fault: what finds it gives its sentence. */
static const char *const rules[] = {
    "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",

    "SELECT format('%s %d points to a %s that is not there', \"table\", rowid, parent) "
    "FROM pragma_foreign_key_check LIMIT " FAULTS_MOST,

    "SELECT format('%s: ''%s'' is no id of ours (urn:uuid:, version 5)', name, id) "
    "FROM entry JOIN source ON source.key = source WHERE id NOT GLOB '" ID_OF_OURS
    "' LIMIT " FAULTS_MOST,

    "SELECT format('%s: %d entries have the id %s', name, count(*), id) "
    "FROM entry JOIN source ON source.key = source GROUP BY source, id HAVING count(*) > 1 "
    "LIMIT " FAULTS_MOST,

    "SELECT format('%s: %s has no content', name, id) "
    "FROM entry JOIN source ON source.key = source "
    "WHERE NOT EXISTS (SELECT 1 FROM content WHERE content.entry = entry.key) LIMIT " FAULTS_MOST,

    "SELECT format('%s has no schedule', name) FROM source "
    "WHERE NOT EXISTS (SELECT 1 FROM schedule WHERE schedule.source = source.key) "
    "LIMIT " FAULTS_MOST,

    "SELECT format('%s: %d entries are number %d (seq)', name, count(*), seq) "
    "FROM entry JOIN source ON source.key = source GROUP BY source, seq HAVING count(*) > 1 "
    "LIMIT " FAULTS_MOST,

    "SELECT format('%s: %s is on the page, but at place %d', name, id, position) "
    "FROM entry JOIN source ON source.key = source WHERE live AND position < 0 "
    "LIMIT " FAULTS_MOST,

    "SELECT format('%s: of the revisions %d to %d of %s there are %d', name, min(number), "
    "max(number), id, count(*)) FROM revision JOIN entry ON entry.key = revision.entry "
    "JOIN source ON source.key = entry.source GROUP BY revision.entry "
    "HAVING count(*) <> max(number) - min(number) + 1 OR min(number) < 1 LIMIT " FAULTS_MOST,

    "SELECT format('%s: revision %d of %s is another source''s', name, number, id) "
    "FROM revision JOIN entry ON entry.key = revision.entry "
    "JOIN source ON source.key = entry.source WHERE revision.source <> entry.source "
    "LIMIT " FAULTS_MOST,

    "SELECT format('%s: what waits for %s is not called', name, kind) "
    "FROM outbox JOIN source ON source.key = source GROUP BY source, kind HAVING count(due) = 0 "
    "LIMIT " FAULTS_MOST,

    "SELECT format('%s: %s has no place in all.*, and waits for none', name, id) "
    "FROM entry JOIN source ON source.key = entry.source "
    "WHERE NOT EXISTS (SELECT 1 FROM copy WHERE copy.entry = entry.key) "
    "AND NOT EXISTS (SELECT 1 FROM waiting WHERE waiting.source = entry.source "
    "AND waiting.entry = entry.key) AND entry.title <> '' LIMIT " FAULTS_MOST,

    "SELECT format('%s: %s gives its id to an article of all.* that it is no copy of', name, id) "
    "FROM article JOIN entry ON entry.key = first JOIN source ON source.key = entry.source "
    "LEFT JOIN copy ON copy.entry = first WHERE copy.article IS NOT first LIMIT " FAULTS_MOST,

    "SELECT format('%s: %d of its entries are one article of all.*: %s', name, count(*), min(id)) "
    "FROM copy JOIN entry ON entry.key = copy.entry JOIN source ON source.key = entry.source "
    "GROUP BY article, entry.source HAVING count(*) > 1 LIMIT " FAULTS_MOST,
};

/* What is packed: its sentence, size and bytes. */
static const char *const packed[] = {
    "SELECT format('%s: revision %d of %s cannot be read', name, number, id), "
    "html_size + text_size, packed FROM revision JOIN entry ON entry.key = revision.entry "
    "JOIN source ON source.key = entry.source",

    "SELECT format('%s: the page that is kept cannot be read', name), size, packed "
    "FROM kept_page JOIN source ON source.key = source",

    "SELECT format('%s: page %d of its digest cannot be read', name, number), size, packed "
    "FROM digest_page JOIN source ON source.key = source",

    "SELECT format('%s: archive page %d cannot be read', name, number), size, packed "
    "FROM archive JOIN source ON source.key = source",
};

static void add_fault(struct buf *faults, struct str sentence)
{
    buf_add(faults, sentence);
    buf_putc(faults, '\n');
}

/* The sentence in the first column of a row. */
static struct str sentence_of(sqlite3_stmt *row)
{
    const void *p = sqlite3_column_blob(row, 0);
    return (struct str){p, (size_t)sqlite3_column_bytes(row, 0)};
}

/* 0, or SQLITE_NOMEM: what cannot be told in either case is a fault as well. */
static int look_packed(struct store *s, sqlite3_stmt *row, struct buf *faults)
{
    struct str bytes;
    struct arena *a = arena_new();
    const void *p = sqlite3_column_blob(row, 2);
    int rc = SQLITE_NOMEM;
    if (a)
        rc = unpack(&s->packer, (struct str){p, (size_t)sqlite3_column_bytes(row, 2)},
                    sqlite3_column_int64(row, 1), a, &bytes);
    arena_free(a);
    if (rc == SQLITE_CORRUPT)
        add_fault(faults, sentence_of(row));
    return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
}

/* Runs one query; `unpacked`: its rows are faults only where they cannot be unpacked. */
static int look(struct store *s, const char *sql, bool unpacked, struct buf *faults)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(s->sql, sql, -1, &statement, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        if (unpacked)
            rc = look_packed(s, statement, faults);
        else
            add_fault(faults, sentence_of(statement));
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int look_all(struct store *s, const char *const *queries, size_t count, bool unpacked,
                    struct buf *faults, struct error *e)
{
    for (size_t i = 0; i < count; i++) {
        int rc = look(s, queries[i], unpacked, faults);
        /* Damage so deep that a rule cannot even be asked. */
        if ((rc & 0xff) == SQLITE_CORRUPT) {
            struct error damage;
            db_fail(s, "read", rc, &damage);
            add_fault(faults, str_of(damage.text));
        } else if (rc != SQLITE_OK) {
            return db_fail(s, "read", rc, e);
        }
    }
    return 0;
}

int store_check(struct store *s, struct buf *faults, struct error *e)
{
    if (!s->sql)
        return error_set(e, "there is no database %s; set state-dir", s->path);
    if (db_begin(s, false, e) < 0) /* all of one moment, beside whoever writes */
        return -1;
    int rc = look_all(s, rules, sizeof rules / sizeof *rules, false, faults, e);
    if (rc == 0)
        rc = look_all(s, packed, sizeof packed / sizeof *packed, true, faults, e);
    db_rollback(s);
    if (rc == 0 && faults->failed)
        rc = error_set(e, "%s has more faults than can be told", s->path);
    return rc;
}
