/* What a child of fork has of its parent's client, and what it has not. One situation a run:
 *
 * fork URL inherit|nested|free|closed|opted-out|busy */
#include "check.h"

#include <stdlib.h>
#include <sys/wait.h>

enum { PATIENCE_MS = 20000 };

static ph_client *client;

static void capture(const char *id) { CHECK_OK(ph_capture(client, id, "forked", NULL)); }

static void set(ph_status (*call)(const ph_client *, const ph_props *), const char *key) {
  ph_props *props = ph_props_new();
  CHECK_OK(ph_props_set_bool(props, key, true));
  CHECK_OK(call(client, props));
  ph_props_free(props);
}

/* Forks; true in the child, which a signal ends should it get stuck. */
static bool in_child(pid_t *child) {
  *child = fork();
  CHECK(*child >= 0);
  if (*child == 0) {
    alarm(2 * PATIENCE_MS / 1000);
  }
  return *child == 0;
}

static void expect_success(pid_t child) {
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  if (WIFSIGNALED(status)) {
    dprintf(2, "a child died of signal %d\n", WTERMSIG(status));
  }
  CHECK(status == 0);
}

/* A child has the super properties, and from then on its own; the parent's events stay its. */
static void inherit(void) {
  set(ph_register, "of_parent");
  capture("before");
  pid_t child;
  if (in_child(&child)) {
    CHECK(statistics_are_zero(client));
    set(ph_register, "of_child");
    capture("child");
    CHECK_OK(ph_shutdown(client, PATIENCE_MS));
    CHECK(statistic(client, PH_STAT_DELIVERED) == 1);
    _exit(0);
  }
  expect_success(child);
  CHECK(statistic(client, PH_STAT_ACCEPTED) == 1);
  capture("after");
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  CHECK(statistic(client, PH_STAT_DELIVERED) == 2);
}

/* A child of a child is as good as a child: what waits in one is sent by that one. */
static void nested(void) {
  capture("parent");
  pid_t child;
  if (in_child(&child)) {
    capture("child");
    pid_t grandchild;
    if (in_child(&grandchild)) {
      CHECK(statistics_are_zero(client));
      capture("grandchild");
      CHECK_OK(ph_flush(client, PATIENCE_MS));
      _exit(0);
    }
    expect_success(grandchild);
    CHECK(statistic(client, PH_STAT_ACCEPTED) == 1);
    CHECK_OK(ph_flush(client, PATIENCE_MS));
    _exit(0);
  }
  expect_success(child);
  CHECK_OK(ph_flush(client, PATIENCE_MS));
}

/* A child may free the client, used there or not, and leave by exit; the parent goes on. */
static void free_in_child(void) {
  capture("before");
  for (int used = 0; used < 2; used++) {
    pid_t child;
    if (in_child(&child)) {
      if (used) {
        capture("child");
        CHECK_OK(ph_shutdown(client, PATIENCE_MS));
      }
      ph_client_free(client);
      exit(0);
    }
    expect_success(child);
  }
  capture("after");
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  CHECK(statistic(client, PH_STAT_DELIVERED) == 2);
}

/* After ph_shutdown a child's client is shut down as well. */
static void closed(void) {
  capture("before");
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  pid_t child;
  if (in_child(&child)) {
    CHECK_STATUS(ph_capture(client, "child", "forked", NULL), PH_ERROR_SHUTDOWN);
    CHECK_STATUS(ph_client_start(client), PH_ERROR_SHUTDOWN);
    CHECK_OK(ph_flush(client, PATIENCE_MS));
    CHECK_OK(ph_shutdown(client, PATIENCE_MS));
    CHECK(statistic(client, PH_STAT_ACCEPTED) == 0);
    ph_client_free(client);
    exit(0);
  }
  expect_success(child);
}

/* Whose user opted out has opted out in a child too. */
static void opted_out(void) {
  capture("before");
  CHECK_OK(ph_flush(client, PATIENCE_MS));
  CHECK_OK(ph_opt_out(client));
  pid_t child;
  if (in_child(&child)) {
    CHECK(ph_is_opted_out(client));
    capture("child");
    CHECK(statistic(client, PH_STAT_ACCEPTED) == 0);
    CHECK_OK(ph_opt_in(client));
    capture("opted in");
    CHECK_OK(ph_shutdown(client, PATIENCE_MS));
    _exit(0);
  }
  expect_success(child);
  CHECK(ph_is_opted_out(client));
}

/* The parent is in the middle of a request, which the server answers late: its connection and its
 * wait are not the child's. */
static void busy(void) {
  capture("before");
  wait_until_in_flight(client);
  pid_t child;
  if (in_child(&child)) {
    CHECK(statistic(client, PH_STAT_IN_FLIGHT) == 0);
    capture("child");
    CHECK_OK(ph_flush(client, PATIENCE_MS));
    _exit(0);
  }
  expect_success(child);
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  CHECK(statistic(client, PH_STAT_DELIVERED) == 1);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  ph_config *config = config_for(argv[1]);
  /* Nothing leaves before it is asked for. */
  CHECK_OK(ph_config_set_flush_interval_ms(config, 3600 * 1000));
  client = client_of(config);
  static const struct {
    const char *name;
    void (*run)(void);
  } situations[] = {
      {"inherit", inherit}, {"nested", nested},       {"free", free_in_child},
      {"closed", closed},   {"opted-out", opted_out}, {"busy", busy},
  };
  for (size_t i = 0; i < sizeof situations / sizeof *situations; i++) {
    if (strcmp(argv[2], situations[i].name) == 0) {
      situations[i].run();
      ph_client_free(client);
      return 0;
    }
  }
  return 2;
}
