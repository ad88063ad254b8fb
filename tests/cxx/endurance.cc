// endurance URL: 10,000 clients from the first to the last, and a million distinct ids through one.
// Afterwards there are no more threads than before, and hardly more memory.
#include "check.hpp"

#include <cstring>
#include <string>

namespace {

constexpr long kib = 1;

long status(const char *name) {
  char line[256];
  long value = -1;
  std::FILE *file = std::fopen("/proc/self/status", "r");
  CHECK(file);
  while (std::fgets(line, sizeof line, file))
    if (!std::strncmp(line, name, std::strlen(name))) value = std::strtol(line + std::strlen(name) + 1, nullptr, 10);
  std::fclose(file);
  CHECK(value >= 0);
  return value;
}

struct Usage {
  long threads = status("Threads"), resident = status("VmRSS");

  void must_not_grow(const char *what, long more) const {
    Usage after;
    std::printf("%s: threads %ld -> %ld, resident %ld -> %ld KiB\n", what, threads, after.threads, resident, after.resident);
    CHECK(after.threads == threads);
    CHECK(after.resident <= resident + more);
  }
};

void cycles(const char *url, int count) {
  for (int n = 0; n < count; n++) {
    posthog::Client client(posthog::Config("phc_test").host(url));
    CHECK_OK(client.capture("u", "cycle", {{"n", n}}));
  }
}

void ids(const posthog::Client &client, int from, int to) {
  for (int n = from; n < to; n++) {
    std::string id = "user_" + std::to_string(n);
    CHECK_OK(client.capture(id, "id", {{"id", id}}));
    if (n % 5000 == 4999) CHECK_OK(client.flush(30000));
  }
}

}  // namespace

int main(int count, char **arguments) {
  CHECK(count == 2);
  // What the allocators keep for themselves is there after the first of each.
  cycles(arguments[1], 500);
  Usage before;
  cycles(arguments[1], 10000);
  before.must_not_grow("10,000 clients", 2048 * kib);

  posthog::Client client(posthog::Config("phc_test").host(arguments[1]));
  ids(client, 0, 100000);
  before = Usage();
  ids(client, 100000, 1100000);
  before.must_not_grow("1,000,000 distinct ids", 4096 * kib);
}
