/* engine: which source is polled when, and how the conf of a running daemon is exchanged. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fetches at once. */
#define RUNNING_MOST  32
/* The timer looks at the clock this often at the latest, so that a clock that was set does not put
 * off a poll for hours. */
#define LOOK_AT_CLOCK 3600.0

int64_t engine_now(const struct engine *en)
{
    return en->options.clock(en->options.arg);
}

void engine_log(const struct engine *en, int level, const char *format, ...)
{
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    en->options.log(en->options.arg, level, text);
}

void engine_alive(const struct engine *en)
{
    if (en->options.alive)
        en->options.alive(en->options.arg);
}

/* ---- when ---------------------------------------------------------------------------------- */

static bool source_is_due(const struct engine_source *s, int64_t now)
{
    return s->due_now || (s->engine->started && s->state.schedule.next_poll <= now);
}

static void check_stopped(struct engine *en)
{
    void (*stopped)(void *arg) = en->stopped;

    if (!stopped || en->running)
        return;
    en->stopped = NULL;
    ev_timer_stop(en->options.loop, &en->deadline);
    poll_flush(en);
    stopped(en->stopped_arg);
}

/* Starts what is due, as far as so many may run at once: the end of a fetch starts the rest. */
static void start_due(struct engine *en, int64_t now)
{
    for (size_t i = 0; i < en->count && en->running < RUNNING_MOST; i++)
        if (!en->sources[i]->fetch && source_is_due(en->sources[i], now))
            poll_begin(en->sources[i]);
}

/* Seconds until a source is due that is not being fetched, or until the next look at the clock. */
static double until_next(const struct engine *en, int64_t now)
{
    double delay = LOOK_AT_CLOCK;

    for (size_t i = 0; i < en->count; i++) {
        double left = (double)(en->sources[i]->state.schedule.next_poll - now);

        if (!en->sources[i]->fetch && left < delay)
            delay = left;
    }
    return delay > 0. ? delay : 0.;
}

static void set_timer(struct engine *en, double delay)
{
    ev_timer_stop(en->options.loop, &en->due);
    ev_now_update(en->options.loop);
    ev_timer_set(&en->due, delay, 0.);
    ev_timer_start(en->options.loop, &en->due);
}

void engine_arm_soon(struct engine *en)
{
    set_timer(en, 0.);
}

void engine_arm(struct engine *en)
{
    int64_t now = engine_now(en);
    double delay;

    ev_timer_stop(en->options.loop, &en->due);
    check_stopped(en);
    if (en->stopping)
        return;
    start_due(en, now);
    delay = until_next(en, now);
    en->due_at = now + (int64_t)delay;
    publish_beat(en);
    /* Where too much is due at once, the end of a fetch is what to wait for. */
    if (en->started && (delay > 0. || en->running < RUNNING_MOST))
        set_timer(en, delay);
}

static void on_due(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    engine_arm(w->data);
}

static void on_flush(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    poll_flush(w->data);
}

static void on_missed(struct ev_loop *loop, ev_async *w, int events)
{
    (void)loop;
    (void)events;
    publish_misses(w->data);
}

static void on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
    struct engine *en = w->data;

    (void)loop;
    (void)events;
    for (size_t i = 0; i < en->count; i++)
        poll_cancel(en->sources[i]);
    check_stopped(en);
}

/* ---- life ---------------------------------------------------------------------------------- */

struct engine *engine_new(const struct engine_options *options, struct error *e)
{
    struct engine *en = calloc(1, sizeof(*en));

    if (!en) {
        error_set(e, "out of memory");
        return NULL;
    }
    en->options = *options;
    en->store_works = true;
    en->fetcher = fetcher_new(options->loop, options->helper, e);
    if (!en->fetcher) {
        free(en);
        return NULL;
    }
    ev_timer_init(&en->due, on_due, 0., 0.);
    ev_timer_init(&en->flush, on_flush, 0., 0.);
    ev_timer_init(&en->deadline, on_deadline, 0., 0.);
    ev_async_init(&en->missed, on_missed);
    en->due.data = en->flush.data = en->deadline.data = en->missed.data = en;
    ev_async_start(options->loop, &en->missed);
    return en;
}

void engine_start(struct engine *en)
{
    en->started = true;
    engine_arm(en);
}

void engine_stop(struct engine *en, double seconds, void (*stopped)(void *arg), void *arg)
{
    en->started = false;
    en->stopping = true;
    for (size_t i = 0; i < en->count; i++)
        en->sources[i]->due_now = false;
    en->stopped = stopped;
    en->stopped_arg = arg;
    ev_timer_stop(en->options.loop, &en->due);
    ev_timer_set(&en->deadline, seconds, 0.);
    ev_timer_start(en->options.loop, &en->deadline);
    check_stopped(en);
}

static void sources_free(struct engine_source **sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        source_free(sources[i]);
    free(sources);
}

void engine_free(struct engine *en)
{
    if (!en)
        return;
    for (size_t i = 0; i < en->count; i++)
        poll_cancel(en->sources[i]);
    poll_flush(en);
    ev_timer_stop(en->options.loop, &en->due);
    ev_timer_stop(en->options.loop, &en->flush);
    ev_timer_stop(en->options.loop, &en->deadline);
    ev_async_stop(en->options.loop, &en->missed);
    jobs_free(en);
    en->options.site = NULL; /* what is still asked for is not answered */
    publish_misses(en);
    sources_free(en->sources, en->count);
    fetcher_free(en->fetcher);
    conf_unref(en->conf);
    free(en->base_url);
    free(en);
}

/* ---- conf ---------------------------------------------------------------------------------- */

static struct engine_source *source_named(const struct engine *en, const char *name)
{
    for (size_t i = 0; i < en->count; i++)
        if (strcmp(en->sources[i]->conf->name, name) == 0)
            return en->sources[i];
    return NULL;
}

/* The sources that the new conf no longer has. */
static void forget_gone(struct engine *en, const struct conf *conf)
{
    for (size_t i = 0; i < en->count; i++) {
        struct engine_source *s = en->sources[i];

        if (conf_source(conf, str_of(s->conf->name)))
            continue;
        jobs_forget_source(s);
        if (en->options.site)
            site_forget(en->options.site, s->conf->name);
        engine_log(en, 2, "%s: no longer followed", s->conf->name);
    }
}

/* Sources are about to be exchanged: what is being fetched is fetched again by their heirs. */
static void interrupt_polls(struct engine *en)
{
    for (size_t i = 0; i < en->count; i++) {
        bool asked = en->sources[i]->fetch != NULL;

        poll_cancel(en->sources[i]);
        en->sources[i]->due_now = en->sources[i]->due_now || asked;
    }
}

/* The order of the index page, and where its links lead. */
static void describe(struct engine *en)
{
    const char **names = calloc(en->count + 1, sizeof(*names));

    for (size_t i = 0; names && i < en->count; i++)
        names[i] = en->sources[i]->conf->name;
    if (names && en->options.site)
        site_describe(en->options.site, en->base_url, names);
    free(names);
}

static struct engine_source **sources_make(struct engine *en, const struct conf *conf,
                                           struct error *e)
{
    struct engine_source **sources = calloc(conf->sources_count + 1, sizeof(*sources));

    for (size_t i = 0; sources && i < conf->sources_count; i++) {
        const struct engine_source *old = source_named(en, conf->sources[i].name);

        sources[i] = source_new(en, &conf->sources[i], e);
        if (!sources[i]) {
            sources_free(sources, i);
            return NULL;
        }
        sources[i]->due_now = old && old->due_now;
    }
    if (!sources)
        error_set(e, "out of memory");
    return sources;
}

int engine_configure(struct engine *en, struct conf *conf, const char *base_url, struct error *e)
{
    char *base = strdup(base_url);
    struct engine_source **sources;

    interrupt_polls(en);
    poll_flush(en);
    sources = base ? sources_make(en, conf, e) : NULL;
    if (!sources) {
        free(base);
        engine_arm(en);
        return -1;
    }
    forget_gone(en, conf);
    jobs_move(en, sources, conf->sources_count);
    sources_free(en->sources, en->count);
    en->sources = sources;
    en->count = conf->sources_count;
    conf_unref(en->conf);
    en->conf = conf_ref(conf);
    free(en->base_url);
    en->base_url = base;
    describe(en);
    for (size_t i = 0; i < en->count; i++)
        publish_feeds(en->sources[i]);
    engine_arm(en);
    return 0;
}
