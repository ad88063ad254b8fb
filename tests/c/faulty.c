/* Faults that the sanitizers have to find: a run that ends well shows that they are not on.
 *
 * faulty overflow|leak|used-after-free|out-of-bounds */
#include "check.h"

#include <limits.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  CHECK(argc == 2);
  const char *fault = argv[1];
  if (strcmp(fault, "overflow") == 0) {
    volatile int large = INT_MAX;
    large = large + argc;
  } else if (strcmp(fault, "leak") == 0) {
    /* Memory of the library. */
    ph_props *props = ph_props_new();
    ph_props_set_int(props, "n", 1);
  } else if (strcmp(fault, "used-after-free") == 0) {
    char *json = NULL;
    CHECK_OK(ph_queue_drain(NULL, 1, &json));
    ph_string_free(json);
    volatile char first = json[0];
    (void)first;
  } else if (strcmp(fault, "out-of-bounds") == 0) {
    /* Room for fewer statistics than the call is told. */
    uint64_t *values = malloc(sizeof *values);
    CHECK(values != NULL);
    ph_stats_get(NULL, values, 2);
    free(values);
  } else {
    return 2;
  }
  return 0;
}
