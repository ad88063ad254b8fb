/* What Recovers.java calls: with PH_URL and PH_DIRECTORY in the environment. Its functions are found
 * by name, and take what every native function does. */
#include "../check.h"

#include <stdlib.h>

#define NATIVE __attribute__((visibility("default"), noinline))

static ph_client *client;

NATIVE void Java_Recovers_begin(void *machine, void *type) {
  (void)machine, (void)type;
  ph_config *config = config_for(getenv("PH_URL"));
  CHECK_OK(ph_config_set_storage_dir(config, getenv("PH_DIRECTORY")));
  CHECK_OK(ph_config_set_crash_handler(config, true));
  client = client_of(config);
}

NATIVE void Java_Recovers_end(void *machine, void *type) {
  (void)machine, (void)type;
  CHECK_OK(ph_shutdown(client, 5000));
  ph_client_free(client);
}

NATIVE void Java_Recovers_die(void *machine, void *type) {
  (void)machine, (void)type;
  *(volatile int *)getenv("there is no such variable") = 1;
}
