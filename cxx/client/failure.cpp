#include "client/failure.hpp"

#include <new>
#include <string>

#include "values/text.hpp"

namespace redilock {

Error no_token() { return {Status::kNotOwner, "the token does not hold it"}; }

Error released_before() { return {Status::kNotOwner, "it was released before"}; }

Error lost(Lease &lease, Instant now) {
  const std::string loss = lease.loss(now);
  return {Status::kLost, loss.empty() ? "it may have been released before" : "it was " + loss};
}

Error outcome_of(const Unanswered &error) noexcept {
  constexpr const char *kMayBeDone = "; it may have been carried out";
  if (!error.sent()) return error;
  switch (error.status()) {
    case Status::kUnavailable:
      return error.worded("", kMayBeDone).as(Status::kUnknown);
    case Status::kCancelled:
    case Status::kInterrupted:
    case Status::kClosed:
      return error.worded("", kMayBeDone);
    default:
      return error;
  }
}

Error cannot(const char *verb, const Router &router, const Error &error) noexcept {
  switch (error.status()) {
    case Status::kHeld:
    case Status::kTimeout:
    case Status::kCancelled:
    case Status::kInterrupted:
    case Status::kInvalid:
      return error;
    default:
      return router.named(error).worded(": ").worded(verb).worded("cannot ");
  }
}

Error on_lock(std::string_view name, const Error &error) noexcept {
  if (error.status() == Status::kInvalid) return error;
  try {
    return error.worded("lock \"" + shown(name) + "\": ");
  } catch (const std::bad_alloc &) {
    return error;
  }
}

}  // namespace redilock
