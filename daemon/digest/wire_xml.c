/* RSS 0.9x, 1.0 and 2.0 with the modules that are in use, Atom 0.3 and 1.0. */
#include "wire.h"

#include <libxml/HTMLtree.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

#define MEDIA_MOST 32
/* So much is looked through for declarations, which stand before the first element. */
#define PROLOG     ((size_t)64 * 1024)

/* ---- names --------------------------------------------------------------------------------- */

/* Whose an element is, a bit each. */
enum space {
    SPACE_RSS = 1, /* or none at all */
    SPACE_ATOM = 2,
    SPACE_DC = 4, /* Dublin Core, its terms too */
    SPACE_CONTENT = 8,
    SPACE_MEDIA = 16,
    SPACE_ITUNES = 32,
    SPACE_TOMBSTONE = 64,
    SPACE_XHTML = 128,
    SPACE_HISTORY = 256
};

static const struct {
    const char *uri;
    enum space space;
} spaces[] = {
    {"http://www.w3.org/2005/Atom", SPACE_ATOM},
    {"http://purl.org/atom/ns#", SPACE_ATOM},
    {"http://purl.org/rss/1.0/", SPACE_RSS},
    {"http://my.netscape.com/rdf/simple/0.9/", SPACE_RSS},
    {"http://channel.netscape.com/rdf/simple/0.9/", SPACE_RSS},
    {"http://backend.userland.com/rss2", SPACE_RSS},
    {"http://purl.org/dc/elements/1.1/", SPACE_DC},
    {"http://purl.org/dc/terms/", SPACE_DC},
    {"http://purl.org/rss/1.0/modules/content/", SPACE_CONTENT},
    {"http://search.yahoo.com/mrss/", SPACE_MEDIA},
    {"http://search.yahoo.com/mrss", SPACE_MEDIA},
    {"http://www.itunes.com/dtds/podcast-1.0.dtd", SPACE_ITUNES},
    {"http://purl.org/atompub/tombstones/1.0", SPACE_TOMBSTONE},
    {"http://www.w3.org/1999/xhtml", SPACE_XHTML},
    {"http://purl.org/syndication/history/1.0", SPACE_HISTORY},
};

/* 0: some other module's. */
static unsigned space_of(const xmlNode *node)
{
    const char *uri = node->ns ? (const char *)node->ns->href : NULL;

    for (size_t i = 0; uri && i < sizeof(spaces) / sizeof(*spaces); i++)
        if (strcmp(uri, spaces[i].uri) == 0)
            return spaces[i].space;
    return uri ? 0 : SPACE_RSS;
}

struct name {
    unsigned spaces;
    const char *name;
};

#define NAMES_MOST 5

/* Where things are said in a form; of each what stands first is asked first. */
struct form {
    enum space space; /* of its own elements */
    const char *item;
    struct name id[NAMES_MOST], title[NAMES_MOST], content[NAMES_MOST], published[NAMES_MOST],
        updated[NAMES_MOST], author[NAMES_MOST], tags[NAMES_MOST], description[NAMES_MOST];
};

static const struct form rss = {
    .space = SPACE_RSS,
    .item = "item",
    .id = {{SPACE_RSS, "guid"}, {SPACE_ATOM, "id"}},
    .title = {{SPACE_RSS, "title"}, {SPACE_DC, "title"}, {SPACE_MEDIA, "title"}},
    .content = {{SPACE_CONTENT, "encoded"},
                {SPACE_XHTML, "body"},
                {SPACE_RSS, "description"},
                {SPACE_DC, "description"},
                {SPACE_ITUNES, "summary"}},
    .published = {{SPACE_RSS, "pubDate"}, {SPACE_DC, "date"}, {SPACE_DC, "created"}},
    .updated = {{SPACE_ATOM, "updated"}, {SPACE_DC, "modified"}},
    .author = {{SPACE_DC, "creator"},
               {SPACE_RSS, "author"},
               {SPACE_ITUNES, "author"},
               {SPACE_ATOM, "author"},
               {SPACE_RSS, "managingEditor"}},
    .tags = {{SPACE_RSS, "category"}, {SPACE_DC, "subject"}},
    .description = {{SPACE_RSS, "description"}, {SPACE_ITUNES, "summary"}},
};

static const struct form atom = {
    .space = SPACE_ATOM,
    .item = "entry",
    .id = {{SPACE_ATOM, "id"}},
    .title = {{SPACE_ATOM, "title"}, {SPACE_MEDIA, "title"}},
    .content = {{SPACE_ATOM, "content"}, {SPACE_ATOM, "summary"}, {SPACE_MEDIA, "description"}},
    .published = {{SPACE_ATOM, "published"}, {SPACE_ATOM, "issued"}, {SPACE_ATOM, "created"}},
    .updated = {{SPACE_ATOM, "updated"}, {SPACE_ATOM, "modified"}},
    .author = {{SPACE_ATOM, "author"}, {SPACE_DC, "creator"}},
    .tags = {{SPACE_ATOM, "category"}, {SPACE_DC, "subject"}},
    .description = {{SPACE_ATOM, "subtitle"}, {SPACE_ATOM, "tagline"}},
};

static bool is(const xmlNode *node, unsigned of, const char *name)
{
    return node->type == XML_ELEMENT_NODE && (space_of(node) & of) &&
           strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *child(const xmlNode *node, unsigned of, const char *name)
{
    for (const xmlNode *c = node->children; c; c = c->next)
        if (is(c, of, name))
            return c;
    return NULL;
}

static bool has_content(const xmlNode *node)
{
    for (const xmlNode *c = node->children; c; c = c->next)
        if (c->type == XML_ELEMENT_NODE || !xmlIsBlankNode(c))
            return true;
    return xmlHasProp(node, (const xmlChar *)"src") != NULL;
}

/* The first of these that says anything; podcasts and films have theirs in a group. */
static const xmlNode *first(const xmlNode *node, const struct name *list)
{
    const xmlNode *group = child(node, SPACE_MEDIA, "group");

    for (size_t i = 0; i < NAMES_MOST && list[i].name; i++)
        for (const xmlNode *c = node->children; c; c = c->next)
            if (is(c, list[i].spaces, list[i].name) && has_content(c))
                return c;
    return group ? first(group, list) : NULL;
}

/* ---- texts --------------------------------------------------------------------------------- */

/* Takes a string of libxml2's. */
static struct str take(struct wire_reader *r, xmlChar *text)
{
    struct str kept = text ? wire_keep(r, str_of((const char *)text)) : (struct str){0};

    xmlFree(text);
    return kept;
}

static struct str text_of(struct wire_reader *r, const xmlNode *node)
{
    return node ? take(r, xmlNodeGetContent(node)) : (struct str){0};
}

static struct str first_text(struct wire_reader *r, const xmlNode *node, const struct name *list)
{
    return text_of(r, first(node, list));
}

static struct str attribute(struct wire_reader *r, const xmlNode *node, const char *name)
{
    return take(r, xmlGetNoNsProp(node, (const xmlChar *)name));
}

/* What addresses in this element are relative to, where xml:base says so, else `otherwise`. */
static struct str base_of(struct wire_reader *r, const xmlNode *node, struct str otherwise)
{
    xmlChar *said = xmlNodeGetBase(node->doc, node);

    if (!str_eq(str_of((const char *)said), r->base_said)) {
        r->base_said = wire_keep(r, str_of((const char *)said));
        r->base = wire_address(r, r->url, r->base_said);
    }
    xmlFree(said);
    return r->base.n ? r->base : otherwise;
}

/* The prefix of a name in it is dropped by whoever parses it as HTML. */
static struct str markup_of(struct wire_reader *r, const xmlNode *node)
{
    xmlBuffer *out = xmlBufferCreate();
    struct str kept = {0};

    for (xmlNode *c = node->children; out && c; c = c->next)
        if (htmlNodeDump(out, node->doc, c) < 0)
            r->no_memory = true;
    if (out)
        kept = wire_keep(r, str_of((const char *)xmlBufferContent(out)));
    r->no_memory = r->no_memory || !out;
    xmlBufferFree(out);
    return kept;
}

static bool has_elements(const xmlNode *node)
{
    for (const xmlNode *c = node->children; c; c = c->next)
        if (c->type == XML_ELEMENT_NODE)
            return true;
    return false;
}

/* Content that stands elsewhere (RFC 4287 4.1.3.2) is a link to there. */
static struct wire_text elsewhere(struct wire_reader *r, struct str base, struct str src)
{
    struct str address = wire_address(r, base, src);
    struct buf html;
    struct wire_text text = {.kind = WIRE_HTML};

    buf_init(&html, (size_t)1 << 20);
    buf_puts(&html, "<p><a href=\"");
    text_escape(&html, address);
    buf_puts(&html, "\">");
    text_escape(&html, address);
    buf_puts(&html, "</a></p>");
    if (address.n)
        text.s = wire_keep(r, buf_str(&html));
    buf_clear(&html);
    return text;
}

/* A text of Atom: RFC 4287 3.1 and 4.1.3.3; media types are Atom 0.3's too. */
static struct wire_text atom_text(struct wire_reader *r, const xmlNode *node)
{
    struct str type = str_trim(attribute(r, node, "type")), src = attribute(r, node, "src");
    bool markup = str_eq(type, STR("html")) || str_eq(type, STR("xhtml")) ||
                  str_starts_nocase(type, STR("text/html")) ||
                  str_starts_nocase(type, STR("application/xhtml"));

    if (src.n)
        return elsewhere(r, base_of(r, node, r->url), src);
    if (str_eq_nocase(attribute(r, node, "mode"), STR("base64")))
        return (struct wire_text){.kind = WIRE_TEXT};
    if (markup && has_elements(node))
        return (struct wire_text){markup_of(r, node), WIRE_HTML};
    if (markup || !type.n || str_eq(type, STR("text")) || str_starts_nocase(type, STR("text/")))
        return (struct wire_text){text_of(r, node), markup ? WIRE_HTML : WIRE_TEXT};
    return (struct wire_text){.kind = WIRE_TEXT}; /* XML or bytes of some other kind */
}

static struct wire_text first_rich(struct wire_reader *r, const xmlNode *node,
                                   const struct name *list, enum wire_kind kind)
{
    const xmlNode *found = first(node, list);

    if (!found)
        return (struct wire_text){.kind = kind};
    if (space_of(found) & SPACE_ATOM)
        return atom_text(r, found);
    if (has_elements(found))
        return (struct wire_text){markup_of(r, found), WIRE_HTML};
    return (struct wire_text){text_of(r, found), kind};
}

/* ---- what else an item has ----------------------------------------------------------------- */

/* "mail@example.org (Name)", as RSS has it; else as it stands. */
static struct str name_in(struct str author)
{
    size_t open = str_find(author, STR("("), 0);
    bool mail = str_find(str_sub(author, 0, open), STR("@"), 0) != SIZE_MAX;

    if (!mail || open == SIZE_MAX || !str_ends(author, STR(")")))
        return author;
    return str_trim(str_sub(author, open + 1, author.n - open - 2));
}

static struct str author_of(struct wire_reader *r, const xmlNode *node, const struct form *form)
{
    const xmlNode *author = first(node, form->author);
    const xmlNode *name = author ? child(author, SPACE_ATOM, "name") : NULL;
    bool person = author && is(author, SPACE_ATOM, "author");
    struct str text;
    struct buf all;

    buf_init(&all, 1024);
    for (; person && author; author = author->next) { /* there may be several */
        name = is(author, SPACE_ATOM, "author") ? child(author, SPACE_ATOM, "name") : NULL;
        if (!name)
            continue;
        buf_puts(&all, all.len ? ", " : "");
        buf_add(&all, str_trim(text_of(r, name)));
    }
    if (!person)
        buf_add(&all, name_in(str_trim(text_of(r, author))));
    text = wire_line(r, buf_str(&all));
    buf_clear(&all);
    return text;
}

static struct str tags_of(struct wire_reader *r, const xmlNode *node, const struct form *form)
{
    struct str kept;
    struct buf tags;

    buf_init(&tags, WIRE_LINES_MOST);
    for (size_t i = 0; i < NAMES_MOST && form->tags[i].name; i++)
        for (const xmlNode *c = node->children; c; c = c->next) {
            if (!is(c, form->tags[i].spaces, form->tags[i].name))
                continue;
            struct str label = attribute(r, c, "label"), term = attribute(r, c, "term");

            wire_add_line(&tags, label.n ? label : term.n ? term : text_of(r, c));
        }
    kept = wire_keep(r, buf_str(&tags));
    buf_clear(&tags);
    return kept;
}

/* <link rel="alternate" href="…"/> of Atom, which may stand in RSS too. */
static struct str atom_link(struct wire_reader *r, const xmlNode *node, struct str base)
{
    for (const xmlNode *c = node->children; c; c = c->next) {
        struct str rel, address;

        if (!is(c, SPACE_ATOM, "link"))
            continue;
        rel = attribute(r, c, "rel");
        if (rel.n && !str_eq(rel, STR("alternate")))
            continue;
        address = wire_address(r, base_of(r, c, base), attribute(r, c, "href"));
        if (address.n)
            return address;
    }
    return (struct str){0};
}

static struct str rss_link(struct wire_reader *r, const xmlNode *node, struct str base)
{
    const xmlNode *link = child(node, SPACE_RSS, "link"), *guid = child(node, SPACE_RSS, "guid");
    struct str address =
        link ? wire_address(r, base_of(r, link, base), text_of(r, link)) : (struct str){0};

    if (!address.n)
        address = atom_link(r, node, base);
    /* A guid is an address unless it says that it is none. */
    if (!address.n && guid && !str_eq(attribute(r, guid, "isPermaLink"), STR("false")) &&
        uri_is_http(str_trim(text_of(r, guid))))
        address = wire_address(r, base, text_of(r, guid));
    return address;
}

static struct str link_of(struct wire_reader *r, const xmlNode *node, const struct form *form,
                          struct str base)
{
    return form == &atom ? atom_link(r, node, base) : rss_link(r, node, base);
}

static void add_medium(struct wire_reader *r, struct wire_item *item, const xmlNode *node,
                       const char *name)
{
    struct str address = wire_address(r, base_of(r, node, r->url), attribute(r, node, name));
    struct str type = attribute(r, node, "type");

    if (!type.n)
        type = attribute(r, node, "medium"); /* "audio" is as good a beginning as "audio/…" */
    if (address.n && item->media && item->media_count < MEDIA_MOST)
        item->media[item->media_count++] = (struct wire_medium){address, type};
}

static void read_media(struct wire_reader *r, const xmlNode *node, struct wire_item *item)
{
    for (const xmlNode *c = node->children; c; c = c->next) {
        if (is(c, SPACE_RSS, "enclosure") || is(c, SPACE_MEDIA, "content"))
            add_medium(r, item, c, "url");
        else if (is(c, SPACE_ATOM, "link") && str_eq(attribute(r, c, "rel"), STR("enclosure")))
            add_medium(r, item, c, "href");
        else if (is(c, SPACE_MEDIA, "group"))
            read_media(r, c, item);
    }
}

/* ---- items and heads ----------------------------------------------------------------------- */

static struct str id_of(struct wire_reader *r, const xmlNode *node, const struct form *form)
{
    struct str id = str_trim(first_text(r, node, form->id));

    /* rdf:about of RSS 1.0 */
    return id.n || form == &atom ? id
                                 : str_trim(take(r, xmlGetProp(node, (const xmlChar *)"about")));
}

static void read_item(struct wire_reader *r, const xmlNode *node, const struct form *form,
                      struct wire_item *out)
{
    enum wire_kind title = form == &rss ? WIRE_EITHER : WIRE_TEXT;
    struct str home = r->out->home.n ? r->out->home : r->url;
    const xmlNode *content = first(node, form->content);

    out->id = id_of(r, node, form);
    out->title = first_rich(r, node, form->title, title);
    out->link = link_of(r, node, form, base_of(r, node, home));
    out->base = base_of(r, content ? content : node, out->link.n ? out->link : home);
    out->content = first_rich(r, node, form->content, WIRE_HTML);
    out->author = author_of(r, node, form);
    out->tags = tags_of(r, node, form);
    out->published = wire_date(first_text(r, node, form->published));
    out->updated = wire_date(first_text(r, node, form->updated));
    out->media = arena_array(r->arena, MEDIA_MOST, sizeof(*out->media));
    r->no_memory = r->no_memory || !out->media;
    read_media(r, node, out);
}

static void read_tombstone(struct wire_reader *r, const xmlNode *node)
{
    r->out->gone[r->out->gone_count++] = (struct wire_tombstone){
        str_trim(attribute(r, node, "ref")), wire_date(attribute(r, node, "when"))};
}

static struct str language_of(struct wire_reader *r, const xmlNode *head)
{
    static const struct name said[NAMES_MOST] = {{SPACE_RSS, "language"}, {SPACE_DC, "language"}};
    struct str language = str_trim(first_text(r, head, said));

    return language.n ? language : take(r, xmlNodeGetLang(head));
}

static void read_head(struct wire_reader *r, const xmlNode *head, const struct form *form)
{
    static const struct name generator[NAMES_MOST] = {{SPACE_RSS | SPACE_ATOM, "generator"}};
    struct wire *out = r->out;

    out->generator = str_trim(first_text(r, head, generator));
    out->id = form == &atom ? id_of(r, head, form) : (struct str){0};
    out->title = first_rich(r, head, form->title, form == &rss ? WIRE_EITHER : WIRE_TEXT);
    out->description =
        first_rich(r, head, form->description, form == &rss ? WIRE_EITHER : WIRE_TEXT);
    out->home = link_of(r, head, form, base_of(r, head, r->url));
    out->author = author_of(r, head, form);
    out->language = language_of(r, head);
    out->tags = tags_of(r, head, form);
    out->archive = child(head, SPACE_HISTORY, "archive") != NULL;
}

static size_t count_of(const xmlNode *node, unsigned of, const char *name)
{
    size_t n = 0;

    for (const xmlNode *c = node->children; c; c = c->next)
        n += is(c, of, name);
    return n;
}

/* ---- documents ----------------------------------------------------------------------------- */

/* `head` has what the feed says of itself, `items` its items: of RSS 1.0 two elements. */
static enum doubt read_feed(struct wire_reader *r, const xmlNode *head, const xmlNode *items,
                            const struct form *form, struct error *e)
{
    enum doubt doubt = wire_make_room(r, count_of(items, form->space, form->item),
                                      count_of(items, SPACE_TOMBSTONE, "deleted-entry"), e);

    if (doubt != DOUBT_NONE)
        return doubt;
    read_head(r, head, form);
    for (const xmlNode *node = items->children; node && !r->no_memory; node = node->next) {
        if (is(node, form->space, form->item))
            read_item(r, node, form, &r->out->items[r->out->count++]);
        else if (is(node, SPACE_TOMBSTONE, "deleted-entry"))
            read_tombstone(r, node);
    }
    return DOUBT_NONE;
}

static enum doubt read_root(struct wire_reader *r, const xmlNode *root, struct error *e)
{
    const char *name = (const char *)root->name;
    const xmlNode *channel = child(root, SPACE_RSS, "channel");

    if (strcmp(name, "rss") == 0 && channel)
        return read_feed(r, channel, count_of(channel, SPACE_RSS, "item") ? channel : root, &rss,
                         e);
    if (strcmp(name, "RDF") == 0 && channel)
        return read_feed(r, channel, root, &rss, e);
    if (is(root, SPACE_ATOM, "feed"))
        return read_feed(r, root, root, &atom, e);
    return wire_refuse(DOUBT_TYPE, e, "it is XML, but neither RSS nor Atom: its root is <%.60s>",
                       name);
}

/* The first fault of a document; what the parser says after it follows from it. */
struct fault {
    int code, line;
    bool at_end;
    char text[128];
};

static void note_fault(void *context, xmlError *error)
{
    const xmlParserCtxt *parser = context;
    struct fault *fault = parser->_private;

    if (fault->code || error->level < XML_ERR_ERROR || error->domain == XML_FROM_NAMESPACE)
        return;
    fault->code = error->code;
    fault->line = error->line;
    fault->at_end = parser->input && parser->input->cur >= parser->input->end;
    struct str text = str_trim(str_of(error->message));
    snprintf(fault->text, sizeof(fault->text), "%.*s", STR_ARG(text_head(text, 100)));
}

static bool is_limit(const struct fault *fault)
{
    static const char *const words[] = {"XML_PARSE_HUGE", "xmlSAX2Characters", "too long",
                                        "too big", "Huge input"};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_find(str_of(fault->text), str_of(words[i]), 0) != SIZE_MAX)
            return true;
    return fault->code == XML_ERR_NO_MEMORY || fault->code == XML_ERR_NAME_TOO_LONG;
}

static enum doubt not_well_formed(const struct fault *fault, struct error *e)
{
    if (is_limit(fault))
        return wire_refuse(DOUBT_LIMIT, e,
                           "the feed is nested too deeply, or a text in it is too long (line %d)",
                           fault->line);
    if (fault->at_end && fault->code != XML_ERR_TAG_NAME_MISMATCH)
        return wire_refuse(DOUBT_CUT, e, "the feed ends in the middle (line %d)", fault->line);
    return wire_refuse(DOUBT_BROKEN, e, "the feed is no well-formed XML (line %d: %s)", fault->line,
                       fault->text);
}

/* What is decoded already needs no word on how it is encoded, and blank lines before it are a
 * mistake that does no harm. */
static struct str without_declaration(struct str text)
{
    size_t end;

    text = str_trim(text);
    end = str_starts(text, STR("<?xml ")) ? str_find(text, STR("?>"), 0) : SIZE_MAX;
    return end == SIZE_MAX ? text : str_sub(text, end + 2, SIZE_MAX);
}

enum doubt wire_read_xml(struct wire_reader *r, struct str text, struct error *e)
{
    const int options =
        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT;
    struct fault fault = {0};
    xmlParserCtxt *parser;
    enum doubt doubt;
    xmlDoc *doc;

    /* No feed has use for them, and what they stand for may be a file of ours, or gigabytes. */
    if (str_find(str_sub(text, 0, PROLOG), STR("<!ENTITY"), 0) != SIZE_MAX)
        return wire_refuse(DOUBT_BROKEN, e, "the feed declares entities, which are not looked at");
    text = without_declaration(text);
    if (text.n > INT32_MAX || !(parser = xmlNewParserCtxt()))
        return wire_refuse(DOUBT_LIMIT, e, "out of memory");
    parser->sax->serror = note_fault;
    parser->_private = &fault;
    doc = xmlCtxtReadMemory(parser, text.p, (int)text.n, NULL, "UTF-8", options);
    if (!doc || !xmlDocGetRootElement(doc))
        doubt = not_well_formed(&fault, e);
    else if (doc->intSubset && doc->intSubset->entities)
        doubt = wire_refuse(DOUBT_BROKEN, e, "the feed declares entities, which are not looked at");
    else
        doubt = read_root(r, xmlDocGetRootElement(doc), e);
    xmlFreeDoc(doc);
    xmlFreeParserCtxt(parser);
    return doubt;
}
