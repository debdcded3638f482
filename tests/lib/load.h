/* load: a client that asks for one thing over and over, on many connections, and throws bodies away
 * in the kernel (MSG_TRUNC), so that it is not itself the limit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LOAD_CONNECTIONS 64
#define LOAD_COLD        10 /* of the first tenth, while connections are let in, nothing is kept */

/* How long answers took, from when a request was due to the end of its answer. */
struct latencies {
    double *us; /* allocated */
    size_t count, size;
};

struct load {
    const char *address;         /* HOST:PORT, on the loopback */
    const char *request;         /* the whole head */
    size_t requests;             /* in all */
    bool body;                   /* the answer has one */
    bool dial;                   /* a new connection for each */
    double rate;                 /* requests a second; 0: as fast as they are answered */
    struct latencies *latencies; /* where there is a rate: those of this run are added */
};

/* Returns the seconds that all took. Ends the program where the server stops answering. */
double load_run(const struct load *load);

/* Adds those of `from`. */
void latencies_add(struct latencies *l, const struct latencies *from);
/* The latency that this share of all requests did not exceed, over 0 to 1. Sorts them. */
double latencies_at(struct latencies *l, double share);
void latencies_free(struct latencies *l);
