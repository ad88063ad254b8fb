// A header that is newer than the library, and one of another major version: the client does nothing,
// and says why.
#include <posthog.h>
#if defined(OTHER_MAJOR)
#undef PH_VERSION_MAJOR
#define PH_VERSION_MAJOR 7
#else
#undef PH_VERSION_MINOR
#define PH_VERSION_MINOR 99
#endif
#include "check.hpp"

#include <cstring>

int main() {
  posthog::Client client(posthog::Config("phc_test"));
  CHECK_STATUS(client.status(), PH_ERROR_UNSUPPORTED);
  CHECK(std::strstr(client.status_text(), "older than this header"));
  CHECK(!client.raw());
  CHECK_OK(client.capture("user_42", "nobody sends this"));
}
