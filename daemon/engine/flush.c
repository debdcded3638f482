/* flush: quiet polls change a few numbers of a source and wait a moment, so that many of them are
 * written in one transaction. */
#include "internal.h"

#include <utlist.h>

/* How long quiet polls may wait to be written together. */
#define FLUSH_SECONDS 5.0
/* So many rows share pages of the file in whatever order they are: fewer of them in a transaction,
 * and each would write most of the pages again. */
#define FLUSH_MOST    4096

void flush_count(struct engine *en, bool written)
{
    en->counts.commits += written;
    en->counts.commits_failed += !written;
}

/* False: the store does not work, and what was to be written still is. */
static bool flush_some(struct engine *en)
{
    const struct source_state *states[FLUSH_MOST];
    const struct engine_source *s;
    size_t count = 0;
    struct error e;

    for (s = en->dirty; s && count < FLUSH_MOST; s = s->dirty_next)
        states[count++] = &s->state;
    bool works = store_commit_quiet(en->options.store, states, count, &e) == 0;
    flush_count(en, works);
    if (works != en->store_works) {
        en->store_works = works;
        publish_beat(en);
    }
    if (!works)
        engine_log(en, 0, "%s", e.text);
    for (size_t i = 0; works && i < count; i++)
        flush_written(en->dirty);
    return works;
}

void flush_all(struct engine *en)
{
    ev_timer_stop(en->options.loop, &en->flush);
    while (en->dirty && flush_some(en))
        ;
}

void flush_written(struct engine_source *s)
{
    if (s->dirty)
        DL_DELETE2(s->engine->dirty, s, dirty_prev, dirty_next);
    s->dirty = false;
}

void flush_soon(struct engine_source *s)
{
    struct engine *en = s->engine;

    if (!s->dirty)
        DL_APPEND2(en->dirty, s, dirty_prev, dirty_next);
    s->dirty = true;
    if (!ev_is_active(&en->flush)) {
        ev_timer_set(&en->flush, FLUSH_SECONDS, 0.);
        ev_timer_start(en->options.loop, &en->flush);
    }
}
