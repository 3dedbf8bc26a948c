// The typed calls: replies of a server that are wrong or come half-way.
#include "client/commands.hpp"

#include "../fake_server.hpp"
#include "../outcome.hpp"
#include "lock/release_machine.hpp"

using redilock::Claim;
using redilock::Commands;
using redilock::Endpoint;
using redilock::LockKeys;
using redilock::Millis;
using redilock::Queued;

// The outcome of `call` in conversation with a fake server.
template <class Call>
static std::string conversed(FakeServer::Connections connections, Millis patience,
                             const Call &call) {
  FakeServer fake(std::move(connections));
  Endpoint endpoint;
  endpoint.socket_path = fake.path();
  redilock::OneServer server(endpoint, redilock::ClientOptions{}, redilock::system_clock());
  Commands commands(server);
  const redilock::WaitContext limit{redilock::system_clock(),
                                    after(redilock::system_clock().now(), patience)};
  const Claim claim{LockKeys("", "L"), "t", Millis(1000), true, "c"};
  return call(commands, claim, limit);
}

// The outcome of `call` on a server that replies so to one script.
template <class Call>
static Outcome replied(std::vector<std::string> replies, const Call &call) {
  return outcome_of([&] {
    const bool silent = replies.back() == FakeServer::kSilent;  // else nothing waits for the limit
    const Millis patience(silent ? 300 : 20000);
    replies.insert(replies.begin(), ":7\r\n");
    return conversed({std::move(replies)}, patience, call);
  });
}

static std::string queue(Commands &commands, const Claim &claim,
                         const redilock::WaitContext &limit) {
  auto answer = commands.queue(claim, 0, limit);
  if (auto *granted = std::get_if<redilock::Granted>(&answer))
    return "granted " + std::to_string(granted->fence);
  const auto &place = std::get<Queued>(answer);
  return (place.holder_ttl ? std::to_string(place.holder_ttl->count()) : "none") + " " +
         std::to_string(place.rank) + " " + std::to_string(place.arrival) +
         (place.foreign ? " foreign" : "") + (place.joined ? " joined" : "") +
         (place.ask_again ? " ask" : "") + (place.seen ? "" : " unseen") +
         (place.known ? "" : " unknown");
}

static redilock::AcquireReply queue_reply(Commands &commands, const Claim &claim,
                                          const redilock::WaitContext &limit) {
  return commands.queue(claim, 0, limit);
}

static redilock::AcquireReply try_reply(Commands &commands, const Claim &claim,
                                        const redilock::WaitContext &limit) {
  return commands.acquire(claim, true, limit);
}

static Outcome queued(const char *reply) { return replied({reply}, queue); }

static void place_is_read(void **) {
  assert_returns(queued(":5\r\n"), "granted 5");
  assert_returns(queued("*8\r\n:900\r\n:1\r\n:7\r\n:8\r\n:0\r\n:1\r\n:1\r\n:1\r\n"),
                 "900 1 7 joined");
  assert_returns(queued("*8\r\n:-1\r\n:0\r\n:7\r\n:8\r\n:1\r\n:0\r\n:1\r\n:1\r\n"),
                 "none 0 7 foreign");
  assert_returns(queued("*8\r\n:-2\r\n:0\r\n:7\r\n:8\r\n:0\r\n:0\r\n:1\r\n:1\r\n"), "none 0 7 ask");
}

static void holder_is_read(void **) {
  const std::string id(32, 'a'), place = ":900\r\n:1\r\n:7\r\n:8\r\n:0\r\n:1\r\n:1\r\n:1\r\n";
  const auto holding = [&](const std::string &value) {
    const std::string bytes = "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
    const Outcome by_place = replied({"*9\r\n" + place + bytes}, [](auto &...given) {
      return std::get<Queued>(queue_reply(given...)).holding;
    });
    const Outcome by_try = replied({"*2\r\n:900\r\n" + bytes}, [](auto &...given) {
      return std::get<redilock::Held>(try_reply(given...)).holding;
    });
    return strcmp(by_place.text, by_try.text) == 0 ? std::string(by_place.text)
                                                   : std::string("both");
  };
  const auto says = [&](const std::string &value, const char *text) {
    assert_string_equal(holding(value).c_str(), text);
  };
  says("redilock:" + id + ":host/1", "held by host/1");
  says("redilock:" + id + ":", "held by another client");
  says("redilock:" + id + ":redilock:" + id + ":x", "held by redilock:***:x");
  says("redilock:" + id, "held by a foreign client");
  says("uuid", "held by a foreign client");
  says("redilock:shared", "held by shared holders");
  says("redilock:rest", "at rest");
  says("", "");
}

static void holder_may_be_left_out(void **) {
  const auto of_place = [](auto &...given) {
    return std::get<Queued>(queue_reply(given...)).holding;
  };
  const auto of_try = [](auto &...given) {
    return std::get<redilock::Held>(try_reply(given...)).holding;
  };
  assert_returns(replied({"*8\r\n:9\r\n:1\r\n:7\r\n:8\r\n:0\r\n:1\r\n:1\r\n:1\r\n"}, of_place),
                 "held by another client");
  assert_returns(replied({"*8\r\n:9\r\n:1\r\n:7\r\n:8\r\n:1\r\n:1\r\n:1\r\n:1\r\n"}, of_place),
                 "held by a foreign client");
  assert_returns(replied({"*1\r\n:9\r\n"}, of_try), "held by another client");
}

// The request that was not heard of may be the one that joined.
static void place_that_was_asked_for_twice_counts_as_joined(void **) {
  assert_returns(outcome_of([] {
                   return conversed({{":7\r\n", FakeServer::kClose},
                                     {":8\r\n", ":1\r\n",
                                      "*8\r\n:900\r\n:1\r\n:7\r\n:8\r\n:0\r\n:0\r\n:1\r\n:1\r\n"}},
                                    Millis(20000), queue);
                 }),
                 "900 1 7 joined unknown");
}

static void endless_ttl_of_a_foreign_key_is_cut(void **) {
  assert_returns(queued("*8\r\n:9200000000000000000\r\n:0\r\n:7\r\n:8\r\n:1\r\n:0\r\n:1\r\n:1\r\n"),
                 "31536000000 0 7 foreign");
}

static void wrong_replies_are_never_a_grant(void **) {
  static const char *const wrong[] = {
      ":-1\r\n",
      ":9007199254740992\r\n",
      "+OK\r\n",
      "$-1\r\n",
      "*0\r\n",
      "*1\r\n:5\r\n",
      "*8\r\n:-3\r\n:0\r\n:7\r\n:8\r\n:0\r\n:0\r\n:1\r\n:1\r\n",
      "*8\r\n:5\r\n:-1\r\n:7\r\n:8\r\n:0\r\n:0\r\n:1\r\n:1\r\n",
      "*8\r\n:5\r\n:9223372036854775807\r\n:7\r\n:8\r\n:0\r\n:0\r\n:1\r\n:1\r\n",
      "*8\r\n:5\r\n:0\r\n:0\r\n:8\r\n:0\r\n:0\r\n:1\r\n:1\r\n",
      "*8\r\n:5\r\n:0\r\n:7\r\n:-9223372036854775808\r\n:0\r\n:0\r\n:1\r\n:1\r\n",
      "*8\r\n:5\r\n:0\r\n:9007199254740992\r\n:8\r\n:0\r\n:0\r\n:1\r\n:1\r\n",
  };
  for (const char *reply : wrong)
    assert_int_equal(queued(reply).status, static_cast<int32_t>(redilock::Status::kProtocol));
}

static Outcome released(std::vector<std::string> replies) {
  return replied(std::move(replies),
                 [](Commands &commands, const Claim &claim, const redilock::WaitContext &limit) {
                   redilock::ReleaseMachine release(claim);
                   commands.run(release, limit);
                   if (release.failure()) throw redilock::Error(*release.failure());
                   return release.owned() ? "yes" : "no";
                 });
}

static void release_is_called_again_while_there_is_more(void **) {
  assert_returns(released({":1\r\n"}), "yes");
  assert_returns(released({":0\r\n"}), "no");
  assert_returns(released({":3\r\n", ":2\r\n", ":0\r\n"}), "yes");
  assert_returns(released({":2\r\n", ":0\r\n"}), "no");
  assert_int_equal(released({":4\r\n"}).status, static_cast<int32_t>(redilock::Status::kProtocol));
}

// Only the dead behind it were left: the lock itself is free already.
static void release_is_done_though_the_second_call_fails(void **) {
  assert_returns(released({":3\r\n", "-OOM no\r\n"}), "yes");
  assert_returns(released({":3\r\n", FakeServer::kSilent}), "yes");
  assert_int_equal(released({":2\r\n", "-OOM no\r\n"}).status,
                   static_cast<int32_t>(redilock::Status::kServer));
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(place_is_read),
      cmocka_unit_test(holder_is_read),
      cmocka_unit_test(holder_may_be_left_out),
      cmocka_unit_test(place_that_was_asked_for_twice_counts_as_joined),
      cmocka_unit_test(endless_ttl_of_a_foreign_key_is_cut),
      cmocka_unit_test(wrong_replies_are_never_a_grant),
      cmocka_unit_test(release_is_called_again_while_there_is_more),
      cmocka_unit_test(release_is_done_though_the_second_call_fails),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
