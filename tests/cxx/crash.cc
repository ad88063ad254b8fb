// crash URL DIRECTORY HOW: dies in one of several ways, or with HOW "again" reports how it died.
#include "check.hpp"

#include <csignal>
#include <cstring>
#include <stdexcept>

int main(int count, char **arguments) {
  CHECK(count == 4);
  const char *how = arguments[3];
  posthog::Client client(
      posthog::Config("phc_test")
          .host(arguments[1])
          .storage_dir(arguments[2])
          .storage_max_bytes(std::uint64_t{8} << 30)
          .storage_max_age_ms(60ull * 24 * 3600 * 1000)
          .storage_sync(true)
          .flush_interval_ms(3600000)
          .crash_handler(std::strcmp(how, "written")));
  CHECK_OK(client.status());
  if (!std::strcmp(how, "again")) {
    CHECK_OK(client.shutdown(10000));
    return 0;
  }
  CHECK_STATUS(client.crash_distinct_id("a\0b"), PH_OK);  // A literal ends where C says it does.
  CHECK_OK(client.crash_distinct_id(""));
  CHECK_OK(client.crash_distinct_id(std::string_view("user_42!", 7)));
  CHECK_STATUS(client.attach_crash_thread(), std::strcmp(how, "written") ? PH_OK : PH_ERROR_UNSUPPORTED);
  client.capture_terminate();
  if (!std::strcmp(how, "killed")) {
    CHECK_OK(client.capture("user_42", "kept"));
    std::raise(SIGKILL);
  }
  if (!std::strcmp(how, "signal")) std::raise(SIGSEGV);
  if (!std::strcmp(how, "thrown")) throw std::runtime_error("nobody caught this");
  if (!std::strcmp(how, "written")) {
    CHECK_OK(client.write_crash(std::string_view("the reactor is hot!", 18)));
    CHECK_STATUS(client.write_crash("again"), PH_ERROR_QUEUE_FULL);
    std::_Exit(3);
  }
}
