/* Events that outlive their process.
 *
 * store URL DIRECTORY send [MS]          delivers what there is, and prints the ledger as names=counts
 * store URL DIRECTORY die ID N [BYTES]   captures N events and ends without a word
 * store URL DIRECTORY kill ID N          the same by SIGKILL, with a fatal exception last
 * store URL DIRECTORY stop ID N MS       captures N events, shuts down within MS, prints the ledger
 * store URL DIRECTORY storm ID JOURNAL   four threads capture until something kills the process; the
 *                                        journal has how many events each was told to be accepted
 * store URL DIRECTORY fill ID POLICY MAX captures events of 2 kB until N were refused or evicted
 * store URL DIRECTORY large ID POLICY MAX
 *                                        fills the file, then captures events of four slots each, and
 *                                        others between them; prints how many, and the ledger
 * store URL DIRECTORY damage ID FILE     starts with that file cut short anywhere, and with each byte
 *                                        of its events changed: all that are whole are delivered
 * store URL DIRECTORY fork ID N          parent and child capture N each; the child ends, then the parent
 * store URL DIRECTORY optout ID N        captures, opts out, captures, opts in, captures, dies
 * store URL DIRECTORY removed ID N       captures, removes the directory, captures N more, delivers them
 * store URL DIRECTORY broken ID N MS     captures N events of 2 kB, of which the first 500 find a disk that
 *                                        works, shuts down within MS, prints the ledger
 * store URL DIRECTORY hold ID N          captures, says so, reads a number, and ends without a word
 *                                        when so many are delivered */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { THREADS = 4 };

static const char *url, *directory;
static ph_client *client;
static atomic_bool disk_is_broken;

/* The library finds this one before the system's. */
int posix_fallocate(int fd, off_t at, off_t length) {
  if (atomic_load(&disk_is_broken)) {
    return EIO;
  }
  return fallocate(fd, 0, at, length) == 0 ? 0 : errno;
}

static void begin(uint64_t max_bytes, int32_t policy) {
  ph_config *config = config_for(url);
  const char *age = getenv("MAX_AGE_MS"), *key = getenv("OTHER_HOST");
  CHECK_OK(ph_config_set_storage_dir(config, directory));
  CHECK_OK(ph_config_set_storage_max_bytes(config, max_bytes));
  CHECK_OK(ph_config_set_storage_max_age_ms(config, age == NULL ? 0 : strtoull(age, NULL, 10)));
  CHECK_OK(ph_config_set_flush_interval_ms(config, 20));
  CHECK_OK(ph_config_set_storage_sync(config, getenv("SYNC") != NULL));
  const char *wait = getenv("RETRY_MS");
  CHECK_OK(ph_config_set_retry_base_ms(config, wait == NULL ? 10 : (uint32_t)atoi(wait)));
  CHECK_OK(ph_config_set_retry_cap_ms(config, wait == NULL ? 50 : (uint32_t)atoi(wait)));
  CHECK_OK(ph_config_set_overflow(config, policy, 0));
  if (key != NULL) {
    CHECK_OK(ph_config_set_host(config, key));
  }
  CHECK_OK(ph_config_set_debug(config, getenv("QUIET") == NULL));
  client = client_of(config);
}

static void print_ledger(void) {
  uint64_t all[STATISTICS_MAX];
  statistics(client, all);
  CHECK(all[PH_STAT_ACCEPTED] + all[PH_STAT_ADOPTED] ==
        all[PH_STAT_DELIVERED] + all[PH_STAT_QUEUED] + all[PH_STAT_IN_FLIGHT] +
            all[PH_STAT_STORED] + all[PH_STAT_DRAINED] + all[PH_STAT_DROPPED]);
  printf("accepted=%d adopted=%d delivered=%d stored=%d expired=%d overflown=%d damaged=%d full=%d\n",
         (int)all[PH_STAT_ACCEPTED], (int)all[PH_STAT_ADOPTED], (int)all[PH_STAT_DELIVERED],
         (int)all[PH_STAT_STORED], (int)all[PH_STAT_DROPPED_EXPIRED],
         (int)all[PH_STAT_DROPPED_OVERFLOW], (int)all[PH_STAT_DROPPED_DAMAGED],
         (int)all[PH_STAT_REFUSED_QUEUE_FULL]);
  fflush(stdout);
}

static ph_status capture_sized(const char *id, int64_t n, size_t bytes) {
  ph_props *props = ph_props_new();
  char *text = malloc(bytes + 1);
  CHECK(text != NULL);
  memset(text, 'x', bytes);
  text[bytes] = '\0';
  CHECK_OK(ph_props_set_int(props, "n", n));
  CHECK_OK(ph_props_set_str(props, "filler", text));
  ph_status status = ph_capture(client, id, "numbered", props);
  free(text);
  ph_props_free(props);
  return status;
}

static void capture(const char *id, int64_t first, int64_t count) {
  for (int64_t n = first; n < first + count; n++) {
    CHECK_OK(capture_numbered(client, id, n));
  }
}

struct producer {
  char id[64];
  _Atomic int64_t *accepted;
};

static void *produce(void *argument) {
  struct producer *producer = argument;
  for (int64_t n = 0;; n++) {
    /* The queue may be full for a while. */
    while (capture_numbered(client, producer->id, n) != PH_OK) {
      sleep_ms(1);
    }
    atomic_store(producer->accepted, n + 1);
    if (n % 50 == 49) {
      sleep_ms(1);
    }
  }
  return NULL;
}

static void storm(const char *id, const char *journal) {
  int file = open(journal, O_RDWR);
  CHECK(file >= 0);
  _Atomic int64_t *accepted =
      mmap(NULL, THREADS * sizeof *accepted, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  CHECK(accepted != MAP_FAILED);
  static struct producer producers[THREADS];
  pthread_t thread;
  for (int i = 0; i < THREADS; i++) {
    snprintf(producers[i].id, sizeof producers[i].id, "%s-%d", id, i);
    producers[i].accepted = &accepted[i];
    CHECK(pthread_create(&thread, NULL, produce, &producers[i]) == 0);
  }
  for (;;) {
    sleep_ms(1000);
  }
}

static long resident_kb(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  long size = 0, resident = 0;
  CHECK(file != NULL && fscanf(file, "%ld %ld", &size, &resident) == 2);
  fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Prints how many were accepted and by how much memory grew. */
static void fill(const char *id, int64_t refusals) {
  capture(id, 0, 1);
  long before = resident_kb();
  int64_t n = 1, refused = 0;
  while (refused < refusals) {
    ph_status status = capture_sized(id, n, 2000);
    CHECK(status == PH_OK || status == PH_ERROR_QUEUE_FULL);
    refused += status != PH_OK || statistic(client, PH_STAT_DROPPED_OVERFLOW) > 0;
    n += status == PH_OK;
  }
  printf("last=%lld grown=%ld\n", (long long)n - 1, resident_kb() - before);
  print_ledger();
}

/* Every one of them is accepted: older ones give way. */
static void large(const char *id) {
  int64_t n = 0;
  while (statistic(client, PH_STAT_DROPPED_OVERFLOW) == 0) {
    CHECK_OK(capture_sized(id, n++, 2000));
  }
  for (int i = 0; i < 30; i++) {
    CHECK_OK(capture_sized(id, n++, 900000));
    for (int small = 0; small < i * 10; small++) {
      CHECK_OK(capture_sized(id, n++, 2000));
    }
  }
  print_ledger();
}

enum { FILE_HEADER = 4096, SLOT_HEADER = 64, EVENTS_MAX = 16 };

static uint8_t sample[1 << 20];
static size_t sample_len, begins[EVENTS_MAX], ends[EVENTS_MAX], events;

static void read_sample(const char *path) {
  FILE *file = fopen(path, "rb");
  CHECK(file != NULL);
  sample_len = fread(sample, 1, sizeof sample, file);
  fclose(file);
  for (size_t at = FILE_HEADER + SLOT_HEADER; at + 64 < sample_len && events < EVENTS_MAX;) {
    uint32_t len;
    memcpy(&len, sample + at, sizeof len);
    if (memcmp(sample + at + 4, "PhC1", 4) != 0) {
      break;
    }
    begins[events] = at;
    ends[events++] = at + len;
    at += (len + 7) / 8 * 8;
  }
  CHECK(events > 2);
}

/* Starts with that much of the sample: so many events are delivered. */
static void start_with(size_t len, uint64_t expected) {
  char path[1024];
  snprintf(path, sizeof path, "%s/0-a.events", directory);
  FILE *file = fopen(path, "wb");
  CHECK(file != NULL && fwrite(sample, 1, len, file) == len && fclose(file) == 0);
  begin(0, 0);
  CHECK_OK(ph_shutdown(client, 20000));
  uint64_t adopted = statistic(client, PH_STAT_ADOPTED);
  CHECK(adopted - statistic(client, PH_STAT_DROPPED_DAMAGED) == expected);
  CHECK(statistic(client, PH_STAT_DELIVERED) == expected);
  ph_client_free(client);
  unlink(path);
}

static void damage(const char *path) {
  read_sample(path);
  size_t end = ends[events - 1];
  for (size_t len = 0; len < end + 100; len += len < FILE_HEADER ? 97 : 1) {
    uint64_t whole = 0;
    for (size_t i = 0; i < events; i++) {
      whole += ends[i] <= len;
    }
    start_with(len, whole);
  }
  for (size_t at = 0; at < end; at += at >= 80 && at < FILE_HEADER ? 97 : 1) {
    bool in_heads = at < 76 || (at >= FILE_HEADER && at < FILE_HEADER + 28);
    uint64_t left = in_heads ? 0 : events;
    for (size_t i = 0; i < events; i++) {
      left -= begins[i] <= at && at < ends[i];
    }
    sample[at] ^= (uint8_t)(1 << at % 8);
    start_with(sample_len, left);
    sample[at] ^= (uint8_t)(1 << at % 8);
  }
  printf("%d events, %d bytes\n", (int)events, (int)end);
}

static void forks(const char *id, int64_t count) {
  char child_id[64];
  snprintf(child_id, sizeof child_id, "%s-child", id);
  capture(id, 0, count);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    capture(child_id, 0, count);
    CHECK(statistic(client, PH_STAT_ACCEPTED) == (uint64_t)count);
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && status == 0);
  capture(id, count, count);
}

static void optout(const char *id, int64_t count) {
  capture(id, 0, count);
  int64_t begun = now_ms();
  ph_opt_out(client);
  CHECK(now_ms() - begun < 1000);
  capture(id, count, count);
  ph_opt_in(client);
  capture(id, 2 * count, count);
}

static void removed(const char *id, int64_t count) {
  char command[1024];
  capture(id, 0, 1);
  snprintf(command, sizeof command, "/bin/rm -rf '%s'", directory);
  CHECK(system(command) == 0);
  for (int64_t n = 1; n <= count; n++) {
    CHECK_OK(capture_sized(id, n, 2000));
  }
  CHECK_OK(ph_shutdown(client, 20000));
  print_ledger();
}

static void broken(const char *id, int64_t count, uint32_t ms) {
  for (int64_t n = 0; n < count; n++) {
    atomic_store(&disk_is_broken, n >= 500);
    CHECK_OK(capture_sized(id, n, 2000));
  }
  ph_status ended = ph_shutdown(client, ms);
  CHECK(ended == PH_OK || ended == PH_ERROR_TIMEOUT);
  CHECK(statistic(client, PH_STAT_DROPPED) == statistic(client, PH_STAT_DROPPED_SHUTDOWN));
  print_ledger();
  ph_client_free(client);
}

int main(int argc, char **argv) {
  CHECK(argc >= 4);
  url = argv[1];
  directory = argv[2];
  const char *what = argv[3], *id = argc > 4 ? argv[4] : "";
  long long number = argc > 5 ? atoll(argv[5]) : 0, more = argc > 6 ? atoll(argv[6]) : 0;
  bool is_large = strcmp(what, "large") == 0;
  bool fills = strcmp(what, "fill") == 0 || is_large;
  if (strcmp(what, "damage") == 0) {
    damage(argv[5]);
    return 0;
  }
  begin(fills ? (uint64_t)more : 0, fills && number > 0 ? PH_OVERFLOW_DROP_OLDEST : 0);
  if (strcmp(what, "send") == 0) {
    ph_status ended = ph_shutdown(client, argc > 4 ? (uint32_t)atoi(argv[4]) : 20000);
    CHECK(ended == PH_OK || ended == PH_ERROR_TIMEOUT);
    print_ledger();
    ph_client_free(client);
    return 0;
  }
  if (strcmp(what, "storm") == 0) {
    storm(id, argv[5]);
  } else if (is_large) {
    large(id);
  } else if (fills) {
    fill(id, number > 0 ? number : 100);
  } else if (strcmp(what, "fork") == 0) {
    forks(id, number);
  } else if (strcmp(what, "broken") == 0) {
    broken(id, number, (uint32_t)more);
    return 0;
  } else if (strcmp(what, "removed") == 0) {
    removed(id, number);
  } else if (strcmp(what, "optout") == 0) {
    optout(id, number);
  } else if (strcmp(what, "die") == 0 && more > 0) {
    for (int64_t n = 0; n < number; n++) {
      CHECK_OK(capture_sized(id, n, (size_t)more));
    }
  } else {
    capture(id, 0, number);
  }
  if (strcmp(what, "kill") == 0) {
    ph_exception *exception = NULL;
    CHECK_OK(ph_exception_new("Error", "the end", &exception));
    CHECK_OK(ph_exception_set_level(exception, PH_LEVEL_FATAL));
    CHECK_OK(ph_capture_exception(client, id, exception));
    raise(SIGKILL);
  }
  if (strcmp(what, "stop") == 0) {
    CHECK_STATUS(ph_shutdown(client, (uint32_t)more), PH_ERROR_TIMEOUT);
    print_ledger();
    ph_client_free(client);
    return 0;
  }
  if (strcmp(what, "hold") == 0) {
    unsigned delivered = 0;
    printf("ready\n");
    fflush(stdout);
    CHECK(scanf("%u", &delivered) == 1);
    for (int64_t end = now_ms() + 20000; statistic(client, PH_STAT_DELIVERED) < delivered;) {
      CHECK(now_ms() < end);
      sleep_ms(1);
    }
  }
  _exit(0);
}
