/* digestd list: what the store holds. Only reads, so it always may. */
#include "cli.h"
#include "digest.h"
#include "engine.h"
#include "feed.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One entry and whose it is. */
struct held {
    const struct entry *entry;
    const char *source;
};

struct listing {
    struct arena *arena;
    struct held *items;
    size_t count, room;
};

static int compare_held(const void *a, const void *b)
{
    const struct entry *x = ((const struct held *)a)->entry, *y = ((const struct held *)b)->entry;

    if (x->updated != y->updated)
        return x->updated > y->updated ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

static int listing_read(struct listing *l, struct store *store, const char *source, struct error *e)
{
    struct entry *entries;
    size_t count;
    struct held *items;

    if (store_entries(store, l->arena, str_of(source), &entries, &count, e) < 0)
        return -1;
    items = realloc(l->items, (l->count + count + 1) * sizeof(*items));
    if (!items)
        return error_set(e, "out of memory");
    l->items = items;
    for (size_t i = 0; i < count; i++)
        l->items[l->count++] = (struct held){&entries[i], source};
    return 0;
}

static int print_table(const struct listing *l)
{
    char date[DATE_SIZE];

    for (size_t i = 0; i < l->count; i++)
        printf("%s\t%s\t%s\t%s\t%.*s\n", l->items[i].source,
               date_rfc3339(date, l->items[i].entry->updated),
               l->items[i].entry->live ? "live" : "removed", feed_entry_id(l->items[i].entry).p,
               STR_ARG(l->items[i].entry->title));
    return cli_flush(EXIT_STATE);
}

/* One source: its feed, but with every entry. Several: one feed of all; entries that have no place
 * on their page have no address then, since there is no page of all. */
static int print_feed(const struct listing *l, const struct conf *conf, struct store *store,
                      const struct source_conf *only)
{
    const struct entry **entries = arena_array(l->arena, l->count + 1, sizeof(*entries));
    char *base_url = cli_base_url(conf, NULL);
    struct source_state state = {0};
    char id[ID_SIZE];
    struct feed feed = {.title = STR("digestd"), .name = STR("all"), .author = STR("digestd")};
    struct error e = {"out of memory"};
    int status = EXIT_STATE;
    size_t shown = 0;
    struct buf own_home;

    buf_init(&own_home, SIZE_MAX);
    if (!entries || !base_url ||
        (only && store_source(store, l->arena, str_of(only->name), &state, &e) < 0)) {
        cli_fail(EXIT_STATE, "%s", e.text);
        goto out;
    }
    for (size_t i = 0; i < l->count; i++)
        if (!feed_is_gone(l->items[i].entry, false))
            entries[shown++] = l->items[i].entry;
    feed.home = str_of(base_url);
    if (only) {
        engine_own_home(&own_home, only, feed.home);
        feed = engine_feed(only, &state, str_of(base_url), buf_str(&own_home));
    }
    id_of_feed(id, state.id_base.n ? state.id_base : str_of(only ? only->url : base_url));
    feed.id = str_of(id);
    feed.entries = entries;
    feed.count = shown;
    feed.updated = shown ? entries[0]->updated : 0;
    status = cli_print_feed(&feed, "jsonfeed");
out:
    buf_clear(&own_home);
    free(base_url);
    return status;
}

/* Nothing there is not the same as nothing in it. */
static void warn_of_nothing(const struct conf *conf)
{
    char *path = NULL;

    if (asprintf(&path, "%s/digestd.db", conf->state_dir) >= 0 && access(path, F_OK) < 0)
        cli_fail(EXIT_OK, "there is no state in %s yet: nothing was ever polled with this conf",
                 conf->state_dir);
    free(path);
}

static int list(const struct conf *conf, const struct source_conf *only, const char *format)
{
    struct listing l = {.arena = arena_new()};
    struct store *store = NULL;
    struct error e = {"out of memory"};
    int status;
    bool failed;

    warn_of_nothing(conf);
    failed = !l.arena || store_open(&store, conf->state_dir, STORE_READ, &e) < 0;

    for (size_t i = 0; i < conf->sources_count && !failed; i++)
        if (!only || only == &conf->sources[i])
            failed = listing_read(&l, store, conf->sources[i].name, &e) < 0;
    if (l.count)
        qsort(l.items, l.count, sizeof(*l.items), compare_held);
    if (failed)
        status = cli_fail(EXIT_STATE, "%s", e.text);
    else if (strcmp(format, "table") == 0)
        status = print_table(&l);
    else
        status = print_feed(&l, conf, store, only);
    store_close(store);
    free(l.items);
    arena_free(l.arena);
    return status;
}

int cli_list(int argc, char **argv)
{
    const struct source_conf *only = NULL;
    struct cli_options o;
    struct conf *conf;
    int status = cli_options("list", argc, argv, "cf", &o);

    if (status >= 0)
        return status;
    if (!o.format)
        o.format = "table";
    if (strcmp(o.format, "table") != 0 && strcmp(o.format, "jsonfeed") != 0)
        return cli_fail(EXIT_CONF, "list: unknown format '%s'; table or jsonfeed", o.format);
    if (optind + 1 < argc)
        return cli_fail(EXIT_CONF, "list: name one source, or none for all");
    conf = cli_conf(o.conf_file);
    if (!conf)
        return EXIT_CONF;
    if (optind < argc)
        only = conf_source(conf, str_of(argv[optind]));
    if (optind < argc && !only)
        status = cli_fail(EXIT_CONF, "%s has no source '%s'", o.conf_file, argv[optind]);
    else
        status = list(conf, only, o.format);
    conf_unref(conf);
    return status;
}
