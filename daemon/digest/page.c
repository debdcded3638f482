/* page: from bytes to cleaned sections, and every reason on the way not to believe them. */
#include "charset.h"
#include "clean.h"
#include "digest.h"
#include "info.h"
#include "links.h"
#include "maincontent.h"
#include "markdown.h"
#include "sections.h"
#include "tidy.h"
#include "tree.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

/* A wall is a short page, and looking through a long one costs as much as parsing it. */
#define WALL_WINDOW ((size_t)64 * 1024)

/* What a page in Markdown may come to as HTML. */
#define MARKDOWN_BYTES_PER_BYTE 64
#define MARKDOWN_BYTES_AT_LEAST ((size_t)64 * 1024)

/* One page on its way. */
struct reading {
    const struct page_source *source;
    struct str text;    /* the bytes as valid UTF-8, then tidied */
    struct str decoded; /* the same, as it came */
    struct buf text_space, tidy_text, markdown;
    struct tree tree;
    xmlNode *content; /* NULL on a plain-text page */
    struct blocks blocks;
    struct spans spans;
    struct links links;
    struct address_base base;
    struct page *page;
};

/* ---- doubts -------------------------------------------------------------------------------- */

static bool looks_like_wall(const struct reading *r, size_t window)
{
    const struct pattern_list *wall = &r->source->profile->wall;
    struct str head = str_sub(r->text, 0, window);

    while (head.n && head.n < r->text.n && ((unsigned char)r->text.p[head.n] & 0xc0) == 0x80)
        head.n--; /* not into a character */
    for (size_t i = 0; i < wall->count; i++)
        if (pattern_match_text(wall->items[i], head, NULL))
            return true;
    return false;
}

static bool type_is_text(struct str content_type)
{
    static const char *const types[] = {"text/", "application/xhtml+xml", "application/xml",
                                        "application/octet-stream", NULL};

    content_type = str_trim(content_type);
    for (size_t i = 0; types[i]; i++)
        if (str_starts_nocase(content_type, str_of(types[i])))
            return true;
    return !content_type.n;
}

static enum doubt read_text(struct reading *r)
{
    struct str bytes = r->source->bytes;

    if (text_blank(str_sub(bytes, 0, 4096)) && text_blank(bytes))
        return DOUBT_EMPTY;
    if (!type_is_text(r->source->content_type))
        return DOUBT_TYPE;
    if (charset_decode(bytes, r->source->content_type, &r->text_space, &r->text) < 0)
        return DOUBT_LIMIT;
    r->decoded = r->text;
    if (text_blank(r->text))
        return DOUBT_EMPTY;
    return looks_like_wall(r, WALL_WINDOW) ? DOUBT_WALL : DOUBT_NONE;
}

/* ---- sections ------------------------------------------------------------------------------ */

/* Many a further page calls the first one its canonical address: what it is not. */
static struct str page_address(const struct reading *r)
{
    struct str url = r->page->info.canonical;

    if (!url.n || (r->source->first.n && str_eq(uri_without_fragment(url), r->source->first)))
        url = r->source->url;
    if (!uri_is_http(url))
        return (struct str){0};
    return uri_without_fragment(address_public(url, r->page->arena));
}

/* The id of a section's heading. */
static struct str heading_id(const struct reading *r, const struct block *head)
{
    return head->element && head->element != r->content ? tree_attribute(head->element, "id")
                                                        : (struct str){0};
}

static int link_to_id(struct buf *out, struct str page, struct str id)
{
    struct buf fragment;
    int done;

    buf_init(&fragment, 4096);
    buf_putc(&fragment, '#');
    buf_add(&fragment, id);
    done = fragment.failed ? -1 : uri_resolve(out, page, buf_str(&fragment));
    buf_clear(&fragment);
    return done;
}

static int link_write(struct reading *r, size_t i, struct buf *out)
{
    const struct block *head = &r->blocks.items[r->spans.items[i].head];
    struct str id = heading_id(r, head), page = page_address(r);

    if (!page.n)
        return -1;
    if (r->source->profile->stable_ids && id.n)
        return link_to_id(out, page, id);
    buf_add(out, page);
    return r->content ? link_fragment(out, &r->links, i) : -1;
}

/* Scratch that all sections of a page share. */
struct scratch {
    struct buf html, text, content;
};

static void section_text(struct buf *out, const struct blocks *blocks, const struct span *span)
{
    for (size_t i = span->first; i < span->end; i++) {
        if (blocks->items[i].marker || !blocks->items[i].text.n)
            continue;
        if (out->len)
            buf_putc(out, '\n');
        buf_add(out, blocks->items[i].text);
    }
}

static int section_read(struct reading *r, size_t i, struct scratch *s, struct section *out)
{
    const struct span *span = &r->spans.items[i];
    struct arena *a = r->page->arena;

    buf_reset(&s->html);
    if (clean_blocks(&s->html, &out->hash, &s->content, &r->base, &r->blocks, span->first,
                     span->end, r->content) < 0)
        return -1;
    out->html = arena_copy(a, buf_str(&s->html));
    buf_reset(&s->text);
    section_text(&s->text, &r->blocks, span);
    out->text = arena_copy(a, buf_str(&s->text));
    buf_reset(&s->text);
    text_collapse(&s->text, span->title);
    out->title = arena_copy(a, buf_str(&s->text));
    buf_reset(&s->text);
    if (link_write(r, i, &s->text) == 0)
        out->link = arena_copy(a, buf_str(&s->text));
    out->closed = span->closed;
    return out->html.p && out->text.p && out->title.p && !s->text.failed ? 0 : -1;
}

/* Elements without anything to see: pictures that had no address. */
static bool section_is_blank(const struct section *s)
{
    static const char *const seen[] = {"<img ", "<video ", "<audio "};

    if (s->text.n)
        return false;
    for (size_t i = 0; i < sizeof(seen) / sizeof(*seen); i++)
        if (str_find(s->html, str_of(seen[i]), 0) != SIZE_MAX)
            return false;
    return true;
}

/* Where the sections' headings are h1, the page's own title may stand before them as one more. */
static bool span_is_title(const struct reading *r, const struct span *span)
{
    const struct block *head = &r->blocks.items[span->head];

    return r->source->profile->sections != SECTIONS_MARKERS && span == r->spans.items &&
           r->spans.count > 1 && head->level == 1 && str_eq(head->text, span->title) &&
           str_starts(r->page->info.title, span->title);
}

static bool span_is_entry(const struct reading *r, const struct span *span)
{
    const struct pattern *skip = r->source->profile->skip_title;

    return !span_is_title(r, span) &&
           !(skip && pattern_match_text(skip, str_trim(span->title), NULL)) &&
           !clean_is_empty(&r->blocks, span->first, span->end);
}

/* What is written may be longer than what was read (addresses become absolute), but not without
 * bounds. */
#define HTML_BYTES_PER_BYTE 16
#define HTML_BYTES_AT_LEAST ((size_t)1024 * 1024)

static size_t html_most(const struct reading *r)
{
    return r->text.n < SIZE_MAX / 2 / HTML_BYTES_PER_BYTE
               ? r->text.n * HTML_BYTES_PER_BYTE + HTML_BYTES_AT_LEAST
               : SIZE_MAX / 2;
}

static int read_sections(struct reading *r)
{
    struct page *page = r->page;
    size_t room = html_most(r);
    struct scratch s;
    int done = 0;

    buf_init(&s.html, room);
    buf_init(&s.text, SIZE_MAX);
    buf_init(&s.content, SIZE_MAX);
    page->sections = arena_array(page->arena, r->spans.count + 1, sizeof(*page->sections));
    for (size_t i = 0; page->sections && i < r->spans.count && done == 0; i++) {
        struct section *section = &page->sections[page->count];

        if (!span_is_entry(r, &r->spans.items[i]))
            continue;
        done = section_read(r, i, &s, section);
        room -= section->html.n < room ? section->html.n : room;
        s.html.max = room;
        page->count += !section_is_blank(section);
    }
    buf_clear(&s.html);
    buf_clear(&s.text);
    buf_clear(&s.content);
    return page->sections ? done : -1;
}

/* ---- one of several pages ------------------------------------------------------------------- */

/* The link to the next page, as an address or as what it stands in. */
static int read_next(struct reading *r)
{
    const struct path_list *paths = &r->source->profile->next;
    const xmlNode *link = paths->count ? tree_first(&r->tree, paths) : NULL;
    struct str said = link ? str_trim(tree_attribute(link, "href")) : (struct str){0};
    struct buf next;

    if (!said.n && paths->count)
        said = tree_string(&r->tree, paths, r->page->arena);
    if (!said.n)
        return 0;
    buf_init(&next, (size_t)64 * 1024);
    if (uri_resolve(&next, r->base.base, said) == 0)
        r->page->next = arena_copy(r->page->arena, uri_without_fragment(buf_str(&next)));
    else
        r->page->next = said; /* whoever goes there says what is wrong with it */
    buf_clear(&next);
    return r->page->next.p ? 0 : -1;
}

/* What is left of a section of the page before. */
static int read_lead(struct reading *r)
{
    size_t n = r->source->first.n ? spans_lead(&r->blocks, r->source->profile) : 0;
    struct buf html, scratch;
    struct hash hash;
    int done = 0;

    buf_init(&html, SIZE_MAX);
    buf_init(&scratch, SIZE_MAX);
    if (n) {
        done = clean_blocks(&html, &hash, &scratch, &r->base, &r->blocks, 0, n, r->content);
        r->page->lead = arena_copy(r->page->arena, buf_str(&html));
    }
    buf_clear(&html);
    buf_clear(&scratch);
    return done < 0 || (n && !r->page->lead.p) ? -1 : 0;
}

/* ---- the kinds of page --------------------------------------------------------------------- */

static enum doubt cut_blocks(struct reading *r)
{
    if (spans_find(&r->spans, &r->blocks, r->source->profile, r->content) < 0 || read_lead(r) < 0)
        return DOUBT_LIMIT;
    return r->spans.count || r->page->lead.n ? DOUBT_NONE : DOUBT_NO_SECTIONS;
}

static xmlNode *body_of(xmlNode *root)
{
    xmlNode *node = root->children;

    while (node && strcmp((const char *)node->name, "body") != 0)
        node = node->next;
    return node;
}

/* The element with the article: the profile's, or what looks most like one. All of a text in
 * Markdown is. */
static xmlNode *find_content(const struct reading *r, xmlNode *root)
{
    const struct profile *p = r->source->profile;
    xmlNode *content;

    tree_drop(&r->tree, &p->drop);
    if (p->content.count)
        content = tree_first(&r->tree, &p->content);
    else
        content = p->syntax == SYNTAX_MARKDOWN ? body_of(root) : main_content(root);
    if (content && p->sections != SECTIONS_MARKERS)
        main_content_tidy_headings(content);
    return content;
}

static enum doubt read_html(struct reading *r)
{
    enum doubt d = tidy(&r->tidy_text, &r->text) < 0 ? DOUBT_LIMIT : tree_parse(&r->tree, r->text);
    xmlNode *root;

    if (d != DOUBT_NONE)
        return d;
    root = xmlDocGetRootElement(r->tree.doc);
    if (!root)
        return DOUBT_EMPTY;
    info_read(&r->page->info, &r->base, &r->tree, r->source, r->page->arena);
    if (read_next(r) < 0)
        return DOUBT_LIMIT;
    r->content = find_content(r, root);
    if (tree_is_over_budget())
        return DOUBT_LIMIT;
    if (!r->content)
        return looks_like_wall(r, SIZE_MAX) ? DOUBT_WALL : DOUBT_NO_CONTENT;
    if (tree_is_cut(&r->tree, r->content))
        return DOUBT_CUT;
    if (blocks_read(&r->blocks, r->content) < 0)
        return DOUBT_LIMIT;
    d = cut_blocks(r);
    if (d == DOUBT_NONE && links_find(&r->links, root, r->content, &r->blocks, &r->spans) < 0)
        d = DOUBT_LIMIT;
    return d;
}

static enum doubt read_markdown(struct reading *r)
{
    r->markdown.max = r->text.n * MARKDOWN_BYTES_PER_BYTE + MARKDOWN_BYTES_AT_LEAST;
    if (r->text.n > SIZE_MAX / 2 / MARKDOWN_BYTES_PER_BYTE ||
        markdown_page(&r->markdown, r->text, r->source->profile) < 0)
        return DOUBT_LIMIT;
    r->text = buf_str(&r->markdown);
    return read_html(r);
}

static enum doubt read_plain(struct reading *r)
{
    r->base = (struct address_base){r->source->url, r->source->profile};
    if (blocks_read_text(&r->blocks, r->text) < 0)
        return DOUBT_LIMIT;
    return cut_blocks(r);
}

static enum doubt read_page(struct reading *r)
{
    static enum doubt (*const readers[])(struct reading * r) = {
        [SYNTAX_HTML] = read_html, [SYNTAX_TEXT] = read_plain, [SYNTAX_MARKDOWN] = read_markdown};
    enum doubt d = read_text(r);

    if (d == DOUBT_NONE)
        d = readers[r->source->profile->syntax](r);
    if (d == DOUBT_NONE && read_sections(r) < 0)
        d = DOUBT_LIMIT;
    if (d == DOUBT_NONE && !r->page->count && !r->page->lead.n)
        d = DOUBT_NO_SECTIONS;
    if (d == DOUBT_NONE) {
        r->page->address = arena_copy(r->page->arena, page_address(r));
        d = r->page->address.p ? d : DOUBT_LIMIT;
    }
    return d;
}

/* Whoever wrote `url = …/feed.xml` has nothing to look for in section-start. */
static void tell(const struct reading *r, enum doubt d, struct error *e)
{
    bool feed = wire_is_feed(r->decoded);

    if (feed && (d == DOUBT_NO_SECTIONS || d == DOUBT_NO_CONTENT || d == DOUBT_CUT))
        error_set(e, "%s: what the address serves is a feed: write type = feed", doubt_name(d));
    else
        error_set(e, "%s: %s", doubt_name(d), doubt_sentence(d));
}

enum doubt page_read(const struct page_source *source, struct page **out, struct error *e)
{
    struct reading r = {.source = source};
    enum doubt d = DOUBT_LIMIT;

    *out = NULL;
    buf_init(&r.text_space, SIZE_MAX);
    buf_init(&r.tidy_text, SIZE_MAX);
    buf_init(&r.markdown, SIZE_MAX);
    r.page = calloc(1, sizeof(*r.page));
    if (r.page)
        r.page->arena = arena_new();
    if (r.page && r.page->arena)
        d = read_page(&r);
    if (d != DOUBT_NONE)
        tell(&r, d, e);
    links_clear(&r.links);
    spans_clear(&r.spans);
    blocks_clear(&r.blocks);
    tree_clear(&r.tree);
    buf_clear(&r.text_space);
    buf_clear(&r.tidy_text);
    buf_clear(&r.markdown);
    if (d == DOUBT_NONE) {
        *out = r.page;
        return d;
    }
    page_free(r.page);
    return d;
}

void page_free(struct page *p)
{
    while (p) {
        struct page *behind = p->behind;

        arena_free(p->arena);
        free(p);
        p = behind;
    }
}
