/* Migrations: each step once, in order, all in one transaction or not at all. */
#include "store_help.h"

#include "../../daemon/store/schema.h"

/* A later digestd's table of steps: ours and these. */
enum { LATER = 2 };
static const char *const good[LATER] = {
    "ALTER TABLE source ADD COLUMN moved_to TEXT NOT NULL DEFAULT '';"
    "UPDATE source SET moved_to = 'https://example.org/' || name;",
    "CREATE TABLE extra (a INTEGER PRIMARY KEY) STRICT; INSERT INTO extra VALUES (11);"
    "DROP INDEX entry_live;",
};
static const char *const wrong[LATER] = {
    "ALTER TABLE source ADD COLUMN moved_to TEXT NOT NULL DEFAULT '';"
    "DELETE FROM entry;",
    "CREATE TABLE extra (a INTEGER PRIMARY KEY) STRICT; INSERT INTO nowhere VALUES (1);",
};
static const char *const orphaned[LATER] = {
    "CREATE TABLE extra (a INTEGER PRIMARY KEY) STRICT;",
    "DELETE FROM source;",
};

static int migrate(const struct place *p, const char *const later[LATER], struct error *e)
{
    struct schema_step steps[16];
    struct store s = {.path = (char *)p->database};
    assert_in_range(schema_version, 1, 16 - LATER);
    for (int i = 0; i < schema_version; i++)
        steps[i] = schema_steps[i];
    for (int i = 0; i < LATER; i++)
        steps[schema_version + i].sql = later[i];
    assert_int_equal(sqlite3_open_v2(p->database, &s.sql, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    int rc = schema_migrate(&s, steps, schema_version + LATER, e);
    assert_int_equal(sqlite3_get_autocommit(s.sql), 1);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s.statements[i]);
    sqlite3_close(s.sql);
    return rc;
}

static struct place place_with_entry(void)
{
    struct place p = place_new();
    struct error e = {""};
    struct store *s = open_as(&p, STORE_OWN);
    struct source_state state = {.name = STR("x")};
    struct entry one = entry_number(1);
    const struct entry *changed[] = {&one};
    struct outcome outcome = {.changed = changed, .changed_count = 1};
    must(store_commit(s, &state, &outcome, &e), &e);
    store_close(s);
    return p;
}

static void steps_run_once(void **unused)
{
    (void)unused;
    struct place p = place_with_entry();
    struct error e = {""};
    for (int i = 0; i < 2; i++) { /* the second time there is nothing to do */
        must(migrate(&p, good, &e), &e);
        assert_int_equal(raw(p.database, "PRAGMA user_version"), schema_version + LATER);
        assert_int_equal(raw(p.database, "SELECT count(*) FROM source "
                                         "WHERE moved_to = 'https://example.org/x'"),
                         1);
        assert_int_equal(raw(p.database, "SELECT sum(a) FROM extra"), 11);
        assert_int_equal(raw(p.database, "SELECT count(*) FROM entry"), 1);
    }
    assert_true(is_sound(p.database));
    place_remove(&p);
}

static void steps_start_from_nothing(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    assert_int_equal(mkdir(p.state, 0755), 0);
    raw(p.database, "PRAGMA journal_mode = WAL");
    must(migrate(&p, good, &e), &e);
    assert_int_equal(raw(p.database, "PRAGMA user_version"), schema_version + LATER);
    assert_int_equal(raw(p.database, "PRAGMA application_id"), SCHEMA_APPLICATION);
    place_remove(&p);
}

/* What each release filled its tables with: one source that has an entry. Columns that came after
 * the tags have their defaults. */
#define NAMED                                                                                      \
    "INSERT INTO source (key, name, id_base, title, author, description, language, canonical, "    \
    "published, modified, etag, last_modified, body_hash, valid_for, doubt, reason, held, "        \
    "held_polls, cookies, tags) "                                                                  \
    "VALUES (7, 'x', 'https://example.org/x', 'Title', 'Author', 'About', 'fr', "                  \
    "'https://example.org/y', 11, 12, x'57', x'', NULL, NULL, 'wall', 'why', NULL, 0, x'00', "     \
    "'one' || char(10) || 'two');"
static const char *const filled[] = {
    NULL,
    "INSERT INTO source VALUES (7, 'x', 'https://example.org/x', 'Title', 'Author', "
    "'About', 'fr', 'https://example.org/y', 11, 12, x'57', x'', NULL, NULL, 'wall', 'why', "
    "NULL, 0, x'00');",
    "INSERT INTO source VALUES (7, 'x', 'https://example.org/x', 'Title', 'Author', "
    "'About', 'fr', 'https://example.org/y', 11, 12, x'57', x'', NULL, NULL, 'wall', 'why', "
    "NULL, 0, x'00', 'one' || char(10) || 'two');",
    "INSERT INTO source VALUES (7, 'x', 'https://example.org/x', 'Title', 'Author', "
    "'About', 'fr', 'https://example.org/y', 11, 12, x'57', x'', NULL, NULL, 'wall', 'why', "
    "NULL, 0, x'00', 'one' || char(10) || 'two', NULL, 0);",
    "INSERT INTO source VALUES (7, 'x', 'https://example.org/x', 'Title', 'Author', "
    "'About', 'fr', 'https://example.org/y', 11, 12, x'57', x'', NULL, NULL, 'wall', 'why', "
    "NULL, 0, x'00', 'one' || char(10) || 'two', NULL, 0);",
    NAMED,
    NAMED "INSERT INTO waiting (source, entry) VALUES (7, 1);",
    NAMED "INSERT INTO waiting (source, entry) VALUES (7, 1);",
    NAMED "INSERT INTO waiting (source, entry) VALUES (7, 1);",
    NAMED "INSERT INTO waiting (source, entry) VALUES (7, 1);",
};
enum { RELEASED = sizeof filled / sizeof filled[0] - 1 };

/* A database as the release with this version of the schema left it. */
static struct place place_of_version(int version)
{
    struct place p = place_new();
    struct error e = {""};
    struct store s = {.path = (char *)p.database};
    assert_int_equal(mkdir(p.state, 0755), 0);
    raw(p.database, "PRAGMA journal_mode = WAL");
    assert_int_equal(sqlite3_open_v2(p.database, &s.sql, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    must(schema_migrate(&s, schema_steps, version, &e), &e);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(s.statements[i]);
    sqlite3_close(s.sql);
    raw(p.database, filled[version]);
    raw(p.database,
        "INSERT INTO schedule VALUES (7, 21, 22, 23, 24, 25, 26);"
        "INSERT INTO entry (key, source, id, title, link, hash, ordinal, published, updated, seq, "
        "position, live) VALUES (1, 7, 'urn:uuid:00000000-0000-5000-8000-000000000001', 'One', "
        "'', NULL, 1, 2, 3, 1, 0, 1);"
        "INSERT INTO content VALUES (1, '<p>1</p>', '1');");
    assert_int_equal(raw(p.database, "PRAGMA user_version"), version);
    return p;
}

/* Nothing is lost; what version 1 had no column for is empty, and can be written. */
static void version_1_gets_tags(void **unused)
{
    (void)unused;
    struct place p = place_of_version(1);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state;
    struct store *s = open_as(&p, STORE_OWN);
    assert_int_equal(store_source(s, a, STR("x"), &state, &e), 1);
    assert_true(same(state.info.title, STR("Title")));
    assert_true(same(state.info.canonical, STR("https://example.org/y")));
    assert_true(same(state.info.tags, STR("")));
    assert_int_equal(state.info.published, 11);
    assert_int_equal(state.info.modified, 12);
    assert_int_equal(state.doubt, DOUBT_WALL);
    assert_int_equal(state.schedule.failures, 26);
    assert_int_equal(state.entries_count, 1);
    state.info.tags = STR("a\nb");
    must(store_commit(s, &state, NULL, &e), &e);
    store_close(s);
    s = open_as(&p, STORE_READ);
    assert_int_equal(store_source(s, a, STR("x"), &state, &e), 1);
    assert_true(same(state.info.tags, STR("a\nb")));
    assert_true(same(state.info.author, STR("Author")));
    store_close(s);
    arena_free(a);
    assert_int_equal(raw(p.database, "PRAGMA user_version"), schema_version);
    assert_true(is_sound(p.database));
    place_remove(&p);
}

/* Nothing is lost on the way from any release, no id and no date is another; what there was no
 * column for is empty, and the first change keeps what was before it. */
static void releases_get_history(void **unused)
{
    (void)unused;
    for (int version = 1; version <= RELEASED; version++) {
        struct place p = place_of_version(version);
        struct arena *a = arena_new();
        struct error e = {""};
        struct source_state state;
        struct entry *list;
        struct change *changes;
        struct buf faults;
        size_t count;
        struct store *s = open_as(&p, STORE_OWN);
        assert_int_equal(raw(p.database, "PRAGMA user_version"), schema_version);
        assert_int_equal(store_source(s, a, STR("x"), &state, &e), 1);
        assert_true(same(state.info.tags, version == 1 ? STR("") : STR("one\ntwo")));
        assert_false(hash_is_set(state.unfinished));
        assert_int_equal(state.unfinished_polls, 0);
        assert_int_equal(state.trouble_polls, 0);
        assert_int_equal(state.trouble_told, 0);
        assert_int_equal(state.waiting.n + (size_t)state.waiting_since, 0);
        assert_int_equal(state.schedule.next_poll, 24);
        assert_int_equal(state.schedule.wait_until, 0);
        assert_true(same(state.wait_at, STR("")));
        assert_false(state.page_kept);
        must(store_entries(s, a, STR("x"), &list, &count, &e), &e);
        assert_int_equal(count, 1);
        assert_string_equal(list[0].id, "urn:uuid:00000000-0000-5000-8000-000000000001");
        assert_int_equal(list[0].published, 2);
        assert_int_equal(list[0].updated, 3);
        assert_int_equal(list[0].seq, 1);
        assert_true(same(list[0].html, STR("<p>1</p>")));
        assert_int_equal(list[0].missing, 0);
        assert_int_equal(list[0].removed, 0);
        assert_int_equal(list[0].given.n + list[0].author.n + list[0].tags.n, 0);
        assert_int_equal(raw(p.database, "SELECT count(*) FROM revision"), 0);
        /* It has no place in all.* yet, and waits for one. */
        assert_int_equal(raw(p.database, "SELECT count(*) FROM article"), 0);
        assert_int_equal(raw(p.database, "SELECT entry FROM waiting WHERE source = 7"), 1);

        struct entry one = list[0];
        const struct entry *changed[] = {&one};
        struct event event = {EVENT_CHANGED, &one};
        struct outcome outcome = {
            .changed = changed, .changed_count = 1, .events = &event, .events_count = 1};
        one.updated = 50;
        one.text = STR("2");
        must(store_commit(s, &state, &outcome, &e), &e);
        must(store_changes(s, a, STR("x"), 9, &changes, &count, &e), &e);
        assert_int_equal(count, 1);
        assert_true(same(changes[0].before.title, STR("One")));
        assert_true(same(changes[0].before.text, STR("1")));
        assert_int_equal(changes[0].before.at, 3);
        buf_init(&faults, 1 << 20);
        must(store_check(s, &faults, &e), &e);
        if (faults.len)
            fail_msg("%s", faults.data);
        buf_clear(&faults);
        store_close(s);
        arena_free(a);
        assert_true(is_sound(p.database));
        place_remove(&p);
    }
}

/* Who only reads changes nothing, and says what would. */
static void version_1_is_not_read(void **unused)
{
    (void)unused;
    struct place p = place_of_version(1);
    struct error e = {""};
    struct store *s = NULL;
    assert_int_equal(store_open(&s, p.state, STORE_READ, &e), -1);
    assert_null(s);
    assert_non_null(strstr(e.text, "written by an older digestd (schema 1"));
    assert_int_equal(raw(p.database, "PRAGMA user_version"), 1);
    place_remove(&p);
}

static void assert_untouched(const char *const later[LATER])
{
    struct place p = place_with_entry();
    struct error e = {""};
    assert_int_equal(migrate(&p, later, &e), -1);
    assert_non_null(strstr(e.text, "cannot bring up to date"));
    assert_int_equal(raw(p.database, "PRAGMA user_version"), schema_version);
    assert_int_equal(raw(p.database, "SELECT count(*) FROM entry"), 1);
    assert_int_equal(raw(p.database, "SELECT count(*) FROM sqlite_schema WHERE name = 'extra'"), 0);
    struct store *s = open_as(&p, STORE_OWN);
    store_close(s);
    place_remove(&p);
}

static void a_failing_step_leaves_nothing(void **unused)
{
    (void)unused;
    assert_untouched(wrong);
}

static void broken_references_are_refused(void **unused)
{
    (void)unused;
    assert_untouched(orphaned);
}

/* Calls all that there is about articles. */
static void use_articles(struct store *s, struct arena *a)
{
    const uint32_t before[] = {1, 2}, sketch[] = {2, 3};
    struct error e = {""};
    struct waiting *waiting;
    struct article article, list[4];
    struct revision revision;
    struct entry entry;
    struct str source, uuid;
    size_t count;
    int64_t keys[4], at;
    must(store_waiting(s, a, &source, &waiting, &count, &e), &e);
    assert_int_equal(count, 1);
    struct placing placing = {.key = waiting[0].key,
                              .seen = 1,
                              .article = {.first = waiting[0].key, .shown = waiting[0].key},
                              .sketch = before,
                              .sketch_count = 2};
    must(store_place(s, &placing, 1, &e), &e);
    must(store_waiting(s, a, &source, &waiting, &count, &e), &e);
    assert_int_equal(count, 1); /* the other source's turn */
    placing.absorbed = waiting[0].key;
    placing.sketch = sketch;
    must(store_place(s, &placing, 1, &e), &e);
    assert_int_equal(store_article(s, a, placing.key, &article, &e), 1);
    assert_int_equal(article.copies_count, 1);
    assert_int_equal(store_alike(s, STR("q"), STR("tag:g"), sketch, 2, keys, 4, &e), 1);
    assert_int_equal(keys[0], placing.key);
    assert_int_equal(store_alike(s, STR("q"), STR(""), before, 1, keys, 4, &e), 0);
    must(store_articles(s, a, NULL, list, 4, &count, &e), &e);
    assert_int_equal(count, 1);
    must(store_articles(s, a, &article, list, 4, &count, &e), &e);
    assert_int_equal(count, 0);
    must(store_articles_gone(s, a, 1, list, 4, &count, &e), &e);
    assert_int_equal(store_keyed(s, a, placing.key, &entry, &e), 1);
    assert_int_equal(store_revision_at(s, a, placing.key, 1, &revision, &e), 0);
    must(store_newest(s, STR("y"), &at, &e), &e);
    must(store_merged(s, a, STR("u"), 5, &uuid, &at, &e), &e);
    must(store_merged(s, a, STR("v"), 6, &uuid, &at, &e), &e);
    assert_true(same(uuid, STR("u")));
    assert_int_equal(at, 5);
}

/* No statement ever walks a whole table, so that it costs the same among a hundred million entries.
 */
static void statements_use_an_index(void **unused)
{
    (void)unused;
    struct place p = place_with_entry();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state = {.name = STR("y")};
    struct entry one = entry_number(1), got, *list;
    const struct entry *entries[] = {&one};
    struct outcome outcome = {
        .changed = entries, .changed_count = 1, .moved = entries, .moved_count = 1};
    struct neighbours beside;
    struct change *changes;
    struct event event = {EVENT_CHANGED, &one};
    const struct kept_page page = {STR("bytes"), STR("text/html"), STR("https://example.org/")};
    const struct digest_page several = {.kept = page, .body = {1, 2}};
    struct digest_page *pages;
    struct kept_page kept;
    struct str bytes, *names;
    size_t count;
    int64_t since;
    uint16_t fresh, changed;
    outcome.events = &event;
    outcome.events_count = 1;
    must(store_commit(s, &state, &outcome, &e), &e); /* drops the page that is not kept */
    state.page_kept = true;
    state.page = &page;
    state.pages = &several;
    state.pages_count = 1;
    must(store_commit(s, &state, &outcome, &e), &e);
    raw(p.database, "DELETE FROM revision");
    must(store_commit(s, &state, &outcome, &e), &e);
    must(store_archive_write(s, STR("y"), 1, STR("page"), 1, &e), &e);
    assert_int_equal(store_archive(s, a, STR("y"), 1, &bytes, &since, &e), 1);
    must(store_archives(s, STR("y"), &since, &e), &e);
    must(store_changes(s, a, STR("y"), 9, &changes, &count, &e), &e);
    must(store_activity(s, STR("y"), 0, &fresh, &changed, 1, &e), &e);
    assert_int_equal(store_page(s, a, STR("y"), &kept, &e), 1);
    must(store_pages(s, a, STR("y"), &pages, &count, &e), &e);
    assert_int_equal(store_page_bytes(s, a, STR("y"), 1, &bytes, &e), 1);
    assert_int_equal(store_rename(s, STR("x"), STR("z"), &e), 1);
    must(store_former_names(s, a, STR("z"), &names, &count, &e), &e);
    must(store_same_page(s, a, STR("z"), hash_of(STR("z")), &names, &count, &e), &e);
    assert_int_equal(store_source(s, a, STR("y"), &state, &e), 1);
    must(store_entries(s, a, STR("y"), &list, &count, &e), &e);
    assert_int_equal(store_entry(s, a, STR("y"), str_of(one.id), &got, &e), 1);
    must(store_neighbours(s, a, STR("y"), str_of(one.id), &beside, &e), &e);
    const struct message messages[] = {{.kind = MESSAGE_NEW}, {.kind = MESSAGE_HUB}};
    struct outgoing out;
    state.messages = messages;
    state.messages_count = 2;
    must(store_commit(s, &state, NULL, &e), &e);
    must(store_outbox(s, a, MESSAGE_NEW, 1, &out, &count, &e), &e);
    must(store_outbox_later(s, out.key, 1, &e), &e);
    must(store_outbox_done(s, out.key, 1, &e), &e);
    must(store_body_since(s, STR("/a"), STR("1"), 1, &since, &e), &e);
    must(store_body_keep(s, STR("/a"), STR("2"), STR("feed"), 1, &e), &e);
    assert_int_equal(store_body(s, a, STR("/a"), &bytes, &since, &e), 1);
    must(store_batch(s, &e), &e);
    must(store_body_since(s, STR("/b"), STR("1"), 1, &since, &e), &e);
    assert_int_equal(store_archive_write(s, STR("nobody"), 1, STR("page"), 1, &e), -1);
    must(store_batch_end(s, &e), &e);
    use_articles(s, a);
    for (int i = 0; i < STATEMENTS; i++) {
        if (i == STATEMENT_ROLLBACK)
            continue;
        assert_non_null(s->statements[i]);
        if (sqlite3_stmt_status(s->statements[i], SQLITE_STMTSTATUS_FULLSCAN_STEP, 0))
            fail_msg("walks a table: %s", sqlite3_sql(s->statements[i]));
    }
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_run_once),
        cmocka_unit_test(steps_start_from_nothing),
        cmocka_unit_test(version_1_gets_tags),
        cmocka_unit_test(releases_get_history),
        cmocka_unit_test(version_1_is_not_read),
        cmocka_unit_test(a_failing_step_leaves_nothing),
        cmocka_unit_test(broken_references_are_refused),
        cmocka_unit_test(statements_use_an_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
