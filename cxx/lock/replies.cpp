#include "lock/replies.hpp"

#include <algorithm>

#include "values/name.hpp"
#include "values/status.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

constexpr int64_t kNoExpiry = -1;
constexpr int64_t kAskAgain = -2;

[[noreturn]] void misread(const char *what) {
  throw Error(Status::kProtocol, std::string("the server's reply is not understood: ") + what);
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

AcquireReply read_acquire(const Answer &answer, const Claim &claim, bool may_wait) {
  const Reply &reply = answer.reply;
  if (reply.kind() == Reply::Kind::kInteger) {
    // What release and extend reply is below kFirstFence, and is never taken for a grant.
    const int64_t first = claim.fence ? kFirstFence : 0, end = claim.fence ? kFenceEnd : 1;
    if (reply.integer() < first || reply.integer() >= end) misread("a fence out of range");
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
  queued.joined = reply.at(5).integer() != 0 || answer.asked_before;
  queued.seen = reply.at(6).integer() != 0;
  queued.known = reply.at(7).integer() != 0 && !answer.asked_before;
  queued.ask_again = pttl == kAskAgain;
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
  if (is_token(value)) info.label = token_label(value);
  const int64_t pttl = reply.at(2).integer();
  info.remaining_ms = pttl == kNoExpiry ? -1 : std::max<int64_t>(pttl, 0);
  info.waiters = reply.at(3).integer();
  for (const Reply &member : reply.at(5).items())
    info.waiter_labels.push_back(member_label(member.text()));
  const std::vector<Reply> &holders = reply.at(6).items();
  if (!holders.empty() && is_token(holders.front().text()))
    info.label = token_label(holders.front().text());
  return info;
}

std::vector<std::string> read_page(const Reply &reply, std::string &cursor) {
  std::vector<std::string> keys;
  for (const Reply &key : reply.at(1).items()) keys.push_back(key.text());
  cursor = reply.at(0).text();
  return keys;
}

}  // namespace redilock
