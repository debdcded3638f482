/* writer: cleaned HTML, such that a browser that parses it builds the very tree that was written.
 *
 * It knows what may stand in what. Elements are asked for from the outside in, as the page has
 * them, and opened only when something seen is to stand in them. Text in a table that stands in no
 * cell gets one, an item without a list a list; a paragraph never holds a block; inline elements
 * are always innermost: where a block begins in one, it ends and begins again within the block. In
 * preformatted text a block is a line. */
#pragma once

#include "address.h"
#include "content.h"
#include "elements.h"

#include <libxml/tree.h>

/* Nothing is deeper than the parser lets it be. */
#define DEPTH_MAX 300

/* What may stand in an element, of what matters to a parser. */
enum place { PLACE_FLOW, PLACE_ITEMS, PLACE_TERMS, PLACE_ROWS_GROUPS, PLACE_ROWS, PLACE_CELLS };

struct frame {
    xmlNode *node; /* NULL: nothing on the page, but what the rules ask for */
    const char *name;
    enum place inside;
};

struct inline_frame {
    xmlNode *node;
    struct str href; /* of a link; in the writer's arena of addresses */
    bool shown;      /* as far as the rules go */
    bool muted;      /* a link with another in it */
    bool written;
};

struct writer {
    struct buf *html;
    size_t html_from;
    struct content *content;
    const struct address_base *from;
    const void *section; /* stands for the section being written */
    struct frame frames[DEPTH_MAX + 8];
    size_t frames_count, frames_open;
    struct inline_frame inlines[DEPTH_MAX];
    size_t inlines_count, inlines_open, inlines_shown;
    xmlNode *paragraph;         /* p or heading that text is to stand in; NULL: none of its own */
    const char *paragraph_open; /* under which name it was opened */
    bool line_begins;           /* nothing was written since the last boundary */
    bool break_pending;
    int in_pre, in_link;
    size_t pre_from;    /* where the content of the last <pre> begins */
    size_t again;       /* bytes of elements that were opened more than once */
    size_t said;        /* things seen so far: text that is not blank, pictures */
    struct buf address; /* scratch */
    struct buf hrefs;   /* addresses of the open links */
};

void writer_begin(struct writer *w, struct buf *html, struct content *content,
                  const struct address_base *from, const void *section);
/* Closes all that is open. */
void writer_end(struct writer *w);

/* Ends the line: what comes next stands in another paragraph. */
void writer_line_end(struct writer *w);
/* A <br>; in a paragraph of the section itself only once something comes behind it. */
void writer_break(struct writer *w);
/* The element around the text to come: p or a heading, NULL for none. Ends the line. */
void writer_paragraph(struct writer *w, xmlNode *node);

/* Asks for an element that is no inline one. Its number, for writer_leave(); 0: it cannot stand
 * here, and what is in it has to do without. Ends the line either way. */
size_t writer_enter(struct writer *w, xmlNode *node);
/* The same as a link, for one that holds blocks. */
size_t writer_enter_link(struct writer *w, xmlNode *node);
/* Closes element number `frame`. `always`: even where nothing is in it, it is written. */
void writer_leave(struct writer *w, size_t frame, bool always);
/* What the element that text would stand in on the page may hold. */
enum place writer_place(const struct writer *w);
/* Whether text would stand in the section itself: there it always gets a paragraph. */
bool writer_is_bare(const struct writer *w);
/* Closes what only the rules asked for. Ends the line. */
void writer_leave_implied(struct writer *w);

void writer_inline_enter(struct writer *w, xmlNode *node);
void writer_inline_leave(struct writer *w);

/* Something that is seen comes: opens all that stands around it. */
void writer_leaf(struct writer *w);
/* White space where a line begins goes. `blank_is_text`: no-break spaces and the like stay. */
void writer_text(struct writer *w, struct str text, bool blank_is_text);
void writer_void(struct writer *w, const char *name); /* <hr> */

void write_address(struct buf *html, const char *name, struct str value);
/* The same of what may have control characters in it: they become blanks. */
void write_attribute(struct buf *html, const char *name, struct str value);
/* The attributes of `node` that are in the element's list, and the global ones. */
void write_attributes(struct writer *w, struct buf *html, xmlNode *node,
                      const struct attribute *list);
