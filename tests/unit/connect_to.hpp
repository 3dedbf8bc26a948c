// A connection to a fake server, in at most five seconds.
#pragma once

#include <memory>

#include "fake_server.hpp"
#include "values/duration.hpp"
#include "wire/server.hpp"

inline std::unique_ptr<redilock::Connection> connect_to(const FakeServer &fake,
                                                        const redilock::Credentials &as = {}) {
  redilock::Endpoint endpoint;
  endpoint.socket_path = fake.path();
  redilock::ClientOptions options;
  options.username = as.username;
  options.password = as.password;
  options.db = as.db;
  const redilock::Clock &clock = redilock::system_clock();
  return redilock::Server(endpoint, options, clock)
      .connect({clock, after(clock.now(), redilock::Millis(5000))});
}
