/* source: the row of a source and that of its schedule. */
#include "rows.h"

#include <string.h>

/* In the order in which put_state and get_state go. */
#define COLUMNS                                                                                    \
    "id_base, title, author, description, language, canonical, tags, published, modified, "        \
    "etag, last_modified, body_hash, valid_for, doubt, reason, held, held_polls, cookies, "        \
    "unfinished, unfinished_polls, trouble_polls, trouble_told, waiting, waiting_since, "          \
    "waiting_polls, wait_until, wait_at, valid_at, move_from, move_to, move_polls"
#define EXCLUDED                                                                                   \
    "excluded.id_base, excluded.title, excluded.author, excluded.description, "                    \
    "excluded.language, excluded.canonical, excluded.tags, excluded.published, "                   \
    "excluded.modified, excluded.etag, excluded.last_modified, excluded.body_hash, "               \
    "excluded.valid_for, excluded.doubt, excluded.reason, excluded.held, "                         \
    "excluded.held_polls, excluded.cookies, excluded.unfinished, excluded.unfinished_polls, "      \
    "excluded.trouble_polls, excluded.trouble_told, "                                              \
    "excluded.waiting, excluded.waiting_since, excluded.waiting_polls, "                           \
    "excluded.wait_until, excluded.wait_at, "                                                      \
    "excluded.valid_at, excluded.move_from, excluded.move_to, excluded.move_polls"

/* A row that is as it was costs no write: SQLite compares before it marks a page as changed. */
static const char source_write[] =
    "INSERT INTO source (name, " COLUMNS ") "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, "
    "?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32) "
    "ON CONFLICT (name) DO UPDATE SET (" COLUMNS ") = (" EXCLUDED ")";

static const char schedule_write[] =
    "INSERT INTO schedule "
    "(source, last_poll, last_good, last_change, next_poll, trouble_since, failures) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
    "ON CONFLICT (source) DO UPDATE SET last_poll = excluded.last_poll, "
    "last_good = excluded.last_good, last_change = excluded.last_change, "
    "next_poll = excluded.next_poll, trouble_since = excluded.trouble_since, "
    "failures = excluded.failures";

static const char source_read[] =
    "SELECT name, " COLUMNS ", "
    "last_poll, last_good, last_change, next_poll, trouble_since, failures, "
    "(SELECT count(*) FROM entry WHERE entry.source = source.key AND live), "
    "EXISTS (SELECT 1 FROM kept_page WHERE kept_page.source = source.key) "
    "FROM source JOIN schedule ON schedule.source = source.key WHERE name = ?1";

/* Words, since the numbers of the enum may change with a version. NULL: no such doubt. */
static const char *doubt_word(enum doubt doubt)
{
    switch (doubt) {
    case DOUBT_NONE:
        return "none";
    case DOUBT_FETCH:
        return "fetch";
    case DOUBT_NOT_WHOLE:
        return "not-whole";
    case DOUBT_WALL:
        return "wall";
    case DOUBT_TYPE:
        return "type";
    case DOUBT_EMPTY:
        return "empty";
    case DOUBT_CUT:
        return "cut";
    case DOUBT_NO_CONTENT:
        return "no-content";
    case DOUBT_NO_SECTIONS:
        return "no-sections";
    case DOUBT_BROKEN:
        return "broken";
    case DOUBT_LIMIT:
        return "limit";
    case DOUBT_LOST:
        return "lost";
    case DOUBT_STATE:
        return "state";
    }
    return NULL;
}

/* A word that this version does not know is still trouble, and its sentence stands beside it. */
static enum doubt doubt_of(struct str word)
{
    for (int i = DOUBT_NONE; doubt_word((enum doubt)i); i++)
        if (str_eq(word, str_of(doubt_word((enum doubt)i))))
            return (enum doubt)i;
    return DOUBT_FETCH;
}

static void put_state(struct call *c, const struct source_state *state)
{
    const struct page_info *info = &state->info;
    const struct validators *validators = &state->validators;
    db_put_str(c, state->name);
    db_put_str(c, state->id_base);
    db_put_str(c, info->title);
    db_put_str(c, info->author);
    db_put_str(c, info->description);
    db_put_str(c, info->language);
    db_put_str(c, info->canonical);
    db_put_str(c, info->tags);
    db_put_int(c, info->published);
    db_put_int(c, info->modified);
    db_put_bytes(c, validators->etag);
    db_put_bytes(c, validators->last_modified);
    db_put_hash(c, validators->body);
    db_put_hash(c, validators->key);
    db_put_str(c, str_of(doubt_word(state->doubt)));
    db_put_str(c, state->reason);
    db_put_hash(c, state->held);
    db_put_int(c, state->held_polls);
    db_put_bytes(c, state->cookies);
    db_put_hash(c, state->unfinished);
    db_put_int(c, state->unfinished_polls);
    db_put_int(c, state->trouble_polls);
    db_put_int(c, state->trouble_told);
    db_put_str(c, state->waiting);
    db_put_int(c, state->waiting_since);
    db_put_int(c, state->waiting_polls);
    db_put_int(c, state->schedule.wait_until);
    db_put_bytes(c, state->wait_at);
    db_put_bytes(c, validators->url);
    db_put_bytes(c, state->move.from);
    db_put_bytes(c, state->move.to);
    db_put_int(c, state->move.polls);
}

static void put_schedule(struct call *c, const struct schedule *schedule)
{
    db_put_int(c, schedule->last_poll);
    db_put_int(c, schedule->last_good);
    db_put_int(c, schedule->last_change);
    db_put_int(c, schedule->next_poll);
    db_put_int(c, schedule->trouble_since);
    db_put_int(c, schedule->failures);
}

static void get_state(struct call *c, struct arena *a, struct source_state *state)
{
    struct page_info *info = &state->info;
    struct validators *validators = &state->validators;
    state->name = db_get_str(c, a);
    state->id_base = db_get_str(c, a);
    info->title = db_get_str(c, a);
    info->author = db_get_str(c, a);
    info->description = db_get_str(c, a);
    info->language = db_get_str(c, a);
    info->canonical = db_get_str(c, a);
    info->tags = db_get_str(c, a);
    info->published = db_get_int(c);
    info->modified = db_get_int(c);
    validators->etag = db_get_str(c, a);
    validators->last_modified = db_get_str(c, a);
    validators->body = db_get_hash(c);
    validators->key = db_get_hash(c);
    state->doubt = doubt_of(db_get_str(c, a));
    state->reason = db_get_str(c, a);
    state->held = db_get_hash(c);
    state->held_polls = db_get_int(c);
    state->cookies = db_get_str(c, a);
    state->unfinished = db_get_hash(c);
    state->unfinished_polls = db_get_int(c);
    state->trouble_polls = db_get_int(c);
    state->trouble_told = db_get_int(c);
    state->waiting = db_get_str(c, a);
    state->waiting_since = db_get_int(c);
    state->waiting_polls = db_get_int(c);
    state->schedule.wait_until = db_get_int(c);
    state->wait_at = db_get_str(c, a);
    validators->url = db_get_str(c, a);
    state->move.from = db_get_str(c, a);
    state->move.to = db_get_str(c, a);
    state->move.polls = db_get_int(c);
}

static void get_schedule(struct call *c, struct schedule *schedule)
{
    schedule->last_poll = db_get_int(c);
    schedule->last_good = db_get_int(c);
    schedule->last_change = db_get_int(c);
    schedule->next_poll = db_get_int(c);
    schedule->trouble_since = db_get_int(c);
    schedule->failures = db_get_int(c);
}

int source_row_key(struct store *s, struct str name, int64_t *key, struct error *e)
{
    struct call c = db_call(s, STATEMENT_SOURCE_KEY, "SELECT key FROM source WHERE name = ?1");
    db_put_str(&c, name);
    int rc = db_step(&c, e);
    if (rc > 0)
        *key = db_get_int(&c);
    else if (rc == 0)
        error_set(e, "cannot write %s: there is no source %.*s", s->path, STR_ARG(name));
    db_end(&c);
    return rc > 0 ? 0 : -1;
}

int source_row_write(struct store *s, const struct source_state *state, int64_t *key,
                     struct error *e)
{
    struct call c = db_call(s, STATEMENT_SOURCE_WRITE, source_write);
    put_state(&c, state);
    if (db_run(&c, e) < 0 || source_row_key(s, state->name, key, e) < 0)
        return -1;
    c = db_call(s, STATEMENT_SCHEDULE_WRITE, schedule_write);
    db_put_int(&c, *key);
    put_schedule(&c, &state->schedule);
    return db_run(&c, e) < 0 ? -1 : page_row_write(s, *key, state, e);
}

int store_source(struct store *s, struct arena *a, struct str name, struct source_state *out,
                 struct error *e)
{
    memset(out, 0, sizeof *out);
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_SOURCE_READ, source_read);
    db_put_str(&c, name);
    int rc = db_step(&c, e);
    if (rc > 0) {
        get_state(&c, a, out);
        get_schedule(&c, &out->schedule);
        out->entries_count = db_get_int(&c);
        out->page_kept = db_get_int(&c) != 0;
        if (db_check(&c, e) < 0)
            rc = -1;
    }
    db_end(&c);
    if (rc < 0)
        memset(out, 0, sizeof *out);
    return rc;
}
