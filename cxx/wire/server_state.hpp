// What all connections to one Redis server share: its address, the credentials, what the client has
// learned about it, and which abandoned connections the next one has to end. Any thread.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "values/answer.hpp"
#include "values/options.hpp"
#include "values/telemetry.hpp"
#include "values/url.hpp"
#include "wire/abandoned.hpp"

namespace redilock {

class ServerState {
 public:
  ServerState(Endpoint endpoint, const ClientOptions &options, const Clock &clock);

  const Endpoint &endpoint() const noexcept { return endpoint_; }
  std::string address() const { return endpoint_.text(); }  // for messages
  const Credentials &credentials() const noexcept { return credentials_; }
  const Clock &clock() const noexcept { return clock_; }
  Millis timeout() const noexcept { return timeout_; }
  // For how long a request may be tried: the timeout, and `connect_wait` until the client has
  // connected for the first time.
  Millis patience() const noexcept { return has_connected_ ? timeout_ : timeout_ + connect_wait_; }
  // Statistics and log of the client.
  Telemetry &telemetry() const noexcept { return telemetry_; }

  // The error with the name of this server before its words, if it is about the server and does not
  // name it yet.
  Error named(const Error &error) const noexcept;
  // What the server's refusal of a command or script means.
  Error error_of(const Reply &reply, const Connection &connection, const Command &command,
                 const Script *script = nullptr) const;

  // The server has greeted a connection.
  void greeted() noexcept { has_connected_ = true; }
  bool may_wait_to_connect() const noexcept { return connect_wait_ > Millis(0) && !has_connected_; }
  // A connection is up; one broke or could not be opened; the server closed one that was idle.
  void opened() noexcept;
  void broke(const Error &cause) noexcept;
  void closed_an_idle_one() noexcept;

  // A connection that is closed with unanswered requests: the next one ends it on the server.
  void abandon(const Connection &connection) noexcept;
  // The connections that the server has yet to end.
  bool has_abandoned() const noexcept { return has_abandoned_; }
  std::vector<Abandoned> abandoned();
  void ended(const std::vector<Abandoned> &ones) noexcept;
  // Whether the server ends them. Once it is false, abandoned requests may still run.
  bool can_end_abandoned() const noexcept { return can_kill_; }
  void cannot_end_abandoned() noexcept { can_kill_ = false; }

 private:
  const Endpoint endpoint_;
  const Credentials credentials_;
  const Millis timeout_;
  const Millis connect_wait_;
  const Clock &clock_;
  mutable Telemetry telemetry_;
  std::atomic<bool> has_connected_{false};
  std::atomic<bool> can_kill_{true};
  std::atomic<bool> has_abandoned_{false};
  std::mutex mutex_;  // guards the rest
  std::vector<Abandoned> abandoned_;
  bool broke_ = false;     // and no connection was opened since then
  std::string broke_why_;  // only if there is a log
};

}  // namespace redilock
