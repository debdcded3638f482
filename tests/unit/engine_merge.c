/* all.* over random histories of two or three sources that copy each other, of which the truth is
 * known: after each poll every article stands there once, under the id that it had first, with the
 * text and the dates that the rules give it, in order; and a restart changes nothing.
 * HISTORIES=n runs n of them, SEED=n begins at that one. */
#include "store_help.h"

#include "../../daemon/engine/all.h"
#include "../../daemon/engine/merge.h"
#include "../../daemon/store/db.h"
#include "digest.h"

#define HISTORIES     60
#define POLLS         60
#define SOURCES       3
#define ARTICLES_MOST 24
#define VERSIONS_MOST 12
#define SENTENCES     9
#define BASE_URL      STR("https://feeds.example.org")
#define FRESH         STR("6ba7b810-9dad-41d1-80b4-00c04fd430c8")

struct dice {
    uint64_t state;
};

static unsigned roll(struct dice *d, unsigned n)
{
    d->state = d->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((d->state >> 33) % n);
}

/* ---- the world ----------------------------------------------------------------------------- */

/* An article on one of the sites, as the truth has it. */
struct at_source {
    bool there;   /* it was once */
    bool live;    /* it stands there now */
    int version;  /* of its text */
    int64_t rank; /* the older the smaller */
    struct entry entry;
};

struct truth {
    struct str title;
    struct str sentences[VERSIONS_MOST][SENTENCES];
    int versions;
    struct at_source at[SOURCES];
    int shown;         /* source whose text it has, as it was settled last */
    int64_t published; /* these two as they were told */
    int64_t updated;
    char id[ID_SIZE];
};

struct world {
    struct arena *arena;
    struct place place;
    struct store *store;
    struct source_conf sources[SOURCES];
    struct conf conf;
    struct truth articles[ARTICLES_MOST];
    size_t count;
    int64_t now, ranks, seq;
    struct dice dice;
    unsigned seed;
};

static const char *const names[SOURCES] = {"one", "two", "three"};

static struct str new_sentence(struct world *w)
{
    struct buf text;

    buf_init(&text, SIZE_MAX);
    for (int words = 7 + (int)roll(&w->dice, 5); words; words--) {
        for (unsigned n = 3 + roll(&w->dice, 6); n; n--)
            buf_putc(&text, (char)('a' + roll(&w->dice, 26)));
        buf_puts(&text, words > 1 ? " " : ".");
    }
    struct str kept = arena_copy(w->arena, buf_str(&text));
    buf_clear(&text);
    return kept;
}

/* A site has its own way to put pictures, and its own words below each article. */
static void write_entry(struct world *w, struct truth *t, int source)
{
    const struct at_source *at = &t->at[source];
    struct entry *entry = &t->at[source].entry;
    struct buf html, text;

    buf_init(&html, SIZE_MAX);
    buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < SENTENCES; i++) {
        buf_printf(&html, "<p>%.*s</p>", STR_ARG(t->sentences[at->version][i]));
        buf_printf(&text, "%.*s\n", STR_ARG(t->sentences[at->version][i]));
    }
    buf_printf(&html,
               "<p><img src=\"https://cdn-%s.example/%d.png\" alt=\"\"></p><p>Kept by %s.</p>",
               names[source], at->version, names[source]);
    buf_printf(&text, "Kept by %s.", names[source]);
    entry->html = arena_copy(w->arena, buf_str(&html));
    entry->text = arena_copy(w->arena, buf_str(&text));
    buf_clear(&html);
    buf_clear(&text);
}

static bool follows_conf(const struct world *w, int source)
{
    return conf_source(&w->conf, str_of(names[source])) != NULL;
}

static bool stands(const struct world *w, const struct truth *t, int source)
{
    return t->at[source].there && follows_conf(w, source) &&
           (t->at[source].live || w->sources[source].removed == REMOVED_KEEP);
}

static bool stands_live(const struct world *w, const struct truth *t, int source)
{
    return stands(w, t, source) && t->at[source].live;
}

/* Whose text the article has: -1: it does not stand there. */
static int shown_of(const struct world *w, const struct truth *t)
{
    int first = -1;

    if (stands_live(w, t, t->shown))
        return t->shown;
    for (int i = 0; i < SOURCES; i++)
        if (stands_live(w, t, i) && (first < 0 || t->at[i].rank < t->at[first].rank))
            first = i;
    if (first >= 0 || stands(w, t, t->shown))
        return first >= 0 ? first : t->shown;
    for (int i = 0; i < SOURCES; i++)
        if (stands(w, t, i) && (first < 0 || t->at[i].rank < t->at[first].rank))
            first = i;
    return first;
}

static bool stands_elsewhere(const struct world *w, const struct truth *t, int source)
{
    for (int i = 0; i < SOURCES; i++)
        if (i != source && stands_live(w, t, i))
            return true;
    return false;
}

/* ---- polls --------------------------------------------------------------------------------- */

static void commit(struct world *w, int source, struct entry *entry, enum event_kind kind)
{
    const struct entry *changed[] = {entry};
    struct event event = {kind, entry};
    struct source_state state = {.name = str_of(names[source]),
                                 .id_base = str_of(names[source]),
                                 .info = {.title = STR("T"), .tags = STR("a\none")}};
    struct outcome outcome = {
        .changed = changed, .changed_count = 1, .events = &event, .events_count = 1};
    struct error e = {""};

    must(store_commit(w->store, &state, &outcome, &e), &e);
    int more;
    while ((more = merge_next(w->store, &w->conf, &e)) > 0)
        continue;
    must(more, &e);
}

static void tell(struct truth *t, int source)
{
    int64_t at = t->at[source].entry.updated;

    t->shown = source;
    t->updated = at > t->updated ? at : t->updated + 1;
}

static void appear(struct world *w, struct truth *t, int source)
{
    struct at_source *at = &t->at[source];
    struct buf name;

    at->there = at->live = true;
    at->rank = ++w->ranks;
    at->entry = (struct entry){.title = t->title,
                               .hash = {1, (uint64_t)at->rank},
                               .ordinal = 1,
                               .published = w->now,
                               .updated = w->now,
                               .seq = ++w->seq,
                               .live = true};
    buf_init(&name, 200);
    buf_printf(&name, "%s-%d", names[source], (int)(t - w->articles));
    id_of_entry(at->entry.id, str_of(names[source]), buf_str(&name), 1);
    buf_clear(&name);
    write_entry(w, t, source);
}

static int some_source(struct world *w)
{
    int source = (int)roll(&w->dice, SOURCES);

    while (!follows_conf(w, source))
        source = (source + 1) % SOURCES;
    return source;
}

static void op_new(struct world *w)
{
    struct truth *t = &w->articles[w->count];
    int source = some_source(w);

    if (w->count == ARTICLES_MOST)
        return;
    w->count++;
    *t = (struct truth){.title = str_sub(new_sentence(w), 0, 12), .versions = 1, .shown = source};
    for (size_t i = 0; i < SENTENCES; i++)
        t->sentences[0][i] = new_sentence(w);
    appear(w, t, source);
    memcpy(t->id, t->at[source].entry.id, ID_SIZE);
    t->published = t->updated = w->now;
    commit(w, source, &t->at[source].entry, EVENT_NEW);
}

static struct truth *some_article(struct world *w)
{
    return &w->articles[roll(&w->dice, (unsigned)w->count)];
}

/* As it is shown, or as another site has it. */
static void op_copy(struct world *w)
{
    struct truth *t = some_article(w);
    int source = some_source(w), before = shown_of(w, t);

    if (t->at[source].there || (before < 0 && !t->at[t->shown].there))
        return;
    int from = before < 0 ? t->shown : before;
    t->at[source].version = t->at[from].version;
    bool stood = before >= 0 && t->at[before].live;
    appear(w, t, source);
    t->shown = stood ? before : source;
    commit(w, source, &t->at[source].entry, EVENT_NEW);
}

static void edit(struct world *w, struct truth *t, int source, enum event_kind kind, bool news)
{
    t->at[source].entry.updated = w->now;
    t->at[source].entry.removed = 0;
    t->at[source].entry.live = t->at[source].live = true;
    write_entry(w, t, source);
    if (news)
        tell(t, source);
    else
        t->shown = shown_of(w, t);
    commit(w, source, &t->at[source].entry, kind);
}

/* A site that has what is shown writes something new. */
static void op_edit(struct world *w)
{
    struct truth *t = some_article(w);
    int source = some_source(w), shown = shown_of(w, t);
    struct at_source *at = &t->at[source];

    if (!at->live || shown < 0 || t->at[shown].version != at->version ||
        t->versions == VERSIONS_MOST)
        return;
    memcpy(t->sentences[t->versions], t->sentences[at->version], sizeof(t->sentences[0]));
    t->sentences[t->versions][roll(&w->dice, SENTENCES)] = new_sentence(w);
    at->version = t->versions++;
    edit(w, t, source, EVENT_CHANGED, true);
}

/* A site that is behind takes over what is shown. */
static void op_follow(struct world *w)
{
    struct truth *t = some_article(w);
    int source = some_source(w), shown = shown_of(w, t);
    struct at_source *at = &t->at[source];

    if (!at->live || shown < 0 || t->at[shown].version == at->version)
        return;
    at->version = t->at[shown].version;
    edit(w, t, source, EVENT_CHANGED, !stands_elsewhere(w, t, source));
}

static void op_remove(struct world *w)
{
    struct truth *t = some_article(w);
    int source = some_source(w);
    struct at_source *at = &t->at[source];

    if (!at->live)
        return;
    at->live = at->entry.live = false;
    at->entry.removed = w->now;
    if (shown_of(w, t) >= 0)
        t->shown = shown_of(w, t);
    commit(w, source, &at->entry, EVENT_REMOVED);
}

static void op_restore(struct world *w)
{
    struct truth *t = some_article(w);
    int source = some_source(w);
    struct at_source *at = &t->at[source];

    if (!at->there || at->live)
        return;
    edit(w, t, source, EVENT_RESTORED, !stands_elsewhere(w, t, source));
}

/* A source goes out of the conf, or comes back; the file has them in the same order. */
static void op_conf(struct world *w)
{
    int which = (int)roll(&w->dice, SOURCES);
    bool out = follows_conf(w, which);
    size_t n = 0;

    for (int i = 0; i < SOURCES; i++)
        n += i == which ? !out : follows_conf(w, i);
    if (n < 2)
        return;
    struct source_conf *list = arena_array(w->arena, SOURCES, sizeof(*list));
    n = 0;
    for (int i = 0; i < SOURCES; i++)
        if (i == which ? !out : follows_conf(w, i))
            list[n++] = w->sources[i];
    w->conf.sources = list;
    w->conf.sources_count = n;
}

static void op_restart(struct world *w)
{
    store_close(w->store);
    w->store = open_as(&w->place, STORE_OWN);
    /* Power does not fail here. */
    sqlite3_exec(w->store->sql, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
}

static void (*const operations[])(struct world *w) = {
    op_new,    op_new,    op_copy,   op_copy,    op_copy, op_edit,    op_edit,
    op_follow, op_follow, op_remove, op_restore, op_conf, op_restart,
};

/* ---- what must be so ----------------------------------------------------------------------- */

static struct buf render(struct world *w, struct arena *a, struct feed *feed)
{
    const struct all_view view = {
        .store = w->store, .conf = &w->conf, .base_url = BASE_URL, .fresh = FRESH, .now = w->now};
    struct error e = {""};
    struct buf out;

    must(all_collect(&view, a, feed, &e), &e);
    buf_init(&out, SIZE_MAX);
    must(feed_render(feed, FEED_ATOM, &out, &e), &e);
    return out;
}

static size_t find_entry(const struct feed *feed, const char *id)
{
    size_t found = SIZE_MAX;

    for (size_t i = 0; i < feed->count; i++)
        if (str_eq(feed_entry_id(feed->entries[i]), str_of(id))) {
            assert_int_equal(found, SIZE_MAX);
            found = i;
        }
    return found;
}

static void check_article(struct world *w, const struct feed *feed, const struct truth *t)
{
    size_t i = find_entry(feed, t->id);
    int shown = shown_of(w, t);

    if (shown < 0) {
        assert_int_equal(i, SIZE_MAX);
        return;
    }
    assert_int_not_equal(i, SIZE_MAX);
    const struct entry *entry = feed->entries[i];
    if (!str_eq(entry->html, t->at[shown].entry.html))
        fail_msg("not the text of %s:\n%.*s\n%.*s", names[shown], STR_ARG(entry->html),
                 STR_ARG(t->at[shown].entry.html));
    assert_int_equal(entry->published, t->published);
    assert_int_equal(entry->updated, t->updated);
    assert_true(str_eq(feed->origins[i]->name, str_of(names[shown])));
    for (int k = 0; k < SOURCES; k++) {
        char line[16];

        snprintf(line, sizeof line, "%s\n", names[k]);
        assert_int_equal(str_find(feed->origins[i]->tags, str_of(line), 0) != SIZE_MAX,
                         stands(w, t, k) || k == 0 /* the page has it among its tags */);
    }
}

static void check_tombstones(struct world *w, const struct feed *feed)
{
    size_t expected = 0;

    for (size_t i = 0; i < w->count; i++) {
        const struct truth *t = &w->articles[i];
        bool dropped = false;

        for (int k = 0; k < SOURCES; k++)
            dropped = dropped || (t->at[k].there && follows_conf(w, k) && !t->at[k].live &&
                                  w->sources[k].removed == REMOVED_DROP);
        expected += shown_of(w, t) < 0 && dropped;
    }
    assert_int_equal(feed->gone_count, expected);
}

static void check(struct world *w)
{
    struct arena *a = arena_new(), *b = arena_new();
    struct feed feed, again;
    size_t expected = 0;
    struct buf first = render(w, a, &feed), second;

    for (size_t i = 0; i < w->count; i++) {
        expected += shown_of(w, &w->articles[i]) >= 0;
        check_article(w, &feed, &w->articles[i]);
    }
    assert_int_equal(feed.count, expected); /* each once, and nothing else */
    for (size_t i = 1; i < feed.count; i++)
        assert_true(feed.entries[i]->updated <= feed.entries[i - 1]->updated);
    check_tombstones(w, &feed);
    op_restart(w);
    second = render(w, b, &again);
    assert_true(str_eq(buf_str(&first), buf_str(&second)));
    buf_clear(&first);
    buf_clear(&second);
    arena_free(a);
    arena_free(b);
}

static void world_begin(struct world *w, unsigned seed)
{
    *w = (struct world){.arena = arena_new(),
                        .place = place_new(),
                        .now = 1700000000,
                        .dice = {seed * 7919u + 1},
                        .seed = seed};
    for (int i = 0; i < SOURCES; i++)
        w->sources[i] =
            (struct source_conf){.name = (char *)(uintptr_t)names[i],
                                 .url = (char *)(uintptr_t) "https://example.org/",
                                 .removed = roll(&w->dice, 2) ? REMOVED_DROP : REMOVED_KEEP};
    w->conf = (struct conf){.sources = w->sources, .sources_count = 2 + roll(&w->dice, 2)};
    w->store = open_as(&w->place, STORE_OWN);
}

static void world_end(struct world *w)
{
    struct buf faults;
    struct error e = {""};

    buf_init(&faults, 1 << 20);
    must(store_check(w->store, &faults, &e), &e);
    if (faults.len)
        fail_msg("%s", faults.data);
    buf_clear(&faults);
    store_close(w->store);
    place_remove(&w->place);
    arena_free(w->arena);
}

static unsigned number_of(const char *variable, unsigned otherwise)
{
    const char *value = getenv(variable);

    return value ? (unsigned)strtoul(value, NULL, 10) : otherwise;
}

static void histories(void **unused)
{
    unsigned from = number_of("SEED", 1), n = number_of("HISTORIES", HISTORIES);

    (void)unused;
    for (unsigned seed = from; seed < from + n; seed++) {
        struct world *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        world_begin(w, seed);
        op_restart(w);
        print_message("# SEED=%u\n", seed);
        op_new(w);
        for (int poll = 0; poll < POLLS; poll++) {
            w->now += 60 + roll(&w->dice, 5000);
            operations[roll(&w->dice, sizeof(operations) / sizeof(*operations))](w);
            check(w);
        }
        world_end(w);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histories),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
