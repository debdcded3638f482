/* outbox: hands over what waits in the store: to programs, on their stdin, and to hubs, as a POST.
 * What failed is tried again, a little later each time, then given up. Nothing here delays a poll,
 * and nothing that goes wrong here is a source's trouble. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* Of each kind at once, and how many of what is due are looked at for that: some may have to wait.
 */
#define AT_ONCE        4
#define LOOK_AHEAD     64
/* Seconds that a program may take, and the memory. */
#define PROGRAM_TIME   60.
#define PROGRAM_MEMORY ((size_t)1 << 30)
/* Of the JSON of an entry, and of what a hub is told. */
#define ITEM_MAX       ((size_t)256 << 20)
#define FORM_MAX       ((size_t)64 << 10)
/* Seconds between looks at the store at the most: clocks are set, machines sleep. And what is due
 * later than any delay of ours was written while the clock was wrong. */
#define LOOK_MOST      600
#define DUE_MOST       ((int64_t)24 * 60 * 60)
/* When the store is asked again that could not be written. */
#define STORE_AGAIN    60

struct delivery {
    struct delivery *prev, *next;
    struct engine *engine;
    enum message_kind kind;
    int64_t key, tries;
    char *about; /* "blog: on-new", "blog: hub https://…" */
    char *what;  /* the id of the entry, or the path of the feed */
    struct proc *proc;
    struct fetch *fetch;
    bool over;   /* all but for the store, which has still to be told: */
    bool done;   /* it is handed over, or given up */
    int64_t due; /* else when it is tried again */
};

/* Seconds until the next try, each after one that failed; behind the last it is given up. */
static const struct tries {
    const char *key;
    size_t count;
    int64_t delays[8];
} tries_of[MESSAGE_KINDS] = {
    [MESSAGE_NEW] = {"on-new", 4, {10, 60, 300, 1800}},
    [MESSAGE_TROUBLE] = {"on-trouble", 4, {10, 60, 300, 1800}},
    [MESSAGE_HUB] = {"hub", 5, {30, 120, 600, 3600, 21600}},
};

/* ---- ends ---------------------------------------------------------------------------------- */

static void delivery_free(struct delivery *d)
{
    DL_DELETE(d->engine->outbox.deliveries, d);
    d->engine->outbox.running[d->kind]--;
    free(d->about);
    free(d->what);
    free(d);
}

/* Tells the store what became of it. Where that cannot be, it is not handed over again, but told
 * again later: the list has it as long. */
static void settle(struct delivery *d)
{
    struct engine *en = d->engine;
    struct error e;
    int told = d->done ? store_outbox_done(en->options.store, d->key, engine_now(en), &e)
                       : store_outbox_later(en->options.store, d->key, d->due, &e);

    if (told == 0) {
        delivery_free(d);
        return;
    }
    if (!d->over)
        engine_log(en, 0, "%s: %s", d->about, e.text);
    d->over = true;
}

static void succeed(struct delivery *d)
{
    d->done = true;
    engine_log(d->engine, 3, "%s: handed over: %s", d->about, d->what);
    settle(d);
}

/* `least`: seconds that it must be left alone. */
static void fail(struct delivery *d, const char *reason, int64_t least)
{
    const struct tries *t = &tries_of[d->kind];
    size_t failed = (size_t)d->tries;
    int64_t delay = failed < t->count && t->delays[failed] > least ? t->delays[failed] : least;

    d->done = failed >= t->count;
    if (d->done) {
        engine_log(d->engine, 0, "%s: %s; given up after %zu tries: %s", d->about, reason,
                   failed + 1, d->what);
    } else {
        d->due = engine_now(d->engine) + delay;
        engine_log(d->engine, 1, "%s: %s; tried again in %" PRId64 " s: %s", d->about, reason,
                   delay, d->what);
    }
    settle(d);
}

/* What comes next, and whoever waits for this one. */
static void after_end(struct engine *en)
{
    if (en->stopping)
        engine_arm_soon(en);
    else
        outbox_soon(en);
}

static void on_program_end(void *arg, const struct proc_result *result)
{
    struct delivery *d = arg;
    struct engine *en = d->engine;

    d->proc = NULL;
    if (result->end == PROC_EXITED && result->code == 0)
        succeed(d);
    else
        fail(d, result->reason, 0);
    after_end(en);
}

static void on_hub_answer(void *arg, const struct fetch_result *result)
{
    struct delivery *d = arg;
    struct engine *en = d->engine;

    d->fetch = NULL;
    if (result->status == FETCH_OK)
        succeed(d);
    else
        fail(d, result->reason, result->retry_after < DUE_MOST ? result->retry_after : DUE_MOST);
    after_end(en);
}

/* ---- beginnings ---------------------------------------------------------------------------- */

enum begun {
    BEGUN,
    UNWANTED, /* there is nobody any more to hand it to, or nothing to hand over */
    NOT_BEGUN /* a try that failed */
};

static enum begun run_program(struct delivery *d, const char *command, struct str url,
                              struct str input, struct error *e)
{
    struct engine *en = d->engine;
    const struct proc_limits limits = {.timeout = PROGRAM_TIME, .max_memory = PROGRAM_MEMORY};
    char **words;

    if (!en->options.helper) {
        error_set(e, "programs cannot be run here");
        return NOT_BEGUN;
    }
    words = words_split(command, url, e);
    if (words)
        d->proc = proc_start(en->options.helper, en->options.loop, words, input, &limits,
                             on_program_end, d, e);
    free(words);
    return d->proc ? BEGUN : NOT_BEGUN;
}

/* The entry's link, else the address of its page. */
static struct str link_of(const struct engine_source *s, const struct entry *entry,
                          struct buf *space)
{
    if (entry->link.n)
        return entry->link;
    buf_printf(space, "%s/%s/%s.html", s->engine->base_url, s->conf->name,
               entry->id + ID_UUID_OFFSET);
    return buf_str(space);
}

static enum begun begin_new(struct delivery *d, const struct engine_source *s,
                            const struct message *m, struct arena *a, struct error *e)
{
    const char *command = s->conf->poll.on_new;
    struct feed feed =
        engine_feed(s->conf, &s->state, str_of(s->engine->base_url), str_of(s->own_home));
    enum begun begun = NOT_BEGUN;
    struct buf json, link;
    struct entry entry;
    int found;

    if (!command)
        return UNWANTED;
    buf_init(&json, ITEM_MAX);
    buf_init(&link, ITEM_MAX);
    found = store_entry(s->engine->options.store, a, s->state.name, m->what, &entry, e);
    if (found == 0)
        begun = UNWANTED;
    else if (found > 0 && feed_item(&feed, &entry, &json, e) == 0)
        begun = run_program(d, command, link_of(s, &entry, &link), buf_str(&json), e);
    buf_clear(&json);
    buf_clear(&link);
    return begun;
}

static enum begun begin_trouble(struct delivery *d, const struct engine_source *s,
                                const struct message *m, struct arena *a, struct error *e)
{
    const char *command = s->conf->poll.on_trouble;

    (void)a;
    return command ? run_program(d, command, str_of(s->conf->url), m->what, e) : UNWANTED;
}

static bool is_of_all(const struct message *m)
{
    return m->kind == MESSAGE_HUB && str_starts(m->what, STR("/" FEED_MERGED_NAME "."));
}

static bool has_hub(const struct engine_source *s, struct str hub)
{
    for (size_t i = 0; i < s->conf->poll.hub.count; i++)
        if (str_eq(hub, str_of(s->conf->poll.hub.items[i])))
            return true;
    return false;
}

/* WebSub leaves it to hubs what they want to be told. Of those that there are, most want the
 * address of the feed as hub.url, as PubSubHubbub 0.3 had it, one at a time, some as hub.topic. */
static enum begun begin_ping(struct delivery *d, const struct engine_source *s,
                             const struct message *m, struct arena *a, struct error *e)
{
    struct engine *en = d->engine;
    struct buf address, form;

    (void)a;
    if (!has_hub(s, m->to) || (is_of_all(m) && !conf_hub_is_shared(en->conf, m->to)))
        return UNWANTED;
    buf_init(&address, FORM_MAX);
    buf_init(&form, FORM_MAX);
    buf_printf(&address, "%s%.*s", en->base_url, STR_ARG(m->what));
    buf_puts(&form, "hub.mode=publish&hub.url=");
    uri_encode_all(&form, buf_str(&address));
    buf_puts(&form, "&hub.topic=");
    uri_encode_all(&form, buf_str(&address));
    if (form.failed)
        error_set(e, "the address of the feed is too long");
    else
        d->fetch = fetch_post(en->outbox.fetcher, m->to, buf_str(&form), &s->conf->poll,
                              engine_now(en), on_hub_answer, d, e);
    buf_clear(&address);
    buf_clear(&form);
    return d->fetch ? BEGUN : NOT_BEGUN;
}

static struct delivery *delivery_new(struct engine *en, const struct outgoing *o)
{
    struct delivery *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->engine = en;
    d->kind = o->message.kind;
    d->key = o->key;
    d->tries = o->tries;
    if (asprintf(&d->about, "%.*s: %s%s%.*s", STR_ARG(o->source), tries_of[d->kind].key,
                 o->message.to.n ? " " : "", STR_ARG(o->message.to)) < 0)
        d->about = NULL;
    d->what = o->message.kind == MESSAGE_TROUBLE
                  ? strdup("the JSON of a trouble")
                  : strndup(o->message.what.n ? o->message.what.p : "", o->message.what.n);
    if (d->about && d->what) {
        DL_APPEND(en->outbox.deliveries, d);
        en->outbox.running[d->kind]++;
        return d;
    }
    free(d->about);
    free(d->what);
    free(d);
    return NULL;
}

/* INT64_MAX: it is on its way. Else when to look again: it has ended, or there is no memory. */
static int64_t begin(struct engine *en, const struct outgoing *o, struct arena *a, int64_t now)
{
    static enum begun (*const begins[MESSAGE_KINDS])(
        struct delivery * d, const struct engine_source *s, const struct message *m,
        struct arena *a, struct error *e) = {
        [MESSAGE_NEW] = begin_new,
        [MESSAGE_TROUBLE] = begin_trouble,
        [MESSAGE_HUB] = begin_ping,
    };
    const struct engine_source *s = engine_source(en, o->source);
    struct delivery *d = delivery_new(en, o);
    struct error e = {"out of memory"};

    if (!d)
        return now + STORE_AGAIN;
    switch (s ? begins[d->kind](d, s, &o->message, a, &e) : UNWANTED) {
    case BEGUN:
        return INT64_MAX;
    case UNWANTED:
        d->done = true;
        settle(d);
        return now;
    case NOT_BEGUN:
        break;
    }
    fail(d, e.text, 0);
    return now;
}

/* ---- which and when ------------------------------------------------------------------------ */

static bool is_on_its_way(const struct engine *en, int64_t key)
{
    const struct delivery *d;

    DL_FOREACH(en->outbox.deliveries, d)
    if (d->key == key)
        return true;
    return false;
}

/* Begins what is due of a kind. Returns when there will be more to do: INT64_MAX: at an end of one
 * that is on its way, or never. */
static int64_t run_kind(struct engine *en, enum message_kind kind, struct arena *a, int64_t now)
{
    struct outgoing list[LOOK_AHEAD];
    size_t count, *running = &en->outbox.running[kind];
    int64_t next = INT64_MAX;
    struct error e;

    /* A hub comes for the feed as soon as it is told. */
    if (*running >= AT_ONCE || (kind == MESSAGE_HUB && !en->options.site))
        return INT64_MAX;
    if (store_outbox(en->options.store, a, kind, LOOK_AHEAD, list, &count, &e) < 0) {
        engine_log(en, 0, "%s", e.text);
        return now + STORE_AGAIN;
    }
    for (size_t i = 0; i < count && *running < AT_ONCE; i++) {
        int64_t due = list[i].message.due, again;

        if (is_on_its_way(en, list[i].key))
            continue;
        if (due > now && due <= now + DUE_MOST)
            return due < next ? due : next;
        if (is_of_all(&list[i].message) && all_is_pending(en)) {
            next = now + 1; /* the hub would come for what it has already */
            continue;
        }
        again = begin(en, &list[i], a, now);
        if (again < INT64_MAX)
            return again;
    }
    return next;
}

static void settle_again(struct engine *en)
{
    struct delivery *d, *next;

    DL_FOREACH_SAFE(en->outbox.deliveries, d, next)
    if (d->over)
        settle(d);
}

static bool is_idle(const struct engine *en)
{
    const struct delivery *d;

    DL_FOREACH(en->outbox.deliveries, d)
    if (!d->over)
        return false;
    return true;
}

static void look_again(struct engine *en, int64_t seconds)
{
    ev_timer_stop(en->options.loop, &en->outbox.timer);
    ev_now_update(en->options.loop);
    ev_timer_set(&en->outbox.timer, (double)(seconds < LOOK_MOST ? seconds : LOOK_MOST), 0.);
    ev_timer_start(en->options.loop, &en->outbox.timer);
}

void outbox_soon(struct engine *en)
{
    if (!en->stopping)
        look_again(en, 0);
}

static void outbox_run(struct engine *en)
{
    int64_t now = engine_now(en), next = INT64_MAX;
    void (*settled)(void *arg) = en->outbox.settled;
    struct arena *a;

    if (en->stopping)
        return;
    a = arena_new();
    settle_again(en);
    for (enum message_kind kind = 0; kind < MESSAGE_KINDS && a; kind++) {
        int64_t due = run_kind(en, kind, a, now);

        next = due < next ? due : next;
    }
    arena_free(a);
    if (en->outbox.deliveries && next > now + STORE_AGAIN)
        next = now + STORE_AGAIN;
    if (next < INT64_MAX)
        look_again(en, next - now);
    if (settled && next > now && is_idle(en)) {
        en->outbox.settled = NULL;
        settled(en->outbox.settled_arg);
    }
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    outbox_run(w->data);
}

/* ---- life ---------------------------------------------------------------------------------- */

int outbox_init(struct engine *en, struct error *e)
{
    ev_timer_init(&en->outbox.timer, on_timer, 0., 0.);
    en->outbox.timer.data = en;
    en->outbox.fetcher = fetcher_new(en->options.loop, NULL, e);
    return en->outbox.fetcher ? 0 : -1;
}

bool outbox_is_idle(const struct engine *en)
{
    return is_idle(en);
}

void outbox_stop(struct engine *en)
{
    struct delivery *d, *next;

    ev_timer_stop(en->options.loop, &en->outbox.timer);
    DL_FOREACH_SAFE(en->outbox.deliveries, d, next)
    {
        if (d->proc)
            proc_cancel(d->proc);
        if (d->fetch)
            fetch_cancel(d->fetch);
        delivery_free(d);
    }
}

void outbox_clear(struct engine *en)
{
    outbox_stop(en);
    fetcher_free(en->outbox.fetcher);
}

void engine_settle(struct engine *en, void (*settled)(void *arg), void *arg)
{
    en->outbox.settled = settled;
    en->outbox.settled_arg = arg;
    outbox_soon(en);
}
