// One read-only script for all names, and the comparison with what was seen before.
#include "fault/sampler.hpp"

#include <hiredis/hiredis.h>

#include <array>
#include <memory>

#include "fault/board.hpp"
#include "fault/bounds.hpp"
#include "fault/history.hpp"
#include "support/side_keys.h"

namespace fault {

namespace {

constexpr int64_t kEvery = 5 * kMs;

// As docs/protocol.md has it: who holds, and who waits and lives. For each name
// "holder|id:arrival:alive ...".
constexpr char kLook[] = R"(
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function id(token) return string.match(token, '^redilock:%x+:(.*)$') or string.match(token, '^foreign:(.*)$') or token end
local seen = {}
for i = 1, #ARGV, 2 do
  local text = id(redis.call('GET', ARGV[i]) or '') .. '|'
  local queue = redis.call('ZRANGE', ARGV[i + 1], 0, -1, 'WITHSCORES')
  for k = 1, #queue, 2 do
    local channel, token = string.match(queue[k], '^%d+ (%S+) (.*)$')
    local till = tonumber(redis.call('ZSCORE', 'redilock:1:{}:alive', channel)) or 0
    local alive = till > now and till <= now + 60000 and redis.call('PUBSUB', 'NUMSUB', channel)[2] > 0
    text = text .. id(token) .. ':' .. string.format('%.0f', tonumber(queue[k + 1])) .. ':' .. (alive and 1 or 0) .. ' '
  end
  seen[#seen + 1] = text
end
return seen)";

struct Closer {
  void operator()(redisContext *context) const { redisFree(context); }
  void operator()(redisReply *reply) const { freeReplyObject(reply); }
};
using Context = std::unique_ptr<redisContext, Closer>;
using Answer = std::unique_ptr<redisReply, Closer>;

Context connect_to(const std::string &socket) {
  const timeval patience{0, 200 * 1000};
  Context context(redisConnectUnixWithTimeout(socket.c_str(), patience));
  if (!context || context->err != 0) return nullptr;
  redisSetTimeout(context.get(), patience);
  return context;
}

Answer look(redisContext *context) {
  const std::string first = name_of(0), second = name_of(1), third = name_of(2);
  static_assert(kNames == 3);
  Answer answer(static_cast<redisReply *>(redisCommand(
      context, "EVAL %s 0 %s %s %s %s %s %s", kLook, first.c_str(), queue_of(first.c_str()),
      second.c_str(), queue_of(second.c_str()), third.c_str(), queue_of(third.c_str()))));
  const bool good =
      answer && answer->type == REDIS_REPLY_ARRAY && answer->elements == size_t{kNames};
  if (answer && answer->type == REDIS_REPLY_ERROR && context->err == 0 &&
      std::string_view(answer->str).substr(0, 3) == "ERR")
    std::fprintf(stderr, "sampler: %s\n", answer->str);
  return good ? std::move(answer) : nullptr;
}

}  // namespace

Sampler::Sampler(std::string folder, std::string server_socket)
    : folder_(std::move(folder)), socket_(std::move(server_socket)), thread_([this] { run(); }) {}

Sampler::~Sampler() {
  stopping_.store(true);
  thread_.join();
}

void Sampler::run() {
  const History history(folder_ + "/history.jsonl");
  std::array<std::string, kNames> known;
  bool blind = true;
  int64_t last_from = 0, last_to = 0, unanswered_since = 0, next = now_us();
  Context context;
  while (!stopping_.load()) {
    sleep_until(next);
    const int64_t before = now_us();
    // Where the sampler itself gets no processor, nobody else can be blamed for being late.
    if (before - next > kStall) history.write(Line(next, "stall").add("to", before));
    const int64_t due = next;
    next = before + kEvery;
    if (!context) context = connect_to(socket_);
    Answer answer = context ? look(context.get()) : nullptr;
    const int64_t after = now_us();
    // The server alone cannot take so long: its answer is given up sooner.
    if (after - before > kStall) history.write(Line(before, "stall").add("to", after));
    next = std::max(next, after);
    if (!answer) {
      context.reset();
      if (unanswered_since == 0) unanswered_since = before;
      if (!blind) history.write(Line(last_to, "blind").add("from", last_from));
      blind = true;
      continue;
    }
    // A server or a proxy that got no processor, for instance: nor was it quick for the workers.
    const int64_t since = unanswered_since != 0 ? unanswered_since : due;
    if (after - since > kSlow) history.write(Line(since, "slow").add("to", after));
    unanswered_since = 0;
    for (size_t i = 0; i < known.size(); ++i) {
      const std::string seen(answer->element[i]->str, answer->element[i]->len);
      if (!blind && seen == known[i]) continue;
      const size_t bar = seen.find('|');
      history.write(Line(after, "state")
                        .add("from", before)
                        .add("name", name_of(static_cast<int>(i)))
                        .add("holder", seen.substr(0, bar))
                        .add("queue", seen.substr(bar + 1))
                        .add("last_from", blind ? 0 : last_from)
                        .add("last_to", blind ? 0 : last_to));
      known[i] = seen;
    }
    blind = false;
    last_from = before;
    last_to = after;
  }
}

}  // namespace fault
