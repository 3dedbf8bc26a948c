// The one place where exceptions end: every function of the C ABI that can fail runs inside
// guard().
#pragma once

#include <pthread.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>

#include "values/outcome.hpp"

namespace redilock::capi {

// How a call ended, kept for the caller.
struct Report {
  int32_t status = 0;
  bool retriable = false;
  std::string message;
};

// Copies as much as fits and returns the whole length.
inline size_t copy_text(std::string_view text, char *buffer, size_t size) noexcept {
  if (buffer != nullptr && size > 0) {
    const size_t count = text.size() < size ? text.size() : size - 1;
    std::memcpy(buffer, text.data(), count);
    buffer[count] = '\0';
  }
  return text.size();
}

inline int32_t note(Report &report, Status status, const char *message, bool retriable) noexcept {
  report.status = static_cast<int32_t>(status);
  report.retriable = retriable;
  try {
    report.message = message;
  } catch (const std::bad_alloc &) {
    report.message.clear();
  }
  return report.status;
}

// Cancellation of a thread (pthread_cancel) would unwind through the library, which ends the
// process: it waits until the call has ended.
class NoCancellation {
 public:
  NoCancellation() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NoCancellation() { pthread_setcancelstate(before_, nullptr); }
  NoCancellation(const NoCancellation &) = delete;
  NoCancellation &operator=(const NoCancellation &) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

inline int32_t note(Report &report, Status status) noexcept {
  const bool ok = status == Status::kOk;
  return note(report, status, ok ? "" : status_text(static_cast<int32_t>(status)), false);
}

// The message of a success.
inline int32_t note(Report &report, const std::string &message) noexcept {
  return note(report, Status::kOk, message.c_str(), false);
}

// An error without a message (memory was short) gets that of its status.
inline int32_t note(Report &report, const Error &error) noexcept {
  const bool is_bare = error.message().empty();
  const char *text = is_bare ? status_text(static_cast<int32_t>(error.status())) : error.what();
  return note(report, error.status(), text, error.retriable());
}

inline int32_t note(Report &report, const Outcome &outcome) noexcept {
  return outcome.ok() ? note(report, Status::kOk) : note(report, outcome.error());
}

// Runs `body`, which returns a Status, an Outcome or the message of a success, and turns what it
// throws into a status.
template <typename Body>
int32_t guard(Report &report, Body body) noexcept {
  const NoCancellation uncancelled;
  try {
    return note(report, body());
  } catch (const Error &error) {
    return note(report, error);
  } catch (const std::bad_alloc &) {
    return note(report, Status::kNoMemory, status_text(static_cast<int32_t>(Status::kNoMemory)),
                true);
  } catch (const std::exception &error) {
    return note(report, Status::kInternal, error.what(), false);
  } catch (...) {
    return note(report, Status::kInternal, "unknown exception", false);
  }
}

template <typename Body>
int32_t guard(Body body) noexcept {
  Report report;
  return guard(report, body);
}

// The longest value of an option, in bytes.
constexpr size_t kValueMax = 65536;

// A length that came through a narrower integer may be enormous: it is checked before anything is
// copied.
inline void require_length(const char *what, size_t length, size_t most) {
  if (length > most)
    throw Error(Status::kInvalid,
                std::string(what) + ": has more than " + std::to_string(most) + " bytes");
}

inline void require(bool given, const char *what) {
  if (!given) throw Error(Status::kInvalid, std::string(what) + " is missing");
}

}  // namespace redilock::capi
