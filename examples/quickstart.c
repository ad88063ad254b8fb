/*
 * A small shop that tells PostHog what happens in it. Reads POSTHOG_API_KEY and POSTHOG_HOST;
 * POSTHOG_DEBUG=1 shows what the library does.
 *
 *   cc quickstart.c $(pkg-config --cflags --libs posthog) -o quickstart
 */
#include <posthog.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define USER "user_42"

static volatile sig_atomic_t stopping;

/* Only notes that the signal came: nothing else is safe in a handler. */
static void stop(int number) {
  (void)number;
  stopping = 1;
}

/* A lost event is worth a line, but no reason to stop serving customers. */
static bool check(const char *what, ph_status status) {
  if (status != PH_OK) fprintf(stderr, "%s: %s\n", what, ph_status_text(status));
  return status == PH_OK;
}

/* Who the user is, by which other id they are known, and which company they buy for. */
static void introduce(const ph_client *client) {
  ph_props *set = ph_props_new(), *once = ph_props_new(), *company = ph_props_new();
  ph_props_set_str(set, "plan", "pro");
  ph_props_set_str(once, "first_seen_on", "newsletter");
  ph_props_set_str(company, "name", "Analytical Engines");
  ph_props_set_int(company, "employees", 40);

  check("identify", ph_identify(client, USER, set, once));
  check("alias", ph_alias(client, USER, "visitor_7"));
  check("group", ph_group_identify(client, USER, "company", "engines", company));

  ph_props_free(company);
  ph_props_free(once);
  ph_props_free(set);
}

/* One request evaluates every flag of the user. */
static void greet(const ph_client *client) {
  ph_flags *flags = NULL;
  check("flags", ph_flags_evaluate(client, USER, NULL, 3000, &flags));
  const char *payload = ph_flags_get_payload(flags, "new-checkout");
  bool on = ph_flags_is_enabled(flags, "new-checkout", false);
  printf("new-checkout is %s, payload %s\n", on ? "on" : "off", payload ? payload : "none");
  ph_flags_free(flags);
}

static void take_order(const ph_client *client, long number) {
  ph_props *props = ph_props_new();
  ph_props_set_int(props, "order", number);
  ph_props_set_double(props, "total", 49.9);
  ph_props_set_json(props, "items", "[{\"sku\": \"tea\", \"count\": 2}]");
  /* Asks PostHog once, and then answers from memory. */
  bool enabled = ph_flag_enabled(client, USER, "new-checkout", NULL, false);
  ph_props_set_bool(props, "new_checkout", enabled);
  check("order", ph_capture(client, USER, "order placed", props));
  ph_props_free(props);
}

/* With its own uuid and time, an event that is sent twice is still one event. */
static void import_delivery(const ph_client *client) {
  ph_event *event = NULL;
  check("event", ph_event_new(USER, "order delivered", &event));
  ph_event_set_uuid(event, "0190a6e0-7c3b-7def-8123-456789abcdef");
  ph_event_set_timestamp(event, "2026-11-20T10:00:00.5+01:00");
  ph_event_set_group(event, "company", "engines");
  check("delivery", ph_capture_event(client, event, NULL));
  ph_event_free(event);
}

static void report_failure(const ph_client *client) {
  ph_exception *exception = NULL;
  check("exception", ph_exception_new("PaymentError", "the card was declined", &exception));
  ph_exception_add_frame(exception, __func__, __FILE__, __LINE__, NULL, true);
  check("failure", ph_capture_exception(client, USER, exception));
  ph_exception_free(exception);
}

/* Every event that came is in exactly one of the columns on the right. */
static bool print_ledger(const ph_client *client) {
  static const int widths[] = {8, 7, 9, 6, 9, 6, 7, 7};
  static const char signs[] = " +=+++++";
  uint64_t stats[PH_STAT_DROPPED + 1] = {0}, came = 0, went = 0;
  ph_stats_get(client, stats, PH_STAT_DROPPED + 1);
  puts("\n  accepted + adopted = delivered + queued + in flight + stored + drained + dropped");
  for (int i = PH_STAT_ACCEPTED; i <= PH_STAT_DROPPED; i++) {
    printf("%c %*" PRIu64 " ", signs[i], widths[i], stats[i]);
    *(i < PH_STAT_DELIVERED ? &came : &went) += stats[i];
  }
  puts(came == went ? " it balances" : " IT DOES NOT BALANCE");
  return came == went;
}

int main(int argc, char **argv) {
  long orders = argc > 1 ? strtol(argv[1], NULL, 10) : 3;
  signal(SIGINT, stop);
  signal(SIGTERM, stop);

  ph_client *client = NULL;
  ph_config *config = ph_config_from_env();
  bool ready = check("init", ph_init(config, &client));
  ph_config_free(config);
  if (!ready) return EXIT_FAILURE;

  introduce(client);
  greet(client);
  for (long order = 1; order <= orders && !stopping; order++) take_order(client, order);
  import_delivery(client);
  report_failure(client);
  check("flush", ph_flush(client, 2000));

  bool delivered = check("shutdown", ph_shutdown(client, 5000));
  bool balances = print_ledger(client);
  ph_client_free(client);
  return delivered && balances ? EXIT_SUCCESS : EXIT_FAILURE;
}
