/* nearest: the distance of Levenshtein, for "did you mean". */
#include "nearest.h"

#define NAME_MAX_LENGTH 40

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(struct str a, struct str b)
{
    size_t row[NAME_MAX_LENGTH + 1];

    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t change = diagonal + (a.p[i - 1] != b.p[j - 1]);

            diagonal = row[j];
            row[j] = least(change, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.n];
}

struct nearest nearest_to(struct str wanted)
{
    /* A third of the letters wrong is another word. */
    return (struct nearest){.wanted = wanted, .distance = wanted.n / 3 + 1};
}

void nearest_offer(struct nearest *n, struct str name)
{
    size_t d;

    if (n->wanted.n > NAME_MAX_LENGTH || name.n > NAME_MAX_LENGTH)
        return;
    d = distance(n->wanted, name);
    if (d < n->distance) {
        n->distance = d;
        n->name = name;
    }
}
