/* A process killed at any moment: on the next start each poll is there in full or not at all, and
 * what was committed is there. (valgrind reports on a process that kills itself as on any other:
 * --child-silent-after-fork=yes.) */
#include "store_help.h"

#include <signal.h>
#include <sys/wait.h>

#include "../lib/fail_vfs.h"

enum { ENTRIES = 12, POLLS = 4 };

/* A poll whose counter stands in the state and in every entry; each poll brings one entry more. */
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
    struct entry extra = entry_number(1000 + (int)counter);
    const struct entry *all[ENTRIES + 1];
    memcpy(all, changed, sizeof changed);
    all[ENTRIES] = &extra;
    extra.title = STR("extra");
    struct outcome outcome = {.changed = all, .changed_count = ENTRIES + 1};
    struct history history;
    history_make(&history, counter, &state, &outcome);
    /* The extra entry has an event of its own kind, as the last one. */
    history.events[ENTRIES].kind = EVENT_NEW;
    return history_archive(s, counter - 1, e) < 0 ? -1 : store_commit(s, &state, &outcome, e);
}

/* Opens what was left behind. The counter of the poll that is there in full; 0: none. */
static int64_t recover(const struct place *p)
{
    struct store *s = open_as(p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state;
    struct entry *list;
    size_t count = 0;
    char title[32];
    if (store_source(s, a, STR("x"), &state, &e) < 0 ||
        store_entries(s, a, STR("x"), &list, &count, &e) < 0)
        fail_msg("%s", e.text);
    int64_t counter = state.held_polls, extras = 0;
    snprintf(title, sizeof title, "poll %lld", (long long)counter);
    assert_int_equal(state.schedule.failures, counter);
    for (size_t i = 0; i < count; i++) {
        struct entry as_given = entry_number((int)list[i].seq);
        assert_string_equal(list[i].id, as_given.id);
        assert_int_equal(list[i].published, as_given.published);
        assert_int_equal(list[i].updated, as_given.updated);
        if (same(list[i].title, STR("extra"))) {
            extras++;
            continue;
        }
        assert_true(same(list[i].title, str_of(title)));
        assert_int_equal(list[i].text.p[0], 'a' + counter % 26);
    }
    assert_int_equal(extras, counter);
    assert_int_equal((int64_t)count - extras, counter ? ENTRIES : 0);
    history_assert(s, counter);
    arena_free(a);
    store_close(s);
    assert_true(is_sound(p->database));
    return counter;
}

/* The work of the child: polls after `from`, each told to `out` once it is committed. */
static void work(const struct place *p, int64_t from, int64_t polls, int out)
{
    struct store *s = NULL;
    struct error e = {""};
    bool fine = store_open(&s, p->state, STORE_OWN, &e) == 0;
    for (int64_t i = from + 1; fine && i <= from + polls; i++)
        fine = commit_poll(s, i, &e) == 0 && write(out, &i, sizeof i) == sizeof i;
    store_close(s);
    if (!fine)
        fprintf(stderr, "%s\n", e.text);
    if (!fine)
        _exit(1);
}

/* Forks the work with a plan. The last counter that it told, `from` where none; *killed: whether
 * the plan's moment came. */
static int64_t run_child(const struct place *p, int64_t from, const struct fail_plan *plan,
                         bool *killed)
{
    int ends[2], status = 0;
    int64_t told = from, counter;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        fail_vfs_plan(plan);
        work(p, from, POLLS, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    while (read(ends[0], &counter, sizeof counter) == sizeof counter)
        told = counter;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    *killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    assert_true(*killed || status == 0);
    return told;
}

/* Before, inside and after operations spread over opening, commits and the way back of the log. */
static void at_any_operation(enum fail_action action)
{
    const unsigned all = FAIL_CHANGES | FAIL_OPEN | FAIL_SHM;
    assert_int_equal(fail_vfs_install(), 0);
    struct place p = place_new();
    int64_t counter = 0, points = 0;
    bool killed = true;
    for (int64_t n = 1; killed; n += n < 40 ? 1 : 3) {
        struct fail_plan plan = {.operations = all, .at = n, .action = action};
        int64_t told = run_child(&p, counter, &plan, &killed);
        counter = recover(&p);
        assert_true(counter == told || (killed && counter == told + 1));
        points += killed;
    }
    assert_true(points >= 100);
    place_remove(&p);
    fail_vfs_remove();
}

static void before_any_operation(void **unused)
{
    (void)unused;
    at_any_operation(FAIL_KILL_BEFORE);
}

static void inside_any_operation(void **unused)
{
    (void)unused;
    at_any_operation(FAIL_KILL_INSIDE);
}

static void after_any_operation(void **unused)
{
    (void)unused;
    at_any_operation(FAIL_KILL_AFTER);
}

/* Killed from outside, wherever it happens to be. */
static void at_any_moment(void **unused)
{
    (void)unused;
    struct place p = place_new();
    int64_t counter = 0;
    for (int round = 1; round <= 12; round++) {
        int ends[2], status = 0;
        int64_t told = counter, next;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(ends[0]);
            work(&p, counter, INT32_MAX, ends[1]);
            _exit(0);
        }
        close(ends[1]);
        for (int i = 0; i < round * 3; i++) {
            assert_int_equal(read(ends[0], &next, sizeof next), sizeof next);
            told = next;
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        while (read(ends[0], &next, sizeof next) == sizeof next)
            told = next;
        close(ends[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        counter = recover(&p);
        assert_true(counter == told || counter == told + 1);
    }
    place_remove(&p);
}

/* What a loss of power leaves: database and log as they are on the disk just before a write, the
 * index of the log lost. */
struct power {
    const struct place *from, *to;
    int64_t at;
    bool copied;
};

static void copy_file(const char *from, const char *to)
{
    char bytes[8192];
    size_t n;
    FILE *in = fopen(from, "r"), *out = in ? fopen(to, "w") : NULL;
    while (out && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
        fwrite(bytes, 1, n, out);
    if (out)
        fclose(out);
    if (in)
        fclose(in);
}

static void lose_power(void *context, const struct fail_point *point)
{
    struct power *power = context;
    char from[256], to[256];
    if (point->number != power->at)
        return;
    mkdir(power->to->state, 0750);
    copy_file(power->from->database, power->to->database);
    snprintf(from, sizeof from, "%s-wal", power->from->database);
    snprintf(to, sizeof to, "%s-wal", power->to->database);
    copy_file(from, to);
    power->copied = true;
}

static void at_a_loss_of_power(void **unused)
{
    (void)unused;
    assert_int_equal(fail_vfs_install(), 0);
    bool copied = true;
    for (int64_t n = 1; copied; n += 7) {
        struct place p = place_new(), after = place_new();
        struct power power = {.from = &p, .to = &after, .at = n};
        struct error e = {""};
        int64_t committed = 0, at_power_loss = -1;
        fail_vfs_plan(
            &(struct fail_plan){.operations = FAIL_CHANGES, .hook = lose_power, .context = &power});
        struct store *s = open_as(&p, STORE_OWN);
        for (; committed < POLLS; committed++) {
            must(commit_poll(s, committed + 1, &e), &e);
            if (power.copied && at_power_loss < 0)
                at_power_loss = committed;
        }
        store_close(s);
        copied = power.copied;
        if (at_power_loss < 0) /* in the last write-back */
            at_power_loss = committed;
        fail_vfs_plan(NULL);
        if (copied) {
            int64_t found = recover(&after);
            assert_in_range(found, at_power_loss, at_power_loss + 1);
        }
        place_remove(&p);
        place_remove(&after);
    }
    fail_vfs_remove();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_any_operation), cmocka_unit_test(inside_any_operation),
        cmocka_unit_test(after_any_operation),  cmocka_unit_test(at_any_moment),
        cmocka_unit_test(at_a_loss_of_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
