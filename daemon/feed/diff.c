/* See diff.h. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), in its variant that
 * needs linear space: where the ways from both ends meet, the problem falls into two halves. */
#include "diff.h"

#include <string.h>

#include "letters.h"

/* Steps that a comparison may take besides a few for each token. Beyond them what is left counts
 * as replaced: texts with that little in common are read anew anyway. */
#define STEPS_LEAST   ((size_t)4 << 20)
#define STEPS_A_TOKEN 8

/* ---- tokens: lines or words, as numbers ---------------------------------------------------- */

/* Cuts the first token off *rest, which is not empty. */
typedef struct str cutter(struct str *rest);

static struct str cut_at(struct str *rest, size_t n)
{
    struct str token = str_sub(*rest, 0, n);

    *rest = str_sub(*rest, n, rest->n);
    return token;
}

/* With what ends it. */
static struct str cut_line(struct str *rest)
{
    size_t end = str_find(*rest, STR("\n"), 0);

    return cut_at(rest, end == SIZE_MAX ? rest->n : end + 1);
}

enum letter { LETTER_END, LETTER_BLANK, LETTER_OF_WORD, LETTER_ALONE };

static enum letter letter_of(uint32_t c)
{
    if (c == '\n')
        return LETTER_END;
    if (text_is_space(c))
        return LETTER_BLANK;
    return letter_is_of_word(c) ? LETTER_OF_WORD : LETTER_ALONE;
}

/* Nothing is cut that shows as one. Blanks are a token together, and so is a word. */
static struct str cut_word(struct str *rest)
{
    struct str s = *rest;
    uint32_t c = text_next(&s), next;
    enum letter kind = letter_of(c);
    bool runs = kind == LETTER_BLANK || kind == LETTER_OF_WORD;

    for (struct str ahead = s; ahead.n; s = ahead, c = next) {
        next = text_next(&ahead);
        bool joined = next != '\n' && kind != LETTER_END && letter_joins(c, next);
        if (!joined && !(runs && letter_of(next) == kind))
            break;
    }
    return cut_at(rest, rest->n - s.n);
}

struct tokens {
    struct str *all;
    uint32_t *numbers; /* equal ones have equal numbers */
    bool *changed;
    size_t count;
};

static int tokens_cut(struct tokens *t, struct arena *a, struct str text, cutter *cut)
{
    struct str rest = text;
    size_t i = 0;

    for (*t = (struct tokens){0}; rest.n; t->count++)
        cut(&rest);
    t->all = arena_array(a, t->count + 1, sizeof(*t->all));
    t->numbers = arena_array(a, t->count + 1, sizeof(*t->numbers));
    t->changed = arena_array(a, t->count + 1, sizeof(*t->changed));
    if (!t->all || !t->numbers || !t->changed)
        return -1;
    for (rest = text; rest.n; i++)
        t->all[i] = cut(&rest);
    return 0;
}

/* The bytes from token `from` up to `to` of those of `text`. */
static struct str tokens_span(const struct tokens *t, size_t from, size_t to)
{
    if (from == to)
        return (struct str){0};
    const char *end = t->all[to - 1].p + t->all[to - 1].n;
    return (struct str){t->all[from].p, (size_t)(end - t->all[from].p)};
}

/* A table of the tokens seen so far: a slot is a number, 0 where it is free. */
struct names {
    uint32_t *slots;
    struct str *known; /* by number */
    size_t mask;
    uint32_t count;
};

static uint32_t names_number(struct names *n, struct str token)
{
    size_t at = (size_t)hash_of(token).lo & n->mask;

    while (n->slots[at] && !str_eq(n->known[n->slots[at]], token))
        at = (at + 1) & n->mask;
    if (!n->slots[at]) {
        n->slots[at] = ++n->count;
        n->known[n->count] = token;
    }
    return n->slots[at];
}

static int tokens_number(struct arena *a, struct tokens *x, struct tokens *y)
{
    struct names n = {.mask = 15};
    size_t all = x->count + y->count;

    if (all >= UINT32_MAX / 4)
        return -1;
    while (n.mask < all * 2)
        n.mask = n.mask * 2 + 1;
    n.slots = arena_array(a, n.mask + 1, sizeof(*n.slots));
    n.known = arena_array(a, all + 1, sizeof(*n.known));
    if (!n.slots || !n.known)
        return -1;
    for (size_t i = 0; i < x->count; i++)
        x->numbers[i] = names_number(&n, x->all[i]);
    for (size_t i = 0; i < y->count; i++)
        y->numbers[i] = names_number(&n, y->all[i]);
    return 0;
}

/* ---- Myers --------------------------------------------------------------------------------- */

struct search {
    struct tokens *x, *y;
    int64_t *forward, *backward; /* how far one comes on each diagonal; -1: not been there */
    size_t steps;                /* that are left */
};

/* A part of both texts. */
struct box {
    size_t x, n;
    size_t y, m;
};

/* One of the two ways through a box: from its front, or, mirrored, from its back. */
struct way {
    const struct search *search;
    const struct box *box;
    int64_t *reached;
    bool back;
    int64_t offset, first, last; /* what has left the box is not followed */
};

static bool way_equal(const struct way *w, int64_t x, int64_t y)
{
    const struct box *b = w->box;
    size_t i = w->back ? b->x + b->n - 1 - (size_t)x : b->x + (size_t)x;
    size_t j = w->back ? b->y + b->m - 1 - (size_t)y : b->y + (size_t)y;

    return w->search->x->numbers[i] == w->search->y->numbers[j];
}

/* Goes one edit further on diagonal `k` and then as far as both are the same. False: out of the
 * box. */
static bool way_step(struct way *w, int64_t d, int64_t k, size_t *steps)
{
    int64_t n = (int64_t)w->box->n, m = (int64_t)w->box->m;
    int64_t *at = w->reached + w->offset + k;
    bool down = k == -d || (k != d && at[-1] < at[1]);
    int64_t x = down ? at[1] : at[-1] + 1;
    int64_t from = x;

    while (x < n && x - k < m && way_equal(w, x, x - k))
        x++;
    *at = x;
    *steps = (size_t)(x - from) + 1;
    if (x > n)
        w->last += 2;
    else if (x - k > m)
        w->first += 2;
    return x <= n && x - k <= m;
}

/* Whether the way that came to `x` on diagonal `k` meets the other one there. */
static bool ways_meet(const struct way *w, const struct way *other, int64_t k, int64_t x)
{
    int64_t n = (int64_t)w->box->n, m = (int64_t)w->box->m;
    int64_t at = other->offset + n - m - k;

    if (at < 0 || at > 2 * other->offset || other->reached[at] < 0)
        return false;
    return x >= n - other->reached[at];
}

/* Lets the ways from both ends grow in turn. True: they meet at *x, *y of the box. */
static bool box_middle(struct search *s, const struct box *b, size_t *x, size_t *y)
{
    int64_t most = (int64_t)(b->n + b->m + 1) / 2;
    bool odd = (b->n + b->m) % 2;
    struct way ways[2] = {{s, b, s->forward, false, most, 0, 0},
                          {s, b, s->backward, true, most, 0, 0}};

    for (int64_t i = 0; i < 2 * most + 2; i++)
        s->forward[i] = s->backward[i] = -1;
    s->forward[most + 1] = s->backward[most + 1] = 0;
    for (int64_t d = 0; d < most; d++) {
        for (size_t side = 0; side < 2; side++) {
            struct way *w = &ways[side];
            for (int64_t k = -d + w->first; k <= d - w->last; k += 2) {
                size_t steps;
                bool inside = way_step(w, d, k, &steps);
                if (steps >= s->steps) {
                    s->steps = 0;
                    return false;
                }
                s->steps -= steps;
                int64_t at = w->reached[w->offset + k];
                if (!inside || odd == w->back || !ways_meet(w, &ways[!side], k, at))
                    continue;
                *x = w->back ? b->n - (size_t)at : (size_t)at;
                *y = w->back ? b->m - (size_t)(at - k) : (size_t)(at - k);
                return true;
            }
        }
    }
    return false;
}

static struct box box_trim(const struct search *s, struct box b)
{
    const uint32_t *x = s->x->numbers, *y = s->y->numbers;

    for (; b.n && b.m && x[b.x] == y[b.y]; b.n--, b.m--)
        b.x++, b.y++;
    while (b.n && b.m && x[b.x + b.n - 1] == y[b.y + b.m - 1])
        b.n--, b.m--;
    return b;
}

/* Marks what is changed. Each half has half the edits, so this goes as deep as the logarithm. */
static void box_compare(struct search *s, struct box whole)
{
    struct box b = box_trim(s, whole);
    size_t x = 0, y = 0;

    if (b.n && b.m && s->steps && box_middle(s, &b, &x, &y) && x + y > 0 && x + y < b.n + b.m) {
        box_compare(s, (struct box){b.x, x, b.y, y});
        box_compare(s, (struct box){b.x + x, b.n - x, b.y + y, b.m - y});
        return;
    }
    if (b.n)
        memset(s->x->changed + b.x, true, b.n);
    if (b.m)
        memset(s->y->changed + b.y, true, b.m);
}

static int tokens_compare(struct arena *a, struct tokens *x, struct tokens *y, size_t *steps)
{
    struct search s = {.x = x, .y = y, .steps = *steps};
    size_t room = x->count + y->count + 4;

    s.forward = arena_array(a, room, sizeof(*s.forward));
    s.backward = arena_array(a, room, sizeof(*s.backward));
    if (!s.forward || !s.backward || tokens_number(a, x, y) < 0)
        return -1;
    box_compare(&s, (struct box){0, x->count, 0, y->count});
    *steps = s.steps;
    return 0;
}

/* ---- from marks to pieces ------------------------------------------------------------------ */

/* A replacement: so many tokens of both sides. */
struct edit {
    size_t x0, x1, y0, y1;
};

/* The next edit at or behind e->x1, e->y1. False: all that is left is the same. */
static bool edit_next(const struct tokens *x, const struct tokens *y, struct edit *e)
{
    size_t i = e->x1, j = e->y1;

    while (i < x->count && j < y->count && !x->changed[i] && !y->changed[j])
        i++, j++;
    *e = (struct edit){i, i, j, j};
    while (e->x1 < x->count && x->changed[e->x1])
        e->x1++;
    while (e->y1 < y->count && y->changed[e->y1])
        e->y1++;
    return e->x1 > e->x0 || e->y1 > e->y0;
}

struct pieces {
    struct arena *arena;
    struct diff_piece *all;
    size_t count, room;
    bool failed;
};

static void pieces_add(struct pieces *p, enum diff_kind kind, struct str text)
{
    struct diff_piece *last = p->count ? &p->all[p->count - 1] : NULL;

    if (!text.n || p->failed)
        return;
    if (last && last->kind == kind && last->text.p + last->text.n == text.p) {
        last->text.n += text.n;
        return;
    }
    if (p->count == p->room) {
        size_t room = p->room ? p->room * 2 : 64;
        struct diff_piece *grown = arena_array(p->arena, room, sizeof(*grown));
        if (!grown) {
            p->failed = true;
            return;
        }
        if (p->count)
            memcpy(grown, p->all, p->count * sizeof(*grown));
        p->all = grown;
        p->room = room;
    }
    p->all[p->count++] = (struct diff_piece){kind, text};
}

static size_t edit_size(const struct tokens *x, const struct tokens *y, const struct edit *e)
{
    size_t out = tokens_span(x, e->x0, e->x1).n, in = tokens_span(y, e->y0, e->y1).n;

    return out > in ? out : in;
}

/* Two edits with less between them than they are themselves read better as one: of two sentences
 * that have nothing in common some "the" is always the same. Lines stay lines. */
static bool edits_belong(const struct tokens *x, const struct tokens *y, const struct edit *e,
                         const struct edit *next)
{
    struct str between = tokens_span(y, e->y1, next->y0);

    return between.n <= edit_size(x, y, e) && between.n <= edit_size(x, y, next) &&
           str_find(between, STR("\n"), 0) == SIZE_MAX;
}

static void put_words(struct pieces *p, const struct tokens *x, const struct tokens *y)
{
    struct edit e = {0}, next;
    size_t at = 0;
    bool more = edit_next(x, y, &e);

    while (more) {
        next = e;
        more = edit_next(x, y, &next);
        if (more && edits_belong(x, y, &e, &next)) {
            e = (struct edit){e.x0, next.x1, e.y0, next.y1};
            continue;
        }
        pieces_add(p, DIFF_SAME, tokens_span(y, at, e.y0));
        pieces_add(p, DIFF_OUT, tokens_span(x, e.x0, e.x1));
        pieces_add(p, DIFF_IN, tokens_span(y, e.y0, e.y1));
        at = e.y1;
        e = next;
    }
    pieces_add(p, DIFF_SAME, tokens_span(y, at, y->count));
}

/* Lines that were replaced: which of their words? */
static int put_replaced(struct pieces *p, struct str before, struct str after, size_t *steps)
{
    struct arena *a = arena_new();
    struct tokens x, y;
    int result = -1;

    if (a && tokens_cut(&x, a, before, cut_word) == 0 && tokens_cut(&y, a, after, cut_word) == 0 &&
        tokens_compare(a, &x, &y, steps) == 0) {
        put_words(p, &x, &y);
        result = 0;
    }
    arena_free(a);
    return result;
}

static int put_lines(struct pieces *p, const struct tokens *x, const struct tokens *y,
                     size_t *steps)
{
    struct edit e = {0};
    size_t at = 0;

    while (edit_next(x, y, &e)) {
        struct str out = tokens_span(x, e.x0, e.x1), in = tokens_span(y, e.y0, e.y1);

        pieces_add(p, DIFF_SAME, tokens_span(y, at, e.y0));
        at = e.y1;
        if (out.n && in.n) {
            if (put_replaced(p, out, in, steps) < 0)
                return -1;
            continue;
        }
        pieces_add(p, DIFF_OUT, out);
        pieces_add(p, DIFF_IN, in);
    }
    pieces_add(p, DIFF_SAME, tokens_span(y, at, y->count));
    return 0;
}

int diff_text(struct arena *a, struct str before, struct str after, struct diff_piece **pieces,
              size_t *count)
{
    struct arena *space = arena_new();
    struct pieces p = {.arena = a};
    struct tokens x, y;
    size_t of_lines = STEPS_LEAST, of_words = STEPS_LEAST;
    int result = -1;

    if (!space || tokens_cut(&x, space, before, cut_line) < 0 ||
        tokens_cut(&y, space, after, cut_line) < 0)
        goto out;
    of_lines += STEPS_A_TOKEN * (x.count + y.count);
    of_words += STEPS_A_TOKEN * (before.n + after.n);
    if (tokens_compare(space, &x, &y, &of_lines) < 0 || put_lines(&p, &x, &y, &of_words) < 0)
        goto out;
    *pieces = p.all;
    *count = p.count;
    result = p.failed ? -1 : 0;
out:
    arena_free(space);
    return result;
}
