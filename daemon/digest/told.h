/* told: what a page tells of itself, in many places that are believed to different degrees. Each
 * field keeps what the best of them said, of equals the first. */
#pragma once

#include "base.h"

/* How much a place is believed. The <meta> elements are ranked among themselves: see info.c. */
enum {
    RANK_NONE,
    RANK_ELEMENT, /* <title>, a plain <time> */
    RANK_PUBDATE, /* <time pubdate> */
    RANK_ITEM,    /* <time itemprop> */
    RANK_META,
    RANK_LD_PAGE = 40, /* JSON-LD of the page, of Baidu's shape, of the article */
    RANK_LD_BAIDU,
    RANK_LD_ARTICLE,
    RANK_PROFILE, /* the profile's paths */
};

/* The same for tags and languages, which have orders of their own. */
enum { TAGS_NONE, TAGS_KEYWORDS, TAGS_REL, TAGS_META, TAGS_LD, TAGS_PROFILE };
enum { LANGUAGE_NONE, LANGUAGE_LD, LANGUAGE_OG, LANGUAGE_META, LANGUAGE_ROOT };
enum { CANONICAL_LINK, CANONICAL_OG, CANONICAL_PLACES };

#define TAGS_MAX        20
#define TAG_CHARACTERS  100
#define TEXT_CHARACTERS 2000

struct told_text {
    struct str value;
    int rank;
};

struct told_date {
    int64_t time;
    int rank;
};

struct told {
    struct arena *arena; /* of all strings but canonical */
    int zone;            /* of dates without one, in seconds east of UTC */
    struct told_text title, author, description, language;
    struct told_date published, modified;
    struct str canonical[CANONICAL_PLACES]; /* as they stand on the page, views */
    struct str tags[TAGS_MAX];
    size_t tags_count;
    int tags_rank;
};

/* All have one form, so that tables can hold them: `said`, of a place of that rank, is kept where
 * nothing better is, and copied. Nonsense (blank; an address as an author; a date before there were
 * pages; what is no language tag) is not kept. */
typedef void told_fn(struct told *t, int rank, struct str said);

told_fn told_title, told_author, told_description, told_language;
/* The first date in it: authors' systems write words around it. */
told_fn told_published, told_modified;
/* The rank is the place. */
told_fn told_canonical;
/* One tag; places of equal rank add up. At most TAGS_MAX, each once whatever its capitals (of
 * ASCII); one longer than TAG_CHARACTERS is a sentence and no tag. */
told_fn told_tag;
/* Tags between commas, semicolons and their Chinese kin. */
told_fn told_tags;

/* Whether it would be kept. */
bool told_wants_tags(const struct told *t, int rank);
/* The tags, one a line, in `t->arena`. */
struct str told_all_tags(const struct told *t);
