// What a new connection asks first, and what it learns from the answers: whether the server lets
// the client in and can keep locks, and by which id and address the server knows the connection. No
// I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "values/command.hpp"
#include "values/credentials.hpp"
#include "values/reply.hpp"
#include "values/status.hpp"

namespace redilock {

// One connection as the server knows it, by which another connection can end it there. Both
// together are the connection's own, also after a restart of the server, unless it is a unix
// socket: all clients of that have one address.
struct ClientId {
  int64_t number = 0;   // 0 where the server does not say
  std::string address;  // as the server writes it
};

// Reads the reply to CLIENT INFO. Throws Error(kProtocol) for anything but a line with both.
ClientId parse_client_info(const Reply &reply);

class Greeting {
 public:
  explicit Greeting(const Credentials &credentials);

  // What to send at first, all in one write. AUTH and SELECT only where they are needed.
  std::vector<Command> commands() const;
  // What to send once those are answered: INFO, where the server does not know HELLO.
  std::optional<Command> next_command() const;
  // Takes the next reply. Throws Error(kProtocol) for what no Redis says, and Error for a refusal
  // that may pass.
  void on_reply(const Reply &reply);
  // Once all are answered. Throws Error where the server lets nobody in, or cannot keep locks.
  void check() const;

  // Whether a reply was that of a Redis server, or of something that speaks as one.
  bool is_redis() const noexcept { return is_redis_; }
  // The first refusal so far.
  const std::optional<Error> &refusal() const noexcept {
    return refusal_ ? refusal_ : hello_error_;
  }
  const ClientId &client() const noexcept { return client_; }
  // Such as "Redis 7.0.15"; "" where it is not known.
  const std::string &server() const noexcept { return server_; }

 private:
  enum class Question { kAuth, kSelect, kHello, kClientInfo, kInfo };
  enum class Mode { kOther, kSentinel, kCluster };

  Error error_of(const Reply &reply, std::string_view command) const;
  void on_permission(const Reply &reply, std::string_view command);
  void on_hello(const Reply &reply);
  void on_client_info(const Reply &reply);
  void on_info(const Reply &reply);
  void learn_mode(std::string_view mode);

  const Credentials &credentials_;
  const std::string db_;
  std::vector<Question> unanswered_;
  std::optional<Error> refusal_;      // of AUTH, SELECT, CLIENT INFO
  std::optional<Error> hello_error_;  // HELLO before AUTH
  bool asks_info_ = false;
  bool is_redis_ = false;
  Mode mode_ = Mode::kOther;
  std::string server_, old_version_;
  ClientId client_;
};

}  // namespace redilock
