/* The ways a process can end with a client that was not shut down, or is only then. The receiver
 * takes long to answer, so that the sender is busy. One way a run; the exit status is 0 when the
 * process ended as it meant to.
 *
 * exits URL return|exit|quick_exit|atexit|thread|tls */
#include "proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

enum { PATIENCE_MS = 20000 };

static ph_client *client;

static void *capture_for_ever(void *unused) {
  (void)unused;
  for (;;) {
    ph_status status = ph_capture(client, "user", "exit", NULL);
    CHECK(status == PH_OK || status == PH_ERROR_QUEUE_FULL);
  }
}

static void start_capturing(void) {
  for (int i = 0; i < 3; i++) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, capture_for_ever, NULL) == 0);
  }
  sleep_ms(20);
}

/* How many files a program that this one starts would inherit. */
static int inheritable_files(void) {
  int count = 0;
  for (int file = 0; file < 256; file++) {
    int flags = fcntl(file, F_GETFD);
    count += flags != -1 && (flags & FD_CLOEXEC) == 0;
  }
  return count;
}

/* As a static object's destructor would do it in C++. */
static void shut_down_at_exit(void) {
  CHECK_OK(ph_capture(client, "user", "at exit", NULL));
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  CHECK(statistic(client, PH_STAT_DELIVERED) == 2);
  ph_client_free(client);
}

static void *exit_from_here(void *unused) {
  (void)unused;
  exit(0);
}

static void capture_at_thread_end(void *unused) {
  (void)unused;
  CHECK_OK(ph_capture(client, "user", "at thread end", NULL));
}

static void *set_key(void *key) {
  /* Used before, so that what the library keeps for this thread is there to be destroyed. */
  CHECK_OK(ph_capture(client, "user", "in thread", NULL));
  CHECK(pthread_setspecific(*(pthread_key_t *)key, key) == 0);
  return NULL;
}

/* Captures from the destructors of threads that end, while another captures. */
static void capture_as_threads_end(void) {
  enum { THREADS = 50 };
  ph_props *props = ph_props_new();
  CHECK_OK(ph_props_set_bool(props, "super", true));
  CHECK_OK(ph_register(client, props));
  ph_props_free(props);
  pthread_key_t key;
  CHECK(pthread_key_create(&key, capture_at_thread_end) == 0);
  for (int i = 0; i < THREADS; i++) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, set_key, &key) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  }
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  CHECK(statistic(client, PH_STAT_DELIVERED) == 1 + 2 * THREADS);
  ph_client_free(client);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  const char *way = argv[2];
  client = client_of(config_for(argv[1]));
  int inheritable = inheritable_files();
  CHECK_OK(ph_capture(client, "user", "exit", NULL));
  wait_until_in_flight(client);
  CHECK(inheritable_files() == inheritable);
  if (strcmp(way, "return") == 0) {
    return 0;
  }
  if (strcmp(way, "exit") == 0) {
    start_capturing();
    exit(0);
  }
  if (strcmp(way, "quick_exit") == 0) {
    start_capturing();
    quick_exit(0);
  }
  if (strcmp(way, "atexit") == 0) {
    CHECK(atexit(shut_down_at_exit) == 0);
    return 0;
  }
  if (strcmp(way, "thread") == 0) {
    start_capturing();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, exit_from_here, NULL) == 0);
    pthread_exit(NULL);
  }
  if (strcmp(way, "tls") == 0) {
    capture_as_threads_end();
    return 0;
  }
  return 2;
}
