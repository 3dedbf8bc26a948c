// Requests in a pipeline, and what was abandoned on other connections meanwhile.
#include "wire/pipeline.hpp"

#include "../fake_server.hpp"
#include "../manual_clock.hpp"
#include "../outcome.hpp"

using redilock::Answer;
using redilock::ClientOptions;
using redilock::Endpoint;
using redilock::Instant;
using redilock::kNever;
using redilock::Link;
using redilock::Pipeline;
using redilock::Script;
using redilock::Server;
using redilock::Unanswered;

struct Scene {
  explicit Scene(FakeServer::Connections connections)
      : fake(std::move(connections)),
        server(endpoint(), ClientOptions{}, clock),
        pipeline(server) {}
  Endpoint endpoint() const {
    Endpoint one;
    one.socket_path = fake.path();
    return one;
  }
  void ask() {
    const Script script{"return 1", "sha"};
    pipeline.ask(script, {"key"}, {}, kNever, [this](const Answer *answer, const Unanswered *) {
      told += answer != nullptr ? "answered, " : "failed, ";
    });
  }
  // As the service thread does, until so many are answered.
  void run_until(size_t answers) {
    for (;;) {
      pipeline.run();
      if (told.size() >= answers * std::string("answered, ").size()) return;
      pollfd wanted = pipeline.wanted();
      const int patience = pipeline.next_run() <= clock.now() ? 0 : 10000;
      if (::poll(&wanted, 1, patience) == 0 && patience > 0) break;
    }
    told += "stuck, ";
  }

  ManualClock clock;
  FakeServer fake;
  Server server;
  Pipeline pipeline;
  std::string told;
};

static void what_was_abandoned_is_ended_before_the_next_request(void **) {
  assert_returns(outcome_of([] {
                   Scene scene({{":7\r\n", ":1\r\n"}, {":8\r\n"}, {":9\r\n", ":1\r\n", ":1\r\n"}});
                   scene.ask();
                   scene.run_until(1);
                   Link other(scene.server);
                   while (!other.open()) {
                   }
                   scene.server.abandon(other.take_down());
                   scene.ask();
                   scene.run_until(2);
                   return scene.told + scene.fake.commands();
                 }),
                 "answered, answered, 0:CLIENT ID, 0:EVALSHA, 1:CLIENT ID, 2:CLIENT ID, "
                 "2:CLIENT KILL 8, 2:EVALSHA");
}

// Those two share a connection; what comes after waits until both are answered.
static void what_is_under_way_is_answered_first(void **) {
  assert_returns(
      outcome_of([] {
        Scene scene({{":6\r\n"}, {":7\r\n", ":1\r\n", ":1\r\n"}, {":9\r\n", ":1\r\n", ":1\r\n"}});
        Link other(scene.server);
        while (!other.open()) {
        }
        scene.ask();
        scene.run_until(1);
        scene.ask();
        scene.pipeline.run();
        scene.server.abandon(other.take_down());
        scene.ask();
        scene.run_until(3);
        return scene.told + scene.fake.commands();
      }),
      "answered, answered, answered, 0:CLIENT ID, 1:CLIENT ID, 1:EVALSHA, 1:EVALSHA, "
      "2:CLIENT ID, 2:CLIENT KILL 6, 2:EVALSHA");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_was_abandoned_is_ended_before_the_next_request),
      cmocka_unit_test(what_is_under_way_is_answered_first),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
