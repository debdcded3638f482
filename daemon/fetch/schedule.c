/* When a source is looked at again. Pure. */
#include "fetch.h"

#define DAY         ((int64_t)24 * 60 * 60)
#define LONGEST     (3650 * DAY) /* what a duration of the conf file can be */
#define JITTER_PART 10           /* ±1/10 */
#define FORTNIGHT   (14 * DAY)

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sane_interval(int64_t interval)
{
    return at_least(1, at_most(interval, LONGEST));
}

/* The back-off's cap: a day, but a source that is looked at less often keeps its interval. */
static int64_t longest_back_off(int64_t interval)
{
    return at_least(DAY, interval);
}

static int64_t back_off(int64_t interval, int64_t failures)
{
    int64_t delay = interval, cap = longest_back_off(interval);

    while (--failures > 0 && delay < cap)
        delay *= 2;
    return at_most(delay, cap);
}

/* A page that has been quiet for n fortnights is looked at every n intervals, up to interval-max.
 */
static int64_t slowed(const struct schedule *s, int64_t now, int64_t interval, int64_t most)
{
    int64_t quiet = s->last_change > 0 && s->last_change < now ? now - s->last_change : 0;

    quiet = at_most(quiet, LONGEST);
    if (quiet <= FORTNIGHT)
        return interval;
    return at_least(interval, at_most(interval * (quiet / DAY) / (FORTNIGHT / DAY), most));
}

/* Before jitter. */
static int64_t usual_delay(const struct schedule *s, enum poll_result result, int64_t now,
                           const struct schedule_terms *t)
{
    int64_t interval = sane_interval(t->interval);

    switch (result) {
    case POLL_GOOD:
        return t->restless ? interval : slowed(s, now, interval, sane_interval(t->interval_max));
    case POLL_HELD:
        return interval;
    case POLL_GONE:
        return longest_back_off(interval);
    case POLL_FAILED:
        break;
    }
    return back_off(interval, s->failures);
}

/* What the answer says of itself: no sooner than that. */
static int64_t least_delay(enum poll_result result, const struct schedule_terms *t)
{
    int64_t fresh = result == POLL_FAILED ? 0 : at_most(t->fresh, t->interval_max);

    if (result == POLL_GONE)
        return DAY; /* whatever the jitter says */
    return at_least(fresh, at_most(t->retry_after, DAY));
}

static int64_t with_jitter(int64_t delay, uint32_t random)
{
    int64_t reach = delay / JITTER_PART;

    return delay - reach + (int64_t)random % (2 * reach + 1);
}

static int64_t later(int64_t now, int64_t delay)
{
    return now > INT64_MAX - delay ? INT64_MAX : now + delay;
}

static void note_result(struct schedule *s, enum poll_result result, int64_t now)
{
    switch (result) {
    case POLL_GOOD:
        s->last_good = now;
        s->trouble_since = 0;
        s->failures = 0;
        return;
    case POLL_HELD:
        s->failures = 0;
        break;
    case POLL_GONE:
    case POLL_FAILED:
        if (s->failures < INT64_MAX)
            s->failures++;
        break;
    }
    if (!s->trouble_since)
        s->trouble_since = now;
}

void schedule_after(struct schedule *s, enum poll_result result, int64_t now,
                    const struct schedule_terms *terms)
{
    int64_t delay;

    note_result(s, result, now);
    delay = with_jitter(usual_delay(s, result, now, terms), terms->random);
    s->last_poll = now;
    s->next_poll = later(now, at_least(delay, least_delay(result, terms)));
}

int64_t schedule_at_start(const struct schedule *s, int64_t now, int64_t interval,
                          int64_t interval_max)
{
    int64_t cap = at_least(longest_back_off(sane_interval(interval)), sane_interval(interval_max));

    if (!s->last_poll || s->next_poll <= now)
        return now;
    return s->next_poll > later(now, cap + cap / JITTER_PART) ? now : s->next_poll;
}
