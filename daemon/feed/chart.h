/* chart: the activity of a source over 12 weeks, as inline SVG without any style of its own, since
 * the policy of our pages allows none. */
#pragma once

#include "feed.h"
#include "words.h"
#include "xml.h"

struct activity_sums {
    size_t fresh, changed;
};
/* Of the 12 weeks that end with the day of `now`, whenever the numbers were taken. */
struct activity_sums activity_sums(const struct feed_activity *a, int64_t now);

/* A bar a day. People who do not see it are told the days that something happened on. */
void chart_put(struct xml *x, const struct feed_row *row, int64_t now, enum page_language language);
