/* process: what the system says of this process. */
#pragma once

#include "feed.h"

/* What cannot be read is 0. Both read a few lines of /proc, which wait for nothing. */

/* When the process started, in seconds since the epoch. To be asked once: clocks drift. */
double process_started(void);
/* All but `started`. */
void process_look(struct feed_process *out);
