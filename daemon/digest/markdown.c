/* markdown: md4c does the work. What it makes is cleaned afterwards like any page, so HTML in the
 * text may stay. */
#include "markdown.h"

#include <limits.h>
#include <md4c-html.h>
#include <string.h>

/* A marker is a short line. */
#define MARKER_BYTES_MAX 4096
/* A line with more cells is no table: rows are filled up to the width of the first. */
#define CELLS_MAX        256
/* What all references to the longest definition of a link may come to. */
#define REFERENCES_MAX   ((size_t)256 * 1024 * 1024)

/* ---- what the text says of itself ----------------------------------------------------------- */

static bool is_fence_of_matter(struct str line)
{
    return str_eq(str_trim(line), STR("---")) && line.p[0] == '-';
}

static bool is_word_byte(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* "key: value" */
static bool is_setting(struct str line)
{
    size_t n = 0;

    while (n < line.n && is_word_byte(line.p[n]))
        n++;
    return n && line.p[0] != '-' && n < line.n && line.p[n] == ':' &&
           (n + 1 == line.n || text_is_space((unsigned char)line.p[n + 1]));
}

/* A remark, or, below a key, an item or a longer value of it. */
static bool is_beside_setting(struct str line, bool below_key)
{
    return !line.n || line.p[0] == '#' || (below_key && strchr(" \t-", line.p[0]));
}

/* Cuts the lines between the two --- off the front of *text. Empty where there are none: what is
 * not closed, or has other lines in it, is text. */
static struct str matter_cut(struct str *text)
{
    struct str rest = *text, line = str_cut(&rest, '\n'), matter = rest;
    bool below_key = false;

    if (!is_fence_of_matter(line))
        return (struct str){0};
    while (rest.n) {
        size_t n = matter.n - rest.n;

        line = str_cut(&rest, '\n');
        if (is_fence_of_matter(line)) {
            *text = rest;
            return str_sub(matter, 0, n);
        }
        if (is_setting(line))
            below_key = true;
        else if (!is_beside_setting(line, below_key))
            break;
    }
    return (struct str){0};
}

/* The value of a key, without its quotes; empty: not there, or no plain word. */
static struct str matter_value(struct str matter, struct str key)
{
    while (matter.n) {
        struct str value = str_cut(&matter, '\n'), name = str_cut(&value, ':');

        if (!str_eq_nocase(name, key))
            continue;
        value = str_trim(value);
        if (value.n > 1 && strchr("\"'", value.p[0]) && value.p[value.n - 1] == value.p[0])
            return str_sub(value, 1, value.n - 2);
        return value.n && strchr("[{|>&*!", value.p[0]) ? (struct str){0} : value;
    }
    return (struct str){0};
}

static void head_write(struct buf *html, struct str matter)
{
    static const char *const metas[] = {"author", "date"};

    buf_puts(html, "<html lang=\"");
    text_escape(html, matter_value(matter, STR("lang")));
    buf_puts(html, "\"><head><title>");
    text_escape(html, matter_value(matter, STR("title")));
    buf_puts(html, "</title>");
    for (size_t i = 0; i < sizeof(metas) / sizeof(*metas); i++) {
        buf_printf(html, "<meta name=\"%s\" content=\"", metas[i]);
        text_escape(html, matter_value(matter, str_of(metas[i])));
        buf_puts(html, "\">");
    }
    buf_puts(html, "</head><body>\n");
}

/* ---- what would multiply -------------------------------------------------------------------- */

/* md4c writes a row of a table as wide as the first, and a definition as often as it is referred
 * to: what a page may have of these is counted before. */
struct multiples {
    bool wide;                             /* there are too many cells for a table */
    size_t references;                     /* at most */
    size_t definition, longest_definition; /* bytes, of the one being read and of the longest */
};

/* The line without what stands before it in a list or a quotation. */
static struct str without_prefix(struct str line)
{
    while (line.n && strchr(" \t>-*+.)0123456789", line.p[0]))
        line = str_sub(line, 1, SIZE_MAX);
    return line;
}

static void multiples_count(struct multiples *m, struct str line)
{
    struct str bare = without_prefix(line);
    size_t cells = 0;

    for (size_t i = 0; i < line.n; i++) {
        cells += line.p[i] == '|';
        m->references += line.p[i] == ']';
    }
    m->wide = m->wide || cells > CELLS_MAX;
    /* A label may go on in the next line: what begins one may be a definition. */
    if (str_starts(bare, STR("[")))
        m->definition = line.n;
    else if (!bare.n)
        m->definition = 0;
    else if (m->definition)
        m->definition += line.n;
    if (m->definition > m->longest_definition)
        m->longest_definition = m->definition;
}

static bool multiples_are_too_many(const struct multiples *m)
{
    return m->references && m->longest_definition > REFERENCES_MAX / m->references;
}

/* ---- marker lines --------------------------------------------------------------------------- */

/* Code between fences, or in <pre>: there a line is nothing but itself. */
struct code {
    char fence; /* ` or ~; p in <pre>; 0: outside */
    size_t length;
};

static size_t run_of(struct str s, char c)
{
    size_t n = 0;

    while (n < s.n && s.p[n] == c)
        n++;
    return n;
}

static bool begins_pre(struct str bare)
{
    return str_starts_nocase(bare, STR("<pre")) && (bare.n == 4 || strchr(" \t>", bare.p[4]));
}

static bool ends_pre(struct str line)
{
    for (size_t at = 0; (at = str_find(line, STR("</"), at)) != SIZE_MAX; at++)
        if (str_starts_nocase(str_sub(line, at + 2, SIZE_MAX), STR("pre")))
            return true;
    return false;
}

/* Whether the line is code, or begins or ends it. */
static bool code_line(struct code *c, struct str line)
{
    struct str bare = without_prefix(line);
    char fence = bare.n && strchr("`~", bare.p[0]) ? bare.p[0] : 0;
    size_t length = fence ? run_of(bare, fence) : 0;
    struct str info = str_sub(bare, length, SIZE_MAX);

    if (c->fence == 'p') {
        if (ends_pre(line))
            c->fence = 0;
        return true;
    }
    if (c->fence) {
        if (c->fence == fence && length >= c->length && text_blank(info))
            c->fence = 0;
        return true;
    }
    if (length >= 3 && (fence == '~' || str_find(info, STR("`"), 0) == SIZE_MAX))
        *c = (struct code){fence, length};
    else if (begins_pre(bare) && !ends_pre(line))
        c->fence = 'p';
    return c->fence != 0;
}

/* Deeper than three blanks a line is code, or part of an item of a list. */
static bool is_indented(struct str line)
{
    return run_of(line, ' ') > 3 || (line.n && line.p[0] == '\t');
}

static bool is_marker(struct str line, const struct profile *p, struct buf *scratch)
{
    struct str text;

    if (line.n > MARKER_BYTES_MAX || is_indented(line))
        return false;
    buf_reset(scratch);
    text_collapse(scratch, line);
    text = buf_str(scratch);
    return text.n && ((p->section_start && pattern_match_text(p->section_start, text, NULL)) ||
                      (p->section_end && pattern_match_text(p->section_end, text, NULL)));
}

/* Blank lines around each marker. In CommonMark it would else go on with the paragraph or the item
 * of a list that stands before it, and what stands behind would go on with the marker. */
static int markers_part(struct buf *out, struct str text, const struct profile *p,
                        struct multiples *m)
{
    struct code code = {0};
    struct buf scratch;

    buf_init(&scratch, SIZE_MAX);
    while (text.n) {
        struct str line = str_cut(&text, '\n');
        bool parts = !code_line(&code, line) && is_marker(line, p, &scratch);

        multiples_count(m, line);
        buf_puts(out, parts ? "\n" : "");
        buf_add(out, line);
        buf_puts(out, parts ? "\n\n" : "\n");
    }
    buf_clear(&scratch);
    return out->failed || scratch.failed ? -1 : 0;
}

/* ---- the page ------------------------------------------------------------------------------- */

static void html_add(const MD_CHAR *bytes, MD_SIZE n, void *arg)
{
    buf_append(arg, bytes, n);
}

/* Line ends of any kind → line feeds. */
static int lines_read(struct buf *out, struct str text)
{
    while (text.n) {
        struct str line = str_cut(&text, '\r');

        buf_add(out, line);
        if (text.n && text.p[0] != '\n')
            buf_putc(out, '\n');
    }
    return out->failed ? -1 : 0;
}

int markdown_page(struct buf *html, struct str text, const struct profile *profile)
{
    unsigned flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_PERMISSIVEAUTOLINKS;
    struct buf source, lines;
    struct multiples multiples = {0};
    int done = -1;

    buf_init(&source, UINT_MAX / 2);
    buf_init(&lines, UINT_MAX / 2);
    if (text.n && memchr(text.p, '\r', text.n) && lines_read(&lines, text) == 0)
        text = buf_str(&lines);
    head_write(html, matter_cut(&text));
    if (markers_part(&source, text, profile, &multiples) == 0 &&
        !multiples_are_too_many(&multiples)) {
        flags &= multiples.wide ? ~(unsigned)MD_FLAG_TABLES : ~0u;
        done =
            md_html(source.data ? source.data : "", (MD_SIZE)source.len, html_add, html, flags, 0);
    }
    buf_puts(html, "</body></html>\n");
    buf_clear(&source);
    buf_clear(&lines);
    return done < 0 || html->failed ? -1 : 0;
}
