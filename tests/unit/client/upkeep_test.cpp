// What a client does in the background for a lease goes when the lease does, however far off it was
// due.
#include <memory>

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

static std::unique_ptr<Client> new_client() {
  Endpoint endpoint;
  endpoint.socket_path = server->socket;
  return std::make_unique<Client>(endpoint, redilock::default_client_options());
}

static RequestOptions long_lease() {
  RequestOptions request;
  request.name = "job";
  request.ttl = Millis(3600000);
  request.renew = request.tell_loss = true;
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
                   std::string told = kept(seen);
                   lease = seen.lock();
                   client->release(*lease, {});
                   lease.reset();
                   return told + ", " + kept(seen);
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

static bool has_ended(void *submission) { return static_cast<Submission *>(submission)->ended; }
static bool is_gone(void *seen) { return static_cast<std::weak_ptr<Lease> *>(seen)->expired(); }

static std::shared_ptr<Submission> submit(Client &client, CompletionKind kind,
                                          const std::shared_ptr<Lease> &lease = nullptr) {
  auto submission =
      std::make_shared<Submission>(kind, long_lease(), 1, std::make_shared<Control>());
  submission->lease = lease;
  client.submit(submission);
  eventually(has_ended, submission.get(), 5000);
  client.completions().take();
  submission->taken = true;
  return submission;
}

static void submitted_release_ends_upkeep_and_watch(void **) {
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

static void abandoned_acquire_ends_upkeep_and_watch(void **) {
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

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup(lease_is_kept_up_until_it_is_released, empty_server),
      cmocka_unit_test_setup(lease_is_kept_up_until_it_is_let_go, empty_server),
      cmocka_unit_test_setup(submitted_release_ends_upkeep_and_watch, empty_server),
      cmocka_unit_test_setup(abandoned_acquire_ends_upkeep_and_watch, empty_server),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
