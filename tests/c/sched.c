/* The sender is an ordinary thread whatever thread started it: one with a real-time policy and one
 * allowed processor does it here, once with every signal open to it, once with every one blocked.
 * No signal is ever delivered to the sender but of what it does itself, and the starting thread stays
 * as it was.
 *
 * sched URL */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

enum { PATIENCE_MS = 20000 };

/* One line of a file in /proc: what follows the tag. */
static void read_line(pid_t thread, const char *file, const char *tag, char *value, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/%s", (int)thread, file);
  FILE *stream = fopen(path, "r");
  CHECK(stream != NULL);
  char line[512];
  bool found = false;
  while (!found && fgets(line, sizeof line, stream) != NULL) {
    if (strncmp(line, tag, strlen(tag)) == 0) {
      snprintf(value, size, "%s", line + strlen(tag));
      value[strcspn(value, "\n")] = '\0';
      found = true;
    }
  }
  fclose(stream);
  CHECK(found);
}

/* The id of the thread of that name; 0 if there is none. */
static pid_t thread_named(const char *name) {
  DIR *folder = opendir("/proc/self/task");
  CHECK(folder != NULL);
  pid_t found = 0;
  for (struct dirent *entry; found == 0 && (entry = readdir(folder)) != NULL;) {
    pid_t thread = (pid_t)atoi(entry->d_name);
    char comm[32];
    if (thread > 0) {
      read_line(thread, "comm", "", comm, sizeof comm);
      found = strcmp(comm, name) == 0 ? thread : 0;
    }
  }
  closedir(folder);
  return found;
}

static bool allowed_one;
static bool real_time;
static ph_client *client;

/* Captures from a thread of which as much is unusual as the system permits. `fill` makes its
 * signal mask. */
static void *start_sender(void *fill) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  allowed_one = sched_setaffinity(0, sizeof one, &one) == 0;
  struct sched_param param = {.sched_priority = 10};
  real_time = sched_setscheduler(0, SCHED_FIFO, &param) == 0;
  CHECK(real_time || errno == EPERM);

  sigset_t mask, before, after;
  sigemptyset(&mask);
  if (*(bool *)fill) {
    sigfillset(&mask);
  }
  CHECK(pthread_sigmask(SIG_SETMASK, &mask, NULL) == 0);
  CHECK(pthread_sigmask(SIG_SETMASK, NULL, &before) == 0);
  CHECK_OK(ph_capture(client, "user", "scheduled", NULL));
  CHECK(pthread_sigmask(SIG_SETMASK, NULL, &after) == 0);
  for (int number = 1; number <= SIGRTMAX; number++) {
    CHECK(sigismember(&before, number) == sigismember(&after, number));
  }
  CHECK(sched_getscheduler(0) == (real_time ? SCHED_FIFO : SCHED_OTHER));
  return NULL;
}

static pid_t wait_for_sender(bool there) {
  pid_t sender = thread_named("posthog-sender");
  for (int64_t end = now_ms() + PATIENCE_MS; (sender != 0) != there; sleep_ms(1)) {
    CHECK(now_ms() < end);
    sender = thread_named("posthog-sender");
  }
  return sender;
}

static void expect_ordinary(pid_t sender, const char *processors) {
  char value[256];
  read_line(sender, "status", "SigBlk:\t", value, sizeof value);
  /* All 64, but for those that cannot be blocked (KILL, STOP), the C library's own two, and faults. */
  static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
  unsigned long long blocked = strtoull(value, NULL, 16);
  unsigned long long open = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 3ull << 31;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    open |= 1ull << (faults[i] - 1);
  }
  if (blocked != ~open) {
    dprintf(2, "blocked signals: %s\n", value);
    _exit(1);
  }
  CHECK(sched_getscheduler(sender) == SCHED_OTHER);
  read_line(sender, "status", "Cpus_allowed_list:\t", value, sizeof value);
  if (strcmp(value, processors) != 0) {
    dprintf(2, "allowed processors: %s, of the process: %s\n", value, processors);
    _exit(1);
  }
}

int main(int argc, char **argv) {
  CHECK(argc == 2);
  /* All that the system lets the process have, however few it was started with (taskset). */
  cpu_set_t every;
  memset(&every, 0xFF, sizeof every);
  CHECK(sched_setaffinity(0, sizeof every, &every) == 0);
  char processors[256];
  read_line(getpid(), "status", "Cpus_allowed_list:\t", processors, sizeof processors);
  for (int fill = 0; fill < 2; fill++) {
    wait_for_sender(false);
    client = client_of(config_for(argv[1]));
    bool filled = fill == 1;
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, start_sender, &filled) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    pid_t sender = wait_for_sender(true);
    /* After its first batch it has long done what it does to its own scheduling. */
    CHECK_OK(ph_flush(client, PATIENCE_MS));
    expect_ordinary(sender, processors);
    CHECK_OK(ph_shutdown(client, PATIENCE_MS));
    ph_client_free(client);
  }
  if (!real_time) {
    puts("skipped: a starting thread with a real-time policy: it is not permitted here");
  }
  if (!allowed_one) {
    puts("skipped: a starting thread with one allowed processor: it is not permitted here");
  }
  return 0;
}
