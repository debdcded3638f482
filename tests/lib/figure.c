#include "figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void print(const char *name, const char *detail, const char *figure, double limit,
                  const char *verdict)
{
    printf("  %-34s %-46s %8s (at most %g) %s\n", name, detail, figure, limit, verdict);
    fflush(stdout);
}

void figure_print(const char *name, const char *detail, double value, const char *unit,
                  double limit)
{
    char figure[32];

    snprintf(figure, sizeof(figure), "%8.2f%s", value, unit);
    print(name, detail, figure, limit, value <= limit ? "ok" : "OVER");
}

void figure_print_interval(const char *name, const char *detail, struct interval figure,
                           double limit)
{
    char text[48];

    snprintf(text, sizeof(text), "%8.2f [%.2f, %.2f]", figure.median, figure.low, figure.high);
    print(name, detail, text, limit,
          figure.median <= limit ? "ok"
          : figure.low <= limit  ? "tie"
                                 : "OVER");
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

/* How many of the items are less than the true median is binomial with a half. */
struct interval figure_interval(double *items, size_t count)
{
    double median = figure_median(items, count); /* they are sorted now */
    size_t low = (size_t)(((double)count - 1 - 1.96 * sqrt((double)count)) / 2);

    return (struct interval){items[low], median, items[count - 1 - low]};
}
