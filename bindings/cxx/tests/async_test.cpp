// Requests with callbacks: order, cancel, loss, close, and ten thousand waiters in one thread.
#include <poll.h>

#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"

using namespace std::chrono_literals;
using redilock::Client;
using redilock::Lock;
using redilock::Result;
using redilock::Status;

// Polls the descriptor and drains, as an event loop does, until it is true.
template <typename Condition>
static void drain_until(Client &client, Condition condition) {
  pollfd readable = {client.fd(), POLLIN, 0};
  while (!condition()) {
    CHECK(poll(&readable, 1, 60000) == 1);
    client.drain();
  }
}

static int threads_of_this_process() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("Threads:", 0) == 0) return std::stoi(line.substr(8));
  }
  return 0;
}

static void every_request_ends_in_one_callback(Client &client) {
  std::optional<Lock> lock;
  client.acquire_async("async", {{"ttl", 60s}}, [&](Result<Lock> granted) {
    CHECK(granted && !lock);
    lock = std::move(granted).value();
  });
  CHECK(!lock);
  drain_until(client, [&] { return lock.has_value(); });
  CHECK(lock->is_held());

  int ended = 0;
  client.extend_async(*lock, 90s, [&](Result<void> done) {
    CHECK(done && lock->remaining() > 70s);
    ++ended;
  });
  drain_until(client, [&] { return ended == 1; });
  client.info_async("async", [&](Result<redilock::Info> info) {
    CHECK(info->is_held_by(lock->token()));
    ++ended;
  });
  drain_until(client, [&] { return ended == 2; });
  client.release_async(*lock, [&](Result<void> done) { CHECK(done && ++ended == 3); });
  drain_until(client, [&] { return ended == 3; });
  client.release_async(*lock, [&](Result<void> done) {
    CHECK(done.status() == Status::not_owner && !done.error().message.empty());
    ++ended;
  });
  client.break_async("async", [&](Result<void> done) {
    CHECK(done.status() == Status::not_owner);
    ++ended;
  });
  drain_until(client, [&] { return ended == 5; });
  // What cannot be submitted ends at once.
  client.acquire_async("", {}, [&](Result<Lock> refused) {
    CHECK(refused.status() == Status::invalid && !refused.error().message.empty());
    ++ended;
  });
  Lock none;
  client.release_async(none, [&](Result<void> refused) {
    CHECK(refused.status() == Status::invalid);
    ++ended;
  });
  CHECK(ended == 7);
}

static void ticket_cancels_a_wait(Client &client) {
  const Lock lock = client.acquire("cancelled");
  std::optional<Status> end;
  const auto ticket =
      client.acquire_async("cancelled", {}, [&](Result<Lock> granted) { end = granted.status(); });
  while (client.info("cancelled").waiters() == 0) std::this_thread::yield();
  ticket.cancel();
  drain_until(client, [&] { return end.has_value(); });
  CHECK(end == Status::cancelled && client.info("cancelled").waiters() == 0);
  ticket.cancel();
}

static void loss_comes_as_a_callback(Client &client) {
  Lock lock = client.acquire("lost", {{"ttl", 300ms}, {"renew", true}});
  Lock released = client.acquire("not lost");
  int losses = 0;
  client.on_lost(lock, [&](Result<void> lost) {
    CHECK(lost);
    ++losses;
  });
  client.on_lost(released, [](Result<void>) { CHECK(false); });
  client.on_lost(lock, [&](Result<void> refused) {
    CHECK(refused.status() == Status::invalid);
    losses += 10;
  });
  released.release();
  released = Lock();
  CHECK(client.break_lock("lost"));
  drain_until(client, [&] { return losses == 11; });
}

static void log_lines_come_while_it_drains() {
  Client client(server_url(), {{"log", 100}, {"log_notify", true}});
  std::vector<redilock::LogLine> lines;
  client.on_log([&] {
    while (auto line = client.next_log_line()) lines.push_back(std::move(*line));
  });
  const Lock lock = client.acquire("logged");
  drain_until(client, [&] { return !lines.empty(); });
  CHECK(lines[0].level == redilock::LogLevel::info && !lines[0].text.empty());
  CHECK(lines[0].time > std::chrono::system_clock::now() - 1h);
}

static void ten_thousand_wait_in_one_thread() {
  constexpr int kWaiters = 10000;
  Client client(server_url());
  Lock first = client.acquire("crowd", {{"ttl", 10min}});
  int granted = 0;
  for (int i = 0; i < kWaiters; ++i) {
    client.acquire_async("crowd", {{"ttl", 10min}}, [&, i](Result<Lock> lock) {
      CHECK(lock && granted == i);
      ++granted;
    });
  }
  CHECK(threads_of_this_process() <= 4);
  first.drop();
  drain_until(client, [&] { return granted == kWaiters; });
}

static void end_of_the_client_ends_requests() {
  std::vector<Status> ends;
  Client holder(server_url());
  const Lock lock = holder.acquire("end", {{"ttl", 60s}});
  Lock watched;
  {
    Client client(server_url());
    watched = client.acquire("end:2");
    auto note = [&](const auto &end) { ends.push_back(end.status()); };
    client.acquire_async("end", {}, [&](Result<Lock> end) {
      note(end);
      client.acquire_async("end", {}, note);
    });
    client.on_lost(watched, [&](Result<void> end) { note(end); });
  }
  CHECK(ends == std::vector<Status>({Status::closed, Status::closed, Status::closed}));

  Client client(server_url());
  std::thread reader([&] { client.run(); });
  client.acquire_async("end", {}, [&](Result<Lock> granted) { ends.push_back(granted.status()); });
  client.close();
  reader.join();
  CHECK(ends.size() == 4 && ends.back() == Status::closed);
}

int main() {
  Client client(server_url());
  every_request_ends_in_one_callback(client);
  ticket_cancels_a_wait(client);
  loss_comes_as_a_callback(client);
  log_lines_come_while_it_drains();
  ten_thousand_wait_in_one_thread();
  end_of_the_client_ends_requests();
}
