#include "figures.h"

#include <stdio.h>

#include "timer.h"

static const struct {
    const char *name;
    double fraction;
} percentiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}, {"max", 1},
};

#define PERCENTILES (sizeof percentiles / sizeof percentiles[0])

void figure(const char *group, const char *name, const char *metric, double value)
{
    printf("%s\t%s\t%s\t%.6g\n", group, name, metric, value);
}

/* Latencies of nothing. */
static const struct histogram *empty(void)
{
    static struct histogram *h;
    if (h == NULL) {
        h = histogram_new();
        for (int i = 0; i < 200000; i++) {
            uint64_t start = ticks();
            histogram_add(h, ticks() - start);
        }
    }
    return h;
}

void figure_latencies(const char *group, const char *name, const struct histogram *h)
{
    uint64_t timer = histogram_at(empty(), 0.5);
    for (size_t i = 0; i < PERCENTILES; i++) {
        uint64_t raw = histogram_at(h, percentiles[i].fraction);
        uint64_t net = raw > timer ? raw - timer : 0;
        char metric[16];
        snprintf(metric, sizeof metric, "net %s", percentiles[i].name);
        figure(group, name, percentiles[i].name, (double)raw * timer_ns_per_tick());
        figure(group, name, metric, (double)net * timer_ns_per_tick());
    }
}

void figure_net(const char *group, const char *name, const struct histogram *h)
{
    uint64_t timer = histogram_at(empty(), 0.5);
    for (size_t i = 0; i < PERCENTILES; i++) {
        uint64_t raw = histogram_at(h, percentiles[i].fraction);
        figure(group, name, percentiles[i].name,
               (double)(raw > timer ? raw - timer : 0) * timer_ns_per_tick());
    }
}

void figure_timer(const char *group)
{
    for (size_t i = 0; i < PERCENTILES; i++) {
        uint64_t raw = histogram_at(empty(), percentiles[i].fraction);
        figure(group, "the timer alone (" TIMER_NAME ")", percentiles[i].name,
               (double)raw * timer_ns_per_tick());
    }
}
