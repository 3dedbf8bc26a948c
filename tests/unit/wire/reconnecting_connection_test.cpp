// A connection that is made step by step: no step waits, whatever the server does, and attempts are
// apart from each other.
#include "wire/reconnecting_connection.hpp"

#include "../fake_server.hpp"
#include "../manual_clock.hpp"
#include "../outcome.hpp"
#include "values/duration.hpp"

using redilock::Backoff;
using redilock::ClientOptions;
using redilock::Endpoint;
using redilock::Error;
using redilock::Micros;
using redilock::Millis;
using redilock::ReconnectingConnection;
using redilock::Server;

static const std::string kSilent = FakeServer::kSilent, kClose = FakeServer::kClose;

struct Scene {
  Scene(std::string channel, FakeServer::Connections connections)
      : fake(std::move(connections)),
        server(endpoint(), ClientOptions{}, clock),
        link(server, std::move(channel)) {}
  Endpoint endpoint() const {
    Endpoint one;
    one.socket_path = fake.path();
    return one;
  }
  // One step, after what it waits for has come. The clock stands still meanwhile.
  std::string step() {
    pollfd wanted = link.wanted();
    if (wanted.fd >= 0 && ::poll(&wanted, 1, 10000) != 1) return "late";
    return open();
  }
  std::string open() {
    try {
      return link.open() ? "up" : "not yet";
    } catch (const Error &error) {
      return error.message();
    }
  }
  std::string open_at_last() {
    std::string told = "not yet";
    while (told == "not yet") told = step();
    return told;
  }

  FakeServer fake;
  ManualClock clock;
  Server server;
  ReconnectingConnection link;
};

static void silent_server_is_not_waited_for(void **) {
  assert_returns(outcome_of([] {
                   Scene scene("", {{kSilent}});
                   std::string told;
                   for (int i = 0; i < 3; ++i) told += scene.open() + ", ";
                   scene.clock.advance(Millis(999));
                   told += scene.open() + ", ";
                   const bool by_then =
                       scene.link.next_step() == after(scene.clock.now(), Millis(1));
                   scene.clock.advance(Millis(1));
                   told += scene.open() + (by_then ? ", " : " at another time, ");
                   return told + (scene.link.is_opening() ? "goes on" : "over");
                 }),
                 "not yet, not yet, not yet, not yet, the server did not answer in time, over");
}

static void it_is_up_once_it_is_greeted(void **) {
  assert_returns(outcome_of([] {
                   Scene scene("", {{":7\r\n", ":1\r\n"}});
                   std::string told = scene.open_at_last();
                   told += scene.link.next_step() == redilock::kNever ? " " : " not ";
                   told += std::to_string(scene.link->client().number) + " " + scene.open();
                   return told + " " + scene.fake.commands();
                 }),
                 "up 7 up 0:CLIENT INFO");
}

static void it_is_up_once_it_is_subscribed(void **) {
  const char *confirmation = "*3\r\n$9\r\nsubscribe\r\n$4\r\nwake\r\n:1\r\n";
  assert_returns(outcome_of([&] {
                   Scene scene("wake", {{":7\r\n", confirmation}});
                   const std::string told = scene.open_at_last();
                   return told + " " + scene.fake.commands();
                 }),
                 "up 0:CLIENT INFO, 0:SUBSCRIBE");
  assert_returns(outcome_of([] {
                   Scene scene("wake", {{":7\r\n", "-NOPERM no\r\n"}});
                   return scene.open_at_last();
                 }),
                 "the server says: NOPERM no");
}

static void abandoned_connections_are_ended_all_at_once(void **) {
  assert_returns(outcome_of([] {
                   Scene scene("", {{":7\r\n"}, {":8\r\n"}, {":9\r\n", ":1\r\n", ":1\r\n"}});
                   ReconnectingConnection other(scene.server);
                   std::string told = scene.open_at_last();
                   while (!other.open()) {
                   }
                   for (ReconnectingConnection *link : {&scene.link, &other})
                     scene.server.abandon(link->close());
                   told += " " + scene.open_at_last();
                   return told + " " + scene.fake.commands();
                 }),
                 "up up 0:CLIENT INFO, 1:CLIENT INFO, 2:CLIENT INFO, 2:CLIENT KILL ID 7 ADDR "
                 "10.0.0.1:7 TYPE normal, 2:CLIENT KILL ID 8 ADDR 10.0.0.1:8 TYPE normal");
}

// Of two that are made at once, the one with the smaller id may be up later.
static void id_that_was_learnt_meanwhile_is_ended_too(void **) {
  const auto second_after = [](Millis pause) {
    Scene scene("", {{":9\r\n"}, {":7\r\n", ":1\r\n"}});
    scene.open_at_last();
    scene.server.abandon(scene.link.close());
    scene.clock.advance(pause);
    const std::string told = scene.open_at_last();
    return told + " " + scene.fake.commands();
  };
  assert_returns(outcome_of([&] { return second_after(Millis(0)); }),
                 "up 0:CLIENT INFO, 1:CLIENT INFO, 1:CLIENT KILL ID 9 ADDR 10.0.0.1:9 TYPE normal");
  assert_returns(outcome_of([&] { return second_after(Millis(1)); }),
                 "up 0:CLIENT INFO, 1:CLIENT INFO");  // the server was restarted
}

static void surplus_answer_is_taken_for_no_other(void **) {
  assert_returns(outcome_of([] {
                   Scene scene("", {{":7\r\n:1\r\n"}});
                   return scene.open_at_last();
                 }),
                 "unexpected data from the server");
  const char *confirmation = "*3\r\n$9\r\nsubscribe\r\n$4\r\nwake\r\n:1\r\n";
  assert_returns(outcome_of([&] {
                   Scene scene("wake", {{":7\r\n", std::string(confirmation) + ":1\r\n"}});
                   return scene.open_at_last();
                 }),
                 "up");
}

static void nothing_is_tried_during_a_pause(void **) {
  assert_returns(outcome_of([] {
                   Scene scene("", {{kClose}, {":7\r\n"}});
                   std::string told = scene.open_at_last();
                   scene.link.back_off();
                   told += ", " + scene.open() + (scene.link.is_opening() ? " tries" : " rests");
                   scene.clock.advance(Backoff::kFirst);
                   return told + ", " + scene.open_at_last();
                 }),
                 "the server closed the connection, not yet rests, up");
}

static void resumed_it_tries_at_once(void **) {
  assert_returns(outcome_of([] {
                   Scene scene("", {{":7\r\n"}});
                   scene.link.back_off();
                   scene.link.resume();
                   return scene.open_at_last();
                 }),
                 "up");
}

static void pauses_grow_up_to_a_limit_and_start_anew(void **) {
  assert_returns(outcome_of([] {
                   Backoff backoff;
                   std::string told;
                   for (int i = 0; i < 9; ++i)
                     told += std::to_string(backoff.next() / Millis(1)) + " ";
                   backoff.reset();
                   return told + std::to_string(backoff.next() / Millis(1));
                 }),
                 "5 10 20 40 80 160 320 500 500 5");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(silent_server_is_not_waited_for),
      cmocka_unit_test(it_is_up_once_it_is_greeted),
      cmocka_unit_test(it_is_up_once_it_is_subscribed),
      cmocka_unit_test(abandoned_connections_are_ended_all_at_once),
      cmocka_unit_test(id_that_was_learnt_meanwhile_is_ended_too),
      cmocka_unit_test(surplus_answer_is_taken_for_no_other),
      cmocka_unit_test(nothing_is_tried_during_a_pause),
      cmocka_unit_test(resumed_it_tries_at_once),
      cmocka_unit_test(pauses_grow_up_to_a_limit_and_start_anew),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
