// terminate URL HOW: ends by std::terminate, in one of several ways.
#include "check.hpp"

#include <cstring>
#include <stdexcept>
#include <thread>

namespace {

void own_handler() {
  std::fputs("the handler before\n", stderr);
  std::abort();
}

}  // namespace

int main(int count, char **arguments) {
  CHECK(count == 3);
  const char *how = arguments[2];
  std::set_terminate(own_handler);
  posthog::Client client(posthog::Config("phc_test").host(arguments[1]));
  client.capture_terminate();
  client.capture("user_42", "before the end");
  if (!std::strcmp(how, "thrown")) throw std::runtime_error("nobody caught this");
  if (!std::strcmp(how, "number")) throw 42;
  if (!std::strcmp(how, "thread")) std::thread([] { throw std::logic_error("in a thread"); }).join();
  if (!std::strcmp(how, "called")) std::terminate();
  if (!std::strcmp(how, "gone")) {
    client = posthog::Client();
    { posthog::Client last(std::move(client)); }
    std::terminate();
  }
}
