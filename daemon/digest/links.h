/* links: deep links into a page: for each section an address with a text fragment
 * (https://wicg.github.io/scroll-to-text-fragment/) that a browser resolves to that very section.
 */
#pragma once

#include "fold.h"
#include "sections.h"

/* A stretch of the page's folded text. */
struct stretch {
    size_t at, n;
};

/* What a link looks for: a text, and what shall stand before and behind it (n 0: anything). */
struct candidate {
    struct stretch prefix, text, suffix;
};

/* The text of a whole page as a browser's search sees it, and of each span what finds it there. */
struct links {
    struct buf text;         /* a line a block */
    struct buf folded;       /* the same as a search compares it */
    size_t *heads;           /* offset of each span's title line, */
    size_t *folded_heads;    /* and of the same in the folded text */
    bool has_heads;          /* the content stands where a browser searches */
    struct candidate *found; /* of each span; text.n 0: nothing finds it */
};

/* `root`: the document's; `blocks` and `spans`: of its element `content`. 0, or -1: no memory.
 * links_clear it in either case. */
int links_find(struct links *l, xmlNode *root, const xmlNode *content, const struct blocks *blocks,
               const struct spans *spans);
void links_clear(struct links *l);

/* Appends the fragment ("#:~:text=…") that first matches span number `i`. -1, nothing appended:
 * none does. */
int link_fragment(struct buf *out, const struct links *l, size_t i);
