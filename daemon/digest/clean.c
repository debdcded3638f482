/* clean: two writers. Flow blocks are put together leaf by leaf, since a section may begin and end
 * anywhere inside the page's own elements: what stands around a leaf is opened when the leaf comes
 * and closed when it no longer stands around the next one. Solid blocks are written as a tree. */
#include "clean.h"

#include "content.h"
#include "plain.h"
#include "tree.h"

#include <string.h>

/* Nothing is deeper than the parser lets it be. */
#define DEPTH_MAX 256

struct cleaner {
    struct buf *html;
    struct content content;
    const struct address_base *from;
    const xmlNode *root;
    struct buf address;       /* scratch */
    const char *paragraph;    /* the open flow element, NULL: none */
    int in_link;              /* so many links around the solid block being written */
    xmlNode *open[DEPTH_MAX]; /* inline elements in it, outermost first */
    size_t depth;
};

/* ---- attributes ---------------------------------------------------------------------------- */

static void attribute_write(struct cleaner *c, const char *name, struct str value)
{
    buf_putc(c->html, ' ');
    buf_puts(c->html, name);
    buf_puts(c->html, "=\"");
    text_escape(c->html, value);
    buf_putc(c->html, '"');
}

static bool value_is_number(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0 && s.n < 6;
}

static bool value_is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char l = (char)(s.p[i] | 0x20);

        if (!(l >= 'a' && l <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
            return false;
    }
    return s.n < 36;
}

static void attribute_copy(struct cleaner *c, xmlNode *node, const struct attribute *a)
{
    struct str value = tree_attribute(node, a->name);

    if (!value.p)
        return;
    switch (a->kind) {
    case ATTRIBUTE_TEXT:
        attribute_write(c, a->name, value);
        break;
    case ATTRIBUTE_NUMBER:
        if (value_is_number(value))
            attribute_write(c, a->name, value);
        break;
    case ATTRIBUTE_WORD:
        if (value_is_word(value))
            attribute_write(c, a->name, value);
        break;
    case ATTRIBUTE_URL:
        buf_reset(&c->address);
        if (address_link(&c->address, c->from, value) == 0)
            attribute_write(c, a->name, buf_str(&c->address));
        break;
    }
}

static const char *element_name_out(const struct element *e)
{
    return e->kind == ELEMENT_WRAP ? "div" : e->out ? e->out : e->name;
}

static void tag_open(struct cleaner *c, xmlNode *node)
{
    const struct element *e = node_element(node);

    buf_putc(c->html, '<');
    buf_puts(c->html, element_name_out(e));
    if (node->properties) {
        for (size_t i = 0; i < ELEMENT_ATTRIBUTES && e->attributes[i].name; i++)
            attribute_copy(c, node, &e->attributes[i]);
        for (const struct attribute *a = element_global_attributes; a->name; a++)
            attribute_copy(c, node, a);
    }
    buf_putc(c->html, '>');
}

static void tag_close(struct cleaner *c, const char *name)
{
    buf_puts(c->html, "</");
    buf_puts(c->html, name);
    buf_putc(c->html, '>');
}

/* ---- links --------------------------------------------------------------------------------- */

/* An anchor without an address a reader may follow is only its text. */
static bool inline_is_kept(struct cleaner *c, xmlNode *node)
{
    if (strcmp(node_element(node)->name, "a") != 0)
        return true;
    buf_reset(&c->address);
    return address_link(&c->address, c->from, tree_attribute(node, "href")) == 0;
}

static void inline_open(struct cleaner *c, xmlNode *node)
{
    bool link = strcmp(node_element(node)->name, "a") == 0;

    if (link) {
        buf_reset(&c->address);
        address_link(&c->address, c->from, tree_attribute(node, "href"));
        content_link(&c->content, buf_str(&c->address), c->from->base);
    }
    tag_open(c, node);
}

/* ---- media --------------------------------------------------------------------------------- */

/* The address of a picture: an attribute that a lazy loader keeps it in, else src. */
static int picture_address(struct cleaner *c, xmlNode *node)
{
    const struct word_list *lazy = &c->from->profile->lazy_attribute;

    buf_reset(&c->address);
    for (size_t i = 0; i < lazy->count; i++)
        if (address_media(&c->address, c->from, tree_attribute(node, lazy->items[i]), true) == 0)
            return 0;
    return address_media(&c->address, c->from, tree_attribute(node, "src"), true);
}

static void picture_write(struct cleaner *c, xmlNode *node)
{
    static const struct attribute kept[] = {{"alt", ATTRIBUTE_TEXT},
                                            {"title", ATTRIBUTE_TEXT},
                                            {"width", ATTRIBUTE_NUMBER},
                                            {"height", ATTRIBUTE_NUMBER}};

    if (picture_address(c, node) < 0)
        return;
    buf_puts(c->html, "<img");
    attribute_write(c, "src", buf_str(&c->address));
    content_media(&c->content, buf_str(&c->address));
    for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
        attribute_copy(c, node, &kept[i]);
    /* So that pictures guarded against hot links show in a reader. */
    buf_puts(c->html, " referrerpolicy=\"no-referrer\">");
}

static bool media_source(struct cleaner *c, xmlNode *node)
{
    buf_reset(&c->address);
    if (address_media(&c->address, c->from, tree_attribute(node, "src"), false) < 0)
        return false;
    attribute_write(c, "src", buf_str(&c->address));
    content_media(&c->content, buf_str(&c->address));
    return true;
}

/* Video and audio, with the sources that stand in them; what a browser shows in their place when
 * it knows neither is left out. */
static void player_write(struct cleaner *c, xmlNode *node)
{
    const struct element *e = node_element(node);

    buf_putc(c->html, '<');
    buf_puts(c->html, e->name);
    buf_puts(c->html, " controls=\"\" preload=\"none\"");
    media_source(c, node);
    buf_reset(&c->address);
    if (address_media(&c->address, c->from, tree_attribute(node, "poster"), true) == 0)
        attribute_write(c, "poster", buf_str(&c->address));
    for (size_t i = 0; i < ELEMENT_ATTRIBUTES && e->attributes[i].name; i++)
        attribute_copy(c, node, &e->attributes[i]);
    buf_putc(c->html, '>');
    for (xmlNode *child = node->children; child; child = child->next) {
        size_t before = c->html->len;

        if (child->type != XML_ELEMENT_NODE || strcmp((const char *)child->name, "source") != 0)
            continue;
        buf_puts(c->html, "<source");
        if (media_source(c, child))
            buf_putc(c->html, '>');
        else if (!c->html->failed)
            c->html->data[c->html->len = before] = '\0';
    }
    tag_close(c, e->name);
}

static void media_write(struct cleaner *c, xmlNode *node)
{
    if (strcmp(node_element(node)->name, "img") == 0)
        picture_write(c, node);
    else
        player_write(c, node);
}

static void leaf_write(struct cleaner *c, xmlNode *leaf)
{
    if (leaf->type == XML_ELEMENT_NODE)
        media_write(c, leaf);
    else
        text_escape(c->html, str_of((const char *)leaf->content));
}

/* ---- flow blocks --------------------------------------------------------------------------- */

static void inline_close_to(struct cleaner *c, size_t depth)
{
    while (c->depth > depth)
        tag_close(c, element_name_out(node_element(c->open[--c->depth])));
}

static void paragraph_close(struct cleaner *c)
{
    inline_close_to(c, 0);
    if (c->paragraph)
        tag_close(c, c->paragraph);
    c->paragraph = NULL;
}

/* The inline elements around a leaf, outermost first. */
static size_t inline_path(struct cleaner *c, xmlNode *leaf, xmlNode *path[DEPTH_MAX])
{
    size_t n = 0;

    for (xmlNode *node = leaf->parent; node != c->root && n < DEPTH_MAX; node = node->parent)
        if (node_element(node)->kind == ELEMENT_INLINE)
            path[n++] = node;
    for (size_t i = 0; i < n / 2; i++) {
        xmlNode *swap = path[i];

        path[i] = path[n - 1 - i];
        path[n - 1 - i] = swap;
    }
    return n;
}

static bool is_link_around_link(xmlNode *const *path, size_t n, size_t i)
{
    if (strcmp(node_element(path[i])->name, "a") != 0)
        return false;
    for (size_t k = i + 1; k < n; k++)
        if (strcmp(node_element(path[k])->name, "a") == 0)
            return true;
    return false;
}

/* Closes and opens so that the elements of `path` are the open ones. */
static void inline_follow(struct cleaner *c, xmlNode *const *path, size_t n)
{
    size_t common = 0;
    size_t kept = 0;
    xmlNode *wanted[DEPTH_MAX];

    for (size_t i = 0; i < n; i++)
        if (!is_link_around_link(path, n, i) &&
            ((kept < c->depth && c->open[kept] == path[i]) || inline_is_kept(c, path[i])))
            wanted[kept++] = path[i];
    while (common < kept && common < c->depth && c->open[common] == wanted[common])
        common++;
    inline_close_to(c, common);
    for (; common < kept; common++) {
        inline_open(c, wanted[common]);
        c->open[c->depth++] = wanted[common];
    }
}

static void flow_write(struct cleaner *c, const struct blocks *blocks, const struct block *block,
                       bool joined)
{
    xmlNode *path[DEPTH_MAX];
    const xmlNode *parent = NULL;

    if (joined && c->paragraph) {
        buf_puts(c->html, "<br>");
    } else {
        paragraph_close(c);
        c->paragraph = block->level && !block->marker ? node_element(block->element)->name : "p";
        buf_putc(c->html, '<');
        buf_puts(c->html, c->paragraph);
        buf_putc(c->html, '>');
    }
    for (size_t i = 0; i < block->leaves; i++) {
        xmlNode *leaf = blocks->leaves[block->first_leaf + i];

        if (block->marker && leaf->type != XML_ELEMENT_NODE)
            continue;
        if (leaf->parent != parent)
            inline_follow(c, path, inline_path(c, leaf, path));
        parent = leaf->parent;
        leaf_write(c, leaf);
    }
}

/* ---- solid blocks -------------------------------------------------------------------------- */

static void solid_write(struct cleaner *c, xmlNode *node);

static void solid_write_children(struct cleaner *c, xmlNode *node)
{
    for (xmlNode *child = node->children; child; child = child->next)
        solid_write(c, child);
}

static bool is_link(xmlNode *node)
{
    return strcmp(node_element(node)->name, "a") == 0;
}

/* A link within a link is none: HTML has no such thing. */
static void solid_write_inline(struct cleaner *c, xmlNode *node)
{
    const struct element *e = node_element(node);
    bool link = is_link(node), kept = inline_is_kept(c, node) && !(link && c->in_link);

    if (kept)
        inline_open(c, node);
    c->in_link += kept && link;
    solid_write_children(c, node);
    c->in_link -= kept && link;
    if (kept && !e->empty)
        tag_close(c, element_name_out(e));
}

static void solid_write_element(struct cleaner *c, xmlNode *node)
{
    const struct element *e = node_element(node);

    switch (e->kind) {
    case ELEMENT_DROP:
        break;
    case ELEMENT_UNWRAP:
        solid_write_children(c, node);
        break;
    case ELEMENT_MEDIA:
        media_write(c, node);
        break;
    case ELEMENT_BREAK:
        buf_puts(c->html, "<br>");
        break;
    case ELEMENT_INLINE:
        solid_write_inline(c, node);
        break;
    case ELEMENT_WRAP:
    case ELEMENT_FLOW:
    case ELEMENT_SOLID:
        tag_open(c, node);
        solid_write_children(c, node);
        if (!e->empty)
            tag_close(c, element_name_out(e));
        break;
    }
}

static void solid_write(struct cleaner *c, xmlNode *node)
{
    if (node->type == XML_ELEMENT_NODE)
        solid_write_element(c, node);
    else if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
        text_escape(c->html, str_of((const char *)node->content));
}

/* A link around a whole list or table stays around it. */
static void solid_write_block(struct cleaner *c, xmlNode *node)
{
    xmlNode *path[DEPTH_MAX];
    size_t n = inline_path(c, node, path);
    size_t links = 0;

    paragraph_close(c);
    for (size_t i = 0; i < n; i++)
        if (strcmp(node_element(path[i])->name, "a") == 0)
            path[links++] = path[i];
    inline_follow(c, path, links ? 1 : 0);
    c->in_link = c->depth > 0;
    solid_write(c, node);
    c->in_link = 0;
    inline_close_to(c, 0);
}

/* ---- sections ------------------------------------------------------------------------------ */

static void block_write(struct cleaner *c, const struct blocks *blocks, const struct block *block,
                        bool first)
{
    switch (block->kind) {
    case BLOCK_FLOW:
        flow_write(c, blocks, block, block->joined && !first);
        break;
    case BLOCK_SOLID:
        solid_write_block(c, block->element);
        break;
    case BLOCK_TEXT:
        break;
    }
}

int clean_blocks(struct buf *html, struct hash *hash, struct buf *scratch,
                 const struct address_base *from, const struct blocks *blocks, size_t first,
                 size_t end, const xmlNode *content)
{
    struct cleaner c = {.html = html, .from = from, .root = content};

    content_begin(&c.content, scratch);
    buf_init(&c.address, SIZE_MAX);
    if (!content)
        plain_write(html, &c.content, blocks, first, end);
    for (size_t i = first; content && i < end; i++)
        block_write(&c, blocks, &blocks->items[i], i == first);
    paragraph_close(&c);
    for (size_t i = first; i < end; i++)
        if (!blocks->items[i].marker)
            content_text(&c.content, blocks->items[i].text);
    buf_clear(&c.address);
    return content_end(&c.content, hash) < 0 || html->failed ? -1 : 0;
}

bool clean_is_empty(const struct blocks *blocks, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        if (blocks->items[i].media || (blocks->items[i].text.n && !blocks->items[i].marker))
            return false;
    return true;
}
