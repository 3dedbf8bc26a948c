// Coroutines of C++20: results, errors, stop tokens, loss, and coroutines that are destroyed.
#include "check.hpp"

#ifndef REDILOCK_COROUTINES
#error "this compiler or standard library has no coroutines"
#else

#include <poll.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using redilock::Client;
using redilock::Lock;
using redilock::Status;

// Named, because GCC 12 does not compile a braced list inside co_await.
static const redilock::Options kLong{{"ttl", 10min}};
static const redilock::Options kTry{{"wait", 0}};
static const redilock::Options kShort{{"wait", 20ms}};

// A coroutine that begins at once; its owner may destroy it while it waits.
struct Task {
  struct promise_type {
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  Task(std::coroutine_handle<promise_type> coroutine) : handle(coroutine) {}
  Task(Task &&other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
  Task &operator=(Task &&) = delete;
  ~Task() {
    if (handle) handle.destroy();
  }
  bool done() const { return handle.done(); }

  std::coroutine_handle<promise_type> handle;
};

static void drain_until_done(Client &client, const Task &task) {
  pollfd readable = {client.fd(), POLLIN, 0};
  while (!task.done()) {
    CHECK(poll(&readable, 1, 60000) == 1);
    client.drain();
  }
}

static Task use_all(Client &client) {
  Lock lock = co_await client.acquire_async("co", kLong);
  CHECK(lock.is_held());
  co_await client.extend_async(lock, 20min);
  CHECK(lock.remaining() > 15min);
  CHECK((co_await client.info_async("co")).is_held_by(lock.token()));
  const auto held = co_await client.acquire_async(std::nothrow, "co", kTry);
  CHECK(held.status() == Status::held);
  bool thrown = false;
  try {
    co_await client.acquire_async("co", kShort);
  } catch (const redilock::TimeoutError &) {
    thrown = true;
  }
  CHECK(thrown);
  co_await client.release_async(lock);
  CHECK((co_await client.release_async(std::nothrow, lock)).status() == Status::not_owner);
  CHECK((co_await client.break_async(std::nothrow, "co")).status() == Status::not_owner);
  // Nothing is submitted, and the coroutine goes on at once.
  CHECK((co_await client.acquire_async(std::nothrow, "")).status() == Status::invalid);
}

static Task wait_for(Client &client, std::string name, Status &end, std::stop_token stop = {}) {
  end = (co_await client.acquire_async(std::nothrow, name, kLong, stop)).status();
}

static Task wait_lost(Client &client, Lock &lock, bool &lost) {
  co_await client.lost_async(lock);
  lost = true;
}

static void stop_token_cancels(Client &client) {
  const Lock lock = client.acquire("stopped");
  // On the heap, because GCC 12 warns of one on the stack that it is not initialised.
  const auto stop = std::make_unique<std::stop_source>();
  Status end = Status::ok;
  {
    const Task task = wait_for(client, "stopped", end, stop->get_token());
    while (client.info("stopped").waiters() == 0) std::this_thread::yield();
    stop->request_stop();
    drain_until_done(client, task);
  }
  CHECK(end == Status::cancelled && client.info("stopped").waiters() == 0);
  end = Status::ok;
  const Task early = wait_for(client, "stopped", end, stop->get_token());
  drain_until_done(client, early);
  CHECK(end == Status::cancelled);
}

static void stop_token_cancels_a_blocking_wait(Client &client) {
  const Lock lock = client.acquire("blocked");
  std::jthread waiter([&](std::stop_token stop) {
    CHECK(THROWS(redilock::CancelledError, client.acquire(stop, "blocked")));
  });
  while (client.info("blocked").waiters() == 0) std::this_thread::yield();
}

static void destroyed_coroutine_leaves_the_queue(Client &client) {
  const Lock lock = client.acquire("destroyed");
  Status end = Status::internal;
  {
    const Task task = wait_for(client, "destroyed", end);
    while (client.info("destroyed").waiters() == 0) std::this_thread::yield();
  }
  while (client.info("destroyed").waiters() != 0) std::this_thread::yield();
  client.drain();
  CHECK(end == Status::internal);
}

static void loss_resumes_a_coroutine(Client &client) {
  Lock lock = client.acquire("co:lost", {{"ttl", 300ms}, {"renew", true}});
  bool lost = false;
  const Task task = wait_lost(client, lock, lost);
  CHECK(!lost && client.break_lock("co:lost"));
  drain_until_done(client, task);
  CHECK(lost);
}

static Task count(Client &client, int &counter, std::atomic<int> &left) {
  {
    Lock lock = co_await client.acquire_async("co:counter", kLong);
    ++counter;
  }
  --left;
}

// The reader thread resumes coroutines while this thread still suspends others.
static void ten_thousand_wait_without_threads() {
  constexpr int kWaiters = 10000;
  Client client(server_url());
  std::atomic<int> left{kWaiters};
  int counter = 0;
  std::vector<Task> tasks;
  std::thread reader([&] { client.run(); });
  tasks.reserve(kWaiters);
  for (int i = 0; i < kWaiters; ++i) tasks.push_back(count(client, counter, left));
  while (left != 0) std::this_thread::sleep_for(1ms);
  client.close();
  reader.join();
  CHECK(counter == kWaiters);
}

static void end_of_the_client_resumes_all() {
  Client holder(server_url());
  const Lock lock = holder.acquire("co:end");
  Status end = Status::ok;
  std::vector<Task> tasks;
  {
    Client client(server_url());
    tasks.push_back(wait_for(client, "co:end", end));
    CHECK(!tasks[0].done());
  }
  CHECK(tasks[0].done() && end == Status::closed);
}

int main() {
  Client client(server_url());
  drain_until_done(client, use_all(client));
  stop_token_cancels(client);
  stop_token_cancels_a_blocking_wait(client);
  destroyed_coroutine_leaves_the_queue(client);
  loss_resumes_a_coroutine(client);
  ten_thousand_wait_without_threads();
  end_of_the_client_resumes_all();
}

#endif
