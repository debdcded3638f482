/* nginx: one worker that serves the files of a folder, set up to do so fast: what serving is
 * measured beside. */
#pragma once

#include "place.h"

struct nginx {
    int master, worker;
    char address[64];
};

/* Serves the place's folder `files`; FILE.gz beside a FILE is what it is compressed. Ends the
 * program where nginx does not start. */
struct nginx nginx_start(struct place *p, const char *files);
void nginx_stop(struct nginx *n);
