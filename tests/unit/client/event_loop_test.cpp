// The service thread: tasks in their order and time, and its end.
#include "client/event_loop.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <utility>

#include "../outcome.hpp"
#include "values/duration.hpp"

using redilock::EventLoop;
using redilock::Instant;
using redilock::Millis;
using redilock::system_clock;

static Instant in_ms(int64_t ms) { return after(system_clock().now(), Millis(ms)); }

// What tasks note, and the way to wait until they have noted so much.
struct Notes {
  void add(const std::string &word) {
    std::lock_guard lock(mutex);
    text += word;
    changed.notify_all();
  }
  std::string wait_for(size_t length) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return text.size() >= length; });
    return text;
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::string text;
};

static EventLoop::Task noting(Notes &notes, const char *word) {
  return [&notes, word] {
    notes.add(word);
    return std::nullopt;
  };
}

static void tasks_run_in_the_order_of_their_times(void **) {
  assert_returns(outcome_of([] {
                   Notes notes;
                   std::promise<void> all_are_told;
                   EventLoop event_loop(system_clock());
                   event_loop.schedule_at(Instant(), [&] {
                     all_are_told.get_future().wait();
                     return std::nullopt;
                   });
                   event_loop.schedule_at(in_ms(60), noting(notes, "c"));
                   event_loop.schedule_at(in_ms(30), noting(notes, "b"));
                   event_loop.schedule_at(Instant(), noting(notes, "a"));
                   all_are_told.set_value();
                   return notes.wait_for(3);
                 }),
                 "abc");
}

static void task_runs_again_when_it_says(void **) {
  assert_returns(outcome_of([] {
                   Notes notes;
                   EventLoop event_loop(system_clock());
                   int left = 3;
                   event_loop.schedule_at(Instant(), [&] {
                     notes.add("x");
                     return --left > 0 ? std::optional<Instant>(in_ms(1)) : std::nullopt;
                   });
                   notes.wait_for(3);
                   event_loop.schedule_at(in_ms(20), noting(notes, "."));
                   return notes.wait_for(4);
                 }),
                 "xxx.");
}

static void cancelled_task_does_not_run(void **) {
  assert_returns(outcome_of([] {
                   Notes notes;
                   EventLoop event_loop(system_clock());
                   event_loop.schedule_at(Instant(), [&] {
                     event_loop.cancel(event_loop.schedule_at(in_ms(10), noting(notes, "never")));
                     event_loop.schedule_at(in_ms(30), noting(notes, "a"));
                     return std::nullopt;
                   });
                   return notes.wait_for(1);
                 }),
                 "a");
}

// Tasks that are due in a minute, on which nothing else depends.
static void task_that_another_thread_cancels_keeps_nothing(void **) {
  assert_returns(outcome_of([] {
                   EventLoop event_loop(system_clock());
                   auto owned = std::make_shared<int>();
                   const auto timer =
                       event_loop.schedule_at(in_ms(60000), [owned] { return std::nullopt; });
                   const std::weak_ptr<int> seen = std::exchange(owned, nullptr);
                   std::string told = seen.expired() ? "gone, " : "kept, ";
                   event_loop.cancel(timer);
                   event_loop.cancel(timer);
                   return told + (seen.expired() ? "gone" : "kept");
                 }),
                 "kept, gone");
}

static void task_that_is_cancelled_while_it_runs_does_not_run_again(void **) {
  assert_returns(outcome_of([] {
                   Notes notes;
                   std::promise<void> cancelled;
                   EventLoop event_loop(system_clock());
                   const auto timer =
                       event_loop.schedule_at(Instant(), [&]() -> std::optional<Instant> {
                         notes.add("a");
                         if (notes.wait_for(1).size() == 1) cancelled.get_future().wait();
                         return Instant();
                       });
                   notes.wait_for(1);
                   event_loop.cancel(timer);
                   event_loop.schedule_at(Instant(), noting(notes, "b"));
                   cancelled.set_value();
                   return notes.wait_for(2);
                 }),
                 "ab");
}

static void task_does_not_run_before_its_time(void **) {
  assert_returns(outcome_of([] {
                   Notes notes;
                   EventLoop event_loop(system_clock());
                   const Instant when = in_ms(40);
                   event_loop.schedule_at(when, [&] {
                     notes.add(system_clock().now() >= when ? "due" : "early");
                     return std::nullopt;
                   });
                   return notes.wait_for(3);
                 }),
                 "due");
}

static void task_that_throws_ends_alone(void **) {
  assert_returns(outcome_of([] {
                   Notes notes;
                   EventLoop event_loop(system_clock());
                   event_loop.schedule_at(Instant(), []() -> std::optional<Instant> {
                     throw redilock::Error(redilock::Status::kServer, "no");
                   });
                   event_loop.schedule_at(Instant(), noting(notes, "a"));
                   return notes.wait_for(1);
                 }),
                 "a");
}

class Polled final : public redilock::Pollable {
 public:
  void add_wanted(std::vector<pollfd> &) override {}
  Instant next_run() override { return redilock::kNever; }
  void run() noexcept override { ran = true; }
  std::atomic<bool> ran{false};
};

static void flood_of_tasks_does_not_keep_it_from_what_it_polls(void **) {
  assert_returns(outcome_of([] {
                   Notes notes;
                   Polled polled;
                   EventLoop event_loop(system_clock());
                   event_loop.add(polled);
                   const Instant end = in_ms(5000);
                   std::function<void()> flood = [&] {
                     const Instant now = system_clock().now();
                     if (polled.ran || now >= end) return notes.add(polled.ran ? "ran" : "starved");
                     event_loop.schedule_at(now, [&] {
                       flood();
                       return std::nullopt;
                     });
                   };
                   flood();
                   notes.wait_for(3);
                   event_loop.stop();
                   return notes.text;
                 }),
                 "ran");
}

// Has nothing to do, and nothing to poll for.
class Idle final : public redilock::Pollable {
 public:
  explicit Idle(Notes &notes) : notes_(notes) {}
  void add_wanted(std::vector<pollfd> &) override {}
  Instant next_run() override { return redilock::kNever; }
  void run() noexcept override {
    if (!std::exchange(seen_, true)) notes_.add("in");
  }

 private:
  Notes &notes_;
  bool seen_ = false;
};

// Waits for two pipes and takes in what comes, as a pollable with several connections.
class TwoPipes final : public redilock::Pollable {
 public:
  explicit TwoPipes(Notes &notes) : notes_(notes) {
    for (auto &pipe : pipes_)
      if (::pipe2(pipe, O_NONBLOCK | O_CLOEXEC) != 0) abort();
  }
  ~TwoPipes() {
    for (auto &pipe : pipes_)
      for (int fd : pipe) ::close(fd);
  }
  void add_wanted(std::vector<pollfd> &polled) override {
    for (auto &pipe : pipes_) polled.push_back({pipe[0], POLLIN, 0});
  }
  Instant next_run() override { return redilock::kNever; }
  void run() noexcept override {
    char word = 0;
    for (auto &pipe : pipes_)
      if (::read(pipe[0], &word, 1) == 1) notes_.add(std::string(1, word));
  }
  void write(size_t which, char word) {
    if (::write(pipes_[which][1], &word, 1) != 1) abort();
  }

 private:
  Notes &notes_;
  int pipes_[2][2];
};

static void each_descriptor_of_a_pollable_wakes_it(void **) {
  assert_returns(outcome_of([] {
                   Notes notes;
                   TwoPipes pipes(notes);
                   EventLoop event_loop(system_clock());
                   event_loop.add(pipes);
                   event_loop.schedule_at(Instant(), noting(notes, "a"));
                   notes.wait_for(1);
                   pipes.write(1, 'b');
                   notes.wait_for(2);
                   pipes.write(0, 'c');
                   notes.wait_for(3);
                   event_loop.stop();
                   return notes.text;
                 }),
                 "abc");
}

static void stop_ends_the_sleep_and_drops_the_rest(void **) {
  assert_returns(outcome_of([] {
                   Notes notes;
                   Idle idle(notes);
                   EventLoop event_loop(system_clock());
                   event_loop.add(idle);
                   event_loop.schedule_at(in_ms(60000), noting(notes, "never"));
                   notes.wait_for(2);
                   event_loop.stop();
                   event_loop.stop();
                   return notes.text;
                 }),
                 "in");
}

static void stopped_service_takes_no_task(void **) {
  assert_throws(outcome_of([] {
                  EventLoop event_loop(system_clock());
                  event_loop.stop();
                  event_loop.schedule_at(Instant(), [] { return std::nullopt; });
                  return std::string();
                }),
                kClosed, "the client is being freed");
}

static void task_for_never_does_not_run(void **) {
  assert_returns(outcome_of([] {
                   Notes notes;
                   EventLoop event_loop(system_clock());
                   event_loop.schedule_at(redilock::kNever, noting(notes, "never"));
                   event_loop.schedule_at(Instant(), noting(notes, "a"));
                   return notes.wait_for(1);
                 }),
                 "a");
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(tasks_run_in_the_order_of_their_times),
      cmocka_unit_test(task_runs_again_when_it_says),
      cmocka_unit_test(cancelled_task_does_not_run),
      cmocka_unit_test(task_that_another_thread_cancels_keeps_nothing),
      cmocka_unit_test(task_that_is_cancelled_while_it_runs_does_not_run_again),
      cmocka_unit_test(task_does_not_run_before_its_time),
      cmocka_unit_test(task_that_throws_ends_alone),
      cmocka_unit_test(flood_of_tasks_does_not_keep_it_from_what_it_polls),
      cmocka_unit_test(each_descriptor_of_a_pollable_wakes_it),
      cmocka_unit_test(stop_ends_the_sleep_and_drops_the_rest),
      cmocka_unit_test(stopped_service_takes_no_task),
      cmocka_unit_test(task_for_never_does_not_run),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
