// The wake-up channel on a real server: subscribing, the reader's role, pushes, and their end.
#include "client/wake_channel.hpp"

#include <thread>

#include "../claim.hpp"
#include "../outcome.hpp"
#include "support/redis.h"

using redilock::Endpoint;
using redilock::Instant;
using redilock::Interrupt;
using redilock::Queued;
using redilock::Wait;
using redilock::WaitContext;

#define CHANNEL "redilock:1:{}:wake:client"

static redis_server_t *real;
static const std::string kId(32, 'a'), kOther(32, 'b');

static Instant in_ms(int64_t ms) {
  return after(redilock::system_clock().now(), redilock::Millis(ms));
}

struct Channel {
  Channel() : server(endpoint(), redilock::ClientOptions{}, redilock::system_clock()) {}
  static Endpoint endpoint() {
    Endpoint endpoint;
    endpoint.socket_path = real->socket;
    return endpoint;
  }
  void subscribe(Wait &wait) {
    wake.add(wait);
    wake.subscribe(wait, {redilock::system_clock(), in_ms(5000), wait.interrupt});
  }
  // Publishes, and sees to it that the message has arrived here.
  void push(const std::string &id, int64_t fence, int64_t grant_us = 1000) {
    const std::string numbers = std::to_string(fence) + " " + std::to_string(grant_us);
    redis_do(real, "PUBLISH " CHANNEL " %s", (id + " " + numbers).c_str());
  }
  redilock::Server server;
  redilock::WakeChannel wake{server, "client", redilock::Millis(250)};
};

static Queued place(int64_t arrival, int64_t rank = 0) {
  Queued queued{};
  queued.arrival = arrival;
  queued.rank = rank;
  queued.server_us = 1000;
  queued.sent = redilock::system_clock().now();
  return queued;
}

static std::string taken(Channel &channel, Wait &wait) {
  auto push = channel.wake.take_push(wait);
  return push ? std::to_string(push->fence) : "none";
}

static int64_t subscribers() {
  redisReply *reply = redis_command(real, "PUBSUB NUMSUB " CHANNEL);
  const int64_t count = reply->element[1]->integer;
  freeReplyObject(reply);
  return count;
}

// Reads the channel until the wait was told something, without sleeping on it.
static void read_until(Channel &channel, const Wait &wait) {
  while (!wait.push && !wait.notified) channel.wake.ready();
}

static void subscription_is_confirmed_by_the_server(void **) {
  const Outcome outcome = outcome_of([] {
    Channel channel;
    std::string told = channel.wake.ready() ? "early " : "";
    Interrupt interrupt;
    Wait wait(claim_of(kId, "L"), &interrupt);
    channel.subscribe(wait);
    told += channel.wake.ready() ? "ready " : "not ready ";
    told += std::to_string(subscribers());
    channel.wake.remove(wait);
    return told;
  });
  assert_returns(outcome, "ready 1");
}

static void push_ends_the_sleep(void **) {
  const Outcome outcome = outcome_of([] {
    Channel channel;
    Interrupt interrupt;
    Wait wait(claim_of(kId, "L"), &interrupt);
    channel.subscribe(wait);
    channel.wake.answered(wait, place(5));
    std::thread pusher([&] { channel.push(kId, 6); });
    channel.wake.sleep(wait, redilock::kNever);
    pusher.join();
    std::string told = taken(channel, wait);
    told += " " + taken(channel, wait);
    channel.wake.remove(wait);
    return told;
  });
  assert_returns(outcome, "6 none");
}

// What a waiter with arrival 5, last told at the server's time 1000 that it is queued, makes of it.
static Outcome outcome_of_push(int64_t fence, int64_t grant_us) {
  return outcome_of([=] {
    Channel channel;
    Interrupt interrupt;
    Wait wait(claim_of(kId, "L"), &interrupt);
    channel.subscribe(wait);
    channel.wake.answered(wait, place(5));
    channel.push(kId, fence, grant_us);
    channel.wake.sleep(wait, redilock::kNever);
    const bool due = channel.wake.due(wait) <= redilock::system_clock().now();
    const std::string told = taken(channel, wait) + (due ? " due" : "");
    channel.wake.remove(wait);
    return told;
  });
}

static void push_below_the_arrival_asks_for_a_re_check(void **) {
  assert_returns(outcome_of_push(6, 1000), "6");
  assert_returns(outcome_of_push(5, 1000), "none due");
}

// The lock was broken, or lost with the server's data, since that grant.
static void push_from_before_the_last_answer_asks_for_a_re_check(void **) {
  assert_returns(outcome_of_push(6, 999), "none due");
}

// A join that was asked twice: the first was granted, the second gave that away for a new place.
static void grant_that_was_given_away_again_is_forgotten(void **) {
  const Outcome outcome = outcome_of([] {
    Channel channel;
    Interrupt interrupt;
    Wait wait(claim_of(kId, "L"), &interrupt);
    channel.subscribe(wait);
    wait.notified = false;
    channel.push(kId, 6);
    read_until(channel, wait);
    channel.wake.answered(wait, place(7));
    const std::string told = taken(channel, wait);
    channel.wake.remove(wait);
    return told;
  });
  assert_returns(outcome, "none");
}

// The ring went to a poll of the request that was under way; what was told must not be slept over.
static void what_was_told_during_a_request_is_not_slept_over(void **) {
  const Outcome outcome = outcome_of([] {
    Channel channel;
    Interrupt interrupt;
    Wait wait(claim_of(kId, "L"), &interrupt);
    channel.subscribe(wait);
    channel.wake.answered(wait, place(5));
    wait.notified = false;
    channel.push(kId, 6);
    read_until(channel, wait);
    interrupt.notifier.silence();
    const Instant start = redilock::system_clock().now();
    channel.wake.sleep(wait, in_ms(3000));
    const bool at_once = redilock::system_clock().now() - start < redilock::Millis(1000);
    const std::string told = taken(channel, wait) + (at_once ? " at once" : " late");
    channel.wake.remove(wait);
    return told;
  });
  assert_returns(outcome, "6 at once");
}

static void reader_wakes_the_others_and_passes_its_role_on(void **) {
  const Outcome outcome = outcome_of([] {
    Channel channel;
    constexpr size_t kWaits = 8;
    std::vector<std::unique_ptr<Interrupt>> interrupts;
    std::vector<std::unique_ptr<Wait>> waits;
    std::vector<std::thread> threads;
    std::atomic<size_t> awake{0};
    for (size_t i = 0; i < kWaits; ++i) {
      interrupts.push_back(std::make_unique<Interrupt>());
      waits.push_back(std::make_unique<Wait>(
          claim_of(std::string(32, static_cast<char>('a' + i)), "L"), interrupts.back().get()));
      channel.subscribe(*waits.back());
      channel.wake.answered(*waits.back(), place(static_cast<int64_t>(i) + 1));
    }
    for (auto &wait : waits)
      threads.emplace_back([&] {
        while (!channel.wake.take_push(*wait)) channel.wake.sleep(*wait, redilock::kNever);
        channel.wake.remove(*wait);
        ++awake;
      });
    for (auto &wait : waits) channel.push(wait->id, 100);
    for (auto &thread : threads) thread.join();
    return std::to_string(awake.load());
  });
  assert_returns(outcome, "8");
}

// Who is woken to read may go instead: cancelled at that very moment.
static void role_is_passed_on_by_those_who_decline_it(void **) {
  const Outcome outcome = outcome_of([] {
    size_t late = 0;
    for (int round = 0; round < 200; ++round) {
      Channel channel;
      Interrupt first_how, second_how, third_how;
      Wait first(claim_of(kId, "L1"), &first_how), second(claim_of(kOther, "L2"), &second_how);
      Wait third(claim_of(std::string(32, 'c'), "L3"), &third_how);
      for (Wait *wait : {&first, &second, &third}) {
        channel.subscribe(*wait);
        channel.wake.answered(*wait, place(1));
      }
      const auto waiting = [&](Wait &wait) {
        try {
          while (!channel.wake.take_push(wait)) channel.wake.sleep(wait, redilock::kNever);
        } catch (const redilock::Error &) {
        }
        channel.wake.remove(wait);
      };
      std::thread one(waiting, std::ref(first)), two(waiting, std::ref(second));
      std::thread three([&] {
        const Instant end = in_ms(1500);
        while (!third.push && redilock::system_clock().now() < end) channel.wake.sleep(third, end);
        late += taken(channel, third) == "none" ? 1 : 0;
        channel.wake.remove(third);
      });
      first_how.cancel();
      second_how.cancel();
      channel.push(third.id, 2);
      for (auto *thread : {&one, &two, &three}) thread->join();
    }
    return std::to_string(late);
  });
  assert_returns(outcome, "0");
}

// Who only looks whether there is a subscription reads for a moment; who went to sleep in that moment
// must be told that nobody reads any more.
static void role_is_passed_on_by_those_who_only_look(void **) {
  const Outcome outcome = outcome_of([] {
    size_t late = 0;
    Channel channel;
    Interrupt interrupt;
    Wait wait(claim_of(kId, "L"), &interrupt);
    channel.subscribe(wait);
    channel.wake.answered(wait, place(1));
    for (int round = 0; round < 300; ++round) {
      std::atomic<bool> looking{false};
      std::thread looker([&] {
        for (int i = 0; i < 50; ++i) {
          channel.wake.ready();
          looking = true;
        }
      });
      std::thread waiter([&] {
        while (!looking) std::this_thread::yield();
        const Instant end = in_ms(1500);
        std::string push = "none";
        while (push == "none" && redilock::system_clock().now() < end) {
          channel.wake.sleep(wait, end);
          push = taken(channel, wait);
        }
        late += push == "none" ? 1 : 0;
      });
      looker.join();
      channel.push(kId, 2);
      waiter.join();
      if (late != 0) break;
    }
    channel.wake.remove(wait);
    return std::to_string(late);
  });
  assert_returns(outcome, "0");
}

static void lost_subscription_is_made_anew_and_everybody_asks(void **) {
  const Outcome outcome = outcome_of([] {
    Channel channel;
    Interrupt interrupt;
    Wait wait(claim_of(kId, "L"), &interrupt);
    channel.subscribe(wait);
    channel.wake.answered(wait, place(5, 1));
    wait.notified = false;
    redis_do(real, "CLIENT KILL TYPE pubsub");
    channel.wake.sleep(wait, redilock::kNever);
    const bool due = channel.wake.due(wait) <= redilock::system_clock().now();
    const std::string told = std::to_string(subscribers()) + (due ? " due" : " not due");
    channel.wake.remove(wait);
    return told;
  });
  assert_returns(outcome, "1 due");
}

// The subscription stands, but where nobody else sees it.
static void subscription_at_a_replica_is_left(void **) {
  const Outcome outcome = outcome_of([] {
    Channel channel;
    Interrupt interrupt;
    Wait wait(claim_of(kId, "L"), &interrupt);
    channel.subscribe(wait);
    channel.wake.answered(wait, place(5));
    std::string told = channel.wake.ready() ? "ready, " : "not ready, ";
    channel.server.on_replica_error();
    told += channel.wake.ready() ? "ready, " : "not ready, ";
    wait.notified = false;
    channel.wake.sleep(wait, in_ms(5000));  // notified by the new one
    told += channel.wake.ready() ? "ready " : "not ready ";
    channel.wake.remove(wait);
    return told + std::to_string(subscribers());
  });
  assert_returns(outcome, "ready, not ready, ready 1");
}

static void cancel_ends_the_sleep(void **) {
  const Outcome outcome = outcome_of([] {
    Channel channel;
    Interrupt interrupt;
    Wait wait(claim_of(kId, "L"), &interrupt);
    channel.subscribe(wait);
    wait.notified = false;
    interrupt.cancel();
    channel.wake.sleep(wait, redilock::kNever);
    return std::string("slept");
  });
  assert_throws(outcome, kCancelled, "the operation was cancelled");
}

static void messages_of_others_are_ignored(void **) {
  const Outcome outcome = outcome_of([] {
    Channel channel;
    Interrupt interrupt;
    Wait wait(claim_of(kId, "L"), &interrupt);
    channel.subscribe(wait);
    channel.wake.answered(wait, place(5));
    wait.notified = false;
    channel.push(kOther, 6);
    redis_do(real, "PUBLISH " CHANNEL " %s", "nonsense");
    redis_do(real, "PUBLISH " CHANNEL " %s", (kId + " 7").c_str());
    redis_do(real, "PUBLISH " CHANNEL " %s", (kId + " 7 -1").c_str());
    channel.push(kId, 8);
    channel.wake.sleep(wait, redilock::kNever);
    const std::string told = taken(channel, wait);
    channel.wake.remove(wait);
    return told;
  });
  assert_returns(outcome, "8");
}

static int start(void **) {
  real = redis_start(nullptr);
  return 0;
}
static int stop(void **) {
  redis_stop(real);
  return 0;
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(subscription_is_confirmed_by_the_server),
      cmocka_unit_test(push_ends_the_sleep),
      cmocka_unit_test(push_below_the_arrival_asks_for_a_re_check),
      cmocka_unit_test(push_from_before_the_last_answer_asks_for_a_re_check),
      cmocka_unit_test(grant_that_was_given_away_again_is_forgotten),
      cmocka_unit_test(what_was_told_during_a_request_is_not_slept_over),
      cmocka_unit_test(reader_wakes_the_others_and_passes_its_role_on),
      cmocka_unit_test(role_is_passed_on_by_those_who_decline_it),
      cmocka_unit_test(role_is_passed_on_by_those_who_only_look),
      cmocka_unit_test(lost_subscription_is_made_anew_and_everybody_asks),
      cmocka_unit_test(subscription_at_a_replica_is_left),
      cmocka_unit_test(cancel_ends_the_sleep),
      cmocka_unit_test(messages_of_others_are_ignored),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
