/* What is kept besides the entries: revisions, the page as it arrived, archive pages. */
#include "store_help.h"

/* One poll in which one entry has events: a bit each of 1 << enum event_kind. */
static void poll_entry(struct store *s, const struct entry *entry, unsigned events, int64_t keep)
{
    struct source_state state = {.name = STR("x"), .keep_revisions = keep};
    struct event list[5];
    const struct entry *changed[] = {entry};
    struct outcome outcome = {.changed = changed, .changed_count = 1, .events = list};
    struct error e = {""};
    for (int kind = EVENT_NEW; kind <= EVENT_REMOVED; kind++)
        if (events & 1u << kind)
            list[outcome.events_count++] = (struct event){(enum event_kind)kind, entry};
    must(store_commit(s, &state, &outcome, &e), &e);
}

static struct entry version(int n, int64_t updated, const char *text)
{
    struct entry entry = entry_number(n);
    entry.updated = updated;
    entry.html = str_of(text);
    entry.text = str_of(text);
    return entry;
}

static size_t read_changes(struct store *s, struct arena *a, size_t most, struct change **list)
{
    struct error e = {""};
    size_t count = 99;
    must(store_changes(s, a, STR("x"), most, list, &count, &e), &e);
    return count;
}

#define NEW      (1u << EVENT_NEW)
#define RESTORED (1u << EVENT_RESTORED)
#define RENAMED  (1u << EVENT_RENAMED)
#define CHANGED  (1u << EVENT_CHANGED)
#define REMOVED  (1u << EVENT_REMOVED)

static void changes_come_newest_first(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct arena *a = arena_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct change *list;
    struct entry one = version(1, 10, "one"), two = version(2, 11, "two");
    assert_int_equal(read_changes(s, a, 9, &list), 0);
    poll_entry(s, &one, NEW, 0);
    poll_entry(s, &two, NEW, 0);
    assert_int_equal(read_changes(s, a, 9, &list), 0); /* new is no change */
    one = version(1, 20, "one more");
    one.title = STR("other");
    one.link = STR("https://example.org/other");
    poll_entry(s, &one, RENAMED | CHANGED, 0);
    two = version(2, 30, "");
    poll_entry(s, &two, CHANGED, 0);
    one.live = false;
    one.removed = 35; /* its `updated` stays */
    poll_entry(s, &one, REMOVED, 0);
    one.live = true;
    one.removed = 0;
    one.updated = 40;
    poll_entry(s, &one, RESTORED, 0);
    store_close(s);

    s = open_as(&p, STORE_READ);
    assert_int_equal(read_changes(s, a, 9, &list), 4);
    assert_int_equal(list[0].after.at, 40);
    assert_int_equal(list[0].after.events, RESTORED);
    assert_int_equal(list[0].before.number, 3);
    assert_int_equal(list[0].after.number, 4);
    assert_int_equal(list[1].after.at, 35);
    assert_int_equal(list[1].after.events, REMOVED);
    assert_true(same(list[1].after.text, STR("one more")));
    list++;
    assert_string_equal(list[1].id, two.id);
    assert_true(same(list[1].before.html, STR("two")));
    assert_true(same(list[1].before.text, STR("two")));
    assert_true(same(list[1].after.html, STR("")));
    assert_int_equal(list[1].after.at, 30);
    assert_string_equal(list[2].id, one.id);
    assert_true(same(list[2].link, STR("https://example.org/other")));
    assert_true(same(list[2].before.title, STR("标题")));
    assert_true(same(list[2].after.title, STR("other")));
    assert_true(same(list[2].before.html, STR("one")));
    assert_true(same(list[2].after.text, STR("one more")));
    assert_int_equal(list[2].before.events, NEW);
    assert_int_equal(list[2].after.events, RENAMED | CHANGED);
    assert_int_equal(list[2].before.at, 10);
    assert_int_equal(read_changes(s, a, 3, &list), 3);
    assert_int_equal(list[2].after.at, 30);
    assert_int_equal(read_changes(s, a, 0, &list), 0);
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

/* Entries of before there were revisions have none: their first change keeps what they were. */
static void what_was_before_is_kept(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct arena *a = arena_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct change *list;
    struct entry one = version(1, 10, "as it was");
    poll_entry(s, &one, NEW, 0);
    raw(p.database, "DELETE FROM revision");
    one = version(1, 20, "as it is");
    poll_entry(s, &one, CHANGED, 0);
    assert_int_equal(read_changes(s, a, 9, &list), 1);
    assert_int_equal(list[0].before.number, 1);
    assert_int_equal(list[0].before.events, 0);
    assert_int_equal(list[0].before.at, 10);
    assert_true(same(list[0].before.text, STR("as it was")));
    assert_true(same(list[0].after.text, STR("as it is")));
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

/* Revisions are of events: content that is written without one is told with the next. */
static void no_event_is_no_revision(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct arena *a = arena_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct change *list;
    struct entry one = version(1, 10, "a");
    poll_entry(s, &one, NEW, 0);
    one = version(1, 10, "b");
    poll_entry(s, &one, 0, 0);
    assert_int_equal(raw(p.database, "SELECT count(*) FROM revision"), 1);
    one = version(1, 30, "c");
    poll_entry(s, &one, CHANGED, 0);
    assert_int_equal(read_changes(s, a, 9, &list), 1);
    assert_true(same(list[0].before.text, STR("a")));
    assert_true(same(list[0].after.text, STR("c")));
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

static void old_revisions_go(void **unused)
{
    (void)unused;
    static const struct {
        int64_t keep, rows;
    } cases[] = {{0, 20}, {1, 1}, {2, 2}, {25, 25}, {100, 40}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct place p = place_new();
        struct arena *a = arena_new();
        struct store *s = open_as(&p, STORE_OWN);
        struct change *list;
        for (int i = 1; i <= 40; i++) {
            struct entry one = version(1, i, "text");
            poll_entry(s, &one, i == 1 ? NEW : CHANGED, cases[k].keep);
        }
        assert_int_equal(raw(p.database, "SELECT count(*) FROM revision"), cases[k].rows);
        assert_int_equal(raw(p.database, "SELECT max(number) FROM revision"), 40);
        /* What has lost its before is no change any more. */
        assert_int_equal(read_changes(s, a, 99, &list), cases[k].rows - 1);
        arena_free(a);
        store_close(s);
        place_remove(&p);
    }
}

/* ---- the page that is kept ----------------------------------------------------------------- */

static int read_page(struct store *s, struct arena *a, struct kept_page *page)
{
    struct error e = {""};
    struct source_state state;
    int rc = store_page(s, a, STR("x"), page, &e);
    assert_true(rc >= 0);
    assert_int_equal(store_source(s, a, STR("x"), &state, &e), 1);
    assert_int_equal(state.page_kept, rc);
    assert_null(state.page);
    return rc;
}

static void a_page_stays_until_it_goes(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct arena *a = arena_new();
    struct error e = {""};
    struct store *s = open_as(&p, STORE_OWN);
    const struct kept_page page = {STR("\0\xff<html>"), STR("text/html"), STR("https://a/\xe9")};
    struct source_state state = {.name = STR("x")};
    const struct source_state *quiet[] = {&state};
    struct kept_page got;
    must(store_commit(s, &state, NULL, &e), &e);
    assert_int_equal(read_page(s, a, &got), 0);
    state.page_kept = true;
    must(store_commit(s, &state, NULL, &e), &e); /* there is none to be left alone */
    assert_int_equal(read_page(s, a, &got), 0);
    state.page = &page;
    must(store_commit_quiet(s, quiet, 1, &e), &e);
    state.page = NULL;
    must(store_commit(s, &state, NULL, &e), &e);
    assert_int_equal(read_page(s, a, &got), 1);
    assert_true(same(got.bytes, page.bytes));
    assert_true(same(got.content_type, page.content_type));
    assert_true(same(got.url, page.url));
    state.page = &(struct kept_page){STR(""), STR("t"), STR("u")};
    must(store_commit(s, &state, NULL, &e), &e);
    assert_int_equal(read_page(s, a, &got), 1);
    assert_true(same(got.bytes, STR("")));
    state.page_kept = false;
    must(store_commit(s, &state, NULL, &e), &e);
    assert_int_equal(read_page(s, a, &got), 0);
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

/* The same page again is not written again. */
static void a_page_is_written_once(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    struct store *s = open_as(&p, STORE_OWN);
    const struct kept_page page = {STR("bytes"), STR("text/html"), STR("https://a/")};
    struct source_state state = {.name = STR("x"), .page_kept = true, .page = &page};
    must(store_commit(s, &state, NULL, &e), &e);
    raw(p.database, "UPDATE kept_page SET size = 77");
    must(store_commit(s, &state, NULL, &e), &e);
    assert_int_equal(raw(p.database, "SELECT size FROM kept_page"), 77);
    store_close(s);
    place_remove(&p);
}

/* ---- archive pages ------------------------------------------------------------------------- */

static void archives_stay(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct arena *a = arena_new();
    struct error e = {""};
    struct store *s = open_as(&p, STORE_OWN);
    struct source_state state = {.name = STR("x")};
    struct str bytes;
    int64_t since, count = 99;
    assert_int_equal(store_archive_write(s, STR("x"), 1, STR("one"), 100, &e), -1);
    assert_non_null(strstr(e.text, "there is no source x"));
    must(store_archives(s, STR("x"), &count, &e), &e);
    assert_int_equal(count, 0);
    must(store_commit(s, &state, NULL, &e), &e);
    must(store_archive_write(s, STR("x"), 1, STR("one"), 100, &e), &e);
    must(store_archive_write(s, STR("x"), 2, STR("two"), 200, &e), &e);
    must(store_archive_write(s, STR("x"), 1, STR("one"), 300, &e), &e); /* as it was */
    must(store_archive_write(s, STR("x"), 2, STR("TWO"), 300, &e), &e);
    must(store_archives(s, STR("x"), &count, &e), &e);
    assert_int_equal(count, 2);
    store_close(s);
    s = open_as(&p, STORE_READ);
    assert_int_equal(store_archive(s, a, STR("x"), 1, &bytes, &since, &e), 1);
    assert_true(same(bytes, STR("one")));
    assert_int_equal(since, 100);
    assert_int_equal(store_archive(s, a, STR("x"), 2, &bytes, &since, &e), 1);
    assert_true(same(bytes, STR("TWO")));
    assert_int_equal(since, 300);
    assert_int_equal(store_archive(s, a, STR("x"), 3, &bytes, &since, &e), 0);
    assert_int_equal(store_archive_write(s, STR("x"), 3, STR("3"), 1, &e), -1);
    assert_non_null(strstr(e.text, "reading only"));
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

/* ---- damage -------------------------------------------------------------------------------- */

/* A database that is damaged is not believed, neither in what it says nor in how much memory it
 * says it needs. */
static void damage_is_told(void **unused)
{
    (void)unused;
    static const char *const damages[] = {
        "UPDATE archive SET size = 1 << 40",
        "UPDATE archive SET size = -1",
        "UPDATE archive SET size = 1073741824",
        "UPDATE archive SET size = size + 1",
        "UPDATE archive SET packed = x''",
        "UPDATE archive SET packed = substr(packed, 1, length(packed) - 5)",
        "UPDATE archive SET packed = cast(substr(packed, 1, length(packed) - 1) || x'00' AS BLOB)",
        /* a frame that says it has 1 GiB in it: bound, single segment, checksum */
        "UPDATE archive SET size = 1073741824, packed = x'28b52ffda40000004001000000'",
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct place p = place_new();
        struct arena *a = arena_new();
        struct error e = {""};
        struct store *s = open_as(&p, STORE_OWN);
        struct source_state state = {.name = STR("x")};
        struct buf faults;
        struct str bytes;
        int64_t since;
        buf_init(&faults, 1 << 20);
        must(store_commit(s, &state, NULL, &e), &e);
        must(store_archive_write(s, STR("x"), 1, STR("a page of some length, a page"), 1, &e), &e);
        must(store_check(s, &faults, &e), &e);
        assert_int_equal(faults.len, 0);
        raw(p.database, damages[i]);
        if (store_archive(s, a, STR("x"), 1, &bytes, &since, &e) != -1)
            fail_msg("not seen: %s", damages[i]);
        assert_non_null(strstr(e.text, "damaged"));
        assert_true(arena_used(a) < 1 << 20);
        must(store_check(s, &faults, &e), &e);
        assert_string_equal(faults.data, "x: archive page 1 cannot be read\n");
        buf_clear(&faults);
        arena_free(a);
        store_close(s);
        place_remove(&p);
    }
}

static void nothing_in_an_empty_store(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct arena *a = arena_new();
    struct error e = {""};
    struct store *s = open_as(&p, STORE_READ);
    struct kept_page page;
    struct change *list;
    struct str bytes;
    int64_t number;
    assert_int_equal(read_changes(s, a, 9, &list), 0);
    assert_int_equal(store_page(s, a, STR("x"), &page, &e), 0);
    assert_int_equal(store_archive(s, a, STR("x"), 1, &bytes, &number, &e), 0);
    must(store_archives(s, STR("x"), &number, &e), &e);
    assert_int_equal(number, 0);
    assert_int_equal(store_rename(s, STR("x"), STR("y"), &e), -1);
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

#define DAY  86400
#define DAYS 4

static void activity_is_counted_by_day(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct error e = {""};
    uint16_t fresh[DAYS], changed[DAYS];
    int64_t since = 1000 * DAY;
    struct entry one = version(1, since - 1, "a"), two = version(2, since + DAY, "b"),
                 three = version(3, since + 2 * DAY - 1, "c");
    poll_entry(s, &one, NEW, 0); /* the day before */
    poll_entry(s, &two, NEW, 0);
    poll_entry(s, &three, NEW, 0);
    one.updated = since + DAY + 5;
    poll_entry(s, &one, RENAMED | CHANGED, 0); /* one change, two events */
    two.updated = since + 3 * DAY;
    poll_entry(s, &two, CHANGED, 0);
    three.live = false;
    three.removed = since + 3 * DAY + 7;
    poll_entry(s, &three, REMOVED, 0); /* is no change */
    three.live = true;
    three.removed = 0;
    three.updated = since + 4 * DAY;
    poll_entry(s, &three, RESTORED, 0); /* the day after */
    must(store_activity(s, STR("x"), since, fresh, changed, DAYS, &e), &e);
    assert_memory_equal(fresh, ((uint16_t[]){0, 2, 0, 0}), sizeof fresh);
    assert_memory_equal(changed, ((uint16_t[]){0, 1, 0, 1}), sizeof changed);
    must(store_activity(s, STR("y"), since, fresh, changed, DAYS, &e), &e);
    assert_memory_equal(fresh, ((uint16_t[]){0, 0, 0, 0}), sizeof fresh);
    store_close(s);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_come_newest_first),
        cmocka_unit_test(what_was_before_is_kept),
        cmocka_unit_test(no_event_is_no_revision),
        cmocka_unit_test(old_revisions_go),
        cmocka_unit_test(a_page_stays_until_it_goes),
        cmocka_unit_test(a_page_is_written_once),
        cmocka_unit_test(archives_stay),
        cmocka_unit_test(activity_is_counted_by_day),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(nothing_in_an_empty_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
