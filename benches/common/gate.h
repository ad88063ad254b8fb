/* Holds the sender in its delivery callback, so that a queue can be filled behind it, and reads
 * the sender's own processor time there. */

#ifndef BENCH_GATE_H
#define BENCH_GATE_H

#include <posthog.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool closed;
    /* The sender stands before it. */
    bool waiting;
    /* Events of the batches settled so far, and the sender's processor time then. */
    uint64_t events;
    uint64_t sender_ns;
};

#define GATE_OPEN                                                                                  \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, 0, 0                    \
    }

/* A ph_delivery_fn; its userdata is the gate. */
void gate_on_delivery(void *gate, int32_t delivery, size_t events);

/* Captures one event, so that the sender comes to the gate, and waits until it stands there. */
void gate_park(struct gate *gate, const ph_client *client);

void gate_open(struct gate *gate);

#endif
