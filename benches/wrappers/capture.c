/* capture URL: three properties through the C API, on a map that is reused. */
#include "rounds.h"

int main(int argc, char **argv) {
  ph_config *config = rounds_config(argc > 1 ? argv[1] : "");
  ph_client *client = NULL;
  if (ph_init(config, &client) != PH_OK) return 1;
  ph_config_free(config);
  ph_props *props = ph_props_new();
  double means[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    double start = rounds_now_ns();
    for (int n = 0; n < EVENTS; n++) {
      ph_props_clear(props);
      ph_props_set_str(props, "plan", "pro");
      ph_props_set_str(props, "source", "web checkout");
      ph_props_set_int(props, "amount", n);
      if (ph_capture(client, "user_42", "order placed", props) != PH_OK) return 1;
    }
    means[round] = (rounds_now_ns() - start) / EVENTS;
    rounds_empty(client);
  }
  rounds_print(means);
  ph_props_free(props);
  ph_client_free(client);
  return 0;
}
