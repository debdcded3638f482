/* What is written comes back: every field, in its order, over a restart. */
#include "store_help.h"

#include "../lib/fail_vfs.h"

static struct source_state full_state(void)
{
    return (struct source_state){
        .name = STR("blog"),
        .id_base = STR("https://example.org/12815167"),
        .info = {.title = STR("Łódź 我的#摘要"),
                 .author = STR("whao \"soft\""),
                 .description = STR("'; DROP TABLE entry; --\n第二行"),
                 .language = STR("zh-CN"),
                 .canonical = STR("https://example.org/12815167?x=1"),
                 .tags = STR("大模型\nC & C++"),
                 .published = 1734085211,
                 .modified = -5},
        .validators = {.etag = STR("W/\"a\xff\x80z\""),
                       .last_modified = STR("Wed, 12 Nov 2025 01:30:00 GMT"),
                       .url = STR("https://example.org/n\xe9w"),
                       .body = {UINT64_MAX, 1},
                       .key = {0, UINT64_C(0x8000000000000000)}},
        .move = {.from = STR("http://example.org/"),
                 .to = STR("https://example.org/n\xe9w"),
                 .polls = 2},
        .schedule = {.last_poll = 1,
                     .last_good = 2,
                     .last_change = 3,
                     .next_poll = INT64_MAX,
                     .trouble_since = 5,
                     .failures = 6,
                     .wait_until = 7},
        .doubt = DOUBT_LOST,
        .reason = STR("the page lost 12 of 21 sections"),
        .held = {3, 4},
        .held_polls = 2,
        .cookies = STR("example.org\tFALSE\t/\tTRUE\t0\tc\tv\xe9\n"),
        .wait_at = STR("https://example.net:8443/a\xff"),
    };
}

static void assert_state_equal(const struct source_state *a, const struct source_state *b)
{
    assert_true(same(a->name, b->name));
    assert_true(same(a->id_base, b->id_base));
    assert_true(same(a->info.title, b->info.title));
    assert_true(same(a->info.author, b->info.author));
    assert_true(same(a->info.description, b->info.description));
    assert_true(same(a->info.language, b->info.language));
    assert_true(same(a->info.canonical, b->info.canonical));
    assert_true(same(a->info.tags, b->info.tags));
    assert_int_equal(a->info.published, b->info.published);
    assert_int_equal(a->info.modified, b->info.modified);
    assert_true(same(a->validators.etag, b->validators.etag));
    assert_true(same(a->validators.last_modified, b->validators.last_modified));
    assert_true(same(a->validators.url, b->validators.url));
    assert_true(hash_eq(a->validators.body, b->validators.body));
    assert_true(hash_eq(a->validators.key, b->validators.key));
    assert_true(same(a->move.from, b->move.from));
    assert_true(same(a->move.to, b->move.to));
    assert_int_equal(a->move.polls, b->move.polls);
    assert_memory_equal(&a->schedule, &b->schedule, sizeof a->schedule);
    assert_int_equal(a->doubt, b->doubt);
    assert_true(same(a->reason, b->reason));
    assert_true(hash_eq(a->held, b->held));
    assert_int_equal(a->held_polls, b->held_polls);
    assert_true(same(a->cookies, b->cookies));
    assert_true(same(a->wait_at, b->wait_at));
}

static void read_state(struct store *s, struct arena *a, const char *name, struct source_state *out)
{
    struct error e = {""};
    if (store_source(s, a, str_of(name), out, &e) != 1)
        fail_msg("source %s: %s", name, e.text);
}

static size_t read_entries(struct store *s, struct arena *a, const char *name, struct entry **out)
{
    struct error e = {""};
    size_t count = 0;
    must(store_entries(s, a, str_of(name), out, &count, &e), &e);
    return count;
}

static void unknown_source_has_nothing(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state;
    struct entry *list, entry;
    size_t count;
    assert_int_equal(store_source(s, a, STR("none"), &state, &e), 0);
    assert_int_equal(state.name.n, 0);
    assert_int_equal(state.schedule.last_poll, 0);
    assert_int_equal(store_entries(s, a, STR("none"), &list, &count, &e), 0);
    assert_int_equal(count, 0);
    assert_int_equal(store_entry(s, a, STR("none"), STR("urn:uuid:x"), &entry, &e), 0);
    assert_string_equal(e.text, "");
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

static void state_comes_back_whole(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state in = full_state(), out;
    must(store_commit(s, &in, NULL, &e), &e);
    read_state(s, a, "blog", &out);
    assert_state_equal(&in, &out);
    assert_int_equal(out.entries_count, 0);
    store_close(s);
    s = open_as(&p, STORE_OWN);
    read_state(s, a, "blog", &out);
    assert_state_equal(&in, &out);

    /* Everything can be emptied again. */
    struct source_state empty = {.name = STR("blog")};
    must(store_commit(s, &empty, NULL, &e), &e);
    read_state(s, a, "blog", &out);
    assert_state_equal(&empty, &out);
    assert_false(hash_is_set(out.held));
    assert_non_null(out.cookies.p);
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

static void each_doubt_comes_back(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state in = {.name = STR("x")}, out;
    for (int i = DOUBT_NONE; i <= DOUBT_STATE; i++) {
        in.doubt = (enum doubt)i;
        must(store_commit(s, &in, NULL, &e), &e);
        read_state(s, a, "x", &out);
        assert_int_equal(out.doubt, i);
    }
    arena_free(a);
    store_close(s);
    /* One of a later version is trouble of some kind. */
    raw(p.database, "UPDATE source SET doubt = 'moonlight'");
    s = open_as(&p, STORE_READ);
    a = arena_new();
    read_state(s, a, "x", &out);
    assert_int_equal(out.doubt, DOUBT_FETCH);
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

static void entries_come_back_whole(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state = {.name = STR("x")};
    struct entry full = entry_number(1);
    struct entry bare = {.updated = 1};
    full.ordinal = 4000000000U;
    full.published = -1;
    full.updated = INT64_MAX;
    full.position = 4;
    full.given = STR("tag:example.org,2026:łódź");
    full.author = STR("A. N. Other");
    full.tags = STR("茶\nwater & tea");
    memcpy(bare.id, "urn:uuid:00000000-0000-5000-8000-000000000002", ID_SIZE);
    const struct entry *changed[] = {&full, &bare};
    struct outcome outcome = {.changed = changed, .changed_count = 2};
    must(store_commit(s, &state, &outcome, &e), &e);
    store_close(s);

    s = open_as(&p, STORE_OWN);
    struct entry *list, one;
    assert_int_equal(read_entries(s, a, "x", &list), 2);
    assert_entry_equal(&list[0], &full);
    assert_entry_equal(&list[1], &bare);
    assert_int_equal(store_entry(s, a, STR("x"), str_of(full.id), &one, &e), 1);
    assert_entry_equal(&one, &full);
    assert_int_equal(store_entry(s, a, STR("y"), str_of(full.id), &one, &e), 0);
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

static void large_content_comes_back(void **unused)
{
    (void)unused;
    const size_t n = 3 << 20;
    assert_int_equal(fail_vfs_install(), 0);
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state = {.name = STR("x")};
    struct entry in = entry_number(1), out;
    char *bytes = malloc(n);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + i * i % 26);
    in.html = in.text = (struct str){bytes, n};
    const struct entry *changed[] = {&in};
    struct outcome outcome = {.changed = changed, .changed_count = 1};
    must(store_commit(s, &state, &outcome, &e), &e);
    assert_int_equal(store_entry(s, a, STR("x"), str_of(in.id), &out, &e), 1);
    assert_entry_equal(&in, &out);

    /* A new title does not write the text once more. */
    in.title = STR("renamed");
    fail_vfs_plan(&(struct fail_plan){.operations = FAIL_WRITE});
    must(store_commit(s, &state, &outcome, &e), &e);
    assert_in_range(fail_vfs_count(), 2, 20);
    assert_int_equal(store_entry(s, a, STR("x"), str_of(in.id), &out, &e), 1);
    assert_entry_equal(&in, &out);
    free(bytes);
    arena_free(a);
    store_close(s);
    place_remove(&p);
    fail_vfs_remove();
}

/* updated, newest first; ties by position; then by the order first seen. */
static void entries_run_in_order(void **unused)
{
    (void)unused;
    static const struct {
        int64_t updated, position, seq;
        int place;
    } rows[] = {{50, 3, 1, 4}, {70, 0, 6, 0}, {50, 1, 5, 3},
                {60, 9, 2, 1}, {50, 1, 4, 2}, {40, 0, 3, 5}};
    enum { N = sizeof rows / sizeof rows[0] };
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state = {.name = STR("x")};
    struct entry entries[N], *list;
    const struct entry *changed[N];
    for (int i = 0; i < N; i++) {
        entries[i] = entry_number(i);
        entries[i].updated = rows[i].updated;
        entries[i].position = rows[i].position;
        entries[i].seq = rows[i].seq;
        changed[i] = &entries[i];
    }
    struct outcome outcome = {.changed = changed, .changed_count = N};
    must(store_commit(s, &state, &outcome, &e), &e);
    assert_int_equal(read_entries(s, a, "x", &list), N);
    for (int i = 0; i < N; i++)
        assert_entry_equal(&list[rows[i].place], &entries[i]);
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

/* Above and below in the order of the page, whatever was removed in between. */
static void neighbours_stand_beside(void **unused)
{
    (void)unused;
    enum { NONE = -1 };
    static const struct {
        int64_t position;
        bool live;
        int previous, next;
    } rows[] = {{7, true, 2, 4},        {0, true, NONE, 2}, {5, true, 1, 0},
                {6, false, NONE, NONE}, {9, true, 0, NONE}, {5, false, NONE, NONE}};
    enum { N = sizeof rows / sizeof rows[0] };
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state = {.name = STR("x")}, other = {.name = STR("y")};
    struct entry entries[N], stranger = entry_number(99);
    const struct entry *changed[N], *strange = &stranger;
    struct neighbours beside;
    for (int i = 0; i < N; i++) {
        entries[i] = entry_number(i);
        entries[i].position = rows[i].position;
        entries[i].live = rows[i].live;
        changed[i] = &entries[i];
    }
    stranger.position = 6;
    stranger.live = true;
    must(store_commit(s, &state, &(struct outcome){.changed = changed, .changed_count = N}, &e),
         &e);
    must(store_commit(s, &other, &(struct outcome){.changed = &strange, .changed_count = 1}, &e),
         &e);
    for (int i = 0; i < N; i++) {
        int want[] = {rows[i].previous, rows[i].next};
        must(store_neighbours(s, a, STR("x"), str_of(entries[i].id), &beside, &e), &e);
        const struct neighbour *got[] = {&beside.previous, &beside.next};
        for (int side = 0; side < 2; side++) {
            const struct entry *entry = want[side] == NONE ? NULL : &entries[want[side]];
            assert_string_equal(got[side]->id, entry ? entry->id : "");
            assert_true(same(got[side]->title, entry ? entry->title : STR("")));
        }
    }
    /* of another source, or unknown */
    must(store_neighbours(s, a, STR("y"), str_of(entries[0].id), &beside, &e), &e);
    assert_string_equal(beside.previous.id, "");
    must(store_neighbours(s, a, STR("z"), str_of(stranger.id), &beside, &e), &e);
    assert_string_equal(beside.next.id, "");
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

static void changed_is_whole_and_moved_is_position(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state = {.name = STR("x")}, out;
    struct entry one = entry_number(1), two = entry_number(2), got;
    const struct entry *both[] = {&one, &two}, *first[] = {&one}, *second[] = {&two};
    struct outcome outcome = {.changed = both, .changed_count = 2};
    must(store_commit(s, &state, &outcome, &e), &e);
    read_state(s, a, "x", &out);
    assert_int_equal(out.entries_count, 2);

    struct entry was = two;
    one.title = STR("another");
    one.html = STR("<p>more</p>");
    one.text = STR("more");
    one.link = STR("");
    one.hash = (struct hash){0};
    one.ordinal = 2;
    one.given = STR("https://example.org/?p=1");
    one.author = STR("somebody");
    one.tags = STR("tea");
    one.published++;
    one.updated++;
    one.live = false;
    two.position = was.position = 77;
    two.title = STR("not to be written");
    outcome =
        (struct outcome){.changed = first, .changed_count = 1, .moved = second, .moved_count = 1};
    must(store_commit(s, &state, &outcome, &e), &e);
    assert_int_equal(store_entry(s, a, STR("x"), str_of(one.id), &got, &e), 1);
    assert_entry_equal(&got, &one);
    assert_int_equal(store_entry(s, a, STR("x"), str_of(two.id), &got, &e), 1);
    assert_entry_equal(&got, &was);
    read_state(s, a, "x", &out);
    assert_int_equal(out.entries_count, 1);
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

/* What cannot be moved is not there: then nothing of the poll may be. */
static void a_refused_poll_leaves_nothing(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state state = {.name = STR("x")}, out;
    struct entry one = entry_number(1), two = entry_number(2), *list;
    const struct entry *changed[] = {&one}, *moved[] = {&two};
    struct outcome outcome = {
        .changed = changed, .changed_count = 1, .moved = moved, .moved_count = 1};
    assert_int_equal(store_commit(s, &state, &outcome, &e), -1);
    assert_non_null(strstr(e.text, two.id));
    assert_int_equal(store_source(s, a, STR("x"), &out, &e), 0);
    assert_int_equal(read_entries(s, a, "x", &list), 0);
    outcome.moved_count = 0;
    must(store_commit(s, &state, &outcome, &e), &e);
    assert_int_equal(read_entries(s, a, "x", &list), 1);
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

static void sources_do_not_mix(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct source_state x = {.name = STR("x")}, y = {.name = STR("y")}, out;
    struct entry one = entry_number(1), *list;
    const struct entry *changed[] = {&one};
    struct outcome outcome = {.changed = changed, .changed_count = 1};
    must(store_commit(s, &x, &outcome, &e), &e);
    one.title = STR("of y");
    must(store_commit(s, &y, &outcome, &e), &e);
    assert_int_equal(read_entries(s, a, "x", &list), 1);
    assert_true(same(list[0].title, STR("标题")));
    assert_int_equal(read_entries(s, a, "y", &list), 1);
    assert_true(same(list[0].title, STR("of y")));
    read_state(s, a, "y", &out);
    assert_int_equal(out.entries_count, 1);
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

static void a_body_stands_since(void **unused)
{
    (void)unused;
    static const struct {
        const char *path, *etag;
        int64_t now, since;
    } steps[] = {
        {"/x.atom", "W/\"1\"", 100, 100}, {"/x.atom", "W/\"1\"", 200, 100},
        {"/x.rss", "W/\"1\"", 300, 300},  {"/x.atom", "W/\"2\"", 400, 400},
        {"/x.atom", "W/\"1\"", 500, 500}, {"/x.atom", "W/\"1\"", 90, 500},
        {"/x.rss", "W/\"1\"", 600, 300},  {"/x.rss", "W/\"2\"", 300, 301},
        {"/x.rss", "W/\"3\"", 301, 302},
    };
    struct place p = place_new();
    struct error e = {""};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct store *s = open_as(&p, STORE_OWN);
        int64_t since = -1;
        must(store_body_since(s, str_of(steps[i].path), str_of(steps[i].etag), steps[i].now, &since,
                              &e),
             &e);
        assert_int_equal(since, steps[i].since);
        store_close(s);
    }
    place_remove(&p);
}

enum { MANY = 2000 };

/* Two thousand quiet polls share one transaction, hence one or two syncs, and since only their
 * schedules changed they fit a few pages, each written with a header of its own. */
static void quiet_polls_are_grouped(void **unused)
{
    (void)unused;
    assert_int_equal(fail_vfs_install(), 0);
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    static char names[MANY][16];
    static struct source_state states[MANY];
    static const struct source_state *pointers[MANY];
    struct source_state out;
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "s%d", i);
        states[i] = full_state();
        states[i].name = str_of(names[i]);
        pointers[i] = &states[i];
    }
    must(store_commit_quiet(s, pointers, MANY, &e), &e);
    for (int i = 0; i < MANY; i++)
        states[i].schedule.last_poll = 1700000000 + i;
    fail_vfs_plan(&(struct fail_plan){.operations = FAIL_SYNC});
    must(store_commit_quiet(s, pointers, MANY, &e), &e);
    assert_in_range(fail_vfs_count(), 1, 3);
    for (int i = 0; i < MANY; i++)
        states[i].schedule.last_poll = 1700001000 + i;
    fail_vfs_plan(&(struct fail_plan){.operations = FAIL_WRITE});
    must(store_commit_quiet(s, pointers, MANY, &e), &e);
    assert_in_range(fail_vfs_count(), 2, 100);
    for (int i = 0; i < MANY; i++) {
        read_state(s, a, names[i], &out);
        assert_state_equal(&out, &states[i]);
    }
    must(store_commit_quiet(s, NULL, 0, &e), &e);
    arena_free(a);
    store_close(s);
    place_remove(&p);
    fail_vfs_remove();
}

/* Byte for byte, with its date; never those of another body than the one that stands there. */
static void a_body_that_is_kept_is_found(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    struct str bytes;
    int64_t since = 0;
    assert_int_equal(store_body(s, a, STR("/a"), &bytes, &since, &e), 0);
    must(store_body_since(s, STR("/a"), STR("1"), 100, &since, &e), &e);
    assert_int_equal(store_body(s, a, STR("/a"), &bytes, &since, &e), 0);
    must(store_body_keep(s, STR("/a"), STR("1"), STR("first\n"), 200, &e), &e);
    must(store_body_keep(s, STR("/b"), STR("1"), STR(""), 300, &e), &e);
    assert_int_equal(store_body(s, a, STR("/a"), &bytes, &since, &e), 1);
    assert_true(same(bytes, STR("first\n")));
    assert_int_equal(since, 100);
    /* The same once more writes nothing. */
    raw(p.database, "UPDATE rendered SET size = 77 WHERE path = '/a'");
    must(store_body_keep(s, STR("/a"), STR("1"), STR("first\n"), 400, &e), &e);
    assert_int_equal(raw(p.database, "SELECT size FROM rendered WHERE path = '/a'"), 77);
    must(store_body_keep(s, STR("/a"), STR("2"), STR("second"), 500, &e), &e);
    store_close(s);
    s = open_as(&p, STORE_READ);
    assert_int_equal(store_body_keep(s, STR("/a"), STR("3"), STR("third"), 600, &e), -1);
    assert_int_equal(store_body(s, a, STR("/a"), &bytes, &since, &e), 1);
    assert_true(same(bytes, STR("second")));
    assert_int_equal(since, 500);
    assert_int_equal(store_body(s, a, STR("/b"), &bytes, &since, &e), 1);
    assert_int_equal(bytes.n, 0);
    store_close(s);
    s = open_as(&p, STORE_OWN);
    must(store_body_since(s, STR("/a"), STR("3"), 700, &since, &e), &e);
    assert_int_equal(store_body(s, a, STR("/a"), &bytes, &since, &e), 0);
    raw(p.database, "UPDATE rendered SET packed = x'00' WHERE path = '/b'");
    assert_int_equal(store_body(s, a, STR("/b"), &bytes, &since, &e), -1);
    assert_non_null(strstr(e.text, "damaged"));
    store_close(s);
    arena_free(a);
    place_remove(&p);
}

static bool is_known(const struct place *p, struct str name)
{
    struct store *reader = open_as(p, STORE_READ);
    struct arena *a = arena_new();
    struct source_state state;
    struct error e = {""};
    int found = store_source(reader, a, name, &state, &e);
    assert_in_range(found, 0, 1);
    store_close(reader);
    arena_free(a);
    return found == 1;
}

/* Others see it when it has ended; what fails inside takes nothing else with it. */
static void a_batch_is_written_together(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct source_state state = {.name = STR("x")}, other = {.name = STR("y")};
    struct error e = {""};
    int64_t since;
    assert_int_equal(store_batch_end(s, &e), -1);
    must(store_batch(s, &e), &e);
    must(store_body_since(s, STR("/a"), STR("1"), 100, &since, &e), &e);
    assert_int_equal(store_archive_write(s, STR("x"), 1, STR("page"), 100, &e), -1);
    must(store_commit(s, &state, NULL, &e), &e);
    assert_false(is_known(&p, STR("x")));
    must(store_batch_end(s, &e), &e);
    assert_true(is_known(&p, STR("x")));
    must(store_body_since(s, STR("/a"), STR("1"), 200, &since, &e), &e);
    assert_int_equal(since, 100);
    must(store_commit(s, &other, NULL, &e), &e); /* by itself again */
    assert_true(is_known(&p, STR("y")));
    store_close(s);
    place_remove(&p);
}

static void a_batch_that_has_no_end_is_not_there(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct source_state state = {.name = STR("x")};
    struct error e = {""};
    must(store_batch(s, &e), &e);
    must(store_commit(s, &state, NULL, &e), &e);
    store_close(s);
    assert_false(is_known(&p, STR("x")));
    s = open_as(&p, STORE_READ);
    assert_int_equal(store_batch(s, &e), -1);
    store_close(s);
    place_remove(&p);
}

/* The pages of a digest of several: what is as it was is not written, what is behind them goes. */
static void pages_come_back(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct arena *a = arena_new();
    struct error e = {""};
    const struct digest_page pages[] = {
        {.address = STR("https://example.org/?n=1"),
         .kept = {STR("<p>\xff one"), STR("text/html"), STR("https://example.org/")},
         .etag = STR("\"\xe9\""),
         .last_modified = STR("yesterday"),
         .body = {1, 2}},
        {.address = STR("https://example.org/?n=2"), .kept = {.bytes = STR("two")}, .body = {3, 4}},
        {.address = STR("https://example.org/?n=3"),
         .kept = {.bytes = STR("three")},
         .body = {5, 6},
         .last = true}};
    struct source_state state = {.name = STR("x"), .pages = pages, .pages_count = 3};
    struct digest_page *got, changed[2];
    struct str bytes;
    size_t count;
    must(store_pages(s, a, STR("x"), &got, &count, &e), &e);
    assert_int_equal(count, 0);
    must(store_commit(s, &state, NULL, &e), &e);
    for (int i = 0; i < 2; i++) { /* where nothing is said of them, they stay */
        must(store_pages(s, a, STR("x"), &got, &count, &e), &e);
        assert_int_equal(count, 3);
        for (size_t k = 0; k < count; k++) {
            assert_true(same(got[k].address, pages[k].address));
            assert_true(same(got[k].kept.url, pages[k].kept.url));
            assert_true(same(got[k].kept.content_type, pages[k].kept.content_type));
            assert_true(same(got[k].etag, pages[k].etag));
            assert_true(same(got[k].last_modified, pages[k].last_modified));
            assert_true(hash_eq(got[k].body, pages[k].body));
            assert_int_equal(got[k].last, pages[k].last);
            assert_int_equal(store_page_bytes(s, a, STR("x"), (int64_t)k + 1, &bytes, &e), 1);
            assert_true(same(bytes, pages[k].kept.bytes));
        }
        state.pages = NULL;
        must(store_commit(s, &state, NULL, &e), &e);
    }
    assert_int_equal(store_page_bytes(s, a, STR("x"), 4, &bytes, &e), 0);
    memcpy(changed, pages, sizeof changed);
    changed[0].kept.bytes = STR("not written");
    changed[0].same = true;
    changed[1].kept.bytes = STR("another two");
    changed[1].last = true;
    state.pages = changed;
    state.pages_count = 2;
    must(store_commit(s, &state, NULL, &e), &e);
    must(store_pages(s, a, STR("x"), &got, &count, &e), &e);
    assert_int_equal(count, 2);
    assert_true(got[1].last);
    assert_int_equal(store_page_bytes(s, a, STR("x"), 1, &bytes, &e), 1);
    assert_true(same(bytes, pages[0].kept.bytes));
    assert_int_equal(store_page_bytes(s, a, STR("x"), 2, &bytes, &e), 1);
    assert_true(same(bytes, STR("another two")));
    arena_free(a);
    store_close(s);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_that_is_kept_is_found),
        cmocka_unit_test(a_batch_is_written_together),
        cmocka_unit_test(a_batch_that_has_no_end_is_not_there),
        cmocka_unit_test(unknown_source_has_nothing),
        cmocka_unit_test(state_comes_back_whole),
        cmocka_unit_test(pages_come_back),
        cmocka_unit_test(each_doubt_comes_back),
        cmocka_unit_test(entries_come_back_whole),
        cmocka_unit_test(large_content_comes_back),
        cmocka_unit_test(entries_run_in_order),
        cmocka_unit_test(neighbours_stand_beside),
        cmocka_unit_test(changed_is_whole_and_moved_is_position),
        cmocka_unit_test(a_refused_poll_leaves_nothing),
        cmocka_unit_test(sources_do_not_mix),
        cmocka_unit_test(a_body_stands_since),
        cmocka_unit_test(quiet_polls_are_grouped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
