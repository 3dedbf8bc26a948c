// What the parts of one client have in common: its settings, what the server is asked with, and the
// service thread.
#pragma once

#include <memory>
#include <utility>

#include "client/commands.hpp"
#include "client/completions.hpp"
#include "client/event_loop.hpp"
#include "client/running.hpp"
#include "client/wake_channel.hpp"
#include "values/options.hpp"
#include "values/token.hpp"
#include "values/url.hpp"
#include "wire/pipeline.hpp"
#include "wire/router.hpp"

namespace redilock {

struct ClientContext {
  ClientContext(Endpoint endpoint, ClientOptions settings, const Clock &time);

  Instant now() const noexcept { return clock.now(); }
  // By when a request that is sent now has to be answered.
  Instant request_deadline() const noexcept { return after(now(), router->patience()); }
  LockKeys keys_of(const RequestOptions &request) const { return {options.prefix, request.name}; }
  // With a new token; with the token of the request.
  Claim claim(const RequestOptions &request);
  Claim claim_of(const RequestOptions &request) const {
    return {keys_of(request), request.token, request.ttl};
  }
  // An `ask` for requests.hpp that does not wait for the answer.
  auto asking(Instant deadline, Pipeline::Done done) {
    return [this, deadline, done = std::move(done)](const Script &script, const Command &keys,
                                                    const Command &arguments) mutable {
      pipeline.ask(script, keys, arguments, deadline, std::move(done));
    };
  }

  Running running;
  const Clock &clock;
  const ClientOptions options;
  RandomIds ids;
  const std::unique_ptr<Router> router;
  Server &server;  // the one that has the wake channel and the pipeline
  Telemetry &telemetry;
  Commands commands;
  WakeChannel wake;
  Pipeline pipeline;
  Completions completions;
  EventLoop event_loop;
};

}  // namespace redilock
