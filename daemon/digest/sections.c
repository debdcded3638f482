/* sections: a state machine over blocks. Outside a section, the next start marker opens one.
 * Inside, an end marker closes it; a start marker closes it and opens the next where it stands in a
 * heading, or where the page has no end markers at all. Everything else outside belongs to nobody.
 */
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

static struct mark mark_of(const struct block *block, const struct profile *profile)
{
    struct mark mark = {0};

    if (block->kind == BLOCK_SOLID || !block->text.n || block->text.n > MARKER_BYTES_MAX)
        return mark;
    if (profile->section_end && pattern_match_text(profile->section_end, block->text, NULL))
        mark.marker = MARKER_END;
    else if (pattern_match_text(profile->section_start, block->text, &mark.title) &&
             !text_blank(mark.title))
        mark.marker = MARKER_START;
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

static int spans_build(struct spans *s, struct blocks *blocks, const struct mark *marks,
                       bool has_ends)
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
            open->first = blocks->items[i].media ? i : i + 1;
        }
    }
    if (open)
        open->end = blocks->count;
    return 0;
}

int spans_find(struct spans *s, struct blocks *blocks, const struct profile *profile)
{
    struct mark *marks = calloc(blocks->count + 1, sizeof(*marks));
    bool has_ends = false;
    int done;

    memset(s, 0, sizeof(*s));
    if (!marks)
        return -1;
    for (size_t i = 0; i < blocks->count; i++) {
        marks[i] = mark_of(&blocks->items[i], profile);
        has_ends = has_ends || marks[i].marker == MARKER_END;
    }
    done = spans_build(s, blocks, marks, has_ends);
    free(marks);
    return done;
}

void spans_clear(struct spans *s)
{
    free(s->items);
    memset(s, 0, sizeof(*s));
}
