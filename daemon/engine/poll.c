/* poll: one look at one source, stage by stage. Whatever goes wrong on the way ends in
 * poll_failed: no event, nothing lost, the feeds as they were. */
#include "internal.h"

#include "digest.h"

#include <stdlib.h>
#include <string.h>

/* How long quiet polls may wait to be written together. */
#define FLUSH_SECONDS 5.0
#define FLUSH_MOST    256

/* A poll on its way: the state as it will be. */
struct poll {
    struct engine_source *source;
    const struct fetch_result *fetched;
    struct source_state next;
    int64_t now;
    struct arena *arena; /* of the entries that are known */
    struct page *page;
    struct match *match;
};

/* ---- writing ------------------------------------------------------------------------------- */

static void flush_some(struct engine *en, struct engine_source **from, size_t count)
{
    const struct source_state *states[FLUSH_MOST];
    struct error e;
    bool works;

    for (size_t i = 0; i < count; i++)
        states[i] = &from[i]->state;
    works = store_commit_quiet(en->options.store, states, count, &e) == 0;
    if (works != en->store_works) {
        en->store_works = works;
        publish_beat(en);
    }
    if (!works) {
        engine_log(en, 0, "%s", e.text);
        return;
    }
    for (size_t i = 0; i < count; i++)
        from[i]->dirty = false;
}

void poll_flush(struct engine *en)
{
    struct engine_source *batch[FLUSH_MOST];
    size_t n = 0;

    ev_timer_stop(en->options.loop, &en->flush);
    for (size_t i = 0; i < en->count; i++) {
        if (en->sources[i]->dirty)
            batch[n++] = en->sources[i];
        if (n == FLUSH_MOST || (n && i + 1 == en->count)) {
            flush_some(en, batch, n);
            n = 0;
        }
    }
}

/* The state is written within a few seconds, together with others. */
static void write_soon(struct engine_source *s)
{
    struct engine *en = s->engine;

    s->dirty = true;
    if (!ev_is_active(&en->flush)) {
        ev_timer_set(&en->flush, FLUSH_SECONDS, 0.);
        ev_timer_start(en->options.loop, &en->flush);
    }
}

/* ---- ends of a poll ------------------------------------------------------------------------ */

static void poll_schedule(struct poll *p, enum poll_result result)
{
    struct engine *en = p->source->engine;

    schedule_after(&p->next.schedule, result, p->now, p->source->conf->poll.interval,
                   p->fetched->retry_after, en->options.random(en->options.arg));
}

/* In order again. The name of the source is in the row of the log once, not at every poll. */
static void poll_clear_doubt(struct poll *p)
{
    if (p->next.doubt != DOUBT_NONE)
        engine_log(p->source->engine, 2, "%s: in order again", p->source->conf->name);
    p->next.doubt = DOUBT_NONE;
    p->next.reason = (struct str){0};
    p->next.held = (struct hash){0};
    p->next.held_polls = 0;
}

static void poll_keep(struct poll *p)
{
    if (source_take(p->source, &p->next) < 0)
        engine_log(p->source->engine, 0, "%s: out of memory", p->source->conf->name);
}

/* The page is what it was. */
static void poll_quiet(struct poll *p)
{
    poll_clear_doubt(p);
    poll_schedule(p, POLL_GOOD);
    poll_keep(p);
    write_soon(p->source);
    engine_log(p->source->engine, 3, "%s: nothing new", p->source->conf->name);
    publish_row(p->source);
    jobs_report(p->source, NULL, NULL);
}

static void poll_failed(struct poll *p, enum doubt doubt, const char *reason)
{
    struct engine_source *s = p->source;
    bool told = p->next.doubt == doubt && str_eq(p->next.reason, str_of(reason));

    p->next.doubt = doubt;
    p->next.reason = str_of(reason);
    poll_schedule(p, doubt == DOUBT_LOST ? POLL_HELD : POLL_FAILED);
    engine_log(s->engine, told ? 3 : 1, "%s: %s", s->conf->name, reason);
    poll_keep(p);
    write_soon(s);
    publish_row(s);
    jobs_report(s, NULL, reason);
}

/* ---- a page that is believed --------------------------------------------------------------- */

static void log_events(const struct engine_source *s, const struct outcome *outcome)
{
    static const char *const names[] = {"new", "restored", "renamed", "changed", "removed"};

    for (size_t i = 0; i < outcome->events_count; i++) {
        const struct event *event = &outcome->events[i];

        engine_log(s->engine, 2, "%s: %s: %.*s", s->conf->name, names[event->kind],
                   STR_ARG(event->entry->title));
    }
}

static void take_validators(struct poll *p)
{
    p->next.validators = (struct validators){.etag = p->fetched->etag,
                                             .last_modified = p->fetched->last_modified,
                                             .body = hash_of(p->fetched->body),
                                             .key = source_key(p->source)};
}

static bool info_same(const struct page_info *a, const struct page_info *b)
{
    return str_eq(a->title, b->title) && str_eq(a->author, b->author) &&
           str_eq(a->description, b->description) && str_eq(a->language, b->language) &&
           str_eq(a->canonical, b->canonical) && str_eq(a->tags, b->tags);
}

static void poll_believe(struct poll *p)
{
    struct engine_source *s = p->source;
    struct engine *en = s->engine;
    const struct outcome *outcome = match_outcome(p->match);
    bool first = !p->next.schedule.last_good;
    bool told_otherwise = !info_same(&p->next.info, &p->page->info);
    struct error e;

    if (!outcome) {
        poll_failed(p, DOUBT_LIMIT, "out of memory");
        return;
    }
    poll_clear_doubt(p);
    take_validators(p);
    p->next.info = p->page->info;
    poll_schedule(p, POLL_GOOD);
    if (outcome->events_count)
        p->next.schedule.last_change = p->now;
    en->store_works = store_commit(en->options.store, &p->next, outcome, &e) == 0;
    if (!en->store_works) {
        p->next = s->state; /* as if the page had never come */
        poll_failed(p, DOUBT_STATE, e.text);
        publish_beat(en);
        return;
    }
    poll_keep(p);
    s->dirty = false;
    engine_alive(en);
    if (first || told_otherwise || outcome->changed_count) {
        publish_feeds(s);
    } else if (outcome->moved_count) {
        publish_moved(s);
    } else {
        publish_row(s);
    }
    log_events(s, outcome);
    jobs_report(s, outcome, NULL);
}

/* A page that lost too much is held until enough polls in a row show the same sections. */
static bool poll_is_held(struct poll *p)
{
    struct hash seen = page_hash(p->page);
    struct match_losses losses = match_losses(p->match);
    struct error e;

    if (!match_is_too_much(p->match))
        return false;
    p->next.held_polls = hash_eq(p->next.held, seen) ? p->next.held_polls + 1 : 1;
    p->next.held = seen;
    if (p->next.held_polls >= p->source->conf->poll.removal_confirmations)
        return false;
    error_set(
        &e,
        "%s: %zu of %zu sections are gone from the page; it is held until it has been the same "
        "in %lld polls (this is number %lld)",
        doubt_name(DOUBT_LOST), losses.lost, losses.live,
        (long long)p->source->conf->poll.removal_confirmations, (long long)p->next.held_polls);
    poll_failed(p, DOUBT_LOST, e.text);
    return true;
}

/* ---- stages -------------------------------------------------------------------------------- */

static void poll_match(struct poll *p)
{
    struct engine_source *s = p->source;
    struct entry *known = NULL;
    size_t count = 0;
    struct error e;

    p->arena = arena_new();
    if (!p->arena ||
        store_entries(s->engine->options.store, p->arena, s->state.name, &known, &count, &e) < 0) {
        poll_failed(p, DOUBT_STATE, p->arena ? e.text : "out of memory");
        return;
    }
    p->match = match_new(&(struct match_input){.page = p->page,
                                               .known = known,
                                               .known_count = count,
                                               .id_base = s->state.id_base,
                                               .now = p->now,
                                               .last_good = s->state.schedule.last_good,
                                               .removal_guard = s->conf->poll.removal_guard});
    engine_alive(s->engine);
    if (!p->match)
        poll_failed(p, DOUBT_LIMIT, "out of memory");
    else if (!poll_is_held(p))
        poll_believe(p);
}

static void poll_page(struct poll *p)
{
    const struct page_source source = {.bytes = p->fetched->body,
                                       .content_type = p->fetched->content_type,
                                       .url = p->fetched->url,
                                       .profile = p->source->conf->profile};
    struct error e;
    enum doubt doubt = page_read(&source, &p->page, &e);

    engine_alive(p->source->engine);
    if (doubt != DOUBT_NONE) {
        poll_failed(p, doubt, e.text);
        return;
    }
    poll_match(p);
}

/* Whether validators may be trusted: not while a page is held, since then each poll has to bring
 * its bytes. */
static bool validators_hold(const struct engine_source *s)
{
    return s->state.schedule.last_good && !hash_is_set(s->state.held) &&
           hash_eq(s->state.validators.key, source_key(s));
}

static void poll_fetched(struct poll *p)
{
    struct error e;

    switch (p->fetched->status) {
    case FETCH_OK:
        if (validators_hold(p->source) &&
            hash_eq(p->next.validators.body, hash_of(p->fetched->body))) {
            take_validators(p);
            poll_quiet(p);
        } else {
            poll_page(p);
        }
        break;
    case FETCH_NOT_MODIFIED:
        poll_quiet(p);
        break;
    case FETCH_NOT_WHOLE:
        error_set(&e, "%s: %s", doubt_name(DOUBT_NOT_WHOLE), p->fetched->reason);
        poll_failed(p, DOUBT_NOT_WHOLE, e.text);
        break;
    case FETCH_FAILED:
        poll_failed(p, DOUBT_FETCH, p->fetched->reason);
        break;
    }
}

static void poll_done(void *arg, const struct fetch_result *fetched)
{
    struct engine_source *s = arg;
    struct engine *en = s->engine;
    struct poll p = {.source = s, .fetched = fetched, .next = s->state, .now = engine_now(en)};

    s->fetch = NULL;
    en->running--;
    if (fetched->cookies.n)
        p.next.cookies = fetched->cookies;
    poll_fetched(&p);
    match_free(p.match);
    page_free(p.page);
    arena_free(p.arena);
    if (!en->running)
        memory_give_back();
    engine_arm(en);
}

/* ---- the beginning ------------------------------------------------------------------------- */

void poll_begin(struct engine_source *s)
{
    struct engine *en = s->engine;
    int64_t now = engine_now(en);
    struct error e;

    s->due_now = false;
    s->begun++;
    s->fetch = fetch_start(en->fetcher, str_of(s->conf->url), &s->conf->poll,
                           validators_hold(s) ? &s->state.validators : NULL, s->state.cookies, now,
                           poll_done, s, &e);
    if (s->fetch) {
        en->running++;
        return;
    }
    poll_failed(&(struct poll){.source = s,
                               .fetched = &(struct fetch_result){.status = FETCH_FAILED},
                               .next = s->state,
                               .now = now},
                DOUBT_FETCH, e.text);
}

void poll_cancel(struct engine_source *s)
{
    if (!s->fetch)
        return;
    fetch_cancel(s->fetch);
    s->fetch = NULL;
    s->engine->running--;
}
