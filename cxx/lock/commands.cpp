#include "lock/commands.hpp"

#include <algorithm>
#include <charconv>

#include "scripts/embedded.hpp"
#include "values/name.hpp"
#include "values/status.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

constexpr Script kAcquire{scripts::acquire, scripts::acquire_sha1};
constexpr Script kRelease{scripts::release, scripts::release_sha1};
constexpr Script kExtend{scripts::extend, scripts::extend_sha1};
constexpr Script kForceRelease{scripts::force_release, scripts::force_release_sha1};
constexpr Script kList{scripts::list, scripts::list_sha1};
constexpr Script kInfo{scripts::info, scripts::info_sha1};

constexpr int64_t kFenceEnd = int64_t{1} << 53;
constexpr int64_t kNoExpiry = -1;
constexpr int64_t kAskAgain = -2;

std::string text_of(Millis time) { return std::to_string(time.count()); }

std::string member_of(const Claim &claim, std::string_view channel) {
  std::string member = text_of(claim.ttl);
  member.append(" ").append(channel).append(" ").append(claim.token);
  return member;
}

[[noreturn]] void misread(const char *what) {
  throw Error(Status::kProtocol, std::string("the server's reply is not understood: ") + what);
}

AcquireReply read_acquire(const Answer &answer, const Claim &claim, bool may_wait) {
  const Reply &reply = answer.reply;
  if (reply.kind() == Reply::Kind::kInteger) {
    if (reply.integer() < (claim.fence ? 1 : 0) || reply.integer() >= kFenceEnd)
      misread("a fence out of range");
    return Granted{reply.integer(), answer.sent};
  }
  const int64_t pttl = reply.at(0).integer();
  if (!may_wait) return Held{pttl == kAskAgain};
  Queued queued{};
  // A foreign key may live for longer than microseconds can count.
  if (pttl >= 0) queued.holder_ttl = std::min(Millis(pttl), kTtlMax);
  queued.rank = reply.at(1).integer();
  queued.arrival = reply.at(2).integer();
  queued.server_us = reply.at(3).integer();
  queued.foreign = reply.at(4).integer() != 0;
  queued.joined = reply.at(5).integer() != 0;
  queued.ask_again = pttl == kAskAgain;
  queued.sent = answer.sent;
  if (pttl < kAskAgain || queued.rank < 0) misread("no place in a queue");
  if (queued.arrival <= 0 || queued.arrival >= kFenceEnd) misread("no arrival in a queue");
  if (queued.server_us <= 0 || queued.server_us >= kFenceEnd) misread("no time of the server");
  return queued;
}

// The label of the token at the end of a queue member.
std::string member_label(std::string_view member) {
  const size_t channel = member.find(' ');
  const size_t token = channel == member.npos ? member.npos : member.find(' ', channel + 1);
  if (token == member.npos) return "";
  const std::string_view text = member.substr(token + 1);
  return is_token(text) ? std::string(token_label(text)) : std::string();
}

}  // namespace

LockKeys::LockKeys(std::string_view prefix, std::string_view name)
    : lock(lock_key(prefix, name)), queue(queue_key(lock)), fence(fence_key()) {}

std::optional<Push> parse_push(std::string_view payload) {
  Push push{std::string(payload.substr(0, kTokenIdLength)), 0, 0};
  if (payload.size() < kTokenIdLength + 2 || payload[kTokenIdLength] != ' ') return std::nullopt;
  const char *end = payload.data() + payload.size();
  auto fence = std::from_chars(payload.data() + kTokenIdLength + 1, end, push.fence);
  if (fence.ec != std::errc() || fence.ptr == end || *fence.ptr != ' ') return std::nullopt;
  auto grant = std::from_chars(fence.ptr + 1, end, push.grant_us);
  if (grant.ec != std::errc() || grant.ptr != end) return std::nullopt;
  if (push.fence <= 0 || push.fence >= kFenceEnd) return std::nullopt;
  if (push.grant_us <= 0 || push.grant_us >= kFenceEnd) return std::nullopt;
  return push;
}

AcquireReply Commands::acquire(const Claim &claim, const Limit &limit) {
  Command keys{claim.keys.lock, claim.keys.queue};
  if (claim.fence) keys.push_back(claim.keys.fence);
  const std::string ttl = text_of(claim.ttl);
  return read_acquire(server_.run(kAcquire, keys, {claim.token, ttl}, limit), claim, false);
}

AcquireReply Commands::queue(const Claim &claim, std::string_view channel, int64_t arrival,
                             const Limit &limit) {
  Command keys{claim.keys.lock, claim.keys.queue};
  if (claim.fence) keys.push_back(claim.keys.fence);
  const std::string ttl = text_of(claim.ttl), place = std::to_string(arrival);
  return read_acquire(server_.run(kAcquire, keys, {claim.token, ttl, channel, place}, limit), claim,
                      true);
}

bool Commands::repeat_while_more(const Script &script, const Command &keys,
                                 const Command &arguments, const Limit &limit) {
  bool done = false;
  try {
    for (;;) {
      Answer answer = server_.run(script, keys, arguments, limit);
      const int64_t bits = answer.reply.integer();
      if (bits < 0 || bits > 3) misread("a release");
      done = done || answer.asked_before || (bits & 1) != 0;
      if ((bits & 2) == 0) return done;
    }
  } catch (const Error &) {
    // It is free already; the living behind the dead find it by their re-check.
    if (done) return true;
    throw;
  }
}

bool Commands::release(const LockKeys &keys, std::string_view token, const Limit &limit) {
  return repeat_while_more(kRelease, {keys.lock, keys.queue}, {token}, limit);
}

bool Commands::leave(const Claim &claim, std::string_view channel, const Limit &limit) {
  const std::string member = member_of(claim, channel);
  return repeat_while_more(kRelease, {claim.keys.lock, claim.keys.queue}, {claim.token, member},
                           limit);
}

std::optional<Instant> Commands::extend(const LockKeys &keys, std::string_view token, Millis ttl,
                                        const Limit &limit) {
  const std::string text = text_of(ttl);
  Answer answer = server_.run(kExtend, {keys.lock}, {token, text}, limit);
  const int64_t owner = answer.reply.integer();
  if (owner != 0 && owner != 1) misread("an extension");
  return owner == 1 ? std::optional<Instant>(answer.sent) : std::nullopt;
}

bool Commands::force_release(const LockKeys &keys, const Limit &limit) {
  return repeat_while_more(kForceRelease, {keys.lock, keys.queue}, {}, limit);
}

LockInfo Commands::info(const LockKeys &keys, const Limit &limit) {
  Answer answer = server_.run(kInfo, {keys.lock, keys.queue}, {}, limit);
  const Reply &reply = answer.reply;
  const std::string &value = reply.at(1).text();
  LockInfo info;
  info.exists = reply.at(0).text() != "none";
  info.foreign = info.exists && !is_token(value);
  if (info.exists && !info.foreign) info.label = token_label(value);
  const int64_t pttl = reply.at(2).integer();
  info.remaining_ms = pttl == kNoExpiry ? -1 : std::max<int64_t>(pttl, 0);
  info.waiters = reply.at(3).integer();
  for (size_t i = 4; i < reply.items().size(); ++i)
    info.waiter_labels.push_back(member_label(reply.at(i).text()));
  return info;
}

std::vector<std::string> Commands::list(bool held, const std::string &pattern, std::string &cursor,
                                        const Limit &limit) {
  const std::string side = held ? "" : queue_key("");
  Answer answer = server_.run(kList, {}, {cursor, pattern, side}, limit);
  std::vector<std::string> keys;
  for (const Reply &item : answer.reply.items()) keys.push_back(item.text());
  cursor = answer.reply.at(0).text();
  keys.erase(keys.begin());
  return keys;
}

}  // namespace redilock
