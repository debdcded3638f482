/* See change.h. */
#include "change.h"

#include "diff.h"

/* Characters of what stayed that are shown beside a change in its own paragraph, and of a paragraph
 * that stayed whole. */
#define BESIDE_MAX    80
#define PARAGRAPH_MAX 240
/* Characters that are shown of one piece, and bytes of HTML of all, at most: who wants more has the
 * entry. */
#define PIECE_MAX     ((size_t)8 << 10)
#define SHOWN_MAX     ((size_t)64 << 10)

static const struct {
    const char *word;
    const char *sentence; /* where no text says so; NULL: none is needed */
} kinds[] = {
    [EVENT_NEW] = {"new", NULL},
    [EVENT_RESTORED] = {"restored", "It stands on the page again."},
    [EVENT_RENAMED] = {"renamed", NULL},
    [EVENT_CHANGED] = {"changed", NULL},
    [EVENT_REMOVED] = {"removed", "It no longer stands on the page."},
};

#define KINDS (sizeof kinds / sizeof *kinds)

static bool happened(const struct change *change, size_t kind)
{
    return change->after.events & (1u << kind);
}

int change_words(struct buf *out, const struct change *change)
{
    const char *between = "";

    for (size_t i = 0; i < KINDS; i++) {
        if (!happened(change, i))
            continue;
        buf_puts(out, between);
        buf_puts(out, kinds[i].word);
        between = ", ";
    }
    return out->failed ? -1 : 0;
}

/* ---- lines --------------------------------------------------------------------------------- */

/* A piece of one line. */
struct span {
    enum diff_kind kind;
    struct str text; /* without the line's end */
    bool ends;       /* the line ends here */
};

/* Cuts pieces into spans. */
struct reader {
    const struct diff_piece *pieces;
    size_t count, at;
    struct str rest; /* of the piece before `at` */
};

static bool read_span(struct reader *r, struct span *span)
{
    if (!r->rest.n) {
        if (r->at == r->count)
            return false;
        r->rest = r->pieces[r->at++].text;
    }
    size_t before = r->rest.n;
    span->kind = r->pieces[r->at - 1].kind;
    span->text = str_cut(&r->rest, '\n');
    span->ends = span->text.n < before;
    return true;
}

struct line {
    struct span *spans;
    size_t count;
    bool changed;
    bool blank;
};

struct lines {
    struct line *all;
    size_t count;
    bool changed; /* any of them */
};

static void line_add(struct line *line, const struct span *span)
{
    line->spans[line->count++] = *span;
    line->changed |= span->kind != DIFF_SAME && !text_blank(span->text);
    line->blank &= text_blank(span->text);
}

static int lines_read(struct arena *a, const struct diff_piece *pieces, size_t count,
                      struct lines *out)
{
    struct reader r = {.pieces = pieces, .count = count};
    struct span span;
    size_t spans = 0, lines = 1;

    for (; read_span(&r, &span); lines += span.ends)
        spans++;
    struct span *room = arena_array(a, spans + 1, sizeof(*room));
    *out = (struct lines){.all = arena_array(a, lines, sizeof(*out->all)), .count = lines};
    if (!room || !out->all)
        return -1;
    r = (struct reader){.pieces = pieces, .count = count};
    struct line *line = out->all;
    for (*line = (struct line){.spans = room, .blank = true}; read_span(&r, &span);) {
        line_add(line, &span);
        out->changed |= line->changed;
        if (span.ends) {
            room = line->spans + line->count;
            *++line = (struct line){.spans = room, .blank = true};
        }
    }
    return 0;
}

/* ---- HTML ---------------------------------------------------------------------------------- */

static struct str tail_of(struct str s, size_t max)
{
    struct str rest = s;

    for (size_t n = text_length(s); n > max; n--)
        text_next(&rest);
    return rest;
}

/* What stayed, between two changes (or, of the first and the last, before or behind one). */
static void put_same(struct buf *out, struct str text, bool first, bool last)
{
    struct str head = first ? STR("") : text_head(text, BESIDE_MAX);
    struct str tail = last ? STR("") : tail_of(text, BESIDE_MAX);

    if (head.n + tail.n >= text.n) {
        text_escape(out, text);
        return;
    }
    text_escape(out, head);
    buf_puts(out, "…");
    text_escape(out, tail);
}

static void put_span(struct buf *out, const struct line *line, size_t i)
{
    static const char *const tags[] = {[DIFF_OUT] = "del", [DIFF_IN] = "ins"};
    const struct span *span = &line->spans[i];

    if (!span->text.n)
        return;
    if (span->kind == DIFF_SAME) {
        put_same(out, span->text, i == 0, i + 1 == line->count);
        return;
    }
    struct str head = text_head(span->text, PIECE_MAX);
    buf_printf(out, "<%s>", tags[span->kind]);
    text_escape(out, head);
    buf_puts(out, head.n < span->text.n ? "…" : "");
    buf_printf(out, "</%s>", tags[span->kind]);
}

static void put_kept(struct buf *out, struct str text)
{
    struct str head = text_head(text, PARAGRAPH_MAX);

    text_escape(out, head);
    buf_puts(out, head.n < text.n ? "…" : "");
}

static void put_line(struct buf *out, const struct line *line, const char *element)
{
    buf_printf(out, "<%s>", element);
    if (line->count == 1 && !line->changed)
        put_kept(out, line->spans[0].text);
    else
        for (size_t i = 0; i < line->count; i++)
            put_span(out, line, i);
    buf_printf(out, "</%s>", element);
}

/* Whether a line is shown: it was changed, or the one before it or behind it was. */
static bool is_near(const struct lines *lines, size_t i)
{
    const struct line *all = lines->all;

    return all[i].changed || (i && all[i - 1].changed) ||
           (i + 1 < lines->count && all[i + 1].changed);
}

static void put_lines(struct buf *out, const struct lines *lines, const char *element)
{
    size_t begun = out->len;
    bool gap = false;

    for (size_t i = 0; i < lines->count; i++) {
        if (lines->all[i].blank)
            continue;
        bool near = is_near(lines, i) && out->len - begun < SHOWN_MAX;
        if (near)
            put_line(out, &lines->all[i], element);
        else if (!gap)
            buf_puts(out, "<p>…</p>");
        gap = !near;
    }
}

/* *changed says whether the texts differ in what can be read; where not, nothing is put. */
static int put_texts(struct buf *out, struct str before, struct str after, const char *element,
                     bool *changed)
{
    struct arena *a = arena_new();
    struct diff_piece *pieces;
    struct lines lines;
    size_t count;
    int result = -1;

    if (a && diff_text(a, before, after, &pieces, &count) == 0 &&
        lines_read(a, pieces, count, &lines) == 0) {
        *changed = lines.changed;
        if (lines.changed)
            put_lines(out, &lines, element);
        result = 0;
    }
    arena_free(a);
    return result;
}

int change_html(struct buf *out, const struct change *change)
{
    const struct revision *before = &change->before, *after = &change->after;
    bool retitled = false, changed = false;

    for (size_t i = 0; i < KINDS; i++)
        if (happened(change, i) && kinds[i].sentence)
            buf_printf(out, "<p>%s</p>", kinds[i].sentence);
    if (put_texts(out, before->title, after->title, "h2", &retitled) < 0 ||
        put_texts(out, before->text, after->text, "p", &changed) < 0)
        return -1;
    if (!changed && happened(change, EVENT_CHANGED))
        buf_puts(out, "<p>The words are the same: a picture, a link or the layout is another.</p>");
    return out->failed ? -1 : 0;
}
