/* figure: a measured figure beside its limit. */
#pragma once

#include <stddef.h>

/* One line: the name, `detail` (how it comes about; may be empty), the figure, its limit, and ok or
 * OVER. */
void figure_print(const char *name, const char *detail, double value, const char *unit,
                  double limit);
/* Sorts the items. */
double figure_median(double *items, size_t count);
