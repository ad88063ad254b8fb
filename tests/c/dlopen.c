/* The library as a plug-in's: loaded, used and unloaded fifty times in one process.
 *
 * dlopen URL LIBRARY */
#include "proc.h"

#include <dlfcn.h>

enum { TIMES = 50, PATIENCE_MS = 20000 };

/* Declares the function `name` and looks it up. ISO C has no cast for that. */
#define LOAD(name)                           \
  __typeof__(name) *my_##name;               \
  void *found_##name = dlsym(library, #name); \
  CHECK(found_##name != NULL);               \
  memcpy(&my_##name, &found_##name, sizeof my_##name)

static void use(const char *host, const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  CHECK(library != NULL);
  LOAD(ph_config_new);
  LOAD(ph_config_set_host);
  LOAD(ph_config_free);
  LOAD(ph_init);
  LOAD(ph_capture);
  LOAD(ph_shutdown);
  LOAD(ph_client_free);

  ph_config *config = my_ph_config_new("phc_test");
  CHECK(my_ph_config_set_host(config, host) == PH_OK);
  ph_client *client = NULL;
  CHECK(my_ph_init(config, &client) == PH_OK);
  my_ph_config_free(config);
  CHECK(my_ph_capture(client, "user", "loaded", NULL) == PH_OK);
  CHECK(my_ph_shutdown(client, PATIENCE_MS) == PH_OK);
  my_ph_client_free(client);
  CHECK(dlclose(library) == 0);
}

int main(int argc, char **argv) {
  CHECK(argc == 3);
  int threads = entries("/proc/self/task"), files = entries("/proc/self/fd");
  for (int i = 0; i < TIMES; i++) {
    use(argv[1], argv[2]);
    CHECK(entries("/proc/self/fd") == files);
  }
  /* A thread has told that it is done before the system has taken it away. */
  for (int64_t end = now_ms() + PATIENCE_MS; entries("/proc/self/task") > threads; sleep_ms(1)) {
    CHECK(now_ms() < end);
  }
  return 0;
}
