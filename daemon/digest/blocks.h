/* blocks: the content of a page as a flat run of blocks, in the order in which they are read. */
#pragma once

#include "base.h"
#include "elements.h"

#include <libxml/tree.h>

enum block_kind {
    BLOCK_FLOW,  /* a line of text and pictures */
    BLOCK_SOLID, /* a list, a table, code: taken as a whole */
    BLOCK_TEXT   /* a line of a plain-text page; it has no nodes */
};

struct block {
    enum block_kind kind;
    unsigned char level; /* of the heading that the block is, 0: none */
    bool joined;         /* stands in the same paragraph as the block before, behind a <br> */
    bool marker;         /* begins or ends a section: only its media are the section's */
    bool media;          /* a picture, video or audio is in it */
    struct str text;     /* collapsed; of a solid block a line a child block */
    xmlNode *element;    /* flow: the nearest block element; solid: the block itself */
    size_t first_leaf, leaves;
};

struct blocks {
    struct block *items;
    size_t count, room;
    xmlNode **leaves; /* of flow blocks: text and media nodes, in document order */
    size_t leaves_count, leaves_room;
    struct buf text; /* what the blocks' `text` points into, once blocks_read is done */
};

/* Cuts what is below `content` into blocks. Blocks without text and media are left out. 0, or -1:
 * no memory. */
int blocks_read(struct blocks *b, xmlNode *content);
/* The same of plain text: a block a line that is not blank. */
int blocks_read_text(struct blocks *b, struct str text);
void blocks_clear(struct blocks *b);

/* Whether all of a flow block's text stands in <code> and the like. */
bool block_is_code(const struct blocks *b, const struct block *block);

/* The <a href> around a leaf, below `root`; NULL: none. */
xmlNode *block_link(const xmlNode *leaf, const xmlNode *root);
/* Whether any of a flow block's text is a link. */
bool block_has_link(const struct blocks *b, const struct block *block, const xmlNode *root);

/* What an element is: looked up once, and kept in the node. */
const struct element *node_element(xmlNode *node);
/* Appends the visible text below `root`, as a reader reads it: a line a block, collapsed. */
int node_text(struct buf *out, xmlNode *root);
