/* links: a text fragment hits the first place on the page that matches, and a title alone often
 * stands in a table of contents first. So each candidate is looked up in the page's own text, as a
 * browser would, and taken only where the first hit is the section itself. */
#include "links.h"

#include "search.h"

#include <stdlib.h>
#include <string.h>

/* Context is cut at the end of a phrase: browsers match whole words only, and where a Chinese word
 * ends they look up in a dictionary, except at punctuation. */
#define PHRASE_MIN 10
#define PHRASE_MAX 200

/* ---- the page's text ----------------------------------------------------------------------- */

struct text_gather {
    struct links *l;
    struct buf line;
    const xmlNode *content;
    const struct blocks *blocks;
    const struct spans *spans;
};

static void gather_break(struct text_gather *g)
{
    struct buf *out = &g->l->text;
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
    struct buf *out = &g->l->text;
    size_t span = 0;

    g->l->has_heads = true;
    for (size_t i = 0; i < g->blocks->count; i++) {
        if (span < g->spans->count && g->spans->items[span].head == i)
            g->l->heads[span++] = out->len;
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

static char folded(char c)
{
    return (char)(c | (c >= 'A' && c <= 'Z') << 5);
}

/* Browsers find text whatever its case. In strides of a fixed length, which the compiler does at
 * once. */
static int fold(struct buf *out, struct str text)
{
    enum { STRIDE = 32 };
    size_t i = 0;

    buf_reset(out);
    if (buf_add(out, text) < 0)
        return -1;
    for (char *p = out->data; i + STRIDE <= text.n; i += STRIDE)
        for (size_t k = 0; k < STRIDE; k++)
            p[i + k] = folded(p[i + k]);
    for (; i < text.n; i++)
        out->data[i] = folded(out->data[i]);
    return 0;
}

static int text_read(struct links *l, xmlNode *root, const xmlNode *content,
                     const struct blocks *blocks, const struct spans *spans)
{
    struct text_gather g = {.l = l, .content = content, .blocks = blocks, .spans = spans};
    bool failed;

    buf_init(&g.line, SIZE_MAX);
    gather_node(&g, root);
    gather_break(&g);
    failed = g.line.failed || l->text.failed || fold(&l->folded, buf_str(&l->text)) < 0;
    buf_clear(&g.line);
    return failed ? -1 : 0;
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

/* Whether the first of the needle's places that matches is the candidate's own. The candidate's
 * text begins `lead` bytes before the needle. */
static bool hits(const struct links *l, const struct search *s, const struct needle *needle,
                 const struct candidate *c, size_t lead)
{
    struct str text = buf_str(&l->folded);
    struct str what = str_sub(text, c->text.at, c->text.n);
    struct str prefix = str_sub(text, c->prefix.at, c->prefix.n);
    struct str suffix = str_sub(text, c->suffix.at, c->suffix.n);

    for (uint32_t i = c->text.n ? needle->first : 0; i; i = s->places[i].next) {
        size_t at = s->places[i].at - lead;

        if (s->places[i].at < lead || !str_starts(str_sub(text, at, SIZE_MAX), what))
            continue;
        if (at == c->text.at || stands_between(text, (struct stretch){at, what.n}, prefix, suffix))
            return at == c->text.at;
    }
    return false;
}

static int candidate_write(struct buf *out, const struct links *l, const struct candidate *c)
{
    struct str text = buf_str(&l->text);

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

/* ---- what finds each section --------------------------------------------------------------- */

/* The title within its line, which begins with the marker. */
static struct stretch title_in(const struct links *l, struct stretch line, struct str title)
{
    struct buf collapsed;
    struct stretch found = {line.at, 0};
    size_t at;

    buf_init(&collapsed, SIZE_MAX);
    text_collapse(&collapsed, title);
    at = str_find(str_sub(buf_str(&l->text), line.at, line.n), buf_str(&collapsed), 0);
    if (at != SIZE_MAX)
        found = (struct stretch){line.at + at, collapsed.len};
    buf_clear(&collapsed);
    return found;
}

static struct stretch opening_behind(struct str text, struct stretch line)
{
    return line.at + line.n < text.n ? opening(text, line_at(text, line.at + line.n + 1))
                                     : (struct stretch){0, 0};
}

/* By its title: alone, before the opening words of its text, or behind the line before it. */
static void find_by_title(struct links *l, const struct search *s, size_t i)
{
    struct str text = buf_str(&l->text);
    const struct needle *needle = &s->needles[i];
    struct stretch none = {0, 0}, title = {needle->at, needle->n};
    struct stretch line = line_at(text, l->heads[i]), before = line_before(text, line.at);

    if (before.n > PHRASE_MAX)
        before = none; /* where a phrase begins in the middle of it, a browser may see otherwise */

    const struct candidate candidates[] = {
        {none, title, none}, {none, title, opening_behind(text, line)}, {before, line, none}};
    const size_t leads[] = {0, 0, title.at - line.at};

    for (size_t k = 0; k < sizeof(candidates) / sizeof(*candidates); k++)
        if (hits(l, s, needle, &candidates[k], leads[k])) {
            l->found[i] = candidates[k];
            return;
        }
}

static int find_by_titles(struct links *l, struct needle *needles, const struct spans *spans)
{
    struct search s = {.text = buf_str(&l->folded), .needles = needles, .count = spans->count};
    int done;

    for (size_t i = 0; i < spans->count; i++) {
        struct stretch line = line_at(buf_str(&l->text), l->heads[i]);
        struct stretch title = title_in(l, line, spans->items[i].title);

        needles[i] = (struct needle){.at = title.at, .n = title.n};
    }
    done = search_run(&s);
    for (size_t i = 0; done == 0 && i < spans->count; i++)
        find_by_title(l, &s, i);
    search_clear(&s);
    return done;
}

/* What no title finds is found by the opening words of its text, where they are nobody else's. */
static int find_by_openings(struct links *l, struct needle *needles, const struct spans *spans)
{
    struct search s = {.text = buf_str(&l->folded), .needles = needles, .count = spans->count};
    struct str text = buf_str(&l->text);
    bool needed = false;
    int done;

    for (size_t i = 0; i < spans->count; i++) {
        struct stretch words = {0, 0};

        if (!l->found[i].text.n && needles[i].n)
            words = opening_behind(text, line_at(text, l->heads[i]));
        needles[i] = (struct needle){.at = words.at, .n = words.n};
        needed = needed || words.n;
    }
    done = needed ? search_run(&s) : 0;
    for (size_t i = 0; done == 0 && i < spans->count; i++) {
        const struct candidate c = {.text = {needles[i].at, needles[i].n}};

        if (hits(l, &s, &needles[i], &c, 0))
            l->found[i] = c;
    }
    search_clear(&s);
    return done;
}

int links_find(struct links *l, xmlNode *root, const xmlNode *content, const struct blocks *blocks,
               const struct spans *spans)
{
    struct needle *needles = calloc(spans->count + 1, sizeof(*needles));
    int done = -1;

    buf_init(&l->text, SIZE_MAX);
    buf_init(&l->folded, SIZE_MAX);
    l->heads = calloc(spans->count + 1, sizeof(*l->heads));
    l->found = calloc(spans->count + 1, sizeof(*l->found));
    if (needles && l->heads && l->found)
        done = text_read(l, root, content, blocks, spans);
    if (done == 0 && l->has_heads)
        done = find_by_titles(l, needles, spans);
    if (done == 0 && l->has_heads)
        done = find_by_openings(l, needles, spans);
    free(needles);
    return done;
}

void links_clear(struct links *l)
{
    buf_clear(&l->text);
    buf_clear(&l->folded);
    free(l->heads);
    free(l->found);
    *l = (struct links){0};
}

int link_fragment(struct buf *out, const struct links *l, size_t i)
{
    return l->found[i].text.n ? candidate_write(out, l, &l->found[i]) : -1;
}
