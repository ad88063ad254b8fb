/* A client that sends to the receiver, and the check that no event was lost. */

#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <posthog.h>
#include <stdbool.h>
#include <stdint.h>

#include "gate.h"
#include "sink.h"

struct client_options {
    /* Of the receiver. */
    const char *url;
    bool plain;
    /* Capture V1 instead of V0. */
    bool v1;
    /* With zstd, which V1 alone has, instead of gzip. */
    bool zstd;
    bool disabled;
    /* Captures wait for room instead of being refused. */
    bool block;
    /* The queue's bound, with so many bytes that events alone decide. 0: the defaults. */
    uint32_t queue_max_events;
    /* Where events are stored; NULL for in memory. */
    const char *storage_dir;
    /* May be NULL. */
    struct gate *gate;
};

struct client {
    ph_client *handle;
    const char *url;
    struct sink_counts before;
};

struct client client_open(const struct client_options *options);

/* Waits until all that was captured is delivered. */
void client_settle(const struct client *client);

uint64_t client_stat(const struct client *client, ph_stat stat);

/* Shuts down. Fails unless exactly so many events were accepted and delivered, none was dropped
 * or refused, and the receiver has counted the requests that the client has. Returns what the
 * receiver counted meanwhile. */
struct sink_counts client_close(struct client *client, uint64_t events);

/* The same for a client of which so many captures were to be refused because its queue was full. */
struct sink_counts client_close_refused(struct client *client, uint64_t events, uint64_t refused);

#endif
