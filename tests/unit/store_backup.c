/* A backup is whole or not there, beside whoever writes; the check finds what cannot be true; a
 * source goes on under another name. */
#include "store_help.h"

#include "../lib/fail_vfs.h"

#include <dirent.h>
#include <fcntl.h>

/* A source with an entry that has changed, a page, and an archive page. */
static void fill(struct store *s, const char *name)
{
    const struct kept_page page = {STR("bytes"), STR("text/html"), STR("https://example.org/")};
    struct source_state state = {.name = str_of(name), .page_kept = true, .page = &page};
    struct entry entries[] = {entry_number(1), entry_number(2)};
    const struct entry *changed[] = {&entries[0], &entries[1]};
    struct event events[] = {{EVENT_NEW, &entries[0]}, {EVENT_NEW, &entries[1]}};
    struct outcome outcome = {
        .changed = changed, .changed_count = 2, .events = events, .events_count = 2};
    struct error e = {""};
    must(store_commit(s, &state, &outcome, &e), &e);
    events[0].kind = EVENT_CHANGED;
    entries[0].text = STR("other");
    outcome.events_count = 1;
    must(store_commit(s, &state, &outcome, &e), &e);
    must(store_archive_write(s, state.name, 1, STR("archive"), 7, &e), &e);
}

static size_t files_in(const char *dir)
{
    DIR *d = opendir(dir);
    size_t n = 0;
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

/* As the user does it: the copy becomes the database of another state directory. */
static void assert_is_backup(const struct place *p, const char *file)
{
    struct place other = place_new();
    struct arena *a = arena_new();
    struct error e = {""};
    struct change *changes;
    struct kept_page page;
    struct buf faults;
    size_t count;
    int64_t archives;
    assert_int_equal(mkdir(other.state, 0755), 0);
    char command[600];
    snprintf(command, sizeof command, "cp %s %s", file, other.database);
    assert_int_equal(system(command), 0);
    struct store *s = open_as(&other, STORE_OWN);
    must(store_changes(s, a, STR("x"), 9, &changes, &count, &e), &e);
    assert_int_equal(count, 1);
    assert_int_equal(store_page(s, a, STR("x"), &page, &e), 1);
    must(store_archives(s, STR("x"), &archives, &e), &e);
    assert_int_equal(archives, 1);
    buf_init(&faults, 1 << 20);
    must(store_check(s, &faults, &e), &e);
    assert_int_equal(faults.len, 0);
    buf_clear(&faults);
    store_close(s);
    arena_free(a);
    assert_true(is_sound(other.database));
    assert_int_equal(raw(other.database, "SELECT sum(length(id)) FROM entry"),
                     raw(p->database, "SELECT sum(length(id)) FROM entry"));
    place_remove(&other);
}

static void a_backup_is_the_same(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    struct stat st;
    char file[256];
    struct store *owner = open_as(&p, STORE_OWN);
    fill(owner, "x");
    snprintf(file, sizeof file, "%s/backup.db", p.dir);
    struct store *s = open_as(&p, STORE_READ);
    for (int i = 0; i < 2; i++) { /* the second one takes the place of the first */
        must(store_backup(s, file, &e), &e);
        fill(owner, "y");
    }
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 077, 0); /* cookies are in it */
    assert_int_equal(raw(file, "SELECT count(*) FROM source"), 2);
    store_close(s);
    store_close(owner);
    assert_is_backup(&p, file);
    place_remove(&p);
}

/* Somebody is in the middle of a transaction: what was before it is what is copied. */
static void a_backup_waits_for_nobody(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    char file[256];
    sqlite3 *writer = NULL;
    struct store *s = open_as(&p, STORE_OWN);
    fill(s, "x");
    store_close(s);
    snprintf(file, sizeof file, "%s/backup.db", p.dir);
    assert_int_equal(sqlite3_open(p.database, &writer), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(writer, "BEGIN IMMEDIATE; UPDATE entry SET title = 'half'", NULL, NULL, NULL),
        SQLITE_OK);
    s = open_as(&p, STORE_READ);
    must(store_backup(s, file, &e), &e);
    assert_int_equal(raw(file, "SELECT count(*) FROM entry WHERE title = 'half'"), 0);
    store_close(s);
    sqlite3_close(writer);
    place_remove(&p);
}

static void a_backup_that_cannot_be(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    char file[300];
    struct store *s = open_as(&p, STORE_READ);
    snprintf(file, sizeof file, "%s/backup.db", p.dir);
    assert_int_equal(store_backup(s, file, &e), -1);
    assert_non_null(strstr(e.text, "there is no database"));
    store_close(s);
    s = open_as(&p, STORE_OWN);
    fill(s, "x");
    snprintf(file, sizeof file, "%s/none/backup.db", p.dir);
    assert_int_equal(store_backup(s, file, &e), -1);
    assert_non_null(strstr(e.text, file));
    assert_non_null(strstr(e.text, "No such file"));
    size_t before = files_in(p.dir);
    /* Nor over the database, or anything else that is in use. */
    assert_int_equal(store_backup(s, p.database, &e), -1);
    assert_non_null(strstr(e.text, "the state directory itself"));
    assert_true(is_sound(p.database));
    snprintf(file, sizeof file, "%s", p.state); /* a directory */
    assert_int_equal(store_backup(s, file, &e), -1);
    assert_non_null(strstr(e.text, file));
    assert_int_equal(files_in(p.dir), before);
    store_close(s);
    place_remove(&p);
}

/* Who keeps a link to the disk of his backups finds the backup there, and his link. */
static void a_backup_through_a_link(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    struct stat st;
    char link[300], disk[300], file[320];
    struct store *s = open_as(&p, STORE_OWN);
    fill(s, "x");
    snprintf(link, sizeof link, "%s/backup.db", p.dir);
    snprintf(disk, sizeof disk, "%s/disk", p.dir);
    snprintf(file, sizeof file, "%s/b.db", disk);
    assert_int_equal(symlink("disk/b.db", link), 0);
    /* The disk is not there, or nothing is on it. */
    for (int i = 0; i < 2; i++) {
        size_t before = files_in(p.dir);
        assert_int_equal(store_backup(s, link, &e), -1);
        assert_non_null(
            strstr(e.text, "it is a link, and what it points to cannot be had: No suc"));
        assert_int_equal(files_in(p.dir), before);
        if (i == 0)
            assert_int_equal(mkdir(disk, 0755), 0);
    }
    must(store_backup(s, file, &e), &e);
    fill(s, "y");
    must(store_backup(s, link, &e), &e);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(raw(file, "SELECT count(*) FROM source"), 2);
    assert_int_equal(files_in(disk), 1);
    /* A link to what is in use is no way to it. */
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink(p.database, link), 0);
    assert_int_equal(store_backup(s, link, &e), -1);
    assert_non_null(strstr(e.text, "the state directory itself"));
    store_close(s);
    assert_true(is_sound(p.database));
    place_remove(&p);
}

/* A sound backup is not given up for a damaged database. */
static void a_damaged_database_is_not_backed_up(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    char file[300], garbage[4096];
    struct store *s = open_as(&p, STORE_OWN);
    memset(garbage, 0x5a, sizeof garbage);
    fill(s, "x");
    snprintf(file, sizeof file, "%s/backup.db", p.dir);
    must(store_backup(s, file, &e), &e);
    store_close(s);
    int fd = open(p.database, O_WRONLY);
    assert_true(fd >= 0);
    for (off_t page = 2; page < 8; page++)
        assert_int_equal(pwrite(fd, garbage, sizeof garbage, page * 4096), sizeof garbage);
    close(fd);
    s = open_as(&p, STORE_READ);
    assert_int_equal(store_backup(s, file, &e), -1);
    assert_non_null(strstr(e.text, "damaged"));
    assert_true(is_sound(file));
    store_close(s);
    place_remove(&p);
}

/* The disk fills at any write: the backup of before stays as it was, and nothing lies about. */
static void a_backup_on_a_full_disk(void **unused)
{
    (void)unused;
    assert_int_equal(fail_vfs_install(), 0);
    struct place p = place_new();
    struct error e = {""};
    char file[256];
    int failed = 0;
    bool enough = false;
    struct store *s = open_as(&p, STORE_OWN);
    fill(s, "x");
    snprintf(file, sizeof file, "%s/backup.db", p.dir);
    must(store_backup(s, file, &e), &e);
    size_t before = files_in(p.dir);
    raw(file, "CREATE TABLE the_one_of_before (a)");
    for (int64_t n = 1; !enough; n++) {
        fail_vfs_plan(
            &(struct fail_plan){.operations = FAIL_CHANGES, .at = n, .action = FAIL_NO_ROOM});
        int rc = store_backup(s, file, &e);
        enough = fail_vfs_count() < n;
        fail_vfs_plan(NULL);
        if (rc == 0)
            break;
        failed++;
        assert_non_null(strstr(e.text, "full"));
        assert_int_equal(files_in(p.dir), before);
        assert_int_equal(raw(file, "SELECT count(*) FROM the_one_of_before"), 0);
    }
    assert_true(failed > 5);
    store_close(s);
    assert_is_backup(&p, file);
    place_remove(&p);
    fail_vfs_remove();
}

/* ---- check --------------------------------------------------------------------------------- */

static void faults_are_found(void **unused)
{
    (void)unused;
    static const struct {
        const char *damage, *says; /* a line */
    } cases[] = {
        {"SELECT 1", NULL},
        {"UPDATE entry SET id = 'urn:uuid:x' WHERE seq = 1", "x: 'urn:uuid:x' is no id of ours"},
        {"UPDATE entry SET id = replace(id, '-5000-', '-4000-') WHERE seq = 1",
         "x: 'urn:uuid:00000000-0000-4000-8000-000000000001' is no id of ours"},
        {"UPDATE entry SET id = upper(id) WHERE seq = 1", "is no id of ours"},
        {"DELETE FROM content WHERE entry = 1",
         "x: urn:uuid:00000000-0000-5000-8000-000000000001 has no content"},
        {"DELETE FROM schedule", "x has no schedule"},
        {"UPDATE entry SET seq = 2", "x: 2 entries are number 2 (seq)"},
        {"UPDATE entry SET position = -1 WHERE seq = 2", "is on the page, but at place -1"},
        {"UPDATE revision SET number = 5 WHERE number = 2", "of the revisions 1 to 5 of"},
        {"UPDATE revision SET packed = x'00' WHERE number = 2",
         "x: revision 2 of urn:uuid:00000000-0000-5000-8000-000000000001 cannot be read"},
        {"UPDATE kept_page SET size = 3", "x: the page that is kept cannot be read"},
        {"UPDATE archive SET packed = x'00'", "x: archive page 1 cannot be read"},
        {"DELETE FROM waiting WHERE entry = 2", "002 has no place in all.*, and waits for none"},
        {"INSERT INTO article VALUES (1, 1, 1, 1)", "is no copy of"},
        {"INSERT INTO article VALUES (1, 1, 1, 1);"
         "INSERT INTO copy VALUES (1, 1, 1, x''), (2, 1, 1, x'')",
         "x: 2 of its entries are one article of all.*"},
        {"PRAGMA foreign_keys = OFF; DELETE FROM entry WHERE seq = 2",
         "points to a entry that is not there"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct place p = place_new();
        struct error e = {""};
        struct buf faults;
        struct store *s = open_as(&p, STORE_OWN);
        fill(s, "x");
        store_close(s);
        raw(p.database, cases[i].damage);
        s = open_as(&p, STORE_READ);
        buf_init(&faults, 1 << 20);
        must(store_check(s, &faults, &e), &e);
        if (!cases[i].says && faults.len)
            fail_msg("%s", faults.data);
        if (cases[i].says && (!faults.len || !strstr(faults.data, cases[i].says) ||
                              faults.data[faults.len - 1] != '\n'))
            fail_msg("%s: %s", cases[i].damage, faults.len ? faults.data : "no fault");
        buf_clear(&faults);
        store_close(s);
        place_remove(&p);
    }
}

/* A page of the file that was overwritten. */
static void a_damaged_file_is_found(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    struct buf faults;
    char rubbish[4096];
    struct store *s = open_as(&p, STORE_OWN);
    fill(s, "x");
    store_close(s);
    int64_t page = raw(p.database, "SELECT rootpage FROM sqlite_schema WHERE name = 'entry'");
    memset(rubbish, 0xa5, sizeof rubbish);
    int fd = open(p.database, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, rubbish, sizeof rubbish, (page - 1) * 4096), sizeof rubbish);
    close(fd);
    s = open_as(&p, STORE_READ);
    buf_init(&faults, 1 << 20);
    must(store_check(s, &faults, &e), &e);
    assert_true(faults.len > 0);
    buf_clear(&faults);
    store_close(s);
    place_remove(&p);
}

/* ---- another name -------------------------------------------------------------------------- */

static void a_source_gets_another_name(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state;
    struct change *changes;
    struct kept_page page;
    struct entry *list;
    size_t count;
    int64_t archives;
    struct store *s = open_as(&p, STORE_OWN);
    fill(s, "x");
    fill(s, "z");
    assert_int_equal(store_rename(s, STR("none"), STR("y"), &e), 0);
    assert_int_equal(store_rename(s, STR("x"), STR("z"), &e), 0);
    assert_int_equal(store_rename(s, STR("x"), STR("y"), &e), 1);
    assert_int_equal(store_source(s, a, STR("x"), &state, &e), 0);
    assert_int_equal(store_source(s, a, STR("y"), &state, &e), 1);
    must(store_entries(s, a, STR("y"), &list, &count, &e), &e);
    assert_int_equal(count, 2);
    must(store_changes(s, a, STR("y"), 9, &changes, &count, &e), &e);
    assert_int_equal(count, 1);
    assert_int_equal(store_page(s, a, STR("y"), &page, &e), 1);
    must(store_archives(s, STR("y"), &archives, &e), &e);
    assert_int_equal(archives, 1);
    store_close(s);
    arena_free(a);
    place_remove(&p);
}

static void assert_former(struct store *s, const char *name, const char *expected)
{
    struct arena *a = arena_new();
    struct error e = {""};
    struct str *names;
    size_t count;
    struct buf all;
    buf_init(&all, 1000);
    buf_puts(&all, "");
    must(store_former_names(s, a, str_of(name), &names, &count, &e), &e);
    for (size_t i = 0; i < count; i++)
        buf_printf(&all, "%.*s ", STR_ARG(names[i]));
    assert_string_equal(all.data, expected);
    buf_clear(&all);
    arena_free(a);
}

/* All of them lead to it; the one it has is none of them. */
static void former_names_are_remembered(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct error e = {""};
    struct store *s = open_as(&p, STORE_OWN);
    fill(s, "a");
    assert_former(s, "a", "");
    assert_int_equal(store_rename(s, STR("a"), STR("b"), &e), 1);
    assert_int_equal(store_rename(s, STR("b"), STR("c"), &e), 1);
    assert_former(s, "c", "a b ");
    assert_int_equal(store_rename(s, STR("c"), STR("a"), &e), 1);
    assert_former(s, "a", "b c ");
    /* Another one is called so now, and then has another name. */
    fill(s, "b");
    assert_former(s, "a", "c ");
    assert_int_equal(store_rename(s, STR("b"), STR("z"), &e), 1);
    assert_former(s, "z", "b ");
    assert_former(s, "a", "c ");
    store_close(s);
    place_remove(&p);
}

static void sources_of_one_page(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct arena *a = arena_new();
    struct error e = {""};
    struct str *names;
    size_t count;
    const struct hash key = {1, 2}, other = {3, 4};
    const struct source_state states[] = {
        {.name = STR("a"), .id_base = STR("x"), .schedule = {.last_poll = 5}},
        {.name = STR("b"), .id_base = STR("y"), .validators = {.key = key}},
        {.name = STR("c"), .id_base = STR("x"), .schedule = {.last_poll = 7}},
        {.name = STR("d"), .id_base = STR("z"), .validators = {.key = other}},
    };
    struct store *s = open_as(&p, STORE_OWN);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        must(store_commit(s, &states[i], NULL, &e), &e);
    must(store_same_page(s, a, STR("x"), key, &names, &count, &e), &e);
    assert_int_equal(count, 3);
    assert_true(same(names[0], STR("c")));
    assert_true(same(names[1], STR("a")));
    assert_true(same(names[2], STR("b")));
    must(store_same_page(s, a, STR("none"), (struct hash){9, 9}, &names, &count, &e), &e);
    assert_int_equal(count, 0);
    store_close(s);
    arena_free(a);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_is_the_same),
        cmocka_unit_test(a_backup_waits_for_nobody),
        cmocka_unit_test(a_backup_that_cannot_be),
        cmocka_unit_test(a_backup_through_a_link),
        cmocka_unit_test(a_damaged_database_is_not_backed_up),
        cmocka_unit_test(a_backup_on_a_full_disk),
        cmocka_unit_test(faults_are_found),
        cmocka_unit_test(a_damaged_file_is_found),
        cmocka_unit_test(a_source_gets_another_name),
        cmocka_unit_test(former_names_are_remembered),
        cmocka_unit_test(sources_of_one_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
