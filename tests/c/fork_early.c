/* Children are forked all through the sender's first request, when whatever is made only once in a
 * process is being made: none of them may wait for a thread that only its parent has. To hit every
 * such moment, each allocation of a thread that is not the main one takes two milliseconds, and a
 * child is forked every millisecond.
 *
 * With an https:// URL of a server that does not speak TLS every request fails, but none may hang.
 *
 * fork_early URL */
#include "check.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { CHILDREN_MAX = 2000, RUNNING_MAX = 20, PATIENCE_MS = 20000 };

/* glibc's own names for what this file replaces. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static atomic_bool slow;
static _Thread_local bool is_main;

static void dawdle(void) {
  if (atomic_load(&slow) && !is_main) {
    int saved = errno;
    sleep_ms(2);
    errno = saved;
  }
}

void *malloc(size_t size) {
  dawdle();
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  dawdle();
  return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
  dawdle();
  return __libc_realloc(old, size);
}

static ph_client *client;
static ph_status expected = PH_OK;

static void be_child(int child) {
  atomic_store(&slow, false);
  alarm(2 * PATIENCE_MS / 1000);
  CHECK_OK(capture_numbered(client, "child", child));
  CHECK_STATUS(ph_shutdown(client, PATIENCE_MS), expected);
  _exit(0);
}

static void wait_for_child(void) {
  int status = -1;
  CHECK(wait(&status) > 0);
  CHECK(status == 0);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  is_main = true;
  ph_config *config = config_for(argv[1]);
  CHECK_OK(ph_config_set_max_retries(config, PH_NEVER));
  if (strncmp(argv[1], "https:", 6) == 0) {
    expected = PH_ERROR_LOST;
    CHECK_OK(ph_config_set_request_timeout_ms(config, 1000));
  }
  client = client_of(config);
  atomic_store(&slow, true);
  CHECK_OK(capture_numbered(client, "parent", 0));
  CHECK_STATUS(ph_flush(client, PH_NO_WAIT), PH_ERROR_TIMEOUT);
  int children = 0;
  while (statistic(client, PH_STAT_DELIVERED) + statistic(client, PH_STAT_DROPPED) == 0) {
    CHECK(children < CHILDREN_MAX);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      be_child(children);
    }
    if (children++ >= RUNNING_MAX) {
      wait_for_child();
    }
    sleep_ms(1);
  }
  for (int i = 0; i < RUNNING_MAX && i < children; i++) {
    wait_for_child();
  }
  atomic_store(&slow, false);
  printf("%d children\n", children);
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  ph_client_free(client);
  return 0;
}
