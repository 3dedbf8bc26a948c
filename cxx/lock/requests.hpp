// The requests on a lock, each in one place: its script, keys and arguments, given to an `ask` that
// waits for the answer or does not. replies.hpp reads the answers.
#pragma once

#include <string>

#include "lock/claim.hpp"
#include "values/answer.hpp"
#include "values/name.hpp"

namespace redilock::requests {

extern const Script kAcquire, kRelease, kExtend, kForceRelease, kInfo, kBeat, kCheck;

inline std::string text_of(Millis time) { return std::to_string(time.count()); }

// An exclusive lease. A shared one would add its mode behind the ttl.
inline std::string lease_of(const Claim &claim) { return text_of(claim.ttl); }

inline std::string_view fence_flag(const Claim &claim) { return claim.fence ? "1" : "0"; }

inline Command all_keys(const LockKeys &keys) {
  return {keys.lock(), keys.queue(), keys.fence(), kAliveKey, keys.holders()};
}

// A first try needs only the keys of a free lock; the server pays for each one.
inline Command first_keys(const Claim &claim) {
  const LockKeys &keys = claim.keys;
  if (claim.fence) return {keys.lock(), keys.queue(), keys.fence()};
  return {keys.lock(), keys.queue()};
}

// `with_all_keys`: the server has replied "ask again" to a first try.
template <typename Ask>
auto acquire(const Claim &claim, bool with_all_keys, Ask ask) {
  const std::string lease = lease_of(claim);
  return ask(kAcquire, with_all_keys ? all_keys(claim.keys) : first_keys(claim),
             Command{claim.token, lease, fence_flag(claim)});
}

template <typename Ask>
auto queue(const Claim &claim, int64_t arrival, Ask ask) {
  const std::string lease = lease_of(claim), place = std::to_string(arrival);
  return ask(kAcquire, all_keys(claim.keys),
             Command{claim.token, lease, fence_flag(claim), claim.channel, place});
}

template <typename Ask>
auto release(const LockKeys &keys, std::string_view token, Ask ask) {
  return ask(kRelease, all_keys(keys), Command{token});
}

// Releases, and gives up the place in the queue that the claim may have.
template <typename Ask>
auto leave(const Claim &claim, Ask ask) {
  if (claim.channel.empty()) return release(claim.keys, claim.token, std::move(ask));
  std::string member = lease_of(claim);
  member.append(" ").append(claim.channel).append(" ").append(claim.token);
  return ask(kRelease, all_keys(claim.keys), Command{claim.token, member});
}

template <typename Ask>
auto extend(const LockKeys &keys, std::string_view token, Millis ttl, Ask ask) {
  const std::string text = text_of(ttl);
  return ask(kExtend, Command{keys.lock(), keys.holders()}, Command{token, text});
}

template <typename Ask>
auto force_release(const LockKeys &keys, Ask ask) {
  return ask(kForceRelease, all_keys(keys), Command{});
}

template <typename Ask>
auto info(const LockKeys &keys, Ask ask) {
  return ask(kInfo, Command{keys.lock(), keys.queue(), keys.holders()}, Command{});
}

template <typename Ask>
auto beat(std::string_view channel, Ask ask) {
  return ask(kBeat, Command{kAliveKey}, Command{channel});
}

}  // namespace redilock::requests
