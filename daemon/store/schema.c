/* schema: see schema.h. */
#include "schema.h"

/* What a poll always changes (schedule) is apart from what it rarely does (source): the rows are
 * small, so that many quiet polls share a page of the file. In the same way `content` keeps the
 * long texts out of the rows whose position changes whenever something is put in above them.
 *
 * Other tables point to `key`, so that a source or an entry is renamed in one place. Times are
 * seconds since the epoch, 0 is "not known"; hashes are 16 bytes or NULL. What the network sent and
 * gets back byte for byte is BLOB: it need not be UTF-8. */
const struct schema_step schema_steps[] = {
    {"CREATE TABLE source ("
     "  key INTEGER PRIMARY KEY,"
     "  name TEXT NOT NULL UNIQUE,"
     "  id_base TEXT NOT NULL,"
     "  title TEXT NOT NULL,"
     "  author TEXT NOT NULL,"
     "  description TEXT NOT NULL,"
     "  language TEXT NOT NULL,"
     "  canonical TEXT NOT NULL,"
     "  published INTEGER NOT NULL,"
     "  modified INTEGER NOT NULL,"
     "  etag BLOB NOT NULL,"
     "  last_modified BLOB NOT NULL,"
     "  body_hash BLOB CHECK (length(body_hash) = 16),"
     "  valid_for BLOB CHECK (length(valid_for) = 16)," /* validators.key */
     "  doubt TEXT NOT NULL,"
     "  reason TEXT NOT NULL,"
     "  held BLOB CHECK (length(held) = 16),"
     "  held_polls INTEGER NOT NULL,"
     "  cookies BLOB NOT NULL"
     ") STRICT;"

     "CREATE TABLE schedule ("
     "  source INTEGER PRIMARY KEY REFERENCES source (key) ON DELETE CASCADE,"
     "  last_poll INTEGER NOT NULL,"
     "  last_good INTEGER NOT NULL,"
     "  last_change INTEGER NOT NULL,"
     "  next_poll INTEGER NOT NULL,"
     "  trouble_since INTEGER NOT NULL,"
     "  failures INTEGER NOT NULL"
     ") STRICT;"

     "CREATE TABLE entry ("
     "  key INTEGER PRIMARY KEY,"
     "  source INTEGER NOT NULL REFERENCES source (key) ON DELETE CASCADE,"
     "  id TEXT NOT NULL,"
     "  title TEXT NOT NULL,"
     "  link TEXT NOT NULL,"
     "  hash BLOB CHECK (length(hash) = 16),"
     "  ordinal INTEGER NOT NULL,"
     "  published INTEGER NOT NULL,"
     "  updated INTEGER NOT NULL,"
     "  seq INTEGER NOT NULL,"
     "  position INTEGER NOT NULL,"
     "  live INTEGER NOT NULL CHECK (live IN (0, 1)),"
     "  UNIQUE (source, id)"
     ") STRICT;"
     "CREATE INDEX entry_by_updated ON entry (source, updated DESC);"
     "CREATE INDEX entry_live ON entry (source) WHERE live;"

     "CREATE TABLE content ("
     "  entry INTEGER PRIMARY KEY REFERENCES entry (key) ON DELETE CASCADE,"
     "  html TEXT NOT NULL,"
     "  text TEXT NOT NULL"
     ") STRICT;"

     "CREATE TABLE body ("
     "  path TEXT PRIMARY KEY,"
     "  etag TEXT NOT NULL,"
     "  since INTEGER NOT NULL"
     ") STRICT, WITHOUT ROWID;"},
    {"ALTER TABLE source ADD COLUMN tags TEXT NOT NULL DEFAULT '';"}, /* a line a tag */

    /* History. Entries of before have no revision yet: their first change keeps what they were. A
     * revision knows its source so that the latest ones of a source are found by an index. What is
     * compressed has the size of what is in it beside it. */
    {"ALTER TABLE entry ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE entry ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE source ADD COLUMN unfinished BLOB CHECK (length(unfinished) = 16);"
     "ALTER TABLE source ADD COLUMN unfinished_polls INTEGER NOT NULL DEFAULT 0;"

     /* Who stands beside whom; entries_count is served by it too. */
     "DROP INDEX entry_live;"
     "CREATE INDEX entry_live ON entry (source, position) WHERE live;"

     "CREATE TABLE revision ("
     "  entry INTEGER NOT NULL REFERENCES entry (key) ON DELETE CASCADE,"
     "  number INTEGER NOT NULL,"
     "  source INTEGER NOT NULL REFERENCES source (key) ON DELETE CASCADE,"
     "  at INTEGER NOT NULL,"
     "  events INTEGER NOT NULL," /* bits of 1 << enum event_kind; 0: not known */
     "  title TEXT NOT NULL,"
     "  html_size INTEGER NOT NULL,"
     "  text_size INTEGER NOT NULL,"
     "  packed BLOB NOT NULL," /* HTML and text, one behind the other */
     "  PRIMARY KEY (entry, number)"
     ") STRICT;"
     "CREATE INDEX revision_by_at ON revision (source, at DESC);"

     "CREATE TABLE kept_page ("
     "  source INTEGER PRIMARY KEY REFERENCES source (key) ON DELETE CASCADE,"
     "  hash BLOB NOT NULL CHECK (length(hash) = 16)," /* of the three below */
     "  url BLOB NOT NULL,"
     "  content_type BLOB NOT NULL,"
     "  size INTEGER NOT NULL,"
     "  packed BLOB NOT NULL"
     ") STRICT;"

     "CREATE TABLE archive ("
     "  source INTEGER NOT NULL REFERENCES source (key) ON DELETE CASCADE,"
     "  number INTEGER NOT NULL,"
     "  since INTEGER NOT NULL,"
     "  size INTEGER NOT NULL,"
     "  packed BLOB NOT NULL,"
     "  PRIMARY KEY (source, number)"
     ") STRICT;"},

    /* Entries of foreign feeds: the id that they came with, and what each says of itself. */
    {"ALTER TABLE entry ADD COLUMN given TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE entry ADD COLUMN author TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE entry ADD COLUMN tags TEXT NOT NULL DEFAULT '';"}, /* a line a tag */

    /* What is to be handed over. `due` is NULL for what waits in line behind another message of its
     * source and kind. A key is never used twice: what is put in place of a message that is on its
     * way is another message. */
    {"CREATE TABLE outbox ("
     "  key INTEGER PRIMARY KEY AUTOINCREMENT,"
     "  source INTEGER NOT NULL REFERENCES source (key) ON DELETE CASCADE,"
     "  kind TEXT NOT NULL,"
     "  what TEXT NOT NULL,"
     "  recipient TEXT NOT NULL," /* of a hub its address */
     "  tries INTEGER NOT NULL,"
     "  due INTEGER"
     ") STRICT;"
     "CREATE INDEX outbox_by_source ON outbox (source, kind);"
     "CREATE INDEX outbox_by_due ON outbox (kind, due) WHERE due IS NOT NULL;"
     "ALTER TABLE source ADD COLUMN trouble_polls INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE source ADD COLUMN trouble_told INTEGER NOT NULL DEFAULT 0;"},

    /* What all sources have in common: an article is one entry, or the same one in several sources.
     * `first` is the entry whose id it has, `shown` the one whose text it has. `sketch` is an index
     * of texts; what an entry has there stands in its copy, too. An entry waits for its place among
     * the articles from the poll that wrote it on. */
    {"CREATE TABLE article ("
     "  first INTEGER PRIMARY KEY REFERENCES entry (key) ON DELETE CASCADE,"
     "  shown INTEGER NOT NULL REFERENCES entry (key) ON DELETE CASCADE,"
     "  published INTEGER NOT NULL,"
     "  updated INTEGER NOT NULL"
     ") STRICT;"
     "CREATE INDEX article_by_updated ON article (updated DESC, first DESC);"

     "CREATE TABLE copy ("
     "  entry INTEGER PRIMARY KEY REFERENCES entry (key) ON DELETE CASCADE,"
     "  article INTEGER NOT NULL REFERENCES article (first) ON DELETE CASCADE,"
     "  seen INTEGER NOT NULL," /* the entry's `updated` when it was looked at last */
     "  sketch BLOB NOT NULL"
     ") STRICT;"
     "CREATE INDEX copy_of ON copy (article);"

     "CREATE TABLE sketch ("
     "  shingle INTEGER NOT NULL,"
     "  entry INTEGER NOT NULL,"
     "  PRIMARY KEY (shingle, entry)"
     ") STRICT, WITHOUT ROWID;"

     "CREATE TABLE waiting ("
     "  number INTEGER PRIMARY KEY,"
     "  source INTEGER NOT NULL,"
     "  entry INTEGER NOT NULL REFERENCES entry (key) ON DELETE CASCADE,"
     "  UNIQUE (source, entry)"
     ") STRICT;"
     "INSERT INTO waiting (source, entry) SELECT source, key FROM entry ORDER BY key;"

     "CREATE TABLE merged ("
     "  uuid TEXT NOT NULL,"
     "  since INTEGER NOT NULL"
     ") STRICT;"

     "CREATE INDEX entry_removed ON entry (removed DESC) WHERE NOT live;"
     "CREATE INDEX entry_given ON entry (given) WHERE given <> '';"},
    /* A last section whose end does not come. What a source was called before stays its name. */
    {"ALTER TABLE source ADD COLUMN waiting TEXT NOT NULL DEFAULT '';"
     "ALTER TABLE source ADD COLUMN waiting_since INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE source ADD COLUMN waiting_polls INTEGER NOT NULL DEFAULT 0;"
     "CREATE TABLE former_name ("
     "  name TEXT PRIMARY KEY,"
     "  source INTEGER NOT NULL REFERENCES source (key) ON DELETE CASCADE"
     ") STRICT, WITHOUT ROWID;"
     "CREATE INDEX former_name_by_source ON former_name (source);"
     "CREATE INDEX source_by_id_base ON source (id_base);"
     "CREATE INDEX source_by_valid_for ON source (valid_for);"},

    /* A message to a hub takes the place of the one about the same feed, whichever source it was
     * of: all.* is of many. */
    {"CREATE INDEX outbox_by_what ON outbox (what, recipient) WHERE kind = 'hub';"},

    /* What a host asked for (Retry-After), and at which address. */
    {"ALTER TABLE source ADD COLUMN wait_until INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE source ADD COLUMN wait_at BLOB NOT NULL DEFAULT x'';"},

    /* The pages of digests that have several. */
    {"CREATE TABLE digest_page ("
     "  source INTEGER NOT NULL REFERENCES source (key) ON DELETE CASCADE,"
     "  number INTEGER NOT NULL,"
     "  address BLOB NOT NULL,"
     "  url BLOB NOT NULL,"
     "  content_type BLOB NOT NULL,"
     "  etag BLOB NOT NULL,"
     "  last_modified BLOB NOT NULL,"
     "  body_hash BLOB NOT NULL CHECK (length(body_hash) = 16),"
     "  last INTEGER NOT NULL CHECK (last IN (0, 1)),"
     "  size INTEGER NOT NULL,"
     "  packed BLOB NOT NULL,"
     "  PRIMARY KEY (source, number)"
     ") STRICT;"},

    /* Where the validators came from, and where the page has moved to. */
    {"ALTER TABLE source ADD COLUMN valid_at BLOB NOT NULL DEFAULT x'';"
     "ALTER TABLE source ADD COLUMN move_from BLOB NOT NULL DEFAULT x'';"
     "ALTER TABLE source ADD COLUMN move_to BLOB NOT NULL DEFAULT x'';"
     "ALTER TABLE source ADD COLUMN move_polls INTEGER NOT NULL DEFAULT 0;"},

    /* Feeds that find no room in memory, as they were rendered. */
    {"CREATE TABLE rendered ("
     "  path TEXT PRIMARY KEY,"
     "  etag TEXT NOT NULL,"
     "  size INTEGER NOT NULL,"
     "  packed BLOB NOT NULL"
     ") STRICT, WITHOUT ROWID;"},
};

const int schema_version = sizeof schema_steps / sizeof schema_steps[0];

/* One integer of a statement that is used once. An SQLite code. */
static int ask(sqlite3 *sql, const char *text, int64_t *value)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(sql, text, -1, &statement, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        *value = sqlite3_column_int64(statement, 0);
        rc = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int schema_look(struct store *s, int newest, int *version, struct error *e)
{
    int64_t application = 0, stored = 0, objects = 0;
    int rc = ask(s->sql, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK)
        rc = ask(s->sql, "PRAGMA user_version", &stored);
    if (rc == SQLITE_OK)
        rc = ask(s->sql, "SELECT count(*) FROM sqlite_schema", &objects);
    if (rc != SQLITE_OK)
        return db_fail(s, "open", rc, e);

    bool empty = application == 0 && stored == 0 && objects == 0;
    if (!empty && (application != SCHEMA_APPLICATION || stored < 1))
        return error_set(e, "%s is not a digestd database; move it away, or set state-dir",
                         s->path);
    if (stored > newest)
        return error_set(e,
                         "%s was written by a newer digestd (schema %d, this one knows %d); "
                         "install that version, or set state-dir",
                         s->path, (int)stored, newest);
    *version = (int)stored;
    return 0;
}

/* Both numbers stand in the header of the file and are part of the transaction. A pragma takes no
 * bound parameter: what is printed into it are two numbers of ours. */
static int stamp(struct store *s, int version)
{
    char text[96];
    sqlite3_snprintf(sizeof text, text, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                     SCHEMA_APPLICATION, version);
    return sqlite3_exec(s->sql, text, NULL, NULL, NULL);
}

static int violated(void *found, int columns, char **values, char **names)
{
    (void)columns, (void)values, (void)names;
    *(bool *)found = true;
    return 0;
}

/* The foreign keys are off while tables are rebuilt, and must hold at the end. */
static int run_steps(struct store *s, const struct schema_step *steps, int from, int to)
{
    bool broken = false;
    int rc = SQLITE_OK;
    for (int i = from; i < to && rc == SQLITE_OK; i++)
        rc = sqlite3_exec(s->sql, steps[i].sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(s->sql, "PRAGMA foreign_key_check", violated, &broken, NULL);
    if (rc == SQLITE_OK)
        rc = broken ? SQLITE_CONSTRAINT_FOREIGNKEY : stamp(s, to);
    return rc;
}

int schema_migrate(struct store *s, const struct schema_step *steps, int count, struct error *e)
{
    int version = 0;
    if (schema_look(s, count, &version, e) < 0)
        return -1;
    if (version == count)
        return 0;
    if (db_begin(s, true, e) < 0)
        return -1;
    int rc = run_steps(s, steps, version, count);
    if (rc != SQLITE_OK)
        db_fail(s, "bring up to date", rc, e);
    else if (db_commit(s, e) == 0)
        return 0;
    db_rollback(s);
    return -1;
}
