/* likeness: pairs among what the certain phases left over. An inverted index over the shingles of
 * the sections finds the few that an entry may have become; which of these pairs are bound is one
 * assignment over all of them. */
#include "match.h"

#include "assign.h"
#include "shingles.h"

#include <stdlib.h>
#include <string.h>

/* A shingle that stands in more sections than this says nothing about any of them. */
#define COMMONPLACE 32
#define CANDIDATES  8
/* Of those that say something, so many of each section are in the index, the ones with the smallest
 * numbers: in two texts of which half is the same many of them are too. An entry asks for twice as
 * many, since it may be twice as long. */
#define SKETCH      128
/* Bits by which the number of sections is counted in which a shingle stands. */
#define TALLY_LEAST 10
#define TALLY_MOST  24

/* How much text two must have in common to be the same entry. */
#define SAME_TITLE_LEAST          0.2
#define SAME_TITLE_RESTORED_LEAST 0.3
#define OTHER_TITLE_LEAST         0.5
/* What the same title adds when pairs are weighed against each other, and each neighbour on the
 * page that is the entry's old neighbour. */
#define TITLE_BONUS               0.25
#define NEIGHBOUR_BONUS           0.05
/* What was removed is less likely meant than what stands. */
#define REMOVED_MALUS             0.1
/* Among equals what stayed in its place is likelier: of the smallest weight, so much a place. */
#define DISTANCE_MALUS            1e-7
#define DISTANCE_MOST             1000

struct posting {
    uint32_t shingle;
    uint32_t section;
};

struct likeness {
    struct match *m;
    struct shingles *of_section; /* of free sections, else empty */
    unsigned char *tally;        /* by the upper bits of a shingle: in so many sections, up to
                                    COMMONPLACE + 1 */
    unsigned tally_shift;
    struct posting *postings;
    size_t postings_count;
    uint32_t *hits;    /* a section: shingles shared with the entry at hand */
    uint32_t *touched; /* the sections with hits */
    size_t *by_title;  /* the free sections, by title and then by place */
    size_t by_title_count;
    size_t *before, *behind; /* of each entry: the one that stood next to it on the page */
    struct pair *pairs;      /* left: section, right: entry */
    size_t pairs_count, pairs_room;
    struct buf scratch;
};

/* ---- the index ----------------------------------------------------------------------------- */

static int compare_postings(const void *a, const void *b)
{
    const struct posting *x = a, *y = b;

    if (x->shingle != y->shingle)
        return x->shingle < y->shingle ? -1 : 1;
    return (x->section > y->section) - (x->section < y->section);
}

/* Whether a shingle stands on the page, and not everywhere. */
static bool is_telling(const struct likeness *l, uint32_t shingle)
{
    unsigned sections = l->tally[shingle >> l->tally_shift];

    return sections && sections <= COMMONPLACE;
}

/* Counts in how many sections each shingle stands. Two that share a place are counted as one. */
static int tally_build(struct likeness *l, size_t total)
{
    unsigned bits = TALLY_LEAST;

    while (bits < TALLY_MOST && (size_t)1 << bits < 2 * total)
        bits++;
    l->tally_shift = 32 - bits;
    l->tally = calloc((size_t)1 << bits, 1);
    if (!l->tally)
        return -1;
    for (size_t i = 0; i < l->m->in.page->count; i++)
        for (size_t k = 0; k < l->of_section[i].count; k++) {
            unsigned char *n = &l->tally[l->of_section[i].items[k] >> l->tally_shift];

            *n = (unsigned char)(*n + (*n <= COMMONPLACE));
        }
    return 0;
}

static void postings_add(struct likeness *l, size_t section)
{
    const struct shingles *of = &l->of_section[section];
    size_t end = l->postings_count + SKETCH;

    for (size_t k = 0; k < of->count && l->postings_count < end; k++)
        if (is_telling(l, of->items[k]))
            l->postings[l->postings_count++] = (struct posting){of->items[k], (uint32_t)section};
}

static int index_build(struct likeness *l)
{
    const struct page *page = l->m->in.page;
    size_t total = 0, room = 1;

    for (size_t i = 0; i < page->count; i++) {
        if (l->m->entry_of[i] != NOBODY)
            continue;
        if (shingles_of(&l->of_section[i], page->sections[i].text, &l->scratch) < 0)
            return -1;
        total += l->of_section[i].count;
        room += l->of_section[i].count < SKETCH ? l->of_section[i].count : SKETCH;
    }
    l->postings = malloc(room * sizeof(*l->postings));
    if (!l->postings || tally_build(l, total) < 0)
        return -1;
    for (size_t i = 0; i < page->count; i++)
        postings_add(l, i);
    qsort(l->postings, l->postings_count, sizeof(*l->postings), compare_postings);
    return 0;
}

static size_t index_find(const struct likeness *l, uint32_t shingle)
{
    size_t low = 0, high = l->postings_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (l->postings[middle].shingle < shingle)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int compare_str(struct str a, struct str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare_titles(const void *a, const void *b, void *sections)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    int order = compare_str(((const struct section *)sections)[x].title,
                            ((const struct section *)sections)[y].title);

    return order ? order : (x > y) - (x < y);
}

static void titles_sort(struct likeness *l)
{
    for (size_t i = 0; i < l->m->in.page->count; i++)
        if (l->m->entry_of[i] == NOBODY)
            l->by_title[l->by_title_count++] = i;
    qsort_r(l->by_title, l->by_title_count, sizeof(*l->by_title), compare_titles,
            l->m->in.page->sections);
}

/* ---- candidates ---------------------------------------------------------------------------- */

static bool is_bound_to(const struct match *m, size_t section, size_t entry)
{
    return section < m->in.page->count && entry != NOBODY && m->entry_of[section] == entry;
}

/* What speaks for a pair, besides the text. */
static double bonus_of(const struct likeness *l, size_t section, size_t entry, bool same_title)
{
    int64_t distance = llabs((long long)((int64_t)section - l->m->in.known[entry].position));
    double bonus = same_title ? TITLE_BONUS : 0;

    bonus -= match_stands(&l->m->in.known[entry]) ? 0 : REMOVED_MALUS;
    bonus += is_bound_to(l->m, section - 1, l->before[entry]) ? NEIGHBOUR_BONUS : 0;
    bonus += is_bound_to(l->m, section + 1, l->behind[entry]) ? NEIGHBOUR_BONUS : 0;
    return bonus - DISTANCE_MALUS * (double)(distance < DISTANCE_MOST ? distance : DISTANCE_MOST);
}

static int pair_add(struct likeness *l, size_t section, size_t entry, double common)
{
    const struct entry *known = &l->m->in.known[entry];
    bool same_title = str_eq(known->title, l->m->in.page->sections[section].title);
    double weight, least = !same_title           ? OTHER_TITLE_LEAST
                           : match_stands(known) ? SAME_TITLE_LEAST
                                                 : SAME_TITLE_RESTORED_LEAST;

    if (common < least || (!same_title && !match_may_rename(l->m, section, entry)))
        return 0;
    if (l->pairs_count == l->pairs_room) {
        size_t room = l->pairs_room ? l->pairs_room * 2 : 64;
        struct pair *pairs = realloc(l->pairs, room * sizeof(*pairs));

        if (!pairs)
            return -1;
        l->pairs = pairs;
        l->pairs_room = room;
    }
    weight = common + bonus_of(l, section, entry, same_title);
    /* Squared: one that is nearly the same is worth more than two that are half so. */
    l->pairs[l->pairs_count++] = (struct pair){
        .left = (uint32_t)section, .right = (uint32_t)entry, .weight = weight * weight};
    return 0;
}

/* Counts for each section how many telling shingles it shares with `of`. */
static size_t count_hits(struct likeness *l, const struct shingles *of)
{
    size_t touched = 0, asked = 0;

    for (size_t i = 0; i < of->count && asked < (size_t)2 * SKETCH; i++) {
        if (!is_telling(l, of->items[i]))
            continue;
        asked++;
        for (size_t at = index_find(l, of->items[i]);
             at < l->postings_count && l->postings[at].shingle == of->items[i]; at++)
            if (!l->hits[l->postings[at].section]++)
                l->touched[touched++] = l->postings[at].section;
    }
    return touched;
}

/* Keeps the best CANDIDATES of `touched` in front. */
static size_t best_first(struct likeness *l, size_t touched)
{
    size_t kept = touched < CANDIDATES ? touched : CANDIDATES;

    for (size_t i = 0; i < kept; i++) {
        size_t best = i;
        uint32_t swap;

        for (size_t k = i + 1; k < touched; k++)
            if (l->hits[l->touched[k]] > l->hits[l->touched[best]])
                best = k;
        swap = l->touched[i];
        l->touched[i] = l->touched[best];
        l->touched[best] = swap;
    }
    return kept;
}

/* The first of the free sections, sorted by title and place, that is not before `title` and
 * `place`. */
static size_t titles_find(const struct likeness *l, struct str title, size_t place)
{
    size_t low = 0, high = l->by_title_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2, section = l->by_title[middle];
        int order = compare_str(l->m->in.page->sections[section].title, title);

        if (order < 0 || (order == 0 && section < place))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The same title is always worth a look, however commonplace the words are. Of many twins those in
 * the place where the entry stood. */
static int weigh_same_title(struct likeness *l, size_t entry, const struct shingles *of)
{
    const struct entry *known = &l->m->in.known[entry];
    size_t place = known->position > CANDIDATES / 2 ? (size_t)known->position - CANDIDATES / 2 : 0;
    size_t first = titles_find(l, known->title, 0), end = titles_find(l, known->title, NOBODY);
    size_t from = titles_find(l, known->title, place);
    int done = 0;

    if (end - first <= CANDIDATES)
        from = first;
    else if (end - from < CANDIDATES)
        from = end - CANDIDATES;
    for (size_t i = from; i < end && i < from + CANDIDATES && done == 0; i++)
        done =
            pair_add(l, l->by_title[i], entry, shingles_common(of, &l->of_section[l->by_title[i]]));
    return done;
}

/* A word or two may be anybody's: where the entry's title still stands, that one is asked alone. */
static bool content_speaks(const struct likeness *l, const struct entry *known)
{
    size_t at = titles_find(l, known->title, 0);

    return known->text.n >= TELLING_BYTES || at == l->by_title_count ||
           !str_eq(l->m->in.page->sections[l->by_title[at]].title, known->title);
}

static int weigh_entry(struct likeness *l, size_t entry)
{
    const struct page *page = l->m->in.page;
    const struct entry *known = &l->m->in.known[entry];
    struct shingles of;
    size_t touched, kept;
    int done = shingles_of(&of, known->text, &l->scratch);

    if (done < 0)
        return -1;
    touched = count_hits(l, &of);
    kept = best_first(l, touched);
    for (size_t i = 0; i < kept && done == 0 && content_speaks(l, known); i++)
        if (!str_eq(page->sections[l->touched[i]].title, known->title))
            done = pair_add(l, l->touched[i], entry,
                            shingles_common(&of, &l->of_section[l->touched[i]]));
    for (size_t i = 0; i < touched; i++)
        l->hits[l->touched[i]] = 0;
    if (done == 0)
        done = weigh_same_title(l, entry, &of);
    shingles_clear(&of);
    return done;
}

/* ---- binding ------------------------------------------------------------------------------- */

static int bind_pairs(struct likeness *l)
{
    struct match *m = l->m;

    if (assign_pairs(l->pairs, l->pairs_count, m->in.page->count, m->in.known_count) < 0)
        return -1;
    for (size_t i = 0; i < l->pairs_count; i++)
        if (l->pairs[i].taken)
            match_bind(m, l->pairs[i].left, l->pairs[i].right);
    return 0;
}

/* ---- neighbours ---------------------------------------------------------------------------- */

static int compare_positions(const void *a, const void *b, void *known)
{
    const struct entry *x = (const struct entry *)known + *(const size_t *)a;
    const struct entry *y = (const struct entry *)known + *(const size_t *)b;

    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return (x->seq > y->seq) - (x->seq < y->seq);
}

/* Who stood next to whom, of the entries that stand on the page. */
static int neighbours_find(struct likeness *l)
{
    const struct match_input *in = &l->m->in;
    size_t *live = malloc((in->known_count + 1) * sizeof(*live)), count = 0;

    if (!live)
        return -1;
    for (size_t i = 0; i < in->known_count; i++) {
        l->before[i] = l->behind[i] = NOBODY;
        if (match_stands(&in->known[i]))
            live[count++] = i;
    }
    qsort_r(live, count, sizeof(*live), compare_positions, (void *)in->known);
    for (size_t i = 1; i < count; i++) {
        l->before[live[i]] = live[i - 1];
        l->behind[live[i - 1]] = live[i];
    }
    free(live);
    return 0;
}

static int weigh_all(struct likeness *l)
{
    for (size_t i = 0; i < l->m->in.known_count; i++)
        if (l->m->section_of[i] == NOBODY && weigh_entry(l, i) < 0)
            return -1;
    return 0;
}

static bool anybody(const size_t *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (items[i] == NOBODY)
            return true;
    return false;
}

int match_by_likeness(struct match *m)
{
    size_t n = m->in.page->count, known = m->in.known_count;
    struct likeness l = {.m = m};
    int done = -1;

    if (!anybody(m->entry_of, n) || !anybody(m->section_of, known))
        return 0;
    buf_init(&l.scratch, SIZE_MAX);
    l.of_section = calloc(n, sizeof(*l.of_section));
    l.hits = calloc(n, sizeof(*l.hits));
    l.touched = calloc(n, sizeof(*l.touched));
    l.by_title = calloc(n, sizeof(*l.by_title));
    l.before = calloc(known, sizeof(*l.before));
    l.behind = calloc(known, sizeof(*l.behind));
    if (l.of_section && l.hits && l.touched && l.by_title && l.before && l.behind &&
        index_build(&l) == 0 && neighbours_find(&l) == 0) {
        titles_sort(&l);
        done = weigh_all(&l);
    }
    if (done == 0)
        done = bind_pairs(&l);
    for (size_t i = 0; l.of_section && i < n; i++)
        shingles_clear(&l.of_section[i]);
    free(l.of_section);
    free(l.hits);
    free(l.touched);
    free(l.by_title);
    free(l.before);
    free(l.behind);
    free(l.postings);
    free(l.tally);
    free(l.pairs);
    buf_clear(&l.scratch);
    return done;
}
