/* clean: the blocks of a section, handed to the writer leaf by leaf. What stands around a leaf is
 * taken from the page's tree: of a flow block the inline elements, since a section may begin and
 * end anywhere inside the page's own elements; of a solid block everything. */
#include "clean.h"

#include "picture.h"
#include "plain.h"
#include "tree.h"
#include "writer.h"

#include <ctype.h>
#include <string.h>

struct cleaner {
    struct writer w;
    const xmlNode *root;
    struct buf picture;       /* the address of the last one, */
    size_t picture_said;      /* which was the last thing to be seen then */
    bool picture_is_fallback; /* out of a <noscript> */
    xmlNode *path[DEPTH_MAX]; /* inline elements around a leaf, outermost first */
    const xmlNode *outer_of;  /* the block element whose own stand at the front of it, */
    size_t outer;             /* so many */
};

/* ---- media --------------------------------------------------------------------------------- */

static bool is_fallback(const xmlNode *node)
{
    for (int i = 0; i < 4 && node; i++, node = node->parent)
        if (node->name && strcmp((const char *)node->name, "noscript") == 0)
            return true;
    return false;
}

/* The picture for browsers without scripts often stands beside the one for those with. */
static bool picture_is_repeated(struct cleaner *c, const xmlNode *node, struct str address)
{
    bool fallback = is_fallback(node);
    bool repeated = c->picture.len && c->picture_said == c->w.said &&
                    fallback != c->picture_is_fallback && str_eq(buf_str(&c->picture), address);

    buf_reset(&c->picture);
    if (!repeated)
        buf_add(&c->picture, address);
    c->picture_is_fallback = fallback;
    return repeated;
}

static void picture_write(struct cleaner *c, xmlNode *node)
{
    static const struct attribute sized[ELEMENT_ATTRIBUTES] = {
        {"alt", ATTRIBUTE_TEXT}, {"width", ATTRIBUTE_LENGTH}, {"height", ATTRIBUTE_LENGTH}};
    static const struct attribute sizeless[ELEMENT_ATTRIBUTES] = {{"alt", ATTRIBUTE_TEXT}};
    struct writer *w = &c->w;
    struct str address;

    buf_reset(&w->address);
    if (picture_address(&w->address, w->from, node) < 0)
        return;
    address = buf_str(&w->address);
    if (address_is_counter(address) || picture_is_repeated(c, node, address))
        return;
    writer_leaf(w);
    c->picture_said = ++w->said;
    address = buf_str(&c->picture); /* opening links has used the other */
    buf_puts(w->html, "<img");
    write_address(w->html, "src", address);
    content_media(w->content, address);
    write_attributes(w, w->html, node, picture_is_sizeless(node) ? sizeless : sized);
    /* So that pictures guarded against hot links show in a reader. */
    buf_puts(w->html, " referrerpolicy=\"no-referrer\">");
}

static bool media_source(struct writer *w, struct buf *html, xmlNode *node)
{
    buf_reset(&w->address);
    if (address_media(&w->address, w->from, tree_attribute(node, "src"), false) < 0)
        return false;
    write_address(html, "src", buf_str(&w->address));
    content_media(w->content, buf_str(&w->address));
    return true;
}

/* "video/mp4" of 'video/mp4; codecs="avc1"'. Empty: it is none. */
static struct str media_type(struct str type)
{
    static const char *const kinds[] = {"video/", "audio/", "application/"};

    type = str_trim(str_cut(&type, ';'));
    for (size_t i = 0; i < type.n; i++)
        if (!isalnum((unsigned char)type.p[i]) && !strchr("/.+-", type.p[i]))
            return STR("");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (str_starts_nocase(type, str_of(kinds[i])))
            return type;
    return STR("");
}

static bool player_sources(struct writer *w, struct buf *html, xmlNode *node)
{
    bool any = false;

    for (xmlNode *child = node->children; child; child = child->next) {
        size_t before = html->len;
        struct str type;

        if (child->type != XML_ELEMENT_NODE || strcmp((const char *)child->name, "source") != 0)
            continue;
        buf_puts(html, "<source");
        type = media_type(tree_attribute(child, "type"));
        if (media_source(w, html, child)) {
            if (type.n)
                write_attribute(html, "type", type);
            buf_putc(html, '>');
            any = true;
        } else if (!html->failed) {
            html->data[html->len = before] = '\0';
        }
    }
    return any;
}

/* Video and audio, with the sources that stand in them. What a browser shows in their place when
 * it knows neither is left out, and none is put there: a section has the links and the words that
 * its author gave it, and readers that know no video show the poster or the page. */
static void player_write(struct cleaner *c, xmlNode *node)
{
    struct writer *w = &c->w;
    const struct element *e = node_element(node);
    struct buf html;
    bool any;

    buf_init(&html, SIZE_MAX);
    buf_printf(&html, "<%s controls=\"\" preload=\"none\"", e->name);
    any = media_source(w, &html, node);
    buf_reset(&w->address);
    if (strcmp(e->name, "video") == 0 &&
        address_media(&w->address, w->from, tree_attribute(node, "poster"), true) == 0 &&
        !address_is_counter(buf_str(&w->address)))
        write_address(&html, "poster", buf_str(&w->address));
    write_attributes(w, &html, node, e->attributes);
    buf_putc(&html, '>');
    any = player_sources(w, &html, node) || any;
    buf_printf(&html, "</%s>", e->name);
    if (any) {
        writer_leaf(w);
        w->said++;
        buf_add(w->html, buf_str(&html));
    }
    buf_clear(&html);
}

static void media_write(struct cleaner *c, xmlNode *node)
{
    if (node_element(node)->role == ROLE_PICTURE)
        picture_write(c, node);
    else
        player_write(c, node);
}

/* ---- inline elements around ---------------------------------------------------------------- */

/* Appends to the path the inline elements from `node` up to before `stop`. */
static size_t path_add(struct cleaner *c, size_t at, xmlNode *node, const xmlNode *stop)
{
    size_t n = at;

    for (; node != stop && n < DEPTH_MAX; node = node->parent)
        if (node_element(node)->kind == ELEMENT_INLINE)
            c->path[n++] = node;
    for (size_t i = at, k = n; i + 1 < k; i++) {
        xmlNode *swap = c->path[i];

        c->path[i] = c->path[--k];
        c->path[k] = swap;
    }
    return n;
}

/* Makes the inline elements of the path, `n` of them, the ones around what comes. */
static void path_follow(struct cleaner *c, size_t n)
{
    struct writer *w = &c->w;
    size_t common = 0;

    while (common < n && common < w->inlines_count && w->inlines[common].node == c->path[common])
        common++;
    while (w->inlines_count > common)
        writer_inline_leave(w);
    for (; common < n; common++)
        writer_inline_enter(w, c->path[common]);
}

/* ---- flow blocks --------------------------------------------------------------------------- */

static void flow_begin(struct cleaner *c, const struct block *block, bool joined)
{
    if (joined && c->w.paragraph_open) {
        writer_break(&c->w);
        return;
    }
    writer_leave_implied(&c->w);
    writer_paragraph(&c->w, block->marker ? NULL : block->element);
    if (c->outer_of == block->element)
        return;
    c->outer_of = block->element;
    c->outer = path_add(c, 0, block->element, c->root);
}

/* A title's words are the entry's title and not repeated, unless they are a link: that one would be
 * lost. One to a place of the page itself is not. */
static bool leads_elsewhere(struct cleaner *c, const xmlNode *leaf)
{
    struct writer *w = &c->w;
    xmlNode *link = block_link(leaf, c->root);

    buf_reset(&w->address);
    return link && address_link(&w->address, w->from, tree_attribute(link, "href")) == 0 &&
           !str_eq(uri_without_fragment(buf_str(&w->address)), uri_without_fragment(w->from->base));
}

static void flow_write(struct cleaner *c, const struct blocks *blocks, const struct block *block,
                       bool joined)
{
    const xmlNode *parent = NULL;

    flow_begin(c, block, joined);
    for (size_t i = 0; i < block->leaves; i++) {
        xmlNode *leaf = blocks->leaves[block->first_leaf + i];

        if (block->marker && leaf->type != XML_ELEMENT_NODE && !leads_elsewhere(c, leaf))
            continue;
        if (leaf->parent != parent)
            path_follow(c, path_add(c, c->outer, leaf->parent, block->element));
        parent = leaf->parent;
        if (leaf->type == XML_ELEMENT_NODE)
            media_write(c, leaf);
        else
            writer_text(&c->w, str_of((const char *)leaf->content), block->text.n > 0);
    }
}

/* ---- solid blocks -------------------------------------------------------------------------- */

static void solid_write(struct cleaner *c, xmlNode *node);

static void solid_write_children(struct cleaner *c, xmlNode *node)
{
    for (xmlNode *child = node->children; child; child = child->next)
        solid_write(c, child);
}

/* A link may stand around blocks where none of them is a table (which parsers move out of it) or
 * has links of its own. */
static bool link_fits_around(xmlNode *node)
{
    const struct element *e;

    if (node->type != XML_ELEMENT_NODE)
        return true;
    e = node_element(node);
    if (e->role == ROLE_LINK || e->role == ROLE_TABLE || e->role == ROLE_CAPTION ||
        e->role == ROLE_ROWS || e->role == ROLE_ROW || e->role == ROLE_CELL)
        return false;
    for (xmlNode *child = node->children; child; child = child->next)
        if (!link_fits_around(child))
            return false;
    return true;
}

static bool has_block(xmlNode *node)
{
    for (xmlNode *child = node->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        switch (node_element(child)->kind) {
        case ELEMENT_WRAP:
        case ELEMENT_FLOW:
        case ELEMENT_SOLID:
            return true;
        case ELEMENT_INLINE:
        case ELEMENT_UNWRAP:
            if (has_block(child))
                return true;
            break;
        case ELEMENT_DROP:
        case ELEMENT_MEDIA:
        case ELEMENT_BREAK:
            break;
        }
    }
    return false;
}

/* All that is no block of its own keeps the paragraph that it stood in. */
static void solid_write_frame(struct cleaner *c, xmlNode *node, size_t frame)
{
    const struct element *e = node_element(node);
    xmlNode *paragraph = c->w.paragraph;

    if (frame && e->kind == ELEMENT_SOLID)
        c->w.paragraph = NULL;
    solid_write_children(c, node);
    writer_leave(&c->w, frame, e->role == ROLE_CELL || e->role == ROLE_ITEM);
    writer_paragraph(&c->w, paragraph);
}

static void solid_write_inline(struct cleaner *c, xmlNode *node)
{
    size_t frame = 0;

    if (node_element(node)->role == ROLE_LINK && !writer_is_bare(&c->w) && has_block(node)) {
        bool fits = true;

        for (xmlNode *child = node->children; fits && child; child = child->next)
            fits = link_fits_around(child);
        frame = fits ? writer_enter_link(&c->w, node) : 0;
    }
    if (frame) {
        solid_write_frame(c, node, frame);
        return;
    }
    writer_inline_enter(&c->w, node);
    solid_write_children(c, node);
    writer_inline_leave(&c->w);
}

/* A wrapper is one only between blocks: the section itself and a list have no use for it. */
static void solid_write_wrapper(struct cleaner *c, xmlNode *node)
{
    size_t frame = 0;

    if (writer_is_bare(&c->w) || writer_place(&c->w) != PLACE_FLOW)
        writer_leave_implied(&c->w);
    else
        frame = writer_enter(&c->w, node);
    solid_write_frame(c, node, frame);
    if (!frame)
        writer_leave_implied(&c->w);
}

static void solid_write_paragraph(struct cleaner *c, xmlNode *node)
{
    xmlNode *around = c->w.paragraph;

    writer_paragraph(&c->w, around && node_element(around)->level ? around : node);
    solid_write_children(c, node);
    writer_paragraph(&c->w, around);
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
        writer_break(&c->w);
        break;
    case ELEMENT_INLINE:
        solid_write_inline(c, node);
        break;
    case ELEMENT_WRAP:
        solid_write_wrapper(c, node);
        break;
    case ELEMENT_FLOW:
        solid_write_paragraph(c, node);
        break;
    case ELEMENT_SOLID:
        if (e->empty)
            writer_void(&c->w, e->name);
        else
            solid_write_frame(c, node, writer_enter(&c->w, node));
        break;
    }
}

static void solid_write(struct cleaner *c, xmlNode *node)
{
    struct str text;

    if (node->type == XML_ELEMENT_NODE)
        solid_write_element(c, node);
    if (node->type != XML_TEXT_NODE && node->type != XML_CDATA_SECTION_NODE)
        return;
    text = str_of((const char *)node->content);
    if (node->parent->children == node && node_element(node->parent)->role == ROLE_PRE &&
        str_starts(text, STR("\n")))
        text = str_sub(text, 1, SIZE_MAX); /* parsers drop it */
    writer_text(&c->w, text, !writer_is_bare(&c->w));
}

/* A link around a whole list stays around it. The inline elements are in the writer's hands before,
 * so that it knows the links that this one stands in. */
static size_t solid_enter_link(struct cleaner *c, xmlNode *node, size_t n)
{
    size_t i = n;
    xmlNode *link;

    while (i > 0 && node_element(c->path[i - 1])->role != ROLE_LINK)
        i--;
    if (!i || !link_fits_around(node))
        return 0;
    link = c->path[i - 1];
    memmove(&c->path[i - 1], &c->path[i], (n - i) * sizeof(*c->path));
    path_follow(c, n - 1);
    return writer_enter_link(&c->w, link);
}

static void solid_write_block(struct cleaner *c, xmlNode *node)
{
    size_t link;

    c->outer_of = NULL;
    writer_paragraph(&c->w, NULL);
    link = solid_enter_link(c, node, path_add(c, 0, node->parent, c->root));
    if (!link)
        path_follow(c, path_add(c, 0, node->parent, c->root));
    solid_write(c, node);
    if (link)
        writer_leave(&c->w, link, false);
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

static void blocks_write(struct buf *html, struct content *content, const struct address_base *from,
                         const struct blocks *blocks, size_t first, size_t end, const xmlNode *root)
{
    struct cleaner c;

    c.root = root;
    c.outer_of = NULL;
    c.picture_said = 0;
    buf_init(&c.picture, SIZE_MAX);
    writer_begin(&c.w, html, content, from, &blocks->items[first]);
    for (size_t i = first; i < end; i++)
        block_write(&c, blocks, &blocks->items[i], i == first);
    writer_end(&c.w);
    buf_clear(&c.picture);
}

int clean_blocks(struct buf *html, struct hash *hash, struct buf *scratch,
                 const struct address_base *from, const struct blocks *blocks, size_t first,
                 size_t end, const xmlNode *content)
{
    struct content counted;

    content_begin(&counted, scratch);
    if (content)
        blocks_write(html, &counted, from, blocks, first, end, content);
    else
        plain_write(html, &counted, blocks, first, end);
    for (size_t i = first; i < end; i++)
        if (!blocks->items[i].marker)
            content_text(&counted, blocks->items[i].text);
    return content_end(&counted, hash) < 0 || html->failed ? -1 : 0;
}

bool clean_is_empty(const struct blocks *blocks, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        if (blocks->items[i].media || (blocks->items[i].text.n && !blocks->items[i].marker))
            return false;
    return true;
}
