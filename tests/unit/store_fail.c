/* A disk that is full, or fails, at any operation: nothing is half written, a sentence says why,
 * and the next commit works again. */
#include "store_help.h"

#include "../lib/fail_vfs.h"

enum { ENTRIES = 8 };

/* A poll whose counter stands in the state and in every entry, so that a mixture shows. */
static int commit_poll(struct store *s, int64_t counter, struct error *e)
{
    char title[32], long_text[3000];
    struct entry entries[ENTRIES];
    const struct entry *changed[ENTRIES];
    struct source_state state = {.name = STR("x"), .held_polls = counter};
    snprintf(title, sizeof title, "poll %lld", (long long)counter);
    memset(long_text, 'a' + (int)(counter % 26), sizeof long_text);
    state.schedule.failures = counter;
    for (int i = 0; i < ENTRIES; i++) {
        entries[i] = entry_number(i);
        entries[i].title = str_of(title);
        entries[i].text = (struct str){long_text, sizeof long_text};
        changed[i] = &entries[i];
    }
    struct outcome outcome = {.changed = changed, .changed_count = ENTRIES};
    struct history history;
    history_make(&history, counter, &state, &outcome);
    return history_archive(s, counter - 1, e) < 0 ? -1 : store_commit(s, &state, &outcome, e);
}

/* The counter of the poll that is there in full. */
static int64_t read_poll(struct store *s)
{
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state;
    struct entry *list;
    size_t count = 0;
    char title[32];
    if (store_source(s, a, STR("x"), &state, &e) < 0 ||
        store_entries(s, a, STR("x"), &list, &count, &e) < 0)
        fail_msg("%s", e.text);
    snprintf(title, sizeof title, "poll %lld", (long long)state.held_polls);
    assert_int_equal(state.schedule.failures, state.held_polls);
    assert_int_equal(state.entries_count, state.held_polls ? ENTRIES : 0);
    assert_int_equal(count, state.entries_count);
    for (size_t i = 0; i < count; i++) {
        assert_true(same(list[i].title, str_of(title)));
        assert_int_equal(list[i].text.p[0], 'a' + state.held_polls % 26);
    }
    int64_t counter = state.held_polls;
    arena_free(a);
    history_assert(s, counter);
    return counter;
}

static int64_t count_poll(struct store *s, unsigned operations)
{
    struct error e = {""};
    fail_vfs_plan(&(struct fail_plan){.operations = operations});
    must(commit_poll(s, 1, &e), &e);
    return fail_vfs_count();
}

/* Fails the n-th operation of a commit, for each n, once or from there on. */
static void commit_at_every_point(enum fail_action action, bool lasting, const char *says)
{
    assert_int_equal(fail_vfs_install(), 0);
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    int64_t operations = count_poll(s, FAIL_CHANGES), counter = 1, failed = 0;
    assert_true(operations > ENTRIES);
    for (int64_t n = 1; n <= operations + 1; n++) {
        struct error e = {""};
        fail_vfs_plan(&(struct fail_plan){
            .operations = FAIL_CHANGES, .at = n, .lasting = lasting, .action = action});
        int rc = commit_poll(s, counter + 1, &e);
        if (rc < 0) {
            failed++;
            if (!strstr(e.text, says))
                fail_msg("\"%s\" does not say \"%s\"", e.text, says);
            assert_int_equal(read_poll(s), counter); /* reads go on while the disk is full */
        } else {
            counter++;
        }
        fail_vfs_plan(NULL);
        assert_int_equal(read_poll(s), counter);
        must(commit_poll(s, ++counter, &e), &e);
        assert_int_equal(read_poll(s), counter);
    }
    assert_true(failed >= ENTRIES);
    store_close(s);
    assert_true(is_sound(p.database));
    s = open_as(&p, STORE_OWN);
    assert_int_equal(read_poll(s), counter);
    store_close(s);
    place_remove(&p);
    fail_vfs_remove();
}

static void a_full_disk(void **unused)
{
    (void)unused;
    commit_at_every_point(FAIL_NO_ROOM, false, "make room");
    commit_at_every_point(FAIL_NO_ROOM, true, "make room");
}

static void a_failing_disk(void **unused)
{
    (void)unused;
    commit_at_every_point(FAIL_IO, false, "disk I/O error");
    commit_at_every_point(FAIL_IO, true, "disk I/O error");
}

/* A poll that failed is gone also for the next start. */
static void a_failed_poll_stays_away(void **unused)
{
    (void)unused;
    assert_int_equal(fail_vfs_install(), 0);
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    int64_t operations = count_poll(s, FAIL_CHANGES), counter = 1;
    for (int64_t n = 1; n <= operations; n++) {
        struct error e = {""};
        fail_vfs_plan(
            &(struct fail_plan){.operations = FAIL_CHANGES, .at = n, .action = FAIL_NO_ROOM});
        if (commit_poll(s, counter + 1, &e) == 0)
            counter++;
        fail_vfs_plan(NULL);
        store_close(s);
        s = open_as(&p, STORE_OWN);
        assert_int_equal(read_poll(s), counter);
    }
    store_close(s);
    place_remove(&p);
    fail_vfs_remove();
}

/* A cold cache and a disk that cannot be read: no answer is better than a wrong one. */
static void a_disk_that_cannot_be_read(void **unused)
{
    (void)unused;
    assert_int_equal(fail_vfs_install(), 0);
    struct place p = place_new();
    struct error e = {""};
    struct store *s = open_as(&p, STORE_OWN);
    must(commit_poll(s, 1, &e), &e);
    store_close(s);
    int failed = 0;
    bool enough = false;
    for (int64_t n = 1; !enough; n++) {
        struct arena *a = arena_new();
        struct entry *list;
        size_t count = 99;
        s = open_as(&p, STORE_OWN);
        fail_vfs_plan(&(struct fail_plan){.operations = FAIL_READ, .at = n, .action = FAIL_IO});
        if (store_entries(s, a, STR("x"), &list, &count, &e) < 0) {
            failed++;
            assert_int_equal(count, 0);
            assert_non_null(strstr(e.text, "cannot read"));
        }
        enough = fail_vfs_count() < n;
        fail_vfs_plan(NULL);
        assert_int_equal(read_poll(s), 1);
        store_close(s);
        arena_free(a);
    }
    assert_true(failed > 2);
    place_remove(&p);
    fail_vfs_remove();
}

/* The first start on a disk that fails, at each operation: it says so, and the next start works. */
static void a_first_start_that_fails(void **unused)
{
    (void)unused;
    assert_int_equal(fail_vfs_install(), 0);
    const unsigned all = FAIL_CHANGES | FAIL_OPEN | FAIL_SHM;
    int failed = 0;
    bool enough = false;
    for (int64_t n = 1; !enough; n++) {
        struct place p = place_new();
        struct store *s = NULL;
        struct error e = {""};
        fail_vfs_plan(&(struct fail_plan){.operations = all, .at = n, .action = FAIL_NO_ROOM});
        if (store_open(&s, p.state, STORE_OWN, &e) < 0) {
            failed++;
            assert_null(s);
            assert_non_null(strstr(e.text, p.database));
        }
        enough = fail_vfs_count() < n;
        fail_vfs_plan(NULL);
        store_close(s);
        s = open_as(&p, STORE_OWN);
        must(commit_poll(s, 1, &e), &e);
        assert_int_equal(read_poll(s), 1);
        store_close(s);
        assert_true(is_sound(p.database));
        place_remove(&p);
    }
    assert_true(failed > 10);
    fail_vfs_remove();
}

static void body_dates_on_a_full_disk(void **unused)
{
    (void)unused;
    assert_int_equal(fail_vfs_install(), 0);
    struct place p = place_new();
    struct error e = {""};
    int64_t since = 0;
    struct store *s = open_as(&p, STORE_OWN);
    must(store_body_since(s, STR("/a"), STR("1"), 10, &since, &e), &e);
    fail_vfs_plan(&(struct fail_plan){
        .operations = FAIL_WRITE, .at = 1, .lasting = true, .action = FAIL_NO_ROOM});
    must(store_body_since(s, STR("/a"), STR("1"), 20, &since, &e), &e);
    assert_int_equal(since, 10);
    assert_int_equal(store_body_since(s, STR("/a"), STR("2"), 20, &since, &e), -1);
    assert_int_equal(since, 20); /* what to serve it with all the same */
    assert_non_null(strstr(e.text, "make room"));
    assert_int_equal(store_body_keep(s, STR("/a"), STR("1"), STR("bytes"), 20, &e), -1);
    assert_non_null(strstr(e.text, "make room"));
    fail_vfs_plan(NULL);
    must(store_body_since(s, STR("/a"), STR("2"), 30, &since, &e), &e);
    assert_int_equal(since, 30);
    must(store_body_keep(s, STR("/a"), STR("2"), STR("bytes"), 40, &e), &e);
    store_close(s);
    place_remove(&p);
    fail_vfs_remove();
}

/* The log goes back into the database now and then, and what that takes may fail without harm. */
static void the_log_stays_bounded(void **unused)
{
    (void)unused;
    assert_int_equal(fail_vfs_install(), 0);
    struct place p = place_new();
    struct error e = {""};
    struct stat st;
    char log[256];
    struct store *s = open_as(&p, STORE_OWN);
    snprintf(log, sizeof log, "%s-wal", p.database);
    for (int i = 1; i <= 400; i++) {
        must(commit_poll(s, i, &e), &e);
        assert_int_equal(stat(log, &st), 0);
        assert_true(st.st_size < 6 << 20);
    }
    assert_int_equal(read_poll(s), 400);
    store_close(s);
    place_remove(&p);
    fail_vfs_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(a_failing_disk),
        cmocka_unit_test(a_failed_poll_stays_away),
        cmocka_unit_test(a_disk_that_cannot_be_read),
        cmocka_unit_test(a_first_start_that_fails),
        cmocka_unit_test(body_dates_on_a_full_disk),
        cmocka_unit_test(the_log_stays_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
