/* blocks: one walk over the tree, which is never deeper than the parser lets it be (256). */
#include "blocks.h"

#include "tree.h"

#include "prepare.h"

#include <stdlib.h>
#include <string.h>

const struct element *node_element(xmlNode *node)
{
    if (!node->_private)
        node->_private = (void *)element_of((const char *)node->name);
    return node->_private;
}

static bool node_is_text(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

/* ---- visible text -------------------------------------------------------------------------- */

struct text_walk {
    struct buf *out;
    struct buf line; /* raw text since the last break */
};

static void text_break(struct text_walk *w)
{
    size_t before = w->out->len;

    if (text_blank(buf_str(&w->line))) {
        buf_reset(&w->line);
        return;
    }
    if (before && w->out->data[before - 1] != '\n')
        buf_putc(w->out, '\n');
    text_collapse(w->out, buf_str(&w->line));
    buf_reset(&w->line);
}

/* In preformatted text a line feed is a break. */
static void text_add(struct text_walk *w, struct str s, bool preformatted)
{
    while (preformatted && memchr(s.n ? s.p : "", '\n', s.n)) {
        buf_add(&w->line, str_cut(&s, '\n'));
        text_break(w);
    }
    buf_add(&w->line, s);
}

static void text_walk_node(struct text_walk *w, xmlNode *node, bool preformatted)
{
    const struct element *e;
    bool block;

    if (node_is_text(node))
        text_add(w, str_of((const char *)node->content), preformatted);
    if (node->type != XML_ELEMENT_NODE)
        return;
    e = node_element(node);
    if (e->kind == ELEMENT_DROP || e->kind == ELEMENT_MEDIA)
        return;
    block = e->kind == ELEMENT_WRAP || e->kind == ELEMENT_FLOW || e->kind == ELEMENT_SOLID;
    if (block || e->kind == ELEMENT_BREAK)
        text_break(w);
    preformatted = preformatted || e->role == ROLE_PRE;
    for (xmlNode *child = node->children; child; child = child->next)
        text_walk_node(w, child, preformatted);
    if (block)
        text_break(w);
}

int node_text(struct buf *out, xmlNode *root)
{
    struct text_walk w = {.out = out};
    int failed;

    buf_init(&w.line, SIZE_MAX);
    text_walk_node(&w, root, false);
    text_break(&w);
    failed = w.line.failed || out->failed;
    buf_clear(&w.line);
    return failed ? -1 : 0;
}

/* ---- the run of blocks --------------------------------------------------------------------- */

struct block_walk {
    struct blocks *b;
    xmlNode *content;
    size_t first_leaf; /* of the line that is being gathered */
    bool media;        /* one of its leaves is seen */
    bool behind_break; /* the line before ended with a <br> and was not blank */
    struct buf line;   /* its raw text */
    bool failed;
};

static void *grow(void *items, size_t *room, size_t size)
{
    size_t more = *room ? *room * 2 : 256;
    void *p = more <= SIZE_MAX / 2 / size ? realloc(items, more * size) : NULL;

    if (p)
        *room = more;
    return p;
}

static struct block *block_add(struct blocks *b)
{
    if (b->count == b->room) {
        struct block *items = grow(b->items, &b->room, sizeof(*items));

        if (!items)
            return NULL;
        b->items = items;
    }
    memset(&b->items[b->count], 0, sizeof(*b->items));
    return &b->items[b->count++];
}

static int leaf_add(struct blocks *b, xmlNode *node)
{
    if (b->leaves_count == b->leaves_room) {
        xmlNode **leaves = grow(b->leaves, &b->leaves_room, sizeof(*leaves));

        if (!leaves)
            return -1;
        b->leaves = leaves;
    }
    b->leaves[b->leaves_count++] = node;
    return 0;
}

/* The text of a block grows with its buffer: until the end `p` is an offset. */
static void block_end_text(struct blocks *b, struct block *block, size_t from)
{
    block->text = (struct str){(const char *)(uintptr_t)from, b->text.len - from};
}

static xmlNode *block_element(const struct block_walk *w, xmlNode *leaf)
{
    xmlNode *node = leaf->parent;

    while (node != w->content && node_element(node)->kind != ELEMENT_FLOW &&
           node_element(node)->kind != ELEMENT_WRAP)
        node = node->parent;
    /* A block inside a heading is that heading. */
    for (xmlNode *around = node; around != w->content; around = around->parent)
        if (node_element(around)->level)
            return around;
    return node;
}

/* The line ends here. `by_break`: with a <br>. */
static void line_end(struct block_walk *w, bool by_break)
{
    struct blocks *b = w->b;
    size_t from = b->text.len;
    bool seen = text_collapse(&b->text, buf_str(&w->line)) == 0 && (w->media || b->text.len > from);
    struct block *block = seen ? block_add(b) : NULL;

    if (seen && !block)
        w->failed = true;
    if (block) {
        block->kind = BLOCK_FLOW;
        block->media = w->media;
        block->element = block_element(w, b->leaves[w->first_leaf]);
        block->level = node_element(block->element)->level;
        block->joined = w->behind_break && b->count > 1 && block[-1].element == block->element;
        block->first_leaf = w->first_leaf;
        block->leaves = b->leaves_count - w->first_leaf;
        block_end_text(b, block, from);
    } else {
        b->leaves_count = w->first_leaf;
    }
    w->behind_break = by_break && seen;
    w->first_leaf = b->leaves_count;
    w->media = false;
    buf_reset(&w->line);
}

static bool node_has_media(xmlNode *node)
{
    if (node->type != XML_ELEMENT_NODE || node_element(node)->kind == ELEMENT_DROP)
        return false;
    if (node_element(node)->kind == ELEMENT_MEDIA)
        return true;
    for (xmlNode *child = node->children; child; child = child->next)
        if (node_has_media(child))
            return true;
    return false;
}

static void solid_add(struct block_walk *w, xmlNode *node)
{
    struct blocks *b = w->b;
    struct block *block;
    size_t from;

    line_end(w, false);
    from = b->text.len;
    block = block_add(b);
    if (!block) {
        w->failed = true;
        return;
    }
    block->kind = BLOCK_SOLID;
    block->element = node;
    block->media = node_has_media(node);
    node_text(&b->text, node);
    while (from < b->text.len &&
           b->text.data[from] == '\n') /* what divides it from the one before */
        from++;
    block_end_text(b, block, from);
}

static void block_walk_node(struct block_walk *w, xmlNode *node);

static void block_walk_children(struct block_walk *w, xmlNode *node)
{
    for (xmlNode *child = node->children; child && !w->failed; child = child->next)
        block_walk_node(w, child);
}

static void leaf_take(struct block_walk *w, xmlNode *node)
{
    if (leaf_add(w->b, node) < 0)
        w->failed = true;
    else if (node_is_text(node))
        buf_puts(&w->line, (const char *)node->content);
    else
        w->media = true;
}

static void block_walk_node(struct block_walk *w, xmlNode *node)
{
    if (node_is_text(node))
        leaf_take(w, node);
    if (node->type != XML_ELEMENT_NODE)
        return;
    switch (node_element(node)->kind) {
    case ELEMENT_DROP:
        break;
    case ELEMENT_MEDIA:
        leaf_take(w, node);
        break;
    case ELEMENT_BREAK:
        line_end(w, true);
        break;
    case ELEMENT_SOLID:
        solid_add(w, node);
        break;
    case ELEMENT_WRAP:
    case ELEMENT_FLOW:
        line_end(w, false);
        block_walk_children(w, node);
        line_end(w, false);
        break;
    case ELEMENT_INLINE:
    case ELEMENT_UNWRAP:
        block_walk_children(w, node);
        break;
    }
}

/* The text grows no more: offsets become pointers. */
static int blocks_settle(struct blocks *b)
{
    for (size_t i = 0; i < b->count; i++)
        b->items[i].text.p = b->text.data ? b->text.data + (uintptr_t)b->items[i].text.p : "";
    return b->text.failed ? -1 : 0;
}

int blocks_read(struct blocks *b, xmlNode *content)
{
    struct block_walk w = {.b = b, .content = content};
    bool failed;

    memset(b, 0, sizeof(*b));
    buf_init(&b->text, SIZE_MAX);
    buf_init(&w.line, SIZE_MAX);
    prepare(content);
    block_walk_children(&w, content);
    line_end(&w, false);
    failed = w.failed || w.line.failed;
    buf_clear(&w.line);
    return blocks_settle(b) < 0 || failed ? -1 : 0;
}

int blocks_read_text(struct blocks *b, struct str text)
{
    memset(b, 0, sizeof(*b));
    buf_init(&b->text, SIZE_MAX);
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        size_t from = b->text.len;
        struct block *block;

        if (text_blank(line))
            continue;
        block = block_add(b);
        if (!block)
            return -1;
        block->kind = BLOCK_TEXT;
        text_collapse(&b->text, line);
        block_end_text(b, block, from);
    }
    return blocks_settle(b);
}

static bool node_is_code(xmlNode *node)
{
    static const char *const names[] = {"code", "kbd", "samp", "tt"};

    for (size_t i = 0; node->type == XML_ELEMENT_NODE && i < sizeof(names) / sizeof(*names); i++)
        if (strcmp((const char *)node->name, names[i]) == 0)
            return true;
    return false;
}

bool block_is_code(const struct blocks *b, const struct block *block)
{
    for (size_t i = 0; i < block->leaves; i++) {
        const xmlNode *leaf = b->leaves[block->first_leaf + i];
        xmlNode *around = leaf->parent;

        if (!node_is_text(leaf) || text_blank(str_of((const char *)leaf->content)))
            continue;
        while (around && around != block->element && !node_is_code(around))
            around = around->parent;
        if (!around || around == block->element)
            return false;
    }
    return block->leaves > 0;
}

xmlNode *block_link(const xmlNode *leaf, const xmlNode *root)
{
    xmlNode *node = leaf->parent;

    while (node && node != root && strcmp((const char *)node->name, "a") != 0)
        node = node->parent;
    return node && node != root && tree_attribute(node, "href").n ? node : NULL;
}

bool block_has_link(const struct blocks *b, const struct block *block, const xmlNode *root)
{
    for (size_t i = 0; i < block->leaves; i++)
        if (block_link(b->leaves[block->first_leaf + i], root))
            return true;
    return false;
}

void blocks_clear(struct blocks *b)
{
    free(b->items);
    free(b->leaves);
    buf_clear(&b->text);
    memset(b, 0, sizeof(*b));
}
