/* merge: which entries of which sources are one article, and what that article says. Everything is
 * found out from the store and the conf; nothing is remembered in between. */
#pragma once

#include "conf.h"
#include "store.h"

/* Whether a copy may stand in all.*: its source is followed, and it stands in that source's feed or
 * its archive, too. */
bool copy_may_stand(const struct conf *conf, const struct copy *copy);

/* The copy whose text an article has: the one that was told last, while it stands on its page or
 * nobody else does; else the first that stands on its page; else the first that may stand. NULL:
 * the article may not stand at all. */
const struct copy *article_shown(const struct conf *conf, const struct article *article);

/* Gives the entries of one source that wait their places among the articles. 1: there may be more,
 * 0: nobody waits, -1: the store failed, or there is no memory, and they go on waiting. */
int merge_next(struct store *store, const struct conf *conf, struct error *e);
