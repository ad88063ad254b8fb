/* Four threads capture while 200 children are forked, each of which captures ten events of its
 * own. Every event leaves once, from the process that captured it.
 *
 * The threads capture in rounds, one for each child, and the child is forked in the middle of its
 * round: so many of the forks happen while some thread is inside ph_capture.
 *
 * fork_storm URL */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { THREADS = 4, CHILDREN = 200, EVENTS = 10, EVENTS_A_ROUND = 25, RUNNING_MAX = 20 };

/* A child that takes longer is stuck: the signal's default action ends it. */
enum { CHILD_SECONDS = 60 };

static ph_client *client;
static atomic_int rounds;

static void *capture_in_rounds(void *index) {
  char id[32];
  snprintf(id, sizeof id, "parent-%d", *(int *)index);
  int n = 0;
  for (int done = 0; done < CHILDREN; done++) {
    while (atomic_load(&rounds) <= done) {
      sched_yield();
    }
    for (int i = 0; i < EVENTS_A_ROUND; i++) {
      CHECK_OK(capture_numbered(client, id, n++));
    }
  }
  return NULL;
}

static void be_child(int child) {
  alarm(CHILD_SECONDS);
  CHECK(statistic(client, PH_STAT_ACCEPTED) == 0);
  CHECK(statistic(client, PH_STAT_QUEUED) == 0);
  char id[32];
  snprintf(id, sizeof id, "child-%d", child);
  for (int n = 0; n < EVENTS; n++) {
    CHECK_OK(capture_numbered(client, id, n));
  }
  CHECK(statistic(client, PH_STAT_ACCEPTED) == EVENTS);
  if (child % 2 == 0) {
    CHECK_OK(ph_flush(client, CHILD_SECONDS * 1000));
    CHECK(statistic(client, PH_STAT_DELIVERED) == EVENTS);
  } else {
    CHECK_OK(ph_shutdown(client, CHILD_SECONDS * 1000));
  }
  if (child % 3 == 0) {
    ph_client_free(client);
  }
  _exit(0);
}

static void wait_for_child(void) {
  int status = -1;
  pid_t pid = wait(&status);
  CHECK(pid > 0);
  if (status != 0) {
    dprintf(2, "child %d: %s %d\n", (int)pid, WIFSIGNALED(status) ? "signal" : "exit status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    exit(1);
  }
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  ph_config *config = config_for(argv[1]);
  CHECK_OK(ph_config_set_queue_max_events(config, 1000000));
  client = client_of(config);

  pthread_t threads[THREADS];
  int indices[THREADS];
  for (int i = 0; i < THREADS; i++) {
    indices[i] = i;
    CHECK(pthread_create(&threads[i], NULL, capture_in_rounds, &indices[i]) == 0);
  }
  for (int child = 0; child < CHILDREN; child++) {
    atomic_fetch_add(&rounds, 1);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      be_child(child);
    }
    if (child >= RUNNING_MAX) {
      wait_for_child();
    }
  }
  for (int i = 0; i < RUNNING_MAX; i++) {
    wait_for_child();
  }
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  uint64_t all = THREADS * CHILDREN * EVENTS_A_ROUND;
  CHECK(statistic(client, PH_STAT_ACCEPTED) == all);
  CHECK_OK(ph_shutdown(client, CHILD_SECONDS * 1000));
  CHECK(statistic(client, PH_STAT_DELIVERED) == all);
  ph_client_free(client);
  return 0;
}
