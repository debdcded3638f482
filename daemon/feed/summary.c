/* Summaries: the opening of an entry as plain text. */
#include "render.h"

/* Most bytes of text that can be of use for one character of a summary, white space included. What
 * is longer is looked at whole, which is right but slow. */
#define BYTES_A_CHARACTER 16

/* Appends `text` collapsed; of a long one only the head, where that gives over `max` characters. */
static int collapse_head(struct buf *out, struct str text, size_t max)
{
    size_t useful = max < SIZE_MAX / BYTES_A_CHARACTER ? max * BYTES_A_CHARACTER : SIZE_MAX;

    if (useful < text.n) {
        /* One character more than is compared: the last one may be cut. */
        if (text_collapse(out, str_sub(text, 0, useful)) != 0)
            return -1;
        if (text_length(buf_str(out)) > max + 1)
            return 0;
        buf_reset(out);
    }
    return text_collapse(out, text);
}

static bool ends_sentence(uint32_t c, uint32_t next)
{
    if (c == 0x3002 || c == 0xff01 || c == 0xff1f) /* 。！？ */
        return true;
    return (c == '.' || c == '!' || c == '?') && (next == ' ' || next == 0);
}

static bool is_word(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Where to cut `s`, of which `head` are the bytes there is room for: behind the last sentence that
 * ends in its second half, else behind the last word where one would be cut in two. */
static size_t cut_at(struct str s, size_t head, size_t max)
{
    size_t sentence = 0, word = 0, count = 0;
    struct str rest = s;
    uint32_t c = 0, next = text_next(&rest);

    while (s.n - rest.n <= head && next) {
        size_t end = s.n - rest.n;
        c = next;
        next = text_next(&rest);
        if (++count < (max + 1) / 2)
            continue;
        if (ends_sentence(c, next)) /* with its blank, where there is room for it */
            sentence = end + (next == ' ' && end < head);
        if (c == ' ')
            word = end - 1;
    }
    if (sentence)
        return sentence;
    if (is_word(c) && is_word(next) && word)
        return word;
    return c == ' ' ? head - 1 : head;
}

int feed_summary(struct buf *out, struct str text, size_t max)
{
    struct buf flat;

    buf_init(&flat, SPACE_MAX);
    if (!max || collapse_head(&flat, text, max) != 0)
        goto out;
    struct str s = buf_str(&flat);
    if (text_length(s) <= max) {
        buf_add(out, s);
        goto out;
    }
    struct str cut = str_sub(s, 0, cut_at(s, text_head(s, max - 1).n, max));
    buf_add(out, cut);
    buf_puts(out, "…");
out:;
    int result = out->failed || flat.failed ? -1 : 0;
    buf_clear(&flat);
    return result;
}
