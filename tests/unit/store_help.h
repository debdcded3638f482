/* What the tests of the store share: a state directory to play in, samples, comparisons. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base.h"
#include "model.h"
#include "store.h"

struct place {
    char dir[160];      /* exists */
    char state[192];    /* dir/state: does not, until the store makes it */
    char database[224]; /* state/digestd.db */
};

static inline struct place place_new(void)
{
    struct place p;
    const char *parent = getenv("TMPDIR");
    snprintf(p.dir, sizeof p.dir, "%s/digestd-store-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(p.dir));
    snprintf(p.state, sizeof p.state, "%s/state", p.dir);
    snprintf(p.database, sizeof p.database, "%s/digestd.db", p.state);
    return p;
}

static inline int place_remove_one(const char *path, const struct stat *st, int type,
                                   struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void place_remove(const struct place *p)
{
    nftw(p->dir, place_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct store *open_as(const struct place *p, enum store_mode mode)
{
    struct store *s = NULL;
    struct error e = {""};
    if (store_open(&s, p->state, mode, &e) < 0)
        fail_msg("store_open: %s", e.text);
    return s;
}

static inline void must(int rc, const struct error *e)
{
    if (rc != 0)
        fail_msg("%d: %s", rc, e->text);
}

/* Runs SQL on the database beside the store; gives the first column of the last row as an integer,
 * -1 where there is none. */
static inline int64_t raw(const char *database, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
    while (*sql) {
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, &sql), SQLITE_OK);
        int rc;
        while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
            value = sqlite3_column_int64(statement, 0);
        assert_true(rc == SQLITE_DONE);
        sqlite3_finalize(statement);
        statement = NULL;
    }
    sqlite3_close(db);
    return value;
}

static inline bool is_sound(const char *database)
{
    return raw(database, "SELECT count(*) FROM pragma_integrity_check "
                         "WHERE integrity_check <> 'ok'") == 0 &&
           raw(database, "SELECT count(*) FROM pragma_foreign_key_check") == 0;
}

static inline bool same(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* An entry with an id of its own; whatever else a test is about it sets itself. */
static inline struct entry entry_number(int n)
{
    struct entry entry = {.title = STR("标题"),
                          .html = STR("<p>内容</p>"),
                          .text = STR("内容"),
                          .link = STR("https://example.org/a#b"),
                          .hash = {7, 9},
                          .ordinal = 1,
                          .published = 1000,
                          .updated = 2000,
                          .seq = n,
                          .position = n,
                          .live = true};
    snprintf(entry.id, sizeof entry.id, "urn:uuid:00000000-0000-5000-8000-%012d", n);
    return entry;
}

static inline void assert_entry_equal(const struct entry *a, const struct entry *b)
{
    assert_string_equal(a->id, b->id);
    assert_true(same(a->title, b->title));
    assert_true(same(a->html, b->html));
    assert_true(same(a->text, b->text));
    assert_true(same(a->link, b->link));
    assert_true(hash_eq(a->hash, b->hash));
    assert_int_equal(a->ordinal, b->ordinal);
    assert_int_equal(a->published, b->published);
    assert_int_equal(a->updated, b->updated);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->position, b->position);
    assert_int_equal(a->live, b->live);
    assert_true(same(a->given, b->given));
    assert_true(same(a->author, b->author));
    assert_true(same(a->tags, b->tags));
}

/* What a poll writes besides entries, made of its counter, so that a mixture shows: an event of
 * each entry, the page, and an archive page of the poll before. */
enum { HISTORY_ENTRIES = 64, HISTORY_KEPT = 3 };
struct history {
    struct event events[HISTORY_ENTRIES];
    struct kept_page page;
    char bytes[6000], name[48];
};

/* Bytes that do not pack well. */
static inline void history_fill(char *bytes, size_t n, int64_t counter)
{
    uint32_t x = (uint32_t)counter * 2654435761u + 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (char)(x >> 24);
    }
}

static inline void history_make(struct history *h, int64_t counter, struct source_state *state,
                                struct outcome *outcome)
{
    assert_true(outcome->changed_count <= HISTORY_ENTRIES);
    history_fill(h->bytes, sizeof h->bytes, counter);
    snprintf(h->name, sizeof h->name, "https://example.org/%lld", (long long)counter);
    h->page = (struct kept_page){{h->bytes, sizeof h->bytes}, STR("text/html"), str_of(h->name)};
    state->page_kept = true;
    state->page = &h->page;
    state->keep_revisions = HISTORY_KEPT;
    for (size_t i = 0; i < outcome->changed_count; i++)
        h->events[i] =
            (struct event){counter == 1 ? EVENT_NEW : EVENT_CHANGED, outcome->changed[i]};
    outcome->events = h->events;
    outcome->events_count = outcome->changed_count;
}

static inline int history_archive(struct store *s, int64_t counter, struct error *e)
{
    char bytes[6000];
    if (counter <= 0)
        return 0;
    history_fill(bytes, sizeof bytes, -counter);
    return store_archive_write(s, STR("x"), counter, (struct str){bytes, sizeof bytes}, counter, e);
}

/* All of it is that of the poll `counter`; the archive page that comes with the next one may be
 * there. */
static inline void history_assert(struct store *s, int64_t counter)
{
    struct arena *a = arena_new();
    struct error e = {""};
    struct kept_page page;
    struct change *changes;
    struct buf faults;
    struct str bytes;
    size_t count;
    int64_t archives, since;
    char expected[6000], name[48];
    buf_init(&faults, 1 << 20);
    snprintf(name, sizeof name, "https://example.org/%lld", (long long)counter);
    history_fill(expected, sizeof expected, counter);
    assert_int_equal(store_page(s, a, STR("x"), &page, &e), counter > 0);
    if (counter) {
        assert_true(same(page.bytes, (struct str){expected, sizeof expected}));
        assert_true(same(page.url, str_of(name)));
    }
    must(store_archives(s, STR("x"), &archives, &e), &e);
    assert_true(archives == counter || archives == (counter ? counter - 1 : 0));
    if (archives) {
        history_fill(expected, sizeof expected, -archives);
        assert_int_equal(store_archive(s, a, STR("x"), archives, &bytes, &since, &e), 1);
        assert_true(same(bytes, (struct str){expected, sizeof expected}));
        assert_int_equal(since, archives);
    }
    must(store_changes(s, a, STR("x"), 9, &changes, &count, &e), &e);
    assert_true(counter < 2 ? count == 0 : count > 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(changes[i].after.number, changes[i].before.number + 1);
    must(store_check(s, &faults, &e), &e);
    if (faults.len)
        fail_msg("%s", faults.data);
    buf_clear(&faults);
    arena_free(a);
}
