// The blocking calls, with exceptions: locks, tokens, loss, options, information, close and fork.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <limits>
#include <map>
#include <set>
#include <thread>

#include "check.hpp"

using namespace std::chrono_literals;
using redilock::Client;
using redilock::Lock;
using redilock::Options;
using redilock::Status;

static void lock_ends_with_its_scope() {
  Client client(server_url());
  {
    const Lock lock = client.acquire("scope", {{"ttl", 30s}});
    CHECK(lock && lock.remaining() > 0ms && lock.remaining() <= 30s);
    CHECK(lock.name() == "scope" && lock.fence() > 0 && !lock.token().empty());
    CHECK(client.info("scope").is_held_by(lock.token()));
    CHECK(!client.try_acquire("scope"));
    CHECK(THROWS(redilock::HeldError, client.acquire("scope", {{"wait", 0}})));
    CHECK(THROWS(redilock::TimeoutError, client.acquire("scope", {{"wait", 20ms}})));
  }
  CHECK(client.info("scope").state() == redilock::State::free);
  CHECK(client.try_acquire("scope").has_value());
}

static void moved_lock_is_released_once() {
  Client client(server_url());
  Lock lock = client.acquire("moved");
  Lock other = client.acquire("moved:2");
  other = std::move(lock);
  CHECK(!lock && other.name() == "moved");
  CHECK(client.info("moved:2").state() == redilock::State::free);
  other.release();
  CHECK(THROWS(redilock::NotOwnerError, other.release()));
  CHECK(THROWS(redilock::InvalidError, Lock().release()));
  CHECK(Lock().token().empty() && Lock().fence() == 0);
}

static void token_releases_extends_and_attaches() {
  Client client(server_url());
  Lock first = client.acquire("token", {{"ttl", 5s}});
  const std::string token = first.token();
  client.extend("token", token, {{"ttl", 60s}});
  CHECK(client.info("token").remaining() > 30s);
  first.detach();
  CHECK(!first && client.info("token").is_held_by(token));

  Lock second = client.attach("token", token, {{"ttl", 90s}});
  CHECK(second.remaining() > 70s);
  second.extend(std::chrono::hours(1));
  CHECK(second.remaining() > 50min);
  client.release("token", token);
  CHECK(THROWS(redilock::NotOwnerError, client.release("token", token)));
  CHECK(THROWS(redilock::NotOwnerError, client.attach("token", token)));
  CHECK(THROWS(redilock::LostError, second.release()));
}

static void broken_lock_is_lost() {
  Client client(server_url());
  Lock lock = client.acquire("broken", {{"ttl", 300ms}, {"renew", true}});
  CHECK(!lock.wait_lost(0s));
  std::thread breaker([&] { CHECK(client.break_lock("broken")); });
  CHECK(lock.wait_lost());
  breaker.join();
  CHECK(!lock.is_held() && !lock.message().empty());
  CHECK(THROWS(redilock::LostError, lock.release()));
  CHECK(!client.break_lock("broken"));
}

static void dropped_lock_is_handed_on() {
  Client client(server_url());
  Lock lock = client.acquire("dropped");
  lock.drop();
  CHECK(!lock);
  CHECK(client.acquire("dropped", {{"wait", 60s}}).is_held());
}

static void names_hold_any_byte() {
  Client client(server_url(), {{"prefix", "cxx:"}});
  const std::string name("a\0\xff\n", 4);
  const Lock first = client.acquire(name);
  const Lock second = client.acquire("plain");
  CHECK(first.name() == name);
  auto listed = client.names();
  const std::set<std::string> all(listed.begin(), listed.end());
  CHECK(all == std::set<std::string>({name, "plain"}));
  auto matching = client.names("pl*");
  CHECK(*matching.next() == "plain" && !matching.next());
}

static void options_are_passed_on_by_name() {
  Client client(server_url(), {{"label", "me"}, {"ttl", "7s"}, {"timeout", 2s}});
  Lock lock = client.acquire("options");
  CHECK(lock.remaining() <= 7s && client.info("options").label() == "me");
  lock.release();
  // Leases are rounded down, waits up, and no duration overflows.
  CHECK(THROWS(redilock::InvalidError, client.acquire("options", {{"ttl", 900us}})));
  lock = client.acquire("options", {{"ttl", 1.5s}, {"fence", false}, {"label", std::string("x")}});
  CHECK(lock.remaining() <= 1500ms && lock.fence() == 0);
  CHECK(THROWS(redilock::TimeoutError, client.acquire("options", {{"wait", 1us}})));
  lock = Lock();
  CHECK(client.acquire("options", {{"wait", std::chrono::hours::max()}}).is_held());

  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Options &wrong : {Options{{"no_such", 1}}, Options{{"wait", "soon"}},
                               Options{{"ttl", std::chrono::duration<double>(nan)}},
                               Options{{std::string("ttl\0x", 5), 5s}}}) {
    const auto refused = client.acquire(std::nothrow, "options", wrong);
    CHECK(refused.status() == Status::invalid && !refused.error().message.empty());
  }
  CHECK(THROWS(redilock::InvalidError, Client("nonsense://")));
  CHECK(THROWS(redilock::InvalidError, Client(std::string("unix:///a\0b", 11))));
  CHECK(THROWS(redilock::InvalidError, Client(Options{{"no_such", 1}})));
  CHECK(THROWS(redilock::InvalidError, client.acquire("")));
}

static void check_and_info_describe_the_server() {
  Client client;
  CHECK(client.check().find("edis") != std::string::npos || !client.check().empty());
  const Lock lock = client.acquire("info");
  std::thread waiter([&] { CHECK(client.acquire("info", {{"label", "w"}}).is_held()); });
  while (client.info("info").waiters() == 0) std::this_thread::yield();
  const auto info = client.info("info");
  CHECK(info.waiter_label(0) == "w" && !info.waiter_label(1));
  CHECK(info.waiter_since(0) >= 0ms && info.waiter_since(1) < 0ms);
  client.release("info", lock.token());
  waiter.join();

  Client nowhere("unix:///nowhere/redis.sock?timeout=50ms");
  try {
    nowhere.check();
    CHECK(false);
  } catch (const redilock::UnavailableError &error) {
    CHECK(error.retriable() && std::string(error.what()).find("/nowhere") != std::string::npos);
  }
}

static void statistics_count_acquires() {
  Client client(server_url());
  const Lock lock = client.acquire("counted");
  CHECK(!client.try_acquire("counted"));
  std::map<std::string, std::int64_t> values;
  for (const auto &stat : client.stats()) {
    CHECK(*stat.doc != 0 && *stat.type != 0);
    values[stat.name] = stat.value;
  }
  CHECK(values.at("acquired") == 1 && values.at("refused") == 1);
  CHECK(!client.next_log_line());
}

static void close_ends_a_wait() {
  Client client(server_url());
  const Lock lock = client.acquire("closed", {{"ttl", 5s}});
  Client other(server_url());
  std::thread waiter([&] { CHECK(THROWS(redilock::ClosedError, other.acquire("closed"))); });
  while (client.info("closed").waiters() == 0) std::this_thread::yield();
  other.close();
  waiter.join();
  CHECK(THROWS(redilock::ClosedError, other.try_acquire("closed")));
}

static void child_of_a_fork_holds_nothing() {
  Client client(server_url());
  const Lock lock = client.acquire("fork");
  const pid_t child = fork();
  if (child == 0) {
    const bool right = !lock.is_held() &&
                       client.acquire(std::nothrow, "fork:2").status() == Status::forked &&
                       !Client(server_url()).try_acquire("fork");
    _exit(right ? 0 : 1);
  }
  int end = -1;
  CHECK(waitpid(child, &end, 0) == child && end == 0);
  CHECK(client.info("fork").is_held_by(lock.token()));
}

static void hundred_threads_count_exactly() {
  Client client(server_url());
  int counter = 0;
  std::atomic<int> inside{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 100; ++i) {
    threads.emplace_back([&] {
      const Lock lock = client.acquire("counter", {{"ttl", 60s}});
      CHECK(++inside == 1);
      ++counter;
      --inside;
    });
  }
  for (auto &thread : threads) thread.join();
  CHECK(counter == 100);
}

int main() {
  lock_ends_with_its_scope();
  moved_lock_is_released_once();
  token_releases_extends_and_attaches();
  broken_lock_is_lost();
  dropped_lock_is_handed_on();
  names_hold_any_byte();
  options_are_passed_on_by_name();
  check_and_info_describe_the_server();
  statistics_count_acquires();
  close_ends_a_wait();
  child_of_a_fork_holds_nothing();
  hundred_threads_count_exactly();
}
