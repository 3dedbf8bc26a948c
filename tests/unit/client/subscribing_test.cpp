// How the wake channel comes up where its readers come and go.
#include <atomic>
#include <thread>

#include "../claim.hpp"
#include "../fake_server.hpp"
#include "../manual_clock.hpp"
#include "../outcome.hpp"
#include "client/wake_channel.hpp"

using redilock::ClientOptions;
using redilock::Endpoint;
using redilock::Error;
using redilock::Interrupt;
using redilock::Millis;
using redilock::Server;
using redilock::Wait;
using redilock::WakeChannel;

static const std::string kSilent = FakeServer::kSilent, kMyId = ":7\r\n",
                         kSubscribed =
                             "*3\r\n$9\r\nsubscribe\r\n$25\r\nredilock:1:{}:wake:client\r\n:1\r\n";

struct Scene {
  explicit Scene(FakeServer::Connections connections)
      : fake(std::move(connections)), server(endpoint(), ClientOptions{}, clock) {}
  Endpoint endpoint() const {
    Endpoint one;
    one.socket_path = fake.path();
    return one;
  }
  // The clock moves on by `most` where that has not come to an end by itself.
  std::string subscribe(Millis most) {
    Interrupt interrupt;
    Wait wait(claim_of(std::string(32, 'a'), "L"), &interrupt);
    const redilock::WaitContext limit{clock, after(clock.now(), most), &interrupt};
    std::atomic<bool> ended{false};
    std::thread mover([&] {
      for (int i = 0; i < 200 && !ended.load(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      clock.advance(most);
      interrupt.notifier.ring();
    });
    std::string told = "subscribed";
    wake.add(wait);
    try {
      wake.subscribe(wait, limit);
    } catch (const Error &error) {
      told = error.message();
      const size_t at = told.find(fake.path());
      if (at != told.npos) told.replace(at, fake.path().size(), "~");
    }
    wake.remove(wait);
    ended.store(true);
    mover.join();
    return told;
  }

  FakeServer fake;
  ManualClock clock;
  Server server;
  WakeChannel wake{server, "client", Millis(250)};
};

// One that nobody looked after is made anew, and not held against the server.
static void attempt_that_was_left_alone_costs_no_pause(void **) {
  assert_returns(outcome_of([] {
                   Scene scene({{kSilent}, {kMyId, kSubscribed}});
                   std::string told = scene.subscribe(Millis(2)) + ", ";
                   scene.clock.advance(Millis(1000));
                   return told + scene.subscribe(Millis(2));
                 }),
                 "cannot subscribe at ~ within 2ms: the server did not answer in time, subscribed");
}

static void attempt_in_time_goes_on(void **) {
  assert_returns(outcome_of([] {
                   Scene scene({{kSilent}, {kMyId, kSubscribed}});
                   std::string told = scene.subscribe(Millis(2)) + ", ";
                   return told + scene.subscribe(Millis(2)) + ", " + scene.fake.commands();
                 }),
                 "cannot subscribe at ~ within 2ms: the server did not answer in time, "
                 "cannot subscribe at ~ within 2ms: the server did not answer in time, "
                 "0:CLIENT INFO");
}

int main() {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(attempt_that_was_left_alone_costs_no_pause),
      cmocka_unit_test(attempt_in_time_goes_on),
  };
  return cmocka_run_group_tests_name("client/subscribing", tests, nullptr, nullptr);
}
