/* info: one walk over the page, from element to element that may say something. */
#include "info.h"

#include "jsonld.h"
#include "told.h"

#include <libxml/xpathInternals.h>
#include <string.h>

/* The walk: behind so many nodes of the body nothing is looked for. */
#define NODES_MAX    200000
/* Scripts of JSON-LD that are read. */
#define SCRIPTS_MAX  32
/* <time>, and links to tags, that are looked at closely. */
#define PLACES_MAX   64
/* How much of the article may stand before its date, in bytes. */
#define BEGINNING    200
/* What may be in a <time> or a link to a tag: bytes, and nodes. */
#define INSIDE_BYTES 512
#define INSIDE_NODES 64
/* How much of an attribute is looked through for a word. */
#define NAMES_WINDOW 256

struct reader {
    const struct tree *tree;
    const struct profile *profile;
    struct told told;
    struct str base_href; /* as it stands on the page */
    bool in_body;
    unsigned scripts, places;
    xmlNode *content; /* the article, once it was asked for */
    bool content_known;
};

/* ---- nodes --------------------------------------------------------------------------------- */

static bool node_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static bool node_contains(const xmlNode *node, const xmlNode *inner)
{
    while (inner && inner != node)
        inner = inner->parent;
    return inner != NULL;
}

/* Whether one of the words of an attribute is `word`. */
static bool attribute_has(const xmlNode *node, const char *name, const char *word)
{
    struct str rest = tree_attribute(node, name);

    while (rest.n)
        if (str_eq_nocase(str_cut(&rest, ' '), str_of(word)))
            return true;
    return false;
}

/* Tells the text inside `node`, unless it is more than there would be of one thing. */
static void tell_text(struct told *t, told_fn *tell, int rank, const xmlNode *node)
{
    unsigned left = INSIDE_NODES;
    struct buf text;

    buf_init(&text, INSIDE_BYTES);
    for (const xmlNode *n = node; n && left; n = tree_next(n, node, true), left--)
        if (n->type == XML_TEXT_NODE)
            buf_puts(&text, (const char *)n->content);
    if (!text.failed && left)
        tell(t, rank, buf_str(&text));
    buf_clear(&text);
}

/* ---- where something stands ---------------------------------------------------------------- */

static xmlNode *content_of(struct reader *r)
{
    if (!r->content_known)
        r->content = tree_first(r->tree, &r->profile->content);
    r->content_known = true;
    return r->content;
}

static bool has_word(struct str names, struct str word)
{
    names = str_sub(names, 0, NAMES_WINDOW);
    for (; names.n >= word.n; names = str_sub(names, 1, SIZE_MAX))
        if (str_starts_nocase(names, word))
            return true;
    return false;
}

/* Elements about other things than the article, by their kind or by what authors' systems call
 * them. */
static bool is_foreign(const xmlNode *node)
{
    static const char *const words[] = {"comment", "sidebar",   "related",
                                        "reply",   "recommend", "recent"};
    static const char *const names[] = {"class", "id", "itemtype"};

    if (node_is(node, "aside") || node_is(node, "nav"))
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        for (size_t w = 0; w < sizeof(words) / sizeof(*words); w++)
            if (has_word(tree_attribute(node, names[i]), str_of(words[w])))
                return true;
    return false;
}

/* Whether `node` stands in something that is not about the article. What contains the article, too,
 * is about it, however it is called. */
static bool stands_in_foreign(struct reader *r, const xmlNode *node)
{
    const xmlNode *content = content_of(r);

    for (; node && node->type == XML_ELEMENT_NODE && !node_contains(node, content);
         node = node->parent)
        if (is_foreign(node) || (node_is(node, "article") && !node_contains(content, node)))
            return true;
    return false;
}

/* The date of what a list links to. */
static bool stands_in_list_of_links(const xmlNode *node)
{
    unsigned left = 64;

    while (node && !node_is(node, "li"))
        node = node->parent;
    for (const xmlNode *n = node; n && left--; n = tree_next(n, node, true))
        if (node_is(n, "a"))
            return true;
    return false;
}

/* In the header of the article's own <article>. */
static bool stands_in_header(const xmlNode *node, const xmlNode *content)
{
    while (node && !node_is(node, "header"))
        node = node->parent;
    while (node && !node_is(node, "article"))
        node = node->parent;
    return node && node_contains(node, content);
}

/* Scripts and styles are no text nodes. */
static bool stands_at_beginning(const xmlNode *node, const xmlNode *content)
{
    struct buf before;
    bool few;

    buf_init(&before, BEGINNING);
    for (const xmlNode *n = content; n && n != node && !before.failed;
         n = tree_next(n, content, true))
        if (n->type == XML_TEXT_NODE)
            text_squeeze(&before, str_of((const char *)n->content));
    few = !before.failed;
    buf_clear(&before);
    return few;
}

/* Whether a <time> that does not say what of tells of the article: only where a reader would take
 * it for that, before the article or where it begins. */
static bool stands_by_article(struct reader *r, xmlNode *node)
{
    xmlNode *content = content_of(r);

    if (!content || stands_in_foreign(r, node) || stands_in_list_of_links(node))
        return false;
    if (stands_in_header(node, content))
        return true;
    if (node_contains(content, node))
        return stands_at_beginning(node, content);
    return xmlXPathCmpNodes(node, content) == 1;
}

/* ---- elements ------------------------------------------------------------------------------ */

/* Ranked by the order here: the first is believed most. Names are those of any of the attributes
 * name, property, itemprop and http-equiv, which authors' systems mix up. */
static const struct meta {
    const char *name;
    told_fn *tell;
    int rank;
} metas[] = {
    {"og:title", told_title, RANK_META},
    {"og:description", told_description, RANK_META + 1},
    {"description", told_description, RANK_META},
    {"article:author", told_author, RANK_META + 2},
    {"author", told_author, RANK_META + 1},
    {"dc.creator", told_author, RANK_META},
    {"article:published_time", told_published, RANK_META + 9},
    {"datepublished", told_published, RANK_META + 8},
    {"dcterms.issued", told_published, RANK_META + 7},
    {"dcterms.created", told_published, RANK_META + 6},
    {"dcterms.date", told_published, RANK_META + 5},
    {"dc.date.issued", told_published, RANK_META + 4},
    {"dc.date", told_published, RANK_META + 3},
    {"pubdate", told_published, RANK_META + 2},
    {"publishdate", told_published, RANK_META + 1},
    {"date", told_published, RANK_META},
    {"article:modified_time", told_modified, RANK_META + 3},
    {"datemodified", told_modified, RANK_META + 2},
    {"dcterms.modified", told_modified, RANK_META + 1},
    {"og:updated_time", told_modified, RANK_META},
    {"article:tag", told_tag, TAGS_META},
    {"keywords", told_tags, TAGS_KEYWORDS},
    {"content-language", told_language, LANGUAGE_META},
    {"og:locale", told_language, LANGUAGE_OG},
    {"og:url", told_canonical, CANONICAL_OG},
};

static void meta_told(struct told *t, struct str name, struct str content)
{
    for (size_t i = 0; i < sizeof(metas) / sizeof(*metas); i++)
        if (str_eq_nocase(name, str_of(metas[i].name)))
            metas[i].tell(t, metas[i].rank, content);
}

/* In the body a name of a thing's property may be a comment's. */
static void read_meta(struct reader *r, xmlNode *node)
{
    static const char *const names[] = {"name", "property", "http-equiv"};
    struct str content = tree_attribute(node, "content");
    struct str item = tree_attribute(node, "itemprop");

    if (!content.n)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        meta_told(&r->told, str_trim(tree_attribute(node, names[i])), content);
    if (item.n && !(r->in_body && (++r->places > PLACES_MAX || stands_in_foreign(r, node))))
        meta_told(&r->told, str_trim(item), content);
}

static void read_script(struct reader *r, xmlNode *node)
{
    struct str type = str_trim(tree_attribute(node, "type"));

    if (str_starts_nocase(type, STR("application/ld+json")) && node->children &&
        r->scripts++ < SCRIPTS_MAX)
        jsonld_read(&r->told, str_of((const char *)node->children->content));
}

/* A date in an attribute, where there is one, else in the text. */
static void time_told(struct told *t, told_fn *tell, int rank, const xmlNode *node)
{
    struct str datetime = tree_attribute(node, "datetime"),
               pubdate = tree_attribute(node, "pubdate");

    tell(t, rank, datetime);
    tell(t, rank, pubdate);
    tell_text(t, tell, rank, node);
}

static void read_time(struct reader *r, xmlNode *node)
{
    bool modified = attribute_has(node, "itemprop", "dateModified");

    if ((r->told.published.rank >= RANK_META && r->told.modified.rank >= RANK_META) ||
        ++r->places > PLACES_MAX)
        return;
    if (modified || attribute_has(node, "itemprop", "datePublished")) {
        if (!stands_in_foreign(r, node))
            time_told(&r->told, modified ? told_modified : told_published, RANK_ITEM, node);
    } else if (stands_by_article(r, node)) {
        modified = attribute_has(node, "class", "updated");
        time_told(&r->told, modified ? told_modified : told_published,
                  xmlHasProp(node, (const xmlChar *)"pubdate") ? RANK_PUBDATE : RANK_ELEMENT, node);
    }
}

static void read_link_to_tag(struct reader *r, xmlNode *node)
{
    if (told_wants_tags(&r->told, TAGS_REL) && attribute_has(node, "rel", "tag") &&
        ++r->places <= PLACES_MAX && !stands_in_foreign(r, node))
        tell_text(&r->told, told_tag, TAGS_REL, node);
}

static void read_title(struct reader *r, xmlNode *node)
{
    if (node->children && node->children->content)
        told_title(&r->told, RANK_ELEMENT, str_of((const char *)node->children->content));
}

static void read_link(struct reader *r, xmlNode *node)
{
    if (attribute_has(node, "rel", "canonical"))
        told_canonical(&r->told, CANONICAL_LINK, tree_attribute(node, "href"));
}

static void read_base(struct reader *r, xmlNode *node)
{
    if (!r->base_href.n)
        r->base_href = tree_attribute(node, "href");
}

static void read_body(struct reader *r, xmlNode *node)
{
    (void)node;
    r->in_body = true;
}

/* Which elements say something, and whether they do in the body, too: a <title> there is a
 * picture's. */
static const struct teller {
    const char *name;
    void (*read)(struct reader *r, xmlNode *node);
    bool in_body;
} tellers[] = {
    {"a", read_link_to_tag, true}, {"base", read_base, false},   {"body", read_body, false},
    {"link", read_link, false},    {"meta", read_meta, true},    {"script", read_script, true},
    {"time", read_time, true},     {"title", read_title, false},
};

static void read_element(struct reader *r, xmlNode *node)
{
    const char *name = (const char *)node->name;

    for (size_t i = 0; i < sizeof(tellers) / sizeof(*tellers); i++)
        if (name[0] == tellers[i].name[0] && strcmp(name, tellers[i].name) == 0 &&
            (tellers[i].in_body || !r->in_body))
            tellers[i].read(r, node);
}

static void read_elements(struct reader *r, xmlNode *root)
{
    size_t left = NODES_MAX;

    for (xmlNode *node = root; node && left; node = tree_next(node, root, true)) {
        left -= r->in_body;
        if (node->type == XML_ELEMENT_NODE)
            read_element(r, node);
    }
}

/* ---- the profile --------------------------------------------------------------------------- */

static void tags_of_nodes(struct told *t, xmlNodeSet *nodes)
{
    xmlXPathNodeSetSort(nodes);
    for (int i = 0; nodes && i < nodes->nodeNr && told_wants_tags(t, TAGS_PROFILE); i++) {
        xmlChar *text = xmlXPathCastNodeToString(nodes->nodeTab[i]);

        told_tag(t, TAGS_PROFILE, str_of((char *)text));
        xmlFree(text);
    }
}

/* Of the first path that gives any: each node is a tag, and what is no set of nodes a list of them.
 */
static void tags_of_paths(struct reader *r)
{
    const struct path_list *paths = &r->profile->tags_xpath;
    xmlXPathContext *xpath = r->tree->xpath;

    for (size_t i = 0; i < paths->count && !r->told.tags_count && !tree_is_over_budget(); i++) {
        xmlXPathObject *o;

        xpath->node = xmlDocGetRootElement(r->tree->doc);
        xpath->opCount = 0;
        o = xmlXPathCompiledEval(paths->items[i].compiled, xpath);
        if (o && o->type == XPATH_NODESET) {
            tags_of_nodes(&r->told, o->nodesetval);
        } else if (o) {
            xmlChar *text = xmlXPathCastToString(o);

            told_tags(&r->told, TAGS_PROFILE, str_of((char *)text));
            xmlFree(text);
        }
        xmlXPathFreeObject(o);
    }
}

static void read_profile(struct reader *r)
{
    const struct profile *p = r->profile;
    const struct {
        const struct path_list *paths;
        told_fn *tell;
    } fields[] = {
        {&p->title_xpath, told_title},
        {&p->author_xpath, told_author},
        {&p->published_xpath, told_published},
        {&p->modified_xpath, told_modified},
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        fields[i].tell(&r->told, RANK_PROFILE,
                       tree_string(r->tree, fields[i].paths, r->told.arena));
    tags_of_paths(r);
}

/* ---- addresses ----------------------------------------------------------------------------- */

/* An address on the page, absolute; empty where it is not http(s). */
static struct str resolved(struct str base, struct str address, struct arena *a)
{
    struct str found = {0};
    struct buf uri;

    buf_init(&uri, 8192);
    if (address.n && uri_resolve(&uri, base, address) == 0 && uri_is_http(buf_str(&uri)))
        found = arena_copy(a, buf_str(&uri));
    buf_clear(&uri);
    return found;
}

/* A host without what tells apart its forms for big and small screens. */
static struct str host_of(struct str address)
{
    static const char *const forms[] = {"www.", "m.", "mobile.", "wap.", "amp."};
    struct str host = uri_host(address);

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (str_starts_nocase(host, str_of(forms[i])))
            return str_sub(host, strlen(forms[i]), SIZE_MAX);
    return host;
}

/* Equal, or the one below the other: an author's own name before the site's. */
static bool hosts_are_kin(struct str a, struct str b)
{
    struct str longer = a.n > b.n ? a : b, shorter = a.n > b.n ? b : a;
    struct str end = str_sub(longer, longer.n - shorter.n, SIZE_MAX);

    return shorter.n && str_eq_nocase(end, shorter) &&
           (longer.n == shorter.n || longer.p[longer.n - shorter.n - 1] == '.');
}

static bool is_home(struct str address)
{
    struct str host = uri_host(address);
    size_t at = str_find(address, host, 0);
    struct str path = str_sub(address, at + host.n, SIZE_MAX);

    return !path.n || str_eq(path, STR("/"));
}

/* What a page says its address is becomes that of every link of the feed. A template that is wrong
 * in it names another site (of a plugin, or of who was copied from) or the home page on all pages.
 * A page that was read from a file has no address of its own to compare with. */
static bool is_believable(struct str canonical, struct str url)
{
    return canonical.n && (!uri_is_http(url) || (hosts_are_kin(host_of(canonical), host_of(url)) &&
                                                 (!is_home(canonical) || is_home(url))));
}

static struct str canonical_of(const struct reader *r, struct str base, struct str url)
{
    struct arena *a = r->told.arena;
    struct str found = resolved(base, tree_string(r->tree, &r->profile->canonical_xpath, a), a);

    for (int i = 0; i < CANONICAL_PLACES && !found.n; i++) {
        struct str told = resolved(base, r->told.canonical[i], a);

        if (is_believable(told, url))
            found = told;
    }
    return found;
}

/* ---- all of it ----------------------------------------------------------------------------- */

void info_read(struct page_info *info, struct address_base *base, const struct tree *t,
               const struct page_source *source, struct arena *a)
{
    const struct profile *p = source->profile;
    struct reader r = {.tree = t, .profile = p, .told = {.arena = a, .zone = p->timezone}};
    xmlNode *root = xmlDocGetRootElement(t->doc);
    struct str href;

    read_profile(&r);
    told_language(&r.told, LANGUAGE_ROOT, tree_attribute(root, "lang"));
    read_elements(&r, root);
    href = resolved(source->url, r.base_href, a);
    *base = (struct address_base){href.n ? href : source->url, p};
    *info = (struct page_info){.title = r.told.title.value,
                               .author = r.told.author.value,
                               .description = r.told.description.value,
                               .language = r.told.language.value,
                               .canonical =
                                   address_public(canonical_of(&r, base->base, source->url), a),
                               .tags = told_all_tags(&r.told),
                               .published = r.told.published.time,
                               .modified = r.told.modified.time};
    /* A page that was read from a file may say where it belongs. */
    if (!uri_is_http(base->base) && info->canonical.n)
        base->base = info->canonical;
}
