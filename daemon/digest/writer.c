/* writer: a stack of elements that hold blocks, on it at most one paragraph, and in that the inline
 * elements. Only what is at the top is ever closed, so end tags always fit. */
#include "writer.h"

#include "blocks.h"
#include "tree.h"

#include <string.h>

/* So many elements that hold blocks stand in one another, and so many inline ones: browsers stop
 * at 512 in all. What is deeper loses its element and keeps its text. */
#define FRAMES_MOST  120
#define INLINES_MOST 40
/* Inline elements around many blocks are opened again in each. Where that would make up more than
 * half of the output they are left out. */
#define AGAIN_LEAST  512

void writer_begin(struct writer *w, struct buf *html, struct content *content,
                  const struct address_base *from, const void *section)
{
    w->html = html;
    w->html_from = html->len;
    w->content = content;
    w->from = from;
    w->section = section;
    w->frames_count = w->frames_open = 0;
    w->inlines_count = w->inlines_open = w->inlines_shown = 0;
    w->paragraph = NULL;
    w->paragraph_open = NULL;
    w->line_begins = true;
    w->break_pending = false;
    w->in_pre = w->in_link = 0;
    w->pre_from = SIZE_MAX;
    w->again = w->said = 0;
    buf_init(&w->address, SIZE_MAX);
    buf_init(&w->hrefs, SIZE_MAX);
}

/* ---- attributes ---------------------------------------------------------------------------- */

void write_address(struct buf *html, const char *name, struct str value)
{
    buf_putc(html, ' ');
    buf_puts(html, name);
    buf_puts(html, "=\"");
    text_escape(html, value);
    buf_putc(html, '"');
}

void write_attribute(struct buf *html, const char *name, struct str value)
{
    size_t start = 0;

    buf_putc(html, ' ');
    buf_puts(html, name);
    buf_puts(html, "=\"");
    for (size_t i = 0; i < value.n; i++) {
        if ((unsigned char)value.p[i] >= ' ' && value.p[i] != 0x7f)
            continue;
        text_escape(html, str_sub(value, start, i - start));
        buf_putc(html, ' ');
        start = i + 1;
    }
    text_escape(html, str_sub(value, start, SIZE_MAX));
    buf_putc(html, '"');
}

static bool is_number(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0 && s.n < 6;
}

static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char l = (char)(s.p[i] | 0x20);

        if (!(l >= 'a' && l <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
            return false;
    }
    return s.n < 36;
}

static struct str known_align(struct str s)
{
    static const char *const known[] = {"left", "right", "center", "justify"};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (str_eq_nocase(s, str_of(known[i])))
            return str_of(known[i]);
    return (struct str){0};
}

/* How the text of a cell stands: a style goes before the attribute, as in browsers. */
static struct str align_of(xmlNode *node, struct str value)
{
    struct str style = tree_attribute(node, "style"), found = {0};

    while (style.n) {
        struct str word = str_cut(&style, ';'), name = str_trim(str_cut(&word, ':'));

        if (str_eq_nocase(name, STR("text-align")))
            found = known_align(str_trim(word));
    }
    return found.n ? found : known_align(str_trim(value));
}

static struct str value_of(struct writer *w, xmlNode *node, const struct attribute *a)
{
    static const struct str none = {0};
    struct str value = tree_attribute(node, a->name), number = str_trim(value);

    switch (a->kind) {
    case ATTRIBUTE_TEXT:
        return value;
    case ATTRIBUTE_LENGTH:
        if (number.n > 2 && str_eq_nocase(str_sub(number, number.n - 2, 2), STR("px")))
            number.n -= 2;
        return is_number(number) ? number : none;
    case ATTRIBUTE_NUMBER:
        return is_number(number) ? number : none;
    case ATTRIBUTE_INTEGER:
        return is_number(str_starts(number, STR("-")) ? str_sub(number, 1, SIZE_MAX) : number)
                   ? number
                   : none;
    case ATTRIBUTE_WORD:
        return is_word(value) ? value : none;
    case ATTRIBUTE_ALIGN:
        return align_of(node, value);
    case ATTRIBUTE_URL:
        buf_reset(&w->address);
        return value.p && address_link(&w->address, w->from, value) == 0 ? buf_str(&w->address)
                                                                         : none;
    }
    return none;
}

static void write_list(struct writer *w, struct buf *html, xmlNode *node,
                       const struct attribute *list)
{
    for (size_t i = 0; i < ELEMENT_ATTRIBUTES && list[i].name; i++) {
        struct str value = value_of(w, node, &list[i]);

        if (value.p)
            write_attribute(html, list[i].name, value);
    }
}

void write_attributes(struct writer *w, struct buf *html, xmlNode *node,
                      const struct attribute *list)
{
    if (!node->properties)
        return;
    write_list(w, html, node, list);
    write_list(w, html, node, element_global_attributes);
}

/* ---- tags ---------------------------------------------------------------------------------- */

static void tag_close(struct writer *w, const char *name)
{
    buf_puts(w->html, "</");
    buf_puts(w->html, name);
    buf_putc(w->html, '>');
}

static const char *name_out(const struct element *e)
{
    return e->kind == ELEMENT_WRAP ? "div" : e->out ? e->out : e->name;
}

/* Whether this element is opened for the first time on the page; and in this section. Noted in the
 * node, in a field that libxml2 does not use for HTML. */
static bool is_first(const xmlNode *node)
{
    return !node->psvi;
}

static bool note_section(struct writer *w, xmlNode *node)
{
    bool first = node->psvi != w->section;

    node->psvi = (void *)w->section;
    return first;
}

static bool may_open(const struct writer *w, const xmlNode *node)
{
    size_t size = w->again;

    if (is_first(node))
        return true;
    for (const xmlAttr *a = node->properties; a; a = a->next)
        if (a->children && a->children->content)
            size += strlen((const char *)a->children->content);
    return size < AGAIN_LEAST + (w->html->len - w->html_from) / 2;
}

/* <a>; its target counts as content once a section. */
static void link_open(struct writer *w, xmlNode *node, struct str href)
{
    write_address(w->html, "href", href);
    if (node->properties->next)
        write_list(w, w->html, node, element_global_attributes);
    buf_putc(w->html, '>');
    if (note_section(w, node))
        content_link(w->content, href, w->from->base);
}

static void inline_open(struct writer *w, struct inline_frame *f)
{
    const struct element *e = node_element(f->node);
    bool first = is_first(f->node);
    size_t before = w->html->len;

    f->written = f->shown && !f->muted && may_open(w, f->node);
    if (!f->written)
        return;
    buf_putc(w->html, '<');
    buf_puts(w->html, name_out(e));
    if (e->role == ROLE_LINK) {
        link_open(w, f->node, (struct str){w->hrefs.data + (uintptr_t)f->href.p, f->href.n});
    } else {
        write_attributes(w, w->html, f->node, e->attributes);
        buf_putc(w->html, '>');
        note_section(w, f->node);
    }
    if (!first)
        w->again += w->html->len - before;
}

static void inline_close_to(struct writer *w, size_t count)
{
    while (w->inlines_open > count)
        if (w->inlines[--w->inlines_open].written)
            tag_close(w, name_out(node_element(w->inlines[w->inlines_open].node)));
}

/* ---- paragraphs ---------------------------------------------------------------------------- */

void writer_line_end(struct writer *w)
{
    inline_close_to(w, 0);
    if (w->paragraph_open)
        tag_close(w, w->paragraph_open);
    w->paragraph_open = NULL;
    w->break_pending = w->in_pre && (w->break_pending || !w->line_begins);
    w->line_begins = true;
}

void writer_paragraph(struct writer *w, xmlNode *node)
{
    writer_line_end(w);
    w->paragraph = node;
}

static void paragraph_open(struct writer *w)
{
    xmlNode *node = w->paragraph;
    bool own = node && node_element(node)->kind == ELEMENT_FLOW;

    if (w->in_pre || (!own && w->frames_count))
        return;
    w->paragraph_open = own ? node_element(node)->name : "p";
    buf_putc(w->html, '<');
    buf_puts(w->html, w->paragraph_open);
    if (own && is_first(node)) {
        write_attributes(w, w->html, node, node_element(node)->attributes);
        note_section(w, node);
    }
    buf_putc(w->html, '>');
}

void writer_break(struct writer *w)
{
    if (w->frames_count && w->frames[w->frames_count - 1].inside == PLACE_FLOW) {
        writer_leaf(w);
        buf_puts(w->html, "<br>");
    } else if (w->paragraph_open) {
        w->break_pending = true;
    } else {
        writer_line_end(w);
    }
}

/* ---- frames -------------------------------------------------------------------------------- */

/* What each place may stand in lies in between where an element would come somewhere else. NULL:
 * nothing does, and the element goes. */
static const struct implied {
    const char *name;
    enum place inside;
} implied[6][6] = {
    [PLACE_FLOW] = {[PLACE_ITEMS] = {"ul", PLACE_ITEMS}, [PLACE_TERMS] = {"dl", PLACE_TERMS}},
    [PLACE_ITEMS] = {[PLACE_FLOW] = {"li", PLACE_FLOW}, [PLACE_TERMS] = {"li", PLACE_FLOW}},
    [PLACE_TERMS] = {[PLACE_FLOW] = {"dd", PLACE_FLOW}, [PLACE_ITEMS] = {"dd", PLACE_FLOW}},
    [PLACE_ROWS_GROUPS] = {[PLACE_FLOW] = {"tbody", PLACE_ROWS},
                           [PLACE_ITEMS] = {"tbody", PLACE_ROWS},
                           [PLACE_TERMS] = {"tbody", PLACE_ROWS},
                           [PLACE_ROWS] = {"tbody", PLACE_ROWS},
                           [PLACE_CELLS] = {"tbody", PLACE_ROWS}},
    [PLACE_ROWS] = {[PLACE_FLOW] = {"tr", PLACE_CELLS},
                    [PLACE_ITEMS] = {"tr", PLACE_CELLS},
                    [PLACE_TERMS] = {"tr", PLACE_CELLS},
                    [PLACE_CELLS] = {"tr", PLACE_CELLS}},
    [PLACE_CELLS] = {[PLACE_FLOW] = {"td", PLACE_FLOW},
                     [PLACE_ITEMS] = {"td", PLACE_FLOW},
                     [PLACE_TERMS] = {"td", PLACE_FLOW}},
};

static void frames_pop_to(struct writer *w, size_t count)
{
    writer_line_end(w);
    while (w->frames_count > count) {
        w->frames_count--;
        if (w->frames_open <= w->frames_count)
            continue;
        w->frames_open--;
        tag_close(w, w->frames[w->frames_count].name);
    }
}

/* libxml2, and whoever reads entries with it, ends a <dt> where a <dl> begins. */
static void frame_push(struct writer *w, xmlNode *node, const char *name, enum place inside)
{
    if (inside == PLACE_TERMS && w->frames_count &&
        strcmp(w->frames[w->frames_count - 1].name, "dt") == 0)
        w->frames[w->frames_count++] = (struct frame){NULL, "div", PLACE_FLOW};
    w->frames[w->frames_count++] = (struct frame){node, name, inside};
}

static enum place place_at(const struct writer *w, size_t count)
{
    return count ? w->frames[count - 1].inside : PLACE_FLOW;
}

/* How many frames are left without those at the top that only the rules asked for. */
static size_t frames_real(const struct writer *w)
{
    size_t n = w->frames_count;

    while (n && !w->frames[n - 1].node)
        n--;
    return n;
}

enum place writer_place(const struct writer *w)
{
    return place_at(w, frames_real(w));
}

bool writer_is_bare(const struct writer *w)
{
    size_t n = w->frames_count;

    while (n && place_at(w, n) != PLACE_FLOW && !w->frames[n - 1].node)
        n--;
    return !n;
}

void writer_leave_implied(struct writer *w)
{
    frames_pop_to(w, frames_real(w));
}

/* Makes the top a place where `need` may stand: by closing elements that only the rules asked for,
 * else by opening such. False: there is no way. */
static bool frames_fit(struct writer *w, enum place need)
{
    size_t real = frames_real(w);

    for (size_t n = w->frames_count;; n--) {
        if (place_at(w, n) == need) {
            if (n < w->frames_count)
                frames_pop_to(w, n);
            return true;
        }
        if (n == real)
            break;
    }
    frames_pop_to(w, real);
    while (place_at(w, w->frames_count) != need) {
        const struct implied *i = &implied[place_at(w, w->frames_count)][need];

        if (!i->name)
            break;
        frame_push(w, NULL, i->name, i->inside);
    }
    if (place_at(w, w->frames_count) == need)
        return true;
    frames_pop_to(w, real);
    return false;
}

/* Where an element has to stand, and what it may hold. */
static const struct {
    enum place need, inside;
} places[] = {
    [ROLE_LIST] = {PLACE_FLOW, PLACE_ITEMS},
    [ROLE_ITEM] = {PLACE_ITEMS, PLACE_FLOW},
    [ROLE_TERMS] = {PLACE_FLOW, PLACE_TERMS},
    [ROLE_TERM] = {PLACE_TERMS, PLACE_FLOW},
    [ROLE_TABLE] = {PLACE_FLOW, PLACE_ROWS_GROUPS},
    [ROLE_CAPTION] = {PLACE_ROWS_GROUPS, PLACE_FLOW},
    [ROLE_ROWS] = {PLACE_ROWS_GROUPS, PLACE_ROWS},
    [ROLE_ROW] = {PLACE_ROWS, PLACE_CELLS},
    [ROLE_CELL] = {PLACE_CELLS, PLACE_FLOW},
    [ROLE_MATHJAX] = {PLACE_FLOW, PLACE_FLOW}, /* the last role: none has an index beyond */
};

/* A link in a link is none: HTML has no such thing, and the inner one is meant. */
static void links_mute(struct writer *w, bool muted)
{
    for (size_t i = w->inlines_count; i-- > 0;) {
        if (!w->inlines[i].shown || node_element(w->inlines[i].node)->role != ROLE_LINK)
            continue;
        inline_close_to(w, i);
        w->inlines[i].muted = muted;
        break;
    }
}

size_t writer_enter(struct writer *w, xmlNode *node)
{
    const struct element *e = node_element(node);

    writer_line_end(w);
    if (w->in_pre || frames_real(w) >= FRAMES_MOST || !frames_fit(w, places[e->role].need))
        return 0;
    frame_push(w, node, name_out(e), places[e->role].inside);
    w->in_pre += e->role == ROLE_PRE;
    return w->frames_count;
}

size_t writer_enter_link(struct writer *w, xmlNode *node)
{
    writer_line_end(w);
    buf_reset(&w->address);
    if (w->in_link || w->in_pre || frames_real(w) >= FRAMES_MOST || !frames_fit(w, PLACE_FLOW) ||
        !may_open(w, node) || address_link(&w->address, w->from, tree_attribute(node, "href")) < 0)
        return 0;
    links_mute(w, true);
    frame_push(w, node, "a", PLACE_FLOW);
    w->in_link++;
    return w->frames_count;
}

static void frame_open(struct writer *w, const struct frame *f)
{
    const struct element *e = f->node ? node_element(f->node) : NULL;
    size_t before = w->html->len;

    buf_putc(w->html, '<');
    buf_puts(w->html, f->name);
    if (e && e->role == ROLE_LINK) {
        bool first = is_first(f->node);

        buf_reset(&w->address);
        address_link(&w->address, w->from, tree_attribute(f->node, "href"));
        link_open(w, f->node, buf_str(&w->address));
        if (!first)
            w->again += w->html->len - before;
        return;
    }
    if (e)
        write_attributes(w, w->html, f->node, e->attributes);
    buf_putc(w->html, '>');
    if (e && e->role == ROLE_PRE)
        w->pre_from = w->html->len;
}

static void frames_open(struct writer *w)
{
    while (w->frames_open < w->frames_count)
        frame_open(w, &w->frames[w->frames_open++]);
}

void writer_leave(struct writer *w, size_t frame, bool always)
{
    xmlNode *node;

    if (!frame) {
        writer_line_end(w);
        return;
    }
    frames_pop_to(w, frame);
    node = w->frames[frame - 1].node;
    if (always)
        frames_open(w);
    frames_pop_to(w, frame - 1);
    if (node_element(node)->role == ROLE_PRE) {
        w->in_pre = 0;
        w->break_pending = false;
    }
    if (node_element(node)->role != ROLE_LINK)
        return;
    w->in_link--;
    links_mute(w, false);
}

void writer_end(struct writer *w)
{
    frames_pop_to(w, 0);
    buf_clear(&w->address);
    buf_clear(&w->hrefs);
}

/* ---- inline elements ----------------------------------------------------------------------- */

/* <rt> and <rp> stand in <ruby>, and not in one another. */
static bool ruby_allows(const struct writer *w)
{
    for (size_t i = w->inlines_count; i-- > 0;) {
        enum element_role role = node_element(w->inlines[i].node)->role;

        if (w->inlines[i].shown && (role == ROLE_RUBY || role == ROLE_RUBY_TEXT))
            return role == ROLE_RUBY;
    }
    return false;
}

static bool link_resolve(struct writer *w, struct inline_frame *f)
{
    size_t from = w->hrefs.len;

    if (w->in_link || !may_open(w, f->node) ||
        address_link(&w->hrefs, w->from, tree_attribute(f->node, "href")) < 0)
        return false;
    f->href = (struct str){(const char *)(uintptr_t)from, w->hrefs.len - from};
    links_mute(w, true);
    return true;
}

void writer_inline_enter(struct writer *w, xmlNode *node)
{
    struct inline_frame f = {.node = node, .shown = w->inlines_shown < INLINES_MOST};
    enum element_role role = node_element(node)->role;

    if (f.shown && role == ROLE_LINK)
        f.shown = link_resolve(w, &f);
    else if (f.shown && role == ROLE_RUBY_TEXT)
        f.shown = ruby_allows(w);
    w->inlines_shown += f.shown;
    w->inlines[w->inlines_count++] = f;
}

void writer_inline_leave(struct writer *w)
{
    struct inline_frame *f = &w->inlines[w->inlines_count - 1];

    inline_close_to(w, w->inlines_count - 1);
    w->inlines_count--;
    w->inlines_shown -= f->shown;
    if (!f->shown || node_element(f->node)->role != ROLE_LINK)
        return;
    w->hrefs.len = (size_t)(uintptr_t)f->href.p;
    links_mute(w, false);
}

/* ---- what is seen -------------------------------------------------------------------------- */

void writer_leaf(struct writer *w)
{
    if (place_at(w, w->frames_count) != PLACE_FLOW)
        frames_fit(w, PLACE_FLOW);
    if (w->frames_open < w->frames_count)
        frames_open(w);
    if (!w->paragraph_open)
        paragraph_open(w);
    if (w->break_pending && w->html->len != w->pre_from)
        buf_puts(w->html, w->in_pre ? "\n" : "<br>");
    w->break_pending = false;
    while (w->inlines_open < w->inlines_count)
        inline_open(w, &w->inlines[w->inlines_open++]);
    w->line_begins = false;
}

static bool is_blank(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr(" \t\n\r\f", s.p[i]))
            return false;
    return true;
}

/* A carriage return, which only a character reference brings here, is a line feed to parsers. */
static void put_text(struct writer *w, struct str text)
{
    while (text.n && memchr(text.p, '\r', text.n)) {
        text_escape(w->html, str_cut(&text, '\r'));
        buf_putc(w->html, '\n');
    }
    text_escape(w->html, text);
}

void writer_text(struct writer *w, struct str text, bool blank_is_text)
{
    bool blank = blank_is_text ? is_blank(text) : text_blank(text);

    if (!text.n || (blank && place_at(w, w->frames_count) != PLACE_FLOW))
        return;
    if (blank && (w->line_begins || w->break_pending) && !w->in_pre)
        return;
    if (w->in_pre && (text.p[0] == '\n' || str_ends(buf_str(w->html), STR("\n"))))
        w->break_pending = false;
    writer_leaf(w);
    /* Parsers drop a line feed at the front of a <pre>, each time it is written and read again: so
     * that nothing is left to be dropped, none stands there. */
    while (w->html->len == w->pre_from && text.n && (text.p[0] == '\n' || text.p[0] == '\r'))
        text = str_sub(text, 1, SIZE_MAX);
    put_text(w, text);
    w->said += !blank;
}

void writer_void(struct writer *w, const char *name)
{
    writer_line_end(w);
    if (w->in_pre)
        return;
    frames_fit(w, PLACE_FLOW);
    frames_open(w);
    buf_putc(w->html, '<');
    buf_puts(w->html, name);
    buf_putc(w->html, '>');
}
