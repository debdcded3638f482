/* all: the feed that merges all sources, as it is put together from the store. */
#pragma once

#include "conf.h"
#include "feed.h"
#include "store.h"

/* What all.* is made of. */
struct all_view {
    struct store *store;
    const struct conf *conf;
    struct str base_url;
    struct str fresh; /* a UUID, for a store that has none yet */
    int64_t now;
};

/* Fills the feed: the newest articles, each once, with the feed of the source whose text it shows
 * as its origin, and the tombstones of those that are gone. All in `a`. 0, -1. */
int all_collect(const struct all_view *view, struct arena *a, struct feed *feed, struct error *e);
