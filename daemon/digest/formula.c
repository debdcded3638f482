/* formula: which form of a formula to keep. */
#include "formula.h"

#include "blocks.h"
#include "tree.h"

#include <string.h>

/* So many elements of one formula may follow one another. */
#define PARTS_MOST 8

/* ---- classes ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum formula_class class;
} classes[] = {
    {"katex", FORMULA_WHOLE},
    {"katex-display", FORMULA_DISPLAY},
    {"mwe-math-element", FORMULA_WHOLE},
    {"ztext-math", FORMULA_WHOLE},
    {"MathJax_Preview", FORMULA_PREVIEW},
    {"MathJax", FORMULA_DRAWN},
    {"MathJax_Display", FORMULA_DRAWN},
    {"MathJax_SVG", FORMULA_DRAWN},
    {"MathJax_SVG_Display", FORMULA_DRAWN},
    {"MathJax_CHTML", FORMULA_DRAWN},
    {"MJXc-display", FORMULA_DRAWN},
};

enum formula_class formula_class(const char *value)
{
    struct str words = str_of(value);

    while (words.n) {
        struct str word = str_cut(&words, ' ');

        if (!word.n || !strchr("kmzM", word.p[0]))
            continue; /* nearly all */
        for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
            if (str_eq(word, str_of(classes[i].name)))
                return classes[i].class;
    }
    return FORMULA_NONE;
}

/* ---- what is in a subtree ------------------------------------------------------------------- */

static bool is_named(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static xmlNode *find_named(xmlNode *root, const char *name)
{
    for (xmlNode *node = root; node; node = tree_next(node, root, true))
        if (is_named(node, name))
            return node;
    return NULL;
}

static bool has_class(const xmlNode *node, struct str class)
{
    struct str words = tree_attribute(node, "class");

    while (words.n)
        if (str_eq(str_cut(&words, ' '), class))
            return true;
    return false;
}

static void add_text(struct buf *out, const xmlNode *root)
{
    for (const xmlNode *node = root; node; node = tree_next(node, root, true))
        if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
            buf_puts(out, (const char *)node->content);
}

static bool is_tex(const xmlNode *annotation)
{
    return str_starts_nocase(str_trim(tree_attribute(annotation, "encoding")),
                             STR("application/x-tex")) ||
           str_eq_nocase(str_trim(tree_attribute(annotation, "encoding")), STR("tex"));
}

/* The TeX that a subtree says it was made of. */
static void find_tex(struct buf *out, xmlNode *root)
{
    for (xmlNode *node = root; node && !out->len; node = tree_next(node, root, true)) {
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (is_named(node, "annotation") && is_tex(node))
            add_text(out, node);
        else if (is_named(node, "script") &&
                 str_starts(tree_attribute(node, "type"), STR("math/tex")))
            add_text(out, node);
        else if (node == root)
            buf_add(out, tree_attribute(node, "data-tex"));
    }
    for (xmlNode *node = root; node && !out->len; node = tree_next(node, root, true))
        if (is_named(node, "math"))
            buf_add(out, tree_attribute(node, "alttext"));
}

/* Some sites take the elements out of KaTeX's MathML and leave its words, each between blank lines:
 * the last of them is the TeX. */
static void find_bare_tex(struct buf *out, xmlNode *root)
{
    struct buf all;
    struct str rest, chunk = {0};
    bool blank = true;

    buf_init(&all, SIZE_MAX);
    for (xmlNode *node = root; node; node = tree_next(node, root, true))
        if (node->type == XML_ELEMENT_NODE && has_class(node, STR("katex-mathml"))) {
            add_text(&all, node);
            break;
        }
    rest = str_trim(buf_str(&all));
    while (rest.n) {
        struct str from = rest, line = str_cut(&rest, '\n');

        if (blank && !text_blank(line))
            chunk = from;
        blank = text_blank(line);
    }
    buf_add(out, chunk);
    buf_clear(&all);
}

/* ---- MathML as a line of text -------------------------------------------------------------- */

static void math_write(struct buf *out, const xmlNode *node);

static const xmlNode *child_at(const xmlNode *node, int n)
{
    const xmlNode *child = node->children;

    for (; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE && n-- == 0)
            break;
    return child;
}

static bool is_one(const xmlNode *node)
{
    static const char *const tokens[] = {"mi", "mn", "mo", "mtext", "ms", "msqrt", "mfenced"};

    while (node->type == XML_ELEMENT_NODE && child_at(node, 0) && !child_at(node, 1) &&
           !is_named(node, "msqrt") && !is_named(node, "mfenced"))
        node = child_at(node, 0);
    for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++)
        if (is_named(node, tokens[i]))
            return true;
    return false;
}

/* Part number n, in brackets where it is more than one thing. */
static void part_write(struct buf *out, const xmlNode *node, int n)
{
    const xmlNode *part = child_at(node, n);

    if (!part)
        return;
    if (!is_one(part))
        buf_putc(out, '(');
    math_write(out, part);
    if (!is_one(part))
        buf_putc(out, ')');
}

static void children_write(struct buf *out, const xmlNode *node, const char *between)
{
    bool first = true;

    for (const xmlNode *child = node->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE)
            continue;
        if (!first)
            buf_puts(out, between);
        math_write(out, child);
        first = false;
    }
}

/* A number, a name, an operator: without those that are only meant (U+2061 to U+2064). */
static void token_write(struct buf *out, const xmlNode *node)
{
    struct buf text;
    struct str rest;

    buf_init(&text, SIZE_MAX);
    add_text(&text, node);
    rest = str_trim(buf_str(&text));
    while (rest.n) {
        uint32_t c = text_next(&rest);

        if (c < 0x2061 || c > 0x2064)
            text_put(out, c);
    }
    buf_clear(&text);
}

/* How an element is written: its parts, each with what stands before it; or all its children with
 * something between them. */
static const struct math_rule {
    const char *name, *before[3];
    const char *open, *between, *close;
} math_rules[] = {
    {.name = "mfrac", .before = {"", "/"}},
    {.name = "msup", .before = {"", "^"}},
    {.name = "msub", .before = {"", "_"}},
    {.name = "mover", .before = {"", "^"}},
    {.name = "munder", .before = {"", "_"}},
    {.name = "msubsup", .before = {"", "_", "^"}},
    {.name = "munderover", .before = {"", "_", "^"}},
    {.name = "msqrt", .open = "\xe2\x88\x9a(", .between = "", .close = ")"},
    {.name = "mfenced", .open = "(", .between = ",", .close = ")"},
    {.name = "mtable", .open = "", .between = "; ", .close = ""},
    {.name = "mtr", .open = "", .between = ", ", .close = ""},
};

static void rule_write(struct buf *out, const xmlNode *node, const struct math_rule *rule)
{
    if (rule->open) {
        buf_puts(out, rule->open);
        children_write(out, node, rule->between);
        buf_puts(out, rule->close);
        return;
    }
    for (int i = 0; i < 3 && rule->before[i]; i++) {
        buf_puts(out, rule->before[i]);
        part_write(out, node, i);
    }
}

static void math_write(struct buf *out, const xmlNode *node)
{
    if (is_named(node, "annotation") || is_named(node, "annotation-xml"))
        return;
    for (size_t i = 0; i < sizeof(math_rules) / sizeof(*math_rules); i++)
        if (is_named(node, math_rules[i].name)) {
            rule_write(out, node, &math_rules[i]);
            return;
        }
    if (is_named(node, "mroot")) { /* what it is the root of comes first */
        const xmlNode *of = child_at(node, 0), *index = child_at(node, 1);

        buf_puts(out, "\xe2\x88\x9a[");
        if (index)
            math_write(out, index);
        buf_puts(out, "](");
        if (of)
            math_write(out, of);
        buf_puts(out, ")");
    } else if (is_named(node, "mspace")) {
        buf_putc(out, ' ');
    } else if (child_at(node, 0)) {
        children_write(out, node, "");
    } else {
        token_write(out, node);
    }
}

/* ---- putting it in place -------------------------------------------------------------------- */

/* What was in the node is the pool's. */
static void replace_children(xmlNode *node, xmlNode *child)
{
    node->children = node->last = NULL;
    if (child)
        xmlAddChild(node, child);
}

static bool put_text(xmlNode *node, struct str text, const char *around, bool display)
{
    xmlNode *child;

    text = str_trim(text);
    if (!text.n || text.n > INT32_MAX)
        return false;
    child = xmlNewDocTextLen(node->doc, (const xmlChar *)text.p, (int)text.n);
    if (around && child) {
        xmlNode *element = xmlNewDocNode(node->doc, NULL, (const xmlChar *)around, NULL);

        if (element)
            replace_children(element, child);
        child = element ? element : child;
    }
    replace_children(node, child);
    node->_private = (void *)element_of(display ? "div" : "span");
    node->properties = NULL;
    return true;
}

/* Puts the best form of the formula below `node` into its place. */
static bool formula_put(xmlNode *node, bool display, bool bare)
{
    struct buf text;
    xmlNode *math;
    bool done;

    buf_init(&text, SIZE_MAX);
    find_tex(&text, node);
    math = text.len ? NULL : find_named(node, "math");
    if (!text.len && !math && bare)
        find_bare_tex(&text, node);
    if (math)
        math_write(&text, math);
    done = put_text(node, buf_str(&text), math ? NULL : "code", display);
    buf_clear(&text);
    return done;
}

/* ---- the forms ------------------------------------------------------------------------------ */

static bool is_display_script(const xmlNode *script)
{
    return str_find(tree_attribute(script, "type"), STR("mode=display"), 0) != SIZE_MAX;
}

bool formula_from_script(xmlNode *script)
{
    return str_starts(tree_attribute(script, "type"), STR("math/tex")) &&
           formula_put(script, is_display_script(script), false);
}

bool formula_from_math(xmlNode *node)
{
    return formula_put(node,
                       str_eq(tree_attribute(node, "display"), STR("block")) ||
                           str_eq(tree_attribute(node, "display"), STR("true")),
                       false);
}

/* Whether the same formula follows: as TeX, or, for a preview, drawn. */
static bool formula_follows(const xmlNode *node, enum formula_class class)
{
    for (int i = 0; i < PARTS_MOST && (node = node->next) != NULL; i++) {
        enum formula_class other;

        if (node->type == XML_TEXT_NODE && !text_blank(str_of((const char *)node->content)))
            return false;
        if (node->type != XML_ELEMENT_NODE)
            continue;
        if (is_named(node, "script"))
            return str_starts(tree_attribute(node, "type"), STR("math/tex"));
        other =
            formula_class(tree_attribute(node, "class").p ? tree_attribute(node, "class").p : "");
        if (other != FORMULA_DRAWN)
            return false;
        if (class == FORMULA_PREVIEW)
            return true;
    }
    return false;
}

bool formula_is_none(const xmlNode *node)
{
    for (xmlNode *at = (xmlNode *)node; (at = tree_next(at, node, true)) != NULL;) {
        enum element_kind kind = ELEMENT_UNWRAP;

        if (at->type == XML_ELEMENT_NODE && !is_named(at, "math") && !is_named(at, "img"))
            kind = element_of((const char *)at->name)->kind;
        if (kind == ELEMENT_FLOW || kind == ELEMENT_SOLID || kind == ELEMENT_MEDIA)
            return true;
    }
    return false;
}

bool formula_from_class(xmlNode *node, enum formula_class class)
{
    switch (class) {
    case FORMULA_NONE:
        return false;
    case FORMULA_WHOLE:
    case FORMULA_DISPLAY:
        return formula_put(node, class == FORMULA_DISPLAY, true);
    case FORMULA_PREVIEW:
    case FORMULA_DRAWN:
        if (formula_follows(node, class))
            node->_private = (void *)&element_dropped;
        else if (class == FORMULA_PREVIEW)
            return false;
        else
            return formula_put(node, false, false);
        return true;
    }
    return false;
}
