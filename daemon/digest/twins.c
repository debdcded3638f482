/* twins: the same article in two sources, and whether an edit of one of them is news. */
#include "digest.h"

#include "assign.h"
#include "shingles.h"

#include <stdlib.h>
#include <string.h>

/* How much text two entries must have in common to be one article, and how many shingles, which is
 * about as many characters, each has to have: a line or two may be anybody's. That one article is
 * there twice is a small evil; of two that are taken for one, one would be lost. */
#define SAME_TITLE_LEAST     0.7
#define SAME_TITLE_SHINGLES  60
#define OTHER_TITLE_LEAST    0.85
#define OTHER_TITLE_SHINGLES 200
/* What the same title adds when pairs are weighed against each other. */
#define TITLE_BONUS          0.25
/* More than any likeness: they came with the same id. */
#define CERTAIN              2.0

/* An edit is the other's edit, done once more, where no more than one part in so many of what it
 * put in and took out is not so there. */
#define OWN_PART 4

/* ---- sketches ------------------------------------------------------------------------------ */

int sketch_of(struct sketch *out, struct str text)
{
    struct shingles all;
    struct buf scratch;

    buf_init(&scratch, SIZE_MAX);
    *out = (struct sketch){0};
    int done = shingles_of(&all, text, &scratch);
    buf_clear(&scratch);
    if (done < 0)
        return -1;
    if (all.count >= SAME_TITLE_SHINGLES)
        out->count = all.count < SKETCH_SIZE ? all.count : SKETCH_SIZE;
    for (size_t i = 0; i < out->count; i++)
        out->items[i] = all.items[i];
    shingles_clear(&all);
    return 0;
}

/* ---- pairs --------------------------------------------------------------------------------- */

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* 0: the two are not one article. */
static double weigh(const struct twin *a, const struct shingles *of_a, const struct twin *b,
                    const struct shingles *of_b)
{
    bool same_title = str_eq(a->title, b->title);
    size_t size = lesser(of_a->count, of_b->count);

    if (a->given.n && str_eq(a->given, b->given))
        return CERTAIN;
    if (size < (same_title ? SAME_TITLE_SHINGLES : OTHER_TITLE_SHINGLES))
        return 0;
    double common = shingles_common(of_a, of_b);
    if (common < (same_title ? SAME_TITLE_LEAST : OTHER_TITLE_LEAST))
        return 0;
    return common + (same_title ? TITLE_BONUS : 0);
}

/* The pairs of one left side stand together: its shingles are made once. */
static int weigh_all(const struct twin *lefts, const struct twin *rights, struct pair *pairs,
                     size_t count, struct buf *scratch)
{
    struct shingles left = {0}, right;
    int done = 0;

    for (size_t i = 0; i < count && done == 0; i++) {
        if (i == 0 || pairs[i].left != pairs[i - 1].left) {
            shingles_clear(&left);
            done = shingles_of(&left, lefts[pairs[i].left].text, scratch);
        }
        if (done < 0 || (done = shingles_of(&right, rights[pairs[i].right].text, scratch)) < 0)
            break;
        double weight = weigh(&lefts[pairs[i].left], &left, &rights[pairs[i].right], &right);
        pairs[i].weight = weight * weight;
        shingles_clear(&right);
    }
    shingles_clear(&left);
    return done;
}

/* What is no pair has no weight, and goes. */
static size_t keep_weighty(struct pair *pairs, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (pairs[i].weight > 0)
            pairs[kept++] = pairs[i];
    return kept;
}

int twins_assign(const struct twin *lefts, size_t lefts_count, const struct twin *rights,
                 size_t rights_count, const struct twin_pair *possible, size_t count,
                 size_t *twin_of)
{
    struct pair *pairs = calloc(count + 1, sizeof(*pairs));
    struct buf scratch;
    int done = -1;

    buf_init(&scratch, SIZE_MAX);
    for (size_t i = 0; i < lefts_count; i++)
        twin_of[i] = TWIN_NONE;
    for (size_t i = 0; pairs && i < count; i++)
        pairs[i] = (struct pair){.left = possible[i].left, .right = possible[i].right};
    if (pairs && weigh_all(lefts, rights, pairs, count, &scratch) == 0) {
        count = keep_weighty(pairs, count);
        done = assign_pairs(pairs, count, lefts_count, rights_count);
    }
    for (size_t i = 0; done == 0 && i < count; i++)
        if (pairs[i].taken)
            twin_of[pairs[i].left] = pairs[i].right;
    buf_clear(&scratch);
    free(pairs);
    return done;
}

/* ---- edits --------------------------------------------------------------------------------- */

/* Cuts a tag off the front of *html, which begins with '<'. */
static struct str cut_tag(struct str *html)
{
    char quote = 0;
    size_t n = 0;

    while (n < html->n && (quote || html->p[n] != '>')) {
        char c = html->p[n++];

        if (c == quote)
            quote = 0;
        else if (!quote && (c == '"' || c == '\''))
            quote = c;
    }
    struct str tag = str_sub(*html, 0, n + 1);
    *html = str_sub(*html, tag.n, SIZE_MAX);
    return tag;
}

/* Of a tag its name and where it leads. Pictures have other addresses on every site. */
static void put_tag(struct buf *out, struct str tag)
{
    struct str href = STR(" href=\"");
    size_t at = str_find(tag, href, 0), name = 0;

    while (name < tag.n && tag.p[name] != ' ' && tag.p[name] != '>')
        name++;
    buf_add(out, str_sub(tag, 0, name));
    if (at != SIZE_MAX) {
        struct str rest = str_sub(tag, at + href.n, SIZE_MAX);

        buf_add(out, str_cut(&rest, '"'));
    }
    buf_putc(out, '>');
}

static int words_of(struct shingles *s, const struct wording *w, struct buf *scratch)
{
    struct str rest = w->html;
    struct buf words;

    buf_init(&words, SIZE_MAX);
    buf_add(&words, w->title);
    buf_puts(&words, "<>");
    while (rest.n) {
        size_t n = lesser(str_find(rest, STR("<"), 0), rest.n);

        buf_add(&words, str_sub(rest, 0, n));
        rest = str_sub(rest, n, SIZE_MAX);
        if (rest.n)
            put_tag(&words, cut_tag(&rest));
    }
    int done = words.failed ? -1 : shingles_of(s, buf_str(&words), scratch);
    buf_clear(&words);
    return done;
}

/* How many of `a` that are not in `without` are in `in`, or are not in it. */
struct tally {
    size_t in, out;
};

static bool has(const struct shingles *s, uint32_t item)
{
    size_t low = 0, high = s->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->items[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && s->items[low] == item;
}

static struct tally count_only_in(const struct shingles *a, const struct shingles *without,
                                  const struct shingles *in)
{
    struct tally t = {0};

    for (size_t i = 0; i < a->count; i++) {
        if (has(without, a->items[i]))
            continue;
        if (has(in, a->items[i]))
            t.in++;
        else
            t.out++;
    }
    return t;
}

int edit_follows(const struct wording *before, const struct wording *after,
                 const struct wording *shown)
{
    const struct wording *wordings[] = {before ? before : after, after, shown};
    struct shingles s[3] = {0};
    struct buf scratch;
    int done = 0;

    buf_init(&scratch, SIZE_MAX);
    for (size_t i = 0; i < 3 && done == 0; i++)
        done = words_of(&s[i], wordings[i], &scratch);
    buf_clear(&scratch);
    if (done == 0 && !before) {
        done = shingles_common(&s[1], &s[2]) * OWN_PART >= OWN_PART - 1;
    } else if (done == 0) {
        struct tally in = count_only_in(&s[1], &s[0], &s[2]);
        struct tally out = count_only_in(&s[0], &s[1], &s[2]);

        done = (in.out + out.in) * OWN_PART <= in.in + in.out + out.in + out.out;
    }
    for (size_t i = 0; i < 3; i++)
        shingles_clear(&s[i]);
    return done;
}
