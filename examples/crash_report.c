/* A program that dies, and reports at its next start how.
 *
 *   crash_report DIRECTORY die     # of a bad pointer
 *   crash_report DIRECTORY         # sends what the last one left, as an exception
 *
 * POSTHOG_API_KEY and POSTHOG_HOST say where to. */
#include <posthog.h>

#include <stdio.h>
#include <string.h>

static void check(const char *what, ph_status status) {
  if (status != PH_OK) {
    fprintf(stderr, "%s: %s\n", what, ph_status_text(status));
  }
}

static int read_sensor(const volatile int *sensor) { return *sensor; }

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s DIRECTORY [die]\n", argv[0]);
    return 2;
  }
  ph_config *config = ph_config_from_env();
  check("storage", ph_config_set_storage_dir(config, argv[1]));
  check("crash handler", ph_config_set_crash_handler(config, true));
  check("debug", ph_config_set_debug(config, true));
  ph_client *client = NULL;
  check("init", ph_init(config, &client));
  ph_config_free(config);

  /* What the report will say of this process. */
  check("identity", ph_crash_set_distinct_id(client, "user_42"));
  check("step", ph_step_add(client, "asked the sensor", NULL));
  if (argc > 2 && strcmp(argv[2], "die") == 0) {
    printf("%d\n", read_sensor(NULL));
  }
  check("flush", ph_flush(client, 5000));
  check("shutdown", ph_shutdown(client, 5000));
  uint64_t values[PH_STAT_DELIVERED + 1];
  ph_stats_get(client, values, PH_STAT_DELIVERED + 1);
  printf("reported: %llu\n", (unsigned long long)values[PH_STAT_DELIVERED]);
  ph_client_free(client);
  return 0;
}
