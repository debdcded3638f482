/* state: a source's memory between polls. The strings of a state live in the source's own arena,
 * which is made anew with each state: nothing grows. */
#include "internal.h"

#include "digest.h"

#include <stdio.h>
#include <stdlib.h>

struct hash source_key(const struct engine_source *s)
{
    char version[16];
    struct hash key = hash_more((struct hash){0}, str_of(s->conf->url));
    struct hash profile = s->conf->profile->hash;

    snprintf(version, sizeof(version), "%d", EXTRACTOR_VERSION);
    key = hash_more(key, (struct str){(const char *)&profile, sizeof(profile)});
    return hash_more(key, str_of(version));
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

/* The state as it is stored, also under the name that the source had before. 0, -1. */
static int state_read(struct engine *en, const struct source_conf *conf, struct arena *a,
                      struct source_state *state, struct error *e)
{
    struct store *store = en->options.store;
    int found = store_source(store, a, str_of(conf->name), state, e);

    if (found != 0 || !conf->formerly)
        return found < 0 ? -1 : 0;
    found = store_rename(store, str_of(conf->formerly), str_of(conf->name), e);
    if (found > 0) {
        engine_log(en, 2, "%s: goes on with what is stored of %s", conf->name, conf->formerly);
        found = store_source(store, a, str_of(conf->name), state, e);
    }
    return found < 0 ? -1 : 0;
}

struct engine_source *source_new(struct engine *en, const struct source_conf *conf, struct error *e)
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
    if (state_read(en, conf, a, &state, e) < 0)
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
    free(s->dropped);
    free(s);
}
