// Versions, status codes and constants.
#include <cstring>

#include "guard.hpp"
#include "redilock/redilock.h"
#include "values/duration.hpp"
#include "values/name.hpp"

namespace {

#define REDILOCK_TEXT_(x) #x
#define REDILOCK_TEXT(x) REDILOCK_TEXT_(x)

struct Constant {
  const char *name;
  int64_t value;
};

#define CONSTANT(x) \
  { #x, x }
constexpr Constant kConstants[] = {
    CONSTANT(REDILOCK_VERSION_MAJOR),      CONSTANT(REDILOCK_VERSION_MINOR),
    CONSTANT(REDILOCK_VERSION_PATCH),      CONSTANT(REDILOCK_VERSION_NUMBER),
    CONSTANT(REDILOCK_NAME_MAX),           CONSTANT(REDILOCK_TTL_MAX),
    CONSTANT(REDILOCK_WAIT_FOREVER),       CONSTANT(REDILOCK_STATE_FREE),
    CONSTANT(REDILOCK_STATE_HELD),         CONSTANT(REDILOCK_STATE_FOREIGN),
    CONSTANT(REDILOCK_COMPLETION_ACQUIRE), CONSTANT(REDILOCK_COMPLETION_RELEASE),
    CONSTANT(REDILOCK_COMPLETION_EXTEND),  CONSTANT(REDILOCK_COMPLETION_LOSS),
    CONSTANT(REDILOCK_COMPLETION_BREAK),   CONSTANT(REDILOCK_COMPLETION_INFO),
    CONSTANT(REDILOCK_COMPLETION_LOG),     CONSTANT(REDILOCK_LOG_ERROR),
    CONSTANT(REDILOCK_LOG_WARNING),        CONSTANT(REDILOCK_LOG_INFO),
    CONSTANT(REDILOCK_LOG_LINE_MAX),
};

constexpr bool same(int32_t code, redilock::Status status) {
  return code == static_cast<int32_t>(status);
}

static_assert(same(REDILOCK_OK, redilock::Status::kOk) &&
              same(REDILOCK_E_HELD, redilock::Status::kHeld) &&
              same(REDILOCK_E_TIMEOUT, redilock::Status::kTimeout) &&
              same(REDILOCK_E_CANCELLED, redilock::Status::kCancelled) &&
              same(REDILOCK_E_INTERRUPTED, redilock::Status::kInterrupted) &&
              same(REDILOCK_E_LOST, redilock::Status::kLost) &&
              same(REDILOCK_E_NOT_OWNER, redilock::Status::kNotOwner) &&
              same(REDILOCK_E_UNKNOWN, redilock::Status::kUnknown) &&
              same(REDILOCK_E_UNAVAILABLE, redilock::Status::kUnavailable) &&
              same(REDILOCK_E_AUTH, redilock::Status::kAuth) &&
              same(REDILOCK_E_SERVER, redilock::Status::kServer) &&
              same(REDILOCK_E_PROTOCOL, redilock::Status::kProtocol) &&
              same(REDILOCK_E_INVALID, redilock::Status::kInvalid) &&
              same(REDILOCK_E_NO_MEMORY, redilock::Status::kNoMemory) &&
              same(REDILOCK_E_FORKED, redilock::Status::kForked) &&
              same(REDILOCK_E_CLOSED, redilock::Status::kClosed) &&
              same(REDILOCK_E_UNSUPPORTED, redilock::Status::kUnsupported) &&
              same(REDILOCK_E_INTERNAL, redilock::Status::kInternal));
static_assert(REDILOCK_NAME_MAX == redilock::kNameMax);
static_assert(REDILOCK_TTL_MAX == redilock::kTtlMax.count());
static_assert(REDILOCK_WAIT_FOREVER == redilock::kForever.count());

}  // namespace

extern "C" {

const char *redilock_version(void) {
  return REDILOCK_TEXT(REDILOCK_VERSION_MAJOR) "." REDILOCK_TEXT(
      REDILOCK_VERSION_MINOR) "." REDILOCK_TEXT(REDILOCK_VERSION_PATCH);
}

int32_t redilock_version_number(void) {
  return REDILOCK_VERSION_MAJOR * 10000 + REDILOCK_VERSION_MINOR * 100 + REDILOCK_VERSION_PATCH;
}

const char *redilock_strerror(int32_t status) { return redilock::status_text(status); }

const char *redilock_status_name(int32_t status) { return redilock::status_name(status); }

int32_t redilock_constant(const char *name, int64_t *out) {
  if (name == nullptr || out == nullptr) return REDILOCK_E_INVALID;
  *out = 0;
  for (const Constant &constant : kConstants)
    if (std::strcmp(constant.name, name) == 0) {
      *out = constant.value;
      return REDILOCK_OK;
    }
  for (int32_t status = REDILOCK_E_INTERNAL; status <= REDILOCK_OK; ++status)
    if (std::strcmp(redilock::status_name(status), name) == 0) {
      *out = status;
      return REDILOCK_OK;
    }
  return REDILOCK_E_INVALID;
}

}  // extern "C"
