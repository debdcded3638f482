/* state: a source's memory between polls. The strings of a state live in the source's own arena,
 * which is made anew with each state: nothing grows. */
#include "internal.h"

#include <stdlib.h>

struct hash source_key(const struct engine_source *s)
{
    return conf_key_of(s->conf);
}

static void copy(struct arena *a, struct str *s, bool *failed)
{
    struct str kept = arena_copy(a, *s);

    *failed = *failed || !kept.p;
    *s = kept;
}

int source_take(struct engine_source *s, const struct source_state *state)
{
    struct source_state taken = *state;
    struct str *strings[] = {
        &taken.name,           &taken.id_base,          &taken.info.title,
        &taken.info.author,    &taken.info.description, &taken.info.language,
        &taken.info.canonical, &taken.info.tags,        &taken.validators.etag,
        &taken.reason,         &taken.cookies,          &taken.validators.last_modified,
        &taken.waiting};
    struct arena *a = arena_new();
    bool failed = !a;

    for (size_t i = 0; a && i < sizeof(strings) / sizeof(*strings); i++)
        copy(a, strings[i], &failed);
    if (failed) {
        arena_free(a);
        return -1;
    }
    arena_free(s->arena);
    s->arena = a;
    s->state = taken;
    s->state.page = NULL; /* what was written stays in the store */
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

/* What leads to the source besides its name: names it had, and the one that the conf gives. */
static int names_read(struct engine_source *s, struct error *e)
{
    struct str *stored;
    size_t count;

    s->names = arena_new();
    if (!s->names)
        return error_set(e, "out of memory");
    if (store_former_names(s->engine->options.store, s->names, str_of(s->conf->name), &stored,
                           &count, e) < 0)
        return -1;
    s->former = arena_array(s->names, count + 1, sizeof(*s->former));
    if (!s->former)
        return error_set(e, "out of memory");
    for (size_t i = 0; i < count; i++)
        s->former[s->former_count++] = stored[i];
    if (s->conf->formerly)
        s->former[s->former_count++] = str_of(s->conf->formerly);
    return 0;
}

struct engine_source *source_new(struct engine *en, const struct conf *all,
                                 const struct source_conf *conf, struct error *e)
{
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
        names_read(s, e) < 0)
        goto fail;
    state_settle(&state, conf);
    state.schedule.next_poll =
        schedule_at_start(&state.schedule, engine_now(en), conf->poll.interval);
    if (source_take(s, &state) < 0) {
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
    arena_free(s->arena);
    arena_free(s->names);
    free(s->dropped);
    free(s);
}
