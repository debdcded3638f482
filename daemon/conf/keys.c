/* keys: the table of keys, and how a value of each kind is read. */
#include "keys.h"

#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 256
#define SHOWN    60

#define DAEMON_RECORD struct conf
#define POLL_RECORD   struct poll_conf
#define SOURCE_RECORD struct draft

static const struct key keys[] = {
#define KEY(section, name, kind, field, fallback, least, most, check, help)                        \
    {RECORD_##section, name,  KIND_##kind, offsetof(section##_RECORD, field),                      \
     fallback,         least, most,        check},
#include "keys.def"
#undef KEY
};
#define KEYS (sizeof(keys) / sizeof(*keys))

#define DAEMON_WORD "daemon"
#define POLL_WORD   "poll"
#define SOURCE_WORD "source"

const struct conf_key *conf_keys(size_t *count)
{
    static const struct conf_key shown[] = {
#define KEY(section, name, kind, field, fallback, least, most, check, help)                        \
    {section##_WORD, name, fallback, help},
#include "keys.def"
#undef KEY
    };

    *count = KEYS;
    return shown;
}

size_t key_count(void)
{
    return KEYS;
}

const struct key *key_at(size_t index)
{
    return &keys[index];
}

const struct key *key_find(enum record record, struct str name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].record == record && str_eq(name, str_of(keys[i].name)))
            return &keys[i];
    return NULL;
}

/* ---- values -------------------------------------------------------------------------------- */

static int set_text(void *field, struct str value, struct error *e)
{
    char **text = field;

    free(*text);
    *text = strndup(value.n ? value.p : "", value.n);
    return *text ? 0 : error_set(e, "out of memory");
}

static int list_append(void *field, struct str value, struct error *e)
{
    struct word_list *list = field;
    char **items, *copy = NULL;

    if (list->count >= LIST_MAX)
        return error_set(e, "more than %d values", LIST_MAX);
    if (set_text(&copy, value, e) < 0)
        return -1;
    items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (!items) {
        free(copy);
        return error_set(e, "out of memory");
    }
    list->items = items;
    items[list->count++] = copy;
    return 0;
}

static void list_clear(struct word_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct word_list){0};
}

/* A number as one would write it for a key of this kind: 3600 s as 1h, 16 MiB as 16M. */
static const char *as_written(enum kind kind, int64_t v, char out[32])
{
    static const struct unit {
        enum kind kind;
        int64_t factor;
        const char *letter;
    } units[] = {
        {KIND_DURATION, 86400, "d"}, {KIND_DURATION, 3600, "h"}, {KIND_DURATION, 60, "m"},
        {KIND_DURATION, 1, "s"},     {KIND_SIZE, 1 << 30, "G"},  {KIND_SIZE, 1 << 20, "M"},
        {KIND_SIZE, 1 << 10, "K"},   {KIND_PERCENT, 1, "%"},
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (units[i].kind != kind || v % units[i].factor || (!v && units[i].factor > 1))
            continue;
        snprintf(out, 32, "%" PRId64 "%s", v / units[i].factor, units[i].letter);
        return out;
    }
    snprintf(out, 32, "%" PRId64, v);
    return out;
}

static int parse_value(enum kind kind, struct str value, int64_t *v)
{
    size_t bytes;

    switch (kind) {
    case KIND_DURATION:
        return parse_duration(value, v);
    case KIND_SIZE:
        if (parse_size(value, &bytes) < 0 || bytes > INT64_MAX)
            return -1;
        *v = (int64_t)bytes;
        return 0;
    case KIND_PERCENT:
        if (str_ends(value, STR("%")))
            value.n--;
        return parse_number(value, INT64_MIN, INT64_MAX, v);
    case KIND_NUMBER:
        return parse_number(value, INT64_MIN, INT64_MAX, v);
    case KIND_TEXT:
    case KIND_LIST:
    case KIND_LEVEL:
    case KIND_REMOVED:
    case KIND_TYPE:
        break;
    }
    return -1;
}

/* What is asked for where a value is none of its kind. */
static const char *const wanted[] = {
    [KIND_DURATION] = "duration, such as 90s, 30m, 6h or 1d",
    [KIND_SIZE] = "size, such as 512K or 16M",
    [KIND_NUMBER] = "number",
    [KIND_PERCENT] = "percentage, such as 50%",
};

static int set_number(const struct key *key, void *field, struct str value, struct error *e)
{
    char least[32], most[32];
    int64_t v;

    if (parse_value(key->kind, value, &v) < 0)
        return error_set(e, "'%.*s' is no %s", STR_ARG(text_head(value, SHOWN)), wanted[key->kind]);
    if (v < key->least || v > key->most)
        return error_set(e, "'%.*s' is out of range: %s to %s are allowed",
                         STR_ARG(text_head(value, SHOWN)), as_written(key->kind, key->least, least),
                         as_written(key->kind, key->most, most));
    if (key->kind == KIND_SIZE)
        *(size_t *)field = (size_t)v;
    else
        *(int64_t *)field = v;
    return 0;
}

/* The place of `value` among words that are parted by "|", or -1. */
static int choose(struct str value, const char *words, struct error *e)
{
    struct str rest = str_of(words);

    for (int i = 0; rest.n; i++)
        if (str_eq(value, str_cut(&rest, '|')))
            return i;
    return error_set(e, "'%.*s' is none of %s", STR_ARG(text_head(value, SHOWN)), words);
}

static int set_level(int *field, struct str value, struct error *e)
{
    int level = choose(value, "error|warning|info|debug", e);

    if (level < 0)
        return -1;
    *field = level;
    return 0;
}

static int set_removed(enum removed *field, struct str value, struct error *e)
{
    int removed = choose(value, "keep|drop", e);

    if (removed < 0)
        return -1;
    *field = removed ? REMOVED_DROP : REMOVED_KEEP;
    return 0;
}

static int set_type(enum source_type *field, struct str value, struct error *e)
{
    int type = choose(value, "page|feed", e);

    if (type < 0)
        return -1;
    *field = type ? SOURCE_FEED : SOURCE_PAGE;
    return 0;
}

/* ---- fields -------------------------------------------------------------------------------- */

static void *field_of(const struct key *key, void *record)
{
    return (char *)record + key->offset;
}

static int set_field(const struct key *key, void *field, struct str value, struct error *e)
{
    if (key->check && key->check(value, e) < 0)
        return -1;
    switch (key->kind) {
    case KIND_TEXT:
        return set_text(field, value, e);
    case KIND_LIST:
        return list_append(field, value, e);
    case KIND_LEVEL:
        return set_level(field, value, e);
    case KIND_REMOVED:
        return set_removed(field, value, e);
    case KIND_TYPE:
        return set_type(field, value, e);
    case KIND_DURATION:
    case KIND_SIZE:
    case KIND_NUMBER:
    case KIND_PERCENT:
        break;
    }
    return set_number(key, field, value, e);
}

int key_set(const struct key *key, void *record, struct str value, struct error *e)
{
    struct error why = {{0}};

    if (set_field(key, field_of(key, record), value, &why) < 0)
        return error_set(e, "%s: %s", key->name, why.text);
    return 0;
}

void key_clear(const struct key *key, void *record)
{
    void *field = field_of(key, record);

    if (key->kind == KIND_LIST)
        list_clear(field);
    if (key->kind == KIND_TEXT) {
        free(*(char **)field);
        *(char **)field = NULL;
    }
}

static size_t field_size(enum kind kind)
{
    return kind == KIND_SIZE      ? sizeof(size_t)
           : kind == KIND_LEVEL   ? sizeof(int)
           : kind == KIND_REMOVED ? sizeof(enum removed)
           : kind == KIND_TYPE    ? sizeof(enum source_type)
                                  : sizeof(int64_t);
}

int key_copy(const struct key *key, void *to, const void *from)
{
    const void *source = (const char *)from + key->offset;
    const struct word_list *list = source;
    void *field = field_of(key, to);

    if (key->kind == KIND_TEXT) {
        const char *text = *(char *const *)source;

        return text ? set_text(field, str_of(text), NULL) : 0;
    }
    if (key->kind != KIND_LIST) {
        memcpy(field, source, field_size(key->kind));
        return 0;
    }
    for (size_t i = 0; i < list->count; i++)
        if (list_append(field, str_of(list->items[i]), NULL) < 0)
            return -1;
    return 0;
}

void record_clear(enum record kind, void *record)
{
    for (size_t i = 0; i < KEYS; i++)
        if (keys[i].record == kind)
            key_clear(&keys[i], record);
}
