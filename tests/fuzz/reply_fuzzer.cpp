// Bytes to replies to results. The first byte says in which pieces the rest arrives: that must make no
// difference. The value that a script's reader makes of a reply is in range, whatever the reply.
#include <algorithm>
#include <cstdint>

#include "check.hpp"
#include "lock/replies.hpp"
#include "values/token.hpp"
#include "wire/error_reply.hpp"
#include "wire/fences.hpp"
#include "wire/reply_reader.hpp"

using namespace redilock;

namespace {

void dump(const Reply &reply, int depth, std::string &out) {
  MUST(depth <= 5);  // one more than there may be lists in one another
  switch (reply.kind()) {
    case Reply::Kind::kNil:
      out += "_";
      break;
    case Reply::Kind::kInteger:
      out += ":" + std::to_string(reply.integer());
      break;
    case Reply::Kind::kArray:
      out += "[";
      for (const Reply &item : reply.items()) dump(item, depth + 1, out);
      out += "]";
      break;
    default:
      out += std::to_string(static_cast<int>(reply.kind())) + "'" + reply.text() + "'";
  }
}

struct Read {
  std::vector<Reply> replies;
  std::string all;  // as text, with how it ended
};

Read read(std::string_view bytes, size_t piece) {
  Read read;
  ReplyReader reader;
  try {
    while (!bytes.empty()) {
      const size_t count = std::min(piece, bytes.size());
      // A copy of just that length, for bytes read behind it to be noticed.
      const std::vector<char> exact(bytes.begin(), bytes.begin() + static_cast<long>(count));
      reader.feed(exact.data(), count);
      bytes.remove_prefix(count);
      while (auto reply = reader.next()) {
        dump(*reply, 0, read.all);
        read.replies.push_back(std::move(*reply));
      }
    }
  } catch (const Error &error) {
    MUST(error.status() == Status::kProtocol);
    read.all += " refused";
  }
  return read;
}

template <typename Use>
void use(const Use &use_reply) {
  try {
    use_reply();
  } catch (const Error &error) {
    MUST(error.status() == Status::kProtocol);
    fuzz::must_be_presentable(error.message());
  }
}

bool in_range(int64_t number) { return number > 0 && number < kFenceEnd; }

bool is_fence(int64_t number) { return number >= kFirstFence && number < kFenceEnd; }

void look_at_acquire(const Reply &reply, bool fence, bool may_wait, bool asked_before) {
  const Claim claim{LockKeys("", "L"), "t", Millis(1000), fence};
  const Answer answer{reply, Instant(), asked_before};
  const AcquireReply result = read_acquire(answer, claim, may_wait);
  if (auto *granted = std::get_if<Granted>(&result)) {
    MUST(fence ? is_fence(granted->fence) : granted->fence == 0);
    MUST(reply.kind() == Reply::Kind::kInteger && reply.integer() == granted->fence);
  } else if (auto *queued = std::get_if<Queued>(&result)) {
    MUST(may_wait && queued->rank >= 0 && in_range(queued->arrival) && in_range(queued->server_us));
    MUST(!queued->holder_ttl ||
         (*queued->holder_ttl >= Millis(0) && *queued->holder_ttl <= kTtlMax));
    MUST(!queued->ask_again || !queued->holder_ttl);
    // The request without a reply may have written the place and the record.
    MUST(!asked_before || (queued->joined && !queued->known));
    MUST(reply.items().size() >= 8);
  } else {
    MUST(!may_wait && reply.kind() == Reply::Kind::kArray);
  }
}

void look_at_info(const Reply &reply) {
  const LockInfo info = read_info(reply);
  MUST(info.remaining_ms >= -1 && info.waiters >= 0);
  MUST(info.exists || (!info.foreign && info.label.empty()));
  MUST(is_label(info.label));
  for (const LockInfo::Waiter &waiter : info.queue)
    MUST(is_label(waiter.label) && (!waiter.waits_since || *waiter.waits_since >= Millis(0)));
  for (const std::string &holder : info.holders) MUST(is_token(holder));
}

void look_at_beat(const Reply &reply, bool asked_before) {
  const BeatReply beat = read_beat({reply, Instant(), asked_before});
  MUST(in_range(beat.server_us) && (!asked_before || !beat.known));
}

void look_at(const Reply &reply) {
  for (const bool asked_before : {false, true}) {
    for (const bool fence : {false, true})
      for (const bool may_wait : {false, true})
        use([&] { look_at_acquire(reply, fence, may_wait, asked_before); });
    use([&] { look_at_beat(reply, asked_before); });
  }
  use([&] { read_release(reply); });
  use([&] { read_extend(reply); });
  use([&] { look_at_info(reply); });
  std::string cursor = "before";
  use([&] { MUST(read_page(reply, cursor).size() == reply.at(1).items().size()); });
  if (reply.is_error()) {
    const Error error = server_error(reply.text());
    MUST(error.status() == Status::kAuth || error.status() == Status::kServer ||
         error.status() == Status::kUnsupported);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char *>(data) + 1, size - 1);
  const Read whole = read(bytes, size);
  MUST(read(bytes, size_t{1} + data[0] % 32).all == whole.all);
  for (const Reply &reply : whole.replies) look_at(reply);
  return 0;
}
