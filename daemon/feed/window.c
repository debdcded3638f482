/* window: which entries stand in a feed. They stand in the order in which they come: newest first,
 * as the store gives them (store/entry.c). */
#include "feed.h"

#define FRESH_SECONDS ((int64_t)14 * 24 * 60 * 60)
#define WINDOW_FACTOR 4
#define WINDOW_BYTES  ((size_t)4 << 20)

/* What the feed has, or will have for sure. */
struct load {
    size_t count, bytes;
};

bool feed_is_gone(const struct entry *entry, bool drop)
{
    return !entry->live && (drop || !entry->title.n);
}

static bool is_gone(const struct entry *entry, const struct feed_choice *choice)
{
    return feed_is_gone(entry, choice->drop_removed);
}

/* Whether the `rank`-th entry, the newest being 0, stands there whatever it takes. */
static bool is_sure(const struct entry *entry, size_t rank, const struct feed_choice *choice)
{
    return rank < choice->max || entry->seq > choice->archived;
}

static void load_add(struct load *load, const struct entry *entry)
{
    load->count++;
    load->bytes += entry->html.n;
}

static struct load load_for_sure(const struct entry *all, size_t count,
                                 const struct feed_choice *choice)
{
    struct load load = {0};

    for (size_t i = 0, rank = 0; i < count; i++) {
        if (is_gone(&all[i], choice))
            continue;
        if (is_sure(&all[i], rank++, choice))
            load_add(&load, &all[i]);
    }
    return load;
}

/* Whether there is room for one more that is fresh. Divided, not multiplied: `max` may be
 * anything. */
static bool fits(const struct entry *entry, const struct load *load,
                 const struct feed_choice *choice)
{
    return load->count / WINDOW_FACTOR < choice->max &&
           choice->now - entry->updated < FRESH_SECONDS && load->bytes <= WINDOW_BYTES &&
           entry->html.n <= WINDOW_BYTES - load->bytes;
}

size_t feed_window(const struct entry *all, size_t count, const struct feed_choice *choice,
                   const struct entry **picked)
{
    struct load load = load_for_sure(all, count, choice);
    size_t taken = 0;
    bool full = false; /* then what is older and fresh still stays out: a gap would be a riddle */

    for (size_t i = 0, rank = 0; i < count; i++) {
        if (is_gone(&all[i], choice))
            continue;
        if (!is_sure(&all[i], rank++, choice)) {
            full = full || !fits(&all[i], &load, choice);
            if (full)
                continue;
            load_add(&load, &all[i]);
        }
        picked[taken++] = &all[i];
    }
    return taken;
}
