/* Definitions of flags survive a fork, and a child has no thread that reads them until it evaluates
 * a flag:
 *
 * fork_flags URL
 *
 * The server at URL has definitions in which the flag `f` is on for everybody. */
#include "check.h"

#include <stdlib.h>
#include <sys/wait.h>

#include "proc.h"

enum { PATIENCE_MS = 20000 };

static bool is_on(const ph_client *client) {
  bool on = ph_flag_enabled(client, "u", "f", NULL, false);
  CHECK(ph_flag_enabled(client, "u", "f", NULL, true) == on);
  return on;
}

static int threads(void) { return entries("/proc/self/task") - 2; }

/* The kernel takes a thread off the list a moment after it was joined. */
static void expect_threads(int count) {
  for (int64_t end = now_ms() + PATIENCE_MS; threads() != count;) {
    CHECK(now_ms() < end);
    sleep_ms(1);
  }
}

static void in_child(const ph_client *client) {
  alarm(2 * PATIENCE_MS / 1000);
  CHECK(threads() == 1);
  CHECK(is_on(client));
  CHECK(threads() == 2);
  /* Its own poller, not its parent's, answers this. */
  CHECK_OK(ph_flags_refresh(client, PATIENCE_MS));
  CHECK(is_on(client));
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  expect_threads(1);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  ph_config *config = config_for(argv[1]);
  CHECK_OK(ph_config_set_secret_key(config, "phx_test"));
  CHECK_OK(ph_config_set_definitions_poll_ms(config, 3600000));
  /* Reading a flag is an event, too. */
  CHECK_OK(ph_config_set_flag_events(config, false));
  ph_client *client = client_of(config);
  CHECK_OK(ph_flags_wait_ready(client, PATIENCE_MS));
  CHECK(is_on(client));
  /* Several children: of each moment of the parent's polls. */
  for (int round = 0; round < 20; round++) {
    CHECK_OK(ph_flags_refresh(client, PH_NO_WAIT));
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      in_child(client);
      _exit(0);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(is_on(client));
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  ph_client_free(client);
  return 0;
}
