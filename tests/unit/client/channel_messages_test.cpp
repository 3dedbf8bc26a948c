// What the messages and replies on the wake channel of a client change: the times of re-checks, the
// clock samples, and grants of tokens that have ended.
#include "../claim.hpp"
#include "../outcome.hpp"
#include "client/wake_channel.hpp"
#include "support/redis.h"

using redilock::Claim;
using redilock::Endpoint;
using redilock::Error;
using redilock::Instant;
using redilock::Interrupt;
using redilock::Millis;
using redilock::Queued;
using redilock::Wait;

#define CHANNEL "redilock:1:{}:wake:client"

static redis_server_t *real;
static const std::string kId(32, 'a'), kEnded(32, 'b');

static Instant now() { return redilock::system_clock().now(); }

// A subscribed client with one waiter.
struct Channel {
  Channel() : server(endpoint(), redilock::ClientOptions{}, redilock::system_clock()) {
    wake.add(wait);
    subscribe();
  }
  ~Channel() { wake.remove(wait); }
  // Subscribes, or once more if the server did not see the subscription.
  void subscribe() {
    wake.ready();
    wake.subscribe(wait, {redilock::system_clock(), after(now(), Millis(5000)), &interrupt});
  }
  static Endpoint endpoint() {
    Endpoint endpoint;
    endpoint.socket_path = real->socket;
    return endpoint;
  }
  // The reply that the waiter has rank 1 behind a lease of 5 s.
  void join(Instant sent) { answer(sent, true); }
  void answer(Instant sent, bool joined) {
    Queued queued{};
    queued.holder_ttl = Millis(5000);
    queued.rank = 1;
    queued.arrival = 5;
    queued.server_us = 1000000;
    queued.joined = joined;
    queued.known = !joined;
    queued.seen = true;
    queued.sent = sent;
    wake.answered(wait, queued);
    wait.notified = false;
  }
  // Publishes, and reads until the message has been looked at.
  template <class Condition>
  void push(const std::string &payload, Condition seen) {
    const Instant end = after(now(), Millis(5000));
    redis_do(real, "PUBLISH " CHANNEL " %s", payload.c_str());
    while (!seen()) {
      if (now() >= end) throw Error(redilock::Status::kTimeout, "the message was not looked at");
      wake.ready();
    }
  }
  void push(const std::string &payload) {
    push(payload, [this] { return wait.notified; });
  }

  redilock::Server server;
  redilock::WakeChannel wake{server, "client", Millis(250)};
  Interrupt interrupt;
  Wait wait{claim_of(kId, "L"), &interrupt};
};

static void next_message_brings_the_re_check_forward(void **) {
  const auto effect_of = [](const char *numbers) {
    return outcome_of([=] {
      Channel channel;
      channel.join(now());
      const Instant before = channel.wake.due(channel.wait);
      channel.push("next " + kId + numbers);
      const Instant due = channel.wake.due(channel.wait);
      if (due < before) return std::string(due <= after(now(), Millis(1)) ? "at once" : "sooner");
      return std::string(due == before ? "none" : "later");
    });
  };
  assert_returns(effect_of(" 0 1000000"), "at once");
  assert_returns(effect_of(" 60000 1000000"), "none");
}

// Without a sample, nobody can say when the lease of a pushed grant began.
static void beats_are_clock_samples(void **) {
  const auto anchor_after = [](bool beats) {
    return outcome_of([=] {
      Channel channel;
      channel.join(Instant());  // sent before the subscription: no sample
      if (beats) channel.wake.beat_answered({true, true, 2000000, now()});
      channel.push(kId + " 6 2000001");
      const auto push = channel.wake.take_push(channel.wait);
      return std::string(push && push->anchor ? "known" : "not known");
    });
  };
  assert_returns(anchor_after(false), "not known");
  assert_returns(anchor_after(true), "known");
}

static void beat_that_finds_no_record_makes_places_ask(void **) {
  const auto due_after = [](bool known) {
    return outcome_of([=] {
      Channel channel;
      channel.join(now());
      channel.wake.beat_answered({known, true, 2000000, now()});
      return std::string(channel.wake.due(channel.wait) <= now() ? "due" : "not due");
    });
  };
  assert_returns(due_after(true), "not due");
  assert_returns(due_after(false), "due");
}

// It may have written the record, so that the next reply does not show its loss.
static void request_without_a_reply_counts_as_a_loss(void **) {
  const auto due_after = [](bool sent) {
    return outcome_of([=] {
      Channel channel;
      channel.join(now());
      channel.wake.failed(channel.wait, sent);
      channel.wake.beat_answered({true, true, 2000000, now()});
      return std::string(channel.wake.due(channel.wait) <= now() ? "due" : "not due");
    });
  };
  assert_returns(due_after(false), "not due");
  assert_returns(due_after(true), "due");
}

static void reply_to_a_re_check_begins_the_beats(void **) {
  assert_returns(outcome_of([] {
                   Channel channel;
                   int begun = 0;
                   channel.wake.set_start_beats([&] { ++begun; });
                   channel.join(now());
                   std::string told = std::to_string(begun);
                   channel.answer(now(), false);
                   return told + " " + std::to_string(begun);
                 }),
                 "0 1");
}

// A subscription that has just broken is unseen too, so one such reply proves little.
static void client_polls_if_a_renewed_subscription_stays_unseen_for_1_s(void **) {
  assert_returns(outcome_of([] {
                   Channel channel;
                   std::string polls;
                   Instant start;
                   const auto beat = [&](bool seen, int64_t us) {
                     const Instant sent = after(start, redilock::Micros(us));
                     channel.wake.beat_answered({true, seen, 2000000, sent});
                     polls += channel.wake.polls() ? "yes " : "no ";
                   };
                   const auto renew = [&] {
                     start = now();
                     beat(false, 0);
                     channel.subscribe();
                     start = now();
                   };
                   renew();
                   beat(false, 0);
                   beat(false, 999999);
                   beat(true, 999999);  // so another renewal is tried first
                   renew();
                   beat(false, 2000000);
                   beat(false, 2999999);
                   beat(false, 3000000);
                   return polls;
                 }),
                 "no no no no no no no yes ");
}

static void grant_of_an_ended_token_is_released(void **) {
  assert_returns(outcome_of([] {
                   Channel channel;
                   std::string told;
                   channel.wake.set_release_ended([&](const Claim &claim) { told += claim.token; });
                   Claim ended = claim_of(kEnded, "L");
                   ended.channel = CHANNEL;
                   channel.wake.remember_ended(ended);
                   redis_do(real, "PUBLISH " CHANNEL " %s", ("next " + kEnded + " 0 7").c_str());
                   channel.push(kEnded + " 7 7", [&] { return !told.empty(); });
                   return told;
                 }),
                 ("redilock:" + kEnded + ":label").c_str());
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
      cmocka_unit_test(next_message_brings_the_re_check_forward),
      cmocka_unit_test(beats_are_clock_samples),
      cmocka_unit_test(beat_that_finds_no_record_makes_places_ask),
      cmocka_unit_test(request_without_a_reply_counts_as_a_loss),
      cmocka_unit_test(reply_to_a_re_check_begins_the_beats),
      cmocka_unit_test(client_polls_if_a_renewed_subscription_stays_unseen_for_1_s),
      cmocka_unit_test(grant_of_an_ended_token_is_released),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
