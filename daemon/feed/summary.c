/* Summaries: the opening of an entry as plain text. */
#include "letters.h"
#include "render.h"

/* Most bytes of text that can be of use for one unit of a summary, white space included. What is
 * longer is looked at whole, which is right but slow. */
#define BYTES_A_UNIT 16

/* UTF-16 code units. */
static size_t units_of(uint32_t c)
{
    return c > 0xffff ? 2 : 1;
}

/* How many bytes of `s` fit into `max` units: all of them, or whole characters. */
static size_t fitting(struct str s, size_t max)
{
    struct str rest = s;
    size_t units = 0, fit = 0;
    uint32_t c;

    while ((c = text_next(&rest)) != 0) {
        units += units_of(c);
        if (units > max)
            return fit;
        fit = s.n - rest.n;
    }
    return s.n;
}

/* Appends `text` collapsed; of a long one only the head, where that gives over `max` units. */
static int collapse_head(struct buf *out, struct str text, size_t max)
{
    size_t useful = max < SIZE_MAX / BYTES_A_UNIT ? max * BYTES_A_UNIT : SIZE_MAX;

    if (useful < text.n) {
        if (text_collapse(out, str_sub(text, 0, useful)) != 0)
            return -1;
        /* Two units more than are looked at: the last character may be cut. */
        if (fitting(buf_str(out), max + 2) < out->len)
            return 0;
        buf_reset(out);
    }
    return text_collapse(out, text);
}

static bool is_one_of(uint32_t c, const uint32_t *list)
{
    while (*list && *list != c)
        list++;
    return c && *list == c;
}

/* 。！？．｡ end a sentence wherever they stand, . ! ? before a blank. */
static bool is_wide_stop(uint32_t c)
{
    static const uint32_t stops[] = {0x3002, 0xff01, 0xff1f, 0xff0e, 0xff61, 0};

    return is_one_of(c, stops);
}

static bool is_stop(uint32_t c)
{
    return c == '.' || c == '!' || c == '?' || is_wide_stop(c);
}

/* What closes around a sentence and so belongs to it: quotation marks and brackets. */
static bool closes(uint32_t c)
{
    static const uint32_t closing[] = {'"',    '\'',   ')',    ']',    0xbb,   0x2019, 0x201d,
                                       0x300b, 0x300d, 0x300f, 0x3011, 0xff09, 0xff3d, 0};

    return is_one_of(c, closing);
}

/* Where one is on the way through a text that is to be cut. */
struct cutter {
    struct str rest;
    uint32_t c, next;
    uint32_t stop; /* of the sentence that ends with `c`, but for what closes around it; or 0 */
    bool paired;   /* `c` is the second half of a flag */
};

static void cutter_step(struct cutter *k)
{
    k->paired = letter_is_flag(k->c) && letter_is_flag(k->next) && !k->paired;
    k->c = k->next;
    k->next = text_next(&k->rest);
    k->stop = is_stop(k->c) ? k->c : closes(k->c) ? k->stop : 0;
}

/* Whether the text may be cut behind `c`. */
static bool cutter_may(const struct cutter *k)
{
    bool flag = letter_is_flag(k->c) && letter_is_flag(k->next) && !k->paired;

    return !flag && !letter_joins(k->c, k->next);
}

static bool cutter_ends(const struct cutter *k)
{
    if (!k->stop || closes(k->next))
        return false;
    return is_wide_stop(k->stop) ? !is_wide_stop(k->next) : k->next == ' ' || !k->next;
}

/* Where to cut `s`, of which `head` are the bytes there is room for: behind the last sentence that
 * ends in its second half, else behind the last word where one would be cut in two. */
static size_t cut_at(struct str s, size_t head, size_t max)
{
    struct cutter k = {.rest = s};
    size_t sentence = 0, word = 0, any = 0, units = 0, end;
    bool in_word = false;

    k.next = text_next(&k.rest);
    for (end = 0; end < head && k.next;) {
        end = s.n - k.rest.n;
        cutter_step(&k);
        units += units_of(k.c);
        if (!cutter_may(&k))
            continue;
        any = k.c == ' ' ? end - 1 : end;
        in_word = letter_is_of_word(k.c) && letter_is_of_word(k.next);
        if (units < (max + 1) / 2)
            continue;
        if (cutter_ends(&k)) /* with its blank, where there is room for it */
            sentence = end + (k.next == ' ' && end < head);
        if (k.c == ' ')
            word = end - 1;
    }
    if (sentence)
        return sentence;
    if (in_word && word)
        return word;
    return any ? any : head;
}

int feed_summary(struct buf *out, struct str text, size_t max)
{
    struct buf flat;

    buf_init(&flat, SPACE_MAX);
    if (!max || collapse_head(&flat, text, max) != 0)
        goto out;
    struct str s = buf_str(&flat);
    if (fitting(s, max) == s.n) {
        buf_add(out, s);
        goto out;
    }
    buf_add(out, str_sub(s, 0, cut_at(s, fitting(s, max - 1), max)));
    buf_puts(out, "…");
out:;
    int result = out->failed || flat.failed ? -1 : 0;
    buf_clear(&flat);
    return result;
}
