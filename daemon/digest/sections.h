/* sections: which blocks are whose. */
#pragma once

#include "blocks.h"
#include "profile.h"

/* One section: its title and the blocks [first, end) that are its content. A picture may stand in
 * the line of a marker: then that block is among them. */
struct span {
    struct str title; /* what the first group of section-start matched; the heading's text */
    size_t head;      /* the block of the start marker */
    size_t first, end;
    bool closed; /* its end marker is there, or it needs none */
};

struct spans {
    struct span *items;
    size_t count, room;
    struct buf titles; /* of headings of several lines */
};

/* Finds the sections of a run of blocks, placeholders and empty ones too: by markers or by
 * headings, as the profile says. `content` is the root of the blocks, NULL on a plain-text page.
 * 0, or -1: no memory. */
int spans_find(struct spans *s, struct blocks *blocks, const struct profile *profile,
               const xmlNode *content);
void spans_clear(struct spans *s);
/* So many blocks stand before the first marker, where that is one of an end: on a further page they
 * are the end of a section of the page before. 0: there are none. */
size_t spans_lead(const struct blocks *blocks, const struct profile *profile);
