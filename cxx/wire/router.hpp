// Which server runs the scripts of a lock. The locks see a Router; behind it stands one server.
#pragma once

#include <cstdint>

#include "wire/server.hpp"

namespace redilock {

class Router {
 public:
  virtual ~Router() = default;

  // Runs a script at the server that has its keys. Any thread. Throws as Server::run().
  virtual Answer run(const Script &script, const Command &keys, const Command &arguments,
                     const WaitContext &limit) = 0;
  // The server that has a slot, as far as the client knows. It lives as long as the router.
  virtual Server &at(uint16_t slot) noexcept = 0;

  // As ServerState: for all servers together.
  virtual Error named(const Error &error) const noexcept = 0;
  virtual Millis patience() const noexcept = 0;
  virtual bool can_end_abandoned() const noexcept = 0;
  virtual Telemetry &telemetry() const noexcept = 0;
  // As Server, for each one.
  virtual void close() noexcept = 0;
  virtual void close_if_unused() noexcept = 0;
};

// All locks are on one server.
class OneServer final : public Router {
 public:
  OneServer(Endpoint endpoint, const ClientOptions &options, const Clock &clock)
      : server_(std::move(endpoint), options, clock) {}

  Answer run(const Script &script, const Command &keys, const Command &arguments,
             const WaitContext &limit) override {
    return server_.run(script, keys, arguments, limit);
  }
  Server &at(uint16_t) noexcept override { return server_; }

  Error named(const Error &error) const noexcept override { return server_.named(error); }
  Millis patience() const noexcept override { return server_.patience(); }
  bool can_end_abandoned() const noexcept override { return server_.can_end_abandoned(); }
  Telemetry &telemetry() const noexcept override { return server_.telemetry(); }
  void close() noexcept override { server_.close(); }
  void close_if_unused() noexcept override { server_.close_if_unused(); }

 private:
  Server server_;
};

}  // namespace redilock
