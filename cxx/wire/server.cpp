#include "wire/server.hpp"

#include <poll.h>

#include <algorithm>
#include <optional>

#include "values/status.hpp"
#include "wire/backoff.hpp"
#include "wire/opening.hpp"

namespace redilock {

namespace {

// An idle connection is looked at before it is used again, unless it was in use just now.
constexpr Micros kTrusted{100000};

// False where the limit would pass first.
bool pause(Micros span, const Limit &limit) {
  const Instant end = after(limit.clock.now(), span);
  if (end >= limit.deadline) return false;
  while (wait_until_ready(-1, 0, limit.until(end)) != Ready::kDeadline) {
  }
  return true;
}

// Nothing came between requests, the peer's end of the connection least of all.
bool is_quiet(const Connection &connection) {
  pollfd polled{connection.fd(), POLLIN, 0};
  return ::poll(&polled, 1, 0) == 0;
}

}  // namespace

Server::Server(Endpoint endpoint, const ClientOptions &options, const Clock &clock)
    : endpoint_(std::move(endpoint)),
      credentials_{options.username, options.password, options.db},
      timeout_(options.timeout),
      pool_size_(static_cast<size_t>(options.pool)),
      clock_(clock) {}

Limit Server::request_limit(Interrupt *interrupt) const {
  return {clock_, after(clock_.now(), timeout_), interrupt};
}

Answer Server::run(const Script &script, const Command &keys, const Command &arguments,
                   const Limit &limit) {
  const std::string count = std::to_string(keys.size());
  Command command;
  command.reserve(3 + keys.size() + arguments.size());
  command = {"EVALSHA", script.sha1, count};
  command.insert(command.end(), keys.begin(), keys.end());
  command.insert(command.end(), arguments.begin(), arguments.end());
  return retry(command, &script, limit);
}

Answer Server::run(const Command &command, const Limit &limit) {
  return retry(command, nullptr, limit);
}

// One request on one connection. Nothing comes back where it may be made again; then `cause` tells
// why. `sent` is set once the server may have carried it out without our hearing of it.
std::optional<Answer> Server::attempt(const Command &command, const Script *script,
                                      const Limit &limit, bool &sent, Error &cause) {
  std::unique_ptr<Connection> connection;
  try {
    connection = idle_connection();
    if (!connection) connection = connect(limit);
  } catch (const Error &error) {
    if (error.status() != Status::kUnavailable && !error.retriable()) throw;
    cause = error;
    return std::nullopt;
  }
  try {
    const Instant start = clock_.now();
    Reply reply = ask(*connection, command, script, limit);
    if (is_of_replica(reply)) {
      connection.reset();
      leave_replica();
    } else {
      check_in(std::move(connection), start);
    }
    if (!reply.is_error()) return Answer{std::move(reply), start, sent};
    if (!passes_soon(reply)) throw_server_error(reply.text());
    cause = server_error(reply.text());
  } catch (const Error &error) {
    if (connection == nullptr) throw;  // the server's own refusal
    abandon(std::move(connection));
    sent = true;
    cause = error;
  } catch (...) {  // no memory, and a request or its reply may be under way
    if (connection != nullptr) abandon(std::move(connection));
    throw;
  }
  return std::nullopt;
}

Answer Server::retry(const Command &command, const Script *script, const Limit &limit) {
  Backoff backoff;
  bool sent = false, failed_before = false;
  Error cause(Status::kUnavailable, "the server did not answer in time", true);
  try {
    for (;;) {
      // A server that answers at once, always so that one has to ask again, ends no call by itself.
      if (limit.expired()) throw Unanswered(cause, sent);
      limit.check();  // before it is sent: what was cancelled then was surely not carried out
      if (auto answer = attempt(command, script, limit, sent, cause)) return std::move(*answer);
      const bool again =
          cause.status() == Status::kUnavailable || cause.status() == Status::kServer;
      // The first retry is immediate: most often an idle connection had been closed meanwhile.
      if (!again || (failed_before && !pause(backoff.next(), limit))) throw Unanswered(cause, sent);
      failed_before = true;
    }
  } catch (const Error &error) {
    // Refused or cancelled now; what went out before may have been carried out all the same.
    if (!sent) throw;
    throw Unanswered(error, true);
  }
}

Reply Server::ask(Connection &connection, const Command &by_sha, const Script *script,
                  const Limit &limit) {
  Reply reply = connection.call(by_sha, limit);
  if (script == nullptr || !is_noscript(reply)) return reply;
  Command by_text = by_sha;
  by_text[0] = "EVAL";
  by_text[1] = script->text;
  return connection.call(by_text, limit);
}

std::unique_ptr<Connection> Server::connect(const Limit &limit) {
  Opening opening(*this, {}, limit.deadline);
  for (;;) {
    if (auto connection = opening.step()) return connection;
    const pollfd wanted = opening.wanted();
    wait_until_ready(wanted.fd, wanted.events, limit.until(opening.next_step()));
  }
}

std::unique_ptr<Connection> Server::idle_connection() {
  std::lock_guard lock(mutex_);
  while (!idle_.empty() && abandoned_.empty()) {
    Idle idle = std::move(idle_.back());
    idle_.pop_back();
    const bool trusted = clock_.now() - idle.since < kTrusted;
    if (trusted || is_quiet(*idle.connection)) return std::move(idle.connection);
  }
  return nullptr;
}

void Server::check_in(std::unique_ptr<Connection> connection, Instant since) noexcept {
  if (connection->has_more()) return;  // it would be taken for the next answer
  std::lock_guard lock(mutex_);
  if (idle_.size() < pool_size_) try {
      idle_.push_back({std::move(connection), since});
    } catch (const std::bad_alloc &) {
      return;  // one connection less in the pool
    }
}

// What broke one connection has likely broken the idle ones too: start over with new ones.
void Server::abandon(std::unique_ptr<Connection> connection) noexcept {
  const Abandoned one{connection->id(), connection->known_at()};
  connection.reset();
  std::lock_guard lock(mutex_);
  idle_.clear();
  try {
    if (one.id != 0)
      abandoned_.push_back(one);
    else
      can_kill_ = false;  // the server did not tell by which id to end it
  } catch (const std::bad_alloc &) {
    can_kill_ = false;  // it cannot be remembered, so it cannot be ended
  }
}

bool Server::has_abandoned() {
  std::lock_guard lock(mutex_);
  return !abandoned_.empty();
}

std::vector<Abandoned> Server::abandoned() {
  std::lock_guard lock(mutex_);
  return abandoned_;
}

void Server::ended(const std::vector<Abandoned> &ones) noexcept {
  std::lock_guard lock(mutex_);
  const auto is_one = [&](const Abandoned &other) {
    return std::any_of(ones.begin(), ones.end(), [&](const Abandoned &one) {
      return one.id == other.id && one.known_at == other.known_at;
    });
  };
  abandoned_.erase(std::remove_if(abandoned_.begin(), abandoned_.end(), is_one), abandoned_.end());
}

void Server::leave_replica() noexcept {
  std::lock_guard lock(mutex_);
  idle_.clear();
  ++moves_;
}

void Server::close() noexcept {
  std::lock_guard lock(mutex_);
  idle_.clear();
  pool_size_ = 0;
}

void Server::close_if_unused() noexcept {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock) idle_.clear();
}

}  // namespace redilock
