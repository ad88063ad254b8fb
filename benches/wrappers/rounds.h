/* Rounds of captures that nothing disturbs: the sender stands still, and between rounds everything
 * is delivered, so that its memory is used again as in a program that has been running. What is
 * printed is the median of the rounds' means, in nanoseconds per capture. */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include <posthog.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 101, EVENTS = 10000 };

static inline double rounds_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline int rounds_compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static inline ph_config *rounds_config(const char *url) {
  ph_config *config = ph_config_new("phc_bench");
  ph_config_set_host(config, url);
  ph_config_set_flush_at(config, 1000000);
  ph_config_set_flush_interval_ms(config, 86400000);
  ph_config_set_queue_max_events(config, 100000);
  ph_config_set_batch_max_events(config, 100000);
  ph_config_set_batch_max_bytes(config, 16 << 20);
  return config;
}

static inline void rounds_empty(const ph_client *client) {
  if (ph_flush(client, 60000) != PH_OK) {
    fputs("the events of a round were not delivered within a minute\n", stderr);
    exit(1);
  }
}

static inline void rounds_print(double *means) {
  qsort(means, ROUNDS, sizeof *means, rounds_compare);
  printf("%.1f\n", means[ROUNDS / 2]);
}

#endif
