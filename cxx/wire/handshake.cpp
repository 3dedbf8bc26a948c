#include "wire/handshake.hpp"

#include "values/status.hpp"
#include "values/text.hpp"
#include "wire/error_reply.hpp"
#include "wire/frame.hpp"

namespace redilock {

namespace {

// A TLS server answers other bytes with an alert.
bool is_tls_alert(std::string_view bytes) { return bytes.substr(0, 2) == "\x15\x03"; }

}  // namespace

Handshake::Handshake(ServerState &server, std::string channel, Instant deadline)
    : server_(server),
      channel_(std::move(channel)),
      deadline_(deadline),
      dialing_(server.endpoint(), server.clock(), deadline),
      greeting_(server.credentials()),
      begun_(server.clock().now()) {}

pollfd Handshake::wanted() const noexcept {
  if (!connection_) return dialing_.wanted();
  return {connection_->fd(), static_cast<short>(outgoing_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
}

Instant Handshake::next_step() const noexcept {
  return connection_ ? deadline_ : dialing_.next_step();
}

std::unique_ptr<Connection> Handshake::step() {
  if (!connection_) {
    auto socket = dialing_.step();
    if (!socket) return nullptr;
    connection_ = std::make_unique<Connection>(std::move(*socket));
    for (const Command &command : greeting_.commands()) send(command);
  }
  if (phase_ == Phase::kGreet) greet();
  while (phase_ != Phase::kGreet && all_is_answered()) {
    if (phase_ == Phase::kUp) {
      server_.opened();
      return std::move(connection_);
    }
    go_on();
  }
  if (server_.clock().now() < deadline_) return nullptr;
  throw greeting_error({Status::kUnavailable, "the server did not answer in time", true});
}

void Handshake::greet() {
  try {
    if (!all_is_answered()) return;
    if (const auto next = greeting_.next_command()) {
      send(*next);
      if (!all_is_answered()) return;
    }
  } catch (const Error &error) {
    throw greeting_error(error);
  }
  greeting_.check();
  connection_->learn(greeting_, server_.clock().now());
  phase_ = Phase::kEndAbandoned;
  end_abandoned();
}

void Handshake::go_on() {
  const bool subscribes = phase_ == Phase::kEndAbandoned && !channel_.empty();
  if (phase_ == Phase::kEndAbandoned) server_.ended(ending_);
  phase_ = subscribes ? Phase::kSubscribe : Phase::kUp;
  server_.greeted();
  if (subscribes) send({"SUBSCRIBE", channel_});
}

void Handshake::send(const Command &command) {
  frame(command, command.size(), outgoing_);
  ++unanswered_;
}

bool Handshake::all_is_answered() {
  outgoing_.erase(0, connection_->send_now(outgoing_));
  while (unanswered_ > 0) {
    const auto reply = connection_->next_now();
    if (!reply) return false;
    --unanswered_;
    on_reply(*reply);
  }
  // It would be taken for the next answer. Behind a subscription it is a message.
  const bool may_have_more =
      phase_ == Phase::kSubscribe || (phase_ == Phase::kUp && !channel_.empty());
  if (!may_have_more && connection_->has_more()) throw unexpected_reply();
  return true;
}

void Handshake::on_reply(const Reply &reply) {
  if (phase_ == Phase::kGreet) return greeting_.on_reply(reply);
  if (phase_ == Phase::kEndAbandoned) return on_kill_reply(reply);
  on_subscription(reply);
}

// A connection that nobody can name, or that the server does not end, may still bring its requests.
void Handshake::end_abandoned() {
  ending_ = server_.abandoned();
  for (const Abandoned &one : ending_) {
    const End end = end_of(one, *connection_, begun_);
    if (end == End::kUnknown) server_.cannot_end_abandoned();
    if (end == End::kKill) send(kill_command(one, std::to_string(one.client.number)));
  }
}

void Handshake::on_kill_reply(const Reply &reply) {
  if (!reply.is_error()) {
    static_cast<void>(reply.integer());  // 0: there is no such connection any more
    return;
  }
  if (is_transient_error(reply)) throw server_.error_of(reply, *connection_, {"CLIENT", "KILL"});
  server_.cannot_end_abandoned();
}

void Handshake::on_subscription(const Reply &reply) const {
  if (reply.is_error()) throw server_.error_of(reply, *connection_, {"SUBSCRIBE"});
  if (reply.at(0).text() != "subscribe" || reply.at(1).text() != channel_)
    throw Error(Status::kProtocol, "the server does not answer SUBSCRIBE as it should");
}

// What the failure of a greeting means. A server that refuses a client may end the connection at
// once: then the refusal says why.
Error Handshake::greeting_error(const Error &error) const {
  if (phase_ != Phase::kGreet || !connection_) return error;
  if (error.status() == Status::kUnavailable && greeting_.refusal()) return *greeting_.refusal();
  if (error.status() == Status::kProtocol && !greeting_.is_redis()) return not_redis();
  const bool was_cut = error.status() == Status::kUnavailable &&
                       connection_->first_bytes().empty() && server_.clock().now() < deadline_;
  if (!was_cut) return error;
  return {Status::kUnavailable, error.message(), ", before any reply: the port may expect TLS",
          true};
}

Error Handshake::not_redis() const {
  constexpr size_t kShown = 60;
  const std::string &bytes = connection_->first_bytes();
  const std::string said = redacted_part(bytes, server_.credentials());
  const std::string line = said.substr(0, said.find_first_of("\r\n"));
  const std::string what = is_tls_alert(bytes) ? "; it speaks TLS" : "";
  return {Status::kProtocol,
          "this is not a Redis server" + what + "; it says \"" + shown(line, kShown) + "\""};
}

}  // namespace redilock
