/* wire: what the forms of feeds share. */
#include "wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Bytes of an address, and of what a feed calls an item by. */
#define ADDRESS_MOST 8192

enum doubt wire_refuse(enum doubt doubt, struct error *e, const char *format, ...)
{
    char why[400];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    error_set(e, "%s: %s", doubt_name(doubt), why);
    return doubt;
}

struct str wire_keep(struct wire_reader *r, struct str s)
{
    struct buf repaired;
    struct str kept;

    buf_init(&repaired, SIZE_MAX);
    if (!text_is_xml(s)) {
        text_repair(&repaired, s);
        s = buf_str(&repaired);
    }
    kept = arena_copy(r->arena, s);
    r->no_memory = r->no_memory || !kept.p || repaired.failed;
    buf_clear(&repaired);
    return kept;
}

struct str wire_address(struct wire_reader *r, struct str base, struct str address)
{
    struct buf absolute;
    struct str kept = {0};

    address = str_trim(address);
    if (!address.n || address.n > ADDRESS_MOST)
        return kept;
    buf_init(&absolute, (size_t)4 * ADDRESS_MOST);
    if (uri_resolve(&absolute, base, address) == 0 && uri_is_http(buf_str(&absolute)))
        kept = wire_keep(r, buf_str(&absolute));
    buf_clear(&absolute);
    return kept;
}

void wire_add_line(struct buf *lines, struct str line)
{
    size_t before = lines->len;

    if (before >= WIRE_LINES_MOST || text_blank(line))
        return;
    if (before)
        buf_putc(lines, '\n');
    text_collapse(lines, line);
    if (lines->failed) {
        lines->len = before;
        lines->failed = false;
    }
}

struct str wire_line(struct wire_reader *r, struct str line)
{
    struct buf lines;
    struct str kept;

    buf_init(&lines, WIRE_LINES_MOST);
    wire_add_line(&lines, line);
    kept = wire_keep(r, buf_str(&lines));
    buf_clear(&lines);
    return kept;
}

enum doubt wire_make_room(struct wire_reader *r, size_t items, size_t gone, struct error *e)
{
    if (items > WIRE_ITEMS_MOST)
        return wire_refuse(DOUBT_LIMIT, e, "the feed has %zu entries; at most %d are read", items,
                           WIRE_ITEMS_MOST);
    r->out->items = arena_array(r->arena, items + 1, sizeof(*r->out->items));
    r->out->gone = arena_array(r->arena, gone + 1, sizeof(*r->out->gone));
    if (r->out->items && r->out->gone)
        return DOUBT_NONE;
    return wire_refuse(DOUBT_LIMIT, e, "out of memory");
}

int64_t wire_date(struct str s)
{
    int64_t t;

    s = str_trim(s);
    if (date_parse_iso(s, 0, &t) < 0 && date_parse_rfc822(s, &t) < 0)
        return 0;
    return t > 0 ? t : 0;
}

/* What stands before the first element: declaration, comments, document type. */
static struct str without_prolog(struct str text)
{
    text = str_trim(text);
    while (str_starts(text, STR("<?")) || str_starts(text, STR("<!"))) {
        struct str close = str_starts(text, STR("<!--")) ? STR("-->") : STR(">");
        size_t end = str_find(text, close, 0);

        if (end == SIZE_MAX)
            return (struct str){0};
        text = str_trim(str_sub(text, end + close.n, SIZE_MAX));
    }
    return text;
}

static bool is_json(struct str text)
{
    return str_starts(text, STR("{"));
}

bool wire_is_feed(struct str text)
{
    static const char *const roots[] = {"<rss", "<feed", "<rdf:RDF", "<RDF"};

    text = without_prolog(text);
    if (is_json(text))
        return str_find(str_sub(text, 0, 4096), STR("jsonfeed.org/version/"), 0) != SIZE_MAX;
    for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
        if (str_starts(text, str_of(roots[i])))
            return true;
    return false;
}

bool wire_is_html(struct str text)
{
    text = str_trim(text);
    if (str_starts_nocase(text, STR("<!doctype html")))
        return true;
    text = without_prolog(text);
    return str_starts_nocase(text, STR("<html")) || str_starts_nocase(text, STR("<head")) ||
           str_starts_nocase(text, STR("<body")) || str_starts_nocase(text, STR("<script"));
}

enum doubt wire_read(struct str text, struct str url, struct arena *a, struct wire *out,
                     struct error *e)
{
    struct wire_reader r = {.arena = a, .url = url, .out = out};
    enum doubt doubt;

    *out = (struct wire){0};
    if (text_blank(text))
        return wire_refuse(DOUBT_EMPTY, e, "the site answered with an empty page");
    if (wire_is_html(text))
        return wire_refuse(DOUBT_TYPE, e,
                           "an HTML page in place of a feed: perhaps a bot check or a log-in; else "
                           "set url to the address of the feed, or leave out type = feed");
    if (is_json(str_trim(text)))
        doubt = wire_read_json(&r, text, e);
    else if (str_starts(str_trim(text), STR("<")))
        doubt = wire_read_xml(&r, text, e);
    else
        doubt = wire_refuse(DOUBT_TYPE, e, "it is neither RSS, Atom nor JSON Feed");
    if (doubt == DOUBT_NONE && r.no_memory)
        doubt = wire_refuse(DOUBT_LIMIT, e, "no memory for all that the feed comes to");
    return doubt;
}
