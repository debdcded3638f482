/* links: a text fragment hits the first place on the page that matches, and a title alone often
 * stands in a table of contents first. So each candidate is looked up in the page's own text, as a
 * browser would, and taken only where the first hit is the section itself. */
#include "links.h"

#include <stdlib.h>
#include <string.h>

/* Context is cut at the end of a phrase: browsers match whole words only, and where a Chinese word
 * ends they look up in a dictionary, except at punctuation. */
#define PHRASE_MIN  10
#define PHRASE_MAX  200
/* So many places before its own a candidate may stand in. */
#define PLACES_MOST 64

/* ---- the page's text ----------------------------------------------------------------------- */

struct text_gather {
    struct page_text *t;
    struct buf line;
    const xmlNode *content;
    const struct blocks *blocks;
    const struct spans *spans;
};

static void gather_break(struct text_gather *g)
{
    struct buf *out = &g->t->text;
    size_t from = out->len;

    if (!g->line.len)
        return;
    text_collapse(out, buf_str(&g->line));
    if (out->len > from)
        buf_putc(out, '\n');
    buf_reset(&g->line);
}

/* The text of the content has been read already, block by block. */
static void gather_blocks(struct text_gather *g)
{
    struct buf *out = &g->t->text;
    size_t span = 0;

    g->t->has_titles = true;
    for (size_t i = 0; i < g->blocks->count; i++) {
        if (span < g->spans->count && g->spans->items[span].head == i)
            g->t->titles[span++] = out->len;
        if (!g->blocks->items[i].text.n)
            continue;
        buf_add(out, g->blocks->items[i].text);
        buf_putc(out, '\n');
    }
}

/* What a browser does not search. Much that is dropped from entries is searched all the same. */
static bool node_is_unsearched(const xmlNode *node)
{
    static const char *const names[] = {"head",   "script", "style",  "template", "noscript",
                                        "iframe", "object", "meter",  "progress", "video",
                                        "audio",  "select", "option", "textarea"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp((const char *)node->name, names[i]) == 0)
            return true;
    return false;
}

static void gather_node(struct text_gather *g, xmlNode *node)
{
    enum element_kind kind;
    bool block;

    if (node->type == XML_TEXT_NODE)
        buf_puts(&g->line, (const char *)node->content);
    if (node->type != XML_ELEMENT_NODE)
        return;
    if (node_is_unsearched(node) && node != g->content)
        return;
    kind = node_element(node)->kind;
    block = kind == ELEMENT_WRAP || kind == ELEMENT_FLOW || kind == ELEMENT_SOLID;
    if (block || kind == ELEMENT_BREAK || node == g->content)
        gather_break(g);
    if (node == g->content) {
        gather_blocks(g);
        return;
    }
    for (xmlNode *child = node->children; child; child = child->next)
        gather_node(g, child);
    if (block)
        gather_break(g);
}

/* Browsers find text whatever its case. */
static int fold(struct buf *out, struct str text)
{
    buf_reset(out);
    if (buf_add(out, text) < 0)
        return -1;
    for (size_t i = 0; i < out->len; i++)
        if (out->data[i] >= 'A' && out->data[i] <= 'Z')
            out->data[i] = (char)(out->data[i] | 0x20);
    return 0;
}

int page_text_read(struct page_text *t, xmlNode *root, const xmlNode *content,
                   const struct blocks *blocks, const struct spans *spans)
{
    struct text_gather g = {.t = t, .content = content, .blocks = blocks, .spans = spans};
    bool failed;

    buf_init(&t->text, SIZE_MAX);
    buf_init(&t->folded, SIZE_MAX);
    buf_init(&g.line, SIZE_MAX);
    t->titles = malloc((spans->count + 1) * sizeof(*t->titles));
    if (!t->titles)
        return -1;
    gather_node(&g, root);
    gather_break(&g);
    failed = g.line.failed || t->text.failed || fold(&t->folded, buf_str(&t->text)) < 0;
    buf_clear(&g.line);
    return failed ? -1 : 0;
}

void page_text_clear(struct page_text *t)
{
    buf_clear(&t->text);
    buf_clear(&t->folded);
    free(t->titles);
    t->titles = NULL;
}

/* ---- candidates ---------------------------------------------------------------------------- */

static bool is_alphanumeric(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether c ends a phrase, `rest` being what follows: a dot inside a number does not. */
static bool is_phrase_end(uint32_t c, struct str rest)
{
    static const uint32_t ends[] = {0x3002, 0xff0c, 0xff01, 0xff1f, 0xff1b, 0xff1a, 0x3001, 0x300d,
                                    0x300c, 0x2014, 0x2026, 0x201c, 0x201d, 0xff08, 0xff09};

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (c == ends[i])
            return true;
    if (c == ' ')
        return true;
    return c < 0x80 && !is_alphanumeric(c) && c != '_' && c != '\'' &&
           !is_alphanumeric(text_next(&rest));
}

/* A stretch of the page's text. */
struct stretch {
    size_t at, n;
};

/* The opening words of a stretch, up to the end of a phrase. */
static struct stretch opening(struct str text, struct stretch line)
{
    struct str rest = str_sub(text, line.at, line.n);
    size_t characters = 0;

    while (rest.n && characters < PHRASE_MAX) {
        size_t left = rest.n;
        uint32_t c = text_next(&rest);

        if (characters >= PHRASE_MIN && is_phrase_end(c, rest))
            return (struct stretch){line.at, line.n - left};
        characters++;
    }
    return (struct stretch){line.at, line.n - rest.n};
}

static struct stretch line_at(struct str text, size_t at)
{
    struct str rest = str_sub(text, at, text.n);

    return (struct stretch){at, str_cut(&rest, '\n').n};
}

static struct stretch line_before(struct str text, size_t at)
{
    size_t end = at ? at - 1 : 0, from = end;

    while (from && text.p[from - 1] != '\n')
        from--;
    return (struct stretch){from, end - from};
}

static bool is_gap(char c)
{
    return c == ' ' || c == '\n';
}

/* Whether the words of `prefix` end, and those of `suffix` begin, at a stretch; between them there
 * may be white space. */
static bool stands_between(struct str text, struct stretch what, struct str prefix,
                           struct str suffix)
{
    size_t before = what.at, behind = what.at + what.n;

    while (before && is_gap(text.p[before - 1]))
        before--;
    while (behind < text.n && is_gap(text.p[behind]))
        behind++;
    return str_ends(str_sub(text, 0, before), prefix) &&
           str_starts(str_sub(text, behind, text.n), suffix);
}

/* A candidate: the text looked for, and what shall stand before and behind it (n 0: anything). */
struct candidate {
    struct stretch prefix, text, suffix;
};

/* Whether the first place that matches is the candidate's own. */
static bool hits(const struct page_text *t, const struct candidate *c)
{
    struct str text = buf_str(&t->folded);
    struct str what = str_sub(text, c->text.at, c->text.n);
    struct str prefix = str_sub(text, c->prefix.at, c->prefix.n);
    struct str suffix = str_sub(text, c->suffix.at, c->suffix.n);
    size_t at = 0;

    if (!what.n)
        return false;
    /* A title that stands in many places tells nothing: the search for it ends, too. */
    for (int tries = 0; tries < PLACES_MOST; tries++, at++) {
        at = str_find(text, what, at);
        if (at >= c->text.at || stands_between(text, (struct stretch){at, what.n}, prefix, suffix))
            break;
    }
    return at == c->text.at;
}

static int candidate_write(struct buf *out, const struct page_text *t, const struct candidate *c)
{
    struct str text = buf_str(&t->text);

    buf_puts(out, "#:~:text=");
    if (c->prefix.n) {
        uri_encode_all(out, str_sub(text, c->prefix.at, c->prefix.n));
        buf_puts(out, "-,");
    }
    uri_encode_all(out, str_sub(text, c->text.at, c->text.n));
    if (c->suffix.n) {
        buf_puts(out, ",-");
        uri_encode_all(out, str_sub(text, c->suffix.at, c->suffix.n));
    }
    return out->failed ? -1 : 0;
}

/* The title within its line, which begins with the marker. */
static struct stretch title_in(const struct page_text *t, struct stretch line, struct str title)
{
    struct buf collapsed;
    struct stretch found = {line.at, 0};
    size_t at;

    buf_init(&collapsed, SIZE_MAX);
    text_collapse(&collapsed, title);
    at = str_find(str_sub(buf_str(&t->text), line.at, line.n), buf_str(&collapsed), 0);
    if (at != SIZE_MAX)
        found = (struct stretch){line.at + at, collapsed.len};
    buf_clear(&collapsed);
    return found;
}

int link_fragment(struct buf *out, const struct page_text *t, const struct spans *spans, size_t i)
{
    struct str text = buf_str(&t->text);
    struct stretch none = {0, 0}, line, title, before, behind;

    if (!t->has_titles)
        return -1; /* the content stands where no browser searches */
    line = line_at(text, t->titles[i]);
    title = title_in(t, line, spans->items[i].title);
    before = line_before(text, line.at);
    if (before.n > PHRASE_MAX)
        before = none; /* where a phrase begins in the middle of it, a browser may see otherwise */
    behind = line.at + line.n < text.n ? opening(text, line_at(text, line.at + line.n + 1)) : none;

    const struct candidate candidates[] = {
        {none, title, none}, {none, title, behind}, {before, line, none}, {none, behind, none}};

    for (size_t k = 0; title.n && k < sizeof(candidates) / sizeof(*candidates); k++)
        if (hits(t, &candidates[k]))
            return candidate_write(out, t, &candidates[k]);
    return -1;
}
