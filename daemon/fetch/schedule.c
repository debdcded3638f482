/* When a source is looked at again. Pure. */
#include "fetch.h"

#define DAY         ((int64_t)24 * 60 * 60)
#define LONGEST     (3650 * DAY) /* what a duration of the conf file can be */
#define JITTER_PART 10           /* ±1/10 */

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
static int64_t longest_delay(int64_t interval)
{
    return at_least(DAY, interval);
}

static int64_t back_off(int64_t interval, int64_t failures)
{
    int64_t delay = interval, cap = longest_delay(interval);

    while (--failures > 0 && delay < cap)
        delay *= 2;
    return at_most(delay, cap);
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
    case POLL_FAILED:
        if (s->failures < INT64_MAX)
            s->failures++;
        break;
    }
    if (!s->trouble_since)
        s->trouble_since = now;
}

void schedule_after(struct schedule *s, enum poll_result result, int64_t now, int64_t interval,
                    int64_t retry_after, uint32_t random)
{
    int64_t delay;

    interval = sane_interval(interval);
    note_result(s, result, now);
    delay = with_jitter(back_off(interval, s->failures), random);
    delay = at_least(delay, at_most(retry_after, DAY));
    s->last_poll = now;
    s->next_poll = later(now, delay);
}

int64_t schedule_at_start(const struct schedule *s, int64_t now, int64_t interval)
{
    int64_t cap = longest_delay(sane_interval(interval));

    if (!s->last_poll || s->next_poll <= now)
        return now;
    return s->next_poll > later(now, cap + cap / JITTER_PART) ? now : s->next_poll;
}
