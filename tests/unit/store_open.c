/* What the store opens, what it refuses and how it says so, and reading beside the owner. */
#include "store_help.h"

#include "../../daemon/store/schema.h"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <sys/wait.h>

static void put_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static struct hash hash_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char bytes[65536];
    assert_non_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return hash_of((struct str){bytes, n});
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

static void commit_counter(struct store *s, int64_t counter)
{
    struct error e = {""};
    struct source_state state = {.name = STR("x"), .held_polls = counter};
    must(store_commit(s, &state, NULL, &e), &e);
}

/* -1: the source is not there. */
static int64_t read_counter(struct store *s)
{
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state;
    int rc = store_source(s, a, STR("x"), &state, &e);
    arena_free(a);
    if (rc < 0)
        fail_msg("%s", e.text);
    return rc ? state.held_polls : -1;
}

static void assert_refused(const char *state, enum store_mode mode, const char *part)
{
    struct store *s = NULL;
    struct error e = {""};
    assert_int_equal(store_open(&s, state, mode, &e), -1);
    assert_null(s);
    if (!strstr(e.text, part))
        fail_msg("\"%s\" does not say \"%s\"", e.text, part);
    assert_null(strchr(e.text, '\n'));
}

static void makes_what_is_missing(void **unused)
{
    (void)unused;
    mode_t mask = umask(022);
    struct place p = place_new();
    struct place deep = p;
    snprintf(deep.state, sizeof deep.state, "%s/a/b/", p.dir);
    snprintf(deep.database, sizeof deep.database, "%sdigestd.db", deep.state);
    struct store *s = open_as(&deep, STORE_OWN);
    assert_int_equal(mode_of(deep.state), 0750);
    assert_int_equal(mode_of(deep.database), 0640);
    commit_counter(s, 1);
    char log[256];
    snprintf(log, sizeof log, "%s-wal", deep.database);
    assert_int_equal(mode_of(log), 0640);
    store_close(s);
    assert_int_equal(access(log, F_OK), -1); /* written back */
    assert_int_equal(raw(deep.database, "PRAGMA user_version"), schema_version);
    assert_int_equal(raw(deep.database, "PRAGMA application_id"), 0x64677374);
    assert_int_equal(raw(deep.database, "SELECT count(*) FROM pragma_journal_mode "
                                        "WHERE journal_mode = 'wal'"),
                     1);
    assert_true(is_sound(deep.database));
    place_remove(&p);
    umask(mask);
}

static void opens_again_as_it_was(void **unused)
{
    (void)unused;
    struct place p = place_new();
    for (int i = 0; i < 3; i++) {
        struct store *s = open_as(&p, STORE_OWN);
        assert_int_equal(read_counter(s), i - 1);
        commit_counter(s, i);
        store_close(s);
    }
    struct hash before = hash_file(p.database);
    store_close(open_as(&p, STORE_OWN));
    assert_true(hash_eq(before, hash_file(p.database)));
    place_remove(&p);
}

static void refuses_what_is_no_database(void **unused)
{
    (void)unused;
    static char noise[10000];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)(i * i * 31 >> 3);
    static const struct {
        const char *bytes;
        size_t n;
    } files[] = {{"hello\n", 6}, {noise, 700}, {noise, sizeof noise}, {"SQLite format 3", 16}};
    struct place p = place_new();
    assert_int_equal(mkdir(p.state, 0755), 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        put_file(p.database, files[i].bytes, files[i].n);
        struct hash before = hash_file(p.database);
        assert_refused(p.state, STORE_OWN, "is not a digestd database");
        assert_refused(p.state, STORE_OWN, p.database);
        assert_refused(p.state, STORE_OWN, "set state-dir");
        assert_refused(p.state, STORE_READ, "is not a digestd database");
        assert_true(hash_eq(before, hash_file(p.database)));
    }
    remove(p.database);
    assert_int_equal(mkdir(p.database, 0755), 0);
    assert_refused(p.state, STORE_OWN, "cannot open");
    assert_refused(p.state, STORE_READ, "cannot open");
    place_remove(&p);
}

/* Databases of other programs: marked, unmarked, and one that only carries a version. */
static void refuses_what_is_not_ours(void **unused)
{
    (void)unused;
    static const char *const others[] = {
        "PRAGMA application_id = 1234; CREATE TABLE t (a);",
        "PRAGMA application_id = 1234;",
        "CREATE TABLE t (a); INSERT INTO t VALUES (1);",
        "PRAGMA user_version = 1;",
        "PRAGMA application_id = 0x64677374; PRAGMA user_version = -1;",
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct place p = place_new();
        assert_int_equal(mkdir(p.state, 0755), 0);
        raw(p.database, others[i]);
        struct hash before = hash_file(p.database);
        assert_refused(p.state, STORE_OWN, "is not a digestd database; move it away");
        assert_refused(p.state, STORE_READ, "is not a digestd database; move it away");
        assert_true(hash_eq(before, hash_file(p.database)));
        place_remove(&p);
    }
}

static void refuses_a_newer_schema(void **unused)
{
    (void)unused;
    struct place p = place_new();
    store_close(open_as(&p, STORE_OWN));
    raw(p.database, "PRAGMA user_version = 4711");
    assert_refused(p.state, STORE_OWN, "was written by a newer digestd (schema 4711");
    assert_refused(p.state, STORE_READ, "was written by a newer digestd (schema 4711");
    assert_int_equal(raw(p.database, "PRAGMA user_version"), 4711);
    place_remove(&p);
}

/* A page in the middle overwritten: what is read of it is told as damage, not believed. */
static void tells_of_damage(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct source_state state = {.name = STR("x")};
    struct entry one = entry_number(1), *list;
    const struct entry *changed[] = {&one};
    struct outcome outcome = {.changed = changed, .changed_count = 1};
    size_t count;
    must(store_commit(s, &state, &outcome, &e), &e);
    store_close(s);
    int fd = open(p.database, O_WRONLY);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    for (int page = 1; page < 12; page++)
        assert_int_equal(pwrite(fd, junk, sizeof junk, (off_t)page * 4096), sizeof junk);
    close(fd);
    s = open_as(&p, STORE_OWN);
    assert_int_equal(store_entries(s, a, STR("x"), &list, &count, &e), -1);
    assert_non_null(strstr(e.text, "damaged"));
    assert_int_equal(store_source(s, a, STR("x"), &state, &e), -1);
    store_close(s);
    arena_free(a);
    place_remove(&p);
}

static void refuses_a_directory_below_a_file(void **unused)
{
    (void)unused;
    struct place p = place_new();
    char below[256];
    put_file(p.state, "", 0);
    snprintf(below, sizeof below, "%s/a/state", p.state);
    assert_refused(p.state, STORE_OWN, "cannot make");
    assert_refused(below, STORE_OWN, "cannot make the state directory");
    assert_refused(below, STORE_OWN, "set state-dir");
    assert_refused(below, STORE_READ, "cannot open");
    assert_refused("", STORE_OWN, "set state-dir");
    assert_refused("", STORE_READ, "set state-dir");
    place_remove(&p);
}

static void reading_nothing_makes_nothing(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    struct arena *a = arena_new();
    struct store *s = open_as(&p, STORE_READ);
    struct source_state state = {.name = STR("x")};
    struct entry *list, entry;
    size_t count = 9;
    int64_t since = 0;
    assert_int_equal(read_counter(s), -1);
    assert_int_equal(store_entries(s, a, STR("x"), &list, &count, &e), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_entry(s, a, STR("x"), STR("y"), &entry, &e), 0);
    assert_int_equal(store_body_since(s, STR("/"), STR("e"), 77, &since, &e), 0);
    assert_int_equal(since, 77);
    assert_int_equal(store_commit(s, &state, NULL, &e), -1);
    assert_non_null(strstr(e.text, "reading only"));
    store_close(s);
    assert_int_equal(access(p.state, F_OK), -1);

    /* An owner that has only just begun. */
    assert_int_equal(mkdir(p.state, 0755), 0);
    put_file(p.database, "", 0);
    s = open_as(&p, STORE_READ);
    assert_int_equal(read_counter(s), -1);
    store_close(s);
    s = open_as(&p, STORE_OWN);
    commit_counter(s, 3);
    store_close(s);
    arena_free(a);
    place_remove(&p);
}

static void reads_beside_the_owner(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    struct store *owner = open_as(&p, STORE_OWN);
    commit_counter(owner, 1);
    int64_t since = 0;
    must(store_body_since(owner, STR("/x.atom"), STR("1"), 10, &since, &e), &e);
    struct store *reader = open_as(&p, STORE_READ);
    assert_int_equal(read_counter(reader), 1);
    for (int i = 2; i < 50; i++) {
        commit_counter(owner, i);
        assert_int_equal(read_counter(reader), i);
    }
    struct source_state state = {.name = STR("x")};
    const struct source_state *states[] = {&state};
    assert_int_equal(store_commit(reader, &state, NULL, &e), -1);
    assert_int_equal(store_commit_quiet(reader, states, 1, &e), -1);
    must(store_body_since(reader, STR("/x.atom"), STR("1"), 20, &since, &e), &e);
    assert_int_equal(since, 10);
    must(store_body_since(reader, STR("/x.atom"), STR("2"), 20, &since, &e), &e);
    assert_int_equal(since, 20);
    store_close(owner);
    assert_int_equal(read_counter(reader), 49);
    store_close(reader);
    owner = open_as(&p, STORE_OWN);
    must(store_body_since(owner, STR("/x.atom"), STR("1"), 30, &since, &e), &e);
    assert_int_equal(since, 10); /* the reader kept nothing */
    store_close(owner);
    place_remove(&p);
}

/* Who may read but not write the directory, while there is no owner. */
static void reads_without_leave_to_write(void **unused)
{
    (void)unused;
    if (geteuid() != 0) {
        print_message("needs root: skipped\n");
        skip();
    }
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    commit_counter(s, 42);
    store_close(s);
    assert_int_equal(chmod(p.dir, 0755), 0);
    assert_int_equal(chmod(p.state, 0755), 0);
    assert_int_equal(chmod(p.database, 0644), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct error e = {""};
        struct source_state state;
        struct arena *a = arena_new();
        bool fine = setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0 &&
                    store_open(&s, p.state, STORE_READ, &e) == 0 &&
                    store_source(s, a, STR("x"), &state, &e) == 1 && state.held_polls == 42;
        if (!fine)
            fprintf(stderr, "%s\n", e.text);
        else
            store_close(s);
        arena_free(a);
        _exit(fine ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    place_remove(&p);
}

static void odd_names_are_paths_all_the_same(void **unused)
{
    (void)unused;
    struct place p = place_new();
    snprintf(p.state, sizeof p.state, "%s/a?b#c%%41 d&mode=memory", p.dir);
    snprintf(p.database, sizeof p.database, "%s/digestd.db", p.state);
    struct store *s = open_as(&p, STORE_OWN);
    commit_counter(s, 5);
    store_close(s);
    assert_int_equal(access(p.database, F_OK), 0);
    s = open_as(&p, STORE_READ);
    assert_int_equal(read_counter(s), 5);
    store_close(s);
    place_remove(&p);
}

/* ---- a lock that another program holds ----------------------------------------------------- */

/* More naps than SQLite's own waiting would take before it gives up. */
#define SIGNALS 200

static atomic_int signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void signal_every(suseconds_t microseconds)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct itimerval every = {{0, microseconds}, {0, microseconds}};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
}

struct holder {
    const char *database;
    atomic_bool holds;
};

/* Takes the lock, and lets it go once so many signals have come. */
static void *hold_lock(void *arg)
{
    struct holder *h = arg;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(h->database, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    atomic_store(&h->holds, true);
    while (signals < SIGNALS)
        sched_yield();
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    return NULL;
}

static void waits_for_a_lock_through_signals(void **state)
{
    (void)state;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct holder h = {.database = p.database};
    pthread_t thread;
    sigset_t alarm, before;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, &before);
    assert_int_equal(pthread_create(&thread, NULL, hold_lock, &h), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (!atomic_load(&h.holds))
        sched_yield();
    signal_every(1000);
    commit_counter(s, 7);
    signal_every(0);
    assert_true(signals >= SIGNALS);
    pthread_join(thread, NULL);
    assert_int_equal(read_counter(s), 7);
    store_close(s);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_what_is_missing),
        cmocka_unit_test(opens_again_as_it_was),
        cmocka_unit_test(refuses_what_is_no_database),
        cmocka_unit_test(refuses_what_is_not_ours),
        cmocka_unit_test(refuses_a_newer_schema),
        cmocka_unit_test(tells_of_damage),
        cmocka_unit_test(refuses_a_directory_below_a_file),
        cmocka_unit_test(reading_nothing_makes_nothing),
        cmocka_unit_test(reads_beside_the_owner),
        cmocka_unit_test(reads_without_leave_to_write),
        cmocka_unit_test(odd_names_are_paths_all_the_same),
        cmocka_unit_test(waits_for_a_lock_through_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
