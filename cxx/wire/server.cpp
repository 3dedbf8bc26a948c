#include "wire/server.hpp"

#include <poll.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "values/status.hpp"
#include "wire/backoff.hpp"
#include "wire/error_reply.hpp"
#include "wire/handshake.hpp"

namespace redilock {

namespace {

// False where the limit would pass first.
bool pause(Micros span, const WaitContext &limit) {
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
    : ServerState(std::move(endpoint), options, clock),
      pool_size_(static_cast<size_t>(options.pool)) {}

Answer Server::run(const Script &script, const Command &keys, const Command &arguments,
                   const WaitContext &limit) {
  const std::string count = std::to_string(keys.size());
  Command command{"EVALSHA", script.sha1, count};
  command.append(keys);
  command.append(arguments);
  return retry({command, &script, fence_key(script, keys)}, limit);
}

Answer Server::run(const Command &command, const WaitContext &limit) {
  return retry({command, nullptr, {}}, limit);
}

std::vector<Reply> Server::read_all(const std::vector<Command> &commands,
                                    const WaitContext &limit) {
  if (commands.empty()) return {};
  auto connection = idle_connection();
  if (!connection) connection = connect_or_wait(limit);
  const Instant start = clock().now();
  try {
    auto replies = connection->call_all(commands, limit);
    check_in(std::move(connection), start);
    return replies;
  } catch (...) {
    if (connection != nullptr) give_up(std::move(connection));
    throw;
  }
}

// One request on one connection. Nothing comes back where it may be made again.
std::optional<Answer> Server::attempt(const Request &request, const WaitContext &limit,
                                      Attempts &attempts) {
  std::unique_ptr<Connection> connection;
  Instant start = attempts.begun;
  try {
    connection = idle_connection(start, kSkipCheckWithin);
    if (!connection) {
      connection = connect(limit);
      start = clock().now();
    }
  } catch (const Error &error) {
    broke(error);
    if (!is_worth_retrying(error)) throw;
    attempts.cause = error;
    return std::nullopt;
  }
  std::optional<Error> refusal;
  try {
    Reply reply = ask(*connection, request, limit);
    if (reply.is_error()) refusal = error_of(reply, *connection, request.command, request.script);
    if (is_replica_error(reply)) {
      connection.reset();
      broke(*refusal);
      on_replica_error();
    } else {
      check_in(std::move(connection), start);
    }
    if (!refusal) return Answer{std::move(reply), start, attempts.sent, &credentials()};
    if (!is_transient_error(reply)) throw Error(*refusal);
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

Answer Server::retry(const Request &request, const WaitContext &limit) {
  Backoff backoff;
  Attempts attempts;
  bool failed_before = false;
  try {
    for (;;) {
      // A server that answers at once, always so that one has to ask again, ends no call by itself.
      attempts.begun = clock().now();
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

Reply Server::ask(Connection &connection, const Request &request, const WaitContext &limit) {
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

std::unique_ptr<Connection> Server::connect(const WaitContext &limit) {
  Handshake opening(*this, {}, limit.until(after(clock().now(), timeout())).deadline);
  for (;;) {
    if (auto connection = opening.step()) return connection;
    const pollfd wanted = opening.wanted();
    wait_until_ready(wanted.fd, wanted.events, limit.until(opening.next_step()));
  }
}

// A server that is not up yet refuses at once, again and again.
std::unique_ptr<Connection> Server::connect_or_wait(const WaitContext &limit) {
  Backoff backoff;
  for (;;) {
    try {
      return connect(limit);
    } catch (const Error &error) {
      if (!may_wait_to_connect() || error.status() != Status::kUnavailable ||
          !pause(backoff.next(), limit))
        throw;
    }
  }
}

std::unique_ptr<Connection> Server::idle_connection(Micros trusted) {
  return idle_connection(clock().now(), trusted);
}

std::unique_ptr<Connection> Server::idle_connection(Instant now, Micros trusted) {
  std::lock_guard lock(mutex_);
  while (!idle_.empty() && !has_abandoned()) {
    Idle idle = std::move(idle_.back());
    idle_.pop_back();
    if (now - idle.since < trusted || is_quiet(*idle.connection)) return std::move(idle.connection);
    closed_an_idle_one();
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
  ServerState::abandon(*connection);
  discard(std::move(connection));
}

// What broke one connection has likely broken the idle ones too: start over with new ones.
void Server::discard(std::unique_ptr<Connection> connection) noexcept {
  connection.reset();
  std::lock_guard lock(mutex_);
  idle_.clear();
}

void Server::on_replica_error() noexcept {
  std::lock_guard lock(mutex_);
  idle_.clear();
  ++failover_epoch_;
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
