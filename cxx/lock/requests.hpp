// The requests on a lock, each in one place: its script, keys and arguments, given to an `ask` that
// waits for the answer or does not. replies.hpp reads the answers.
#pragma once

#include <string>

#include "lock/commands.hpp"
#include "values/name.hpp"

namespace redilock::requests {

extern const Script kAcquire, kRelease, kExtend;

inline std::string text_of(Millis time) { return std::to_string(time.count()); }

inline Command acquire_keys(const Claim &claim) {
  Command keys{claim.keys.lock, claim.keys.queue};
  if (claim.fence) keys.push_back(kFenceKey);
  return keys;
}

template <typename Ask>
auto acquire(const Claim &claim, Ask ask) {
  const std::string ttl = text_of(claim.ttl);
  return ask(kAcquire, acquire_keys(claim), Command{claim.token, ttl});
}

template <typename Ask>
auto queue(const Claim &claim, std::string_view channel, int64_t arrival, Ask ask) {
  const std::string ttl = text_of(claim.ttl), place = std::to_string(arrival);
  return ask(kAcquire, acquire_keys(claim), Command{claim.token, ttl, channel, place});
}

template <typename Ask>
auto release(const LockKeys &keys, std::string_view token, Ask ask) {
  return ask(kRelease, Command{keys.lock, keys.queue}, Command{token});
}

template <typename Ask>
auto leave(const Claim &claim, std::string_view channel, Ask ask) {
  std::string member = text_of(claim.ttl);
  member.append(" ").append(channel).append(" ").append(claim.token);
  return ask(kRelease, Command{claim.keys.lock, claim.keys.queue}, Command{claim.token, member});
}

template <typename Ask>
auto extend(const LockKeys &keys, std::string_view token, Millis ttl, Ask ask) {
  const std::string text = text_of(ttl);
  return ask(kExtend, Command{keys.lock}, Command{token, text});
}

}  // namespace redilock::requests
