// A connection on its way up, step by step and without waiting: dialled, greeted, told which
// abandoned connections the server shall end, and subscribed where it is to be.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wire/connection.hpp"
#include "wire/dialing.hpp"

namespace redilock {

class Server;

class Opening {
 public:
  // `channel`: what to subscribe to, or empty. Throws Error as Dialing does.
  Opening(Server &server, std::string channel, Instant deadline);

  // Does what can be done now. Null before it is up; throws Error, and is of no use then.
  std::unique_ptr<Connection> step();
  // What the next step waits for, and when it is due whatever comes.
  pollfd wanted() const noexcept;
  Instant next_step() const noexcept;
  Instant deadline() const noexcept { return deadline_; }
  // Whether a step may end one socket and try another.
  bool is_dialing() const noexcept { return connection_ == nullptr; }
  // -1 where there is none.
  int socket() const noexcept { return connection_ ? connection_->fd() : dialing_.socket(); }

 private:
  enum class Phase { kGreet, kEndAbandoned, kSubscribe };

  void greet();
  void end_abandoned();
  void say(const Command &command);
  bool all_is_answered();
  void hear(const Reply &reply, bool is_last);
  void hear_greeting(const Reply &reply, bool is_last);
  void hear_subscription(const Reply &reply) const;

  Server &server_;
  const std::string channel_;
  const Instant deadline_;
  Dialing dialing_;
  std::unique_ptr<Connection> connection_;
  Phase phase_ = Phase::kGreet;
  std::string outgoing_;
  size_t unanswered_ = 0;  // of what was said
  const Instant begun_;
  std::vector<Abandoned> ending_;
};

}  // namespace redilock
