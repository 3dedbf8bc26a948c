// The plain client: about one in ten of the calls of a run, and one in fifteen of the grants.
#include <hiredis/hiredis.h>

#include <memory>
#include <random>
#include <string>
#include <string_view>

#include "fault/board.hpp"
#include "fault/history.hpp"
#include "fault/worker.hpp"

namespace fault {

namespace {

constexpr int64_t kMs = 1000;
constexpr std::string_view kOk = "REDILOCK_OK", kHeld = "REDILOCK_E_HELD",
                           kUnknown = "REDILOCK_E_UNKNOWN";
constexpr char kDeleteIfMine[] =
    "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end return 0";

struct Closer {
  void operator()(redisContext *context) const { redisFree(context); }
  void operator()(redisReply *reply) const { freeReplyObject(reply); }
};
using Context = std::unique_ptr<redisContext, Closer>;
using Answer = std::unique_ptr<redisReply, Closer>;

class Foreign {
 public:
  explicit Foreign(const WorkerSettings &settings)
      : settings_(settings),
        history_(settings.folder + "/history.jsonl"),
        board_(map_board(settings.folder + "/board")),
        random_(settings.seed) {}

  void run() {
    while (board_.stop.load() == 0) {
      sleep_until(now_us() + between(20, 120) * kMs);
      if (board_.lull.load() != 0) continue;
      if (!context_ || context_->err != 0) connect();
      if (context_ && context_->err == 0) attempt();
    }
  }

 private:
  int64_t between(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }

  void connect() {
    const timeval patience{1, 0};
    context_.reset(redisConnectUnixWithTimeout(settings_.url.c_str(), patience));
    if (context_ && context_->err == 0) redisSetTimeout(context_.get(), patience);
  }

  template <class... Words>
  Answer ask(const char *format, Words... words) {
    return Answer(static_cast<redisReply *>(redisCommand(context_.get(), format, words...)));
  }

  // Asks again and again for a while, as such clients do: they have no place in the queue. The call
  // that is told begins with the last time that it asked.
  void attempt() {
    const std::string name = name_of(static_cast<int>(between(0, kQuietName - 1)));
    const std::string id = settings_.id + ".0." + std::to_string(++count_);
    const std::string value = "foreign:" + id;
    const int64_t ttl = between(300, 1500), patience = now_us() + between(0, 300) * kMs;
    int64_t sent = 0;
    Answer reply;
    for (;;) {
      sent = now_us();
      reply = ask("SET %s %s NX PX %lld", name.c_str(), value.c_str(), static_cast<long long>(ttl));
      const bool is_held = reply && reply->type == REDIS_REPLY_NIL;
      if (!is_held || sent >= patience || board_.lull.load() != 0) break;
      sleep_until(now_us() + between(1, 10) * kMs);
    }
    history_.write(
        Line(sent, "call").add("id", id).add("name", name).add("kind", "foreign").add("ttl", ttl));
    Line end(now_us(), "end");
    end.add("id", id).add("status", status_of(reply));
    const bool is_taken = status_of(reply) == kOk;
    if (is_taken) end.add("until", sent + ttl * kMs * 99 / 100 - 2 * kMs);
    history_.write(end);
    if (!is_taken) return;  // at worst it stands for its ttl
    sleep_until(now_us() + between(0, 40) * kMs);
    release(id, name, value);
  }

  void release(const std::string &id, const std::string &name, const std::string &value) {
    history_.write(Line(now_us(), "release").add("id", id));
    const Answer reply = ask("EVAL %s 1 %s %s", kDeleteIfMine, name.c_str(), value.c_str());
    const bool told = reply && reply->type == REDIS_REPLY_INTEGER;
    history_.write(Line(now_us(), "released").add("id", id).add("status", told ? kOk : kUnknown));
  }

  // Of a SET NX.
  static std::string_view status_of(const Answer &reply) {
    if (!reply) return kUnknown;
    if (reply->type == REDIS_REPLY_STATUS) return kOk;
    return reply->type == REDIS_REPLY_NIL ? kHeld : kUnknown;
  }

  const WorkerSettings &settings_;
  const History history_;
  Board &board_;
  std::mt19937_64 random_;
  Context context_;
  int64_t count_ = 0;
};

}  // namespace

int run_foreign(const WorkerSettings &settings) {
  Foreign(settings).run();
  return 0;
}

}  // namespace fault
