/* The receiver that the events go to. */

#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include <stdint.h>

/* What the receiver has counted. Events only if it is no sink: a sink does not look at bodies. */
struct sink_counts {
    uint64_t requests;
    uint64_t bytes;
    uint64_t accepted;
    uint64_t duplicates;
};

/* Asks it. `url` is `http://127.0.0.1:PORT`. */
struct sink_counts sink_counts(const char *url);

#endif
