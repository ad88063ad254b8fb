// What the programs share. They end with 1 at the first thing that does not hold.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <posthog.hpp>

#include <cstdio>
#include <cstdlib>

#define CHECK(holds)                                                        \
  do {                                                                      \
    if (!(holds)) {                                                         \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds);      \
      std::_Exit(1);                                                        \
    }                                                                       \
  } while (0)

#define CHECK_STATUS(call, expected)                                                             \
  do {                                                                                           \
    ph_status status_ = (call);                                                                  \
    if (status_ != (expected)) {                                                                 \
      std::fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, ph_status_text(status_)); \
      std::_Exit(1);                                                                             \
    }                                                                                            \
  } while (0)

#define CHECK_OK(call) CHECK_STATUS(call, PH_OK)

#endif
