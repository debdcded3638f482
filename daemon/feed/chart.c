/* See chart.h. */
#include "chart.h"

#include <stdio.h>

#define DAY   86400
#define STEP  4 /* from a bar to the next */
#define TALL  36
#define LEVEL 6 /* of a bar, for each doubling */

/* What happened on day `i` of the 12 weeks that end with `today`; the numbers may be of a day
 * before. */
static struct activity_sums on_day(const struct feed_activity *a, int64_t today, int64_t i)
{
    int64_t at = i + today - a->last;

    if (at < 0 || at >= FEED_DAYS)
        return (struct activity_sums){0};
    return (struct activity_sums){a->fresh[at], a->changed[at]};
}

struct activity_sums activity_sums(const struct feed_activity *a, int64_t now)
{
    struct activity_sums all = {0};

    for (int64_t i = 0; i < FEED_DAYS; i++) {
        struct activity_sums day = on_day(a, now / DAY, i);
        all.fresh += day.fresh;
        all.changed += day.changed;
    }
    return all;
}

/* 1 for one, and one more for each doubling: a first day with a hundred sections would press every
 * other bar flat. */
static int height(size_t n)
{
    int levels = 0;

    for (; n; n >>= 1)
        levels++;
    return levels * LEVEL < TALL ? levels * LEVEL : TALL;
}

static void put_bars(struct xml *x, const char *class, const struct feed_activity *a, int64_t today,
                     bool with_changed)
{
    struct buf path;

    buf_init(&path, FEED_DAYS * 32);
    for (int64_t i = 0; i < FEED_DAYS; i++) {
        struct activity_sums day = on_day(a, today, i);
        int tall = height(day.fresh + (with_changed ? day.changed : 0));
        if (tall && (!with_changed || day.changed))
            buf_printf(&path, "M%d %dv-%d", (int)i * STEP + STEP / 2, TALL, tall);
    }
    if (path.len) {
        xml_open(x, "path");
        xml_attr(x, "class", str_of(class));
        xml_attr(x, "d", buf_str(&path));
        xml_close(x);
    }
    buf_clear(&path);
}

/* The days that have something, latest first, since they are told one after the other. */
static void put_days(struct xml *x, const struct feed_activity *a, int64_t today,
                     enum page_language language)
{
    char date[DATE_SIZE];
    bool first = true;

    for (int64_t i = FEED_DAYS - 1; i >= 0; i--) {
        struct activity_sums day = on_day(a, today, i);
        if (!day.fresh && !day.changed)
            continue;
        xml_text(x, first ? STR("") : STR("; "));
        xml_text(x, str_sub(str_of(date_rfc3339(date, (today - FEED_DAYS + 1 + i) * DAY)), 0, 10));
        xml_text(x, STR(": "));
        words_put(x, language, WORD_DAY, day.fresh, day.changed);
        first = false;
    }
}

static void put_named(struct xml *x, const char *element, const struct feed_row *row,
                      const char *end)
{
    char id[128];

    /* A name has no dot: nothing else on the page has this id. */
    snprintf(id, sizeof id, "%s.%s", row->name, end);
    xml_open(x, element);
    xml_attr(x, "id", str_of(id));
}

void chart_put(struct xml *x, const struct feed_row *row, int64_t now, enum page_language language)
{
    char ids[256], box[64];
    int64_t today = now / DAY;

    snprintf(ids, sizeof ids, "%s.t %s.d", row->name, row->name);
    snprintf(box, sizeof box, "0 0 %d %d", FEED_DAYS * STEP, TALL + 1);
    xml_open(x, "svg");
    xml_attr(x, "role", STR("img"));
    xml_attr(x, "viewBox", str_of(box));
    xml_attr(x, "aria-labelledby", str_of(ids));
    put_named(x, "title", row, "t");
    xml_text(x, word_in(language, WORD_CHART));
    xml_close(x);
    put_named(x, "desc", row, "d");
    put_days(x, &row->activity, today, language);
    xml_close(x);
    xml_raw(x, STR("<path class=\"ground\" d=\"M0 36.5h336\"></path>"));
    put_bars(x, "changed", &row->activity, today, true);
    put_bars(x, "fresh", &row->activity, today, false);
    xml_close(x);
}
