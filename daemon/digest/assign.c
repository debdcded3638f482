/* assign: groups are found by joining the two sides of each pair; in each the Hungarian method
 * (Kuhn and Munkres, with potentials) finds the best. */
#include "assign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_MOST 64

/* ---- groups -------------------------------------------------------------------------------- */

struct groups {
    uint32_t *parent; /* lefts, then rights */
    size_t lefts;
};

static uint32_t group_of(const struct groups *g, size_t i)
{
    while (g->parent[i] != i) {
        g->parent[i] = g->parent[g->parent[i]];
        i = g->parent[i];
    }
    return (uint32_t)i;
}

static uint32_t group_of_pair(const struct groups *g, const struct pair *p)
{
    return group_of(g, p->left);
}

static void groups_join(struct groups *g, const struct pair *p)
{
    uint32_t a = group_of(g, p->left), b = group_of(g, g->lefts + p->right);

    g->parent[a > b ? a : b] = a > b ? b : a;
}

/* By group, the heaviest first. */
static int compare(const void *x, const void *y, void *groups)
{
    const struct pair *a = x, *b = y;
    uint32_t ga = group_of_pair(groups, a), gb = group_of_pair(groups, b);

    if (ga != gb)
        return ga < gb ? -1 : 1;
    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    if (a->left != b->left)
        return a->left < b->left ? -1 : 1;
    return (a->right > b->right) - (a->right < b->right);
}

/* ---- one group ----------------------------------------------------------------------------- */

/* The names that a group's pairs have on one side, as numbers from 1 on. */
struct names {
    uint32_t items[GROUP_MOST];
    size_t count;
};

/* 0: there are too many. */
static size_t number_of(struct names *n, uint32_t name)
{
    for (size_t i = 0; i < n->count; i++)
        if (n->items[i] == name)
            return i + 1;
    if (n->count == GROUP_MOST)
        return 0;
    n->items[n->count++] = name;
    return n->count;
}

struct square {
    size_t n;
    double cost[GROUP_MOST + 1][GROUP_MOST + 1]; /* less than 0 for a pair, 0 for none */
    size_t row_of[GROUP_MOST + 1];               /* of each column */
};

/* Lengthens the assignment by one row, along the cheapest way. `u`, `v`: potentials of rows and
 * columns. */
static void square_add_row(struct square *s, size_t row, double *u, double *v)
{
    double least[GROUP_MOST + 1];
    size_t way[GROUP_MOST + 1] = {0}, column = 0;
    bool used[GROUP_MOST + 1] = {false};

    for (size_t j = 0; j <= s->n; j++)
        least[j] = INFINITY;
    s->row_of[0] = row;
    do {
        size_t i = s->row_of[column], next = 0;
        double delta = INFINITY;

        used[column] = true;
        for (size_t j = 1; j <= s->n; j++) {
            double cost = s->cost[i][j] - u[i] - v[j];

            if (used[j])
                continue;
            if (cost < least[j]) {
                least[j] = cost;
                way[j] = column;
            }
            if (least[j] < delta) {
                delta = least[j];
                next = j;
            }
        }
        for (size_t j = 0; j <= s->n; j++) {
            if (used[j]) {
                u[s->row_of[j]] += delta;
                v[j] -= delta;
            } else {
                least[j] -= delta;
            }
        }
        column = next;
    } while (s->row_of[column]);
    for (; column; column = way[column])
        s->row_of[column] = s->row_of[way[column]];
}

static void square_solve(struct square *s)
{
    double u[GROUP_MOST + 1] = {0}, v[GROUP_MOST + 1] = {0};

    for (size_t row = 1; row <= s->n; row++)
        square_add_row(s, row, u, v);
}

/* False: the group is too large. */
static bool assign_exactly(struct square *s, struct pair *pairs, size_t count)
{
    struct names lefts = {.count = 0}, rights = {.count = 0};

    memset(s, 0, sizeof(*s));
    for (size_t i = 0; i < count; i++) {
        size_t row = number_of(&lefts, pairs[i].left), column = number_of(&rights, pairs[i].right);

        if (!row || !column)
            return false;
        s->cost[row][column] = -pairs[i].weight;
    }
    s->n = lefts.count > rights.count ? lefts.count : rights.count;
    square_solve(s);
    for (size_t i = 0; i < count; i++)
        pairs[i].taken =
            s->row_of[number_of(&rights, pairs[i].right)] == number_of(&lefts, pairs[i].left);
    return true;
}

/* They are sorted, the heaviest first. */
static void assign_greedily(struct pair *pairs, size_t count, bool *left_taken, bool *right_taken)
{
    for (size_t i = 0; i < count; i++) {
        struct pair *p = &pairs[i];

        p->taken = !left_taken[p->left] && !right_taken[p->right];
        left_taken[p->left] = left_taken[p->left] || p->taken;
        right_taken[p->right] = right_taken[p->right] || p->taken;
    }
}

int assign_pairs(struct pair *pairs, size_t count, size_t lefts, size_t rights)
{
    struct groups g = {.parent = malloc((lefts + rights + 1) * sizeof(*g.parent)), .lefts = lefts};
    struct square *square = malloc(sizeof(*square));
    bool *taken = calloc(lefts + rights + 1, sizeof(*taken));
    bool ready = g.parent && square && taken;

    for (size_t i = 0; ready && i < lefts + rights; i++)
        g.parent[i] = (uint32_t)i;
    for (size_t i = 0; ready && i < count; i++)
        groups_join(&g, &pairs[i]);
    if (ready && count)
        qsort_r(pairs, count, sizeof(*pairs), compare, &g);
    for (size_t i = 0, end; ready && i < count; i = end) {
        for (end = i; end < count && group_of_pair(&g, &pairs[end]) == group_of_pair(&g, &pairs[i]);
             end++)
            ;
        if (!assign_exactly(square, pairs + i, end - i))
            assign_greedily(pairs + i, end - i, taken, taken + lefts);
    }
    free(g.parent);
    free(square);
    free(taken);
    return ready ? 0 : -1;
}
