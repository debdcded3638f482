/* UTF-8: validity, repair, and the project's white space. Pages are half a megabyte and every byte
 * comes by here several times, so ASCII goes eight at a time and Chinese three at a time. */
#include "base.h"

#include <string.h>

#define REPLACEMENT     0xfffd
#define REPLACEMENT_STR STR("\xef\xbf\xbd")
#define HIGH_BITS       UINT64_C(0x8080808080808080)

/* ---- validity ------------------------------------------------------------------------------ */

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

static const unsigned char *skip_ascii(const unsigned char *p, const unsigned char *end)
{
    uint64_t word;

    while (end - p >= 8) {
        memcpy(&word, p, 8);
        if (word & HIGH_BITS)
            break;
        p += 8;
    }
    while (p < end && *p < 0x80)
        p++;
    return p;
}

/* Three-byte characters but those that begin with e0 or ed, whose second byte is restricted. */
static const unsigned char *skip_three_below(const unsigned char *p, const unsigned char *end,
                                             unsigned char lead)
{
    while (end - p >= 3 && p[0] > 0xe0 && p[0] < lead && p[0] != 0xed && is_tail(p[1]) &&
           is_tail(p[2]))
        p += 3;
    return p;
}

/* Length of the valid character of more than one byte at p, or 0 (RFC 3629, 4). */
static size_t sequence(const unsigned char *p, const unsigned char *end)
{
    size_t n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    unsigned char low = 0x80, high = 0xbf;

    if (!n || (size_t)(end - p) < n)
        return 0;
    switch (p[0]) {
    case 0xe0: /* overlong */
        low = 0xa0;
        break;
    case 0xed: /* surrogates */
        high = 0x9f;
        break;
    case 0xf0: /* overlong */
        low = 0x90;
        break;
    case 0xf4: /* beyond U+10FFFF */
        high = 0x8f;
        break;
    }
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if (!is_tail(p[i]))
            return 0;
    return n;
}

size_t text_valid(struct str s)
{
    const unsigned char *start = (const unsigned char *)s.p, *p = start, *end;

    if (!s.n)
        return 0;
    end = start + s.n;
    while (p < end) {
        size_t n;

        if (*p < 0x80) {
            p = skip_ascii(p, end);
            continue;
        }
        p = skip_three_below(p, end, 0xf0);
        if (p == end || *p < 0x80)
            continue;
        n = sequence(p, end);
        if (!n)
            break;
        p += n;
    }
    return (size_t)(p - start);
}

uint32_t text_next(struct str *s)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const unsigned char *p = (const unsigned char *)s->p;
    size_t n;
    uint32_t c;

    if (!s->n)
        return 0;
    n = p[0] < 0x80 ? 1 : sequence(p, p + s->n);
    c = n ? p[0] & masks[n] : REPLACEMENT;
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    *s = str_sub(*s, n ? n : 1, SIZE_MAX);
    return c;
}

int text_put(struct buf *out, uint32_t c)
{
    char bytes[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return buf_add(out, REPLACEMENT_STR);
    for (size_t i = n; i-- > 1; c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(leads[n] | c);
    return buf_append(out, bytes, n);
}

/* ---- what XML 1.0 can hold ----------------------------------------------------------------- */

static bool xml_allows_byte(unsigned char c)
{
    return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
}

/* U+FFFE and U+FFFF are all that is valid UTF-8 of more than one byte and no Char of XML. */
static bool is_noncharacter(const unsigned char *p, size_t n)
{
    return n == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;
}

/* ASCII but control characters, eight at a time: a byte below 0x20 borrows from its high bit. */
static const unsigned char *skip_printable(const unsigned char *p, const unsigned char *end)
{
    uint64_t word;

    while (end - p >= 8) {
        memcpy(&word, p, 8);
        if ((word | (word - UINT64_C(0x2020202020202020))) & HIGH_BITS)
            break;
        p += 8;
    }
    while (p < end && *p >= 0x20 && *p < 0x80)
        p++;
    return p;
}

/* Length of the longest prefix that text_repair() would leave as it is. */
static size_t clean_run(struct str s, bool carriage_return)
{
    const unsigned char *start = (const unsigned char *)s.p, *p = start, *end = start + s.n;

    while (p < end) {
        size_t n = 1;

        if (*p < 0x80) {
            p = skip_printable(p, end);
            if (p == end || *p >= 0x80)
                continue;
            if (!xml_allows_byte(*p) || (*p == '\r' && !carriage_return))
                break;
        } else {
            /* What begins with ef may be a non-character: it is looked at alone. */
            p = skip_three_below(p, end, 0xef);
            if (p == end || *p < 0x80)
                continue;
            n = sequence(p, end);
            if (!n || is_noncharacter(p, n))
                break;
        }
        p += n;
    }
    return (size_t)(p - start);
}

int text_repair(struct buf *out, struct str s)
{
    while (s.n) {
        size_t n = clean_run(s, false);

        buf_append(out, s.p, n);
        s = str_sub(s, n, SIZE_MAX);
        if (!s.n)
            break;
        if (s.p[0] == '\r') {
            buf_putc(out, '\n');
            s = str_sub(s, str_starts(s, STR("\r\n")) ? 2 : 1, SIZE_MAX);
            continue;
        }
        buf_add(out, REPLACEMENT_STR);
        n = is_noncharacter((const unsigned char *)s.p, s.n < 3 ? s.n : 3) ? 3 : 1;
        s = str_sub(s, n, SIZE_MAX);
    }
    return out->failed ? -1 : 0;
}

bool text_is_xml(struct str s)
{
    return !s.n || clean_run(s, true) == s.n;
}

/* ---- white space --------------------------------------------------------------------------- */

bool text_is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= '\t' && c <= '\r');
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200b) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000 || c == 0xfeff;
}

/* What a byte that begins a character says of its being white space. */
enum first { FIRST_NO, FIRST_SPACE, FIRST_PERHAPS };

static enum first first_byte(unsigned char c)
{
    static const unsigned char first[256] = {
        ['\t'] = FIRST_SPACE,   ['\n'] = FIRST_SPACE, ['\v'] = FIRST_SPACE,   ['\f'] = FIRST_SPACE,
        ['\r'] = FIRST_SPACE,   [' '] = FIRST_SPACE,  [0xc2] = FIRST_PERHAPS, /* 85, a0 */
        [0xe1] = FIRST_PERHAPS,                                               /* 1680 */
        [0xe2] = FIRST_PERHAPS,                                               /* 2000 … 205f */
        [0xe3] = FIRST_PERHAPS,                                               /* 3000 */
        [0xef] = FIRST_PERHAPS,                                               /* feff */
    };

    return (enum first)first[c];
}

/* Whether the bytes behind a first byte that may begin white space make it white space. */
static size_t space_behind(const unsigned char *p, size_t n)
{
    switch (p[0]) {
    case 0xc2:
        return n >= 2 && (p[1] == 0x85 || p[1] == 0xa0) ? 2 : 0;
    case 0xe1:
        return n >= 3 && p[1] == 0x9a && p[2] == 0x80 ? 3 : 0;
    case 0xe2:
        if (n < 3 || (p[1] != 0x80 && p[1] != 0x81) || !is_tail(p[2]))
            return 0;
        return text_is_space(UINT32_C(0x2000) | (uint32_t)(p[1] & 1) << 6 | (p[2] & 0x3f)) ? 3 : 0;
    case 0xe3:
        return n >= 3 && p[1] == 0x80 && p[2] == 0x80 ? 3 : 0;
    case 0xef:
        return n >= 3 && p[1] == 0xbb && p[2] == 0xbf ? 3 : 0;
    }
    return 0;
}

/* Length of the white space character at p, or 0. */
static size_t space_at(const char *p, const char *end)
{
    switch (first_byte((unsigned char)*p)) {
    case FIRST_NO:
        return 0;
    case FIRST_SPACE:
        return 1;
    case FIRST_PERHAPS:
        break;
    }
    return space_behind((const unsigned char *)p, (size_t)(end - p));
}

static const char *skip_space(const char *p, const char *end)
{
    size_t n;

    while (p < end && (n = space_at(p, end)) != 0)
        p += n;
    return p;
}

static const char *skip_word(const char *p, const char *end)
{
    while (p < end && (first_byte((unsigned char)*p) == FIRST_NO || !space_at(p, end)))
        p++;
    return p;
}

/* Appends the words of s with `between` between each two. Words that already stand one `between`
 * apart are appended together. */
static int append_words(struct buf *out, struct str s, struct str between)
{
    const char *p, *end;
    bool first = true;

    if (!s.n)
        return out->failed ? -1 : 0;
    end = s.p + s.n;
    for (p = skip_space(s.p, end); p < end; p = skip_space(p, end)) {
        const char *start = p;

        p = skip_word(p, end);
        while (between.n && end - p > 1 && *p == between.p[0] && !space_at(p + 1, end))
            p = skip_word(p + 1, end);
        if (!first)
            buf_add(out, between);
        buf_append(out, start, (size_t)(p - start));
        first = false;
    }
    return out->failed ? -1 : 0;
}

int text_collapse(struct buf *out, struct str s)
{
    return append_words(out, s, STR(" "));
}

int text_squeeze(struct buf *out, struct str s)
{
    return append_words(out, s, STR(""));
}

bool text_blank(struct str s)
{
    return !s.n || skip_space(s.p, s.p + s.n) == s.p + s.n;
}

/* ---- characters ---------------------------------------------------------------------------- */

size_t text_length(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += !is_tail((unsigned char)s.p[i]);
    return n;
}

struct str text_head(struct str s, size_t max)
{
    size_t n = 0;

    while (n < s.n && (max || is_tail((unsigned char)s.p[n])))
        max -= !is_tail((unsigned char)s.p[n++]);
    return str_sub(s, 0, n);
}

int text_escape(struct buf *out, struct str s)
{
    static const char *const references[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;",
    };
    size_t start = 0;

    for (size_t i = 0; i < s.n; i++) {
        const char *reference = references[(unsigned char)s.p[i]];

        if (!reference)
            continue;
        buf_append(out, s.p + start, i - start);
        buf_puts(out, reference);
        start = i + 1;
    }
    return buf_add(out, str_sub(s, start, SIZE_MAX));
}
