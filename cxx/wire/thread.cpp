#include "wire/thread.hpp"

#include <csignal>
#include <system_error>

#include "values/status.hpp"
#include "values/system_error.hpp"

namespace redilock {

namespace {

class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

std::thread start_thread(std::function<void()> body) {
  AllSignalsBlocked blocked;  // a new thread inherits the mask
  try {
    return std::thread(std::move(body));
  } catch (const std::system_error &error) {
    throw Error(Status::kUnavailable,
                "cannot start a thread: " + system_error_text(error.code().value()), true)
        .saying_where();
  }
}

}  // namespace redilock
