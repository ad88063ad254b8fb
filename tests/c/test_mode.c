/* test_mode: the test of a program that README.md shows, as it stands there. */
#undef NDEBUG
#include "check.h"

#include <assert.h>

static void place_order(const ph_client *client) {
  CHECK_OK(ph_capture(client, "user_42", "order placed", NULL));
}

int main(void) {
  ph_config *config = ph_config_new("phc_test");
  ph_client *client = NULL;
  char *events = NULL;
  CHECK_OK(ph_config_set_deterministic(config, 1700000000000, 42));

  ph_config_set_capture_only(config, true);
  ph_init(config, &client);
  place_order(client);
  ph_queue_drain(client, 100, &events);
  assert(strstr(events, "\"event\":\"order placed\""));

  CHECK(strstr(events, "\"uuid\":\"018bcfe5-6800-7000-8000-00000540000a\"") != NULL);
  CHECK(strstr(events, "\"timestamp\":\"2023-11-14T22:13:20.000Z\"") != NULL);
  ph_string_free(events);
  ph_client_free(client);
  ph_config_free(config);
  return 0;
}
