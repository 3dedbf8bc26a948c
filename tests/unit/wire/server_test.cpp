// Scripts that are asked until they are answered, against servers that fail half-way.
#include "wire/server.hpp"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "../connect_to.hpp"
#include "../outcome.hpp"

using redilock::Abandoned;
using redilock::ClientOptions;
using redilock::End;
using redilock::Endpoint;
using redilock::Error;
using redilock::Instant;
using redilock::Interrupt;
using redilock::Micros;
using redilock::Millis;
using redilock::Script;
using redilock::Server;
using redilock::Unanswered;
using redilock::WaitContext;

static constexpr Script kScript{"return 1", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"};
static const std::string kClose = FakeServer::kClose, kSilent = FakeServer::kSilent;

// Runs a script and tells the answer or how none came, and then what the server was sent.
static std::string conversation(FakeServer::Connections connections, int scripts = 1,
                                Millis time = Millis(5000), bool *can_end = nullptr) {
  FakeServer fake(std::move(connections));
  Endpoint endpoint;
  endpoint.socket_path = fake.path();
  Server server(endpoint, ClientOptions{}, redilock::system_clock());
  std::string told;
  for (int i = 0; i < scripts; ++i) {
    const WaitContext limit{redilock::system_clock(), after(redilock::system_clock().now(), time)};
    try {
      auto answer = server.run(kScript, {"key"}, {"argument"}, limit);
      told += std::to_string(answer.reply.integer()) + (answer.asked_before ? " again; " : "; ");
    } catch (const Unanswered &error) {
      told += std::to_string(static_cast<int>(error.status())) +
              (error.sent() ? " sent; " : " not sent; ");
    } catch (const Error &error) {
      told += std::to_string(static_cast<int>(error.status())) + "; ";
    }
  }
  if (can_end != nullptr) *can_end = server.can_end_abandoned();
  return told + fake.commands();
}

static void an_answer_needs_one_connection(void **) {
  assert_returns(outcome_of([] {
                   return conversation({{":7\r\n", ":1\r\n", ":2\r\n"}}, 2);
                 }),
                 "1; 2; 0:CLIENT INFO, 0:EVALSHA, 0:EVALSHA");
}

static void nobody_is_asked_when_the_time_is_over(void **) {
  assert_returns(outcome_of([] {
                   return conversation({{":7\r\n", ":1\r\n"}}, 1, Millis(0));
                 }),
                 "-8 not sent; ");
}

static void what_was_cancelled_before_is_not_sent(void **) {
  assert_returns(outcome_of([] {
                   FakeServer fake({{":7\r\n", ":1\r\n", ":2\r\n"}});
                   Endpoint endpoint;
                   endpoint.socket_path = fake.path();
                   Server server(endpoint, ClientOptions{}, redilock::system_clock());
                   Interrupt interrupt;
                   const WaitContext limit{redilock::system_clock(),
                                           after(redilock::system_clock().now(), Millis(5000)),
                                           &interrupt};
                   server.run(kScript, {}, {}, limit);
                   interrupt.cancel();
                   std::string told = "answered";
                   try {
                     server.run(kScript, {}, {}, limit);
                   } catch (const Unanswered &) {
                     told = "unanswered";
                   } catch (const Error &error) {
                     told = error.message();
                   }
                   return told + "; " + fake.commands();
                 }),
                 "the operation was cancelled; 0:CLIENT INFO, 0:EVALSHA");
}

static void an_unknown_script_is_sent_once(void **) {
  assert_returns(outcome_of([] {
                   return conversation({{":7\r\n", "-NOSCRIPT No matching script.\r\n", ":1\r\n"}});
                 }),
                 "1; 0:CLIENT INFO, 0:EVALSHA, 0:EVAL");
}

static void a_lost_reply_is_asked_for_again_after_its_connection_was_ended(void **) {
  assert_returns(outcome_of([] {
                   return conversation({{":7\r\n", kClose}, {":8\r\n", ":1\r\n", ":3\r\n"}});
                 }),
                 "3 again; 0:CLIENT INFO, 0:EVALSHA, 1:CLIENT INFO, 1:CLIENT KILL ID 7 ADDR "
                 "10.0.0.1:7 TYPE normal, 1:EVALSHA");
}

static void an_id_of_a_restarted_server_is_not_ended(void **) {
  assert_returns(outcome_of([] {
                   return conversation({{":70\r\n", kClose}, {":8\r\n", ":3\r\n"}});
                 }),
                 "3 again; 0:CLIENT INFO, 0:EVALSHA, 1:CLIENT INFO, 1:EVALSHA");
}

static void what_cannot_be_ended_is_known(void **) {
  bool can_end = true;
  const Outcome outcome = outcome_of([&] {
    return conversation({{":7\r\n", kClose}, {":8\r\n", "-NOPERM no\r\n", ":3\r\n"}}, 1,
                        Millis(5000), &can_end);
  });
  assert_returns(outcome,
                 "3 again; 0:CLIENT INFO, 0:EVALSHA, 1:CLIENT INFO, 1:CLIENT KILL ID 7 ADDR "
                 "10.0.0.1:7 TYPE normal, 1:EVALSHA");
  assert_false(can_end);
}

static void a_connection_without_an_id_cannot_be_ended(void **) {
  bool can_end = true;
  const Outcome outcome = outcome_of([&] {
    return conversation({{"-NOPERM no\r\n", kClose}, {"-NOPERM no\r\n", ":3\r\n"}}, 1, Millis(5000),
                        &can_end);
  });
  assert_returns(outcome, "3 again; 0:CLIENT INFO, 0:EVALSHA, 1:CLIENT INFO, 1:EVALSHA");
  assert_false(can_end);
}

static void a_server_busy_at_the_greeting_is_asked_again(void **) {
  bool can_end = false;
  const Outcome outcome = outcome_of([&] {
    return conversation({{"-BUSY Redis is busy\r\n", kClose}, {":8\r\n", ":3\r\n"}}, 1,
                        Millis(5000), &can_end);
  });
  assert_true(outcome.has("3; "));
  assert_true(can_end);
}

static void a_server_busy_at_the_end_of_the_abandoned_is_asked_again(void **) {
  bool can_end = false;
  const Outcome outcome = outcome_of([&] {
    return conversation(
        {{":7\r\n", kClose}, {":8\r\n", "-BUSY Redis is busy\r\n"}, {":9\r\n", ":1\r\n", ":3\r\n"}},
        1, Millis(5000), &can_end);
  });
  assert_true(outcome.has("3 again; "));
  assert_true(outcome.has("2:CLIENT KILL ID 7 ADDR 10.0.0.1:7 TYPE normal, 2:EVALSHA"));
  assert_true(can_end);
}

// ---------------------------------------------------------------- abandoned connections

static void a_connection_that_ends_before_its_request_was_sent_is_not_ended(void **) {
  assert_returns(outcome_of([] {
                   FakeServer fake({{":7\r\n", ":1\r\n", kClose}, {":8\r\n", ":2\r\n"}});
                   Endpoint endpoint;
                   endpoint.socket_path = fake.path();
                   Server server(endpoint, ClientOptions{}, redilock::system_clock());
                   const WaitContext limit{redilock::system_clock(),
                                           after(redilock::system_clock().now(), Millis(5000))};
                   server.run(kScript, {}, {}, limit);
                   auto idle = server.idle_connection();
                   idle->send({"PING"}, limit);
                   pollfd ended{idle->fd(), POLLIN, 0};
                   ::poll(&ended, 1, 5000);
                   server.discard(std::move(idle));
                   const auto answer = server.run(kScript, {}, {}, limit);
                   return std::to_string(answer.reply.integer()) + " " + fake.commands();
                 }),
                 "2 0:CLIENT INFO, 0:EVALSHA, 0:PING, 1:CLIENT INFO, 1:EVALSHA");
}

static void no_idle_connection_serves_before_the_abandoned_one_is_ended(void **) {
  assert_returns(
      outcome_of([] {
        FakeServer fake({{":7\r\n"}, {":8\r\n"}, {":9\r\n", ":1\r\n", ":3\r\n"}});
        Endpoint endpoint;
        endpoint.socket_path = fake.path();
        Server server(endpoint, ClientOptions{}, redilock::system_clock());
        const WaitContext limit{redilock::system_clock(),
                                after(redilock::system_clock().now(), Millis(2000))};
        auto abandoned = server.connect(limit), idle = server.connect(limit);
        server.abandon(std::move(abandoned));
        server.check_in(std::move(idle), redilock::system_clock().now());
        const auto answer = server.run(kScript, {}, {}, limit);
        return std::to_string(answer.reply.integer()) + " " + fake.commands();
      }),
      "3 0:CLIENT INFO, 1:CLIENT INFO, 2:CLIENT INFO, 2:CLIENT KILL ID 7 ADDR 10.0.0.1:7 TYPE "
      "normal, 2:EVALSHA");
}

static void an_answer_to_kill_of_another_kind_is_no_answer(void **) {
  const Outcome outcome = outcome_of([] {
    return conversation({{":7\r\n", kClose}, {":8\r\n", "+OK\r\n", ":3\r\n"}});
  });
  assert_true(outcome.has("-11 sent; "));
}

// The process behind a unix socket is what tells clients of one server from those of the next.
static Abandoned of_process(std::optional<pid_t> peer, int64_t number, Instant known_at) {
  return {{number, "redis.sock:0"}, known_at, peer};
}

static void only_a_connection_of_the_same_process_is_killed(void **) {
  const Outcome outcome = outcome_of([] {
    FakeServer fake({{":8\r\n"}});
    auto connection = connect_to(fake);
    const Instant dialled = redilock::system_clock().now(), before = dialled - Millis(1);
    const pid_t own = ::getpid();
    std::string verdicts;
    for (const Abandoned &one :
         {of_process(own, 7, before), of_process(own + 1, 7, before), of_process(0, 7, before),
          of_process(own, 8, before), of_process(own, 9, before), of_process(own, 9, dialled)}) {
      const End end = end_of(one, *connection, dialled);
      verdicts += end == End::kKill ? "kill " : end == End::kNone ? "none " : "unknown ";
    }
    return verdicts;
  });
  assert_returns(outcome, "kill none unknown none none kill ");
}

// ---------------------------------------------------------------- late duplicates

static constexpr Script kGrant{"return 9", "9999fabfc9d4800c877a703b823ac0578ff8db9e", 1};

// The answers to requests with these fence keys, one after the other.
static std::string granted(FakeServer::Connections connections,
                           std::initializer_list<std::string_view> keys) {
  FakeServer fake(std::move(connections));
  Endpoint endpoint;
  endpoint.socket_path = fake.path();
  Server server(endpoint, ClientOptions{}, redilock::system_clock());
  std::string told;
  for (std::string_view key : keys) {
    const WaitContext limit{redilock::system_clock(),
                            after(redilock::system_clock().now(), Millis(5000))};
    try {
      auto answer = server.run(kGrant, {"lock", key}, {}, limit);
      told += std::to_string(answer.reply.integer()) + (answer.asked_before ? " again; " : "; ");
    } catch (const Unanswered &error) {
      told += std::to_string(static_cast<int>(error.status())) +
              (error.sent() ? " sent; " : " not sent; ");
    }
  }
  return told + fake.commands();
}

static void a_fence_that_came_before_is_refused(void **) {
  assert_returns(outcome_of([] {
                   return granted(
                       {{":7\r\n", ":100\r\n", ":100\r\n"}, {":8\r\n", ":1\r\n", ":101\r\n"}},
                       {"a", "a", "a"});
                 }),
                 "100; -11 sent; 101; 0:CLIENT INFO, 0:EVALSHA, 0:EVALSHA, 1:CLIENT INFO, "
                 "1:CLIENT KILL ID 7 ADDR 10.0.0.1:7 TYPE normal, 1:EVALSHA");
}

static void a_fence_of_another_key_is_asked_for_again(void **) {
  assert_returns(outcome_of([] {
                   return granted(
                       {{":7\r\n", ":100\r\n", ":100\r\n"}, {":8\r\n", ":1\r\n", ":50\r\n"}},
                       {"a", "b"});
                 }),
                 "100; 50 again; 0:CLIENT INFO, 0:EVALSHA, 0:EVALSHA, 1:CLIENT INFO, "
                 "1:CLIENT KILL ID 7 ADDR 10.0.0.1:7 TYPE normal, 1:EVALSHA");
}

static void a_counter_ahead_of_the_others_refuses_nobody(void **) {
  assert_returns(outcome_of([] {
                   return granted({{":7\r\n", ":9000\r\n", ":50\r\n", ":9001\r\n", ":51\r\n"}},
                                  {"a", "b", "a", "b"});
                 }),
                 "9000; 50; 9001; 51; 0:CLIENT INFO, 0:EVALSHA, 0:EVALSHA, 0:EVALSHA, 0:EVALSHA");
}

static void answers_of_other_scripts_are_no_grants(void **) {
  for (const char *answer : {":1\r\n", ":2\r\n", ":3\r\n"})
    assert_true(outcome_of([&] { return granted({{":7\r\n", answer}}, {"a"}); }).has("-11 sent; "));
  // Nor is a grant the answer of a script that gives none.
  assert_true(outcome_of([] { return conversation({{":7\r\n", ":100\r\n"}}); }).has("-11 sent; "));
}

// ---------------------------------------------------------------- refusals

static void a_refusal_is_no_doubt_unless_something_was_sent_before(void **) {
  assert_returns(outcome_of([] {
                   return conversation({{":7\r\n", "-OOM no\r\n"}});
                 }),
                 "-10; 0:CLIENT INFO, 0:EVALSHA");
  const Outcome doubt = outcome_of([] {
    return conversation({{":7\r\n", kClose}, {":8\r\n", ":1\r\n", "-OOM no\r\n"}});
  });
  assert_true(doubt.has("-10 sent; "));
}

static void silence_ends_by_the_deadline(void **) {
  assert_returns(outcome_of([] {
                   return conversation({{":7\r\n", kSilent}, {}}, 1, Millis(50));
                 }),
                 "-8 sent; 0:CLIENT INFO, 0:EVALSHA");
}

static void nothing_was_sent_where_nobody_listens(void **) {
  const Outcome outcome = outcome_of([] {
    Endpoint endpoint;
    endpoint.socket_path = "/nonexistent/redilock";
    Server server(endpoint, ClientOptions{}, redilock::system_clock());
    const auto end = after(redilock::system_clock().now(), Micros(20000));
    try {
      server.run(kScript, {}, {}, {redilock::system_clock(), end});
    } catch (const Unanswered &error) {
      return std::to_string(static_cast<int>(error.status())) +
             (error.sent() ? " sent" : " not sent");
    }
    return std::string("answered");
  });
  assert_returns(outcome, "-8 not sent");
}

// Cancelled in the pause before the next attempt: the first may have been carried out.
static void a_cancel_between_attempts_does_not_forget_what_was_sent(void **) {
  const Outcome outcome = outcome_of([] {
    std::string told;
    FakeServer fake({{":7\r\n", kClose},
                     {"-LOADING wait\r\n"},
                     {"-LOADING wait\r\n"},
                     {"-LOADING wait\r\n"},
                     {"-LOADING wait\r\n"},
                     {"-LOADING wait\r\n"}});
    Endpoint endpoint;
    endpoint.socket_path = fake.path();
    Server server(endpoint, ClientOptions{}, redilock::system_clock());
    Interrupt interrupt;
    std::thread canceller([&] {
      while (fake.commands().find("4:CLIENT") == std::string::npos) std::this_thread::yield();
      interrupt.cancel();
    });
    try {
      server.run(kScript, {}, {}, {redilock::system_clock(), redilock::kNever, &interrupt});
    } catch (const Unanswered &error) {
      told = std::to_string(static_cast<int>(error.status())) + (error.sent() ? " sent" : "");
    } catch (const Error &error) {
      told = std::to_string(static_cast<int>(error.status())) + " forgotten";
    }
    canceller.join();
    return told;
  });
  assert_returns(outcome, "-3 sent");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_answer_needs_one_connection),
      cmocka_unit_test(nobody_is_asked_when_the_time_is_over),
      cmocka_unit_test(what_was_cancelled_before_is_not_sent),
      cmocka_unit_test(an_unknown_script_is_sent_once),
      cmocka_unit_test(a_lost_reply_is_asked_for_again_after_its_connection_was_ended),
      cmocka_unit_test(an_id_of_a_restarted_server_is_not_ended),
      cmocka_unit_test(what_cannot_be_ended_is_known),
      cmocka_unit_test(a_connection_without_an_id_cannot_be_ended),
      cmocka_unit_test(a_server_busy_at_the_greeting_is_asked_again),
      cmocka_unit_test(a_server_busy_at_the_end_of_the_abandoned_is_asked_again),
      cmocka_unit_test(a_connection_that_ends_before_its_request_was_sent_is_not_ended),
      cmocka_unit_test(no_idle_connection_serves_before_the_abandoned_one_is_ended),
      cmocka_unit_test(an_answer_to_kill_of_another_kind_is_no_answer),
      cmocka_unit_test(only_a_connection_of_the_same_process_is_killed),
      cmocka_unit_test(a_fence_that_came_before_is_refused),
      cmocka_unit_test(a_fence_of_another_key_is_asked_for_again),
      cmocka_unit_test(a_counter_ahead_of_the_others_refuses_nobody),
      cmocka_unit_test(answers_of_other_scripts_are_no_grants),
      cmocka_unit_test(a_refusal_is_no_doubt_unless_something_was_sent_before),
      cmocka_unit_test(silence_ends_by_the_deadline),
      cmocka_unit_test(nothing_was_sent_where_nobody_listens),
      cmocka_unit_test(a_cancel_between_attempts_does_not_forget_what_was_sent),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
