// The uncontended pair. Client and server share one processor: across two, the wake-up has two
// modes and decides everything. The rivals: hiredis' blocking context with SET NX PX and a script
// that compares and deletes; the same, and the library's own scripts, preformatted on a bare
// socket. What is between the last and the library is what the library itself costs.
#include <sched.h>
#include <unistd.h>

#include "../../cli/bench_lock.hpp"
#include "../../cli/bench_pair.hpp"
#include "../../cli/bench_processes.hpp"
#include "bench/parts.hpp"
#include "bench/server.hpp"
#include "scripts/embedded.hpp"
#include "values/name.hpp"

namespace bench {
namespace {

using cli::Contender;

constexpr int kSlice = 200;
const std::string kName = "job";
// As long as a token with a label of usual length.
const std::string kToken = "redilock:0123456789abcdef0123456789abcdef:worker-17/23456";
const std::string kTtl = std::to_string(cli::kBenchTtlMs);
const std::string kCompareAndDelete =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

std::string load(const Context &context, std::string_view script) {
  const Reply reply = ask(context, {"SCRIPT", "LOAD", std::string(script)});
  return {reply->str, reply->len};
}

// The command in the protocol's form.
std::string formatted(std::initializer_list<std::string_view> words) {
  std::string text = "*" + std::to_string(words.size()) + "\r\n";
  for (std::string_view word : words)
    text.append("$" + std::to_string(word.size()) + "\r\n").append(word).append("\r\n");
  return text;
}

// By write and read on the blocking socket of a hiredis context, without hiredis.
void exchange(const Context &context, const std::string &request, char first) {
  char reply[64];
  const ssize_t sent = ::write(context->fd, request.data(), request.size());
  const ssize_t got = ::read(context->fd, reply, sizeof reply);
  if (sent != static_cast<ssize_t>(request.size()) || got < 4 || reply[0] != first)
    throw cli::Failure(cli::kExitInternal, "the bare socket got an unexpected reply");
}

struct Exchange {
  std::string acquire, release;
  char granted;  // the first byte of the reply to acquire
  void pair(const Context &context) const {
    exchange(context, acquire, granted);
    exchange(context, release, ':');
  }
};

struct RawHiredis {
  Context context;
  std::string sha;

  void pair() const {
    Reply set(static_cast<redisReply *>(redisCommand(context.get(), "SET %s %s NX PX %s",
                                                     kName.c_str(), kToken.c_str(), kTtl.c_str())));
    if (!set || set->type != REDIS_REPLY_STATUS)
      throw cli::Failure(cli::kExitInternal, "SET NX PX failed");
    Reply deleted(static_cast<redisReply *>(redisCommand(
        context.get(), "EVALSHA %s 1 %s %s", sha.c_str(), kName.c_str(), kToken.c_str())));
    if (!deleted || deleted->integer != 1)
      throw cli::Failure(cli::kExitInternal, "compare-and-delete failed");
  }
};

double column(const cli::FigureRow &row, const char *name) {
  for (const auto &[column, value] : row.values)
    if (column == name) return value;
  return 0;
}

void measure(const Server &server, bool tcp, int64_t run_ms, Figures &figures) {
  using namespace redilock;
  const RawHiredis raw{server.connect(tcp), load(server.connect(tcp), kCompareAndDelete)};
  const Context bare = server.connect(tcp);
  load(bare, scripts::acquire);
  load(bare, scripts::release);
  const LockKeys keys("", kName);
  const std::string queue(keys.queue()), fence(keys.fence()), holders(keys.holders());
  const std::string release = formatted({"EVALSHA", scripts::release_sha1, "5", kName, queue, fence,
                                         std::string(kAliveKey), holders, kToken});
  const Exchange plain{formatted({"SET", kName, kToken, "NX", "PX", kTtl}),
                       formatted({"EVALSHA", raw.sha, "1", kName, kToken}), '+'};
  const Exchange fenced{
      formatted({"EVALSHA", scripts::acquire_sha1, "3", kName, queue, fence, kToken, kTtl, "1"}),
      release, ':'};
  const Exchange unfenced{
      formatted({"EVALSHA", scripts::acquire_sha1, "2", kName, queue, kToken, kTtl, "0"}), release,
      ':'};

  redilock_client_t *client_raw = nullptr;
  cli::bench_check(redilock_new(server.url(tcp).c_str(), nullptr, &client_raw, nullptr, 0));
  const cli::Client client(client_raw);
  const cli::Op op = cli::bench_op(client, kName),
                op_unfenced = cli::bench_op(client, kName, false);

  const std::vector<Contender> contenders = {
      {"hiredis", [&] { raw.pair(); }},
      {"redilock", [&] { cli::bench_pair(op); }},
      {"redilock_short", [&] { cli::bench_short_pair(client, kName); }},
      {"redilock_fence_0", [&] { cli::bench_pair(op_unfenced); }},
      {"bare_set_del", [&] { plain.pair(bare); }},
      {"bare_scripts", [&] { fenced.pair(bare); }},
      {"bare_scripts_fence_0", [&] { unfenced.pair(bare); }},
  };
  auto rows = cli::by_turns(contenders, {kSlice, run_ms});
  const auto us = [&](size_t row) { return column(rows[row], "us"); };
  const std::string where = tcp ? "tcp" : "unix";
  const cli::FigureRow shares{"us",
                              {{"library_adds", us(1) - us(5)},
                               {"library_short_adds", us(2) - us(5)},
                               {"library_fence_0_adds", us(3) - us(6)},
                               {"scripts_add", us(5) - us(4)},
                               {"scripts_fence_0_add", us(6) - us(4)}}};
  figures.push_back({"pair_" + where,
                     "acquire + release on one processor with the server; the ratio is to hiredis",
                     std::move(rows)});
  figures.push_back({"pair_" + where + "_shares",
                     "us of a pair: the library over the same scripts on a bare socket, and these "
                     "over SET and compare-and-delete there",
                     {shares}});
}

}  // namespace

void measure_pairs(const Times &times, Figures &figures) {
  // A process of its own would do as well, but the pinning has to end before the next part.
  cpu_set_t before;
  sched_getaffinity(0, sizeof before, &before);
  cli::pin_to_one_core();
  {
    const Server server;
    measure(server, true, times.pair_ms, figures);
    measure(server, false, times.pair_ms, figures);
  }
  sched_setaffinity(0, sizeof before, &before);
}

}  // namespace bench
