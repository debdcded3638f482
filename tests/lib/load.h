/* load: a client that asks for one thing over and over, on many connections, and throws bodies away
 * in the kernel (MSG_TRUNC), so that it is not itself the limit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LOAD_CONNECTIONS 64

struct load {
    const char *address; /* HOST:PORT, on the loopback */
    const char *request; /* the whole head */
    size_t requests;     /* in all */
    bool body;           /* the answer has one */
    bool dial;           /* a new connection for each */
    double rate;         /* requests a second; 0: as fast as they are answered */
};

struct load_result {
    double seconds;
    double median_us, p99_us; /* from when a request was due to the end of its answer; only where
                                 there is a rate */
};

/* Ends the program where the server stops answering. */
struct load_result load_run(const struct load *load);
