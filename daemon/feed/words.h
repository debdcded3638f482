/* words: what our pages say, in each of their languages. */
#pragma once

#include "feed.h"
#include "xml.h"

enum word {
    WORD_FEEDS,
    WORD_LEAD,
    WORD_OPML,
    WORD_LEAD_END,
    WORD_NONE,
    WORD_MERGED,
    WORD_MERGED_END,
    WORD_TROUBLED,
    WORD_SEPARATOR,
    WORD_ALSO,
    WORD_CHANGES,
    WORD_IN_ORDER,
    WORD_UNSEEN,
    WORD_SINCE,
    WORD_IN_TROUBLE,
    WORD_TROUBLE,
    WORD_REASON,
    WORD_STILL_SERVED,
    WORD_WAITING,
    WORD_WAITING_SINCE,
    WORD_WAITING_END,
    WORD_MOVED,
    WORD_MOVED_END,
    WORD_ENTRIES,
    WORD_LAST_NEW,
    WORD_LAST_POLL,
    WORD_NEXT_POLL,
    WORD_NONE_YET,
    WORD_NOT_YET,
    WORD_NOT_PLANNED,
    WORD_ACTIVITY,
    WORD_CHART,
    WORD_DAY,
    WORD_PAGES,
    WORD_PAGE,
    WORD_FIRST,
    WORD_PREVIOUS,
    WORD_NEXT,
    /* of the page of an entry */
    WORD_PUBLISHED,
    WORD_UPDATED,
    WORD_MINUTES,
    WORD_OFF_THE_PAGE,
    WORD_ABOVE,
    WORD_BELOW,
    WORD_WHERE_PUBLISHED,
    WORD_SUBSCRIBE,
    WORDS
};

struct str word_in(enum page_language language, enum word word);
/* Some have one or two numbers in them (%d, in this order): as text of a page. */
void words_put(struct xml *x, enum page_language language, enum word word, size_t a, size_t b);
