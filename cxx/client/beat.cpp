// Sends beats from the service thread.
#include "client/beat.hpp"

#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "values/status.hpp"

namespace redilock {

void Beat::start() noexcept {
  if (running_.exchange(true)) return;
  try {
    context_.event_loop.schedule_at(context_.now(), [this] { return run(); });
  } catch (const std::exception &) {
    running_.store(false);  // no thread, no memory, or the client is closing
  }
}

std::optional<Instant> Beat::run() {
  if (!context_.wake.has_places()) {
    running_.store(false);
    // A place that came just now may have found the beats running.
    if (!context_.wake.has_places() || running_.exchange(true)) return std::nullopt;
  }
  const Instant now = context_.now();
  if (now < next_) return next_;
  if (unanswered_) return after(now, kPeriod);
  next_ = after(now, kPeriod);
  send();
  return next_;
}

void Beat::send() {
  auto done = [this](const Answer *answer, const Unanswered *error) {
    unanswered_ = false;
    if (answer == nullptr) {
      if (error->sent()) context_.wake.beat_missed();
      return;
    }
    try {
      context_.wake.beat_answered(read_beat(*answer));
    } catch (const Error &) {
      context_.wake.beat_missed();  // the reply is not understood
    }
  };
  requests::beat(context_.wake.name(),
                 context_.asking(context_.request_deadline(), std::move(done)));
  unanswered_ = true;
}

}  // namespace redilock
