/* messages: what a poll has to tell the world besides its feeds, put together before it is written,
 * to be written with it; outbox.c hands it over. */
#include "internal.h"

#include "digest.h"

#include <stdio.h>

/* All that a JSON of trouble may take. */
#define TROUBLE_MAX ((size_t)64 * 1024)
/* Seconds from a change to the pings: other changes that come at once are told with it, and the
 * feeds are in service long before somebody comes for them. */
#define PING_DELAY  1

static void add(struct source_state *state, struct message *list, struct message message)
{
    list[state->messages_count++] = message;
    state->messages = list;
}

static int no_memory(struct error *e)
{
    return error_set(e, "out of memory");
}

/* The JSON about the trouble, in `a`. Empty: no memory. */
static struct str trouble_json(const struct engine_source *s, struct arena *a,
                               const struct feed_trouble *t)
{
    struct feed feed =
        engine_feed(s->conf, &s->state, str_of(s->engine->base_url), str_of(s->own_home));
    struct str json = {0};
    struct buf out;

    buf_init(&out, TROUBLE_MAX);
    if (feed_trouble(&feed, t, &out, NULL) == 0)
        json = arena_copy(a, buf_str(&out));
    buf_clear(&out);
    return json;
}

/* That the trouble which was told of is over. */
static int add_recovery(const struct engine_source *s, struct arena *a, struct source_state *next,
                        struct message *list, int64_t now, struct error *e)
{
    const struct source_state *before = &s->state;
    int64_t since = next->trouble_told;

    next->trouble_polls = 0;
    next->trouble_told = 0;
    if (!since || !s->conf->poll.on_trouble)
        return 0;
    struct str json =
        trouble_json(s, a,
                     &(struct feed_trouble){.over = true,
                                            .doubt = str_of(doubt_name(before->doubt)),
                                            .reason = before->reason,
                                            .since = since,
                                            .at = now});
    if (!json.n)
        return no_memory(e);
    add(next, list, (struct message){.kind = MESSAGE_TROUBLE, .what = json, .due = now});
    return 0;
}

/* The new entries, the oldest first. On the first poll all is new, and nothing is news. */
static void add_new(const struct engine_source *s, struct source_state *next, struct message *list,
                    const struct outcome *outcome, int64_t now)
{
    if (!s->conf->poll.on_new || !s->state.schedule.last_good)
        return;
    for (size_t i = outcome->events_count; i-- > 0;)
        if (outcome->events[i].kind == EVENT_NEW)
            add(next, list,
                (struct message){
                    .kind = MESSAGE_NEW, .what = str_of(outcome->events[i].entry->id), .due = now});
}

/* That the feeds of this name are others, to one hub. */
static int add_pings(const char *name, struct str hub, struct arena *a, struct source_state *next,
                     struct message *list, int64_t now)
{
    for (enum feed_format format = 0; format < FEED_FORMATS; format++) {
        char path[256];

        snprintf(path, sizeof(path), "/%s%s", name, feed_suffix(format));
        struct str kept = arena_copy(a, str_of(path));
        if (!kept.n)
            return -1;
        add(next, list,
            (struct message){
                .kind = MESSAGE_HUB, .what = kept, .to = hub, .due = now + PING_DELAY});
    }
    return 0;
}

/* Each hub is told of each feed of the source, and of all.* where it stands there. */
static int add_changes(const struct engine_source *s, struct arena *a, struct source_state *next,
                       struct message *list, int64_t now)
{
    const struct word_list *hubs = &s->conf->poll.hub;

    for (size_t i = 0; i < hubs->count; i++) {
        struct str hub = str_of(hubs->items[i]);

        if (add_pings(s->conf->name, hub, a, next, list, now) < 0 ||
            (conf_hub_is_shared(s->engine->conf, hub) &&
             add_pings(FEED_MERGED_NAME, hub, a, next, list, now) < 0))
            return -1;
    }
    return 0;
}

int messages_of_good(const struct engine_source *s, struct arena *a, struct source_state *next,
                     const struct outcome *outcome, bool feeds, int64_t now, struct error *e)
{
    size_t most =
        (outcome ? outcome->events_count : 0) + 1 + s->conf->poll.hub.count * FEED_FORMATS * 2;
    struct message *list = arena_array(a, most, sizeof(*list));

    if (!list)
        return no_memory(e);
    if (add_recovery(s, a, next, list, now, e) < 0)
        return -1;
    if (outcome)
        add_new(s, next, list, outcome, now);
    return feeds && add_changes(s, a, next, list, now) < 0 ? no_memory(e) : 0;
}

int messages_of_trouble(const struct engine_source *s, struct arena *a, struct source_state *next,
                        int64_t now, struct error *e)
{
    struct message *message;

    if (next->trouble_polls < TROUBLE_POLLS)
        next->trouble_polls++;
    if (next->trouble_polls < TROUBLE_POLLS || next->trouble_told || !s->conf->poll.on_trouble)
        return 0;
    message = arena_alloc(a, sizeof(*message));
    struct str json = trouble_json(s, a,
                                   &(struct feed_trouble){.doubt = str_of(doubt_name(next->doubt)),
                                                          .reason = next->reason,
                                                          .since = next->schedule.trouble_since,
                                                          .at = now});
    if (!message || !json.n)
        return no_memory(e);
    next->trouble_told = next->schedule.trouble_since;
    add(next, message, (struct message){.kind = MESSAGE_TROUBLE, .what = json, .due = now});
    return 0;
}
