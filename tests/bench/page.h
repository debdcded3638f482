/* The page that is measured on: the one named on the command line, else the real digest where it
 * is there, else the bundled sample. */
#pragma once

#include "../lib/place.h"

static inline const char *bench_page(struct place *p, int argc, char **argv)
{
    const char *shared = shared_path(p, "digest/51cto.html");

    return argc > 1 ? argv[1] : shared ? shared : "conf/demo.html";
}
