/* Ten million reads of a flag for a million people: what is remembered of them is bounded, and so
 * is the memory of this process, which no longer grows in the second half. First the definitions
 * decide: without events, and then with an event for every read, for nobody is remembered that
 * long. At last the server is to decide: nobody waits for it, and what it says is remembered of
 * the last 10,000.
 *
 * flag_reads URL */
#include "check.h"

#include <stdlib.h>

enum { PEOPLE = 1000000, SILENT_READS = 7000000, TOLD_READS = 1000000, REMOTE_READS = 2000000 };

/* In KiB. Twice what the library may remember: answers (64 MiB), reads that were told (32 MiB),
 * queued events (32 MiB). */
enum { GROWTH_MAX = 256 * 1024, DRIFT_MAX = 12 * 1024 };

static const char definitions[] =
    "{\"flags\":[{\"id\":1,\"key\":\"half\",\"active\":true,\"version\":1,\"filters\":"
    "{\"groups\":[{\"properties\":[],\"rollout_percentage\":50}]}}],"
    "\"group_type_mapping\":{},\"cohorts\":{}}";

static long resident_kib(void) {
  FILE *stream = fopen("/proc/self/statm", "r");
  CHECK(stream != NULL);
  long pages = 0;
  CHECK(fscanf(stream, "%*d %ld", &pages) == 1);
  fclose(stream);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Reads a flag so often, everybody in turn; how many reads said that it is on. */
static long read_all(const ph_client *client, const char *name, long reads) {
  long before = resident_kib(), half = 0, on = 0;
  int64_t begun = now_ms();
  for (long i = 0; i < reads; i++) {
    char id[32];
    snprintf(id, sizeof id, "user-%ld", i % PEOPLE);
    on += ph_flag_enabled(client, id, "half", NULL, false);
    if (i == reads / 2) {
      half = resident_kib();
    }
  }
  long end = resident_kib();
  printf("%s: %ld reads in %ld ms; resident KiB before, half-way, after: %ld %ld %ld\n", name, reads,
         (long)(now_ms() - begun), before, half, end);
  fflush(stdout);
  CHECK(end - half < DRIFT_MAX);
  return on;
}

/* A client that never waits, and reads of it. */
static void read_with(const char *url, const char *name, long reads, bool local, bool told) {
  long before = resident_kib();
  ph_config *config = config_for(url);
  CHECK_OK(ph_config_set_flags_timeout_ms(config, 0));
  CHECK_OK(ph_config_set_flag_events(config, told));
  ph_client *client = client_of(config);
  if (local) {
    CHECK_OK(ph_definitions_load(client, definitions, strlen(definitions)));
  }
  long on = read_all(client, name, reads);
  if (local) {
    CHECK(on > reads / 100 * 49 && on < reads / 100 * 51);
  } else {
    CHECK(statistic(client, PH_STAT_FLAG_REQUESTS) > 100);
  }
  CHECK(resident_kib() - before < GROWTH_MAX);
  (void)ph_shutdown(client, 10000);
  ph_client_free(client);
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  read_with(argv[1], "decided here", SILENT_READS, true, false);
  read_with(argv[1], "decided here and told", TOLD_READS, true, true);
  read_with(argv[1], "decided by the server", REMOTE_READS, false, true);
  return 0;
}
