/* digestd adopt: fills the empty store of a source from feeds that we once served: ids, dates and
 * links stay when nothing but the feeds is left. The next poll tells nothing of what is as it was.
 */
#include "cli.h"
#include "digest.h"
#include "service.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So many sections of one title are told apart. */
#define ORDINAL_MOST 64

/* An entry of a feed, and where it stood. */
struct found {
    struct entry *entry;
    size_t at;
    int64_t since; /* when it was first seen */
};

struct adoption {
    const struct source_conf *source;
    struct str id_base;
    struct arena *arena;
    struct found *found;
    size_t count, room;
    struct own_tombstone *gone;
    size_t gone_count, gone_room;
    struct page_info info; /* what the feeds say of themselves */
    size_t bare;           /* entries of which a tombstone is all that is left */
    struct error e;
};

/* ---- reading feeds ------------------------------------------------------------------------- */

static bool is_minted_from(const struct own_feed *feed, struct str id_base)
{
    for (size_t i = 0; i < feed->count; i++)
        if (entry_ordinal(&feed->entries[i], id_base, ORDINAL_MOST))
            return true;
    return feed->count == 0;
}

/* Atom says what it is made from; of the others it shows in the ids whose title has not changed. */
static bool is_of_source(const struct own_feed *feed, struct str id_base)
{
    char id[ID_SIZE];

    id_of_feed(id, id_base);
    return feed->id[0] ? strcmp(feed->id, id) == 0 : is_minted_from(feed, id_base);
}

/* The feed of changes has entries, too, but each of them is a change. */
static bool is_of_changes(const struct own_feed *feed, struct str id_base)
{
    char id[ID_SIZE], own[ID_SIZE];

    id_of_feed(id, id_base);
    id_of_change(own, id, 0);
    return strcmp(feed->id, own) == 0 || str_ends(feed->title, STR(" – changes"));
}

/* Why it is not the feed of this source. */
static int refuse(struct adoption *a, const char *name, const struct own_feed *feed)
{
    if (is_of_changes(feed, a->id_base))
        return error_set(&a->e,
                         "%s is a feed of changes, whose entries are changes and not the sections: "
                         "adopt what was served as %s.atom, %s.rss or %s.json, and archive pages",
                         name, a->source->name, a->source->name, a->source->name);
    return error_set(
        &a->e,
        "%s is the feed of another source: its ids are not made from %.*s; set id-base "
        "to what they were made from",
        name, STR_ARG(text_head(a->id_base, 120)));
}

/* Room for `more` behind `count`, doubling. */
static int grow(void **items, size_t size, size_t count, size_t more, size_t *room)
{
    size_t wanted = *room ? *room : 64;
    void *grown;

    while (wanted < count + more)
        wanted *= 2;
    if (wanted == *room)
        return 0;
    grown = reallocarray(*items, wanted, size);
    if (!grown)
        return -1;
    *items = grown;
    *room = wanted;
    return 0;
}

static void take_first(struct str *to, struct str from)
{
    if (!to->n)
        *to = from;
}

/* Until the page is seen, archive pages are called what they were called. */
static void take_info(struct page_info *info, const struct own_feed *feed)
{
    take_first(&info->title, feed->title);
    take_first(&info->description, feed->description);
    take_first(&info->author, feed->author);
}

static int take_feed(struct adoption *a, const struct own_feed *feed)
{
    if (grow((void **)&a->found, sizeof(*a->found), a->count, feed->count, &a->room) < 0 ||
        grow((void **)&a->gone, sizeof(*a->gone), a->gone_count, feed->gone_count, &a->gone_room) <
            0)
        return error_set(&a->e, "out of memory");
    for (size_t i = 0; i < feed->count; i++) {
        a->found[a->count] =
            (struct found){&feed->entries[i], a->count, feed->entries[i].published};
        a->count++;
    }
    for (size_t i = 0; i < feed->gone_count; i++)
        a->gone[a->gone_count++] = feed->gone[i];
    take_info(&a->info, feed);
    return 0;
}

static int read_feed(struct adoption *a, const char *name)
{
    struct cli_input in;
    struct own_feed feed;
    struct error e;
    int done = -1;

    cli_input_init(&in);
    if (cli_input_read(&in, name, &e) < 0)
        error_set(&a->e, "%s", e.text);
    else if (own_feed_read(buf_str(&in.bytes), a->arena, &feed, &e) < 0)
        error_set(&a->e, "%s: %s", name, e.text);
    else if (!is_of_source(&feed, a->id_base))
        refuse(a, name, &feed);
    else
        done = take_feed(a, &feed);
    cli_input_clear(&in);
    return done;
}

/* ---- entries as the store has them --------------------------------------------------------- */

/* By id; of one id the latest first, of equals the one that was named first. */
static int compare_ids(const void *x, const void *y)
{
    const struct found *a = x, *b = y;
    int order = strcmp(a->entry->id, b->entry->id);

    if (order)
        return order;
    if (a->entry->updated != b->entry->updated)
        return a->entry->updated > b->entry->updated ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

/* An entry may stand in a feed and in an archive page. */
static void drop_doubles(struct adoption *a)
{
    size_t kept = 0;

    qsort(a->found, a->count, sizeof(*a->found), compare_ids);
    for (size_t i = 0; i < a->count; i++)
        if (!i || strcmp(a->found[i].entry->id, a->found[i - 1].entry->id) != 0)
            a->found[kept++] = a->found[i];
    a->count = kept;
}

static int compare_id(const void *key, const void *item)
{
    return strcmp(key, ((const struct found *)item)->entry->id);
}

/* By id; of one id the latest first, of equals that of the archive page. */
static int compare_gone(const void *x, const void *y)
{
    const struct own_tombstone *a = x, *b = y;
    int order = strcmp(a->id, b->id);

    if (order)
        return order;
    if (a->when != b->when)
        return a->when > b->when ? -1 : 1;
    return (a->since > b->since) - (a->since < b->since);
}

/* What has a tombstone and stands in no feed is kept by its id, which is never given again. */
static int keep_bare(struct adoption *a, const struct own_tombstone *gone, struct found *out)
{
    struct entry *entry = arena_alloc(a->arena, sizeof(*entry));

    if (!entry)
        return error_set(&a->e, "out of memory");
    memcpy(entry->id, gone->id, ID_SIZE);
    entry->published = entry->updated = entry->removed = gone->when;
    *out = (struct found){entry, a->count + a->bare++, gone->since};
    return 0;
}

static void bury_one(struct found *f, const struct own_tombstone *gone)
{
    if (gone->when < f->entry->updated) /* it came back since */
        return;
    f->entry->live = false;
    f->entry->removed = gone->when;
    f->entry->link = (struct str){0};
}

static int bury(struct adoption *a)
{
    if (a->gone_count)
        qsort(a->gone, a->gone_count, sizeof(*a->gone), compare_gone);
    if (grow((void **)&a->found, sizeof(*a->found), a->count, a->gone_count, &a->room) < 0)
        return error_set(&a->e, "out of memory");
    for (size_t i = 0; i < a->gone_count; i++) {
        const struct own_tombstone *gone = &a->gone[i];
        struct found *f =
            a->count ? bsearch(gone->id, a->found, a->count, sizeof(*a->found), compare_id) : NULL;

        if (i && strcmp(gone->id, gone[-1].id) == 0)
            continue;
        if (f)
            bury_one(f, gone);
        else if (keep_bare(a, gone, &a->found[a->count + a->bare]) < 0)
            return -1;
    }
    a->count += a->bare;
    return 0;
}

/* In the order first seen: of one poll's new entries each is a second older than the one above. */
static int compare_age(const void *x, const void *y)
{
    const struct found *a = x, *b = y;

    if (a->since != b->since)
        return a->since < b->since ? -1 : 1;
    return (a->at < b->at) - (a->at > b->at);
}

/* Takes the pictures' addresses out of the source's proxy again, as media_through put them in. */
static struct str without_proxy(struct adoption *a, struct str html)
{
    struct str proxy = str_of(a->source->poll.image_proxy), kept = html;
    size_t cut = str_find(proxy, STR("%u"), 0), at, to;
    struct buf before, behind, address, out;

    if (!proxy.n)
        return html;
    buf_init(&before, SIZE_MAX);
    buf_init(&behind, SIZE_MAX);
    buf_init(&address, SIZE_MAX);
    buf_init(&out, SIZE_MAX);
    buf_puts(&before, "=\"");
    text_escape(&before, str_sub(proxy, 0, cut));
    text_escape(&behind, str_sub(proxy, cut + 2, SIZE_MAX));
    buf_putc(&behind, '"');
    while ((at = str_find(html, buf_str(&before), 0)) != SIZE_MAX) {
        buf_add(&out, str_sub(html, 0, at + 2));
        html = str_sub(html, at + before.len, SIZE_MAX);
        to = str_find(html, buf_str(&behind), 0);
        to = to == SIZE_MAX ? html.n : to;
        buf_reset(&address);
        uri_decode(&address, str_sub(html, 0, to));
        text_escape(&out, buf_str(&address));
        buf_putc(&out, '"');
        html = str_sub(html, to + behind.len, SIZE_MAX);
    }
    buf_add(&out, html);
    if (!out.failed && !address.failed)
        kept = arena_copy(a->arena, buf_str(&out));
    buf_clear(&before);
    buf_clear(&behind);
    buf_clear(&address);
    buf_clear(&out);
    return kept;
}

static int complete(struct adoption *a)
{
    drop_doubles(a);
    if (bury(a) < 0)
        return -1;
    if (a->count)
        qsort(a->found, a->count, sizeof(*a->found), compare_age);
    for (size_t i = 0; i < a->count; i++) {
        struct entry *entry = a->found[i].entry;

        entry->seq = (int64_t)i + 1;
        entry->position = (int64_t)(a->count - 1 - i); /* until the page is seen */
        if (!entry->title.n)
            continue;
        entry->ordinal = entry_ordinal(entry, a->id_base, ORDINAL_MOST);
        entry->html = without_proxy(a, entry->html);
        if (html_read(entry, str_of(a->source->url), a->source->profile, a->arena) < 0)
            return error_set(&a->e, "out of memory");
    }
    return 0;
}

/* ---- into the store ------------------------------------------------------------------------ */

/* What is new at the next poll is new since the feeds were made, not part of a first poll. */
static int write_all(struct adoption *a, struct store *store, struct source_state *state)
{
    const struct entry **changed = arena_array(a->arena, a->count + 1, sizeof(*changed));

    if (!changed)
        return error_set(&a->e, "out of memory");
    for (size_t i = 0; i < a->count; i++) {
        changed[i] = a->found[i].entry;
        if (changed[i]->updated > state->schedule.last_good)
            state->schedule.last_good = changed[i]->updated;
    }
    state->schedule.last_change = state->schedule.last_good;
    state->name = str_of(a->source->name);
    state->id_base = a->id_base;
    state->info = a->info;
    return store_commit(store, state,
                        &(struct outcome){.changed = changed, .changed_count = a->count}, &a->e);
}

static int adopt(struct adoption *a, struct store *store, char **feeds, size_t count)
{
    struct source_state state;
    struct entry *entries;
    size_t stored;

    if (store_source(store, a->arena, str_of(a->source->name), &state, &a->e) < 0 ||
        store_entries(store, a->arena, str_of(a->source->name), &entries, &stored, &a->e) < 0)
        return EXIT_STATE;
    if (stored) {
        error_set(&a->e, "there are entries of %s already: adopt fills an empty store only",
                  a->source->name);
        return EXIT_STATE;
    }
    a->id_base = str_of(a->source->id_base ? a->source->id_base : a->source->url);
    for (size_t i = 0; i < count; i++)
        if (read_feed(a, feeds[i]) < 0)
            return EXIT_SOURCE;
    return complete(a) < 0 || write_all(a, store, &state) < 0 ? EXIT_STATE : EXIT_OK;
}

static void print_adopted(const struct adoption *a)
{
    size_t whole = a->count - a->bare;

    printf("%s: adopted %zu entr%s", a->source->name, whole, whole == 1 ? "y" : "ies");
    if (a->bare)
        printf(", and %zu that %s gone", a->bare, a->bare == 1 ? "is" : "are");
    printf("\n");
}

static int adopt_here(const struct conf *conf, const struct source_conf *source, char **feeds,
                      size_t count)
{
    struct adoption a = {.source = source, .arena = arena_new(), .e = {"out of memory"}};
    struct store *store = NULL;
    int status = EXIT_STATE;

    if (a.arena && store_open(&store, conf->state_dir, STORE_OWN, &a.e) == 0)
        status = adopt(&a, store, feeds, count);
    if (status != EXIT_OK)
        cli_fail(status, "%s", a.e.text);
    else
        print_adopted(&a);
    store_close(store);
    free(a.found);
    free(a.gone);
    arena_free(a.arena);
    return status == EXIT_OK ? cli_flush(EXIT_STATE) : status;
}

static int adopt_locked(const struct conf *conf, const struct source_conf *source, char **feeds,
                        size_t count)
{
    struct lock *lock;
    struct error e;
    int status;

    if (lock_take(&lock, conf->state_dir, true, &e) != LOCK_TAKEN)
        return cli_fail(EXIT_STATE, "%s", e.text);
    status = adopt_here(conf, source, feeds, count);
    lock_free(lock);
    return status;
}

int cli_adopt(int argc, char **argv)
{
    const struct source_conf *source;
    struct cli_options o;
    struct conf *conf;
    int status = cli_options("adopt", argc, argv, "c", &o);

    if (status >= 0)
        return status;
    if (optind + 2 > argc)
        return cli_fail(EXIT_CONF, "adopt: name a source, and the feeds and archive pages that "
                                   "are left of it");
    conf = cli_conf(o.conf_file);
    if (!conf)
        return EXIT_CONF;
    source = conf_source(conf, str_of(argv[optind]));
    if (source && source->type == SOURCE_FEED)
        status =
            cli_fail(EXIT_CONF,
                     "adopt: '%s' follows a feed, whose next poll brings the entries back with "
                     "their ids",
                     source->name);
    else if (source)
        status = adopt_locked(conf, source, argv + optind + 1, (size_t)(argc - optind - 1));
    else
        status = cli_fail(EXIT_CONF, "%s has no source '%s'", o.conf_file, argv[optind]);
    conf_unref(conf);
    return status;
}
