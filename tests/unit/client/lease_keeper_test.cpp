// What a client does in the background for a lease goes when the lease does, however far off it was
// due.
#include <memory>

#include "../claim.hpp"
#include "../outcome.hpp"
#include "client/client.hpp"
#include "support/one_server.h"
#include "support/timing.h"

using redilock::Client;
using redilock::ClientOptions;
using redilock::CompletionKind;
using redilock::Control;
using redilock::Endpoint;
using redilock::Lease;
using redilock::Millis;
using redilock::RequestOptions;
using redilock::Submission;

static Endpoint endpoint() {
  Endpoint endpoint;
  endpoint.socket_path = server->socket;
  return endpoint;
}

static std::unique_ptr<Client> new_client() {
  return std::make_unique<Client>(endpoint(), redilock::default_client_options());
}

static RequestOptions long_lease() {
  RequestOptions request;
  request.name = "job";
  request.ttl = Millis(3600000);
  request.renew = true;
  return request;
}

static std::string kept(const std::weak_ptr<Lease> &lease) {
  return lease.expired() ? "gone" : "kept";
}

static void lease_is_kept_up_until_it_is_released(void **) {
  assert_returns(outcome_of([] {
                   auto client = new_client();
                   auto lease = client->acquire(long_lease(), {}).lease;
                   const std::weak_ptr<Lease> seen = lease;
                   lease.reset();
                   std::string log = kept(seen);
                   lease = seen.lock();
                   static_cast<void>(client->release(*lease, {}));
                   lease.reset();
                   return log + ", " + kept(seen);
                 }),
                 "kept, gone");
}

static void lease_is_kept_up_until_it_is_let_go(void **) {
  assert_returns(outcome_of([] {
                   auto client = new_client();
                   auto lease = client->acquire(long_lease(), {}).lease;
                   const std::weak_ptr<Lease> seen = lease;
                   client->let_go(*lease);
                   lease.reset();
                   return kept(seen);
                 }),
                 "gone");
}

static bool has_completion(void *client) {
  return !static_cast<Client *>(client)->completions().is_empty();
}
static bool is_gone(void *seen) { return static_cast<std::weak_ptr<Lease> *>(seen)->expired(); }

static std::shared_ptr<Submission> submit(Client &client, CompletionKind kind,
                                          const std::shared_ptr<Lease> &lease = nullptr) {
  auto submission =
      std::make_shared<Submission>(kind, long_lease(), 1, std::make_shared<Control>());
  submission->lease = lease;
  client.submit(submission);
  eventually(has_completion, &client, 5000);
  client.completions().take();
  submission->taken = true;
  return submission;
}

static void submitted_release_ends_renewal_and_watch(void **) {
  assert_returns(outcome_of([] {
                   auto client = new_client();
                   auto acquired = submit(*client, CompletionKind::kAcquire);
                   submit(*client, CompletionKind::kRelease, acquired->lease);
                   std::weak_ptr<Lease> seen = acquired->lease;
                   acquired.reset();
                   eventually(is_gone, &seen, 5000);
                   return kept(seen);
                 }),
                 "gone");
}

static void abandoned_acquire_ends_renewal_and_watch(void **) {
  assert_returns(outcome_of([] {
                   auto client = new_client();
                   auto acquired = submit(*client, CompletionKind::kAcquire);
                   std::weak_ptr<Lease> seen = acquired->lease;
                   client->abandon(*acquired);
                   acquired.reset();
                   eventually(is_gone, &seen, 5000);
                   return kept(seen);
                 }),
                 "gone");
}

static void end_unanswered(redilock::LeaseKeeper &keeper, Lease &lease, bool sent) {
  redilock::ReleaseMachine release(lease.claim());
  release.failed({redilock::Error(redilock::Status::kUnavailable, "away"), sent});
  static_cast<void>(keeper.end_release(lease, release));
}

// The push of the grant itself may come while the release is under way. Only what comes after the
// answer, or after it became clear that none comes, is the grant of a token that has ended.
static void token_ends_with_the_answer_to_its_release(void **) {
  assert_returns(
      outcome_of([] {
        redilock::ClientContext context(endpoint(), redilock::default_client_options(),
                                        redilock::system_clock());
        redilock::LeaseKeeper keeper(context);
        redilock::Interrupt interrupt;
        redilock::Wait wait(claim_of(std::string(32, 'a'), "other"), &interrupt);
        context.wake.add(wait);
        context.wake.subscribe(wait, {context.clock, context.request_deadline(), &interrupt});
        int released = 0;
        context.wake.set_release_ended([&](const redilock::Claim &) { ++released; });
        redilock::Claim claim = claim_of(std::string(32, 'b'), "job");
        claim.channel = context.wake.name();
        // The message for the other waiter comes behind it.
        const auto push = [&](char pushed = 'b') {
          wait.notified = false;
          for (const char id : {pushed, 'a'})
            redis_do(server, "PUBLISH %s %s", claim.channel.c_str(),
                     (std::string(32, id) + " 6 1000").c_str());
          while (!wait.notified) context.wake.ready();
          return std::to_string(released) + " ";
        };
        const auto end = after(context.now(), claim.ttl);
        Lease failed("job", claim, 5, end, end), lease("job", claim, 5, end, end);
        keeper.begin_release(failed);
        std::string log = push();
        end_unanswered(keeper, failed, false);
        log += push();
        keeper.begin_release(lease);
        log += push();
        redilock::ReleaseMachine release(claim);
        release.replied({redilock::Reply::of_integer(1), context.now(), false});
        static_cast<void>(keeper.end_release(lease, release));
        log += push();
        redilock::Claim other = claim_of(std::string(32, 'c'), "job");
        other.channel = claim.channel;
        Lease unanswered("job", other, 5, end, end);
        keeper.begin_release(unanswered);
        log += push('c');
        end_unanswered(keeper, unanswered, true);
        log += push('c');
        context.event_loop.stop();
        context.wake.remove(wait);
        return log;
      }),
      "0 0 0 1 1 2 ");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(lease_is_kept_up_until_it_is_released, empty_server),
      cmocka_unit_test_setup(lease_is_kept_up_until_it_is_let_go, empty_server),
      cmocka_unit_test_setup(submitted_release_ends_renewal_and_watch, empty_server),
      cmocka_unit_test_setup(abandoned_acquire_ends_renewal_and_watch, empty_server),
      cmocka_unit_test_setup(token_ends_with_the_answer_to_its_release, empty_server),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
