// The beats of a client on a real server: they keep its liveness record while a waiter waits.
#include "client/beat.hpp"

#include "../claim.hpp"
#include "../fake_server.hpp"
#include "../outcome.hpp"
#include "support/one_server.h"
#include "support/timing.h"

using redilock::Beat;
using redilock::ClientContext;
using redilock::Endpoint;
using redilock::Interrupt;
using redilock::Millis;
using redilock::Wait;

static Endpoint endpoint() {
  Endpoint endpoint;
  endpoint.socket_path = server->socket;
  return endpoint;
}

// A client with a place in a queue that no re-check of its own renews.
struct Client {
  Client() {
    context.event_loop.add(context.pipeline);
    context.wake.add(wait);
    const auto end = after(context.now(), Millis(5000));
    context.wake.subscribe(wait, {context.clock, end, &interrupt});
    redilock::Queued queued{};
    queued.arrival = 5;
    queued.server_us = 1000000;
    queued.joined = queued.seen = queued.known = true;
    queued.sent = context.now();
    context.wake.answered(wait, queued);
  }
  ~Client() {
    context.wake.remove(wait);
    context.event_loop.stop();
  }

  ClientContext context{endpoint(), redilock::default_client_options(), redilock::system_clock()};
  Beat beat{context};
  Interrupt interrupt;
  Wait wait{claim_of(std::string(32, 'a'), "L"), &interrupt};
};

// The client's channel by when its record ends, in ms of the server's clock; 0 without a record.
static int64_t alive_until(const Client &client) {
  redisReply *reply =
      redis_command(server, "ZSCORE redilock:1:{}:alive %s", client.context.wake.name().c_str());
  const int64_t until = reply->type == REDIS_REPLY_STRING ? atoll(reply->str) : 0;
  freeReplyObject(reply);
  return until;
}

struct Record {
  const Client *client;
  int64_t above;
};

static bool reaches_further(void *checked) {
  const auto *record = static_cast<Record *>(checked);
  return alive_until(*record->client) > record->above;
}

static void beats_renew_the_record_of_a_client_that_waits(void **) {
  assert_returns(outcome_of([] {
                   Client client;
                   std::string log = alive_until(client) == 0 ? "none" : "too early";
                   Record record{&client, 0};
                   client.beat.start();
                   log += eventually(reaches_further, &record, 10000) ? ", written" : ", missing";
                   record.above = alive_until(client) + 1000;
                   log += eventually(reaches_further, &record, 10000) ? ", renewed" : ", left";
                   return log;
                 }),
                 "none, written, renewed");
}

// The beat finds that the record is gone, so the place may be gone too.
static void beat_after_a_loss_makes_places_ask(void **) {
  assert_returns(outcome_of([] {
                   Client client;
                   const auto due = [&] { return client.context.wake.due(client.wait); };
                   const auto before = due();
                   client.beat.start();
                   const auto asks = [](void *checked) {
                     auto *waiting = static_cast<Client *>(checked);
                     return waiting->context.wake.due(waiting->wait) <= waiting->context.now();
                   };
                   const bool asked = eventually(asks, &client, 10000);
                   return std::string(asked && due() < before ? "asks" : "waits");
                 }),
                 "asks");
}

// It may have written the record, so that the next one finds it whatever was lost before.
static void beat_without_a_reply_makes_places_ask(void **) {
  assert_returns(outcome_of([] {
                   FakeServer fake({{":7\r\n", FakeServer::kSilent},
                                    {":8\r\n", ":1\r\n", "*3\r\n:1\r\n:2000000\r\n:1\r\n"}});
                   Endpoint at;
                   at.socket_path = fake.path();
                   auto options = redilock::default_client_options();
                   options.timeout = Millis(300);
                   ClientContext context(at, options, redilock::system_clock());
                   context.event_loop.add(context.pipeline);
                   Interrupt interrupt;
                   Wait first(claim_of(std::string(32, 'a'), "L"), &interrupt),
                       second(claim_of(std::string(32, 'b'), "L"), &interrupt);
                   redilock::Queued queued{};
                   queued.rank = 4;
                   queued.joined = queued.known = queued.seen = true;
                   for (Wait *wait : {&first, &second}) {
                     ++queued.arrival;
                     context.wake.add(*wait);
                     context.wake.answered(*wait, queued);
                   }
                   struct Second {
                     ClientContext &context;
                     Wait &wait;
                   } checked{context, second};
                   const auto asks = [](void *waiting) {
                     auto *of = static_cast<Second *>(waiting);
                     return of->context.wake.due(of->wait) <= of->context.now();
                   };
                   // The second place of a client asks for no other reason.
                   std::string log = asks(&checked) ? "asks" : "waits";
                   Beat beat(context);
                   beat.start();
                   log += eventually(asks, &checked, 10000) ? ", asks" : ", waits";
                   context.event_loop.stop();
                   for (Wait *wait : {&first, &second}) context.wake.remove(*wait);
                   return log;
                 }),
                 "waits, asks");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(beats_renew_the_record_of_a_client_that_waits, empty_server),
      cmocka_unit_test_setup(beat_after_a_loss_makes_places_ask, empty_server),
      cmocka_unit_test(beat_without_a_reply_makes_places_ask),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
