/* tree: the one place where libxml2's HTML parser runs. */
#include "tree.h"

#include "elements.h"
#include "pool.h"

#include <libxml/HTMLparser.h>
#include <libxml/SAX2.h>
#include <libxml/xpathInternals.h>
#include <string.h>

/* What a tree may take: about 8 times the text is usual, small elements take more. */
#define TREE_BYTES_PER_BYTE 64
#define TREE_BYTES_AT_LEAST ((size_t)16 * 1024 * 1024)

/* XPath of profiles is trusted not to be evil, but may be quadratic by mistake. */
#define XPATH_OPERATIONS 20000000UL
#define XPATH_BYTES      ((size_t)64 * 1024 * 1024)

void digest_init(void)
{
    pool_install();
}

/* ---- parsing ------------------------------------------------------------------------------- */

/* Elements without an end tag are closed in their own tag by tidy(); one whose tag it saw no end of
 * (thousands of bytes, quotes that are not closed) is closed here, or all that follows would be
 * its.
 */

/* The parser keeps each name once, so that names are compared by their addresses: this is asked
 * twice an element. */
static void voids_look_up(struct tree *t, xmlDict *names)
{
    for (size_t i = 0; i < TIDY_VOIDS; i++)
        t->voids[i] = xmlDictLookup(names, (const xmlChar *)tidy_voids[i], -1);
}

static bool is_void(const xmlParserCtxt *parser, const xmlChar *name)
{
    const struct tree *t = parser->_private;

    for (size_t i = 0; i < TIDY_VOIDS; i++)
        if (t->voids[i] == name)
            return true;
    return false;
}

static void tree_start_element(void *context, const xmlChar *name, const xmlChar **attributes)
{
    if (pool_exceeded())
        xmlStopParser(context);
    xmlSAX2StartElement(context, name, attributes);
    if (is_void(context, name))
        xmlSAX2EndElement(context, name);
}

static void tree_characters(void *context, const xmlChar *text, int n)
{
    if (pool_exceeded())
        xmlStopParser(context);
    xmlSAX2Characters(context, text, n);
}

/* Called for each element that ends. At the end of the text libxml2 closes what is still open:
 * those are remembered, since a text that ends inside its article was cut short. What an end tag
 * closed is never among them: the text ends with white space behind its last tag. */
static void tree_end_element(void *context, const xmlChar *name)
{
    xmlParserCtxt *parser = context;
    struct tree *t = parser->_private;

    if (is_void(parser, name))
        return;
    if (parser->input->cur >= parser->input->end && parser->node && t->open_count < TREE_OPEN_MAX)
        t->open[t->open_count++] = parser->node;
    xmlSAX2EndElement(context, name);
}

static void tree_silence(void *context, xmlError *error)
{
    (void)context;
    (void)error;
}

static size_t tree_budget(struct str text)
{
    if (text.n > SIZE_MAX / TREE_BYTES_PER_BYTE - TREE_BYTES_AT_LEAST)
        return SIZE_MAX;
    return text.n * TREE_BYTES_PER_BYTE + TREE_BYTES_AT_LEAST;
}

static bool tree_is_whole(const xmlParserCtxt *parser)
{
    /* disableSAX is how a parser says that it stopped: the tail is not in the tree. */
    return !parser->disableSAX && parser->errNo != XML_ERR_NO_MEMORY;
}

enum doubt tree_parse(struct tree *t, struct str text)
{
    const int options = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                        HTML_PARSE_NONET | HTML_PARSE_COMPACT | HTML_PARSE_NODEFDTD;
    xmlParserCtxt *parser;
    bool whole = false;

    memset(t, 0, sizeof(*t));
    if (text.n > INT32_MAX)
        return DOUBT_LIMIT;
    pool_begin(tree_budget(text));
    parser = htmlNewParserCtxt();
    if (!parser)
        return DOUBT_LIMIT;
    parser->_private = t;
    voids_look_up(t, parser->dict);
    parser->sax->startElement = tree_start_element;
    parser->sax->characters = tree_characters;
    parser->sax->endElement = tree_end_element;
    parser->sax->serror = tree_silence;
    t->doc = htmlCtxtReadMemory(parser, text.p, (int)text.n, NULL, "UTF-8", options);
    whole = t->doc && tree_is_whole(parser);
    htmlFreeParserCtxt(parser);
    if (!whole || pool_exceeded())
        return DOUBT_LIMIT;
    pool_extend(XPATH_BYTES);
    t->xpath = xmlXPathNewContext(t->doc);
    if (!t->xpath)
        return DOUBT_LIMIT;
    t->xpath->error = tree_silence;
    t->xpath->opLimit = XPATH_OPERATIONS;
    return DOUBT_NONE;
}

/* The tree is in the pool, all of it. */
void tree_clear(struct tree *t)
{
    pool_end();
    memset(t, 0, sizeof(*t));
}

/* ---- paths --------------------------------------------------------------------------------- */

static xmlXPathObject *tree_eval(const struct tree *t, const struct path *path)
{
    t->xpath->node = xmlDocGetRootElement(t->doc);
    t->xpath->opCount = 0;
    return pool_exceeded() ? NULL : xmlXPathCompiledEval(path->compiled, t->xpath);
}

xmlNode *tree_first(const struct tree *t, const struct path_list *paths)
{
    xmlNode *found = NULL;

    for (size_t i = 0; i < paths->count && !found; i++) {
        xmlXPathObject *o = tree_eval(t, &paths->items[i]);

        if (o && o->type == XPATH_NODESET && o->nodesetval) {
            xmlXPathNodeSetSort(o->nodesetval);
            for (int k = 0; k < o->nodesetval->nodeNr && !found; k++)
                if (o->nodesetval->nodeTab[k]->type == XML_ELEMENT_NODE)
                    found = o->nodesetval->nodeTab[k];
        }
        xmlXPathFreeObject(o);
    }
    return found;
}

struct str tree_string(const struct tree *t, const struct path_list *paths, struct arena *a)
{
    struct str found = {0};

    for (size_t i = 0; i < paths->count && !found.n; i++) {
        xmlXPathObject *o = tree_eval(t, &paths->items[i]);
        xmlChar *value = o ? xmlXPathCastToString(o) : NULL;
        struct buf collapsed;

        buf_init(&collapsed, 64 * 1024);
        if (value && text_collapse(&collapsed, str_of((char *)value)) == 0 && collapsed.len)
            found = arena_copy(a, buf_str(&collapsed));
        buf_clear(&collapsed);
        xmlFree(value);
        xmlXPathFreeObject(o);
    }
    return found;
}

void tree_drop(const struct tree *t, const struct path_list *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        xmlXPathObject *o = tree_eval(t, &paths->items[i]);

        for (int k = 0; o && o->type == XPATH_NODESET && o->nodesetval && k < o->nodesetval->nodeNr;
             k++)
            if (o->nodesetval->nodeTab[k]->type == XML_ELEMENT_NODE)
                o->nodesetval->nodeTab[k]->_private = (void *)&element_dropped;
        xmlXPathFreeObject(o);
    }
}

/* ---- how it ended -------------------------------------------------------------------------- */

bool tree_is_cut(const struct tree *t, const xmlNode *node)
{
    static const char *const may_stay_open[] = {"html", "body", "p", "td", "li", "dd"};

    for (size_t i = 0; i < sizeof(may_stay_open) / sizeof(*may_stay_open); i++)
        if (strcmp((const char *)node->name, may_stay_open[i]) == 0)
            return false;
    for (size_t i = 0; i < t->open_count; i++)
        if (t->open[i] == node)
            return true;
    return false;
}

bool tree_is_over_budget(void)
{
    return pool_exceeded();
}

/* ---- nodes --------------------------------------------------------------------------------- */

struct str tree_attribute(const xmlNode *node, const char *name)
{
    for (const xmlAttr *a = node->properties; a; a = a->next)
        if (strcmp((const char *)a->name, name) == 0)
            return a->children ? str_of((const char *)a->children->content) : STR("");
    return (struct str){0};
}

xmlNode *tree_next(const xmlNode *node, const xmlNode *root, bool down)
{
    if (down && node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (node != root) {
        if (node->next)
            return node->next;
        node = node->parent;
    }
    return NULL;
}
