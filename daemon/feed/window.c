/* window: which entries stand in a feed. They stand in the order in which they come: newest first,
 * as the store gives them (store/entry.c). */
#include "feed.h"

#define FRESH_SECONDS ((int64_t)14 * 24 * 60 * 60)
#define WINDOW_FACTOR 4
#define WINDOW_BYTES  ((size_t)4 << 20)

/* Whether `entry` stands in the feed although `taken` others, of `bytes` of content, already do. */
static bool fits(const struct entry *entry, size_t taken, size_t bytes, size_t max, int64_t now)
{
    if (taken < max)
        return true;
    /* Divided, not multiplied: `max` may be anything. */
    if (taken / WINDOW_FACTOR >= max)
        return false;
    return now - entry->updated < FRESH_SECONDS && bytes <= WINDOW_BYTES &&
           entry->html.n <= WINDOW_BYTES - bytes;
}

size_t feed_window(const struct entry *all, size_t count, size_t max, bool drop_removed,
                   int64_t now, const struct entry **picked)
{
    size_t taken = 0, bytes = 0;

    for (size_t i = 0; i < count; i++) {
        if (drop_removed && !all[i].live)
            continue;
        /* The next ones are older still: a gap would be a riddle to readers. */
        if (!fits(&all[i], taken, bytes, max, now))
            break;
        bytes += all[i].html.n;
        picked[taken++] = &all[i];
    }
    return taken;
}
