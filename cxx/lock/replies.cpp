#include "lock/replies.hpp"

#include <algorithm>

#include "values/fence.hpp"
#include "values/name.hpp"
#include "values/status.hpp"
#include "values/text.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

constexpr int64_t kNoExpiry = -1;
constexpr int64_t kAskAgain = -2;

[[noreturn]] void misread(const char *what) {
  throw Error(Status::kProtocol, std::string("the server's reply is not understood: ") + what);
}

// An arrival is the server's time, unless the counter was ahead of the clock.
std::optional<Millis> since(std::string_view arrival, int64_t server_us) {
  const auto arrived_us = parse_digits(arrival);
  if (!arrived_us || *arrived_us >= kFenceEnd) return std::nullopt;
  return std::chrono::duration_cast<Millis>(Micros(std::max<int64_t>(server_us - *arrived_us, 0)));
}

// "<lease> <channel> <token>", or what another program has put into the queue.
LockInfo::Waiter read_waiter(std::string_view member, std::string_view arrival, int64_t server_us) {
  LockInfo::Waiter waiter{"", since(arrival, server_us)};
  const size_t channel = member.find(' ');
  const size_t token = channel == member.npos ? member.npos : member.find(' ', channel + 1);
  if (token == member.npos) return waiter;
  waiter.polls = member.substr(channel, token - channel).find("}:poll:") != member.npos;
  const std::string_view text = member.substr(token + 1);
  if (is_token(text)) waiter.label = token_label(text);
  return waiter;
}

constexpr const char *kHeldByAnother = "held by another client";

// A server of an earlier release does not say who holds the lock.
std::string read_holding(const Answer &answer, size_t at, const char *unsaid) {
  const std::vector<Reply> &items = answer.reply.items();
  return items.size() > at ? holding(items[at].text(), answer.secrets) : unsaid;
}

}  // namespace

std::string holding(std::string_view value, const Credentials *secrets) {
  if (value.empty()) return "";
  if (value == kSharedValue) return "held by shared holders";
  if (value == kRestValue) return "at rest";
  if (!is_token(value)) return "held by a foreign client";
  const std::string label = redacted(token_label(value), secrets);
  return label.empty() ? kHeldByAnother : "held by " + shown(label, kLabelMax);
}

AcquireReply read_acquire(const Answer &answer, const Claim &claim, bool may_wait) {
  const Reply &reply = answer.reply;
  if (reply.kind() == Reply::Kind::kInteger) {
    // What release and extend reply is below kFirstFence, and is never taken for a grant.
    const int64_t first = claim.fence ? kFirstFence : 0, end = claim.fence ? kFenceEnd : 1;
    if (reply.integer() < first || reply.integer() >= end) misread("a fence out of range");
    return Granted{reply.integer(), answer.sent};
  }
  const int64_t pttl = reply.at(0).integer();
  // A foreign key may live for longer than microseconds can count.
  std::optional<Millis> ttl;
  if (pttl >= 0) ttl = std::min(Millis(pttl), kTtlMax);
  if (!may_wait) return Held{pttl == kAskAgain, ttl, read_holding(answer, 1, kHeldByAnother)};
  Queued queued{};
  queued.holder_ttl = ttl;
  queued.rank = reply.at(1).integer();
  queued.arrival = reply.at(2).integer();
  queued.server_us = reply.at(3).integer();
  queued.foreign = reply.at(4).integer() != 0;
  queued.joined = reply.at(5).integer() != 0 || answer.asked_before;
  queued.seen = reply.at(6).integer() != 0;
  queued.known = reply.at(7).integer() != 0 && !answer.asked_before;
  queued.ask_again = pttl == kAskAgain;
  queued.holding =
      read_holding(answer, 8, queued.foreign ? "held by a foreign client" : kHeldByAnother);
  queued.sent = answer.sent;
  if (pttl < kAskAgain || queued.rank < 0 || queued.rank >= kFenceEnd)
    misread("no place in a queue");
  if (queued.arrival <= 0 || queued.arrival >= kFenceEnd) misread("no arrival in a queue");
  if (queued.server_us <= 0 || queued.server_us >= kFenceEnd) misread("no time of the server");
  return queued;
}

Release read_release(const Reply &reply) {
  const int64_t bits = reply.integer();
  if (bits < 0 || bits > 3) misread("a release");
  return {(bits & 1) != 0, (bits & 2) != 0};
}

bool read_extend(const Reply &reply) {
  const int64_t owner = reply.integer();
  if (owner != 0 && owner != 1) misread("an extension");
  return owner == 1;
}

BeatReply read_beat(const Answer &answer) {
  const Reply &reply = answer.reply;
  BeatReply beat{reply.at(0).integer() != 0 && !answer.asked_before, reply.at(2).integer() != 0,
                 reply.at(1).integer(), answer.sent};
  if (beat.server_us <= 0 || beat.server_us >= kFenceEnd) misread("no time of the server");
  return beat;
}

LockInfo read_info(const Reply &reply) {
  const std::string &value = reply.at(1).text();
  LockInfo info;
  info.exists = reply.at(0).text() != "none";
  info.foreign = info.exists && !is_token(value) && value != kSharedValue && value != kRestValue;
  if (is_token(value)) info.holders.push_back(value);
  const int64_t pttl = reply.at(2).integer();
  info.remaining_ms = pttl == kNoExpiry ? -1 : std::max<int64_t>(pttl, 0);
  info.waiters = reply.at(3).integer();
  const std::vector<Reply> &members = reply.at(5).items(), &shared = reply.at(6).items();
  const int64_t server_us = reply.at(7).integer();
  if (server_us <= 0 || server_us >= kFenceEnd) misread("no time of the server");
  const Reply &arrivals = reply.at(8);
  for (size_t i = 0; i < members.size(); ++i)
    info.queue.push_back(read_waiter(members[i].text(), arrivals.at(i).text(), server_us));
  for (size_t i = 0; i < shared.size(); i += 2)
    if (is_token(shared[i].text())) info.holders.push_back(shared[i].text());
  if (!info.holders.empty()) info.label = token_label(info.holders.front());
  return info;
}

std::string read_holding(const Answer &answer) {
  const std::string &kind = answer.reply.at(0).text();
  if (kind != "none" && kind != "string") return holding(kind, answer.secrets);
  return holding(answer.reply.at(1).text(), answer.secrets);
}

std::vector<std::string> read_page(const Reply &reply, std::string &cursor) {
  std::vector<std::string> keys;
  for (const Reply &key : reply.at(1).items()) keys.push_back(key.text());
  cursor = reply.at(0).text();
  return keys;
}

}  // namespace redilock
