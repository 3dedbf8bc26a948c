// One connection to a Redis server, and what the server's errors mean. See opening.hpp for how it
// comes up. After anything thrown it is of no use and is dropped: a reply may be left unread on it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "values/status.hpp"
#include "values/url.hpp"
#include "wire/reply.hpp"
#include "wire/socket.hpp"

namespace redilock {

using Command = std::vector<std::string_view>;

struct Credentials {
  std::string username, password;
  int64_t db = 0;
};

class Connection {
 public:
  explicit Connection(Socket socket) : socket_(std::move(socket)) {}

  void send(const Command &command, const Limit &limit);
  Reply receive(const Limit &limit);
  // Both, where nothing is left unread: a reply from before the request answers something else.
  Reply call(const Command &command, const Limit &limit);
  // Takes as much of some formatted commands as goes out without waiting.
  size_t send_now(std::string_view bytes) { return socket_.send_now(bytes); }
  // The next reply, if it is here already.
  std::optional<Reply> next_now();
  // Adds the replies that are here already. Also where it throws, those before stay.
  void receive_now(std::vector<Reply> &replies);

  // Whether more came than the replies that were asked for.
  bool has_more() const noexcept { return reader_.has_more(); }

  int fd() const noexcept { return socket_.fd(); }
  // The server's CLIENT ID of this connection, 0 where the server would not say.
  int64_t id() const noexcept { return id_; }
  Instant known_at() const noexcept { return known_at_; }
  // From the reply to CLIENT ID. Throws Error where the server does not let us in.
  void learn_id(const Reply &reply, std::string_view secret, Instant now);

 private:
  Socket socket_;
  ReplyReader reader_;
  std::string request_;  // kept for its room
  int64_t id_ = 0;
  Instant known_at_{};  // since when the id is
};

// A connection that may have unread requests at the server: its id, and since when that was known.
struct Abandoned {
  int64_t id;
  Instant known_at;
};

// Adds words to `bytes` as they are sent; `announced` of them make a command, those that follow
// later included. 0 for words that follow.
void frame(const Command &words, size_t announced, std::string &bytes);

// Whether the script has to be sent by its text.
bool is_noscript(const Reply &reply);
// Whether to ask again within the same call: the server is on its way up, or busy with a script.
bool passes_soon(const Reply &reply);

// Whether a replica refused: another server is the primary, by now or soon.
bool is_of_replica(const Reply &reply);

// What an error reply of the server means: kAuth, kUnsupported (a cluster), or kServer with the
// server's words, cut where they could repeat what was sent to it, and without tokens and `secret`.
Error server_error(const std::string &text, std::string_view secret = {});
// More than the replies to what was asked.
Error surplus_reply();
[[noreturn]] void throw_server_error(const std::string &text);

}  // namespace redilock
