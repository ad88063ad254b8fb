/* Once the sender runs, ten thousand captures make no system call on the thread that captures,
 * but for waking the sender now and then (and, rarely, waiting for its lock): neither in one burst,
 * while the sender falls behind, nor one by one, while it goes to sleep again and again.
 *
 * The first request is answered late, so that the warm-up fills the queue: the memory for as many
 * events is there from then on.
 *
 * syscalls URL */
#include "trap.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CAPTURES = 10000, WARM_UPS = 10000, FUTEXES_MAX = 200, PATIENCE_MS = 20000 };

static ph_client *client;
static int futexes_of_burst;
/* 0: still running; 1: done; 2: seccomp is not allowed here. */
static atomic_int outcome;

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void capture(ph_props *props, int n) {
  CHECK_OK(ph_props_clear(props));
  CHECK_OK(ph_props_set_int(props, "n", n));
  CHECK_OK(ph_props_set_str(props, "plan", "pro"));
  CHECK_OK(ph_props_set_double(props, "amount", 49.99));
  CHECK_OK(ph_capture(client, "user_42", "order placed", props));
}

static void *capture_watched(void *unused) {
  (void)unused;
  ph_props *props = ph_props_new();
  capture(props, 0);
  wait_until_in_flight(client);
  for (int n = 1; n < WARM_UPS; n++) {
    capture(props, n);
  }
  CHECK(statistic(client, PH_STAT_QUEUED) == WARM_UPS - 1);
  CHECK_OK(ph_flush(client, PATIENCE_MS));
  if (!trap_this_thread(NULL, 0)) {
    atomic_store(&outcome, 2);
    return NULL;
  }
  int word = 0;
  syscall(SYS_futex, &word, 1 /* FUTEX_WAKE */, 1, NULL, NULL, 0);
  CHECK(trapped_futexes == 1);
  trapped_futexes = 0;
  for (int n = 0; n < CAPTURES; n++) {
    capture(props, n);
  }
  futexes_of_burst = (int)trapped_futexes;
  trapped_futexes = 0;
  /* Not before there is room for as many again. */
  while (statistic(client, PH_STAT_DELIVERED) < WARM_UPS + CAPTURES) {
  }
  for (int n = 0; n < CAPTURES; n++) {
    capture(props, n);
    for (int64_t begin = now_us(); now_us() < begin + 10;) {
    }
  }
  atomic_store(&outcome, 1);
  trap_wait_for_ever();
  return NULL;
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  trap_prepare();
  ph_config *config = config_for(argv[1]);
  CHECK_OK(ph_config_set_flush_interval_ms(config, 100));
  client = client_of(config);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, capture_watched, NULL) == 0);
  for (int64_t end = now_ms() + PATIENCE_MS; atomic_load(&outcome) == 0;) {
    CHECK(now_ms() < end);
    sleep_ms(1);
  }
  if (atomic_load(&outcome) == 2) {
    puts("skipped: seccomp filters are not allowed here");
    return 0;
  }
  printf("%d captures in a burst: %d futex calls\n", CAPTURES, futexes_of_burst);
  printf("%d captures one by one: %d futex calls\n", CAPTURES, (int)trapped_futexes);
  CHECK(futexes_of_burst <= FUTEXES_MAX);
  CHECK(trapped_futexes <= FUTEXES_MAX);
  /* Nothing was captured for nothing. */
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  CHECK(statistic(client, PH_STAT_DELIVERED) == WARM_UPS + 2 * CAPTURES);
  return 0;
}
