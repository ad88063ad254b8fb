/* A disk that forgets what it was not told to keep: what is in a file since its last `fdatasync`,
 * which files there are since the last `fsync` of their directory. This program has its own of both,
 * which the library finds before those of the system; the disk is a directory.
 *
 * power URL DIRECTORY DISK TIMES deliver    flushes and shuts down
 * power URL DIRECTORY DISK TIMES wait       waits for the disk, captures as many again, waits for the
 *                                           disk, captures as many again, dies
 * power URL DIRECTORY DISK TIMES flush      flushes in vain, dies
 * power URL DIRECTORY DISK TIMES shutdown   shuts down in vain
 * power URL DIRECTORY DISK TIMES fatal      captures a fatal exception, waits for the disk, dies
 * power URL DIRECTORY DISK TIMES steady     captures for ten intervals, is idle for five
 * power URL DIRECTORY DISK TIMES optout     waits for the disk, opts out, waits for the disk, dies
 *
 * TIMES is a multiple of 500 events, which each of them captures first. INTERVAL_MS: the flush
 * interval; OFF: without the option; BROKEN: the disk fails. DISK/log has when the disk was told. */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char *directory, *disk;
static ph_client *client;
static int32_t interval_ms;
/* The number of the next event, and how many the disk has to have. */
static int64_t next, durable;
/* How often the disk began to be told of a file's content, how often it was, and how often of names. */
static atomic_int begun, told, named;

static FILE *open_on_disk(const char *name, const char *mode) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", disk, name);
  FILE *file = fopen(path, mode);
  CHECK(file != NULL);
  return file;
}

/* In one step, as far as a process that dies can tell. */
static void keep(FILE *file, const char *name) {
  char from[PATH_MAX], to[PATH_MAX];
  CHECK(fclose(file) == 0);
  snprintf(from, sizeof from, "%s/unfinished", disk);
  snprintf(to, sizeof to, "%s/%s", disk, name);
  CHECK(rename(from, to) == 0);
}

static void write_log(const char *what) {
  FILE *log = open_on_disk("log", "a");
  fprintf(log, "%s %lld\n", what, (long long)now_ms());
  CHECK(fclose(log) == 0);
}

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

int fdatasync(int fd) {
  char bytes[65536], name[64];
  struct stat status;
  ssize_t count;
  off_t at = 0;
  pthread_mutex_lock(&turn);
  write_log("data");
  atomic_fetch_add(&begun, 1);
  if (getenv("BROKEN") != NULL) {
    pthread_mutex_unlock(&turn);
    errno = EIO;
    return -1;
  }
  CHECK(fstat(fd, &status) == 0);
  FILE *copy = open_on_disk("unfinished", "w");
  while ((count = pread(fd, bytes, sizeof bytes, at)) > 0) {
    CHECK(fwrite(bytes, 1, (size_t)count, copy) == (size_t)count);
    at += count;
  }
  snprintf(name, sizeof name, "data-%llu", (unsigned long long)status.st_ino);
  keep(copy, name);
  atomic_fetch_add(&told, 1);
  pthread_mutex_unlock(&turn);
  return 0;
}

/* Of directories alone: that of the files, and the one above it. */
int fsync(int fd) {
  char link[64], path[PATH_MAX], above[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  CHECK(length > 0);
  path[length] = '\0';
  snprintf(above, sizeof above, "%s", directory);
  *strrchr(above, '/') = '\0';
  pthread_mutex_lock(&turn);
  write_log("names");
  if (strcmp(path, above) == 0) {
    keep(open_on_disk("unfinished", "w"), "above");
  } else {
    CHECK(strcmp(path, directory) == 0);
    FILE *names = open_on_disk("unfinished", "w");
    DIR *entries = opendir(path);
    CHECK(entries != NULL);
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
      if (entry->d_name[0] != '.') {
        fprintf(names, "%llu %s\n", (unsigned long long)entry->d_ino, entry->d_name);
      }
    }
    closedir(entries);
    keep(names, "names");
    atomic_fetch_add(&named, 1);
  }
  pthread_mutex_unlock(&turn);
  return 0;
}

static void begin(const char *url) {
  ph_config *config = config_for(url);
  const char *interval = getenv("INTERVAL_MS");
  interval_ms = interval == NULL ? 3600000 : atoi(interval);
  CHECK_OK(ph_config_set_storage_dir(config, directory));
  CHECK_OK(ph_config_set_storage_sync(config, getenv("OFF") == NULL));
  CHECK_OK(ph_config_set_flush_interval_ms(config, (uint32_t)interval_ms));
  CHECK_OK(ph_config_set_request_timeout_ms(config, 60000));
  CHECK_OK(ph_config_set_debug(config, getenv("BROKEN") != NULL));
  client = client_of(config);
}

static void capture(int64_t count) {
  for (; count > 0; count--) {
    CHECK_OK(capture_numbered(client, "u", next++));
  }
}

static void wait_for(atomic_int *count, int number) {
  for (int64_t end = now_ms() + 10000; atomic_load(count) < number; sleep_ms(1)) {
    CHECK(now_ms() < end);
  }
}

/* Until the disk has been told, from here on, of what was captured. The one more event is news, so
 * that it will be. */
static void wait_for_disk(void) {
  int before = atomic_load(&begun);
  durable = next;
  capture(1);
  wait_for(&told, before + 1);
}

static void capture_fatal(void) {
  ph_exception *exception = NULL;
  CHECK_OK(ph_exception_new("Error", "the end", &exception));
  CHECK_OK(ph_exception_set_level(exception, PH_LEVEL_FATAL));
  CHECK_OK(ph_capture_exception(client, "fatal", exception));
}

static void finish(void) {
  ph_status ended = ph_shutdown(client, 2000);
  CHECK(ended == PH_OK || ended == PH_ERROR_TIMEOUT);
  printf("delivered=%d stored=%d adopted=%d\n", (int)statistic(client, PH_STAT_DELIVERED),
         (int)statistic(client, PH_STAT_STORED), (int)statistic(client, PH_STAT_ADOPTED));
  ph_client_free(client);
}

int main(int argc, char **argv) {
  CHECK(argc == 6);
  directory = argv[2];
  disk = argv[3];
  int64_t count = 500 * atoll(argv[4]);
  const char *what = argv[5];
  begin(argv[1]);
  capture(count);
  if (strcmp(what, "deliver") == 0) {
    CHECK_OK(ph_flush(client, 20000));
    finish();
    return 0;
  }
  if (strcmp(what, "shutdown") == 0) {
    finish();
    return 0;
  }
  if (strcmp(what, "wait") == 0) {
    wait_for_disk();
    capture(count);
    wait_for_disk();
    capture(count);
  } else if (strcmp(what, "flush") == 0) {
    CHECK_STATUS(ph_flush(client, 2000), PH_ERROR_TIMEOUT);
    durable = next;
  } else if (strcmp(what, "fatal") == 0) {
    int before = atomic_load(&begun);
    capture_fatal();
    durable = next;
    wait_for(&told, before + 1);
    wait_for(&named, 1);
  } else if (strcmp(what, "steady") == 0) {
    for (int64_t end = now_ms() + 10 * interval_ms; now_ms() < end; sleep_ms(1)) {
      capture(1);
    }
    /* The last event's, if there is to be one. */
    sleep_ms(2 * interval_ms);
    write_log("idle");
    sleep_ms(5 * interval_ms);
  } else if (strcmp(what, "optout") == 0) {
    wait_for(&named, 1);
    ph_opt_out(client);
    wait_for(&named, 2);
  }
  printf("captured=%lld durable=%lld\n", (long long)next, (long long)durable);
  fflush(stdout);
  raise(SIGKILL);
}
