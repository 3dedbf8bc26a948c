#include "lock/commands.hpp"

#include <charconv>

#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "scripts/embedded.hpp"
#include "values/name.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

constexpr Script kForceRelease{scripts::force_release, scripts::force_release_sha1};
constexpr Script kList{scripts::list, scripts::list_sha1};
constexpr Script kInfo{scripts::info, scripts::info_sha1};

}  // namespace

namespace requests {

const Script kAcquire{scripts::acquire, scripts::acquire_sha1};
const Script kRelease{scripts::release, scripts::release_sha1};
const Script kExtend{scripts::extend, scripts::extend_sha1};

}  // namespace requests

LockKeys::LockKeys(std::string_view prefix, std::string_view name)
    : lock(lock_key(prefix, name)), queue(queue_key(lock)) {}

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
  return read_acquire(requests::acquire(claim, waiting(limit)), claim, false);
}

AcquireReply Commands::queue(const Claim &claim, std::string_view channel, int64_t arrival,
                             const Limit &limit) {
  return read_acquire(requests::queue(claim, channel, arrival, waiting(limit)), claim, true);
}

template <typename Request>
bool Commands::repeat_while_more(Request request) {
  bool done = false;
  try {
    for (;;) {
      const Answer answer = request();
      const Release release = read_release(answer.reply);
      done = done || answer.asked_before || release.owned;
      if (!release.more) return done;
    }
  } catch (const Error &) {
    // It is free already; the living behind the dead find it by their re-check.
    if (done) return true;
    throw;
  }
}

bool Commands::release(const LockKeys &keys, std::string_view token, const Limit &limit) {
  return repeat_while_more([&] { return requests::release(keys, token, waiting(limit)); });
}

bool Commands::leave(const Claim &claim, std::string_view channel, const Limit &limit) {
  return repeat_while_more([&] { return requests::leave(claim, channel, waiting(limit)); });
}

std::optional<Instant> Commands::extend(const LockKeys &keys, std::string_view token, Millis ttl,
                                        const Limit &limit) {
  const Answer answer = requests::extend(keys, token, ttl, waiting(limit));
  return read_extend(answer.reply) ? std::optional<Instant>(answer.sent) : std::nullopt;
}

bool Commands::force_release(const LockKeys &keys, const Limit &limit) {
  return repeat_while_more([&] {
    return server_.run(kForceRelease, {keys.lock, keys.queue}, {}, limit);
  });
}

LockInfo Commands::info(const LockKeys &keys, const Limit &limit) {
  return read_info(server_.run(kInfo, {keys.lock, keys.queue}, {}, limit).reply);
}

std::vector<std::string> Commands::list(bool held, const std::string &pattern, std::string &cursor,
                                        const Limit &limit) {
  const std::string side = held ? "" : queue_key("");
  return read_page(server_.run(kList, {}, {cursor, pattern, side}, limit).reply, cursor);
}

}  // namespace redilock
