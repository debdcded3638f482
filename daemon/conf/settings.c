/* settings: which setting belongs to which section, and whether that section has such a key. */
#include "settings.h"

#include "nearest.h"

/* Where the settings that come next belong. */
enum place { PLACE_NONE, PLACE_UNKNOWN, PLACE_DAEMON, PLACE_POLL, PLACE_SOURCE };

struct reading {
    struct blocks *blocks;
    enum place place;
    struct block *block;
};

/* The records whose keys may stand in a section. */
static const bool allowed[][RECORD_SOURCE + 1] = {
    [PLACE_DAEMON] = {[RECORD_DAEMON] = true},
    [PLACE_POLL] = {[RECORD_POLL] = true},
    [PLACE_SOURCE] = {[RECORD_POLL] = true, [RECORD_SOURCE] = true},
};

const struct setting *block_find(const struct block *block, struct str name)
{
    for (const struct setting *s = block->first; s; s = s->next)
        if (str_eq(s->name, name))
            return s;
    return NULL;
}

static struct block *add_source(struct blocks *b, struct str name, unsigned line)
{
    struct block *block = arena_alloc(b->arena, sizeof(*block));

    if (!block)
        return NULL;
    block->name = arena_copy(b->arena, name);
    block->line = line;
    if (b->last_source)
        b->last_source->next = block;
    else
        b->sources = block;
    b->last_source = block;
    b->sources_count++;
    return block;
}

static void on_header(struct reading *r, const struct ini_item *item)
{
    struct blocks *b = r->blocks;
    struct str name = item->section, word = str_cut(&name, ' ');

    name = str_trim(name);
    if (str_eq(word, STR("source"))) {
        r->place = PLACE_SOURCE;
        r->block = add_source(b, name, item->line);
        if (!r->block)
            faults_add(b->faults, b->file, item->line, "out of memory");
    } else if (!name.n && (str_eq(word, STR("daemon")) || str_eq(word, STR("poll")))) {
        r->place = str_eq(word, STR("poll")) ? PLACE_POLL : PLACE_DAEMON;
        r->block = r->place == PLACE_POLL ? &b->poll : &b->daemon;
    } else {
        r->place = PLACE_UNKNOWN;
        r->block = NULL;
        faults_add(b->faults, b->file, item->line,
                   "unknown section [%.*s]; there are [daemon], [poll] and [source NAME]",
                   STR_ARG(text_head(item->section, 60)));
    }
}

/* The key of this name that may stand in this section, or NULL. */
static const struct key *key_of(enum place place, struct str name)
{
    const struct key *key = NULL;

    for (unsigned record = 0; record <= RECORD_SOURCE && !key; record++)
        if (allowed[place][record])
            key = key_find((enum record)record, name);
    return key;
}

static struct str nearest_key(enum place place, struct str name)
{
    struct nearest n = nearest_to(name);

    for (size_t i = 0; i < key_count(); i++)
        if (allowed[place][key_at(i)->record])
            nearest_offer(&n, str_of(key_at(i)->name));
    for (size_t i = 0; place == PLACE_SOURCE && profile_key(i); i++)
        nearest_offer(&n, str_of(profile_key(i)));
    return n.name;
}

/* A key that is known, but has no place in this section. */
static const char *right_section(struct str name)
{
    static const char *const sections[] = {
        [RECORD_DAEMON] = "[daemon]",
        [RECORD_POLL] = "[poll] or [source NAME]",
        [RECORD_SOURCE] = "[source NAME]",
    };

    for (size_t i = 0; i < key_count(); i++)
        if (str_eq(name, str_of(key_at(i)->name)))
            return sections[key_at(i)->record];
    return profile_has_key(name) ? "[source NAME] or a profile" : NULL;
}

static void unknown_key(struct reading *r, const struct ini_item *item)
{
    struct blocks *b = r->blocks;
    struct str shown = text_head(item->key, 60), near = nearest_key(r->place, item->key);
    const char *section = right_section(item->key);

    if (section)
        faults_add(b->faults, b->file, item->line, "'%.*s' is no key of [%.*s]: it belongs in %s",
                   STR_ARG(shown), STR_ARG(text_head(item->section, 60)), section);
    else if (near.n)
        faults_add(b->faults, b->file, item->line, "unknown key '%.*s'; did you mean '%.*s'?",
                   STR_ARG(shown), STR_ARG(near));
    else
        faults_add(b->faults, b->file, item->line, "unknown key '%.*s'", STR_ARG(shown));
}

static void add_setting(struct reading *r, const struct key *key, const struct ini_item *item)
{
    struct arena *arena = r->blocks->arena;
    struct setting *s = arena_alloc(arena, sizeof(*s));

    if (!s) {
        faults_add(r->blocks->faults, r->blocks->file, item->line, "out of memory");
        return;
    }
    *s = (struct setting){.key = key,
                          .name = arena_copy(arena, item->key),
                          .value = arena_copy(arena, item->value),
                          .line = item->line};
    if (r->block->last)
        r->block->last->next = s;
    else
        r->block->first = s;
    r->block->last = s;
}

static void on_item(void *arg, const struct ini_item *item)
{
    struct reading *r = arg;
    const struct key *key;

    if (!item->key.n) {
        on_header(r, item);
        return;
    }
    if (r->place == PLACE_NONE) {
        faults_add(r->blocks->faults, r->blocks->file, item->line,
                   "'%.*s' stands before the first [section]", STR_ARG(text_head(item->key, 60)));
        return;
    }
    if (!r->block)
        return;
    key = key_of(r->place, item->key);
    if (key || (r->place == PLACE_SOURCE && profile_has_key(item->key)))
        add_setting(r, key, item);
    else
        unknown_key(r, item);
}

void settings_read(struct blocks *b, struct str text)
{
    struct reading r = {.blocks = b};

    ini_parse(b->file, text, on_item, &r, b->faults);
}
