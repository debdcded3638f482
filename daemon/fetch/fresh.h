/* How long an answer stays as it is, as its head says (RFC 9111 4.2). Pure. */
#pragma once

#include "base.h"

/* All zero: nothing was said. */
struct fresh {
    bool has_max_age, has_expires;
    bool never; /* no-cache or no-store */
    int64_t max_age, expires, date, age;
};

/* Takes note of a field of the head, if it has to do with it. */
void fresh_note(struct fresh *f, struct str name, struct str value, int64_t now);
/* So many seconds from now on; 0: it may change at any time. At most ten years. `now` is the time
 * of an answer that has no Date. */
int64_t fresh_for(const struct fresh *f, int64_t now);
