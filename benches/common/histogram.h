/* Latencies by their frequency, in ticks: exact below 512, then 256 steps for each power of two,
 * which is within 0.4 %. */

#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 256

struct histogram {
    uint64_t count;
    uint64_t max;
    uint32_t counts[57 * HISTOGRAM_STEPS];
};

static inline void histogram_add(struct histogram *h, uint64_t value)
{
    int shift = value < 2 * HISTOGRAM_STEPS ? 0 : 55 - __builtin_clzll(value);
    h->counts[(uint64_t)shift * HISTOGRAM_STEPS + (value >> shift)]++;
    h->count++;
    if (value > h->max) {
        h->max = value;
    }
}

/* Shared with forked children, and its pages present. */
struct histogram *histogram_new(void);

void histogram_free(struct histogram *h);

void histogram_merge(struct histogram *into, const struct histogram *from);

/* The value that so large a fraction of all values does not exceed. */
uint64_t histogram_at(const struct histogram *h, double fraction);

#endif
