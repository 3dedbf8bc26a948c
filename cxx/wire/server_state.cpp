#include "wire/server_state.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "values/status.hpp"
#include "wire/error_reply.hpp"

namespace redilock {

ServerState::ServerState(Endpoint endpoint, const ClientOptions &options, const Clock &clock)
    : endpoint_(std::move(endpoint)),
      credentials_{options.username, options.password, options.db},
      timeout_(options.timeout),
      connect_wait_(options.connect_wait),
      clock_(clock),
      telemetry_(options.log) {}

Error ServerState::error_of(const Reply &reply, const Connection &connection,
                            const Command &command, const Script *script) const {
  const std::string_view text = script != nullptr ? script->text : std::string_view();
  return server_error(reply.text(), {connection.server(), command[0], text, &credentials_});
}

Error ServerState::named(const Error &error) const noexcept {
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
void ServerState::broke(const Error &cause) noexcept {
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

void ServerState::opened() noexcept {
  telemetry_.statistics.add(Stat::kConnected);
  std::lock_guard lock(mutex_);
  const bool again = std::exchange(broke_, false);
  if (again) telemetry_.statistics.add(Stat::kReconnects);
  telemetry_.log.add(LogLevel::kInfo, [&] {
    return again ? "connected again to " + address() + " after: " + broke_why_
                 : "connected to " + address();
  });
}

void ServerState::closed_an_idle_one() noexcept {
  std::lock_guard lock(mutex_);
  if (std::exchange(broke_, true)) return;
  telemetry_.log.add(LogLevel::kInfo, [&] {
    broke_why_ = "the server closed an idle connection";
    return address() + ": " + broke_why_;
  });
}

void ServerState::abandon(const Connection &connection) noexcept {
  try {
    std::lock_guard lock(mutex_);
    if (connection.client().number != 0) {
      abandoned_.push_back({connection.client(), connection.known_at(), connection.peer_process()});
      has_abandoned_ = true;
    } else {
      can_kill_ = false;  // the server does not say which one it is
    }
  } catch (const std::bad_alloc &) {
    can_kill_ = false;  // it cannot be remembered, so it cannot be ended
  }
}

std::vector<Abandoned> ServerState::abandoned() {
  std::lock_guard lock(mutex_);
  return abandoned_;
}

void ServerState::ended(const std::vector<Abandoned> &ones) noexcept {
  std::lock_guard lock(mutex_);
  const auto is_one = [&](const Abandoned &other) {
    return std::find(ones.begin(), ones.end(), other) != ones.end();
  };
  abandoned_.erase(std::remove_if(abandoned_.begin(), abandoned_.end(), is_one), abandoned_.end());
  has_abandoned_ = !abandoned_.empty();
}

}  // namespace redilock
