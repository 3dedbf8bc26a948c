// The names and sentences of the status codes, in one table.
#include "values/status.hpp"

#include <new>

namespace redilock {
namespace {

struct Row {
  Status status;
  const char *name;
  const char *text;
};

constexpr Row kRows[] = {
    {Status::kOk, "REDILOCK_OK", "done"},
    {Status::kHeld, "REDILOCK_E_HELD", "somebody else holds the lock"},
    {Status::kTimeout, "REDILOCK_E_TIMEOUT", "the wait ended before the lock was granted"},
    {Status::kCancelled, "REDILOCK_E_CANCELLED", "the call was cancelled"},
    {Status::kInterrupted, "REDILOCK_E_INTERRUPTED", "the call was interrupted by a signal"},
    {Status::kLost, "REDILOCK_E_LOST", "the lock was lost: it expired or was taken away"},
    {Status::kNotOwner, "REDILOCK_E_NOT_OWNER", "the token does not hold the lock"},
    {Status::kUnknown, "REDILOCK_E_UNKNOWN", "the server may or may not have done it"},
    {Status::kUnavailable, "REDILOCK_E_UNAVAILABLE",
     "the server could not be reached or did not answer in time"},
    {Status::kAuth, "REDILOCK_E_AUTH", "the server wants other credentials or permissions"},
    {Status::kServer, "REDILOCK_E_SERVER", "the server answered with an error"},
    {Status::kProtocol, "REDILOCK_E_PROTOCOL", "the peer does not speak the protocol"},
    {Status::kInvalid, "REDILOCK_E_INVALID", "an argument or option is wrong"},
    {Status::kNoMemory, "REDILOCK_E_NO_MEMORY", "out of memory"},
    {Status::kForked, "REDILOCK_E_FORKED", "the object belongs to the parent process"},
    {Status::kClosed, "REDILOCK_E_CLOSED", "the client is closed"},
    {Status::kUnsupported, "REDILOCK_E_UNSUPPORTED", "this build or server cannot do it"},
    {Status::kInternal, "REDILOCK_E_INTERNAL", "a bug in redilock; please report it"},
};

constexpr Row kNone = {Status::kInternal, "REDILOCK_E_?", "an unknown status"};

constexpr bool rows_stand_at_their_number() {
  int32_t index = 0;
  for (const Row &row : kRows) {
    if (-static_cast<int32_t>(row.status) != index++) return false;
  }
  return true;
}
static_assert(rows_stand_at_their_number(), "the status is the index of its row");

const Row &row_of(int32_t status) noexcept {
  constexpr auto kCount = static_cast<int32_t>(sizeof kRows / sizeof *kRows);
  return status <= 0 && status > -kCount ? kRows[-status] : kNone;
}

}  // namespace

Error::Error(Status status, std::string_view head, std::string_view tail, bool retriable) noexcept
    : status_(status), retriable_(retriable) {
  try {
    message_.reserve(head.size() + tail.size());
    message_.append(head).append(tail);
  } catch (const std::bad_alloc &) {
    return;
  }
}

Error Error::worded(std::string_view before, std::string_view behind) const noexcept {
  Error other(*this);
  try {
    std::string message;
    message.reserve(before.size() + message_.size() + behind.size());
    message.append(before).append(message_).append(behind);
    other.message_.swap(message);
  } catch (const std::bad_alloc &) {
    return other;
  }
  return other;
}

Error::~Error() = default;  // here, so that not every object file has its virtual table

Error Error::as(Status status) const noexcept {
  Error other(*this);
  other.status_ = status;
  return other;
}

Error client_closed() noexcept {
  return {Status::kClosed, status_text(static_cast<int32_t>(Status::kClosed)), "", false};
}

Error no_memory() noexcept {
  return {Status::kNoMemory, status_text(static_cast<int32_t>(Status::kNoMemory)), "", true};
}

const char *status_text(int32_t status) noexcept { return row_of(status).text; }

const char *status_name(int32_t status) noexcept { return row_of(status).name; }

}  // namespace redilock
