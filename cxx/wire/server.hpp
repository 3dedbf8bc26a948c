// One Redis server as the locks see it: scripts that are asked until they are answered. Connections
// are pooled, so that any thread's call runs on that thread. Failed requests are repeated, so every
// script has to be idempotent.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "values/answer.hpp"
#include "values/options.hpp"
#include "values/status.hpp"
#include "values/telemetry.hpp"
#include "values/url.hpp"
#include "wire/abandoned.hpp"
#include "wire/connection.hpp"

namespace redilock {

class Server {
 public:
  Server(Endpoint endpoint, const ClientOptions &options, const Clock &clock);

  // Runs a script with keys and arguments; retried within the limit where the connection failed or
  // the server's state may pass. Throws Unanswered, or Error for what the server refused.
  Answer run(const Script &script, const Command &keys, const Command &arguments,
             const Limit &limit);
  // Any other command whose repetition does no harm.
  Answer run(const Command &command, const Limit &limit);
  // Several commands that change nothing, in one go. Their replies may be errors.
  std::vector<Reply> read_all(const std::vector<Command> &commands, const Limit &limit);

  static constexpr Micros kTrusted{100000};
  // A connection out of the pool; null if there is none. It is looked at first, whether it still
  // stands, unless it was in use less than `trusted` ago.
  std::unique_ptr<Connection> idle_connection(Micros trusted = kTrusted);
  // Puts a connection whose requests are all answered into the pool, or closes it if that is full.
  // It was known to stand at `since`.
  void check_in(std::unique_ptr<Connection> connection, Instant since) noexcept;
  // A new connection outside the pool. What was abandoned before is ended first.
  std::unique_ptr<Connection> connect(const Limit &limit);

  // The error with the name of this server before its words, if it is about the server and does not
  // name it yet.
  Error named(const Error &error) const noexcept;

  // `Limit` for one request: the client's patience from now.
  Limit request_limit(Interrupt *interrupt) const;
  const Clock &clock() const noexcept { return clock_; }
  // For messages.
  std::string address() const { return endpoint_.text(); }
  Millis timeout() const noexcept { return timeout_; }
  // For how long a request may be tried: the timeout, and `connect_wait` until the client has
  // connected for the first time.
  Millis patience() const noexcept { return has_connected_ ? timeout_ : timeout_ + connect_wait_; }

  // False once the server refused CLIENT KILL: abandoned requests may then still run.
  bool can_end_abandoned() const noexcept { return can_kill_; }

  // A replica has answered. Where the primary is now, only new connections find.
  void leave_replica() noexcept;
  // How often that was so.
  uint64_t moves() const noexcept { return moves_; }

  // A connection broke or could not be opened, and another was opened.
  void broke(const Error &cause) noexcept;
  void opened() noexcept;
  // Of the client that asks this server.
  Telemetry &telemetry() const noexcept { return telemetry_; }

  // Closes a connection that has unanswered requests, and all idle ones. The next connection has
  // the server end it.
  void abandon(std::unique_ptr<Connection> connection) noexcept;
  // Closes a broken connection that has no unanswered request, and all idle ones.
  void discard(std::unique_ptr<Connection> connection) noexcept;
  // Whether there are connections that the server has yet to end.
  bool has_abandoned();

  // What the server's refusal of a command or script means.
  Error error_of(const Reply &reply, const Connection &connection, const Command &command,
                 const Script *script = nullptr) const;

  const Credentials &credentials() const noexcept { return credentials_; }

  void close() noexcept;  // drops the idle connections, and keeps no other when its call ends
  // As close() in the child of a fork, where a thread that does not exist may hold the mutex.
  void close_if_unused() noexcept;

 private:
  friend class Opening;
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
  std::optional<Answer> attempt(const Request &request, const Limit &limit, Attempts &attempts);
  std::unique_ptr<Connection> idle_connection(Instant now, Micros trusted);
  std::unique_ptr<Connection> connect_or_wait(const Limit &limit);
  Reply ask(Connection &connection, const Request &request, const Limit &limit);
  Answer retry(const Request &request, const Limit &limit);
  // Returns whether it had unanswered requests.
  bool give_up(std::unique_ptr<Connection> connection) noexcept;
  std::vector<Abandoned> abandoned();
  void ended(const std::vector<Abandoned> &ones) noexcept;

  struct Idle {
    std::unique_ptr<Connection> connection;
    Instant since;
  };

  const Endpoint endpoint_;
  const Credentials credentials_;
  const Millis timeout_;
  const Millis connect_wait_;
  size_t pool_size_;  // 0 once it is closed
  const Clock &clock_;
  mutable Telemetry telemetry_;
  std::mutex mutex_;
  std::vector<Idle> idle_;
  std::vector<Abandoned> abandoned_;
  std::atomic<bool> has_connected_{false};
  bool broke_ = false;     // and no connection was opened since then
  std::string broke_why_;  // where a log is kept
  std::atomic<bool> can_kill_{true};
  std::atomic<uint64_t> moves_{0};
};

}  // namespace redilock
