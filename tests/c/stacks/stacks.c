/* stacks HOST PLUGIN: captures an exception from under functions of the executable, of a library it
 * is linked with, and of one that it loads; each calls the next. The test compares the frames that
 * arrive with what the tools of the system say of the files as they were before they were stripped.
 * With a third argument, `unload`, the loaded library is unloaded again before anything is sent; with
 * `debug` the library tells what it does. */

#include "../check.h"
#include "stacks.h"

#include <dlfcn.h>

static ph_client *client;

static __attribute__((noinline)) int program_capture(void *data) {
  ph_exception *exception = NULL;
  CHECK_OK(ph_exception_new("TestError", "from everywhere", &exception));
  CHECK_OK(ph_capture_exception(client, "user", exception));
  ph_exception_free(exception);
  return data != NULL;
}

static int (*plugin_outer)(callback *capture, void *data);

static __attribute__((noinline)) int program_from_linked(void *data) {
  return plugin_outer(program_capture, data) + 1;
}

__attribute__((noinline)) int program_outer(void *data) {
  return linked_outer(program_from_linked, data) + 1;
}

int main(int argc, char **argv) {
  CHECK(argc >= 3);
  ph_config *config = config_for(argv[1]);
  CHECK_OK(ph_config_set_debug(config, argc > 3 && strcmp(argv[3], "debug") == 0));
  client = client_of(config);

  void *plugin = dlopen(argv[2], RTLD_NOW);
  CHECK(plugin != NULL);
  *(void **)&plugin_outer = dlsym(plugin, "plugin_outer");
  CHECK(plugin_outer != NULL);
  CHECK(program_outer(NULL) >= 3);
  if (argc > 3 && strcmp(argv[3], "unload") == 0) {
    CHECK(dlclose(plugin) == 0);
  }
  CHECK_OK(ph_flush(client, 60000));
  CHECK_OK(ph_shutdown(client, 60000));
  ph_client_free(client);
  return 0;
}
