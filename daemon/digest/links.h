/* links: deep links into a page: for each section an address with a text fragment
 * (https://wicg.github.io/scroll-to-text-fragment/) that a browser resolves to that very section.
 */
#pragma once

#include "base.h"
#include "sections.h"

/* The text of a whole page as a browser's search sees it, and where in it the titles stand. */
struct page_text {
    struct buf text;   /* a line a block */
    struct buf folded; /* the same with ASCII letters in lower case: offsets agree */
    size_t *titles;    /* offset of each span's title line, */
    bool has_titles;   /* where the content was come across */
};

/* `root`: the document's; `blocks` and `spans`: of its element `content`. 0, or -1: no memory.
 * page_text_clear it. */
int page_text_read(struct page_text *t, xmlNode *root, const xmlNode *content,
                   const struct blocks *blocks, const struct spans *spans);
void page_text_clear(struct page_text *t);

/* Appends the fragment ("#:~:text=…") that first matches span number `i`. -1, nothing appended:
 * none does. */
int link_fragment(struct buf *out, const struct page_text *t, const struct spans *spans, size_t i);
