// consumer EVENT: sends it, and ends with 0 if the server took it.
#include <posthog.hpp>

#include <cstdio>

int main(int argc, char **argv) {
  posthog::Client client(posthog::Config::from_env());
  ph_status status = client.status();
  if (!status) status = client.capture("consumer", argc > 1 ? argv[1] : "consumed", {{"language", "C++"}});
  if (!status) status = client.shutdown(10000);
  if (status) std::fprintf(stderr, "%s\n", ph_status_text(status));
  return status != PH_OK;
}
