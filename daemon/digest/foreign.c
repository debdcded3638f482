/* foreign: a feed that somebody else made → its entries, with the ids they came with, and cleaned
 * by the rules that sections are cleaned by. */
#include "address.h"
#include "blocks.h"
#include "charset.h"
#include "digest.h"
#include "tree.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>

/* Characters: more is no title, and what names an entry without one is shorter. */
#define TITLE_MOST  500
#define UNTITLED    80
/* Bytes of an id that is passed on to readers. */
#define GIVEN_MOST  2048
/* Bytes of an author's name. */
#define AUTHOR_MOST 400

/* What is kept of a feed, besides for each byte of it: its addresses become absolute, and one base
 * can be thousands of times as long as what stands on it. */
#define KEPT_AT_LEAST ((size_t)64 * 1024 * 1024)
#define KEPT_PER_BYTE 16

/* What an entry is known by, once. */
struct known {
    struct str id;
    size_t at;
    UT_hash_handle hh;
};

struct reading {
    const struct feed_source *source;
    struct foreign_feed *feed;
    struct buf scratch;
    bool no_memory;
};

static struct str keep(struct reading *r, struct str s)
{
    struct str copy = arena_copy(r->feed->arena, s);

    r->no_memory = r->no_memory || !copy.p;
    return copy;
}

/* ---- texts --------------------------------------------------------------------------------- */

/* Appends the words of HTML. */
static void put_words(struct buf *out, struct str html)
{
    struct tree tree = {0};
    struct buf page;

    buf_init(&page, SIZE_MAX);
    buf_puts(&page, "<html><body><div>");
    buf_add(&page, html);
    buf_puts(&page, "</div></body></html>\n");
    if (!page.failed && tree_parse(&tree, buf_str(&page)) == DOUBT_NONE &&
        xmlDocGetRootElement(tree.doc))
        node_text(out, xmlDocGetRootElement(tree.doc));
    tree_clear(&tree);
    buf_clear(&page);
}

static bool has_reference(struct str s)
{
    for (size_t at = 0; (at = str_find(s, STR("&"), at)) != SIZE_MAX; at++) {
        size_t n = at + 1;

        n += n < s.n && s.p[n] == '#';
        while (n < s.n && n - at < 12 &&
               ((s.p[n] >= '0' && s.p[n] <= '9') || ((s.p[n] | 32) >= 'a' && (s.p[n] | 32) <= 'z')))
            n++;
        if (n < s.n && s.p[n] == ';' && n > at + 1)
            return true;
    }
    return false;
}

static bool has_markup(struct str s)
{
    static const char *const ends[] = {"</b>",    "</i>",   "</em>",   "</strong>", "</code>",
                                       "</span>", "</sub>", "</sup>",  "</a>",      "</cite>",
                                       "</q>",    "</tt>",  "</mark>", "<br>",      "<br />"};

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (str_find(s, str_of(ends[i]), 0) != SIZE_MAX)
            return true;
    return false;
}

/* A title of RSS may be text or markup: it is taken for markup where it reads as that alone. */
static bool is_markup(const struct wire *wire, const struct wire_text *text)
{
    if (text->kind != WIRE_EITHER)
        return text->kind == WIRE_HTML;
    return !str_eq(wire->generator, STR("digestd")) &&
           (has_reference(text->s) || has_markup(text->s));
}

/* One line of text, cut where it is too long for one. */
static struct str line_of(struct reading *r, const struct wire *wire, const struct wire_text *text)
{
    struct buf words, line;
    struct str kept;

    buf_init(&words, SIZE_MAX);
    buf_init(&line, SIZE_MAX);
    if (is_markup(wire, text))
        put_words(&words, text->s);
    else
        buf_add(&words, text->s);
    text_collapse(&line, buf_str(&words));
    kept = text_head(buf_str(&line), TITLE_MOST);
    if (kept.n < line.len) {
        line.len = kept.n;
        buf_puts(&line, "…");
    }
    r->no_memory = r->no_memory || words.failed || line.failed;
    kept = keep(r, buf_str(&line));
    buf_clear(&words);
    buf_clear(&line);
    return kept;
}

/* ---- ids ----------------------------------------------------------------------------------- */

/* RFC 3987, as far as it can be told from text that is no id at all: a scheme, and no blanks or
 * delimiters in what follows. Schemes that run something are for nobody to pass on. */
static bool is_absolute_iri(struct str id)
{
    struct str scheme = uri_scheme(id);

    if (scheme.n < 2 || scheme.n + 1 >= id.n || id.n > GIVEN_MOST ||
        str_eq_nocase(scheme, STR("javascript")) || str_eq_nocase(scheme, STR("vbscript")) ||
        str_eq_nocase(scheme, STR("data")))
        return false;
    for (size_t i = 0; i < id.n; i++)
        if ((unsigned char)id.p[i] <= ' ' || id.p[i] == 0x7f || strchr("<>\"{}|\\^`", id.p[i]))
            return false;
    for (struct str rest = id; rest.n;)
        if (text_is_space(text_next(&rest)))
            return false;
    return text_valid(id) == id.n;
}

/* The id that it has, else its address, else what it says. */
static void identify(struct reading *r, const struct wire_item *item, struct entry *entry)
{
    struct str id = str_trim(item->id);
    char text[HASH_TEXT_SIZE];

    if (is_absolute_iri(id))
        entry->given = keep(r, id);
    if (!id.n)
        id = item->link;
    if (!id.n) {
        struct hash h = hash_more((struct hash){0}, item->title.s);

        id = str_of(hash_text(text, hash_more(h, item->content.s)));
    }
    id_of_foreign(entry->id, r->source->id_base, id);
}

/* ---- content ------------------------------------------------------------------------------- */

/* Lines are lines, and an empty one parts paragraphs. */
static void put_plain(struct buf *out, struct str text)
{
    bool open = false;

    while (text.n) {
        struct str line = str_trim(str_cut(&text, '\n'));

        if (line.n)
            buf_puts(out, open ? "<br>" : "<p>");
        else if (open)
            buf_puts(out, "</p>");
        open = line.n > 0;
        text_escape(out, line);
    }
    buf_puts(out, open ? "</p>" : "");
}

static struct str file_name(struct str address)
{
    size_t slash;

    address = uri_without_query(address);
    slash = address.n;
    while (slash && address.p[slash - 1] != '/')
        slash--;
    return slash < address.n ? str_sub(address, slash, SIZE_MAX) : address;
}

/* Whether cleaned HTML has this address in it. */
static bool has_address(struct str html, struct str address, struct buf *escaped)
{
    buf_reset(escaped);
    text_escape(escaped, address);
    return str_find(html, buf_str(escaped), 0) != SIZE_MAX;
}

static void put_medium(struct buf *out, const struct wire_medium *m)
{
    static const struct {
        const char *type, *before, *after;
    } forms[] = {{"audio", "<p><audio controls src=\"", "\"></audio></p>"},
                 {"video", "<p><video controls src=\"", "\"></video></p>"},
                 {"image", "<p><img src=\"", "\"></p>"}};

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (str_starts_nocase(m->type, str_of(forms[i].type))) {
            buf_puts(out, forms[i].before);
            text_escape(out, m->address);
            buf_puts(out, forms[i].after);
            return;
        }
    buf_puts(out, "<p><a href=\"");
    text_escape(out, m->address);
    buf_puts(out, "\">");
    text_escape(out, file_name(m->address));
    buf_puts(out, "</a></p>");
}

/* What is enclosed is shown, unless the content shows it already. A picture only where there is
 * none: else it is a smaller one of what is there, or its author's face. */
static void put_media(struct buf *out, const struct wire_item *item, struct buf *escaped)
{
    for (size_t i = 0; i < item->media_count; i++) {
        const struct wire_medium *m = &item->media[i];
        bool picture = str_starts_nocase(m->type, STR("image"));

        if (!has_address(buf_str(out), m->address, escaped) &&
            !(picture && str_find(buf_str(out), STR("<img "), 0) != SIZE_MAX))
            put_medium(out, m);
    }
}

/* Content that no parser reads to its end (thousands of elements, one in the other) is left where
 * it is: the entry leads there. */
static void read_html(struct reading *r, const struct wire_item *item, struct entry *entry)
{
    if (html_read(entry, item->base, r->source->profile, r->feed->arena) == 0)
        return;
    buf_reset(&r->scratch);
    buf_puts(&r->scratch, "<p><a href=\"");
    text_escape(&r->scratch, entry->link);
    buf_puts(&r->scratch, "\">");
    text_escape(&r->scratch, entry->link.n ? entry->link : STR("This cannot be shown here."));
    buf_puts(&r->scratch, "</a></p>");
    entry->html = keep(r, buf_str(&r->scratch));
    if (html_read(entry, item->base, r->source->profile, r->feed->arena) < 0)
        r->no_memory = true;
}

static void read_content(struct reading *r, const struct wire_item *item, struct entry *entry)
{
    struct buf html, escaped;

    buf_init(&html, SIZE_MAX);
    buf_init(&escaped, SIZE_MAX);
    entry->html = item->content.s;
    if (item->content.kind != WIRE_HTML) {
        put_plain(&html, item->content.s);
        entry->html = keep(r, buf_str(&html));
    }
    read_html(r, item, entry);
    buf_reset(&html);
    buf_add(&html, entry->html);
    put_media(&html, item, &escaped);
    if (html.len > entry->html.n) {
        entry->html = keep(r, buf_str(&html));
        read_html(r, item, entry);
    }
    r->no_memory = r->no_memory || html.failed || escaped.failed;
    buf_clear(&html);
    buf_clear(&escaped);
}

/* ---- entries ------------------------------------------------------------------------------- */

static struct str own_link(struct reading *r, const struct wire_item *item)
{
    const struct address_base from = {item->base, r->source->profile};

    buf_reset(&r->scratch);
    if (!item->link.n || address_link(&r->scratch, &from, item->link) < 0)
        return (struct str){0};
    return keep(r, buf_str(&r->scratch));
}

/* An entry without a title is called by its first words. */
static struct str name_of(struct reading *r, const struct entry *entry)
{
    struct str rest = entry->text, line = {0}, head;

    while (rest.n && text_blank(line))
        line = str_cut(&rest, '\n');
    if (text_blank(line))
        line = entry->link.n ? entry->link : str_of(entry->id);
    head = text_head(line, UNTITLED);
    buf_reset(&r->scratch);
    text_collapse(&r->scratch, head);
    if (head.n < line.n)
        buf_puts(&r->scratch, "…");
    return keep(r, buf_str(&r->scratch));
}

static void read_item(struct reading *r, const struct wire *wire, const struct wire_item *item,
                      struct entry *entry)
{
    identify(r, item, entry);
    entry->title = line_of(r, wire, &item->title);
    entry->link = own_link(r, item);
    read_content(r, item, entry);
    if (!entry->title.n)
        entry->title = name_of(r, entry);
    if (!str_eq(item->author, wire->author))
        entry->author = keep(r, str_sub(item->author, 0, text_head(item->author, AUTHOR_MOST).n));
    entry->tags = keep(r, item->tags);
    entry->published = item->published;
    entry->updated = item->updated;
    entry->ordinal = 1;
    entry->live = true;
}

/* Of several with one id the latest stays, else the first (RFC 4287 4.1.1). */
static bool place(struct reading *r, struct known **set, struct known *spare, struct entry *entry)
{
    struct foreign_feed *feed = r->feed;
    struct known *known;

    HASH_FIND(hh, *set, entry->id, ID_SIZE - 1, known);
    if (known) {
        if (entry->updated > feed->entries[known->at].updated)
            feed->entries[known->at] = *entry;
        return false;
    }
    spare->at = feed->count;
    feed->entries[feed->count] = *entry;
    spare->id = str_of(feed->entries[feed->count++].id);
    HASH_ADD_KEYPTR(hh, *set, spare->id.p, spare->id.n, spare);
    r->no_memory = r->no_memory || !spare->hh.tbl;
    return true;
}

static void read_items(struct reading *r, const struct wire *wire)
{
    struct known *set = NULL, *known;
    struct entry entry;

    r->feed->entries = arena_array(r->feed->arena, wire->count + 1, sizeof(*r->feed->entries));
    known = arena_array(r->feed->arena, wire->count + 1, sizeof(*known));
    r->no_memory = r->no_memory || !r->feed->entries || !known;
    for (size_t i = 0; i < wire->count && !r->no_memory; i++) {
        entry = (struct entry){0};
        read_item(r, wire, &wire->items[i], &entry);
        if (!r->no_memory)
            place(r, &set, &known[r->feed->count], &entry);
    }
    HASH_CLEAR(hh, set);
}

static void read_head(struct reading *r, const struct wire *wire)
{
    struct page_info *info = &r->feed->info;

    info->title = line_of(r, wire, &wire->title);
    info->description = line_of(r, wire, &wire->description);
    info->author = keep(r, str_sub(wire->author, 0, text_head(wire->author, AUTHOR_MOST).n));
    info->language = keep(r, text_head(wire->language, 35));
    info->canonical = keep(r, address_public(wire->home, r->feed->arena));
    info->tags = keep(r, wire->tags);
}

static enum doubt read_wire(struct reading *r, struct error *e)
{
    const struct feed_source *source = r->source;
    struct buf space;
    struct str text;
    struct wire wire;
    enum doubt doubt = DOUBT_NONE;

    buf_init(&space, SIZE_MAX);
    if (charset_decode(source->bytes, source->content_type, &space, &text) < 0)
        r->no_memory = true;
    else {
        arena_limit(r->feed->arena, KEPT_AT_LEAST + KEPT_PER_BYTE * text.n);
        doubt = wire_read(text, source->url, r->feed->arena, &wire, e);
    }
    buf_clear(&space); /* what was read of it is kept */
    if (doubt == DOUBT_NONE && !r->no_memory) {
        read_head(r, &wire);
        read_items(r, &wire);
    }
    if (doubt == DOUBT_NONE && (r->no_memory || r->scratch.failed))
        doubt = wire_refuse(DOUBT_LIMIT, e, "no memory for all that the feed comes to");
    return doubt;
}

bool feed_is_feed(struct str bytes)
{
    if (str_starts(bytes, STR("\xef\xbb\xbf")))
        bytes = str_sub(bytes, 3, SIZE_MAX);
    return wire_is_feed(bytes);
}

enum doubt feed_read(const struct feed_source *source, struct foreign_feed **out, struct error *e)
{
    struct reading r = {.source = source, .feed = calloc(1, sizeof(*r.feed))};
    enum doubt doubt;

    *out = NULL;
    buf_init(&r.scratch, SIZE_MAX);
    if (r.feed)
        r.feed->arena = arena_new();
    if (!r.feed || !r.feed->arena)
        doubt = wire_refuse(DOUBT_LIMIT, e, "out of memory");
    else
        doubt = read_wire(&r, e);
    buf_clear(&r.scratch);
    if (doubt == DOUBT_NONE)
        *out = r.feed;
    else
        foreign_feed_free(r.feed);
    return doubt;
}

void foreign_feed_free(struct foreign_feed *f)
{
    if (f)
        arena_free(f->arena);
    free(f);
}
