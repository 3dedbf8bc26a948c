#include "forwarding.hpp"

#include <algorithm>

namespace cli {

void Forwarding::seen(int signal, Clock::time_point now) {
  seen_.at(static_cast<size_t>(signal)) = now;
  const auto is_it = [&](const Waiting &waiting) { return waiting.message.value == signal; };
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), is_it), waiting_.end());
}

void Forwarding::came(const GuardMessage &message, Clock::time_point now) {
  const Clock::time_point seen = seen_.at(static_cast<size_t>(message.value));
  const bool reached = seen != Clock::time_point() && now - seen <= kPatience;
  if (!reached) waiting_.push_back({message, now + kPatience});
}

std::optional<GuardMessage> Forwarding::next(Clock::time_point now) {
  if (waiting_.empty() || waiting_.front().due > now) return std::nullopt;
  GuardMessage message = waiting_.front().message;
  waiting_.pop_front();
  return message;
}

Forwarding::Clock::time_point Forwarding::due() const {
  return waiting_.empty() ? Clock::time_point::max() : waiting_.front().due;
}

}  // namespace cli
