/* profile: the table of a profile's keys, and what is done with each kind of them. */
#include "profile.h"

#include "path.h"

#include <stdlib.h>
#include <string.h>

/* Of each list: more is a mistake, and would be tried on every block of a page. */
#define LIST_MAX 64

struct kind {
    /* Sets the field, or appends to it. */
    int (*set)(void *field, struct str value, struct error *e);
    void (*clear)(void *field);
    bool repeatable;
};

/* ---- lists --------------------------------------------------------------------------------- */

/* Room for one more in a list of items of `size` bytes. */
static int list_grow(void **items, size_t count, size_t size, struct error *e)
{
    void *grown;

    if (count >= LIST_MAX)
        return error_set(e, "more than %d values", LIST_MAX);
    grown = realloc(*items, (count + 1) * size);
    if (!grown)
        return error_set(e, "out of memory");
    *items = grown;
    return 0;
}

static int patterns_set(void *field, struct str value, struct error *e)
{
    struct pattern_list *list = field;
    void *items = list->items;
    struct pattern *p = pattern_new(value, e);

    if (!p)
        return -1;
    if (list_grow(&items, list->count, sizeof(*list->items), e) < 0) {
        pattern_free(p);
        return -1;
    }
    list->items = items;
    list->items[list->count++] = p;
    return 0;
}

static void patterns_clear(void *field)
{
    struct pattern_list *list = field;

    for (size_t i = 0; i < list->count; i++)
        pattern_free(list->items[i]);
    free(list->items);
    *list = (struct pattern_list){0};
}

static int paths_set(void *field, struct str value, struct error *e)
{
    struct path_list *list = field;
    void *items = list->items;
    struct path p;

    if (path_init(&p, value, e) < 0)
        return -1;
    if (list_grow(&items, list->count, sizeof(*list->items), e) < 0) {
        path_clear(&p);
        return -1;
    }
    list->items = items;
    list->items[list->count++] = p;
    return 0;
}

static void paths_clear(void *field)
{
    struct path_list *list = field;

    for (size_t i = 0; i < list->count; i++)
        path_clear(&list->items[i]);
    free(list->items);
    *list = (struct path_list){0};
}

static int words_append(struct word_list *list, struct str word, struct error *e)
{
    void *items = list->items;
    char *copy = strndup(word.p, word.n);

    if (!copy)
        return error_set(e, "out of memory");
    if (list_grow(&items, list->count, sizeof(*list->items), e) < 0) {
        free(copy);
        return -1;
    }
    list->items = items;
    list->items[list->count++] = copy;
    return 0;
}

static int words_set(void *field, struct str value, struct error *e)
{
    while (value.n) {
        struct str word = str_cut(&value, ' ');

        word = str_trim(word);
        if (word.n && words_append(field, word, e) < 0)
            return -1;
    }
    return 0;
}

static void words_clear(void *field)
{
    struct word_list *list = field;

    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct word_list){0};
}

/* ---- single values ------------------------------------------------------------------------- */

static int pattern_set(void *field, struct str value, struct error *e)
{
    struct pattern **p = field;

    *p = pattern_new(value, e);
    return *p ? 0 : -1;
}

static void pattern_clear(void *field)
{
    struct pattern **p = field;

    pattern_free(*p);
    *p = NULL;
}

static int truth_set(void *field, struct str value, struct error *e)
{
    bool *truth = field;

    *truth = str_eq(value, STR("yes"));
    if (!*truth && !str_eq(value, STR("no")))
        return error_set(e, "'%.*s' is neither yes nor no", STR_ARG(text_head(value, 40)));
    return 0;
}

static void truth_clear(void *field)
{
    bool *truth = field;

    *truth = false;
}

static int zone_set(void *field, struct str value, struct error *e)
{
    if (date_parse_zone(value, field) == 0)
        return 0;
    return error_set(e, "'%.*s' is no offset from UTC: write one such as +08:00 or UTC",
                     STR_ARG(text_head(value, 40)));
}

static void zone_clear(void *field)
{
    int *zone = field;

    *zone = 0;
}

/* One of three words, by which their number is found. */
static int word_set(struct str value, const char *const words[3], struct error *e)
{
    for (int i = 0; i < 3; i++)
        if (str_eq(value, str_of(words[i])))
            return i;
    return error_set(e, "'%.*s' is none of %s, %s and %s", STR_ARG(text_head(value, 40)), words[0],
                     words[1], words[2]);
}

static int syntax_set(void *field, struct str value, struct error *e)
{
    static const char *const words[] = {"html", "text", "markdown"};
    enum syntax *syntax = field;
    int n = word_set(value, words, e);

    if (n >= 0)
        *syntax = (enum syntax)n;
    return n < 0 ? -1 : 0;
}

static void syntax_clear(void *field)
{
    enum syntax *syntax = field;

    *syntax = SYNTAX_HTML;
}

static int sections_set(void *field, struct str value, struct error *e)
{
    static const char *const words[] = {"markers", "headings", "either"};
    enum sectioning *sections = field;
    int n = word_set(value, words, e);

    if (n >= 0)
        *sections = (enum sectioning)n;
    return n < 0 ? -1 : 0;
}

static void sections_clear(void *field)
{
    enum sectioning *sections = field;

    *sections = SECTIONS_MARKERS;
}

/* Regexes that take something out of what they match. */
static int has_group(const struct pattern *p, const char *what, struct error *e)
{
    if (pattern_has_group(p))
        return 0;
    return error_set(e, "the regex has no group: put the part that is the %s in parentheses", what);
}

static int title_set(void *field, struct str value, struct error *e)
{
    struct pattern **p = field;

    if (pattern_set(field, value, e) == 0 && has_group(*p, "title", e) == 0)
        return 0;
    pattern_clear(field);
    return -1;
}

static int target_set(void *field, struct str value, struct error *e)
{
    struct pattern_list *list = field;

    if (patterns_set(field, value, e) < 0)
        return -1;
    if (has_group(list->items[list->count - 1], "link's target", e) == 0)
        return 0;
    pattern_free(list->items[--list->count]);
    return -1;
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct kind patterns = {patterns_set, patterns_clear, true};
static const struct kind paths = {paths_set, paths_clear, true};
static const struct kind words = {words_set, words_clear, true};
static const struct kind targets = {target_set, patterns_clear, true};
static const struct kind pattern = {pattern_set, pattern_clear, false};
static const struct kind title = {title_set, pattern_clear, false};
static const struct kind truth = {truth_set, truth_clear, false};
static const struct kind zone = {zone_set, zone_clear, false};
static const struct kind syntax = {syntax_set, syntax_clear, false};
static const struct kind sections = {sections_set, sections_clear, false};

static const struct key {
    const char *name;
    const struct kind *kind;
    size_t offset;
} keys[] = {
    {"syntax", &syntax, offsetof(struct profile, syntax)},
    {"match", &patterns, offsetof(struct profile, match)},
    {"content", &paths, offsetof(struct profile, content)},
    {"drop", &paths, offsetof(struct profile, drop)},
    {"sections", &sections, offsetof(struct profile, sections)},
    {"section-start", &title, offsetof(struct profile, section_start)},
    {"section-end", &pattern, offsetof(struct profile, section_end)},
    {"skip-title", &pattern, offsetof(struct profile, skip_title)},
    {"stable-ids", &truth, offsetof(struct profile, stable_ids)},
    {"title-xpath", &paths, offsetof(struct profile, title_xpath)},
    {"author-xpath", &paths, offsetof(struct profile, author_xpath)},
    {"published-xpath", &paths, offsetof(struct profile, published_xpath)},
    {"modified-xpath", &paths, offsetof(struct profile, modified_xpath)},
    {"canonical-xpath", &paths, offsetof(struct profile, canonical_xpath)},
    {"tags-xpath", &paths, offsetof(struct profile, tags_xpath)},
    {"next", &paths, offsetof(struct profile, next)},
    {"lazy-attribute", &words, offsetof(struct profile, lazy_attribute)},
    {"unwrap-link", &targets, offsetof(struct profile, unwrap_link)},
    {"wall", &patterns, offsetof(struct profile, wall)},
    {"timezone", &zone, offsetof(struct profile, timezone)},
};
#define KEYS (sizeof(keys) / sizeof(*keys))

static const struct key *key_find(struct str name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (str_eq(name, str_of(keys[i].name)))
            return &keys[i];
    return NULL;
}

static unsigned key_bit(const struct key *key)
{
    return 1u << (key - keys);
}

static void *key_field(struct profile *p, const struct key *key)
{
    return (char *)p + key->offset;
}

/* ---- profiles ------------------------------------------------------------------------------ */

struct profile *profile_new(const char *name)
{
    struct profile *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->refs = 1;
    p->name = strdup(name);
    if (p->name)
        return p;
    free(p);
    return NULL;
}

struct profile *profile_ref(struct profile *p)
{
    p->refs++;
    return p;
}

void profile_unref(struct profile *p)
{
    if (!p || --p->refs)
        return;
    for (size_t i = 0; i < KEYS; i++)
        keys[i].kind->clear(key_field(p, &keys[i]));
    free(p->name);
    free(p);
}

bool profile_has_key(struct str key)
{
    return key_find(key) != NULL;
}

const char *profile_key(size_t index)
{
    return index < KEYS ? keys[index].name : NULL;
}

int profile_set(struct profile *p, struct str name, struct str value, struct error *e)
{
    const struct key *key = key_find(name);
    struct error why = {{0}};

    if (!key)
        return error_set(e, "unknown key '%.*s'", STR_ARG(text_head(name, 40)));
    if (!value.n)
        return error_set(e, "%s has no value", key->name);
    if (!text_is_xml(value))
        return error_set(e, "%s is not UTF-8, or has a control character in it", key->name);
    if (!key->kind->repeatable && p->given & key_bit(key))
        return error_set(e, "%s is given twice", key->name);
    /* Inherited, perhaps. */
    if (!key->kind->repeatable)
        key->kind->clear(key_field(p, key));
    if (key->kind->set(key_field(p, key), value, &why) < 0)
        return error_set(e, "%s: %s", key->name, why.text);
    p->given |= key_bit(key);
    p->hash = hash_more(hash_more(p->hash, name), value);
    return 0;
}

void profile_forget(struct profile *p, struct str name)
{
    const struct key *key = key_find(name);

    if (!key)
        return;
    key->kind->clear(key_field(p, key));
    p->given &= ~key_bit(key);
    p->hash = hash_more(hash_more(p->hash, STR("")), name);
}

void profile_inherited(struct profile *p)
{
    p->given = 0;
}

int profile_complete(const struct profile *p, struct error *e)
{
    if (!p->section_start && p->sections != SECTIONS_HEADINGS)
        return error_set(e,
                         "profile '%s' has no section-start: set it to a regex whose group is the "
                         "title, or say sections = headings",
                         p->name);
    if (p->syntax == SYNTAX_TEXT && p->sections == SECTIONS_HEADINGS)
        return error_set(e, "profile '%s' has sections = headings, but plain text has none",
                         p->name);
    return 0;
}

bool profile_matches(const struct profile *p, struct str url)
{
    for (size_t i = 0; i < p->match.count; i++)
        if (pattern_match(p->match.items[i], url, NULL))
            return true;
    return false;
}
