/* links: a text fragment hits the first place on the page that matches, and a title alone often
 * stands in a table of contents first. So each candidate is looked up in the page's own text, as a
 * browser would, and taken only where the first hit is the section itself. */
#include "links.h"

#include "search.h"
#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* Context is cut at the end of a phrase: browsers match whole words only, and where a Chinese word
 * ends they look up in a dictionary, except at punctuation. */
#define PHRASE_SHORT 10
#define PHRASE_LONG  100
#define PHRASE_MAX   200

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
    static const char *const names[] = {"head",   "script", "style", "template", "noscript",
                                        "iframe", "object", "meter", "progress", "video",
                                        "audio",  "select", "option"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp((const char *)node->name, names[i]) == 0)
            return true;
    return false;
}

/* What stands in a field is searched, too. */
static bool gather_field(struct text_gather *g, xmlNode *node)
{
    static const char *const seen[] = {"",    "text",   "search", "url",    "email",
                                       "tel", "number", "submit", "button", "reset"};
    bool area = strcmp((const char *)node->name, "textarea") == 0;

    if (!area && strcmp((const char *)node->name, "input") != 0)
        return false;
    gather_break(g);
    for (xmlNode *child = node->children; area && child; child = child->next)
        if (child->type == XML_TEXT_NODE)
            buf_puts(&g->line, (const char *)child->content);
    for (size_t i = 0; !area && i < sizeof(seen) / sizeof(*seen); i++)
        if (str_eq_nocase(tree_attribute(node, "type"), str_of(seen[i])))
            buf_add(&g->line, tree_attribute(node, "value"));
    gather_break(g);
    return true;
}

static void gather_node(struct text_gather *g, xmlNode *node)
{
    enum element_kind kind;
    bool block;

    if (node->type == XML_TEXT_NODE)
        buf_puts(&g->line, (const char *)node->content);
    if (node->type != XML_ELEMENT_NODE)
        return;
    if (node != g->content && (node_is_unsearched(node) || gather_field(g, node)))
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

static int text_read(struct links *l, xmlNode *root, const xmlNode *content,
                     const struct blocks *blocks, const struct spans *spans)
{
    struct text_gather g = {.l = l, .content = content, .blocks = blocks, .spans = spans};
    bool failed;

    buf_init(&g.line, SIZE_MAX);
    gather_node(&g, root);
    gather_break(&g);
    memcpy(l->folded_heads, l->heads, spans->count * sizeof(*l->heads));
    failed =
        g.line.failed || l->text.failed ||
        fold(&l->folded, buf_str(&l->text), l->folded_heads, l->has_heads ? spans->count : 0) < 0;
    buf_clear(&g.line);
    return failed ? -1 : 0;
}

/* ---- candidates ---------------------------------------------------------------------------- */

static bool is_alphanumeric(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether c ends a phrase, `rest` being what follows: a dot inside a word or a number does not, nor
 * does a comma inside a number. */
static bool is_phrase_end(uint32_t c, struct str rest)
{
    static const uint32_t ends[] = {0x3001, 0x3002, 0x300c, 0x300d, 0x2014};
    uint32_t next = text_next(&rest);

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (c == ends[i])
            return true;
    if (c == ' ')
        return true;
    if (c >= 0x80 || is_alphanumeric(c) || c == '_')
        return false;
    return c == '.' || c == ':' || c == '\'' ? !is_alphanumeric(next) && next < 0x80
                                             : next < '0' || next > '9';
}

/* The opening words of a line, at least so many characters, up to the end of a phrase; of a shorter
 * line all. None where no phrase ends in time. */
static struct stretch opening(struct str text, struct stretch line, size_t least)
{
    struct str rest = str_sub(text, line.at, line.n);
    size_t characters = 0;

    while (rest.n && characters < PHRASE_MAX) {
        size_t left = rest.n;
        uint32_t c = text_next(&rest);

        if (characters >= least && is_phrase_end(c, rest))
            return (struct stretch){line.at, line.n - left};
        characters++;
    }
    return (struct stretch){line.at, rest.n ? 0 : line.n};
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

/* Not as it was folded, but as the page has it: the lines before, at and behind the title of span i
 * are the same in both texts. */
static void stretch_write(struct buf *out, const struct links *l, size_t i, struct stretch s)
{
    struct str text = buf_str(&l->text), folded = buf_str(&l->folded);
    struct stretch line = line_at(text, l->heads[i]), in = line_at(folded, l->folded_heads[i]);
    size_t from, end;

    if (s.at < in.at) {
        line = line_before(text, line.at);
        in = line_before(folded, in.at);
    } else if (s.at > in.at + in.n) {
        line = line_at(text, line.at + line.n + 1);
        in = line_at(folded, in.at + in.n + 1);
    }
    text = str_sub(text, line.at, line.n);
    from = fold_origin(text, s.at - in.at);
    end = fold_origin(text, s.at - in.at + s.n);
    uri_encode_all(out, str_sub(text, from, end - from));
}

static int candidate_write(struct buf *out, const struct links *l, size_t i,
                           const struct candidate *c)
{
    buf_puts(out, "#:~:text=");
    if (c->prefix.n) {
        stretch_write(out, l, i, c->prefix);
        buf_puts(out, "-,");
    }
    stretch_write(out, l, i, c->text);
    if (c->suffix.n) {
        buf_puts(out, ",-");
        stretch_write(out, l, i, c->suffix);
    }
    return out->failed ? -1 : 0;
}

/* ---- what finds each section --------------------------------------------------------------- */

/* Where a section's title and what is around it stand. n 0: not to be used. */
struct spot {
    struct stretch title, line, before;
    struct stretch behind, far_behind; /* the opening words of its text, a few and more of them */
};

/* Characters that we read as white space, or not at all, and a browser as they are. */
static bool is_odd(const struct blocks *blocks, const struct block *block)
{
    for (size_t i = 0; i < block->leaves; i++) {
        const xmlNode *leaf = blocks->leaves[block->first_leaf + i];
        struct str text = str_of(leaf->type == XML_TEXT_NODE ? (const char *)leaf->content : "");

        if (str_find(text, STR("\xe2\x80\x8b"), 0) != SIZE_MAX ||
            str_find(text, STR("\xef\xbb\xbf"), 0) != SIZE_MAX)
            return true;
    }
    /* Browsers keep the white space of preformatted text. */
    return block->kind == BLOCK_SOLID && strcmp((const char *)block->element->name, "pre") == 0;
}

/* The title within its line, which begins with the marker. */
static struct stretch title_in(const struct links *l, struct stretch line, struct str title)
{
    struct stretch found = {line.at, 0};
    struct buf collapsed, folded;
    size_t at;

    buf_init(&collapsed, SIZE_MAX);
    buf_init(&folded, SIZE_MAX);
    text_collapse(&collapsed, title);
    fold(&folded, buf_str(&collapsed), NULL, 0);
    at = str_find(str_sub(buf_str(&l->folded), line.at, line.n), buf_str(&folded), 0);
    if (at != SIZE_MAX)
        found = (struct stretch){line.at + at, folded.len};
    buf_clear(&folded);
    buf_clear(&collapsed);
    return found;
}

static struct spot spot_of(const struct links *l, const struct blocks *blocks,
                           const struct span *span, size_t head)
{
    struct str text = buf_str(&l->folded);
    struct spot s = {.line = line_at(text, head)};
    const struct block *block = &blocks->items[span->head];
    size_t end = s.line.at + s.line.n + 1;

    if (span->head + 1 < blocks->count && !is_odd(blocks, block + 1) && end < text.n) {
        s.behind = opening(text, line_at(text, end), PHRASE_SHORT);
        s.far_behind = opening(text, line_at(text, end), PHRASE_LONG);
    }
    if (is_odd(blocks, block))
        return s;
    s.title = title_in(l, s.line, span->title);
    s.before = line_before(text, s.line.at);
    if (s.before.n > PHRASE_MAX)
        s.before.n = 0; /* where a phrase begins in the middle of it, a browser may see otherwise */
    return s;
}

/* Chromium never comes back from the search for a piece that is nothing but emoji where a longer
 * one on the page begins with it. */
static bool has_word(const struct links *l, struct stretch s)
{
    struct str rest = str_sub(buf_str(&l->folded), s.at, s.n);

    while (rest.n) {
        uint32_t c = text_next(&rest);

        if (is_alphanumeric(c) || (c >= 0xa0 && c < 0x2000) || (c >= 0x2e80 && c < 0x10000))
            return true;
    }
    return false;
}

/* By its title: alone, before the opening words of its text, or behind the line before it. */
static void find_by_title(struct links *l, const struct search *s, const struct spot *spot,
                          size_t i)
{
    const struct stretch none = {0, 0};
    const struct candidate candidates[] = {{none, spot->title, none},
                                           {none, spot->title, spot->behind},
                                           {none, spot->title, spot->far_behind},
                                           {spot->before, spot->line, none}};

    for (size_t k = 0; spot->title.n && k < sizeof(candidates) / sizeof(*candidates); k++) {
        size_t lead = spot->title.at - candidates[k].text.at;

        if (!candidates[k].prefix.n && !has_word(l, k ? candidates[k].suffix : spot->title))
            continue;
        if (hits(l, s, &s->needles[i], &candidates[k], lead)) {
            l->found[i] = candidates[k];
            return;
        }
    }
}

static int find_by_titles(struct links *l, struct needle *needles, const struct spot *spots,
                          size_t count)
{
    struct search s = {.text = buf_str(&l->folded), .needles = needles, .count = count};
    int done;

    for (size_t i = 0; i < count; i++)
        needles[i] = (struct needle){.at = spots[i].title.at, .n = spots[i].title.n};
    done = search_run(&s);
    for (size_t i = 0; done == 0 && i < count; i++)
        find_by_title(l, &s, &spots[i], i);
    search_clear(&s);
    return done;
}

/* What no title finds is found by the opening words of its text, where they are nobody else's. */
static int find_by_openings(struct links *l, struct needle *needles, const struct spot *spots,
                            size_t count, bool far)
{
    struct search s = {.text = buf_str(&l->folded), .needles = needles, .count = count};
    bool needed = false;
    int done;

    for (size_t i = 0; i < count; i++) {
        struct stretch words = far ? spots[i].far_behind : spots[i].behind;

        needles[i] = (struct needle){.at = words.at, .n = l->found[i].text.n ? 0 : words.n};
        needed = needed || needles[i].n;
    }
    done = needed ? search_run(&s) : 0;
    for (size_t i = 0; done == 0 && i < count; i++) {
        const struct candidate c = {.text = {needles[i].at, needles[i].n}};

        if (has_word(l, c.text) && hits(l, &s, &needles[i], &c, 0))
            l->found[i] = c;
    }
    search_clear(&s);
    return done;
}

static int find_all(struct links *l, const struct blocks *blocks, const struct spans *spans)
{
    size_t count = spans->count;
    struct needle *needles = calloc(count + 1, sizeof(*needles));
    struct spot *spots = calloc(count + 1, sizeof(*spots));
    int done = needles && spots ? 0 : -1;

    for (size_t i = 0; done == 0 && i < count; i++)
        spots[i] = spot_of(l, blocks, &spans->items[i], l->folded_heads[i]);
    if (done == 0)
        done = find_by_titles(l, needles, spots, count);
    for (int far = 0; far < 2 && done == 0; far++)
        done = find_by_openings(l, needles, spots, count, far);
    free(needles);
    free(spots);
    return done;
}

int links_find(struct links *l, xmlNode *root, const xmlNode *content, const struct blocks *blocks,
               const struct spans *spans)
{
    int done = -1;

    buf_init(&l->text, SIZE_MAX);
    buf_init(&l->folded, SIZE_MAX);
    l->heads = calloc(spans->count + 1, sizeof(*l->heads));
    l->folded_heads = calloc(spans->count + 1, sizeof(*l->folded_heads));
    l->found = calloc(spans->count + 1, sizeof(*l->found));
    if (l->heads && l->folded_heads && l->found)
        done = text_read(l, root, content, blocks, spans);
    return done == 0 && l->has_heads ? find_all(l, blocks, spans) : done;
}

void links_clear(struct links *l)
{
    buf_clear(&l->text);
    buf_clear(&l->folded);
    free(l->heads);
    free(l->folded_heads);
    free(l->found);
    *l = (struct links){0};
}

int link_fragment(struct buf *out, const struct links *l, size_t i)
{
    return l->found[i].text.n ? candidate_write(out, l, i, &l->found[i]) : -1;
}
