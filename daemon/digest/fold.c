/* fold: what Unicode says of a character is asked once and remembered: a page has few of them. */
#include "fold.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define CHARACTERS_MOST 8 /* that one becomes */
#define BYTES_MOST      (CHARACTERS_MOST * 4)

struct memo {
    uint32_t c;
    unsigned n;
    char bytes[BYTES_MOST];
};

#define MEMOS 256

/* Quotation marks are one to a browser's search; soft hyphens are not there. */
static uint32_t plain_mark(uint32_t c)
{
    if (c == 0x2018 || c == 0x2019 || c == 0x201a || c == 0x201b)
        return '\'';
    if (c >= 0x201c && c <= 0x201f)
        return '"';
    return c;
}

static void memo_fill(struct memo *m, uint32_t c)
{
    const utf8proc_option_t options = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
                                      UTF8PROC_STRIPMARK | UTF8PROC_IGNORE;
    utf8proc_int32_t characters[CHARACTERS_MOST];
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, characters, CHARACTERS_MOST,
                                                 options, &boundary);

    *m = (struct memo){.c = c};
    if (n < 0 || n > CHARACTERS_MOST) { /* longer than anybody writes: as it is */
        characters[0] = (utf8proc_int32_t)c;
        n = 1;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        uint32_t plain = plain_mark((uint32_t)characters[i]);
        utf8proc_uint8_t *at = (utf8proc_uint8_t *)m->bytes + m->n;

        m->n += (unsigned)utf8proc_encode_char((utf8proc_int32_t)plain, at);
    }
}

static const struct memo *memo_of(struct memo *memos, uint32_t c)
{
    struct memo *m = &memos[c % MEMOS];

    if (m->c != c)
        memo_fill(m, c);
    return m;
}

/* How many bytes at the front of s have no accent or width: ASCII, and the characters with the lead
 * bytes e3 to ed, which are Chinese, Japanese and Korean. */
static size_t plain_run(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p, *end = p + s.n;

    while (p < end) {
        if (*p < 0x80)
            p++;
        else if (*p >= 0xe3 && *p <= 0xed && end - p >= 3)
            p += 3;
        else
            break;
    }
    return (size_t)(p - (const unsigned char *)s.p);
}

static void lower_ascii(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(p[i] | (p[i] >= 'A' && p[i] <= 'Z') << 5);
}

/* In strides of a fixed length, which the compiler does at once. */
static void lower(char *p, size_t n)
{
    enum { STRIDE = 32 };

    for (; n >= STRIDE; p += STRIDE, n -= STRIDE)
        lower_ascii(p, STRIDE);
    lower_ascii(p, n);
}

int fold(struct buf *out, struct str text, size_t *offsets, size_t count)
{
    struct memo *memos = calloc(MEMOS, sizeof(*memos));
    size_t from = out->len, done = 0, next = 0;

    while (memos && done < text.n && !out->failed) {
        struct str rest = str_sub(text, done, SIZE_MAX);
        size_t run = plain_run(rest);

        for (; next < count && offsets[next] <= done + run; next++)
            offsets[next] = out->len + (offsets[next] - done);
        buf_add(out, str_sub(rest, 0, run));
        rest = str_sub(rest, run, SIZE_MAX);
        if (rest.n) {
            const struct memo *m = memo_of(memos, text_next(&rest));

            buf_append(out, m->bytes, m->n);
        }
        done = text.n - rest.n;
    }
    for (; next < count; next++)
        offsets[next] = out->len;
    lower(out->data ? out->data + from : NULL, out->len - from);
    free(memos);
    return memos && !out->failed ? 0 : -1;
}

size_t fold_origin(struct str text, size_t n)
{
    struct str rest = text;
    struct memo m = {0};

    while (rest.n && n) {
        size_t run = plain_run(rest);

        run = run < n ? run : n;
        rest = str_sub(rest, run, SIZE_MAX);
        n -= run;
        if (!n || !rest.n)
            break;
        memo_fill(&m, text_next(&rest));
        n = n > m.n ? n - m.n : 0;
    }
    /* What became nothing belongs to what is before it. */
    for (struct str behind = rest; behind.n; rest = behind) {
        memo_fill(&m, text_next(&behind));
        if (m.n)
            break;
    }
    return text.n - rest.n;
}
