// options URL: what a configuration, an event and an exception can say besides, each seen to matter.
#include "check.hpp"

#include <string>
#include <string_view>

#include <stdlib.h>

namespace {

using posthog::Client;
using posthog::Config;
using posthog::Event;
using posthog::Exception;

// One that sends nothing: drain has what it would have sent.
Config kept() { return std::move(Config("phc_test").capture_only(true).deterministic(1700000000000, 42)); }

bool has(std::string_view text, std::string_view part) {
  if (text.find(part) != text.npos) return true;
  std::fprintf(stderr, "no %.*s in %.*s\n", static_cast<int>(part.size()), part.data(), static_cast<int>(text.size()),
               text.data());
  return false;
}

void configurations() {
  Client client(kept()
                    .environment("staging")
                    .debug(false)
                    .disabled(false)
                    .geoip_disable(false)
                    .flush_interval_ms(50)
                    .max_retries(1)
                    .flags_timeout_ms(100)
                    .queue_max_events(2)
                    .queue_max_bytes(1 << 20)
                    .overflow(PH_OVERFLOW_DROP_OLDEST)
                    .shutdown_timeout_ms(100));
  CHECK_OK(client.status());
  for (const char *name : {"first", "second", "third"}) CHECK_OK(client.capture("user_42", name));
  CHECK(client.stat(PH_STAT_DROPPED_OVERFLOW) == 1);
  posthog::OwnedText events = client.drain(10);
  CHECK(events.view().find("\"first\"") == std::string_view::npos && has(events, "\"third\""));
  CHECK(has(events, "\"environment\":\"staging\"") && has(events, "2023-11-14T22:13:20"));
  CHECK(has(events, "\"$geoip_disable\":false"));

  Client disabled(Config("phc_test").disabled(true));
  CHECK_OK(disabled.capture("user_42", "e"));
  CHECK(disabled.stat(PH_STAT_ACCEPTED) == 0);
  for (ph_status status : {Config("phc_test").flush_interval_ms(0xFFFFFFFF).status(),
                           Config("phc_test").queue_max_bytes(1).status(), Config("phc_test").queue_max_events(1u << 31).status()})
    CHECK(status == PH_ERROR_RANGE);
  CHECK(Config("phc_test").shutdown_timeout_ms(7).shutdown_timeout_ms() == 7);
}

void events() {
  Client client(kept());
  CHECK_OK(client.capture(Event("user_42", "e").timestamp_ms(1600000000000).process_person_profile(false)));
  CHECK_OK(client.capture(Event("user_42", "o").options({{"cookieless_mode", true}})));
  posthog::OwnedText events = client.drain(10);
  CHECK(has(events, "2020-09-13T12:26:40") && has(events, "\"$process_person_profile\":false"));
  CHECK(has(events, "cookieless_mode"));
  CHECK_STATUS(client.capture(Event("user_42", "e").timestamp("yesterday")), PH_ERROR_TIMESTAMP);
}

void exceptions() {
  Client client(kept());
  CHECK_OK(client.capture_exception("user_42", Exception("Oops", "no tea")
                                                   .mechanism("watchdog")
                                                   .source("kettle")
                                                   .group("company", "acme")
                                                   .properties({{"cups", 3}})
                                                   .frame("brew", "kettle.cc", 12)));
  posthog::OwnedText events = client.drain(10);
  for (const char *part : {"\"type\":\"watchdog\"", "\"$exception_source\":\"kettle\"", "\"company\":\"acme\"", "\"cups\":3", "\"brew\"", "kettle.cc"})
    CHECK(has(events, part));
  CHECK_OK(client.capture_exception("user_42", Exception("Oops", "no stack").stack(false)));
  CHECK(client.drain(10).view().find("stacktrace") == std::string_view::npos);
}

void calls(const char *url) {
  setenv("POSTHOG_API_KEY", "phc_test", 1);
  setenv("POSTHOG_HOST", url, 1);
  Client client(Config::from_env());
  CHECK_OK(client.status());
  CHECK_OK(client.capture_immediate(Event("user_42", "now"), 10000));
  CHECK_OK(client.capture_ai_immediate(Event("user_42", "$ai_generation"), 10000));
  CHECK(client.stat(PH_STAT_DELIVERED) == 2);
  posthog::Context context;
  context.device_id("device_7").evaluation_context("backend").flag("missing").limit_flags();
  posthog::Flags flags = client.evaluate_flags("user_42", 10000, &context);
  CHECK_OK(flags.status());
  CHECK(!flags.known("missing") && !flags.reason("missing"));
  CHECK_OK(client.opt_out());
  CHECK(client.opted_out());
  CHECK_OK(client.opt_in());
  CHECK(!client.opted_out());
  CHECK_OK(client.shutdown(10000));
  CHECK_STATUS(client.capture("user_42", "late"), PH_ERROR_SHUTDOWN);

  Client local(Config("phc_test").host(url).secret_key("phx_secret"));
  CHECK_OK(local.wait_for_flags(10000));
  CHECK(local.flag_enabled("user_42", "here"));
  CHECK(local.evaluate_flags("user_42").reason("here") == "condition_match");
}

}  // namespace

int main(int count, char **arguments) {
  CHECK(count == 2);
  configurations();
  events();
  exceptions();
  calls(arguments[1]);
}
