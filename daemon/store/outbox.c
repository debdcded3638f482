/* outbox: messages of polls that are written, until they are handed over. */
#include "rows.h"

/* It takes the place of one about the same feed. Where that failed, what is waited for is waited
 * for all the same: a hub that is down, or wants to be left alone, is not asked more often for a
 * feed that changes often. */
static const char outbox_insert[] =
    "INSERT INTO outbox (source, kind, what, recipient, tries, due) "
    "SELECT ?1, ?2, ?3, ?4, coalesce(max(tries), 0), "
    "max(?5, coalesce(max(iif(tries > 0, due, 0)), 0)) "
    "FROM outbox WHERE kind = 'hub' AND what = ?3 AND recipient = ?4";
/* In line: only where nobody is before it does it get a time. */
static const char outbox_insert_in_line[] =
    "INSERT INTO outbox (source, kind, what, recipient, tries, due) VALUES (?1, ?2, ?3, ?4, 0, "
    "iif(EXISTS (SELECT 1 FROM outbox WHERE source = ?1 AND kind = ?2), NULL, ?5))";
static const char outbox_replace[] =
    "DELETE FROM outbox WHERE kind = 'hub' AND what = ?1 AND recipient = ?2 "
    "AND key < last_insert_rowid()";
static const char outbox_read[] =
    "SELECT outbox.key, source.name, what, recipient, tries, due "
    "FROM outbox JOIN source ON source.key = outbox.source "
    "WHERE kind = ?1 AND due IS NOT NULL ORDER BY due, outbox.key LIMIT ?2";
static const char outbox_line[] = "SELECT source, kind FROM outbox WHERE key = ?1";
static const char outbox_drop[] = "DELETE FROM outbox WHERE key = ?1";
static const char outbox_next[] = "UPDATE outbox SET due = coalesce(due, ?3) WHERE key = "
                                  "(SELECT min(key) FROM outbox WHERE source = ?1 AND kind = ?2)";
static const char outbox_later[] = "UPDATE outbox SET tries = tries + 1, due = ?2 WHERE key = ?1";

/* Words, since the numbers of the enum may change with a version. */
static struct str kind_word(enum message_kind kind)
{
    switch (kind) {
    case MESSAGE_NEW:
        return STR("on-new");
    case MESSAGE_TROUBLE:
        return STR("on-trouble");
    case MESSAGE_HUB:
        return STR("hub");
    case MESSAGE_KINDS:
        break;
    }
    return STR("");
}

static int insert(struct store *s, int64_t source, const struct message *m, struct error *e)
{
    bool hub = m->kind == MESSAGE_HUB;
    struct call c = hub ? db_call(s, STATEMENT_OUTBOX_WRITE, outbox_insert)
                        : db_call(s, STATEMENT_OUTBOX_WRITE_IN_LINE, outbox_insert_in_line);
    db_put_int(&c, source);
    db_put_str(&c, kind_word(m->kind));
    db_put_str(&c, m->what);
    db_put_str(&c, m->to);
    db_put_int(&c, m->due);
    return db_run(&c, e);
}

/* A hub that has not been told yet of one change is told of both at once. */
static int put_one(struct store *s, int64_t source, const struct message *m, struct error *e)
{
    if (insert(s, source, m, e) < 0)
        return -1;
    if (m->kind != MESSAGE_HUB)
        return 0;
    struct call c = db_call(s, STATEMENT_OUTBOX_REPLACE, outbox_replace);
    db_put_str(&c, m->what);
    db_put_str(&c, m->to);
    return db_run(&c, e);
}

int outbox_write(struct store *s, int64_t source, const struct source_state *state, struct error *e)
{
    for (size_t i = 0; i < state->messages_count; i++)
        if (put_one(s, source, &state->messages[i], e) < 0)
            return -1;
    return 0;
}

int store_outbox(struct store *s, struct arena *a, enum message_kind kind, size_t most,
                 struct outgoing *out, size_t *count, struct error *e)
{
    int rc = 1;

    *count = 0;
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_OUTBOX_READ, outbox_read);
    db_put_str(&c, kind_word(kind));
    db_put_int(&c, (int64_t)most);
    while (*count < most && (rc = db_step(&c, e)) > 0) {
        struct outgoing *o = &out[(*count)++];
        *o = (struct outgoing){.message.kind = kind};
        o->key = db_get_int(&c);
        o->source = db_get_str(&c, a);
        o->message.what = db_get_str(&c, a);
        o->message.to = db_get_str(&c, a);
        o->tries = db_get_int(&c);
        o->message.due = db_get_int(&c);
        if (db_check(&c, e) < 0) {
            rc = -1;
            break;
        }
    }
    db_end(&c);
    return rc < 0 ? -1 : 0;
}

/* The line that a message stands in: *source stays 0 where it is gone. */
static int read_line(struct store *s, int64_t key, int64_t *source, struct str *kind,
                     struct arena *a, struct error *e)
{
    struct call c = db_call(s, STATEMENT_OUTBOX_LINE, outbox_line);
    db_put_int(&c, key);
    int rc = db_step(&c, e);
    if (rc > 0) {
        *source = db_get_int(&c);
        *kind = db_get_str(&c, a);
        rc = db_check(&c, e);
    }
    db_end(&c);
    return rc < 0 ? -1 : 0;
}

/* Takes it out, and calls the next. */
static int leave_line(struct store *s, int64_t key, int64_t now, struct arena *a, struct error *e)
{
    int64_t source = 0;
    struct str kind = {0};

    if (read_line(s, key, &source, &kind, a, e) < 0)
        return -1;
    struct call c = db_call(s, STATEMENT_OUTBOX_DROP, outbox_drop);
    db_put_int(&c, key);
    if (db_run(&c, e) < 0)
        return -1;
    c = db_call(s, STATEMENT_OUTBOX_NEXT, outbox_next);
    db_put_int(&c, source);
    db_put_str(&c, kind);
    db_put_int(&c, now);
    return db_run(&c, e);
}

int store_outbox_done(struct store *s, int64_t key, int64_t now, struct error *e)
{
    struct arena *a = arena_new();
    int done = -1;

    if (!a)
        return error_set(e, "out of memory");
    if (db_may_write(s, e) == 0 && db_begin(s, true, e) == 0) {
        done = leave_line(s, key, now, a, e) == 0 ? db_commit(s, e) : -1;
        if (done < 0)
            db_rollback(s);
    }
    arena_free(a);
    return done;
}

int store_outbox_later(struct store *s, int64_t key, int64_t due, struct error *e)
{
    if (db_may_write(s, e) < 0 || db_begin(s, true, e) < 0)
        return -1;
    struct call c = db_call(s, STATEMENT_OUTBOX_LATER, outbox_later);
    db_put_int(&c, key);
    db_put_int(&c, due);
    if (db_run(&c, e) == 0 && db_commit(s, e) == 0)
        return 0;
    db_rollback(s);
    return -1;
}
