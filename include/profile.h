/* profile: a site's rules, compiled. One file of `conf/profiles/` a site; the INI reader of conf
 * feeds it key by key. Patterns are PCRE2 (UTF, no JIT, match and depth limits), paths are XPath
 * 1.0. A profile belongs to the thread that compiled it: matching writes into it. */
#pragma once

#include "base.h"

/* ---- patterns ------------------------------------------------------------------------------ */

struct pattern;

/* NULL and `e` ("… at offset 3: missing )") where it does not compile. */
struct pattern *pattern_new(struct str regex, struct error *e);
void pattern_free(struct pattern *p);
/* Whether the regex has a group to take something out of a match. */
bool pattern_has_group(const struct pattern *p);
/* Whether `subject` matches; its first group goes to *group where that is not NULL (a view into
 * subject; empty where the group took no part). A subject that is not UTF-8, or a match over the
 * limits, does not match. */
bool pattern_match(const struct pattern *p, struct str subject, struct str *group);
/* The same of text that is known to be UTF-8: it is not looked at again. */
bool pattern_match_text(const struct pattern *p, struct str text, struct str *group);

/* ---- profiles ------------------------------------------------------------------------------ */

enum syntax { SYNTAX_HTML, SYNTAX_TEXT, SYNTAX_MARKDOWN };

/* What tells where a section begins. EITHER: markers where there are any of both kinds, else
 * headings. */
enum sectioning { SECTIONS_MARKERS, SECTIONS_HEADINGS, SECTIONS_EITHER };

struct pattern_list {
    struct pattern **items;
    size_t count;
};

/* An XPath expression as written and compiled (an xmlXPathCompExpr, void here so that callers of
 * this header need not know libxml2). */
struct path {
    char *text;
    void *compiled;
};

struct path_list {
    struct path *items;
    size_t count;
};

struct word_list {
    char **items;
    size_t count;
};

/* Filled by profile_set. Lists are in the order given; NULL patterns were not given. */
struct profile {
    char *name;
    unsigned refs;
    enum syntax syntax;       /* key `syntax`: html (default), text or markdown */
    enum sectioning sections; /* key `sections`: markers (default), headings or either */
    struct pattern_list match;
    struct path_list content;
    struct path_list drop;
    struct pattern *section_start;
    struct pattern *section_end;
    struct pattern *skip_title;
    bool stable_ids;
    struct path_list title_xpath, author_xpath, published_xpath, modified_xpath, canonical_xpath;
    struct path_list tags_xpath;     /* each node that one selects is a tag */
    struct path_list next;           /* the link to the next page of a digest of several */
    struct word_list lazy_attribute; /* split at blanks */
    struct pattern_list unwrap_link;
    struct pattern_list wall;
    int timezone;     /* seconds east of UTC */
    unsigned given;   /* the keys that were set, a bit each */
    struct hash hash; /* of all keys and values: a changed profile is another extractor */
};

struct profile *profile_new(const char *name); /* one reference; NULL: no memory */
struct profile *profile_ref(struct profile *p);
void profile_unref(struct profile *p); /* NULL is fine */
/* Whether `key` is a key of profiles. */
bool profile_has_key(struct str key);
/* The keys, from index 0 on; NULL behind the last. */
const char *profile_key(size_t index);
/* Sets one key. A repeatable key (match, content, drop, *-xpath, unwrap-link, wall,
 * lazy-attribute) is appended to what the profile has of it. -1: unknown key, faulty value, or
 * another key a second time. */
int profile_set(struct profile *p, struct str key, struct str value, struct error *e);
/* A source's override of a key: what the profile had of it is forgotten first. Call it once a key,
 * then profile_set for each value. */
void profile_forget(struct profile *p, struct str key);
/* What was set so far is inherited: a key that stands once may be set once more, which takes the
 * place of what it was; lists go on. */
void profile_inherited(struct profile *p);
/* Whether what is needed to find sections is there: section-start, unless headings do it. */
int profile_complete(const struct profile *p, struct error *e);
bool profile_matches(const struct profile *p, struct str url);
