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

#include "values/status.hpp"

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

// Runs `body` and turns what it throws into a status. It returns a Status, or else the message of a
// success.
template <typename Body>
int32_t guard(Report &report, Body body) noexcept {
  const NoCancellation uncancelled;
  try {
    const auto result = body();
    if constexpr (std::is_same_v<decltype(result), const std::string>) {
      return note(report, Status::kOk, result.c_str(), false);
    } else {
      const bool ok = result == Status::kOk;
      return note(report, result, ok ? "" : status_text(static_cast<int32_t>(result)),
                  result == Status::kHeld || result == Status::kTimeout);
    }
  } catch (const Error &error) {
    return note(report, error.status(), error.what(), error.retriable());
  } catch (const std::bad_alloc &) {
    return note(report, Status::kNoMemory, status_text(static_cast<int32_t>(Status::kNoMemory)),
                true);
  } catch (const std::exception &error) {
    return note(report, Status::kInternal, error.what(), false);
  } catch (...) {
    return note(report, Status::kInternal, "an exception of no known kind", false);
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
