/* state: a source's memory between polls. The strings of a state live in one block of the source's
 * own, which is made anew where one has changed: nothing grows, and nothing is wasted, since there
 * may be thousands of sources. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct hash source_key(const struct engine_source *s)
{
    return conf_key_of(s->conf);
}

/* The strings of a state, in an order of their own. */
#define STRINGS 17

static void strings_of(struct source_state *state, struct str *strings[STRINGS])
{
    struct str *all[STRINGS] = {
        &state->name,
        &state->id_base,
        &state->info.title,
        &state->info.author,
        &state->info.language,
        &state->info.description,
        &state->info.canonical,
        &state->info.tags,
        &state->validators.etag,
        &state->validators.last_modified,
        &state->reason,
        &state->cookies,
        &state->wait_at,
        &state->waiting,
        &state->validators.url,
        &state->move.from,
        &state->move.to,
    };

    memcpy(strings, all, sizeof(all));
}

/* They are NUL-terminated: some are handed on as C strings. */
static char *strings_copy(struct str *const strings[STRINGS])
{
    size_t size = 0;
    char *block, *at;

    for (size_t i = 0; i < STRINGS; i++)
        size += strings[i]->n + 1;
    block = at = malloc(size);
    for (size_t i = 0; block && i < STRINGS; i++) {
        if (strings[i]->n)
            memcpy(at, strings[i]->p, strings[i]->n);
        at[strings[i]->n] = '\0';
        strings[i]->p = at;
        at += strings[i]->n + 1;
    }
    return block;
}

static bool strings_same(struct str *const a[STRINGS], struct str *const b[STRINGS])
{
    for (size_t i = 0; i < STRINGS; i++)
        if (!str_eq(*a[i], *b[i]))
            return false;
    return true;
}

int source_take(struct engine_source *s, const struct source_state *state)
{
    struct source_state taken = *state;
    struct str *old[STRINGS], *new[STRINGS];
    char *block = NULL;

    strings_of(&s->state, old);
    strings_of(&taken, new);
    if (s->strings && strings_same(old, new)) {
        for (size_t i = 0; i < STRINGS; i++)
            *new[i] = *old[i];
    } else {
        block = strings_copy(new);
        if (!block)
            return -1;
        free(s->strings);
        s->strings = block;
    }
    s->state = taken;
    s->state.page = NULL; /* what was written stays in the store */
    s->state.pages = NULL;
    s->state.messages = NULL;
    s->state.messages_count = 0;
    return 0;
}

/* What the conf says goes before what was stored: an id-base that was set by hand. */
static void state_settle(struct source_state *state, const struct source_conf *conf)
{
    state->name = str_of(conf->name);
    if (conf->id_base)
        state->id_base = str_of(conf->id_base);
    else if (!state->id_base.n)
        state->id_base = str_of(conf->url);
}

/* What is stored under another name is the source's own from now on. */
static int state_inherit(struct engine *en, const struct conf *conf,
                         const struct source_conf *source, struct arena *a, struct error *e)
{
    struct engine_heritage heritage;
    int done = engine_heritage(en->options.store, a, conf, source, &heritage, e);

    if (done == 0 && heritage.warning.text[0])
        engine_log(en, 1, "%s: %s", source->name, heritage.warning.text);
    if (done < 0 || !heritage.name.n)
        return done;
    if (store_rename(en->options.store, heritage.name, str_of(source->name), e) < 0)
        return -1;
    engine_log(en, 2, "%s: goes on with what is stored of %.*s", source->name,
               STR_ARG(heritage.name));
    return 0;
}

/* What leads to the source besides its name: names it had, and the one that the conf gives. Few
 * have any, and the others need no memory for that; `a` is for reading them. */
static int names_read(struct engine_source *s, struct arena *a, struct error *e)
{
    struct str *stored;
    size_t count;

    if (store_former_names(s->engine->options.store, a, str_of(s->conf->name), &stored, &count, e) <
        0)
        return -1;
    if (!count && !s->conf->formerly)
        return 0;
    s->names = arena_new();
    if (!s->names)
        return error_set(e, "out of memory");
    s->former = arena_array(s->names, count + 1, sizeof(*s->former));
    if (!s->former)
        return error_set(e, "out of memory");
    for (size_t i = 0; i < count; i++) {
        struct str name = arena_copy(s->names, stored[i]);

        if (!name.p)
            return error_set(e, "out of memory");
        s->former[s->former_count++] = name;
    }
    if (s->conf->formerly)
        s->former[s->former_count++] = str_of(s->conf->formerly);
    return 0;
}

struct engine_source *source_new(struct engine *en, const struct conf *all,
                                 const struct source_conf *conf, struct error *e)
{
    const struct engine_source *old = engine_source(en, str_of(conf->name));
    struct engine_source *s = calloc(1, sizeof(*s));
    struct arena *a = arena_new();
    struct source_state state = {0};

    if (!s || !a) {
        error_set(e, "out of memory");
        goto fail;
    }
    s->engine = en;
    s->conf = conf;
    if (state_inherit(en, all, conf, a, e) < 0 ||
        store_source(en->options.store, a, str_of(conf->name), &state, e) < 0 ||
        names_read(s, a, e) < 0)
        goto fail;
    if (old && old->dirty)
        state = old->state; /* the store does not have it yet */
    state_settle(&state, conf);
    state.schedule.next_poll = schedule_at_start(&state.schedule, engine_now(en),
                                                 conf->poll.interval, conf->poll.interval_max);
    if (source_take(s, &state) < 0 ||
        turns_join(en->turns, &s->turn, str_of(conf->url), conf->poll.interval) < 0) {
        error_set(e, "out of memory");
        goto fail;
    }
    arena_free(a);
    return s;
fail:
    arena_free(a);
    source_free(s);
    return NULL;
}

void source_free(struct engine_source *s)
{
    if (!s)
        return;
    watch_stop(s);
    arena_free(s->names);
    if (s->engine) {
        publish_forget(s);
        flush_written(s);
        feeds_forget(s);
        turns_leave(s->engine->turns, &s->turn);
    }
    free(s->own_home);
    free(s->strings);
    free(s->dropped);
    free(s);
}
