/* engine: which source is polled when, and how the conf of a running daemon is exchanged. */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Seconds between signs of life at the most. */
#define ROUND_MOST      3600
/* Seconds by which a clock that is set right may go back. */
#define CLOCK_TOLERANCE 60

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

/* When a host's sources are looked at next is another time now. */
static void tell_host(struct engine *en, const struct turns_host *h)
{
    for (size_t i = 0; i < en->count; i++)
        if (en->sources[i]->turn.host == h)
            publish_row_soon(en->sources[i]);
}

void source_settle(struct engine_source *s)
{
    struct engine *en = s->engine;
    const struct source_state *state = &s->state;
    struct turns_host *held = NULL;

    turns_due(en->turns, &s->turn, en->started ? state->schedule.next_poll : TURN_NEVER);
    if (state->wait_at.n)
        held = turns_hold(en->turns, state->wait_at, state->schedule.wait_until, engine_now(en));
    if (held)
        tell_host(en, held);
    if (!en->newest || state->schedule.last_poll >= en->newest->state.schedule.last_poll)
        en->newest = s;
}

/* Whoever waits for this source is told. */
static void give_up(struct engine_source *s)
{
    poll_cancel(s);
    s->begun = UINT64_MAX;
    jobs_report(s, NULL, "the daemon is stopping");
}

/* Who asked while the last poll was under way still waits for one after it. */
static void check_stopped(struct engine *en)
{
    void (*stopped)(void *arg) = en->stopped;

    if (!stopped || turns_running(en->turns) || !outbox_is_idle(en))
        return;
    en->stopped = NULL;
    for (size_t i = 0; i < en->count; i++)
        give_up(en->sources[i]);
    jobs_sweep(en);
    ev_timer_stop(en->options.loop, &en->deadline);
    flush_all(en);
    stopped(en->stopped_arg);
}

/* The time of the next poll, or of the next sign of life. What is due and may not begin yet is
 * begun at the end of a fetch. */
static int64_t next_round(const struct engine *en, int64_t now)
{
    int64_t next = turns_at(en->turns);

    return next > now && next < now + ROUND_MOST ? next : now + ROUND_MOST;
}

/* On the wall clock, and with a ring when that is set: a machine that slept, or whose clock was
 * wrong at first, must not oversleep. */
static void alarm_set(struct engine *en, int64_t at)
{
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)at}};

    timerfd_settime(en->alarm, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}

void engine_arm_soon(struct engine *en)
{
    ev_timer_stop(en->options.loop, &en->soon);
    ev_timer_set(&en->soon, 0., 0.);
    ev_timer_start(en->options.loop, &en->soon);
}

/* ---- a clock that is wrong ----------------------------------------------------------------- */

/* Whether the clock stands before the last poll: a machine without a battery wakes up somewhere in
 * the past, and what it would poll then had dates that are wrong for ever. Whoever asked is told.
 */
static bool clock_is_behind(struct engine *en, int64_t now)
{
    const struct engine_source *last = en->newest;
    char is[DATE_SIZE], was[DATE_SIZE];
    struct error e;
    bool behind = last && now < last->state.schedule.last_poll - CLOCK_TOLERANCE;

    if (behind) {
        error_set(&e,
                  "the clock stands at %s, before the last poll (%s, of %s): no page is looked at "
                  "before it is set",
                  date_rfc3339(is, now), date_rfc3339(was, last->state.schedule.last_poll),
                  last->conf->name);
        if (!en->clock_behind)
            engine_log(en, 1, "%s", e.text);
    }
    en->clock_behind = behind;
    for (size_t i = 0; behind && i < en->count; i++)
        if (en->sources[i]->turn.asked)
            poll_refuse(en->sources[i], e.text);
    return behind;
}

/* ---- rounds -------------------------------------------------------------------------------- */

void engine_arm(struct engine *en)
{
    int64_t now = engine_now(en);
    struct turn *turn;
    bool may_poll;

    jobs_sweep(en);
    check_stopped(en);
    if (en->stopping)
        return;
    may_poll = !clock_is_behind(en, now);
    while (may_poll && (turn = turns_begin(en->turns, now)) != NULL)
        poll_begin((struct engine_source *)turn);
    jobs_sweep(en); /* one that could not begin has ended */
    en->due_at = may_poll ? next_round(en, now) : now + CLOCK_TOLERANCE;
    publish_beat_soon(en);
    if (en->started)
        alarm_set(en, en->due_at);
}

static void on_due(struct ev_loop *loop, ev_io *w, int events)
{
    struct engine *en = w->data;
    uint64_t rings;

    (void)loop;
    (void)events;
    if (read(en->alarm, &rings, sizeof(rings)) < 0 && errno != ECANCELED)
        return;
    engine_arm(en);
}

static void on_soon(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    engine_arm(w->data);
}

static void on_flush(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    flush_all(w->data);
}

static void on_tell(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    publish_waiting(w->data);
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
        give_up(en->sources[i]);
    outbox_stop(en);
    jobs_sweep(en);
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
    en->turns = turns_new(1);
    en->alarm = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (en->alarm < 0)
        error_set(e, "cannot make a timer: %s", strerror(errno));
    else if (!en->turns)
        error_set(e, "out of memory");
    else
        en->fetcher = fetcher_new(options->loop, options->helper, e);
    if (!en->fetcher || outbox_init(en, e) < 0) {
        fetcher_free(en->fetcher);
        if (en->alarm >= 0)
            close(en->alarm);
        turns_free(en->turns);
        free(en);
        return NULL;
    }
    ev_io_init(&en->due, on_due, en->alarm, EV_READ);
    ev_timer_init(&en->soon, on_soon, 0., 0.);
    ev_timer_init(&en->flush, on_flush, 0., 0.);
    ev_timer_init(&en->deadline, on_deadline, 0., 0.);
    ev_timer_init(&en->tell, on_tell, 0., 0.);
    en->tell.data = en;
    ev_async_init(&en->missed, on_missed);
    all_init(en);
    polish_init(en);
    en->due.data = en->soon.data = en->flush.data = en->deadline.data = en->missed.data = en;
    ev_async_start(options->loop, &en->missed);
    ev_io_start(options->loop, &en->due);
    if (fetcher_use_service(en->fetcher, options->fetch_service, e)) {
        engine_free(en);
        return NULL;
    }
    return en;
}

static void watch_all(struct engine *en)
{
    for (size_t i = 0; i < en->count && en->started; i++)
        watch_start(en->sources[i]);
}

void engine_start(struct engine *en)
{
    en->started = true;
    for (size_t i = 0; i < en->count; i++)
        source_settle(en->sources[i]);
    watch_all(en);
    engine_arm(en);
    publish_waiting(en);
    outbox_soon(en);
}

void engine_stop(struct engine *en, double seconds, void (*stopped)(void *arg), void *arg)
{
    en->started = false;
    en->stopping = true;
    for (size_t i = 0; i < en->count; i++)
        if (!en->sources[i]->fetch)
            give_up(en->sources[i]);
    en->stopped = stopped;
    en->stopped_arg = arg;
    ev_io_stop(en->options.loop, &en->due);
    ev_timer_stop(en->options.loop, &en->soon);
    ev_timer_set(&en->deadline, seconds, 0.);
    ev_timer_start(en->options.loop, &en->deadline);
    jobs_sweep(en);
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
    flush_all(en);
    outbox_clear(en);
    ev_io_stop(en->options.loop, &en->due);
    ev_timer_stop(en->options.loop, &en->soon);
    ev_timer_stop(en->options.loop, &en->flush);
    ev_timer_stop(en->options.loop, &en->tell);
    ev_timer_stop(en->options.loop, &en->deadline);
    all_stop(en);
    polish_stop(en);
    ev_async_stop(en->options.loop, &en->missed);
    jobs_free(en);
    en->options.site = NULL; /* what is still asked for is not answered */
    publish_misses(en);
    sources_free(en->sources, en->count);
    turns_free(en->turns);
    fetcher_free(en->fetcher);
    close(en->alarm);
    conf_unref(en->conf);
    free(en->base_url);
    free(en);
}

/* ---- conf ---------------------------------------------------------------------------------- */

struct engine_source *engine_source(const struct engine *en, struct str name)
{
    const struct source_conf *conf = en->conf ? conf_source(en->conf, name) : NULL;

    return conf ? en->sources[conf - en->conf->sources] : NULL;
}

/* What old names of sources lead to the new ones. */
static void tell_moved(struct engine *en, bool still)
{
    for (size_t i = 0; i < en->count && en->options.site; i++) {
        const struct engine_source *s = en->sources[i];

        for (size_t k = 0; k < s->former_count; k++)
            if (!conf_source(en->conf, s->former[k]))
                site_moved(en->options.site, s->former[k].p, still ? s->conf->name : NULL);
    }
}

/* The sources that the new conf no longer has. */
static void forget_gone(struct engine *en, const struct conf *conf)
{
    tell_moved(en, false);
    for (size_t i = 0; i < en->count; i++) {
        struct engine_source *s = en->sources[i];

        if (conf_source(conf, str_of(s->conf->name)))
            continue;
        jobs_forget_source(s);
        if (en->options.site)
            site_forget(en->options.site, s->conf->name);
        polish_forget(en, s->conf->name);
        engine_log(en, 2, "%s: no longer followed", s->conf->name);
    }
}

/* Sources are about to be exchanged: what is being fetched is fetched again by their heirs. */
static void interrupt_polls(struct engine *en)
{
    for (size_t i = 0; i < en->count; i++) {
        struct engine_source *s = en->sources[i];

        if (!s->fetch)
            continue;
        poll_cancel(s);
        turns_ask(en->turns, &s->turn, true);
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

static struct engine_source **sources_list(struct engine *en, const struct conf *conf,
                                           struct error *e)
{
    struct engine_source **sources = calloc(conf->sources_count + 1, sizeof(*sources));

    for (size_t i = 0; sources && i < conf->sources_count; i++) {
        const struct engine_source *old = engine_source(en, str_of(conf->sources[i].name));

        sources[i] = source_new(en, conf, &conf->sources[i], e);
        if (!sources[i]) {
            sources_free(sources, i);
            return NULL;
        }
        if (!old)
            continue;
        turns_ask(en->turns, &sources[i]->turn, old->turn.asked);
        sources[i]->pages_since = old->pages_since;
        sources[i]->tally = old->tally;
    }
    if (!sources)
        error_set(e, "out of memory");
    return sources;
}

/* Names that change do so together: where one cannot, the old conf goes on, and would find nothing
 * under the others. */
static struct engine_source **sources_make(struct engine *en, const struct conf *conf,
                                           struct error *e)
{
    struct store *store = en->options.store;
    struct error alone;
    bool together = store_batch(store, &alone) == 0;
    struct engine_source **sources = sources_list(en, conf, e);

    if (!sources && together)
        store_batch_drop(store);
    if (!sources || !together || store_batch_end(store, e) == 0)
        return sources;
    sources_free(sources, conf->sources_count);
    return NULL;
}

static void warn_of_hubs(const struct engine *en)
{
    struct error e;

    if (conf_hub_is_lost(en->conf, str_of(en->base_url), &e))
        engine_log(en, 1, "%s", e.text);
}

static void exchange_sources(struct engine *en, struct conf *conf, struct engine_source **sources)
{
    for (size_t i = 0; i < conf->sources_count; i++) {
        struct engine_source *old = engine_source(en, str_of(conf->sources[i].name));

        if (!old)
            continue;
        jobs_move(old, sources[i]);
        if (old->dirty)
            flush_soon(sources[i]);
        feeds_move(old, sources[i]);
    }
    sources_free(en->sources, en->count);
    en->sources = sources;
    en->count = conf->sources_count;
    conf_unref(en->conf);
    en->conf = conf_ref(conf);
    turns_limit(en->turns, (size_t)conf->max_transfers);
    fetcher_limit(en->fetcher, (size_t)conf->max_transfers);
    en->newest = NULL;
    for (size_t i = 0; i < en->count; i++)
        source_settle(en->sources[i]);
}

static void settle_home(struct engine_source *s)
{
    struct buf home;

    buf_init(&home, SIZE_MAX);
    engine_own_home(&home, s->conf, str_of(s->engine->base_url));
    free(s->own_home);
    s->own_home = home.len ? buf_take(&home, NULL) : NULL;
    buf_clear(&home);
}

int engine_configure(struct engine *en, struct conf *conf, const char *base_url, struct error *e)
{
    char *base = strdup(base_url);
    struct engine_source **sources;

    interrupt_polls(en);
    flush_all(en);
    sources = base ? sources_make(en, conf, e) : NULL;
    if (!sources) {
        free(base);
        engine_arm(en);
        return -1;
    }
    forget_gone(en, conf);
    exchange_sources(en, conf, sources);
    free(en->base_url);
    en->base_url = base;
    for (size_t i = 0; i < en->count; i++)
        settle_home(en->sources[i]);
    warn_of_hubs(en);
    describe(en);
    tell_moved(en, true);
    publish_all(en);
    watch_all(en);
    all_configure(en);
    engine_arm(en);
    publish_waiting(en);
    return 0;
}
