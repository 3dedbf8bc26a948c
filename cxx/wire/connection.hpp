// One connection to a Redis server. See opening.hpp for how it comes up. After anything thrown it
// is of no use and is dropped: a reply may be left unread on it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/fences.hpp"
#include "wire/greeting.hpp"
#include "wire/reply_reader.hpp"
#include "wire/socket.hpp"

namespace redilock {

class Connection {
 public:
  explicit Connection(Socket socket) : socket_(std::move(socket)) {}

  void send(const Command &command, const WaitContext &limit);
  Reply receive(const WaitContext &limit);
  // Both, where nothing is left unread: a reply from before the request answers something else.
  Reply call(const Command &command, const WaitContext &limit);
  // The same for several commands in one go; their replies in the same order.
  std::vector<Reply> call_all(const std::vector<Command> &commands, const WaitContext &limit);
  // Sends as much of some formatted commands as goes out without waiting.
  size_t send_now(std::string_view bytes) { return socket_.send_now(bytes); }
  // The next reply, if it is here already.
  std::optional<Reply> next_now();
  // Adds the replies that are here already. Also where it throws, those before stay.
  void receive_now(std::vector<Reply> &replies);
  // Checks that a reply answers its request; see SeenFences::check.
  void check_fence(std::string_view key, const Reply &reply);

  // Whether more came than the replies that were asked for.
  bool has_more() const noexcept { return reader_.has_more(); }
  // Whether something that call() or send() sent has no answer.
  bool has_unanswered() const noexcept { return unanswered_ > 0; }

  int fd() const noexcept { return socket_.fd(); }
  std::optional<pid_t> peer_process() const noexcept { return socket_.peer_process(); }
  // The begin of what next_now() has received before learn().
  const std::string &first_bytes() const noexcept { return first_bytes_; }

  // From the greeting, which was over at `now`.
  void learn(const Greeting &greeting, Instant now);
  const ClientId &client() const noexcept { return client_; }
  Instant known_at() const noexcept { return known_at_; }
  // Such as "Redis 7.0.15"; "" where it is not known.
  const std::string &server() const noexcept { return server_; }

 private:
  Socket socket_;
  ReplyReader reader_;
  std::string request_;  // kept for its room
  int unanswered_ = 0;
  SeenFences fences_;
  std::string first_bytes_, server_;
  ClientId client_;
  Instant known_at_{};  // since when client_ is
};

}  // namespace redilock
