/* adopt: what a feed of ours has of an entry → the entry as it was read from the page. */
#include "clean.h"
#include "digest.h"
#include "tree.h"

#include <string.h>

/* Addresses become absolute, but what is written does not outgrow what was read without bounds. */
#define HTML_BYTES_PER_BYTE 16
#define HTML_BYTES_AT_LEAST ((size_t)1024 * 1024)

static xmlNode *body_of(xmlNode *root)
{
    xmlNode *node = root ? root->children : NULL;

    while (node && strcmp((const char *)node->name, "body") != 0)
        node = node->next;
    return node;
}

static int add_text(struct buf *out, const struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->count; i++) {
        if (!blocks->items[i].text.n)
            continue;
        if (out->len)
            buf_putc(out, '\n');
        buf_add(out, blocks->items[i].text);
    }
    return out->failed ? -1 : 0;
}

/* The lines that plain_write made elements of: a paragraph each, or an item of a list. */
static void add_lines(struct buf *out, const xmlNode *parent)
{
    for (xmlNode *node = parent->children; node; node = node->next) {
        const char *name = (const char *)node->name;

        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (strcmp(name, "ul") == 0) {
            add_lines(out, node);
            continue;
        }
        buf_puts(out, strcmp(name, "li") == 0 ? "- " : "");
        node_text(out, node);
        buf_putc(out, '\n');
    }
}

/* A page of plain text is read as that: what was a bullet is one again. */
static int read_blocks(struct blocks *blocks, xmlNode *body, bool plain, struct buf *lines)
{
    if (!plain)
        return blocks_read(blocks, body);
    add_lines(lines, body);
    return lines->failed ? -1 : blocks_read_text(blocks, buf_str(lines));
}

static int read_body(xmlNode *body, const struct address_base *from, struct buf *html,
                     struct buf *text, struct hash *hash)
{
    bool plain = from->profile->syntax == SYNTAX_TEXT;
    struct blocks blocks = {0};
    struct buf scratch, lines;
    int done;

    buf_init(&scratch, SIZE_MAX);
    buf_init(&lines, SIZE_MAX);
    done = read_blocks(&blocks, body, plain, &lines);
    if (done == 0)
        done =
            clean_blocks(html, hash, &scratch, from, &blocks, 0, blocks.count, plain ? NULL : body);
    if (done == 0)
        done = add_text(text, &blocks);
    blocks_clear(&blocks);
    buf_clear(&scratch);
    buf_clear(&lines);
    return done;
}

int html_read(struct entry *entry, struct str base, const struct profile *profile, struct arena *a)
{
    const struct address_base from = {base, profile};
    struct tree tree = {0};
    struct buf page, html, text;
    xmlNode *body = NULL;
    int done = -1;

    buf_init(&page, SIZE_MAX);
    buf_init(&html, HTML_BYTES_AT_LEAST + HTML_BYTES_PER_BYTE * entry->html.n);
    buf_init(&text, SIZE_MAX);
    buf_puts(&page, "<html><body>");
    buf_add(&page, entry->html);
    buf_puts(&page, "</body></html>\n");
    if (!page.failed && tree_parse(&tree, buf_str(&page)) == DOUBT_NONE)
        body = body_of(xmlDocGetRootElement(tree.doc));
    if (body && read_body(body, &from, &html, &text, &entry->hash) == 0) {
        entry->html = arena_copy(a, buf_str(&html));
        entry->text = arena_copy(a, buf_str(&text));
        done = entry->html.p && entry->text.p ? 0 : -1;
    }
    tree_clear(&tree);
    buf_clear(&page);
    buf_clear(&html);
    buf_clear(&text);
    return done;
}

unsigned entry_ordinal(const struct entry *entry, struct str id_base, unsigned most)
{
    char id[ID_SIZE];

    for (unsigned n = 1; n <= most; n++) {
        id_of_entry(id, id_base, entry->title, n);
        if (strcmp(id, entry->id) == 0)
            return n;
    }
    return 0;
}
