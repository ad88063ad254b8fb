/* What a program found, one figure a line on stdout: group, case, metric and value, separated by
 * tabs. `benches/run` makes the table of them. */

#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include "histogram.h"

void figure(const char *group, const char *name, const char *metric, double value);

/* The percentiles of latencies in nanoseconds, raw, and net of what an empty measurement takes. */
void figure_latencies(const char *group, const char *name, const struct histogram *h);

/* Net ones alone, under the names of raw ones. */
void figure_net(const char *group, const char *name, const struct histogram *h);

/* The same for empty measurements: the timer's own cost. */
void figure_timer(const char *group);

#endif
