/* revision: what entries were and became, an event at a time. Content that was written without an
 * event (entry_row_write alone) is in no revision of its own: it is part of the next one, since
 * revisions are what readers were told. */
#include "rows.h"

#include <string.h>

/* Where the state of a source says nothing. */
#define KEEP_DEFAULT 20

/* What an entry without a revision is at the moment. */
static const char revision_before[] =
    "SELECT key, updated, title, html, text FROM entry JOIN content ON content.entry = key "
    "WHERE source = ?1 AND id = ?2 AND title <> '' " /* of what nothing is known, nothing */
    "AND NOT EXISTS (SELECT 1 FROM revision WHERE revision.entry = key)";

#define INSERT                                                                                     \
    "INSERT INTO revision "                                                                        \
    "(source, entry, number, at, events, title, html_size, text_size, packed) "
static const char revision_first[] = INSERT "VALUES (?1, ?2, 1, ?3, 0, ?4, ?5, ?6, ?7)";
static const char revision_write[] =
    INSERT "SELECT source, key, "
           "coalesce((SELECT max(number) FROM revision WHERE revision.entry = key), 0) + 1, "
           "?3, ?4, ?5, ?6, ?7, ?8 FROM entry WHERE source = ?1 AND id = ?2";

/* The newest always stays: ?3 is at least 1. */
static const char revision_prune[] =
    "DELETE FROM revision WHERE entry = (SELECT key FROM entry WHERE source = ?1 AND id = ?2) "
    "AND number <= (SELECT max(number) FROM revision WHERE entry = "
    "(SELECT key FROM entry WHERE source = ?1 AND id = ?2)) - ?3";

#define COLUMNS(r)                                                                                 \
    r ".number, " r ".at, " r ".events, " r ".title, " r ".html_size, " r ".text_size, " r ".pack" \
      "ed"
static const char changes_read[] = "SELECT id, link, " COLUMNS("before") ", " COLUMNS(
    "after") " FROM source "
             "JOIN revision AS after ON after.source = source.key "
             "JOIN revision AS before ON before.entry = after.entry AND before.number = "
             "after.number - 1 "
             "JOIN entry ON entry.key = after.entry "
             "WHERE name = ?1 ORDER BY after.at DESC, entry.position, after.number DESC LIMIT ?2";

/* ---- events of one entry ------------------------------------------------------------------- */

/* The events of one entry stand together. Takes them from outcome->events at *at: which, and whose;
 * NULL after the last. */
static const struct entry *next_entry(const struct outcome *outcome, size_t *at, unsigned *events)
{
    const struct entry *entry = *at < outcome->events_count ? outcome->events[*at].entry : NULL;
    *events = 0;
    for (; entry && *at < outcome->events_count && outcome->events[*at].entry == entry; ++*at)
        *events |= 1u << outcome->events[*at].kind;
    return entry;
}

/* ---- writing ------------------------------------------------------------------------------- */

static void put_content(struct call *c, struct str title, struct str html, struct str text)
{
    db_put_str(c, title);
    db_put_int(c, (int64_t)html.n);
    db_put_int(c, (int64_t)text.n);
    db_put_packed(c, html, text);
}

static int keep_before(struct store *s, int64_t source, const struct entry *entry, struct arena *a,
                       struct error *e)
{
    struct call c = db_call(s, STATEMENT_REVISION_BEFORE, revision_before);
    db_put_int(&c, source);
    db_put_str(&c, str_of(entry->id));
    int rc = db_step(&c, e);
    if (rc <= 0) {
        db_end(&c);
        return rc;
    }
    int64_t key = db_get_int(&c), at = db_get_int(&c);
    struct str title = db_get_str(&c, a), html = db_get_str(&c, a), text = db_get_str(&c, a);
    rc = db_check(&c, e);
    db_end(&c);
    if (rc < 0)
        return -1;
    c = db_call(s, STATEMENT_REVISION_FIRST, revision_first);
    db_put_int(&c, source);
    db_put_int(&c, key);
    db_put_int(&c, at);
    put_content(&c, title, html, text);
    return db_run(&c, e);
}

int revisions_keep_before(struct store *s, int64_t source, const struct outcome *outcome,
                          struct error *e)
{
    const struct entry *entry;
    unsigned events;
    for (size_t i = 0; (entry = next_entry(outcome, &i, &events));) {
        if (!events || events & 1u << EVENT_NEW)
            continue;
        struct arena *a = arena_new();
        int rc = a ? keep_before(s, source, entry, a, e) : db_fail(s, "write", SQLITE_NOMEM, e);
        arena_free(a);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int write_one(struct store *s, int64_t source, const struct entry *entry, unsigned events,
                     struct error *e)
{
    struct call c = db_call(s, STATEMENT_REVISION_WRITE, revision_write);
    db_put_int(&c, source);
    db_put_str(&c, str_of(entry->id));
    /* A removal is no new date of the entry. */
    db_put_int(&c, events & 1u << EVENT_REMOVED ? entry->removed : entry->updated);
    db_put_int(&c, events);
    put_content(&c, entry->title, entry->html, entry->text);
    if (db_run(&c, e) < 0)
        return -1;
    if (sqlite3_changes(s->sql) != 1)
        return error_set(e, "cannot write %s: %s has an event but is not there", s->path,
                         entry->id);
    return 0;
}

static int prune_one(struct store *s, int64_t source, const struct entry *entry, int64_t keep,
                     struct error *e)
{
    struct call c = db_call(s, STATEMENT_REVISION_PRUNE, revision_prune);
    db_put_int(&c, source);
    db_put_str(&c, str_of(entry->id));
    db_put_int(&c, keep > 0 ? keep : KEEP_DEFAULT);
    return db_run(&c, e);
}

int revisions_write(struct store *s, int64_t source, const struct outcome *outcome, int64_t keep,
                    struct error *e)
{
    const struct entry *entry;
    unsigned events;
    for (size_t i = 0; (entry = next_entry(outcome, &i, &events));)
        if (events && (write_one(s, source, entry, events, e) < 0 ||
                       (!(events & 1u << EVENT_NEW) && prune_one(s, source, entry, keep, e) < 0)))
            return -1;
    return 0;
}

/* ---- reading ------------------------------------------------------------------------------- */

void revision_row_get(struct call *c, struct arena *a, struct revision *out)
{
    out->number = db_get_int(c);
    out->at = db_get_int(c);
    out->events = (unsigned)db_get_int(c);
    out->title = db_get_str(c, a);
    int64_t html = db_get_int(c), text = db_get_int(c);
    bool sane = html >= 0 && text >= 0 && html <= (int64_t)PACK_MAX && text <= (int64_t)PACK_MAX;
    struct str both = db_get_packed(c, a, sane ? html + text : -1);
    out->html = str_sub(both, 0, sane ? (size_t)html : 0);
    out->text = str_sub(both, out->html.n, SIZE_MAX);
}

static int get_change(struct call *c, struct arena *a, struct change *out, struct error *e)
{
    db_get_id(c, a, out->id);
    out->link = db_get_str(c, a);
    revision_row_get(c, a, &out->before);
    revision_row_get(c, a, &out->after);
    return db_check(c, e);
}

/* A list that grows by doubling; what it leaves behind goes with the arena. */
static int make_room(struct arena *a, struct change **list, size_t count, size_t *room)
{
    if (count < *room)
        return 0;
    size_t more = *room ? *room * 2 : 16;
    struct change *longer = arena_array(a, more, sizeof *longer);
    if (!longer)
        return -1;
    if (count)
        memcpy(longer, *list, count * sizeof *longer);
    *list = longer;
    *room = more;
    return 0;
}

int store_changes(struct store *s, struct arena *a, struct str name, size_t most,
                  struct change **out, size_t *count, struct error *e)
{
    struct change *list = NULL;
    size_t n = 0, room = 0;
    int rc;
    *out = NULL;
    *count = 0;
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_CHANGES_READ, changes_read);
    db_put_str(&c, name);
    db_put_int(&c, most < INT64_MAX ? (int64_t)most : INT64_MAX);
    while ((rc = db_step(&c, e)) > 0) {
        if (make_room(a, &list, n, &room) < 0)
            rc = db_fail(s, "read", SQLITE_NOMEM, e);
        if (rc < 0 || (rc = get_change(&c, a, &list[n++], e)) < 0)
            break;
    }
    db_end(&c);
    if (rc < 0)
        return -1;
    *out = list;
    *count = n;
    return 0;
}

/* ---- activity ------------------------------------------------------------------------------ */

#define DAY_SECONDS 86400

/* Of each day: a revision with the first bit of its events (EVENT_NEW) began its entry; the next
 * three are restored, renamed, changed. One that has none of them was only removed, or is what an
 * entry was before. */
static const char activity_read[] = "SELECT (at - ?2) / 86400 AS day, sum(events & 1), "
                                    "sum(events & 1 = 0 AND events & 14 <> 0) FROM source "
                                    "JOIN revision ON revision.source = source.key "
                                    "WHERE name = ?1 AND at >= ?2 AND at < ?3 GROUP BY day";

static uint16_t capped(int64_t n)
{
    return n < 0 ? 0 : n < UINT16_MAX ? (uint16_t)n : UINT16_MAX;
}

int store_activity(struct store *s, struct str name, int64_t since, uint16_t *fresh,
                   uint16_t *changed, size_t days, struct error *e)
{
    int rc;
    memset(fresh, 0, days * sizeof *fresh);
    memset(changed, 0, days * sizeof *changed);
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_ACTIVITY, activity_read);
    db_put_str(&c, name);
    db_put_int(&c, since);
    db_put_int(&c, since + (int64_t)days * DAY_SECONDS);
    while ((rc = db_step(&c, e)) > 0) {
        int64_t day = db_get_int(&c);
        if (day < 0 || day >= (int64_t)days)
            continue;
        fresh[day] = capped(db_get_int(&c));
        changed[day] = capped(db_get_int(&c));
    }
    db_end(&c);
    return rc < 0 ? -1 : 0;
}
