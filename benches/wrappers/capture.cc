// capture URL: the same through posthog.hpp.
#include "rounds.h"

#include <posthog.hpp>

int main(int argc, char **argv) {
  posthog::Client client(posthog::Config("phc_bench")
                             .host(argc > 1 ? argv[1] : "")
                             .flush_at(1000000)
                             .flush_interval_ms(86400000)
                             .queue_max_events(100000)
                             .set(ph_config_set_batch_max_events, 100000)
                             .set(ph_config_set_batch_max_bytes, 16 << 20));
  if (client.status()) return 1;
  double means[ROUNDS];
  for (double &mean : means) {
    double start = rounds_now_ns();
    for (int n = 0; n < EVENTS; n++)
      if (client.capture("user_42", "order placed", {{"plan", "pro"}, {"source", "web checkout"}, {"amount", n}})) return 1;
    mean = (rounds_now_ns() - start) / EVENTS;
    rounds_empty(client.raw());
  }
  rounds_print(means);
}
