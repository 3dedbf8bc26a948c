// A connection that is being opened, step by step and without waiting: it is dialled and greeted,
// has the server end abandoned connections, and subscribes if that is asked for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wire/dialer.hpp"
#include "wire/greeting.hpp"
#include "wire/server_state.hpp"

namespace redilock {

class Handshake {
 public:
  // `channel`: what to subscribe to, or empty. Throws Error as Dialer does.
  Handshake(ServerState &server, std::string channel, Instant deadline);

  // Does what can be done now. Null before it is up; throws Error, and is of no use then.
  std::unique_ptr<Connection> step();
  // What the next step waits for, and when it is due in any case.
  pollfd wanted() const noexcept;
  Instant next_step() const noexcept;
  Instant deadline() const noexcept { return deadline_; }
  // Whether a step may end one socket and try another.
  bool is_dialing() const noexcept { return connection_ == nullptr; }
  // -1 where there is none.
  int socket() const noexcept { return connection_ ? connection_->fd() : dialing_.socket(); }

 private:
  enum class Phase { kGreet, kEndAbandoned, kSubscribe, kUp };

  void begin_greeting();
  void greet();
  void go_on();
  void end_greeting();
  void end_abandoned();
  void send(const Command &command);
  bool all_is_answered();
  void on_reply(const Reply &reply);
  void on_kill_reply(const Reply &reply);
  void on_subscription(const Reply &reply) const;
  Error greeting_error(const Error &error) const;
  Error not_redis() const;

  ServerState &server_;
  const std::string channel_;
  const Instant deadline_;
  Dialer dialing_;
  Greeting greeting_;
  std::unique_ptr<Connection> connection_;
  Phase phase_ = Phase::kGreet;
  std::string outgoing_;
  size_t unanswered_ = 0;  // of the commands that were sent
  const Instant begun_;
  std::vector<Abandoned> ending_;
};

}  // namespace redilock
