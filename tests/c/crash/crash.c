/* Dies in a way, or reports how its last run died.
 *
 * crash URL DIRECTORY report           sends what there is, and prints how many events were accepted
 * crash URL DIRECTORY WAY [MORE ...]   dies: a way of victim.h, or a situation from below */
#include "../check.h"
#include "victim.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { THREADS = 32, PATIENCE_MS = 20000 };

static const char *url, *directory;
static ph_client *client;
static ph_transport_fn transport;

static ph_config *config_of(void) {
  ph_config *config = config_for(url);
  CHECK_OK(ph_config_set_storage_dir(config, directory));
  CHECK_OK(ph_config_set_release(config, "rel-of-the-dead"));
  CHECK_OK(ph_config_set_debug(config, true));
  return config;
}

static void begin(void) {
  ph_config *config = config_of();
  CHECK_OK(ph_config_set_crash_handler(config, true));
  if (transport != NULL) {
    CHECK_OK(ph_config_set_transport(config, transport, NULL, NULL));
  }
  client = client_of(config);
  ph_props *props = ph_props_new();
  CHECK_OK(ph_props_set_str(props, "plan", "pro"));
  CHECK_OK(ph_register(client, props));
  ph_props_free(props);
  /* Where there is no room for a record there is nothing to say it of. */
  ph_status identified = ph_crash_set_distinct_id(client, "user_42");
  CHECK(identified == PH_OK || identified == PH_ERROR_UNSUPPORTED);
  CHECK_OK(ph_step_add(client, "opened the door", NULL));
}

static enum way way_of(const char *name) {
  static const char *const names[] = {
      "null-write", "null-call",      "wild-jump", "overflow", "abort", "double-free",
      "in-malloc",  "corrupted-heap", "division",  "illegal",  "raise", "trap",
      "forbidden",  "bus"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(name, names[i]) == 0) {
      return (enum way)i;
    }
  }
  dprintf(2, "no way %s\n", name);
  _exit(1);
}

static void *in_thread(void *way) {
  CHECK_OK(ph_crash_thread_attach(client));
  pthread_setname_np(pthread_self(), "victim");
  victim_outer(*(enum way *)way);
  return NULL;
}

static pthread_barrier_t barrier;

static void *at_once(void *unused) {
  (void)unused;
  pthread_barrier_wait(&barrier);
  victim_outer(NULL_WRITE);
  return NULL;
}

/* A library that is loaded when everything has been made ready. */
static void in_late_library(void) {
  void *library = dlopen("libvictim.so", RTLD_NOW | RTLD_LOCAL);
  CHECK(library != NULL);
  int (*outer)(enum way);
  *(void **)&outer = dlsym(library, "victim_outer");
  CHECK(outer != NULL && outer != victim_outer);
  outer(NULL_WRITE);
}

static void remove_files(void) {
  DIR *files = opendir(directory);
  CHECK(files != NULL);
  struct dirent *file;
  while ((file = readdir(files)) != NULL) {
    unlinkat(dirfd(files), file->d_name, 0);
  }
  closedir(files);
  CHECK(rmdir(directory) == 0);
}

static void in_threads(void) {
  pthread_t threads[THREADS];
  pthread_barrier_init(&barrier, NULL, THREADS);
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_create(&threads[i], NULL, at_once, NULL) == 0);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
  }
}

static void crash_in_handler(int signal) {
  (void)signal;
  victim_outer(NULL_WRITE);
}

static int *page;
static sigjmp_buf back;
static volatile sig_atomic_t handled;

/* As runtimes do it that protect memory to hear of accesses. */
static void mend(int signal, siginfo_t *info, void *context) {
  (void)context;
  CHECK(signal == SIGSEGV && info->si_addr == page && info->si_code == SEGV_ACCERR);
  CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
  handled++;
}

static void jump(int signal) {
  (void)signal;
  siglongjmp(back, 1);
}

/* What a handler sees of a signal with us in between has to be what it sees without. */
static void leave(int signal, siginfo_t *info, void *context) {
  sigset_t mask;
  sigprocmask(SIG_BLOCK, NULL, &mask);
  CHECK(signal == SIGSEGV && info->si_code == SEGV_MAPERR && info->si_addr == NULL);
  CHECK(context != NULL);
  CHECK(sigismember(&mask, SIGSEGV) && sigismember(&mask, SIGUSR2) && !sigismember(&mask, SIGUSR1));
  _exit(42);
}

/* How long it took until the host's handler was called. */
static _Thread_local int64_t begun_us;
static atomic_llong longest_us;
static atomic_int arrived;
static int expected = 1;

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void measure(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info, (void)context;
  long long took = now_us() - begun_us, longest = atomic_load(&longest_us);
  while (took > longest && !atomic_compare_exchange_weak(&longest_us, &longest, took)) {
  }
  if (atomic_fetch_add(&arrived, 1) + 1 == expected) {
    dprintf(1, "%lld\n", atomic_load(&longest_us));
    _exit(42);
  }
  for (;;) {
    pause();
  }
}

/* More of a stack than is copied. */
static void *measured(void *deep) {
  volatile char room[400000];
  memset((char *)room, 1, sizeof room);
  if (deep != NULL) {
    pthread_barrier_wait(&barrier);
  }
  begun_us = now_us();
  victim_outer(NULL_WRITE);
  return room[0] == 0 ? NULL : deep;
}

static void measure_threads(void) {
  pthread_t thread;
  expected = THREADS;
  pthread_barrier_init(&barrier, NULL, THREADS);
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_create(&thread, NULL, measured, &barrier) == 0);
  }
  pthread_join(thread, NULL);
}

static void abort_in_handler(int signal) {
  (void)signal;
  abort();
}

static void *jump_in_thread(void *unused) {
  if (sigsetjmp(back, 1) == 0) {
    victim_outer(NULL_WRITE);
  }
  return unused;
}

static void handle(void (*action)(int, siginfo_t *, void *), void (*plain)(int)) {
  struct sigaction wanted = {0};
  sigemptyset(&wanted.sa_mask);
  sigaddset(&wanted.sa_mask, SIGUSR2);
  if (action != NULL) {
    wanted.sa_flags = SA_SIGINFO;
    wanted.sa_sigaction = action;
  } else {
    wanted.sa_handler = plain;
  }
  CHECK(sigaction(SIGSEGV, &wanted, NULL) == 0);
}

static void with_handlers(const char *what) {
  if (strcmp(what, "former-handler") == 0) {
    handle(leave, NULL);
    begin();
    victim_outer(NULL_WRITE);
  } else if (strcmp(what, "recovers") == 0 || strcmp(what, "recovers-and-dies") == 0) {
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    handle(mend, NULL);
    begin();
    for (int i = 0; i < 3; i++) {
      CHECK(mprotect(page, 4096, PROT_NONE) == 0);
      *(volatile int *)page = i;
    }
    CHECK(handled == 3);
    if (strcmp(what, "recovers-and-dies") == 0) {
      victim_outer(ABORT);
    }
  } else if (strcmp(what, "handler-aborts") == 0) {
    handle(NULL, abort_in_handler);
    begin();
    victim_outer(NULL_WRITE);
  } else if (strcmp(what, "measured") == 0) {
    handle(measure, NULL);
    begin();
    measured(NULL);
  } else if (strcmp(what, "measured-threads") == 0) {
    handle(measure, NULL);
    begin();
    measure_threads();
  } else if (strcmp(what, "thread-jumps") == 0) {
    handle(NULL, jump);
    begin();
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, jump_in_thread, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
  } else {
    handle(NULL, jump);
    begin();
    if (sigsetjmp(back, 1) == 0) {
      victim_outer(NULL_WRITE);
    }
    if (strcmp(what, "jumps-and-dies") == 0) {
      victim_outer(ABORT);
    }
  }
}

/* The ways in which a host has handlers of its own. */
static bool has_handlers(const char *what) {
  static const char *const ways[] = {"former-handler", "recovers", "recovers-and-dies",
                                     "handler-aborts", "measured", "measured-threads",
                                     "thread-jumps",   "jumps",    "jumps-and-dies"};
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    if (strcmp(what, ways[i]) == 0) {
      return true;
    }
  }
  return false;
}

static void in_child(void) {
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    victim_outer(NULL_WRITE);
    _exit(1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* A child that has used the client reports its own, wherever it goes. */
static void in_busy_child(void) {
  const char *elsewhere = getenv("ELSEWHERE");
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    CHECK(elsewhere == NULL || chdir(elsewhere) == 0);
    CHECK_OK(ph_step_add(client, "as a child", NULL));
    victim_outer(NULL_WRITE);
    _exit(1);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static int *calls;
static struct sigaction beneath;

/* As those do that were set later, and leave the rest to whoever was there before. */
static void chain(int signal, siginfo_t *info, void *context) {
  if (++*calls > 1) {
    _exit(1);
  }
  beneath.sa_sigaction(signal, info, context);
}

static void chained_in_busy_child(void) {
  struct sigaction wanted = {0};
  wanted.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  wanted.sa_sigaction = chain;
  calls = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(calls != MAP_FAILED && sigaction(SIGSEGV, &wanted, &beneath) == 0);
  in_busy_child();
  CHECK(*calls == 1);
}

static int32_t crash_in_transport(void *userdata, const char *method, const char *url_,
                                  const char *const *headers, const char *body, size_t body_len,
                                  uint32_t timeout_ms, ph_response *response) {
  (void)userdata, (void)method, (void)url_, (void)headers, (void)body, (void)body_len;
  (void)timeout_ms, (void)response;
  return victim_outer(NULL_WRITE);
}

static void fill_disk(void) {
  char path[4096];
  snprintf(path, sizeof path, "%s.filler", directory);
  int file = open(path, O_CREAT | O_WRONLY, 0600);
  CHECK(file >= 0);
  static char block[65536];
  size_t size = sizeof block;
  while (size > 0) {
    if (write(file, block, size) <= 0) {
      size /= 2;
    }
  }
  close(file);
}

static void note_in_handler(int signal) {
  (void)signal;
  CHECK_OK(ph_crash_write(client, "the reactor melts", 17));
}

static void capture_fatal(void) {
  ph_exception *exception = NULL;
  CHECK_OK(ph_exception_new("Meltdown", "the reactor melts", &exception));
  CHECK_OK(ph_exception_set_level(exception, PH_LEVEL_FATAL));
  CHECK_OK(ph_capture_exception(client, "user_42", exception));
}

static void *works(void *unused) {
  (void)unused;
  ph_props *props = ph_props_new();
  for (int i = 0;; i++) {
    CHECK_OK(ph_props_set_int(props, "n", i));
    ph_capture(client, "user_42", "worked", props);
    CHECK_OK(ph_step_add(client, "worked", props));
    CHECK_OK(ph_register(client, props));
    free(malloc((size_t)(i % 5000)));
    usleep(200);
  }
}

/* In the middle of everything that is done to a client. */
static void work(void) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) {
    CHECK(pthread_create(&threads[i], NULL, works, NULL) == 0);
  }
  dprintf(1, "working\n");
  for (;;) {
    works(NULL);
  }
}

static void situation(const char *what) {
  if (strcmp(what, "threads") == 0) {
    in_threads();
  } else if (strcmp(what, "in-handler") == 0) {
    signal(SIGUSR1, crash_in_handler);
    raise(SIGUSR1);
  } else if (strcmp(what, "thread-overflow") == 0) {
    pthread_t thread;
    enum way way = OVERFLOW;
    CHECK(pthread_create(&thread, NULL, in_thread, &way) == 0);
    pthread_join(thread, NULL);
  } else if (strcmp(what, "child") == 0) {
    in_child();
  } else if (strcmp(what, "busy-child") == 0) {
    in_busy_child();
  } else if (strcmp(what, "chained-child") == 0) {
    chained_in_busy_child();
  } else if (strcmp(what, "in-callback") == 0) {
    CHECK_OK(ph_capture(client, "user_42", "worked", NULL));
    ph_flush(client, PATIENCE_MS);
  } else if (strcmp(what, "disk-fills") == 0) {
    fill_disk();
    victim_outer(NULL_WRITE);
  } else if (strcmp(what, "note") == 0) {
    CHECK_OK(ph_crash_write(client, "the reactor melts", 17));
    CHECK_STATUS(ph_crash_write(client, "twice", 5), PH_ERROR_QUEUE_FULL);
    _exit(3);
  } else if (strcmp(what, "note-and-abort") == 0) {
    signal(SIGUSR1, note_in_handler);
    raise(SIGUSR1);
    victim_outer(ABORT);
  } else if (strcmp(what, "late-library") == 0) {
    in_late_library();
  } else if (strcmp(what, "removed") == 0) {
    remove_files();
    CHECK_OK(ph_step_add(client, "on thin ice", NULL));
    CHECK_OK(ph_step_add(client, "on thinner ice", NULL));
    victim_outer(NULL_WRITE);
  } else if (strcmp(what, "opted-out") == 0) {
    ph_opt_out(client);
    victim_outer(NULL_WRITE);
  } else if (strcmp(what, "work") == 0) {
    work();
  } else if (strcmp(what, "fatal") == 0) {
    capture_fatal();
    kill(getpid(), SIGKILL);
  } else if (strcmp(what, "kill") == 0) {
    kill(getpid(), SIGKILL);
  } else {
    victim_outer(way_of(what));
  }
}

static void report(void) {
  client = client_of(config_of());
  CHECK_OK(ph_flush(client, PATIENCE_MS));
  uint64_t events = statistic(client, PH_STAT_ACCEPTED) + statistic(client, PH_STAT_ADOPTED);
  printf("%d\n", (int)events);
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  ph_client_free(client);
}

int main(int argc, char **argv) {
  CHECK(argc == 4);
  url = argv[1];
  directory = argv[2];
  if (strcmp(argv[3], "report") == 0) {
    report();
    return 0;
  }
  if (strcmp(argv[3], "disk-full") == 0) {
    fill_disk();
    begin();
    victim_outer(NULL_WRITE);
  }
  if (has_handlers(argv[3])) {
    with_handlers(argv[3]);
  } else {
    transport = strcmp(argv[3], "in-callback") == 0 ? crash_in_transport : NULL;
    begin();
    situation(argv[3]);
  }
  CHECK_OK(ph_shutdown(client, PATIENCE_MS));
  ph_client_free(client);
  return 0;
}
