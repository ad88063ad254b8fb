/* A disabled client has no thread, no socket and no file, and every call on it succeeds. The calls
 * are made by a thread that may make no system call but the few of `HARMLESS`, so that nothing is
 * opened and closed again between two looks at /proc.
 *
 * disabled */
#include "proc.h"
#include "trap.h"

#include <pthread.h>
#include <stdatomic.h>

static const int HARMLESS[] = {SYS_brk,      SYS_mmap,   SYS_munmap, SYS_mremap,
                               SYS_mprotect, SYS_madvise, SYS_uname,  SYS_getrandom};

static void capture_everything(ph_client *client) {
  ph_props *props = ph_props_new();
  CHECK_OK(ph_props_set_int(props, "n", 1));
  CHECK_OK(ph_client_start(client));
  CHECK_OK(ph_register(client, props));
  CHECK_OK(ph_capture(client, "user", "event", props));
  CHECK_OK(ph_capture_json(client, "user", 4, "event", 5, "{\"a\":1}", 7));
  CHECK_OK(ph_identify(client, "user", props, props));
  CHECK_OK(ph_alias(client, "user", "other"));
  CHECK_OK(ph_group_identify(client, NULL, "company", "acme", props));

  ph_event *event = NULL;
  CHECK_OK(ph_event_new("user", "event", &event));
  char uuid[PH_UUID_SIZE] = "not written";
  CHECK_OK(ph_capture_event(client, event, uuid));
  CHECK(uuid[0] == '\0');
  ph_event_free(event);

  ph_exception *exception = NULL;
  CHECK_OK(ph_exception_new("Error", "message", &exception));
  CHECK_OK(ph_capture_exception(client, "user", exception));
  ph_exception_free(exception);
  ph_props_free(props);
}

static void use(ph_client *client) {
  capture_everything(client);
  CHECK(ph_flag_enabled(client, "user", "flag", NULL, true));
  CHECK(!ph_flag_enabled(client, "user", "flag", NULL, false));
  ph_flags *flags = NULL;
  CHECK_OK(ph_flags_evaluate(client, "user", NULL, 1000, &flags));
  CHECK(ph_flags_get_count(flags) == 0);
  ph_flags_free(flags);
  CHECK_OK(ph_opt_out(client));
  CHECK_OK(ph_opt_in(client));
  char *json = NULL;
  CHECK_OK(ph_queue_drain(client, 10, &json));
  CHECK(strcmp(json, "[]") == 0);
  ph_string_free(json);
  CHECK_OK(ph_flush(client, PH_FOREVER));
  CHECK(statistics_are_zero(client));
  CHECK_OK(ph_shutdown(client, PH_FOREVER));
  CHECK_OK(ph_capture(client, "user", "event", NULL));
}

static void count_line(void *lines, int32_t level, const char *message) {
  CHECK(level == PH_LOG_INFO);
  CHECK(strstr(message, "disabled") != NULL);
  ++*(int *)lines;
}

/* Uses a client of these options, and sees that one line says why it is disabled. */
static void use_client_of(ph_config *config) {
  int lines = 0;
  CHECK_OK(ph_config_set_log(config, count_line, &lines, NULL));
  ph_client *client = client_of(config);
  CHECK(lines == 1);
  use(client);
  ph_client_free(client);
  CHECK(lines == 1);
}

static void use_disabled_by(const char *variable) {
  CHECK(setenv(variable, "1", 1) == 0);
  use_client_of(ph_config_from_env());
  CHECK(unsetenv(variable) == 0);
}

/* 0: not there yet, 1: all done. */
static atomic_int outcome;

static void *use_all(void *unused) {
  (void)unused;
  if (!trap_this_thread(HARMLESS, sizeof HARMLESS / sizeof *HARMLESS)) {
    puts("skipped: watching a disabled client's system calls: seccomp is not allowed here");
  }
  use(NULL);
  use_client_of(ph_config_new(NULL));
  use_client_of(ph_config_new(""));
  use_client_of(ph_config_new(" \n"));
  use_client_of(ph_config_new("phc_\xff"));
  use_client_of(ph_config_from_env());

  ph_config *config = ph_config_new("phc_test");
  CHECK_OK(ph_config_set_disabled(config, true));
  use_client_of(config);

  CHECK(setenv("POSTHOG_API_KEY", "phc_test", 1) == 0);
  use_disabled_by("POSTHOG_DISABLED");
  use_disabled_by("ANALYTICS_DISABLED");
  use_disabled_by("DO_NOT_TRACK");
  atomic_store(&outcome, 1);
  trap_wait_for_ever();
  return NULL;
}

int main(void) {
  static const char *variables[] = {"POSTHOG_API_KEY",  "POSTHOG_HOST",       "POSTHOG_DEBUG",
                                    "POSTHOG_DISABLED", "ANALYTICS_DISABLED", "DO_NOT_TRACK"};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    unsetenv(variables[i]);
  }
  trap_prepare();
  int threads = entries("/proc/self/task"), files = entries("/proc/self/fd");
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, use_all, NULL) == 0);
  for (int64_t end = now_ms() + 20000; atomic_load(&outcome) == 0; sleep_ms(1)) {
    CHECK(now_ms() < end);
  }
  /* The watched thread itself is still there. */
  CHECK(entries("/proc/self/task") == threads + 1);
  CHECK(entries("/proc/self/fd") == files);
  return 0;
}
