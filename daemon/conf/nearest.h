/* The name that somebody may have meant. */
#pragma once

#include "base.h"

struct nearest {
    struct str wanted;
    struct str name; /* empty: none is near */
    size_t distance;
};

struct nearest nearest_to(struct str wanted);
/* Keeps `name` where it is nearer than what was offered before. */
void nearest_offer(struct nearest *n, struct str name);
