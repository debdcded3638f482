/* content: two sums over the same parts, one that knows their order and one that does not. */
#include "content.h"

void content_begin(struct content *c, struct buf *scratch)
{
    buf_reset(scratch);
    c->sequence = scratch;
    c->sum = 0;
}

static void content_part(struct content *c, char kind, struct str part)
{
    struct hash h = hash_more((struct hash){(uint64_t)kind, 0}, part);

    c->sum += h.lo;
}

void content_text(struct content *c, struct str lines)
{
    while (lines.n) {
        struct str line = str_cut(&lines, '\n');
        size_t from = c->sequence->len;

        text_squeeze(c->sequence, line);
        if (!c->sequence->failed && c->sequence->len > from)
            content_part(c, 'T', str_sub(buf_str(c->sequence), from, SIZE_MAX));
    }
}

void content_link(struct content *c, struct str target, struct str page)
{
    struct str without = uri_without_fragment(target);

    /* A link to another place of this page moves with the page's own counters. */
    if (without.n < target.n && str_eq(without, uri_without_fragment(page)))
        return;
    buf_putc(c->sequence, '\1');
    buf_add(c->sequence, target);
    content_part(c, 'L', target);
}

void content_media(struct content *c, struct str address)
{
    address = uri_without_query(address);
    buf_putc(c->sequence, '\2');
    buf_add(c->sequence, address);
    content_part(c, 'M', address);
}

int content_end(struct content *c, struct hash *hash)
{
    if (c->sequence->failed)
        return -1;
    hash->lo = hash_of(buf_str(c->sequence)).lo;
    hash->hi = c->sum;
    return 0;
}

bool content_same(struct hash a, struct hash b)
{
    return a.lo == b.lo || a.hi == b.hi;
}

/* ---- nearly the same ----------------------------------------------------------------------- */

/* Whether a character goes on at this byte. */
static bool goes_on(struct str s, size_t at)
{
    return at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80;
}

static size_t common_front(struct str a, struct str b)
{
    size_t n = 0, most = a.n < b.n ? a.n : b.n;

    while (n < most && a.p[n] == b.p[n])
        n++;
    while (n && (goes_on(a, n) || goes_on(b, n)))
        n--;
    return n;
}

/* It may begin inside a character: a character is counted by its first byte. */
static size_t common_back(struct str a, struct str b)
{
    size_t n = 0, most = a.n < b.n ? a.n : b.n;

    while (n < most && a.p[a.n - n - 1] == b.p[b.n - n - 1])
        n++;
    return n;
}

static size_t characters_apart(struct str a, struct str b)
{
    size_t front = common_front(a, b), back;

    a = str_sub(a, front, SIZE_MAX);
    b = str_sub(b, front, SIZE_MAX);
    back = common_back(a, b);
    return text_length(str_sub(a, 0, a.n - back)) + text_length(str_sub(b, 0, b.n - back));
}

bool content_near(struct content_version a, struct content_version b, size_t least,
                  struct buf *scratch)
{
    struct content x, y = {.sequence = scratch};
    struct str both;
    size_t first;

    content_begin(&x, scratch);
    content_text(&x, a.text);
    first = scratch->len;
    content_text(&y, b.text);
    both = buf_str(scratch);
    /* What is left of a sum when the text is taken off is that of links and media. */
    return !scratch->failed && a.hash.hi - x.sum == b.hash.hi - y.sum &&
           characters_apart(str_sub(both, 0, first), str_sub(both, first, SIZE_MAX)) < least;
}
