#include "figure.h"

#include <stdio.h>
#include <stdlib.h>

void figure_print(const char *name, const char *detail, double value, const char *unit,
                  double limit)
{
    printf("  %-34s %-46s %8.2f%s (at most %g) %s\n", name, detail, value, unit, limit,
           value <= limit ? "ok" : "OVER");
    fflush(stdout);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double figure_median(double *items, size_t count)
{
    qsort(items, count, sizeof(*items), compare);
    return items[count / 2];
}
