#include "wire/server.hpp"

#include <poll.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "values/status.hpp"
#include "wire/backoff.hpp"
#include "wire/error_reply.hpp"
#include "wire/opening.hpp"

namespace redilock {

namespace {

// False where the limit would pass first.
bool pause(Micros span, const Limit &limit) {
  const Instant end = after(limit.clock.now(), span);
  if (end >= limit.deadline) return false;
  while (wait_until_ready(-1, 0, limit.until(end)) != Ready::kDeadline) {
  }
  return true;
}

Error no_answer_in_time() {
  return {Status::kUnavailable, "the server did not answer in time", true};
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
      connect_wait_(options.connect_wait),
      pool_size_(static_cast<size_t>(options.pool)),
      clock_(clock),
      telemetry_(options.log) {}

Limit Server::request_limit(Interrupt *interrupt) const {
  return {clock_, after(clock_.now(), patience()), interrupt};
}

Answer Server::run(const Script &script, const Command &keys, const Command &arguments,
                   const Limit &limit) {
  const std::string count = std::to_string(keys.size());
  Command command{"EVALSHA", script.sha1, count};
  command.append(keys);
  command.append(arguments);
  return retry({command, &script, fence_key(script, keys)}, limit);
}

Answer Server::run(const Command &command, const Limit &limit) {
  return retry({command, nullptr, {}}, limit);
}

std::vector<Reply> Server::read_all(const std::vector<Command> &commands, const Limit &limit) {
  if (commands.empty()) return {};
  auto connection = idle_connection();
  if (!connection) connection = connect_or_wait(limit);
  const Instant start = clock_.now();
  try {
    auto replies = connection->call_all(commands, limit);
    check_in(std::move(connection), start);
    return replies;
  } catch (...) {
    if (connection != nullptr) give_up(std::move(connection));
    throw;
  }
}

Error Server::error_of(const Reply &reply, const Connection &connection, const Command &command,
                       const Script *script) const {
  const std::string_view text = script != nullptr ? script->text : std::string_view();
  return server_error(reply.text(), {connection.server(), command[0], text, &credentials_});
}

Error Server::named(const Error &error) const noexcept {
  switch (error.status()) {
    case Status::kUnknown:
    case Status::kUnavailable:
    case Status::kAuth:
    case Status::kServer:
    case Status::kProtocol:
    case Status::kUnsupported:
      break;
    default:
      return error;
  }
  if (error.says_where()) return error;
  try {
    return error.worded(address() + ": ").saying_where();
  } catch (const std::bad_alloc &) {
    return error;
  }
}

// What a call ends by itself is no trouble.
void Server::broke(const Error &cause) noexcept {
  switch (cause.status()) {
    case Status::kNoMemory:
    case Status::kCancelled:
    case Status::kInterrupted:
    case Status::kClosed:
      return;
    default:
      break;
  }
  std::lock_guard lock(mutex_);
  if (std::exchange(broke_, true)) return;
  telemetry_.log.add(LogLevel::kWarning, [&] {
    broke_why_ = named(cause).message();
    return "a connection failed: " + broke_why_;
  });
}

void Server::opened() noexcept {
  telemetry_.statistics.add(Stat::kConnected);
  std::lock_guard lock(mutex_);
  const bool again = std::exchange(broke_, false);
  if (again) telemetry_.statistics.add(Stat::kReconnects);
  telemetry_.log.add(LogLevel::kInfo, [&] {
    return again ? "connected again to " + address() + " after: " + broke_why_
                 : "connected to " + address();
  });
}

// One request on one connection. Nothing comes back where it may be made again.
std::optional<Answer> Server::attempt(const Request &request, const Limit &limit,
                                      Attempts &attempts) {
  std::unique_ptr<Connection> connection;
  Instant start = attempts.begun;
  try {
    connection = idle_connection(start, kTrusted);
    if (!connection) {
      connection = connect(limit);
      start = clock_.now();
    }
  } catch (const Error &error) {
    broke(error);
    if (error.status() != Status::kUnavailable && !error.retriable()) throw;
    attempts.cause = error;
    return std::nullopt;
  }
  std::optional<Error> refusal;
  try {
    Reply reply = ask(*connection, request, limit);
    if (reply.is_error()) refusal = error_of(reply, *connection, request.command, request.script);
    if (is_of_replica(reply)) {
      connection.reset();
      broke(*refusal);
      leave_replica();
    } else {
      check_in(std::move(connection), start);
    }
    if (!refusal) return Answer{std::move(reply), start, attempts.sent, &credentials_};
    if (!passes_soon(reply)) throw Error(*refusal);
    attempts.cause = std::move(refusal);
  } catch (const Error &error) {
    if (refusal || connection == nullptr) throw;
    attempts.cause = error;
    broke(error);
    if (give_up(std::move(connection))) attempts.sent = true;
  } catch (...) {  // no memory, and a request or its reply may be under way
    if (connection != nullptr) give_up(std::move(connection));
    throw;
  }
  return std::nullopt;
}

Answer Server::retry(const Request &request, const Limit &limit) {
  Backoff backoff;
  Attempts attempts;
  bool failed_before = false;
  try {
    for (;;) {
      // A server that answers at once, always so that one has to ask again, ends no call by itself.
      attempts.begun = clock_.now();
      if (attempts.begun >= limit.deadline)
        throw Unanswered(attempts.cause.value_or(no_answer_in_time()), attempts.sent);
      limit.check();  // before it is sent: what was cancelled then was surely not carried out
      if (auto answer = attempt(request, limit, attempts)) return std::move(*answer);
      const Status status = attempts.cause->status();
      const bool again = status == Status::kUnavailable || status == Status::kServer;
      // The first retry is immediate: most often an idle connection had been closed.
      if (!again || (failed_before && !pause(backoff.next(), limit)))
        throw Unanswered(*attempts.cause, attempts.sent);
      failed_before = true;
    }
  } catch (const Error &error) {
    // Refused or cancelled now; what went out before may have been carried out all the same.
    if (!attempts.sent) throw;
    throw Unanswered(error, true);
  }
}

Reply Server::ask(Connection &connection, const Request &request, const Limit &limit) {
  Reply reply = connection.call(request.command, limit);
  if (request.script == nullptr) return reply;
  if (is_noscript(reply)) {
    Command by_text = request.command;
    by_text[0] = "EVAL";
    by_text[1] = request.script->text;
    reply = connection.call(by_text, limit);
  }
  connection.check_fence(request.fence_key, reply);
  return reply;
}

std::unique_ptr<Connection> Server::connect(const Limit &limit) {
  Opening opening(*this, {}, limit.until(after(clock_.now(), timeout_)).deadline);
  for (;;) {
    if (auto connection = opening.step()) return connection;
    const pollfd wanted = opening.wanted();
    wait_until_ready(wanted.fd, wanted.events, limit.until(opening.next_step()));
  }
}

// A server that is not up yet refuses at once, again and again.
std::unique_ptr<Connection> Server::connect_or_wait(const Limit &limit) {
  Backoff backoff;
  for (;;) {
    try {
      return connect(limit);
    } catch (const Error &error) {
      const bool may_wait = connect_wait_ > Millis(0) && !has_connected_;
      if (!may_wait || error.status() != Status::kUnavailable || !pause(backoff.next(), limit))
        throw;
    }
  }
}

std::unique_ptr<Connection> Server::idle_connection(Micros trusted) {
  return idle_connection(clock_.now(), trusted);
}

std::unique_ptr<Connection> Server::idle_connection(Instant now, Micros trusted) {
  std::lock_guard lock(mutex_);
  while (!idle_.empty() && abandoned_.empty()) {
    Idle idle = std::move(idle_.back());
    idle_.pop_back();
    if (now - idle.since < trusted || is_quiet(*idle.connection)) return std::move(idle.connection);
    if (std::exchange(broke_, true)) continue;
    telemetry_.log.add(LogLevel::kInfo, [&] {
      broke_why_ = "the server closed an idle connection";
      return address() + ": " + broke_why_;
    });
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

bool Server::give_up(std::unique_ptr<Connection> connection) noexcept {
  const bool unanswered = connection->has_unanswered();
  if (unanswered)
    abandon(std::move(connection));
  else
    discard(std::move(connection));
  return unanswered;
}

void Server::abandon(std::unique_ptr<Connection> connection) noexcept {
  try {
    std::lock_guard lock(mutex_);
    if (connection->client().number != 0)
      abandoned_.push_back(
          {connection->client(), connection->known_at(), connection->peer_process()});
    else
      can_kill_ = false;  // the server does not say which one it is
  } catch (const std::bad_alloc &) {
    can_kill_ = false;  // it cannot be remembered, so it cannot be ended
  }
  discard(std::move(connection));
}

// What broke one connection has likely broken the idle ones too: start over with new ones.
void Server::discard(std::unique_ptr<Connection> connection) noexcept {
  connection.reset();
  std::lock_guard lock(mutex_);
  idle_.clear();
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
    return std::find(ones.begin(), ones.end(), other) != ones.end();
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
