// One Redis server as the locks see it: scripts that are asked until they are answered. Connections
// are pooled, so that any thread's call runs on that thread. Failed requests are repeated, so every
// script has to be idempotent.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "wire/server_state.hpp"

namespace redilock {

class Server final : public ServerState {
 public:
  Server(Endpoint endpoint, const ClientOptions &options, const Clock &clock);

  // Runs a script with keys and arguments; retried within the limit where the connection failed or
  // the server's state may pass. Throws Unanswered, or Error for what the server refused.
  Answer run(const Script &script, const Command &keys, const Command &arguments,
             const WaitContext &limit);
  // Any other command whose repetition does no harm.
  Answer run(const Command &command, const WaitContext &limit);
  // Several commands that change nothing, in one go. Their replies may be errors.
  std::vector<Reply> read_all(const std::vector<Command> &commands, const WaitContext &limit);

  static constexpr Micros kSkipCheckWithin{100000};
  // A connection out of the pool; null if there is none. It is looked at first, whether it still
  // stands, unless it was in use less than `trusted` ago.
  std::unique_ptr<Connection> idle_connection(Micros trusted = kSkipCheckWithin);
  // Puts a connection whose requests are all answered into the pool, or closes it if that is full.
  // It was known to stand at `since`.
  void check_in(std::unique_ptr<Connection> connection, Instant since) noexcept;
  // A new connection outside the pool. What was abandoned before is ended first.
  std::unique_ptr<Connection> connect(const WaitContext &limit);

  // A replica has answered. Where the primary is now, only new connections find.
  void on_replica_error() noexcept;
  // How often that was so.
  uint64_t failover_epoch() const noexcept { return failover_epoch_; }

  // Closes a connection that has unanswered requests, and all idle ones. The next connection has
  // the server end it.
  void abandon(std::unique_ptr<Connection> connection) noexcept;
  // Closes a broken connection that has no unanswered request, and all idle ones.
  void discard(std::unique_ptr<Connection> connection) noexcept;
  void close() noexcept;  // drops the idle connections, and keeps no other when its call ends
  // As close() in the child of a fork, where a thread that does not exist may hold the mutex.
  void close_if_unused() noexcept;

 private:
  struct Request {
    const Command &command;
    const Script *script;  // null for another command
    std::string_view fence_key;
  };
  // What the attempts of one call came to so far.
  struct Attempts {
    Instant begun{};             // the last one
    bool sent = false;           // one may have been carried out, and its reply was lost
    std::optional<Error> cause;  // why the last one gave no answer
  };
  std::optional<Answer> attempt(const Request &request, const WaitContext &limit,
                                Attempts &attempts);
  std::unique_ptr<Connection> idle_connection(Instant now, Micros trusted);
  std::unique_ptr<Connection> connect_or_wait(const WaitContext &limit);
  Reply ask(Connection &connection, const Request &request, const WaitContext &limit);
  Answer retry(const Request &request, const WaitContext &limit);
  // Returns whether it had unanswered requests.
  bool give_up(std::unique_ptr<Connection> connection) noexcept;

  struct Idle {
    std::unique_ptr<Connection> connection;
    Instant since;
  };

  std::mutex mutex_;  // guards the pool
  std::vector<Idle> idle_;
  size_t pool_size_;  // 0 once it is closed
  std::atomic<uint64_t> failover_epoch_{0};
};

}  // namespace redilock
