#include "wire/opening.hpp"

#include "values/status.hpp"
#include "wire/server.hpp"

namespace redilock {

Opening::Opening(Server &server, std::string channel, Instant deadline)
    : server_(server),
      channel_(std::move(channel)),
      deadline_(deadline),
      dialing_(server.endpoint_, server.clock_, deadline),
      begun_(server.clock_.now()) {}

pollfd Opening::wanted() const noexcept {
  if (!connection_) return dialing_.wanted();
  return {connection_->fd(), static_cast<short>(outgoing_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
}

Instant Opening::next_step() const noexcept {
  return connection_ ? deadline_ : dialing_.next_step();
}

std::unique_ptr<Connection> Opening::step() {
  if (!connection_) {
    auto socket = dialing_.step();
    if (!socket) return nullptr;
    connection_ = std::make_unique<Connection>(std::move(*socket));
    greet();
  }
  while (all_is_answered()) {
    if (phase_ == Phase::kGreet) {
      phase_ = Phase::kEndAbandoned;
      end_abandoned();
    } else if (phase_ == Phase::kEndAbandoned) {
      phase_ = Phase::kSubscribe;
      server_.ended(ending_);
      if (!channel_.empty()) say({"SUBSCRIBE", channel_});
    } else {
      return std::move(connection_);
    }
  }
  if (server_.clock().now() >= deadline_)
    throw Error(Status::kUnavailable, "the server did not answer in time", true);
  return nullptr;
}

void Opening::say(const Command &command) {
  frame(command, command.size(), outgoing_);
  ++unanswered_;
}

bool Opening::all_is_answered() {
  outgoing_.erase(0, connection_->send_now(outgoing_));
  while (unanswered_ > 0) {
    const auto reply = connection_->next_now();
    if (!reply) return false;
    --unanswered_;
    hear(*reply, unanswered_ == 0);
  }
  // It would be taken for the next answer. Behind a subscription it is a message.
  if (phase_ != Phase::kSubscribe && connection_->has_more()) throw surplus_reply();
  return true;
}

void Opening::hear(const Reply &reply, bool is_last) {
  if (phase_ == Phase::kGreet) return hear_greeting(reply, is_last);
  if (phase_ == Phase::kSubscribe) return hear_subscription(reply);
  if (passes_soon(reply)) throw_server_error(reply.text());
  if (reply.is_error()) server_.can_kill_ = false;
}

void Opening::greet() {
  const Credentials &credentials = server_.credentials_;
  const bool auth = !credentials.password.empty();
  if (auth && credentials.username.empty()) say({"AUTH", credentials.password});
  if (auth && !credentials.username.empty())
    say({"AUTH", credentials.username, credentials.password});
  if (credentials.db != 0) say({"SELECT", std::to_string(credentials.db)});
  say({"CLIENT", "ID"});
}

void Opening::hear_greeting(const Reply &reply, bool is_last) {
  if (!is_last && reply.is_error()) throw server_error(reply.text(), server_.credentials_.password);
  if (is_last) connection_->learn_id(reply, server_.credentials_.password, server_.clock_.now());
}

// Bytes of an abandoned request may lie unread at the server. Once its connection is killed there,
// they never run. Ids rise: one that was known before this connection was dialled, and is not below
// its id all the same, belongs to a server that was restarted.
void Opening::end_abandoned() {
  ending_ = server_.abandoned();
  for (const auto &[id, known_at] : ending_)
    if (connection_->id() == 0 || id < connection_->id() || known_at >= begun_)
      say({"CLIENT", "KILL", "ID", std::to_string(id)});
}

void Opening::hear_subscription(const Reply &reply) const {
  if (reply.is_error()) throw_server_error(reply.text());
  if (reply.at(0).text() != "subscribe" || reply.at(1).text() != channel_)
    throw Error(Status::kProtocol, "the server does not answer SUBSCRIBE as it should");
}

}  // namespace redilock
