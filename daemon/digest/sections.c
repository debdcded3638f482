/* sections: a state machine over blocks. Outside a section, the next start marker opens one.
 * Inside, an end marker closes it; a start marker closes it and opens the next where it stands in a
 * heading, or where the page has no end markers at all. Everything else outside belongs to nobody.
 *
 * By headings: those of one level open a section each; the next of that level or a higher one
 * closes it, and so does an end marker where the profile knows any. */
#include "sections.h"

#include <stdlib.h>
#include <string.h>

/* A marker is a short line: a longer one is text, and no pattern has to look at it. */
#define MARKER_BYTES_MAX 4096

enum marker { MARKER_NONE, MARKER_START, MARKER_END };

struct mark {
    enum marker marker;
    struct str title;
};

static struct mark mark_of(const struct blocks *blocks, const struct block *block,
                           const struct profile *profile)
{
    struct mark mark = {0};

    if (block->kind == BLOCK_SOLID || !block->text.n || block->text.n > MARKER_BYTES_MAX)
        return mark;
    if (profile->section_end && pattern_match_text(profile->section_end, block->text, NULL))
        mark.marker = MARKER_END;
    else if (profile->section_start &&
             pattern_match_text(profile->section_start, block->text, &mark.title) &&
             !text_blank(mark.title))
        mark.marker = MARKER_START;
    if (mark.marker != MARKER_NONE && block_is_code(blocks, block))
        mark.marker = MARKER_NONE;
    return mark;
}

static struct span *span_add(struct spans *s)
{
    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 64;
        struct span *items =
            room <= SIZE_MAX / 2 / sizeof(*items) ? realloc(s->items, room * sizeof(*items)) : NULL;

        if (!items)
            return NULL;
        s->items = items;
        s->room = room;
    }
    memset(&s->items[s->count], 0, sizeof(*s->items));
    return &s->items[s->count++];
}

/* Whether a title's block has something that its text does not tell: a picture, a link. */
static bool is_more_than_title(const struct blocks *blocks, size_t i, const xmlNode *content)
{
    return blocks->items[i].media || block_has_link(blocks, &blocks->items[i], content);
}

static int spans_build(struct spans *s, struct blocks *blocks, const struct mark *marks,
                       bool has_ends, const xmlNode *content)
{
    struct span *open = NULL;

    for (size_t i = 0; i < blocks->count; i++) {
        bool may_start = !open || !has_ends || blocks->items[i].level;

        if (marks[i].marker == MARKER_END && open) {
            blocks->items[i].marker = true;
            open->closed = true;
            open->end = blocks->items[i].media ? i + 1 : i;
            open = NULL;
        } else if (marks[i].marker == MARKER_START && may_start) {
            if (open)
                open->end = i;
            open = span_add(s);
            if (!open)
                return -1;
            blocks->items[i].marker = true;
            *open = (struct span){.title = marks[i].title, .head = i, .end = i + 1};
            open->first = is_more_than_title(blocks, i, content) ? i : i + 1;
        }
    }
    if (open)
        open->end = blocks->count;
    return 0;
}

/* ---- by headings --------------------------------------------------------------------------- */

#define LEVELS 7 /* h1 to h6; 0 is no heading */

/* A heading is a run of blocks, since it may have several lines. Its end, from its first block on.
 */
static size_t heading_end(const struct blocks *blocks, size_t i)
{
    const xmlNode *element = blocks->items[i].element;

    while (i < blocks->count && blocks->items[i].level && blocks->items[i].element == element)
        i++;
    return i;
}

static bool heading_is_blank(const struct blocks *blocks, size_t i, size_t end)
{
    for (; i < end; i++)
        if (blocks->items[i].text.n)
            return false;
    return true;
}

/* The nearest element around a heading, inside the content, that has one of the names. */
static const xmlNode *heading_within(const struct block *block, const xmlNode *content,
                                     const char *const names[3])
{
    for (const xmlNode *node = block->element; node && node != content; node = node->parent)
        for (size_t i = 0; i < 3; i++)
            if (strcmp((const char *)node->name, names[i]) == 0)
                return node;
    return NULL;
}

/* The level of the heading [i, end), 0 where it is none: blank, beside the text, or the line under
 * a title, which ended at block i. */
static unsigned heading_level(const struct blocks *blocks, size_t i, size_t end,
                              const xmlNode *content)
{
    static const char *const beside[3] = {"nav", "aside", "footer"};
    static const char *const titles[3] = {"header", "hgroup", "hgroup"};
    const struct block *block = &blocks->items[i];
    const xmlNode *group;

    if (heading_is_blank(blocks, i, end) || heading_within(block, content, beside))
        return 0;
    if (!i || !block[-1].level || block[-1].level >= block->level)
        return block->level;
    group = heading_within(block, content, titles);
    return group && group == heading_within(&block[-1], content, titles) ? 0 : block->level;
}

/* Which heading each block begins, and where that heading ends; by block. */
struct heading {
    unsigned char level; /* 0: no heading begins here */
    size_t end;
};

/* Whether anything stands below the heading before the next of its kind. */
static bool heading_has_text(const struct blocks *blocks, const struct heading *headings, size_t i)
{
    const struct heading *next = &headings[headings[i].end];

    return headings[i].end < blocks->count && (!next->level || next->level > headings[i].level);
}

static int heading_title(struct spans *s, const struct blocks *blocks, size_t i, size_t end,
                         struct str *title)
{
    size_t from = s->titles.len;

    *title = blocks->items[i].text;
    if (i + 1 == end)
        return 0;
    for (; i < end; i++) {
        if (s->titles.len > from && blocks->items[i].text.n)
            buf_putc(&s->titles, ' ');
        buf_add(&s->titles, blocks->items[i].text);
    }
    *title = str_sub(buf_str(&s->titles), from, SIZE_MAX);
    return s->titles.failed ? -1 : 0;
}

static void headings_read(struct heading *headings, const struct blocks *blocks,
                          const xmlNode *content)
{
    for (size_t i = 0, end; i < blocks->count; i = end) {
        end = i + 1;
        if (!blocks->items[i].level)
            continue;
        end = heading_end(blocks, i);
        headings[i] = (struct heading){(unsigned char)heading_level(blocks, i, end, content), end};
    }
}

/* The highest level that is used more than once, headings with nothing below them and those that
 * begin no entry aside. Where none is: the highest, a title of the page (h1) aside. */
static unsigned sections_level(const struct heading *headings, const struct blocks *blocks,
                               const struct profile *profile)
{
    size_t count[LEVELS] = {0};
    unsigned level = 1;

    for (size_t i = 0; i < blocks->count; i++) {
        const struct pattern *skip = profile->skip_title;

        if (headings[i].level && heading_has_text(blocks, headings, i) &&
            !(skip && pattern_match_text(skip, blocks->items[i].text, NULL)))
            count[headings[i].level]++;
    }
    while (level < LEVELS && count[level] < 2)
        level++;
    if (level < LEVELS)
        return level;
    for (level = 2; level < LEVELS && !count[level]; level++)
        ;
    return level < LEVELS ? level : 1;
}

/* ---- boxes --------------------------------------------------------------------------------- */

/* Nothing is deeper than the parser lets it be. */
#define DEPTH_MAX 257

struct chain {
    const xmlNode *nodes[DEPTH_MAX]; /* from the content down */
    size_t n;
};

static void chain_of(struct chain *c, const xmlNode *node, const xmlNode *content)
{
    c->n = 0;
    for (; node && node != content && c->n < DEPTH_MAX; node = node->parent)
        c->nodes[c->n++] = node;
    for (size_t i = 0; i < c->n / 2; i++) {
        const xmlNode *swap = c->nodes[i];

        c->nodes[i] = c->nodes[c->n - 1 - i];
        c->nodes[c->n - 1 - i] = swap;
    }
}

/* How many elements both stand in. */
static size_t chain_common(const struct chain *a, const struct chain *b)
{
    size_t n = 0;

    while (n < a->n && n < b->n && a->nodes[n] == b->nodes[n])
        n++;
    return n;
}

/* The largest element that holds the title of span i and no other title; NULL: none. */
static const xmlNode *box_of(const struct spans *s, const struct blocks *blocks, size_t i,
                             const xmlNode *content)
{
    struct chain own, other;
    size_t shared = 0;

    chain_of(&own, blocks->items[s->items[i].head].element, content);
    for (size_t k = i ? i - 1 : i + 1; k < s->count && k <= i + 1; k += 2) {
        size_t common;

        chain_of(&other, blocks->items[s->items[k].head].element, content);
        common = chain_common(&own, &other);
        shared = common > shared ? common : shared;
    }
    return shared < own.n ? own.nodes[shared] : NULL;
}

static bool is_inside(const xmlNode *node, const xmlNode *box, const xmlNode *content)
{
    while (node && node != box && node != content)
        node = node->parent;
    return node == box;
}

/* Where each section has a box of its own, and all boxes stand side by side, what stands in the box
 * above the title (a date, a picture) is its section's and not that of the one before. */
static void spans_take_boxes(struct spans *s, const struct blocks *blocks, const xmlNode *content)
{
    const xmlNode *first = s->count > 1 ? box_of(s, blocks, 0, content) : NULL;

    for (size_t i = 0; first && i < s->count; i++) {
        const xmlNode *box = box_of(s, blocks, i, content);

        if (!box || box->parent != first->parent ||
            strcmp((const char *)box->name, (const char *)first->name) != 0)
            return;
    }
    for (size_t i = 0; first && i < s->count; i++) {
        struct span *span = &s->items[i];
        const xmlNode *box = box_of(s, blocks, i, content);
        size_t from = span->head;

        while (from && is_inside(blocks->items[from - 1].element, box, content))
            from--;
        if (from == span->head)
            continue;
        span->first = from;
        if (i && s->items[i - 1].end > from)
            s->items[i - 1].end = from;
    }
}

static int spans_by_headings(struct spans *s, struct blocks *blocks, const struct mark *marks,
                             const struct heading *headings, unsigned level, const xmlNode *content)
{
    struct span *open = NULL;

    for (size_t i = 0; i < blocks->count; i++) {
        unsigned here = headings[i].level;
        bool ends = marks[i].marker == MARKER_END;

        if (open && (ends || (here && here <= level))) {
            open->end = i;
            open = NULL;
        }
        if (ends || here != level)
            continue;
        open = span_add(s);
        if (!open)
            return -1;
        *open = (struct span){.head = i, .first = headings[i].end, .closed = true};
        if (heading_title(s, blocks, i, headings[i].end, &open->title) < 0)
            return -1;
        for (size_t k = headings[i].end; k-- > i;) {
            blocks->items[k].marker = true;
            if (is_more_than_title(blocks, k, content))
                open->first = k;
        }
        i = headings[i].end - 1;
    }
    if (open)
        open->end = blocks->count;
    return 0;
}

static int spans_read_headings(struct spans *s, struct blocks *blocks, const struct mark *marks,
                               const struct profile *profile, const xmlNode *content)
{
    struct heading *headings = calloc(blocks->count + 1, sizeof(*headings));
    size_t room = 0;
    int done = -1;

    /* Titles are views: their space must not move. */
    for (size_t i = 0; i < blocks->count; i++)
        if (blocks->items[i].level)
            room += blocks->items[i].text.n + 1;
    if (headings && buf_reserve(&s->titles, room) == 0) {
        headings_read(headings, blocks, content);
        done = spans_by_headings(s, blocks, marks, headings,
                                 sections_level(headings, blocks, profile), content);
        spans_take_boxes(s, blocks, content);
    }
    free(headings);
    return done;
}

/* ---- which of both ------------------------------------------------------------------------- */

static bool has_marker(const struct mark *marks, size_t count, enum marker marker)
{
    for (size_t i = 0; i < count; i++)
        if (marks[i].marker == marker)
            return true;
    return false;
}

static bool goes_by_headings(enum sectioning sections, bool has_both)
{
    return sections == SECTIONS_HEADINGS || (sections == SECTIONS_EITHER && !has_both);
}

int spans_find(struct spans *s, struct blocks *blocks, const struct profile *profile,
               const xmlNode *content)
{
    struct mark *marks = calloc(blocks->count + 1, sizeof(*marks));
    bool has_starts, has_ends;
    int done;

    memset(s, 0, sizeof(*s));
    buf_init(&s->titles, SIZE_MAX);
    if (!marks)
        return -1;
    for (size_t i = 0; i < blocks->count; i++)
        marks[i] = mark_of(blocks, &blocks->items[i], profile);
    has_starts = has_marker(marks, blocks->count, MARKER_START);
    has_ends = has_marker(marks, blocks->count, MARKER_END);
    done = goes_by_headings(profile->sections, has_starts && has_ends)
               ? spans_read_headings(s, blocks, marks, profile, content)
               : spans_build(s, blocks, marks, has_ends, content);
    free(marks);
    return done;
}

size_t spans_lead(const struct blocks *blocks, const struct profile *profile)
{
    enum marker marker = MARKER_NONE;
    size_t i = 0;

    while (i < blocks->count && marker == MARKER_NONE)
        marker = mark_of(blocks, &blocks->items[i++], profile).marker;
    return marker == MARKER_END ? i - 1 : 0;
}

void spans_clear(struct spans *s)
{
    free(s->items);
    buf_clear(&s->titles);
    memset(s, 0, sizeof(*s));
}
