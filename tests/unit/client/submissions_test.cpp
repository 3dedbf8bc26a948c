// Submitted operations by the hundreds: what is due beside them has its turn, and acquires that are
// cancelled are found.
#include <algorithm>
#include <array>
#include <future>
#include <memory>
#include <vector>

#include "../outcome.hpp"
#include "client/client.hpp"
#include "support/one_server.h"
#include "support/timing.h"

using redilock::Client;
using redilock::CompletionKind;
using redilock::Control;
using redilock::Instant;
using redilock::Millis;
using redilock::RequestOptions;
using redilock::Submission;
using redilock::Submissions;

enum { kMany = 200 };

static std::unique_ptr<Client> new_client() {
  redilock::Endpoint endpoint;
  endpoint.socket_path = server->socket;
  return std::make_unique<Client>(endpoint, redilock::default_client_options());
}

static std::shared_ptr<Submission> submit(Client &client, Millis wait) {
  RequestOptions request;
  request.name = "job";
  request.wait = wait;
  auto submission = std::make_shared<Submission>(CompletionKind::kAcquire, request, 1,
                                                 std::make_shared<Control>());
  client.submit(submission);
  return submission;
}

static bool has_ended(void *submission) { return static_cast<Submission *>(submission)->ended; }
static bool is_queued(void *submission) {
  return static_cast<Submission *>(submission)->control->position > 0;
}

static std::string end_of(const std::shared_ptr<Submission> &submission) {
  if (!eventually(has_ended, submission.get(), 5000)) return "waits";
  const std::string message = submission->outcome.message();
  return message.substr(0, message.find(": held by"));
}

// One waits whose flag is set without a word: it goes on as long as nobody looks at it.
static void cancel_of_one_looks_at_no_other(void **) {
  redis_do(server, "SET job other PX 60000");
  assert_returns(outcome_of([] {
                   auto client = new_client();
                   auto flagged = submit(*client, redilock::kForever);
                   auto cancelled = submit(*client, redilock::kForever);
                   eventually(is_queued, flagged.get(), 5000);
                   eventually(is_queued, cancelled.get(), 5000);
                   flagged->control->interrupt.cancelled = true;
                   client->cancel(*cancelled->control);
                   std::string ends = end_of(cancelled);
                   end_of(submit(*client, Millis(0)));  // asked after all that the cancel led to
                   ends += flagged->ended ? ", ended" : ", waits";
                   client->cancel(*flagged->control);
                   return ends + ", " + end_of(flagged);
                 }),
                 "lock \"job\": the operation was cancelled, waits, "
                 "lock \"job\": the operation was cancelled");
}

static void cancels_in_a_burst_end_all(void **) {
  redis_do(server, "SET job other PX 60000");
  assert_returns(outcome_of([] {
                   auto client = new_client();
                   std::array<std::shared_ptr<Submission>, kMany> waiting;
                   for (auto &one : waiting) one = submit(*client, redilock::kForever);
                   eventually(is_queued, waiting.back().get(), 5000);
                   for (auto &one : waiting) client->cancel(*one->control);
                   int ended = 0;
                   for (auto &one : waiting) ended += end_of(one) != "waits" ? 1 : 0;
                   return std::to_string(ended);
                 }),
                 "200");
}

// Looks, whenever the thread comes by, at how many have ended since.
class Onlooker final : public redilock::Pollable {
 public:
  explicit Onlooker(const std::vector<std::shared_ptr<Submission>> &all) : all_(all) {}
  void add_wanted(std::vector<pollfd> &) override {}
  Instant next_run() override { return redilock::kNever; }
  void run() noexcept override {
    const size_t before = ended;
    while (ended < all_.size() && all_[ended]->ended) ++ended;
    most = std::max(most, ended - before);
    if (ended > before && ended == all_.size()) all_ended.set_value();
  }
  size_t ended = 0, most = 0;
  std::promise<void> all_ended;

 private:
  const std::vector<std::shared_ptr<Submission>> &all_;
};

// Releases by a token that is none of ours end as they begin.
static void what_else_is_due_has_its_turn_among_many(void **) {
  assert_returns(
      outcome_of([] {
        redilock::Endpoint endpoint;
        endpoint.socket_path = server->socket;
        redilock::ClientContext context(endpoint, redilock::default_client_options(),
                                        redilock::system_clock());
        redilock::LeaseKeeper keeper(context);
        Submissions submissions(context, keeper);
        std::vector<std::shared_ptr<Submission>> many;
        for (int i = 0; i < kMany; ++i)
          many.push_back(std::make_shared<Submission>(CompletionKind::kRelease, RequestOptions(), 1,
                                                      std::make_shared<Control>()));
        Onlooker onlooker(many);
        context.event_loop.add(submissions);
        context.event_loop.add(onlooker);
        std::promise<void> all_submitted;
        context.event_loop.schedule_at(Instant(), [&] {
          all_submitted.get_future().wait();
          return std::nullopt;
        });
        for (const auto &one : many) submissions.submit(one);
        all_submitted.set_value();
        onlooker.all_ended.get_future().wait();
        context.event_loop.stop();
        return std::to_string(onlooker.most);
      }),
      "64");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_else_is_due_has_its_turn_among_many),
      cmocka_unit_test_setup(cancel_of_one_looks_at_no_other, empty_server),
      cmocka_unit_test_setup(cancels_in_a_burst_end_all, empty_server),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}
