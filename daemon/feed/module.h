/* module: what Atom and RSS take from Media RSS (https://www.rssboard.org/media-rss). */
#pragma once

#include "feed.h"
#include "xml.h"

#define MODULE_MEDIA_NS "http://search.yahoo.com/mrss/"

/* The picture that stands for the entry, where it has one. */
void module_thumbnail(struct xml *x, const struct feed *feed, const struct entry *entry,
                      struct buf *space);
