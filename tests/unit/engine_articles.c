/* What becomes one article of all.*, and what does not: the cases that histories rarely meet. */
#include "store_help.h"

#include "../../daemon/engine/all.h"
#include "../../daemon/engine/merge.h"
#include "digest.h"

#define FRESH STR("6ba7b810-9dad-41d1-80b4-00c04fd430c8")

static char *z(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

#define MIRRORS 40

/* Two sources, or many that have all the same, and what all.* is made of them. */
struct scene {
    struct place place;
    struct store *store;
    struct source_conf sources[MIRRORS];
    char names[MIRRORS][16];
    struct conf conf;
    struct arena *arena;
    struct feed feed;
    int64_t now;
};

static void scene_begin(struct scene *s)
{
    *s = (struct scene){.place = place_new(), .arena = arena_new(), .now = 1700000000};
    s->sources[0] = (struct source_conf){.name = z("one"), .url = z("https://one.example/")};
    s->sources[1] = (struct source_conf){.name = z("two"), .url = z("https://two.example/")};
    s->conf = (struct conf){.sources = s->sources, .sources_count = 2};
    s->store = open_as(&s->place, STORE_OWN);
}

static void scene_end(struct scene *s)
{
    struct buf faults;
    struct error e = {""};

    buf_init(&faults, 1 << 20);
    must(store_check(s->store, &faults, &e), &e);
    if (faults.len)
        fail_msg("%s", faults.data);
    buf_clear(&faults);
    store_close(s->store);
    arena_free(s->arena);
    place_remove(&s->place);
}

/* The sentences from `from` up to `end` of an endless text. */
static struct str sentences(struct scene *s, unsigned from, unsigned end)
{
    struct buf out;

    buf_init(&out, SIZE_MAX);
    for (unsigned n = from; n < end; n++) {
        uint64_t state = n * 0x9e3779b97f4a7c15u + 1;

        for (int letters = 0; letters < 40; letters++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            buf_putc(&out, (char)('a' + (state >> 33) % 26));
        }
        buf_puts(&out, ". ");
    }
    struct str kept = arena_copy(s->arena, buf_str(&out));
    buf_clear(&out);
    return kept;
}

static struct entry entry_of(struct scene *s, int source, int number, const char *title,
                             struct str text)
{
    struct entry entry = {.title = str_of(title),
                          .html = text,
                          .text = text,
                          .ordinal = 1,
                          .published = s->now,
                          .updated = s->now,
                          .seq = number,
                          .position = number,
                          .live = true};

    snprintf(entry.id, sizeof entry.id, "urn:uuid:00000000-0000-5000-8%03d-%012d", source, number);
    return entry;
}

/* One poll. */
static void commit(struct scene *s, int source, struct entry *entries, size_t count,
                   enum event_kind kind)
{
    const struct entry *changed[300];
    struct event events[300];
    struct source_state state = {.name = str_of(s->sources[source].name),
                                 .id_base = str_of(s->sources[source].url)};
    struct error e = {""};

    assert_in_range(count, 1, 300);
    for (size_t i = 0; i < count; i++) {
        changed[i] = &entries[i];
        events[i] = (struct event){kind, &entries[i]};
    }
    struct outcome outcome = {
        .changed = changed, .changed_count = count, .events = events, .events_count = count};
    must(store_commit(s->store, &state, &outcome, &e), &e);
}

/* Gives places to all that waits. */
static void merge(struct scene *s)
{
    struct error e = {""};
    int more;

    while ((more = merge_next(s->store, &s->conf, &e)) > 0)
        continue;
    must(more, &e);
}

static const struct feed *collect(struct scene *s, const char *base_url)
{
    const struct all_view view = {.store = s->store,
                                  .conf = &s->conf,
                                  .base_url = str_of(base_url),
                                  .fresh = FRESH,
                                  .now = s->now};
    struct error e = {""};

    merge(s);
    must(all_collect(&view, s->arena, &s->feed, &e), &e);
    return &s->feed;
}

static void add(struct scene *s, int source, struct entry entry)
{
    commit(s, source, &entry, 1, EVENT_NEW);
    merge(s);
    s->now += 3600;
}

static void change(struct scene *s, int source, struct entry *entry, struct str text)
{
    entry->html = entry->text = text;
    entry->updated = s->now;
    commit(s, source, entry, 1, EVENT_CHANGED);
    merge(s);
    s->now += 3600;
}

static void assert_stands(const struct feed *feed, size_t i, const struct entry *first,
                          int64_t updated)
{
    assert_true(i < feed->count);
    assert_true(str_eq(feed_entry_id(feed->entries[i]), str_of(first->id)));
    assert_int_equal(feed->entries[i]->updated, updated);
}

/* A note of which the whole comes later: both stood there, then they are one, and no reader is told
 * anything for it but the edit itself. */
static void found_late(void **unused)
{
    struct scene s;

    (void)unused;
    for (int later = 0; later < 2; later++) { /* the one that was there first, or the other */
        scene_begin(&s);
        struct entry whole = entry_of(&s, later, 1, "Kettles", sentences(&s, 0, 9));
        struct entry note = entry_of(&s, 1 - later, 2, "Kettles", sentences(&s, 40, 42));
        if (later)
            add(&s, 1, whole);
        note.updated = note.published = s.now;
        add(&s, 1 - later, note);
        if (!later) {
            whole.updated = whole.published = s.now;
            add(&s, 0, whole);
        }
        assert_int_equal(collect(&s, "https://x.example")->count, 2);
        int64_t edited = s.now;
        change(&s, 1 - later, &note, sentences(&s, 0, 9));
        const struct feed *feed = collect(&s, "https://x.example");
        assert_int_equal(feed->count, 1);
        if (later)
            assert_stands(feed, 0, &whole, whole.updated);
        else
            assert_stands(feed, 0, &note, edited);
        assert_true(str_starts(feed->origins[0]->tags, STR("two\none")));
        scene_end(&s);
    }
}

/* A source says the same twice, and another one, too: two articles, each in both. */
static void twins_of_one_source(void **unused)
{
    struct scene s;

    (void)unused;
    scene_begin(&s);
    for (int source = 0; source < 2; source++) {
        struct entry both[] = {entry_of(&s, source, 1, "Kettles", sentences(&s, 0, 9)),
                               entry_of(&s, source, 2, "Kettles", sentences(&s, 0, 9)),
                               entry_of(&s, source, 3, "Kettles", sentences(&s, 0, 10))};
        commit(&s, source, both, source ? 2 : 3, EVENT_NEW);
        const struct feed *feed = collect(&s, "https://x.example");
        assert_int_equal(feed->count, 3);
        size_t in_two = 0;
        for (size_t i = 0; i < 3; i++)
            in_two += str_starts(feed->origins[i]->tags, STR("one\ntwo"));
        assert_int_equal(in_two, source ? 2 : 0);
        s.now += 60;
    }
    scene_end(&s);
}

/* However many sites have it: that makes it no commonplace. */
static void many_mirrors(void **unused)
{
    struct scene s;

    (void)unused;
    scene_begin(&s);
    for (int i = 0; i < MIRRORS; i++) {
        snprintf(s.names[i], sizeof s.names[i], "mirror-%d", i);
        s.sources[i] = (struct source_conf){.name = s.names[i], .url = z("https://m.example/")};
    }
    s.conf.sources_count = MIRRORS;
    for (int i = 0; i < MIRRORS; i++)
        add(&s, i, entry_of(&s, i, 1, "Kettles", sentences(&s, 0, 9)));
    const struct feed *feed = collect(&s, "https://x.example");
    assert_int_equal(feed->count, 1);
    assert_int_equal(feed->entries[0]->updated, 1700000000);
    assert_non_null(strstr(feed->origins[0]->tags.p, "mirror-39\n"));
    scene_end(&s);
}

static void short_ones_are_nobody(void **unused)
{
    struct scene s;

    (void)unused;
    scene_begin(&s);
    add(&s, 0, entry_of(&s, 0, 1, "v1.2.0", STR("Bug fixes and other improvements.")));
    add(&s, 1, entry_of(&s, 1, 1, "v1.2.0", STR("Bug fixes and other improvements.")));
    assert_int_equal(collect(&s, "https://x.example")->count, 2);
    scene_end(&s);
}

/* What came with the same id is the same, however short. */
static void the_same_given_id(void **unused)
{
    struct scene s;
    struct entry entry;

    (void)unused;
    scene_begin(&s);
    for (int source = 0; source < 2; source++) {
        entry = entry_of(&s, source, 1, "Note", STR("Short."));
        entry.given = STR("tag:x.example,2026:1");
        add(&s, source, entry);
    }
    const struct feed *feed = collect(&s, "https://x.example");
    assert_int_equal(feed->count, 1);
    assert_true(str_eq(feed_entry_id(feed->entries[0]), entry.given));
    /* The page that stands in for a link is that of the copy that is shown. */
    assert_string_equal(feed->entries[0]->id, "urn:uuid:00000000-0000-5000-8000-000000000001");
    scene_end(&s);
}

/* A second source is put into the conf a year later: nothing appears anew, and nothing moves. */
static void a_source_that_comes_later(void **unused)
{
    struct entry entries[2][20];
    struct scene s;
    struct buf before, after;
    struct error e = {""};

    (void)unused;
    scene_begin(&s);
    s.conf.sources_count = 1;
    for (int source = 0; source < 2; source++) {
        for (int i = 0; i < 20; i++) {
            unsigned n = (unsigned)i * 10;
            entries[source][i] = entry_of(&s, source, i + 1, "Part", sentences(&s, n, n + 8));
            /* Its page says that it is older. */
            entries[source][i].updated = entries[source][i].published = s.now - i - 400 * source;
        }
        s.conf.sources_count = 1 + (size_t)source;
        commit(&s, source, entries[source], 20, EVENT_NEW);
        const struct feed *feed = collect(&s, "https://x.example");
        assert_int_equal(feed->count, 20);
        for (size_t i = 0; i < 20; i++)
            assert_stands(feed, i, &entries[0][i], entries[0][i].updated);
        s.now += 31536000;
    }
    /* It goes again: as it was. The first goes: the ids and the dates stay. */
    buf_init(&before, SIZE_MAX);
    buf_init(&after, SIZE_MAX);
    must(feed_render(collect(&s, "https://x.example"), FEED_JSON, &before, &e), &e);
    s.conf.sources = &s.sources[1];
    s.conf.sources_count = 1;
    const struct feed *feed = collect(&s, "https://x.example");
    assert_int_equal(feed->count, 20);
    assert_int_equal(feed->gone_count, 0);
    for (size_t i = 0; i < 20; i++) {
        assert_stands(feed, i, &entries[0][i], entries[0][i].updated);
        assert_true(str_eq(feed->origins[i]->name, STR("two")));
    }
    s.conf.sources = s.sources;
    s.conf.sources_count = 2;
    must(feed_render(collect(&s, "https://x.example"), FEED_JSON, &after, &e), &e);
    assert_true(str_eq(buf_str(&before), buf_str(&after)));
    buf_clear(&before);
    buf_clear(&after);
    scene_end(&s);
}

/* The 200 newest, of however many sources that are followed. */
static void two_hundred_at_most(void **unused)
{
    struct entry entries[300];
    struct scene s;

    (void)unused;
    scene_begin(&s);
    for (int i = 0; i < 300; i++) {
        entries[i] = entry_of(&s, 0, i + 1, "Part", STR("A short one."));
        entries[i].updated = s.now + i * 2;
    }
    commit(&s, 0, entries, 300, EVENT_NEW);
    for (int i = 0; i < 150; i++) {
        entries[i] = entry_of(&s, 1, i + 1, "Part", STR("A short one."));
        entries[i].updated = s.now + 301 + i * 2;
    }
    commit(&s, 1, entries, 150, EVENT_NEW);
    const struct feed *feed = collect(&s, "https://x.example");
    assert_int_equal(feed->count, 200);
    assert_int_equal(feed->updated, s.now + 599);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(feed->entries[i]->updated, s.now + 599 - (int64_t)i);
    /* Those that nobody follows are passed over, however many they are. */
    s.conf.sources = &s.sources[1];
    s.conf.sources_count = 1;
    assert_int_equal(collect(&s, "https://x.example")->count, 150);
    s.conf.sources_count = 0;
    assert_int_equal(collect(&s, "https://x.example")->count, 0);
    scene_end(&s);
}

/* The id is of the store, and of nothing else. */
static void its_id_is_kept(void **unused)
{
    struct scene s;
    char id[ID_SIZE];

    (void)unused;
    scene_begin(&s);
    id_of_feed(id, FRESH);
    assert_true(str_eq(collect(&s, "https://x.example")->id, str_of(id)));
    assert_int_equal(s.feed.count, 0);
    assert_int_equal(s.feed.updated, s.now);
    store_close(s.store);
    s.store = open_as(&s.place, STORE_OWN);
    const struct all_view view = {.store = s.store,
                                  .conf = &s.conf,
                                  .base_url = STR("https://y.example"),
                                  .fresh = STR("another"),
                                  .now = s.now + 77};
    struct error e = {""};
    must(all_collect(&view, s.arena, &s.feed, &e), &e);
    assert_true(str_eq(s.feed.id, str_of(id)));
    assert_int_equal(s.feed.updated, s.now);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_late),          cmocka_unit_test(twins_of_one_source),
        cmocka_unit_test(many_mirrors),        cmocka_unit_test(short_ones_are_nobody),
        cmocka_unit_test(the_same_given_id),   cmocka_unit_test(a_source_that_comes_later),
        cmocka_unit_test(two_hundred_at_most), cmocka_unit_test(its_id_is_kept),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
