/* charset: what a page says of its encoding is a claim; a BOM is the best one, and bytes that are
 * valid UTF-8 all through are hardly ever anything else. */
#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

/* How far into a page its <meta charset> is looked for (HTML 13.2.3.2 says 1024; authors' systems
 * put scripts before it). */
#define META_WINDOW 4096

static struct str charset_after(struct str s, struct str key)
{
    for (size_t at = 0; at < s.n; at++) {
        struct str rest = str_sub(s, at, s.n);
        size_t end;

        if (!str_starts_nocase(rest, key))
            continue;
        rest = str_trim(str_sub(rest, key.n, rest.n));
        if (!rest.n || rest.p[0] != '=')
            continue;
        rest = str_trim(str_sub(rest, 1, rest.n));
        if (rest.n && (rest.p[0] == '"' || rest.p[0] == '\''))
            rest = str_sub(rest, 1, rest.n);
        for (end = 0; end < rest.n && !strchr(" \t\r\n;\"'/>,", rest.p[end]); end++)
            ;
        return str_sub(rest, 0, end);
    }
    return (struct str){0};
}

static struct str charset_of_meta(struct str bytes)
{
    struct str window = str_sub(bytes, 0, META_WINDOW);
    struct str meta = STR("<meta");

    while (window.n) {
        struct str tag, name;

        while (window.n && !str_starts_nocase(window, meta))
            window = str_sub(window, 1, window.n);
        tag = window;
        for (size_t i = 0; i < tag.n; i++)
            if (tag.p[i] == '>')
                tag.n = i;
        name = charset_after(tag, STR("charset"));
        if (name.n)
            return name;
        window = str_sub(window, window.n ? 1 : 0, window.n);
    }
    return (struct str){0};
}

static bool charset_is_utf8(struct str name)
{
    return str_eq_nocase(name, STR("utf-8")) || str_eq_nocase(name, STR("utf8"));
}

/* Names that pages use for a subset while they mean the whole (WHATWG Encoding 4.2). */
static struct str charset_superset(struct str name)
{
    static const struct {
        const char *label, *superset;
    } known[] = {
        {"gb2312", "GB18030"},        {"gbk", "GB18030"},     {"gb_2312-80", "GB18030"},
        {"x-gbk", "GB18030"},         {"big5", "BIG5-HKSCS"}, {"iso-8859-1", "WINDOWS-1252"},
        {"us-ascii", "WINDOWS-1252"}, {"utf-16", "UTF-16LE"},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (str_eq_nocase(name, str_of(known[i].label)))
            return str_of(known[i].superset);
    return name;
}

/* What a byte order mark says; it is cut off. */
static struct str charset_of_bom(struct str *bytes)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *name;
    } marks[] = {
        {"\xef\xbb\xbf", 3, "utf-8"}, {"\xff\xfe", 2, "UTF-16LE"}, {"\xfe\xff", 2, "UTF-16BE"}};

    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
        struct str mark = {marks[i].bytes, marks[i].n};

        if (str_starts(*bytes, mark)) {
            *bytes = str_sub(*bytes, mark.n, bytes->n);
            return str_of(marks[i].name);
        }
    }
    return (struct str){0};
}

/* Converts as far as it goes, a U+FFFD for each byte that is not of the encoding. -1: no such
 * encoding, or no room. */
static int charset_convert(struct buf *out, struct str bytes, struct str name)
{
    char label[64], chunk[8192];
    char *in = (char *)bytes.p; /* iconv's signature; it does not write there */
    size_t left = bytes.n;
    iconv_t cd;

    if (name.n >= sizeof(label))
        return -1;
    memcpy(label, name.p, name.n);
    label[name.n] = '\0';
    cd = iconv_open("UTF-8", label);
    if (cd == (iconv_t)-1)
        return -1;
    while (left && !out->failed) {
        char *to = chunk;
        size_t room = sizeof(chunk);
        bool stuck = iconv(cd, &in, &left, &to, &room) == (size_t)-1 && errno != E2BIG;

        buf_append(out, chunk, sizeof(chunk) - room);
        if (stuck && left) {
            buf_puts(out, "\xef\xbf\xbd");
            in++;
            left--;
        }
    }
    iconv_close(cd);
    return out->failed ? -1 : 0;
}

static struct str charset_guess(struct str *bytes, struct str content_type)
{
    struct str name = charset_of_bom(bytes);

    if (!name.n)
        name = charset_after(content_type, STR("charset"));
    if (!name.n) {
        name = charset_of_meta(*bytes);
        /* It could not be read if it were (HTML 13.2.3.2). */
        if (str_starts_nocase(name, STR("utf-16")))
            name = STR("utf-8");
    }
    if (!name.n || charset_is_utf8(name))
        name = name.n || text_valid(*bytes) == bytes->n ? STR("utf-8") : STR("GB18030");
    return charset_superset(name);
}

int charset_decode(struct str bytes, struct str content_type, struct buf *space, struct str *text)
{
    struct str name = charset_guess(&bytes, content_type);
    bool utf8 = charset_is_utf8(name) ||
                (!str_starts_nocase(name, STR("utf-16")) && text_valid(bytes) == bytes.n);
    struct buf converted;
    int done;

    *text = bytes;
    if (utf8 && text_is_xml(bytes))
        return 0;
    buf_init(&converted, space->max);
    if (!utf8 && charset_convert(&converted, bytes, name) == 0)
        *text = buf_str(&converted);
    done = text_repair(space, *text);
    buf_clear(&converted);
    *text = buf_str(space);
    return done;
}
