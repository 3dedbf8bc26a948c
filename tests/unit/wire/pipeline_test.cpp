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
using redilock::Pipeline;
using redilock::ReconnectingConnection;
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
  void ask() { ask({"return 1", "sha"}, "key"); }
  void ask(const Script &script, std::string_view key, Instant deadline = kNever) {
    pipeline.ask(
        script, {key}, {}, deadline, [this](const Answer *answer, const Unanswered *error) {
          if (answer != nullptr)
            log += answer->asked_before ? "asked again, " : "answered, ";
          else
            log += error->status() == redilock::Status::kProtocol ? "PROTOCOL, " : "failed, ";
          ++ended;
        });
  }
  // As the service thread does, until so many are answered.
  void run_until(size_t answers) {
    for (;;) {
      pipeline.run();
      if (ended >= answers) return;
      std::vector<pollfd> polled;
      pipeline.add_wanted(polled);
      if (polled.empty() && pipeline.next_run() > clock.now()) {  // a pause before it connects
        clock.advance(pipeline.next_run() - clock.now());
        continue;
      }
      const int patience = pipeline.next_run() <= clock.now() ? 0 : 10000;
      if (::poll(polled.data(), polled.size(), patience) == 0 && patience > 0) break;
    }
    log += "stuck, ";
  }

  ManualClock clock;
  FakeServer fake;
  Server server;
  Pipeline pipeline;
  std::string log;
  size_t ended = 0;
};

static void what_was_abandoned_is_ended_before_the_next_request(void **) {
  assert_returns(outcome_of([] {
                   Scene scene({{":7\r\n", ":1\r\n"}, {":8\r\n"}, {":9\r\n", ":1\r\n", ":1\r\n"}});
                   scene.ask();
                   scene.run_until(1);
                   scene.server.abandon(scene.server.connect({scene.clock, kNever, nullptr}));
                   scene.ask();
                   scene.run_until(2);
                   return scene.log + scene.fake.commands();
                 }),
                 "answered, answered, 0:CLIENT INFO, 0:EVALSHA, 1:CLIENT INFO, 2:CLIENT INFO, "
                 "2:CLIENT KILL ID 8 ADDR 10.0.0.1:8 TYPE normal, 2:EVALSHA");
}

// For instance for a waiter, where the server admits no new connection.
static void connection_without_requests_serves_others(void **) {
  assert_returns(outcome_of([] {
                   Scene scene({{":7\r\n", ":1\r\n", ":1\r\n"}});
                   std::string lent;
                   const auto look = [&] {
                     auto idle = scene.server.idle_connection();
                     lent += idle != nullptr ? "lent, " : "in use, ";
                     if (idle != nullptr) scene.server.check_in(std::move(idle), scene.clock.now());
                   };
                   scene.ask();
                   scene.run_until(1);
                   look();
                   scene.ask();
                   scene.pipeline.run();
                   look();
                   scene.run_until(2);
                   look();
                   return lent + scene.fake.commands();
                 }),
                 "lent, in use, lent, 0:CLIENT INFO, 0:EVALSHA, 0:EVALSHA");
}

// Those two share a connection; what comes after waits until both are answered.
static void what_is_under_way_is_answered_first(void **) {
  assert_returns(
      outcome_of([] {
        Scene scene({{":6\r\n"}, {":7\r\n", ":1\r\n", ":1\r\n"}, {":9\r\n", ":1\r\n", ":1\r\n"}});
        ReconnectingConnection other(scene.server);
        while (!other.open()) {
        }
        scene.ask();
        scene.run_until(1);
        scene.ask();
        scene.pipeline.run();
        scene.server.abandon(other.close());
        scene.ask();
        scene.run_until(3);
        return scene.log + scene.fake.commands();
      }),
      "answered, answered, answered, 0:CLIENT INFO, 1:CLIENT INFO, 1:EVALSHA, 1:EVALSHA, "
      "2:CLIENT INFO, 2:CLIENT KILL ID 6 ADDR 10.0.0.1:6 TYPE normal, 2:EVALSHA");
}

// Else the last one would be asked again.
static void nothing_is_sent_behind_what_is_under_way(void **) {
  assert_returns(
      outcome_of([] {
        Scene scene({{":6\r\n"},
                     {":7\r\n", ":1\r\n", FakeServer::kSilent},
                     {":9\r\n", ":1\r\n", ":1\r\n", ":1\r\n"}});
        ReconnectingConnection other(scene.server);
        while (!other.open()) {
        }
        const redilock::Millis late(2000);
        scene.ask();
        scene.run_until(1);
        scene.ask({"return 1", "sha"}, "key", after(scene.clock.now(), late));
        scene.pipeline.run();
        scene.server.abandon(other.close());
        scene.ask();
        scene.pipeline.run();
        scene.clock.advance(late);
        scene.pipeline.run();       // what was under way is overdue
        scene.clock.advance(late);  // the pause is over
        scene.run_until(3);
        return scene.log + scene.fake.commands();
      }),
      "answered, failed, answered, 0:CLIENT INFO, 1:CLIENT INFO, 1:EVALSHA, 1:EVALSHA, 2:CLIENT "
      "INFO, 2:CLIENT KILL ID 6 ADDR 10.0.0.1:6 TYPE normal, 2:CLIENT KILL ID 7 ADDR 10.0.0.1:7 "
      "TYPE normal, 2:EVALSHA");
}

// The server closes a connection that nothing is under way on: its id may be another's by now.
static void an_idle_connection_that_ends_is_not_ended(void **) {
  assert_returns(outcome_of([] {
                   Scene scene({{":7\r\n", ":1\r\n", FakeServer::kClose}, {":8\r\n", ":1\r\n"}});
                   scene.ask();
                   scene.run_until(1);
                   auto idle = scene.server.idle_connection();
                   ::send(idle->fd(), "*1\r\n$4\r\nQUIT\r\n", 14, MSG_NOSIGNAL);
                   pollfd ended{idle->fd(), POLLIN, 0};
                   ::poll(&ended, 1, 10000);
                   scene.server.check_in(std::move(idle), scene.clock.now());
                   const bool has_abandoned = scene.server.has_abandoned();
                   scene.clock.advance(redilock::Micros(1000000));
                   scene.ask();
                   scene.run_until(2);
                   return scene.log + scene.fake.commands() + (has_abandoned ? " abandoned" : "");
                 }),
                 "answered, answered, 0:CLIENT INFO, 0:EVALSHA, 0:QUIT, 1:CLIENT INFO, 1:EVALSHA");
}

static constexpr Script kGrant{"return 9", "sha of 9", 0};

static void a_fence_that_came_before_is_refused(void **) {
  assert_returns(
      outcome_of([] {
        Scene scene({{":7\r\n", ":100\r\n", ":100\r\n"}, {":8\r\n", ":1\r\n", ":101\r\n"}});
        for (size_t i = 1; i <= 3; ++i) {
          scene.ask(kGrant, "a");
          scene.run_until(i);
          scene.clock.advance(redilock::Micros(1000000));
        }
        return scene.log + scene.fake.commands();
      }),
      "answered, PROTOCOL, answered, 0:CLIENT INFO, 0:EVALSHA, 0:EVALSHA, "
      "1:CLIENT INFO, 1:CLIENT KILL ID 7 ADDR 10.0.0.1:7 TYPE normal, 1:EVALSHA");
}

// Each counter by itself, whatever is under way at once; and what repeats another's is asked again.
static void fences_are_compared_by_their_key(void **) {
  assert_returns(outcome_of([] {
                   Scene scene({{":7\r\n", ":9000\r\n", ":50\r\n", ":9001\r\n", ":9001\r\n"},
                                {":8\r\n", ":1\r\n", ":51\r\n"}});
                   for (const char *key : {"a", "b", "a", "b"}) scene.ask(kGrant, key);
                   scene.run_until(3);
                   scene.clock.advance(redilock::Micros(1000000));
                   scene.run_until(4);
                   return scene.log + scene.fake.commands();
                 }),
                 "answered, answered, answered, asked again, 0:CLIENT INFO, 0:EVALSHA, 0:EVALSHA, "
                 "0:EVALSHA, 0:EVALSHA, 1:CLIENT INFO, "
                 "1:CLIENT KILL ID 7 ADDR 10.0.0.1:7 TYPE normal, 1:EVALSHA");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_was_abandoned_is_ended_before_the_next_request),
      cmocka_unit_test(connection_without_requests_serves_others),
      cmocka_unit_test(what_is_under_way_is_answered_first),
      cmocka_unit_test(nothing_is_sent_behind_what_is_under_way),
      cmocka_unit_test(an_idle_connection_that_ends_is_not_ended),
      cmocka_unit_test(a_fence_that_came_before_is_refused),
      cmocka_unit_test(fences_are_compared_by_their_key),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
