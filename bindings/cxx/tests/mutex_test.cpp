// Mutex in the hands of the standard library.
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "check.hpp"

using namespace std::chrono_literals;
using redilock::Client;
using redilock::Mutex;

static void standard_guards_lock_and_unlock(Client &client) {
  Mutex mutex(client, "mutex", {{"ttl", 60s}});
  {
    const std::unique_lock<Mutex> guard(mutex);
    CHECK(guard.owns_lock() && mutex.is_held() && mutex.fence() > 0);
    CHECK(client.info("mutex").state() == redilock::State::held);
    Mutex same(client, "mutex");
    CHECK(!same.try_lock());
    CHECK(!std::unique_lock<Mutex>(same, 10ms));
    CHECK(!same.try_lock_until(std::chrono::steady_clock::now() - 1h));
    CHECK(!same.is_held() && same.fence() == 0);
  }
  CHECK(!mutex.is_held() && client.info("mutex").state() == redilock::State::free);
  CHECK(std::unique_lock<Mutex>(mutex, std::try_to_lock).owns_lock());
}

static void two_names_are_locked_without_deadlock(Client &client) {
  Mutex first(client, "both:1");
  Mutex second(client, "both:2");
  int counter = 0;
  auto work = [&](Mutex &a, Mutex &b) {
    for (int i = 0; i < 20; ++i) {
      const std::scoped_lock<Mutex, Mutex> guard(a, b);
      ++counter;
    }
  };
  std::thread other([&] { work(second, first); });
  work(first, second);
  other.join();
  CHECK(counter == 40);
}

static void one_object_serves_many_threads(Client &client) {
  Mutex mutex(client, "shared");
  int counter = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        const std::lock_guard<Mutex> guard(mutex);
        ++counter;
      }
    });
  }
  for (auto &thread : threads) thread.join();
  CHECK(counter == 80);
}

static void second_lock_of_a_thread_is_refused(Client &client) {
  Mutex mutex(client, "twice");
  const std::lock_guard<Mutex> guard(mutex);
  CHECK(THROWS(std::system_error, mutex.lock()));
  CHECK(THROWS(std::system_error, mutex.try_lock()));
}

// After a loss each thread unlocks its own: the former holder must not release the new one.
static void former_holder_unlocks_only_its_own(Client &client) {
  Mutex mutex(client, "stolen");
  mutex.lock();
  CHECK(client.break_lock("stolen"));
  std::thread thief([&] { mutex.lock(); });
  thief.join();
  CHECK(THROWS(redilock::LostError, mutex.release()));
  mutex.unlock();
  CHECK(client.info("stolen").state() == redilock::State::held);
}

int main() {
  Client client(server_url());
  standard_guards_lock_and_unlock(client);
  two_names_are_locked_without_deadlock(client);
  one_object_serves_many_threads(client);
  second_lock_of_a_thread_is_refused(client);
  former_holder_unlocks_only_its_own(client);
}
