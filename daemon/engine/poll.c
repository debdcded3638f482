/* poll: one look at one source, stage by stage. Whatever goes wrong on the way ends in
 * poll_failed: no event, nothing lost, the feeds as they were. */
#include "internal.h"

#include "digest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

/* So many polls in a row have to see a last section without its end marker as it is. */
#define UNFINISHED_POLLS 2
/* One that is another at each of them is told all the same when it has been waited for so long, and
 * in so many: to tell it half is better than never. */
#define WAITING_SECONDS  ((int64_t)24 * 60 * 60)
#define WAITING_POLLS    5

/* So long is what a host asks for honoured. */
#define WAIT_MOST ((int64_t)24 * 60 * 60)

/* A poll on its way: the state as it will be. */
struct poll {
    struct engine_source *source;
    const struct fetch_result *fetched;
    struct source_state next;
    int64_t now;
    struct arena *arena;    /* of the entries that are known, and of a page that was kept */
    struct kept_page bytes; /* what the page is read from */
    bool arrived;           /* it came with this poll, and is not the one that was kept */
    struct page *page;      /* or, of a feed: */
    struct foreign_feed *feed;
    struct pages *pages; /* of a digest of several */
    struct match *match;
    bool overdue; /* a last section was waited for long enough */
};

/* ---- counting ------------------------------------------------------------------------------ */

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void count_failed(struct feed_tally *t, const char *reason)
{
    for (size_t i = 0; i < FEED_REASONS; i++) {
        if (t->failed[i].reason && strcmp(t->failed[i].reason, reason) != 0)
            continue;
        t->failed[i].reason = reason;
        t->failed[i].count++;
        return;
    }
}

/* `outcome` NULL: the page is what it was. */
static void count_good(struct feed_tally *t, const struct outcome *outcome)
{
    bool changed = outcome && outcome->events_count;

    t->changed += changed;
    t->unchanged += !changed;
    for (size_t i = 0; changed && i < outcome->events_count; i++)
        t->events[outcome->events[i].kind]++;
}

/* ---- writing at once ------------------------------------------------------------------------- */

static void poll_failed(struct poll *p, enum doubt doubt, const char *reason);

/* The poll has failed, as if the page had never come. */
static void poll_undone(struct poll *p, enum doubt doubt, const char *reason)
{
    p->next = p->source->state;
    poll_failed(p, doubt, reason);
}

/* Writes the poll and its messages. False: it could not be, and the poll has failed. */
static bool poll_write(struct poll *p, const struct outcome *outcome)
{
    struct engine *en = p->source->engine;
    struct error e;

    p->next.keep_revisions = p->source->conf->poll.keep_revisions;
    en->store_works = store_commit(en->options.store, &p->next, outcome, &e) == 0;
    flush_count(en, en->store_works);
    if (!en->store_works) {
        poll_undone(p, DOUBT_STATE, e.text);
        publish_beat(en);
        return false;
    }
    if (p->next.messages_count)
        outbox_soon(en);
    return true;
}

/* What the poll has to tell of trouble is written at once; where that cannot be, the next poll
 * tells it. */
static void write_trouble(struct poll *p)
{
    struct engine *en = p->source->engine;
    int64_t told = p->next.trouble_told;
    struct arena *a = arena_new();
    struct error e = {"out of memory"};

    if (!a || messages_of_trouble(p->source, a, &p->next, p->now, &e) < 0 ||
        (p->next.messages_count && store_commit(en->options.store, &p->next, NULL, &e) < 0)) {
        engine_log(en, 0, "%s: %s", p->source->conf->name, e.text);
        p->next.trouble_told = told;
    } else if (p->next.messages_count) {
        outbox_soon(en);
    }
    p->next.messages = NULL;
    p->next.messages_count = 0;
    arena_free(a);
}

/* ---- ends of a poll ------------------------------------------------------------------------ */

/* What the host asked for is kept until it is over, whatever comes before. What is longer than may
 * be was written while the clock was wrong. */
static void poll_note_wait(struct poll *p)
{
    int64_t most = p->now + WAIT_MOST, until = p->now + p->fetched->retry_after;

    until = until < most ? until : most;
    if (p->next.schedule.wait_until <= p->now || p->next.schedule.wait_until > most) {
        p->next.schedule.wait_until = 0;
        p->next.wait_at = (struct str){0};
    }
    if (!p->fetched->retry_after || until <= p->next.schedule.wait_until)
        return;
    p->next.schedule.wait_until = until;
    p->next.wait_at = p->fetched->asked;
}

static void poll_schedule(struct poll *p, enum poll_result result)
{
    struct engine *en = p->source->engine;
    const struct source_conf *conf = p->source->conf;
    /* To look at a file troubles nobody. */
    bool is_file = !uri_is_http(str_of(conf->url));

    poll_note_wait(p);
    schedule_after(&p->next.schedule, result, p->now,
                   &(struct schedule_terms){.interval = conf->poll.interval,
                                            .interval_max = is_file ? conf->poll.interval
                                                                    : conf->poll.interval_max,
                                            .fresh = p->fetched->fresh,
                                            .retry_after = p->fetched->retry_after,
                                            .random = en->options.random(en->options.arg),
                                            .restless = p->next.page_kept});
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

/* ---- how it ends --------------------------------------------------------------------------- */

static void poll_keep(struct poll *p)
{
    if (source_take(p->source, &p->next) < 0)
        engine_log(p->source->engine, 0, "%s: out of memory", p->source->conf->name);
    source_settle(p->source);
}

/* The page is what it was. */
static void poll_quiet(struct poll *p)
{
    struct error e;

    poll_clear_doubt(p);
    if (!p->pages) /* each of several has a way of its own */
        move_note(p->source, &p->next.move, p->fetched->moved);
    poll_schedule(p, POLL_GOOD);
    if (messages_of_good(p->source, p->arena, &p->next, NULL, false, p->now, &e) < 0) {
        poll_undone(p, DOUBT_LIMIT, e.text);
        return;
    }
    if (p->next.messages_count && !poll_write(p, NULL))
        return;
    poll_keep(p);
    flush_soon(p->source);
    count_good(&p->source->tally, NULL);
    engine_log(p->source->engine, 3, "%s: nothing new", p->source->conf->name);
    publish_row_soon(p->source);
    jobs_report(p->source, NULL, NULL);
}

static enum poll_result result_of(const struct poll *p, enum doubt doubt)
{
    if (doubt == DOUBT_LOST)
        return POLL_HELD;
    return doubt == DOUBT_FETCH && p->fetched->http_status == 410 ? POLL_GONE : POLL_FAILED;
}

static void poll_failed(struct poll *p, enum doubt doubt, const char *reason)
{
    struct engine_source *s = p->source;
    bool told = p->next.doubt == doubt && str_eq(p->next.reason, str_of(reason));

    p->next.doubt = doubt;
    p->next.reason = str_of(reason);
    poll_schedule(p, result_of(p, doubt));
    engine_log(s->engine, told ? 3 : 1, "%s: %s", s->conf->name, reason);
    write_trouble(p);
    count_failed(&s->tally, doubt_name(doubt));
    poll_keep(p);
    flush_soon(s);
    if (p->fetched->retry_after)
        flush_all(s->engine); /* not even a crash forgets what a host asked for */
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

/* A page that is kept said more than was told yet: that it comes no more (304), or comes again
 * byte for byte, is what polls to come have to say. */
static void keep_page(struct poll *p, bool kept)
{
    p->next.page = kept && p->arrived ? &p->bytes : NULL;
    p->next.page_kept = kept;
}

/* What is waited for, since when, is said once in the log and stands on the index page. */
static void note_waiting(struct poll *p, struct str unfinished)
{
    struct source_state *next = &p->next;
    bool begins = unfinished.n && !next->waiting_since;

    if (begins)
        engine_log(p->source->engine, 2,
                   "%s: waiting for the end of '%.*s': it is told when two polls in a row saw the "
                   "same, after a day at the latest",
                   p->source->conf->name, STR_ARG(unfinished));
    else if (!unfinished.n && p->overdue)
        engine_log(p->source->engine, 2,
                   "%s: the end of '%.*s' has not come for a day: it is told as it is",
                   p->source->conf->name, STR_ARG(next->waiting));
    next->waiting = unfinished;
    next->waiting_since = begins ? p->now : unfinished.n ? next->waiting_since : 0;
    next->waiting_polls = unfinished.n ? next->waiting_polls + 1 : 0;
}

/* Those of a digest of several pages are kept with each of them. */
static void take_validators(struct poll *p)
{
    if (p->arrived)
        pages_keep(p->pages, &p->next);
    if (p->pages)
        p->next.validators = (struct validators){.key = source_key(p->source)};
    if (p->pages || p->fetched->status != FETCH_OK)
        return;
    p->next.validators = (struct validators){.etag = p->fetched->etag,
                                             .last_modified = p->fetched->last_modified,
                                             .url = p->fetched->url,
                                             .body = hash_of(p->fetched->body),
                                             .key = source_key(p->source)};
}

static bool info_same(const struct page_info *a, const struct page_info *b)
{
    return str_eq(a->title, b->title) && str_eq(a->author, b->author) &&
           str_eq(a->description, b->description) && str_eq(a->language, b->language) &&
           str_eq(a->canonical, b->canonical) && str_eq(a->tags, b->tags);
}

/* `outcome` NULL: there was no memory for it. */
static void poll_believe(struct poll *p, const struct outcome *outcome,
                         const struct page_info *info)
{
    struct engine_source *s = p->source;
    bool told_otherwise = !info_same(&p->next.info, info), feeds;
    struct error e;

    if (!outcome) {
        poll_failed(p, DOUBT_LIMIT, "out of memory");
        return;
    }
    feeds = !p->next.schedule.last_good || told_otherwise || outcome->changed_count;
    poll_clear_doubt(p);
    if (!p->pages) /* each of several has a way of its own */
        move_note(p->source, &p->next.move, p->fetched->moved);
    take_validators(p);
    keep_page(p, outcome->waiting);
    note_waiting(p, outcome->unfinished);
    p->next.info = *info;
    if (outcome->events_count)
        p->next.schedule.last_change = p->now;
    poll_schedule(p, POLL_GOOD);
    if (messages_of_good(s, p->arena, &p->next, outcome, feeds, p->now, &e) < 0) {
        poll_undone(p, DOUBT_LIMIT, e.text);
        return;
    }
    if (!poll_write(p, outcome))
        return;
    poll_keep(p);
    flush_written(s);
    count_good(&s->tally, outcome);
    engine_alive(s->engine);
    if (feeds) {
        publish_feeds(s);
    } else if (outcome->moved_count) {
        publish_moved(s);
    } else {
        publish_row(s);
    }
    log_events(s, outcome);
    jobs_report(s, outcome, NULL);
}

/* The page is held. It is written at once: its bytes do not outlive the poll. */
static void poll_held(struct poll *p, struct match_losses losses)
{
    struct error e;

    take_validators(p);
    keep_page(p, true);
    if (p->next.page && !poll_write(p, NULL))
        return;
    error_set(
        &e,
        "%s: %zu of %zu sections are gone from the page; it is held until it has been the same "
        "in %lld polls (this is number %lld)",
        doubt_name(DOUBT_LOST), losses.lost, losses.live,
        (long long)p->source->conf->poll.removal_confirmations, (long long)p->next.held_polls);
    poll_failed(p, DOUBT_LOST, e.text);
}

/* ---- stages -------------------------------------------------------------------------------- */

/* So many polls in a row saw the same, this one included. */
static int64_t agreeing(struct hash *before, int64_t polls, struct hash seen, int64_t most)
{
    polls = hash_eq(*before, seen) ? polls + 1 : 1;
    *before = seen;
    return polls < most ? polls : most;
}

/* What was waited for stands higher up now, whole; what is the last one is another. */
static void stop_waiting(struct poll *p)
{
    for (size_t i = 0; i + 1 < p->page->count; i++)
        if (str_eq(p->page->sections[i].title, p->next.waiting))
            p->next.waiting_since = p->next.waiting_polls = 0;
}

static bool waited_enough(const struct source_state *state, int64_t now)
{
    return state->waiting_since && now - state->waiting_since >= WAITING_SECONDS &&
           state->waiting_polls + 1 >= WAITING_POLLS;
}

/* Whether the last section is still to be waited for. */
static bool poll_is_unfinished(struct poll *p)
{
    struct hash last = page_unfinished(p->page);

    p->next.unfinished_polls =
        hash_is_set(last)
            ? agreeing(&p->next.unfinished, p->next.unfinished_polls, last, UNFINISHED_POLLS)
            : 0;
    p->next.unfinished = last;
    if (!hash_is_set(last) || p->next.unfinished_polls >= UNFINISHED_POLLS)
        return false;
    stop_waiting(p);
    p->overdue = waited_enough(&p->next, p->now);
    return !p->overdue;
}

/* A page that lost too much is held until enough polls in a row show the same sections. */
static bool poll_is_held(struct poll *p, const struct match *m)
{
    int64_t most = p->source->conf->poll.removal_confirmations;

    if (!match_is_too_much(m))
        return false;
    p->next.held_polls = agreeing(&p->next.held, p->next.held_polls, page_hash(p->page), most);
    return p->next.held_polls < most;
}

/* An entry that stays in the feed all the same may be called removed at once; but on several pages,
 * one may have slid past the end of its page between two fetches. */
static int64_t removal_polls(const struct source_conf *conf)
{
    if (conf->removed == REMOVED_DROP)
        return conf->poll.removal_confirmations;
    return conf->pages > 1 ? 2 : 1;
}

static void poll_match(struct poll *p)
{
    struct engine_source *s = p->source;
    const struct source_conf *conf = s->conf;
    struct entry *known = NULL;
    size_t count = 0;
    struct error e;

    if (store_entries(s->engine->options.store, p->arena, s->state.name, &known, &count, &e) < 0) {
        poll_failed(p, DOUBT_STATE, e.text);
        return;
    }
    p->match = match_new(&(struct match_input){.page = p->page,
                                               .known = known,
                                               .known_count = count,
                                               .id_base = s->state.id_base,
                                               .now = p->now,
                                               .last_good = s->state.schedule.last_good,
                                               .removal_guard = conf->poll.removal_guard,
                                               .removal_polls = removal_polls(conf),
                                               .min_change = conf->poll.min_change,
                                               .hold_unfinished = poll_is_unfinished(p)});
    engine_alive(s->engine);
    if (!p->match)
        poll_failed(p, DOUBT_LIMIT, "out of memory");
    else if (poll_is_held(p, p->match))
        poll_held(p, match_losses(p->match));
    else
        poll_believe(p, match_outcome(p->match), &p->page->info);
}

/* What a feed no longer shows is not removed, so that nothing of it can be lost; but one that shows
 * nothing at all is more likely broken than empty. */
static void poll_feed_match(struct poll *p)
{
    struct engine_source *s = p->source;
    struct feed_input in = {.feed = p->feed, .now = p->now, .min_change = s->conf->poll.min_change};
    struct entry *known = NULL;
    struct error e;

    if (store_entries(s->engine->options.store, p->arena, s->state.name, &known, &in.known_count,
                      &e) < 0) {
        poll_failed(p, DOUBT_STATE, e.text);
        return;
    }
    in.known = known;
    if (p->feed->count || !in.known_count) {
        poll_believe(p, feed_outcome(&in, p->arena), &p->feed->info);
        return;
    }
    error_set(&e, "no entries: the feed is empty, and %zu entries of it are known; check the url",
              in.known_count);
    poll_failed(p, DOUBT_NO_SECTIONS, e.text);
}

static void poll_feed(struct poll *p)
{
    const struct feed_source source = {.bytes = p->bytes.bytes,
                                       .content_type = p->bytes.content_type,
                                       .url = p->bytes.url,
                                       .id_base = p->source->state.id_base,
                                       .profile = p->source->conf->profile};
    struct error e;
    enum doubt doubt = feed_read(&source, &p->feed, &e);

    engine_alive(p->source->engine);
    if (doubt == DOUBT_NONE)
        poll_feed_match(p);
    else
        poll_failed(p, doubt, e.text);
}

static void poll_page(struct poll *p)
{
    const struct page_source source = {.bytes = p->bytes.bytes,
                                       .content_type = p->bytes.content_type,
                                       .url = p->bytes.url,
                                       .profile = p->source->conf->profile};
    struct error e;
    enum doubt doubt =
        p->pages ? pages_read(p->pages, &p->page, &e) : page_read(&source, &p->page, &e);

    engine_alive(p->source->engine);
    if (p->pages && p->arrived)
        p->bytes = *pages_first(p->pages); /* in the place of all of them, where they are kept */
    if (doubt != DOUBT_NONE) {
        poll_failed(p, doubt, e.text);
        return;
    }
    poll_match(p);
}

/* Whether validators may be trusted: while a page is held only where its bytes are there. */
static bool validators_hold(const struct engine_source *s)
{
    return s->state.schedule.last_good && (!hash_is_set(s->state.held) || s->state.page_kept) &&
           hash_eq(s->state.validators.key, source_key(s));
}

static bool is_same_again(const struct poll *p)
{
    return p->fetched->status == FETCH_NOT_MODIFIED ||
           (validators_hold(p->source) &&
            hash_eq(p->next.validators.body, hash_of(p->fetched->body)));
}

static void poll_arrived(struct poll *p)
{
    p->arrived = true;
    p->bytes = (struct kept_page){.bytes = p->fetched->body,
                                  .content_type = p->fetched->content_type,
                                  .url = p->fetched->url};
    if (p->source->conf->type == SOURCE_FEED)
        poll_feed(p);
    else
        poll_page(p);
}

/* The page is what it was. Where it was kept, that is as if it had come once more. */
static void poll_same_again(struct poll *p)
{
    struct error e;
    int found;

    if (!p->next.page_kept) {
        take_validators(p);
        poll_quiet(p);
        return;
    }
    found = store_page(p->source->engine->options.store, p->arena, p->next.name, &p->bytes, &e);
    if (found > 0) {
        poll_page(p);
        return;
    }
    p->next.validators = (struct validators){0};
    poll_failed(p, DOUBT_STATE,
                found < 0 ? e.text
                          : "state: the page that was kept is not in the store any more; the next "
                            "poll brings it again");
}

/* The pages of a digest of several are there, or one of them is not. */
static void poll_pages_fetched(struct poll *p, enum doubt doubt, const char *reason)
{
    if (doubt != DOUBT_NONE) {
        poll_failed(p, doubt, reason);
    } else if (pages_are_same(p->pages)) {
        poll_same_again(p);
    } else {
        p->arrived = true;
        poll_page(p);
    }
}

static void poll_fetched(struct poll *p)
{
    struct error e;

    switch (p->fetched->status) {
    case FETCH_OK:
    case FETCH_NOT_MODIFIED:
        if (is_same_again(p))
            poll_same_again(p);
        else
            poll_arrived(p);
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

static void poll_done(void *arg, const struct fetch_result *fetched);

/* Takes one page of several. True: the next one is on its way. */
static bool poll_goes_on(struct engine_source *s, const struct fetch_result *fetched,
                         enum doubt *doubt, struct error *e)
{
    if (!s->pages || pages_take(s->pages, fetched, doubt, e) != PAGES_MORE)
        return false;
    s->fetch = pages_fetch(s->pages, poll_done, e);
    if (!s->fetch)
        *doubt = DOUBT_FETCH;
    return s->fetch != NULL;
}

static void poll_done(void *arg, const struct fetch_result *fetched)
{
    struct engine_source *s = arg;
    struct engine *en = s->engine;
    struct poll p = {.source = s, .fetched = fetched, .next = s->state, .now = engine_now(en)};
    enum doubt doubt = DOUBT_NONE;
    struct error e = {""};

    s->fetch = NULL;
    s->tally.bytes += fetched->body.n;
    if (poll_goes_on(s, fetched, &doubt, &e))
        return;
    p.pages = s->pages;
    s->pages = NULL;
    if (fetched->cookies.p)
        p.next.cookies = fetched->cookies;
    p.arena = arena_new();
    if (!p.arena)
        poll_failed(&p, DOUBT_LIMIT, "out of memory");
    else if (p.pages)
        poll_pages_fetched(&p, doubt, e.text);
    else
        poll_fetched(&p);
    feed_histogram_add(&en->counts.polls, seconds_now() - s->fetch_began);
    match_free(p.match);
    page_free(p.page);
    foreign_feed_free(p.feed);
    pages_free(p.pages);
    arena_free(p.arena);
    turns_end(en->turns, &s->turn);
    if (!turns_running(en->turns))
        memory_give_back();
    polish_soon(en);
    engine_arm(en);
}

/* ---- the beginning ------------------------------------------------------------------------- */

static struct fetch *fetch_begin(struct engine_source *s, int64_t now, struct error *e)
{
    bool hold = validators_hold(s);

    if (s->conf->pages <= 1)
        return fetch_start_at(s->engine->fetcher, str_of(s->conf->url), move_place(s),
                              &s->conf->poll, hold ? &s->state.validators : NULL, s->state.cookies,
                              now, poll_done, s, e);
    s->pages = pages_new(s, hold, e);
    return s->pages ? pages_fetch(s->pages, poll_done, e) : NULL;
}

void poll_begin(struct engine_source *s)
{
    struct engine *en = s->engine;
    int64_t now = engine_now(en);
    struct error e;

    s->begun++;
    s->fetch_began = seconds_now();
    s->fetch = fetch_begin(s, now, &e);
    if (s->fetch)
        return;
    pages_free(s->pages);
    s->pages = NULL;
    poll_failed(&(struct poll){.source = s,
                               .fetched = &(struct fetch_result){.status = FETCH_FAILED},
                               .next = s->state,
                               .now = now},
                DOUBT_FETCH, e.text);
    turns_end(en->turns, &s->turn);
}

void poll_refuse(struct engine_source *s, const char *reason)
{
    turns_ask(s->engine->turns, &s->turn, false);
    s->begun++;
    jobs_report(s, NULL, reason);
}

void poll_cancel(struct engine_source *s)
{
    if (!s->fetch)
        return;
    fetch_cancel(s->fetch);
    s->fetch = NULL;
    pages_free(s->pages);
    s->pages = NULL;
    turns_end(s->engine->turns, &s->turn);
    source_settle(s);
}
