/* exceptions HOST loop|storm|fork [PLUGIN]: exceptions with stacks where it is hard.
 *
 * loop: the same error a million times: a few are accepted, all others counted, no memory grows.
 * storm: eight threads capture while another loads and unloads a library, and captures from in it.
 * fork: children of a process whose other threads load, unload and capture, capture and come back. */

#include "check.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

enum { MILLION = 1000000, THREADS = 8, CAPTURES = 400, LOADS = 200, CHILDREN = 60 };

static ph_client *client;
static const char *plugin_path;
static atomic_bool stop;

static __attribute__((noinline)) ph_status capture(const char *id, const char *type) {
  ph_exception *exception = NULL;
  CHECK_OK(ph_exception_new(type, "message", &exception));
  ph_status status = ph_capture_exception(client, id, exception);
  ph_exception_free(exception);
  return status;
}

/* What the process holds in memory. */
static long resident_kib(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static ph_client *make_client(const char *host, uint32_t burst) {
  ph_config *config = config_for(host);
  CHECK_OK(ph_config_set_exception_limit(config, burst, 0));
  return client_of(config);
}

static void loop(void) {
  unsigned accepted = 0, suppressed = 0;
  long before = 0;
  for (int round = 0; round < MILLION; round++) {
    ph_status status = capture("u", "InALoop");
    accepted += status == PH_OK;
    suppressed += status == PH_ERROR_SUPPRESSED;
    if (round == MILLION / 10) {
      /* Names have been looked up once. */
      CHECK_OK(ph_flush(client, 60000));
      before = resident_kib();
    }
  }
  long grown = resident_kib() - before;
  CHECK(grown < 1024);
  /* Ten at once, and one in ten seconds: this takes less than ten minutes. */
  CHECK(accepted >= 10 && accepted < 70 && accepted + suppressed == MILLION);
  CHECK(statistic(client, PH_STAT_ACCEPTED) == accepted);
  CHECK(statistic(client, PH_STAT_REFUSED_SUPPRESSED) == suppressed);
}

static int capture_below(void *data) {
  CHECK(capture("plugin", "InPlugin") == PH_OK);
  return data == NULL;
}

static void load_once(void) {
  void *plugin = dlopen(plugin_path, RTLD_NOW);
  CHECK(plugin != NULL);
  int (*outer)(int (*)(void *), void *);
  *(void **)&outer = dlsym(plugin, "plugin_outer");
  CHECK(outer != NULL && outer(capture_below, NULL) == 4);
  CHECK(dlclose(plugin) == 0);
}

static void *load(void *unused) {
  for (int round = 0; round < LOADS; round++) {
    load_once();
  }
  return unused;
}

static void *load_until_stopped(void *unused) {
  while (!stop) {
    void *plugin = dlopen(plugin_path, RTLD_NOW);
    CHECK(plugin != NULL && dlclose(plugin) == 0);
  }
  return unused;
}

static void *capture_until_stopped(void *unused) {
  while (!stop) {
    ph_status status = capture("parent", "InParent");
    CHECK(status == PH_OK || status == PH_ERROR_SUPPRESSED);
  }
  return unused;
}

static void *capture_many(void *unused) {
  for (int round = 0; round < CAPTURES; round++) {
    CHECK(capture("thread", "InThread") == PH_OK);
  }
  return unused;
}

static void storm(void) {
  pthread_t threads[THREADS + 1];
  for (int index = 0; index < THREADS; index++) {
    CHECK(pthread_create(&threads[index], NULL, capture_many, NULL) == 0);
  }
  CHECK(pthread_create(&threads[THREADS], NULL, load, NULL) == 0);
  for (int index = 0; index <= THREADS; index++) {
    CHECK(pthread_join(threads[index], NULL) == 0);
  }
}

static void forks(void) {
  pthread_t loader, other;
  CHECK(pthread_create(&loader, NULL, load_until_stopped, NULL) == 0);
  CHECK(pthread_create(&other, NULL, capture_until_stopped, NULL) == 0);
  for (int round = 0; round < CHILDREN; round++) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      /* A child that waits for its parent's threads is ended by this. */
      alarm(60);
      bool done = capture("child", "InChild") == PH_OK && ph_flush(client, 30000) == PH_OK;
      _exit(done ? 0 : 1);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = true;
  CHECK(pthread_join(loader, NULL) == 0 && pthread_join(other, NULL) == 0);
}

int main(int argc, char **argv) {
  CHECK(argc >= 3);
  plugin_path = argc > 3 ? argv[3] : NULL;
  bool is_storm = strcmp(argv[2], "storm") == 0;
  client = make_client(argv[1], is_storm ? PH_FOREVER : 0);
  if (is_storm) {
    storm();
  } else if (strcmp(argv[2], "fork") == 0) {
    forks();
  } else {
    loop();
  }
  CHECK_OK(ph_shutdown(client, 60000));
  ph_client_free(client);
  return 0;
}
