// test_mode: the test of a program that README.md shows, as it stands there.
#undef NDEBUG
#include "check.hpp"

#include <cassert>
#include <string_view>

static void place_order(const posthog::Client &client) { CHECK_OK(client.capture("user_42", "order placed")); }

int main() {
  posthog::Config config("phc_test");
  config.capture_only(true).deterministic(1700000000000, 42);
  posthog::Client client(config);
  place_order(client);
  posthog::OwnedText events = client.drain(100);
  assert(events.view().find("\"event\":\"order placed\"") != std::string_view::npos);

  CHECK(events.view().find("\"uuid\":\"018bcfe5-6800-7000-8000-00000540000a\"") != std::string_view::npos);
  CHECK(client.drain(100).view() == "[]");
  CHECK(posthog::Client().drain(100).view() == "[]");
}
