/* figure: a measured figure beside its limit. */
#pragma once

#include <stddef.h>

/* One line: the name, `detail` (how it comes about; may be empty), the figure, its limit, and ok or
 * OVER. */
void figure_print(const char *name, const char *detail, double value, const char *unit,
                  double limit);
/* Sorts the items. */
double figure_median(double *items, size_t count);

/* The median of what was measured, and what the true one lies between 95 times in 100, however the
 * items are spread, as long as none depends on another. */
struct interval {
    double low, median, high;
};
/* Sorts the items, six at least. */
struct interval figure_interval(double *items, size_t count);
/* As figure_print, of a median. It is OVER where the whole interval is, and a tie where a part of
 * it is not. */
void figure_print_interval(const char *name, const char *detail, struct interval figure,
                           double limit);
