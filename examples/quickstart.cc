// The shop of quickstart.c in C++17: the same calls, and handles that free themselves.
//
//   c++ -std=c++17 quickstart.cc $(pkg-config --cflags --libs posthog) -o quickstart
#include <posthog.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <memory>

namespace {

template <auto free>
struct Free {
  template <typename T>
  void operator()(T *handle) const {
    free(handle);
  }
};

using Client = std::unique_ptr<ph_client, Free<ph_client_free>>;
using Config = std::unique_ptr<ph_config, Free<ph_config_free>>;
using Event = std::unique_ptr<ph_event, Free<ph_event_free>>;
using Exception = std::unique_ptr<ph_exception, Free<ph_exception_free>>;
using Flags = std::unique_ptr<ph_flags, Free<ph_flags_free>>;
using Props = std::unique_ptr<ph_props, Free<ph_props_free>>;

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
void introduce(const ph_client *client) {
  Props set(ph_props_new()), once(ph_props_new()), company(ph_props_new());
  ph_props_set_str(set.get(), "plan", "pro");
  ph_props_set_str(once.get(), "first_seen_on", "newsletter");
  ph_props_set_str(company.get(), "name", "Analytical Engines");
  ph_props_set_int(company.get(), "employees", 40);

  check("identify", ph_identify(client, user, set.get(), once.get()));
  check("alias", ph_alias(client, user, "visitor_7"));
  check("group", ph_group_identify(client, user, "company", "engines", company.get()));
}

// One request evaluates every flag of the user.
void greet(const ph_client *client) {
  ph_flags *evaluated = nullptr;
  check("flags", ph_flags_evaluate(client, user, nullptr, 3000, &evaluated));
  Flags flags(evaluated);
  const char *payload = ph_flags_get_payload(flags.get(), "new-checkout");
  bool on = ph_flags_is_enabled(flags.get(), "new-checkout", false);
  std::cout << "new-checkout is " << (on ? "on" : "off") << ", payload "
            << (payload ? payload : "none") << '\n';
}

void take_order(const ph_client *client, long number) {
  Props props(ph_props_new());
  ph_props_set_int(props.get(), "order", number);
  ph_props_set_double(props.get(), "total", 49.9);
  ph_props_set_json(props.get(), "items", R"([{"sku": "tea", "count": 2}])");
  // Asks PostHog once, and then answers from memory.
  bool enabled = ph_flag_enabled(client, user, "new-checkout", nullptr, false);
  ph_props_set_bool(props.get(), "new_checkout", enabled);
  check("order", ph_capture(client, user, "order placed", props.get()));
}

// With its own uuid and time, an event that is sent twice is still one event.
void import_delivery(const ph_client *client) {
  ph_event *created = nullptr;
  check("event", ph_event_new(user, "order delivered", &created));
  Event event(created);
  ph_event_set_uuid(event.get(), "0190a6e0-7c3b-7def-8123-456789abcdef");
  ph_event_set_timestamp(event.get(), "2026-11-20T10:00:00.5+01:00");
  ph_event_set_group(event.get(), "company", "engines");
  check("delivery", ph_capture_event(client, event.get(), nullptr));
}

void report_failure(const ph_client *client) {
  ph_exception *created = nullptr;
  check("exception", ph_exception_new("PaymentError", "the card was declined", &created));
  Exception exception(created);
  ph_exception_add_frame(exception.get(), __func__, __FILE__, __LINE__, nullptr, true);
  check("failure", ph_capture_exception(client, user, exception.get()));
}

// Every event that came is in exactly one of the columns on the right.
bool print_ledger(const ph_client *client) {
  constexpr int widths[] = {8, 7, 9, 6, 9, 6, 7, 7};
  constexpr char signs[] = " +=+++++";
  std::uint64_t stats[PH_STAT_DROPPED + 1] = {}, came = 0, went = 0;
  ph_stats_get(client, stats, PH_STAT_DROPPED + 1);
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

  Config config(ph_config_from_env());
  ph_client *created = nullptr;
  if (!check("init", ph_init(config.get(), &created))) return EXIT_FAILURE;
  Client client(created);

  introduce(client.get());
  greet(client.get());
  for (long order = 1; order <= orders && !stopping; order++) take_order(client.get(), order);
  import_delivery(client.get());
  report_failure(client.get());
  check("flush", ph_flush(client.get(), 2000));

  bool delivered = check("shutdown", ph_shutdown(client.get(), 5000));
  bool balances = print_ledger(client.get());
  return delivered && balances ? EXIT_SUCCESS : EXIT_FAILURE;
}
