/* maincontent: in the spirit of Readability. One walk measures every element that might hold the
 * article: how much text is below it, how much of that is links, which headings. What is beside the
 * text by its name, role or class is not counted. Then, from the body down: into the child that has
 * most, as long as what stays outside is not part of the same article. So the element that is left
 * is the smallest around all sections, not around the longest of them. */
#include "maincontent.h"

#include "blocks.h"
#include "tree.h"

#include <string.h>

#define LEVELS 7 /* h1 to h6; 0 is no heading */

/* Of a room: an element that might hold the article. Kept in the node's _private until the page has
 * been looked through. */
struct measure {
    size_t text, links;          /* characters seen, and those of them in links */
    size_t loose;                /* those of text that are in no room of their own */
    unsigned char heads[LEVELS]; /* headings of each level, at most 255 */
    unsigned char first;         /* the level of the first, 0: none */
    unsigned char direct;        /* headings that are in no room of their own, */
    unsigned char direct_level;  /* the level of the last of them */
    bool form;                   /* has a field to fill in */
    bool beside;                 /* no part of the article */
    bool hint;                   /* its name says that the article is in it */
};

struct survey {
    struct arena *arena;
    bool by_class; /* classes and ids tell, too */
    xmlNode *main; /* the page's one <main> */
    size_t mains;
    bool failed;
};

/* ---- words ---------------------------------------------------------------------------------- */

static bool is_one_of(struct str s, const char *const *list)
{
    for (; *list; list++)
        if (str_eq_nocase(s, str_of(*list)))
            return true;
    return false;
}

#define CLASSES_BYTES 1024 /* of a class attribute: more is not read */

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z');
}

/* Cuts the next word off the front; empty at the end. "postBody" and "post-body" are two each. */
static struct str next_word(struct str *s)
{
    size_t from = 0, to;

    while (from < s->n && !is_letter(s->p[from]))
        from++;
    for (to = from; to < s->n && is_letter(s->p[to]); to++)
        if (to > from && is_upper(s->p[to]) && !is_upper(s->p[to - 1]))
            break;
    struct str word = str_sub(*s, from, to - from);
    *s = str_sub(*s, to, SIZE_MAX);
    return word;
}

/* What a class or an id says of its element. DOUBTFUL: beside the article where the element looks
 * like it, too. In the order of their strength. */
enum sense { SENSE_NONE, SENSE_ARTICLE, SENSE_DOUBTFUL, SENSE_BESIDE };

static enum sense word_sense(struct str word)
{
    static const char *const article[] = {
        "article", "articlebody", "blog", "body",  "changelog", "content", "entry", "hentry",
        "main",    "markdown",    "post", "prose", "release",   "story",   "text",  NULL};
    static const char *const doubtful[] = {
        "ad",     "ads",       "advert",      "advertisement", "banner", "consent",    "discussion",
        "footer", "menu",      "modal",       "nav",           "pager",  "navigation", "popup",
        "promo",  "recommend", "recommended", "related",       "share",  "sharing",    "signup",
        "social", "sponsor",   "subscribe",   "subscription",  NULL};
    static const char *const beside[] = {
        "breadcrumb",   "breadcrumbs", "comment", "commentlist", "comments",   "cookie",  "cookies",
        "disqus",       "gdpr",        "navbar",  "outbrain",    "pagination", "respond", "sidebar",
        "relatedposts", "sharedaddy",  "taboola", "toc",         "trackbacks", NULL};

    if (is_one_of(word, beside))
        return SENSE_BESIDE;
    if (is_one_of(word, doubtful))
        return SENSE_DOUBTFUL;
    return is_one_of(word, article) ? SENSE_ARTICLE : SENSE_NONE;
}

/* The strongest of the words of one class or id. "with-sidebar" is not the sidebar. */
static enum sense name_sense(struct str name)
{
    static const char *const modifiers[] = {"has",  "hide", "is",      "no",
                                            "show", "with", "without", NULL};
    static const char *const whole[] = {"table-of-contents", "tableofcontents", "widget", NULL};
    enum sense strongest = is_one_of(name, whole) ? SENSE_DOUBTFUL : SENSE_NONE;
    struct str word;

    while ((word = next_word(&name)).n) {
        enum sense one = word_sense(word);

        if (is_one_of(word, modifiers))
            next_word(&name);
        if (one > strongest)
            strongest = one;
    }
    return strongest;
}

static enum sense names_sense(struct str names)
{
    enum sense strongest = SENSE_NONE;

    names = str_sub(names, 0, CLASSES_BYTES);
    while (names.n) {
        enum sense one = name_sense(str_cut(&names, ' '));

        if (one > strongest)
            strongest = one;
    }
    return strongest;
}

/* ---- names and roles of elements ------------------------------------------------------------ */

static bool node_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static bool node_is_one_of(const xmlNode *node, const char *const *names)
{
    return node->type == XML_ELEMENT_NODE && is_one_of(str_of((const char *)node->name), names);
}

static unsigned heading_level(const xmlNode *node)
{
    return node->type == XML_ELEMENT_NODE ? element_of((const char *)node->name)->level : 0;
}

/* Solid blocks that pages are laid out with. */
static bool node_is_layout(const xmlNode *node)
{
    static const char *const names[] = {"table", "tbody", "tr", "td", "ul", "ol", "li", NULL};

    return node_is_one_of(node, names);
}

/* Remarks of the author's own stand in <aside> and <footer>, too. */
static bool is_remark(const xmlNode *node)
{
    static const char *const names[] = {"note",    "notes",  "footnote", "footnotes", "admonition",
                                        "callout", "tip",    "hint",     "warning",   "important",
                                        "caution", "danger", "notice",   "topic",     NULL};
    struct str rest = str_sub(tree_attribute(node, "class"), 0, CLASSES_BYTES), word;

    while ((word = next_word(&rest)).n)
        if (is_one_of(word, names))
            return true;
    return false;
}

static bool node_is_hint(const xmlNode *node)
{
    static const char *const names[] = {"main", "article", NULL};

    return node_is_one_of(node, names) || is_one_of(tree_attribute(node, "role"), names) ||
           names_sense(tree_attribute(node, "class")) == SENSE_ARTICLE ||
           names_sense(tree_attribute(node, "id")) == SENSE_ARTICLE ||
           str_eq_nocase(tree_attribute(node, "itemprop"), STR("articleBody"));
}

/* ---- sections of manuals -------------------------------------------------------------------- */

/* The next letter or digit, ASCII in lower case; 0 at the end. */
static int next_significant(struct str *s)
{
    while (s->n) {
        unsigned char c = (unsigned char)s->p[0];

        *s = str_sub(*s, 1, SIZE_MAX);
        if (is_letter((char)c))
            return c | 0x20;
        if ((c >= '0' && c <= '9') || c >= 0x80)
            return c;
    }
    return 0;
}

static xmlNode *first_element(xmlNode *node)
{
    while (node && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

/* Whether the element begins with a heading that its id was made of: "related-work". */
static bool has_heading_as_id(const xmlNode *node)
{
    struct str id = tree_attribute(node, "id"), title;
    const xmlNode *heading = first_element(node->children);
    const xmlNode *text = heading && heading_level(heading) ? heading->children : NULL;
    int letter;

    if (!id.n || !text || text->type != XML_TEXT_NODE)
        return false;
    for (title = str_of((const char *)text->content); (letter = next_significant(&title)) != 0;)
        if (letter != next_significant(&id))
            return false;
    return !next_significant(&id);
}

/* "comments" is the id of the comments, and of the section "Comments" of a manual: there the
 * section before or behind has its heading for an id, too. */
static bool is_section_with_id(const xmlNode *node)
{
    const xmlNode *before = node->prev, *behind = first_element(node->next);

    while (before && before->type != XML_ELEMENT_NODE)
        before = before->prev;
    return has_heading_as_id(node) &&
           ((before && has_heading_as_id(before)) || (behind && has_heading_as_id(behind)));
}

/* ---- beside the article? -------------------------------------------------------------------- */

/* Text that is no more than this is a button's or a label's. */
#define LITTLE_TEXT 200

/* What looks as if it were there to be clicked, not to be read. */
static bool looks_beside(const struct measure *m)
{
    return m->links * 3 > m->text || (m->form && m->text <= 4 * LITTLE_TEXT) ||
           (!m->first && m->text <= LITTLE_TEXT);
}

static bool beside_by_class(const xmlNode *node, const struct measure *m)
{
    enum sense sense = names_sense(tree_attribute(node, "class"));
    enum sense by_id = names_sense(tree_attribute(node, "id"));

    if (by_id > sense && !(by_id >= SENSE_DOUBTFUL && is_section_with_id(node)))
        sense = by_id;
    return sense == SENSE_BESIDE || (sense == SENSE_DOUBTFUL && looks_beside(m));
}

static bool beside_by_name(const xmlNode *node, const struct measure *m)
{
    static const char *const roles[] = {"navigation",  "complementary", "banner",      "search",
                                        "contentinfo", "dialog",        "alertdialog", "menu",
                                        "menubar",     "toolbar",       NULL};

    if (node_is(node, "aside"))
        return !is_remark(node) && (m->first || looks_beside(m));
    if (node_is(node, "footer"))
        return !is_remark(node);
    return node_is(node, "nav") || is_one_of(tree_attribute(node, "role"), roles);
}

static bool node_is_beside(const struct survey *s, const xmlNode *node, const struct measure *m)
{
    static const char *const never[] = {"html", "body", "main", NULL};

    /* The title of the page is in nothing that is beside it. */
    if (node_is_one_of(node, never) || m->heads[1])
        return node_is(node, "nav");
    return beside_by_name(node, m) || (s->by_class && beside_by_class(node, m));
}

/* ---- measuring ------------------------------------------------------------------------------ */

/* Where in the page the walk is. */
struct position {
    bool in_link;
    bool in_line; /* in a paragraph or another block that is no room */
};

/* Characters that are no white space; one of a script without spaces says as much as two. */
static size_t text_weight(const char *z)
{
    size_t n = 0;

    for (; *z; z++) {
        unsigned char c = (unsigned char)*z;

        if (c > ' ' && (c < 0x80 || c >= 0xc0))
            n += c >= 0xe2 ? 2 : 1;
    }
    return n;
}

static void heads_add(unsigned char *to, unsigned more)
{
    *to = (unsigned char)(*to + more > 255 ? 255 : *to + more);
}

static void measure_add(struct measure *to, const struct measure *m)
{
    to->text += m->text;
    to->links += m->links;
    to->form = to->form || m->form;
    for (size_t i = 0; i < LEVELS; i++)
        heads_add(&to->heads[i], m->heads[i]);
    if (!to->first)
        to->first = m->first;
}

static void survey_node(struct survey *s, xmlNode *node, struct measure *around,
                        struct position at);

static void survey_children(struct survey *s, xmlNode *node, struct measure *m, struct position at)
{
    for (xmlNode *child = node->children; child; child = child->next)
        survey_node(s, child, m, at);
}

static void survey_text(const xmlNode *node, struct measure *around, struct position at)
{
    size_t weight = text_weight((const char *)node->content);

    around->text += weight;
    around->loose += weight;
    around->links += at.in_link ? weight : 0;
}

/* A paragraph, a heading, a block that is taken whole: lines of the room around it. */
static void survey_lines(struct survey *s, xmlNode *node, struct measure *around,
                         struct position at)
{
    unsigned level = heading_level(node);
    struct measure own = {0};

    at.in_line = true;
    survey_children(s, node, &own, at);
    around->text += own.text;
    around->links += own.links;
    around->form = around->form || own.form;
    if (!level)
        around->loose += own.text;
    if (!level || !own.text)
        return;
    heads_add(&around->heads[level], 1);
    heads_add(&around->direct, 1);
    around->direct_level = (unsigned char)level;
    if (!around->first)
        around->first = (unsigned char)level;
}

/* What is in a room counts as being in the room around it, too, unless it is beside the article. */
static void survey_room(struct survey *s, xmlNode *node, struct measure *around, struct position at)
{
    struct measure *m = arena_alloc(s->arena, sizeof(*m));

    if (!m) {
        s->failed = true;
        return;
    }
    survey_children(s, node, m, at);
    m->hint = node_is_hint(node);
    m->beside = node_is_beside(s, node, m);
    node->_private = m;
    if (m->beside)
        return;
    measure_add(around, m);
    if (node_is(node, "main") || str_eq_nocase(tree_attribute(node, "role"), STR("main"))) {
        s->main = node;
        s->mains++;
    }
}

static void survey_element(struct survey *s, xmlNode *node, struct measure *around,
                           struct position at)
{
    static const char *const fields[] = {"input", "textarea", "select", NULL};
    enum element_kind kind = element_of((const char *)node->name)->kind;
    bool solid = kind == ELEMENT_SOLID && !node_is_layout(node);

    node->_private = NULL;
    at.in_link = at.in_link || node_is(node, "a");
    around->form = around->form || node_is_one_of(node, fields);
    if (kind == ELEMENT_DROP)
        return;
    if (!at.in_line && (kind == ELEMENT_FLOW || solid))
        survey_lines(s, node, around, at);
    else if (!at.in_line && (kind == ELEMENT_WRAP || kind == ELEMENT_SOLID))
        survey_room(s, node, around, at);
    else
        survey_children(s, node, around, at);
}

static void survey_node(struct survey *s, xmlNode *node, struct measure *around, struct position at)
{
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
        survey_text(node, around, at);
    else if (node->type == XML_ELEMENT_NODE && node->_private != &element_dropped && !s->failed)
        survey_element(s, node, around, at);
}

/* ---- going down ----------------------------------------------------------------------------- */

/* The measure of a node that was surveyed; NULL: it is no room. */
static const struct measure *measure_of(const xmlNode *node)
{
    return node->type == XML_ELEMENT_NODE && node->_private != &element_dropped ? node->_private
                                                                                : NULL;
}

/* What nobody looks into. */
static bool node_is_shut(const xmlNode *node)
{
    return node->_private == &element_dropped ||
           element_of((const char *)node->name)->kind == ELEMENT_DROP;
}

/* The next room of `room` behind `node`, those in it that are in another one left out; NULL: there
 * is none. To begin with, node is the room itself. */
static xmlNode *next_room(xmlNode *node, const xmlNode *room)
{
    do
        node = tree_next(node, room, node == room || (!measure_of(node) && !node_is_shut(node)));
    while (node && (node_is_shut(node) || !measure_of(node) || measure_of(node)->beside));
    return node;
}

/* How much article there is: the words of links are worth a quarter. */
static size_t worth(const struct measure *m)
{
    return m->text - m->links + m->links / 4;
}

static xmlNode *best_room(xmlNode *room)
{
    xmlNode *best = NULL;

    for (xmlNode *node = next_room(room, room); node; node = next_room(node, room))
        if (!best || worth(measure_of(node)) > worth(measure_of(best)))
            best = node;
    return best;
}

/* Two of a kind: of one name and class. Columns without a class are not. */
static bool is_alike(const xmlNode *a, const xmlNode *b)
{
    struct str class = tree_attribute(a, "class");

    return str_eq(class, tree_attribute(b, "class")) &&
           strcmp((const char *)a->name, (const char *)b->name) == 0 &&
           (class.n || !(node_is(a, "div") || node_is(a, "td")));
}

/* Whether `other` is a part of the article as `best` is: a section begins in both. */
static bool is_peer(const xmlNode *best, const xmlNode *other, const struct measure *room)
{
    const struct measure *b = measure_of(best), *o = measure_of(other);

    if (!o->first || o->first != b->first || o->links * 2 > o->text)
        return false;
    if (is_alike(best, other))
        return true;
    if (b->hint && !o->hint)
        return false;
    /* It may be a column at the side: the article is where most of the text has many sections. */
    return b->heads[b->first] < 2 || worth(b) * 5 < worth(room) * 3;
}

static bool has_peer(xmlNode *room, const xmlNode *best)
{
    const struct measure *m = measure_of(room), *b = measure_of(best);

    if (m->direct && m->direct_level == b->first && b->heads[b->first] < 2)
        return true;
    for (xmlNode *node = next_room(room, room); node; node = next_room(node, room))
        if (node != best && is_peer(best, node, m))
            return true;
    return false;
}

/* Whether nothing of the article is lost outside of `best`, which has most of it. */
static bool may_go_down(xmlNode *room, const xmlNode *best)
{
    const struct measure *m = measure_of(room), *b = measure_of(best);

    if (worth(b) * 2 < worth(m) || m->direct > 1 || m->loose * 10 > worth(m))
        return false;
    if (!b->first)
        return b->hint || (!m->first && worth(b) * 10 > worth(m) * 9);
    return !has_peer(room, best);
}

static xmlNode *go_down(const struct survey *s, xmlNode *root)
{
    xmlNode *room = root, *best;

    if (s->mains == 1 && worth(measure_of(s->main)) * 5 > worth(measure_of(root)))
        room = s->main;
    while ((best = best_room(room)) != NULL && may_go_down(room, best))
        room = best;
    return room;
}

/* ---- the page ------------------------------------------------------------------------------- */

static xmlNode *survey_run(struct survey *s, xmlNode *root)
{
    struct measure page = {0};

    s->main = NULL;
    s->mains = 0;
    survey_room(s, root, &page, (struct position){0});
    return s->failed ? NULL : go_down(s, root);
}

/* Where classes leave next to nothing, and no heading, they did not mean what they say: the page is
 * looked at once more without them. */
static xmlNode *survey_page(struct survey *s, xmlNode *root)
{
    xmlNode *content = survey_run(s, root);
    size_t text = content ? measure_of(content)->text : 0;

    if (!content || measure_of(content)->first)
        return content;
    s->by_class = false;
    content = survey_run(s, root);
    if (!content || (measure_of(content)->first && measure_of(content)->text / 4 > text))
        return content;
    s->by_class = true;
    return survey_run(s, root);
}

/* Gives the nodes back as they were, but for what is beside the article inside of it. */
static void survey_end(xmlNode *node, const xmlNode *content, bool inside)
{
    const struct measure *m = measure_of(node);

    if (node->type != XML_ELEMENT_NODE || node_is_shut(node))
        return;
    inside = inside || node == content;
    node->_private = inside && m && m->beside ? (void *)&element_dropped : NULL;
    for (xmlNode *child = node->children; child; child = child->next)
        survey_end(child, content, inside && !node->_private);
}

/* Layout in which sections begin is looked through as div is. Whether there is a heading. */
static bool open_layout(xmlNode *node)
{
    bool found = heading_level(node) > 0;

    if (node->type != XML_ELEMENT_NODE || node->_private == &element_dropped)
        return false;
    for (xmlNode *child = node->children; child; child = child->next)
        found = open_layout(child) || found;
    if (found && node_is_layout(node))
        node->_private = (void *)element_of("div");
    return found;
}

xmlNode *main_content(xmlNode *root)
{
    struct survey s = {.arena = arena_new(), .by_class = true};
    xmlNode *content = s.arena ? survey_page(&s, root) : NULL;

    if (content && !measure_of(content)->text)
        content = NULL;
    survey_end(root, content, false);
    arena_free(s.arena);
    if (content && node_is_layout(content))
        open_layout(content);
    return content;
}

/* ---- headings ------------------------------------------------------------------------------- */

static bool is_sign(uint32_t c)
{
    static const uint32_t signs[] = {'#', 0xa7, 0xb6, 0xff03, 0x2693, 0xfe0f, 0x1f517};

    for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
        if (c == signs[i])
            return true;
    return text_is_space(c);
}

/* Whether a link is nothing but a sign to click on. */
static bool is_permalink(const xmlNode *link)
{
    for (const xmlNode *node = link; node; node = tree_next(node, link, true))
        if (node->type == XML_TEXT_NODE)
            for (struct str rest = str_of((const char *)node->content); rest.n;)
                if (!is_sign(text_next(&rest)))
                    return false;
    return str_find(tree_attribute(link, "href"), STR("#"), 0) != SIZE_MAX;
}

/* A wiki's "[edit]" is one, too. */
static bool is_heading_tool(const xmlNode *node)
{
    return node_is(node, "a")
               ? is_permalink(node)
               : str_find(tree_attribute(node, "class"), STR("editsection"), 0) != SIZE_MAX;
}

void main_content_tidy_headings(xmlNode *content)
{
    for (xmlNode *node = content; node; node = tree_next(node, content, true))
        for (xmlNode *in = heading_level(node) ? node->children : NULL; in;
             in = tree_next(in, node, true))
            if (in->type == XML_ELEMENT_NODE && is_heading_tool(in))
                in->_private = (void *)&element_dropped;
}
