// The shop of quickstart.c in C++17: the same program over posthog.hpp.
//
//   c++ -std=c++17 quickstart.cc $(pkg-config --cflags --libs posthog) -o quickstart
#include <posthog.hpp>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iomanip>
#include <iostream>

namespace {

constexpr const char *user = "user_42";

volatile std::sig_atomic_t stopping;

// Only notes that the signal came: nothing else is safe in a handler.
extern "C" void stop(int) { stopping = 1; }

// A lost event is worth a line, but no reason to stop serving customers.
bool check(const char *what, ph_status status) {
  if (status != PH_OK) std::cerr << what << ": " << ph_status_text(status) << '\n';
  return status == PH_OK;
}

// Who the user is, by which other id they are known, and which company they buy for.
void introduce(const posthog::Client &client) {
  check("identify", client.identify(user, {{"plan", "pro"}}, {{"first_seen_on", "newsletter"}}));
  check("alias", client.alias(user, "visitor_7"));
  check("group", client.group_identify(user, "company", "engines",
                                       {{"name", "Analytical Engines"}, {"employees", 40}}));
}

// One request evaluates every flag of the user.
void greet(const posthog::Client &client) {
  posthog::Flags flags = client.evaluate_flags(user);
  check("flags", flags.status());
  std::cout << "new-checkout is " << (flags.enabled("new-checkout") ? "on" : "off") << ", payload "
            << flags.payload("new-checkout").value_or("none") << '\n';
}

void take_order(const posthog::Client &client, long number) {
  // Asks PostHog once, and then answers from memory.
  bool enabled = client.flag_enabled(user, "new-checkout");
  check("order", client.capture(user, "order placed",
                                {{"order", number},
                                 {"total", 49.9},
                                 {"items", posthog::array({{{"sku", "tea"}, {"count", 2}}})},
                                 {"new_checkout", enabled}}));
}

// With its own uuid and time, an event that is sent twice is still one event.
void import_delivery(const posthog::Client &client) {
  check("delivery", client.capture(posthog::Event(user, "order delivered")
                                       .uuid("0190a6e0-7c3b-7def-8123-456789abcdef")
                                       .timestamp("2026-11-20T10:00:00.5+01:00")
                                       .group("company", "engines")));
}

void report_failure(const posthog::Client &client) {
  posthog::Exception exception("PaymentError", "the card was declined");
  check("failure", client.capture_exception(user, exception.frame(__func__, __FILE__, __LINE__)));
}

// Every event that came is in exactly one of the columns on the right.
bool print_ledger(const posthog::Client &client) {
  constexpr int widths[] = {8, 7, 9, 6, 9, 6, 7, 7};
  constexpr char signs[] = " +=+++++";
  std::uint64_t stats[PH_STAT_DROPPED + 1] = {}, came = 0, went = 0;
  ph_stats_get(client.raw(), stats, PH_STAT_DROPPED + 1);
  std::cout << "\n  accepted + adopted = delivered"
               " + queued + in flight + stored + drained + dropped\n";
  for (int i = PH_STAT_ACCEPTED; i <= PH_STAT_DROPPED; i++) {
    std::cout << signs[i] << ' ' << std::setw(widths[i]) << stats[i] << ' ';
    (i < PH_STAT_DELIVERED ? came : went) += stats[i];
  }
  std::cout << (came == went ? " it balances\n" : " IT DOES NOT BALANCE\n");
  return came == went;
}

}  // namespace

int main(int argc, char **argv) {
  long orders = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 3;
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);

  posthog::Client client(posthog::Config::from_env());
  if (!check("init", client.status())) return EXIT_FAILURE;

  introduce(client);
  greet(client);
  for (long order = 1; order <= orders && !stopping; order++) take_order(client, order);
  import_delivery(client);
  report_failure(client);
  check("flush", client.flush(2000));

  bool delivered = check("shutdown", client.shutdown(5000));
  bool balances = print_ledger(client);
  return delivered && balances ? EXIT_SUCCESS : EXIT_FAILURE;
}
