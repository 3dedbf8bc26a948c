// What ends a blocking wait: bytes, rings, cancels, signals, deadlines.
#include "wire/wait.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "../manual_clock.hpp"
#include "../outcome.hpp"
#include "values/duration.hpp"

using redilock::Instant;
using redilock::Interrupt;
using redilock::kNever;
using redilock::Ready;
using redilock::system_clock;
using redilock::wait_until_ready;
using redilock::WaitContext;

static int ends[2];
static int open_pipe(void **) { return pipe(ends); }
static int close_pipe(void **) { return close(ends[0]) + close(ends[1]); }

static Outcome wait_for(int fd, const WaitContext &limit) {
  return outcome_of([&] {
    const char *names[] = {"descriptor", "notified", "deadline"};
    return std::string(names[static_cast<int>(wait_until_ready(fd, POLLIN, limit))]);
  });
}

static Instant in_ms(int64_t ms) { return after(system_clock().now(), redilock::Millis(ms)); }

static void bytes_end_it(void **) {
  assert_int_equal(write(ends[1], "x", 1), 1);
  assert_returns(wait_for(ends[0], {system_clock()}), "descriptor");
}

static void deadline_ends_it_and_not_before(void **) {
  const Instant end = in_ms(30);
  assert_returns(wait_for(ends[0], {system_clock(), end}), "deadline");
  assert_true(system_clock().now() >= end);
  assert_returns(wait_for(-1, {system_clock(), Instant()}), "deadline");
}

static void bytes_count_even_past_the_deadline(void **) {
  assert_int_equal(write(ends[1], "x", 1), 1);
  assert_returns(wait_for(ends[0], {system_clock(), Instant()}), "descriptor");
}

static void ring_ends_it_once(void **) {
  Interrupt interrupt;
  interrupt.notifier.ring();
  interrupt.notifier.ring();
  assert_returns(wait_for(-1, {system_clock(), kNever, &interrupt}), "notified");
  assert_returns(wait_for(-1, {system_clock(), in_ms(5), &interrupt}), "deadline");
}

static void silenced_ring_is_taken_back(void **) {
  Interrupt interrupt;
  interrupt.notifier.ring();
  interrupt.notifier.silence();
  assert_returns(wait_for(-1, {system_clock(), in_ms(5), &interrupt}), "deadline");
}

static void ring_of_another_thread_ends_it(void **) {
  const Outcome outcome = outcome_of([] {
    Interrupt interrupt;
    std::thread ringer([&] { interrupt.notifier.ring(); });
    wait_until_ready(-1, 0, {system_clock(), kNever, &interrupt});
    ringer.join();
    return std::string("ended");
  });
  assert_returns(outcome, "ended");
}

static void cancel_ends_it_and_stays(void **) {
  Interrupt interrupt;
  const WaitContext limit{system_clock(), kNever, &interrupt};
  interrupt.cancel();
  for (int i = 0; i < 2; ++i)
    assert_throws(wait_for(-1, limit), kCancelled, "the operation was cancelled");
  assert_throws(outcome_of([&] {
                  limit.check();
                  return std::string();
                }),
                kCancelled, "the operation was cancelled");
}

static void on_signal(int) {}

// A thread that is sent signals until its wait has ended.
static Outcome with_signals(bool on_signals, Instant deadline) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGUSR1, &action, nullptr);
  return outcome_of([&] {
    Interrupt interrupt;
    interrupt.on_signals = on_signals;
    std::atomic<bool> over{false};
    const pthread_t waiting = pthread_self();
    std::thread sender([&] {
      while (!over) {
        pthread_kill(waiting, SIGUSR1);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
    const Outcome outcome = wait_for(-1, {system_clock(), deadline, &interrupt});
    over = true;
    sender.join();
    return std::to_string(outcome.status) + " " + outcome.text;
  });
}

static void signal_ends_it_only_if_asked(void **) {
  assert_returns(with_signals(true, kNever), "-4 a signal arrived");
  assert_returns(with_signals(false, in_ms(30)), "0 deadline");
}

static void deadline_is_that_of_the_given_clock(void **) {
  static ManualClock clock;
  assert_returns(wait_for(-1, {clock, clock.now()}), "deadline");
  const Instant end = after(clock.now(), redilock::Millis(1));
  const Outcome outcome = outcome_of([&] {
    Interrupt interrupt;
    std::thread moving([&] {
      clock.advance(redilock::Millis(1));
      interrupt.notifier.ring();
    });
    while (wait_until_ready(-1, 0, {clock, end, &interrupt}) != Ready::kDeadline) {
    }
    moving.join();
    return std::string("over");
  });
  assert_returns(outcome, "over");
}

static void until_takes_the_earlier_deadline(void **) {
  ManualClock clock;
  const WaitContext limit{clock, at_us(50)};
  assert_true(limit.until(at_us(40)).deadline == at_us(40));
  assert_true(limit.until(kNever).deadline == at_us(50));
  assert_false((WaitContext{clock, kNever}.expired()));
}

#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)

int main() {
  const CMUnitTest tests[] = {
      WITH_PIPE(bytes_end_it),
      WITH_PIPE(deadline_ends_it_and_not_before),
      WITH_PIPE(bytes_count_even_past_the_deadline),
      cmocka_unit_test(ring_ends_it_once),
      cmocka_unit_test(silenced_ring_is_taken_back),
      cmocka_unit_test(ring_of_another_thread_ends_it),
      cmocka_unit_test(cancel_ends_it_and_stays),
      cmocka_unit_test(signal_ends_it_only_if_asked),
      cmocka_unit_test(deadline_is_that_of_the_given_clock),
      cmocka_unit_test(until_takes_the_earlier_deadline),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
