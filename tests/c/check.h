/* What the programs share. They exit with 0 when all holds, and with 1 at the first thing that
 * does not; what cannot be tried here is printed as a line that begins with "skipped: ". */
#ifndef CHECK_H
#define CHECK_H

#include <posthog.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Safe in a child of fork: writes without stdio, and leaves without exit handlers. */
#define CHECK(holds)                                                                   \
  do {                                                                                 \
    if (!(holds)) {                                                                    \
      dprintf(2, "%s:%d: process %d: %s\n", __FILE__, __LINE__, (int)getpid(), #holds); \
      _exit(1);                                                                        \
    }                                                                                  \
  } while (0)

/* The same for a call that should have answered a given status. */
#define CHECK_STATUS(call, expected)                                                        \
  do {                                                                                      \
    ph_status status_ = (call);                                                             \
    if (status_ != (expected)) {                                                            \
      dprintf(2, "%s:%d: process %d: %s: %s\n", __FILE__, __LINE__, (int)getpid(), #call, \
              ph_status_text(status_));                                                     \
      _exit(1);                                                                             \
    }                                                                                       \
  } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, PH_OK)

static inline int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline void sleep_ms(long ms) {
  struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&wait, &wait) != 0) {
  }
}

static inline ph_config *config_for(const char *host) {
  ph_config *config = ph_config_new("phc_test");
  CHECK(config != NULL);
  CHECK_OK(ph_config_set_host(config, host));
  return config;
}

/* Makes a client and frees its options. */
static inline ph_client *client_of(ph_config *config) {
  ph_client *client = NULL;
  CHECK_OK(ph_init(config, &client));
  CHECK(client != NULL);
  ph_config_free(config);
  return client;
}

/* Room for every statistic of this version and of some to come. */
enum { STATISTICS_MAX = 128 };

/* All of them; returns how many there are. */
static inline size_t statistics(const ph_client *client, uint64_t values[STATISTICS_MAX]) {
  size_t count = ph_stats_get(client, values, STATISTICS_MAX);
  CHECK(count <= STATISTICS_MAX);
  return count;
}

static inline uint64_t statistic(const ph_client *client, ph_stat which) {
  uint64_t values[STATISTICS_MAX];
  CHECK((size_t)which < statistics(client, values));
  return values[which];
}

static inline bool statistics_are_zero(const ph_client *client) {
  uint64_t values[STATISTICS_MAX];
  size_t count = statistics(client, values);
  for (size_t i = 0; i < count; i++) {
    if (values[i] != 0) {
      return false;
    }
  }
  return true;
}

/* Has what is queued sent, and returns while the sender waits for the answer. */
static inline void wait_until_in_flight(const ph_client *client) {
  CHECK_STATUS(ph_flush(client, PH_NO_WAIT), PH_ERROR_TIMEOUT);
  for (int64_t end = now_ms() + 20000; statistic(client, PH_STAT_IN_FLIGHT) == 0; sleep_ms(1)) {
    CHECK(now_ms() < end);
  }
}

/* Captures an event with the number `n`. */
static inline ph_status capture_numbered(const ph_client *client, const char *id, int64_t n) {
  ph_props *props = ph_props_new();
  CHECK_OK(ph_props_set_int(props, "n", n));
  ph_status status = ph_capture(client, id, "numbered", props);
  ph_props_free(props);
  return status;
}

#endif
