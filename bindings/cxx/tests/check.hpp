// What the test programs share: checks that name their line, and the url of the server.
#ifndef REDILOCK_CXX_TESTS_CHECK_HPP
#define REDILOCK_CXX_TESTS_CHECK_HPP

#include <cstdio>
#include <cstdlib>
#include <redilock/redilock.hpp>

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

// Whether the statement throws this error and no other.
#define THROWS(error, ...)    \
  [&] {                       \
    try {                     \
      __VA_ARGS__;            \
    } catch (const error &) { \
      return true;            \
    }                         \
    return false;             \
  }()

inline const char *server_url() {
  const char *url = std::getenv("REDILOCK_URL");
  CHECK(url != nullptr);
  return url;
}

#endif  // REDILOCK_CXX_TESTS_CHECK_HPP
