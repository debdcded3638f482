/* prepare: most elements have no attributes, and of the others most have none that matters: those
 * are told by their first letter. */
#include "prepare.h"

#include "blocks.h"
#include "formula.h"
#include "picture.h"
#include "players.h"
#include "tree.h"

#include <string.h>

/* ---- what cannot be seen ------------------------------------------------------------------- */

static bool style_hides(struct str style)
{
    while (style.n) {
        struct str value = str_cut(&style, ';'), name = str_trim(str_cut(&value, ':'));

        value = str_trim(value);
        if (str_eq_nocase(name, STR("display")) && str_starts_nocase(value, STR("none")))
            return true;
        if (str_eq_nocase(name, STR("visibility")) &&
            (str_starts_nocase(value, STR("hidden")) || str_starts_nocase(value, STR("collapse"))))
            return true;
    }
    return false;
}

static const char *value_of(const xmlAttr *a)
{
    const char *value = a->children ? (const char *)a->children->content : NULL;

    return value ? value : "";
}

/* What is hidden until somebody searches for it can be read. */
static bool attribute_hides(const xmlAttr *a)
{
    const char *value = value_of(a);

    if (a->name[0] == 's' && strcmp((const char *)a->name, "style") == 0)
        return style_hides(str_of(value));
    return a->name[0] == 'h' && strcmp((const char *)a->name, "hidden") == 0 &&
           strcmp(value, "until-found") != 0;
}

/* ---- pictures for browsers without scripts ------------------------------------------------- */

static bool is_picture(xmlNode *node)
{
    return node->type == XML_ELEMENT_NODE && node_element(node)->role == ROLE_PICTURE;
}

/* More in one <noscript> are a page's own affair. */
#define FALLBACK_MOST 64

/* Leaves of what is in `node` the pictures. Whether there are any. */
static bool keep_pictures(xmlNode *node)
{
    xmlNode *pictures[FALLBACK_MOST];
    size_t n = 0;

    for (xmlNode *at = node; (at = tree_next(at, node, true)) != NULL && n < FALLBACK_MOST;)
        if (is_picture(at) && !picture_is_placeholder(at) &&
            !address_is_counter(str_trim(tree_attribute(at, "src"))))
            pictures[n++] = at;
    if (!n)
        return false;
    for (size_t i = 0; i < n; i++)
        xmlUnlinkNode(pictures[i]);
    node->children = node->last = NULL; /* the rest is the pool's */
    for (size_t i = 0; i < n; i++)
        xmlAddChild(node, pictures[i]);
    return true;
}

/* The one picture that an element consists of. */
static xmlNode *lone_picture(xmlNode *node)
{
    while (node && !is_picture(node)) {
        xmlNode *only = NULL;

        for (xmlNode *child = node->children; child; child = child->next) {
            if (child->type == XML_TEXT_NODE && text_blank(str_of((const char *)child->content)))
                continue;
            if (child->type != XML_ELEMENT_NODE || strcmp((const char *)child->name, "source") == 0)
                continue;
            if (only)
                return NULL;
            only = child;
        }
        node = only;
    }
    return node;
}

static xmlNode *beside(const xmlNode *node, bool before)
{
    do {
        node = before ? node->prev : node->next;
    } while (node && node->type != XML_ELEMENT_NODE &&
             (node->type != XML_TEXT_NODE || text_blank(str_of((const char *)node->content))));
    return (xmlNode *)(node && node->type == XML_ELEMENT_NODE ? node : NULL);
}

/* Whether `picture` keeps the place of one that `fallback` consists of. */
static bool stands_for(const xmlNode *picture, const xmlNode *fallback)
{
    if (!picture || !picture_is_placeholder(picture))
        return false;
    for (const xmlNode *at = fallback->children; at; at = at->next)
        if (picture_is_lazy_for(picture, tree_attribute(at, "src")))
            return true;
    return false;
}

/* A lazy loader writes the picture twice: once for itself, once for browsers without scripts. */
static void noscript_prepare(xmlNode *node)
{
    xmlNode *pictures[2];

    if (!keep_pictures(node))
        return;
    node->_private = (void *)element_of("span");
    pictures[0] = lone_picture(beside(node, true));
    pictures[1] = lone_picture(beside(node, false));
    for (int i = 0; i < 2; i++) {
        if (!stands_for(pictures[i], node))
            continue;
        pictures[i]->_private = (void *)&element_dropped;
        break;
    }
}

/* ---- lines of code ------------------------------------------------------------------------- */

static bool is_named(const xmlNode *node, const char *name)
{
    return node && node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static bool is_code_line(const xmlNode *node)
{
    return node && node->type == XML_ELEMENT_NODE && xmlHasProp(node, (const xmlChar *)"data-line");
}

static bool ends_line(const xmlNode *node)
{
    while (node->last)
        node = node->last;
    return is_named(node, "br") || (node->type == XML_TEXT_NODE &&
                                    str_ends(str_of((const char *)node->content), STR("\n")));
}

/* Whether there is nothing in it but elements <code>, and a style of the site: then each is a line.
 * What was cleaned once has no class any more, and is not changed again. */
static bool holds_code_alone(const xmlNode *pre)
{
    if (!xmlHasProp(pre, (const xmlChar *)"class"))
        return false;
    for (const xmlNode *at = pre->children; at; at = at->next)
        if (!is_named(at, "code") &&
            !(at->type == XML_TEXT_NODE && text_blank(str_of((const char *)at->content))))
            return false;
    return true;
}

/* Whether two neighbours stand in one line only because the style of the site, which ends it, is
 * not here. */
static bool are_two_lines(const xmlNode *pre, const xmlNode *before, xmlNode *node, bool code_alone)
{
    if (code_alone && node->parent == pre && is_named(before, "code") && is_named(node, "code"))
        return true;
    return is_code_line(node) && is_code_line(before) && node_element(node)->kind == ELEMENT_UNWRAP;
}

/* Sites that number the lines of code put each into an element of its own. */
static void pre_prepare(xmlNode *pre)
{
    bool code_alone = holds_code_alone(pre);
    bool down = true; /* one in another is prepared by itself */

    for (xmlNode *at = pre; (at = tree_next(at, pre, down)) != NULL;) {
        down = at->type != XML_ELEMENT_NODE || node_element(at)->role != ROLE_PRE;
        if (are_two_lines(pre, at->prev, at, code_alone) && !ends_line(at->prev))
            xmlAddPrevSibling(at, xmlNewDocText(at->doc, (const xmlChar *)"\n"));
    }
}

/* ---- the walk ------------------------------------------------------------------------------ */

static void prepare_children(xmlNode *node, bool in_formula);

/* What is to be done besides, by role. Whether that was all. */
static bool prepare_role(xmlNode *node, const struct element *e)
{
    switch (e->role) {
    case ROLE_PICTURE:
    case ROLE_PLAYER: /* of one pixel both are there to count */
        if (picture_is_counter(node))
            node->_private = (void *)&element_dropped;
        return true;
    case ROLE_NOSCRIPT:
        noscript_prepare(node);
        return false;
    case ROLE_SCRIPT:
        if (!formula_from_script(node))
            player_prepare(node);
        return false;
    case ROLE_EMBED: /* an <object> that nobody can show shows what is in it */
        if (!player_prepare(node) && strcmp((const char *)node->name, "object") == 0)
            node->_private = (void *)element_of("span");
        return false;
    case ROLE_PRE:
        pre_prepare(node);
        return false;
    default:
        return false;
    }
}

static void prepare_element(xmlNode *node, bool in_formula)
{
    const struct element *e;
    enum formula_class class = FORMULA_NONE;

    if (node->_private == &element_dropped)
        return;
    e = node_element(node);
    for (const xmlAttr *a = node->properties; a; a = a->next) {
        if (a->name[0] == 'c' && !in_formula && strcmp((const char *)a->name, "class") == 0)
            class = formula_class(value_of(a));
        if (attribute_hides(a)) {
            node->_private = (void *)&element_dropped;
            return;
        }
    }
    if (class && formula_is_none(node))
        class = FORMULA_NONE;
    if (class && formula_from_class(node, class))
        return;
    in_formula = in_formula || class;
    if (e->role == ROLE_MATH || e->role == ROLE_MATHJAX) {
        if (!in_formula)
            formula_from_math(node);
        in_formula = true;
    } else if (e->role && prepare_role(node, e)) {
        return;
    }
    if (node_element(node)->kind != ELEMENT_DROP)
        prepare_children(node, in_formula);
}

static void prepare_children(xmlNode *node, bool in_formula)
{
    for (xmlNode *child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            prepare_element(child, in_formula);
}

void prepare(xmlNode *content)
{
    prepare_children(content, false);
}
