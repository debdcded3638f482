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
