// behaviour URL: every part of posthog.hpp once. tests/cxx.rs looks at what arrived. Compiles with
// and without exceptions and RTTI.
#include "check.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include <stdlib.h>
#include <unistd.h>
#if defined(__cpp_exceptions)
#include <stdexcept>
#endif

namespace {

using posthog::Client;
using posthog::Config;
using posthog::Event;

static_assert(std::is_nothrow_move_constructible_v<Client> && !std::is_copy_constructible_v<Client>);
static_assert(noexcept(std::declval<Client &>().capture("", "", {{"a", 1}})));
static_assert(noexcept(std::declval<Client &>().capture_exception("", std::exception())));

std::atomic<int> delivered, lines, alive;

// Counts how many of it there are: what the library keeps has to go with the client.
struct Counted {
  Counted() { alive++; }
  Counted(const Counted &) { alive++; }
  Counted(Counted &&) noexcept { alive++; }
  ~Counted() { alive--; }
};

void values(const Client &client) {
  const std::string text = "a string";
  const std::string_view part("a view and more", 6);
  const std::string long_key(300, 'k');
  CHECK_OK(client.capture("user_42", "values", {
      {"literal", "pro"},
      {"string", text},
      {std::string_view("view, not key", 4), part},
      {"int", 4999},
      {"least", std::numeric_limits<std::int64_t>::min()},
      {"most", std::numeric_limits<std::uint64_t>::max()},
      {"double", 0.5},
      {"nan", std::numeric_limits<double>::quiet_NaN()},
      {"yes", true},
      {"none", nullptr},
      {"null text", static_cast<const char *>(nullptr)},
      {"object", {{"a", {{"b", "\"q\"\n\x01"}, {part, 1.25}}}}},
      {"array", posthog::array({1, "two", 3.5, false, nullptr, {{"k", posthog::array({})}}})},
      {"json", posthog::Json{"[1, {\"a\": 2}]"}},
      {long_key, 1},
      {"same", 1},
      {"same", 2},
      {"inside", std::string_view("a\0b", 3)},
  }));
}

void bad_input(const Client &client) {
  CHECK_STATUS(client.capture("", "e"), PH_ERROR_EMPTY);
  CHECK_STATUS(client.capture("u", std::string_view("\xff", 1)), PH_ERROR_UTF8);
  CHECK_STATUS(client.capture("u", "e", {{"", 1}}), PH_ERROR_EMPTY);
  CHECK_STATUS(client.capture("u", "e", {{"j", posthog::Json{"{"}}}), PH_ERROR_JSON);
  CHECK_STATUS(client.alias(std::string_view("a\0b", 3), "c"), PH_ERROR_UTF8);
  CHECK_STATUS(client.alias(std::string("a\0b", 3), "c"), PH_ERROR_UTF8);
  CHECK_STATUS(client.alias(nullptr, "c"), PH_ERROR_NULL);
  CHECK_STATUS(client.capture(Event("u", "e").uuid("none").group("company", "acme")), PH_ERROR_UUID);
  CHECK_STATUS(client.capture(Event("", "e")), PH_ERROR_EMPTY);
  CHECK_STATUS(client.capture(Event("u", "e").timestamp("yesterday")), PH_ERROR_TIMESTAMP);
  CHECK_STATUS(client.capture_exception("u", "", "m"), PH_ERROR_EMPTY);
  CHECK_OK(client.capture("user_42", "after bad input"));

  CHECK_STATUS(Config("phc_test").host("nonsense").flush_at(5).status(), PH_ERROR_HOST);
  Client none(Config("phc_test").host("nonsense"));
  CHECK_STATUS(none.status(), PH_ERROR_HOST);
  CHECK_OK(none.capture("", ""));
  CHECK_OK(Client().capture("", ""));
}

void identities(const Client &client) {
  CHECK_OK(client.identify("user_42", {{"plan", "pro"}}, {{"first", 1}}));
  CHECK_OK(client.alias("user_42", "visitor_7"));
  CHECK_OK(client.group_identify("", "company", "acme", {{"name", "Acme"}}));
  CHECK_OK(client.register_properties({{"super", 1}}));
  CHECK_OK(client.register_once({{"super", 2}, {"once", 1}}));
  CHECK_OK(client.unregister("once"));
  CHECK_OK(client.capture(Event("user_42", "full")
                              .uuid("0190a6e0-7c3b-7def-8123-456789abcdef")
                              .timestamp("2026-11-20T10:00:00.5+01:00")
                              .group("company", "acme")
                              .properties({{"a", 1}})
                              .set({{"b", 2}})
                              .set_once({{"c", 3}})));
  CHECK_OK(client.unregister("super"));
}

void exceptions(const Client &client) {
  CHECK_OK(client.capture_exception("user_42", "PaymentError", "declined", {{"order", 7}}));
  posthog::Exception outer("Outer", "o");
  CHECK_OK(client.capture_exception(
      "user_42", outer.cause(posthog::Exception("Inner", "i")).level(PH_LEVEL_WARNING).handled(false).fingerprint("f")));
#if defined(__cpp_exceptions)
  try {
    try {
      throw std::runtime_error("the card was declined");
    } catch (...) {
      std::throw_with_nested(std::logic_error("the order failed"));
    }
  } catch (const std::exception &thrown) {
    CHECK_OK(client.capture_exception("user_42", thrown, {{"order", 8}}));
  }
  try {
    throw 42;
  } catch (...) {
    CHECK_OK(client.capture_current_exception("user_42"));
  }
#else
  CHECK_OK(client.capture_exception("user_42", std::bad_alloc(), {{"order", 8}}));
#endif
}

void flags(const Client &client) {
  posthog::Context context;
  context.group("company", "acme").person({{"plan", "pro"}}).group_properties("company", {{"size", 4}});
  CHECK_OK(context.status());
  posthog::Flags flags = client.evaluate_flags("user_42", 10000, &context);
  CHECK_OK(flags.status());
  CHECK(flags.enabled("new-checkout") && flags.known("new-checkout") && flags.size() == 1);
  CHECK(flags.key(0) == "new-checkout" && flags.key(1).empty());
  CHECK(flags.payload("new-checkout") == "{\"copy\":\"hello\"}");
  CHECK(!flags.variant("new-checkout") && !flags.payload("none") && flags.enabled("none", true));
  CHECK(!flags.known(std::string_view("new-checkout!", 13)) && flags.known(std::string_view("new-checkout!", 12)));
  CHECK_OK(client.capture(Event("user_42", "with flags").flags(flags)));
  CHECK(client.flag_enabled("user_42", "new-checkout") && client.flag_enabled("user_42", "none", true));
  CHECK(client.recall_flags("user_42").payload("new-checkout") == "{\"copy\":\"hello\"}");
  CHECK_STATUS(client.evaluate_flags("").status(), PH_ERROR_EMPTY);
  CHECK_OK(client.override_flags("{\"forced\": true}"));
  CHECK(client.flag_enabled("user_42", "forced") && client.flag_enabled("user_42", "new-checkout"));
  CHECK_OK(client.override_flags(""));
  CHECK(!client.flag_enabled("user_42", "forced"));
  CHECK_STATUS(client.override_flags("{"), PH_ERROR_JSON);
  CHECK_STATUS(client.wait_for_flags(10), PH_ERROR_UNSUPPORTED);
}

bool before(ph_event *event) {
  if (std::string_view(ph_event_get_name(event)) == "secret") return false;
#if defined(__cpp_exceptions)
  if (std::string_view(ph_event_get_name(event)) == "thrown") throw 1;
#endif
  return true;
}

void hooks(const char *url) {
  Counted counted;
  Client client(Config("phc_test")
                    .host(url)
                    .before_send([counted](ph_event *event) { return before(event); })
                    .on_delivery([counted](ph_delivery, std::size_t events) { delivered += static_cast<int>(events); })
                    .on_log([counted](ph_log_level, const char *) { lines++; }));
  CHECK_OK(client.status());
  CHECK(alive > 1);
  CHECK_STATUS(client.capture("user_42", "secret"), PH_ERROR_FILTERED);
#if defined(__cpp_exceptions)
  CHECK_STATUS(client.capture("user_42", "thrown"), PH_ERROR_FILTERED);
#endif
  CHECK_OK(client.capture("user_42", "hooked", {{"n", 1}}));
  CHECK_OK(client.flush(10000));
  Client moved(std::move(client));
  CHECK(moved.stat(PH_STAT_DELIVERED) == 1 && !client.raw());
  CHECK_OK(client.capture("", ""));
}

// What a server that refuses everything is reported as.
void faults(const char *url) {
  std::atomic<std::int64_t> http_status{0};
  Client client(Config("phc_test")
                    .host(url)
                    .set(ph_config_set_protocol, PH_PROTOCOL_V0)
                    .set(ph_config_set_ca_file, nullptr)
                    .header("x-shop", "tea")
                    .in_app("/srv/vendor/", false)
                    .on_error([&](const ph_report *report) {
                      http_status = ph_report_get(report, PH_REPORT_STATUS);
#if defined(__cpp_exceptions)
                      throw 1;
#endif
                    }));
  CHECK_OK(client.status());
  CHECK(!std::strcmp(client.status_text(), ph_status_text(PH_OK)));
  CHECK_OK(client.capture("user_42", "refused"));
  CHECK_STATUS(client.flush(10000), PH_ERROR_LOST);
  CHECK(http_status == 404);
  CHECK_STATUS(Config("phc_test").header("no name", "x").status(), PH_ERROR_RANGE);
  CHECK_STATUS(Config("phc_test").in_app("", true).status(), PH_ERROR_EMPTY);
}

// Definitions of flags outlive the process in a file.
void definitions(const char *url) {
  const char json[] =
      R"({"flags": [{"id": 1, "key": "here", "active": true, "filters": {"groups": [{"properties": [], "rollout_percentage": 100}]}}],)"
      R"("group_type_mapping": {}, "cohorts": {}})";
  char path[] = "/tmp/posthog-definitions-XXXXXX";
  int file = mkstemp(path);
  CHECK(file >= 0 && !close(file));
  {
    Client first(Config("phc_test").host(url));
    CHECK_STATUS(first.save_definitions_file(path), PH_ERROR_UNSUPPORTED);
    CHECK_OK(ph_definitions_load(first.raw(), json, sizeof json - 1));
    CHECK_OK(first.save_definitions_file(std::string(path)));
  }
  Client next(Config("phc_test").host(url));
  CHECK_OK(next.load_definitions_file(path));
  posthog::Context here;
  CHECK(next.flag_enabled("user_42", "here", false, &here.local_only(true).group("company", "acme")));
  CHECK(!std::remove(path));
  CHECK_STATUS(next.load_definitions_file(path), PH_ERROR_FILE);
  CHECK_STATUS(next.load_definitions_file(std::string_view("a\0b", 3)), PH_ERROR_UTF8);
}

}  // namespace

int main(int count, char **arguments) {
  CHECK(count == 2);
  Client client(Config("phc_test").host(arguments[1]).group_index("company", 2).deny_property("denied").is_server(true));
  CHECK_OK(client.status());
  values(client);
  bad_input(client);
  identities(client);
  exceptions(client);
  flags(client);
  CHECK_OK(client.flush(10000));
  hooks(arguments[1]);
  definitions(arguments[1]);
  faults((std::string(arguments[1]) + "/nothing-here").c_str());
  CHECK(delivered == 1 && lines > 0 && alive == 0);
  CHECK_OK(client.capture("user_42", "last"));
}
