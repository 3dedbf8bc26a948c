#include "lock/replies.hpp"

#include <algorithm>

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
  queued.joined = reply.at(5).integer() != 0 || answer.asked_before;
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

LockInfo read_info(const Reply &reply) {
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

std::vector<std::string> read_page(const Reply &reply, std::string &cursor) {
  const std::string &next = reply.at(0).text();
  std::vector<std::string> keys;
  for (size_t i = 1; i < reply.items().size(); ++i) keys.push_back(reply.at(i).text());
  cursor = next;
  return keys;
}

}  // namespace redilock
