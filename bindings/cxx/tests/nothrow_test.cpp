// The form without exceptions; it also builds with -fno-exceptions.
#include "check.hpp"

using namespace std::chrono_literals;
using redilock::Client;
using redilock::Status;

int main() {
  CHECK(Client::make(std::nothrow, "nonsense://").status() == Status::invalid);
  auto made = Client::make(std::nothrow, server_url(), {{"prefix", "nothrow:"}});
  CHECK(made);
  Client client = std::move(made).value();

  auto lock = client.acquire(std::nothrow, "job", {{"ttl", 60s}});
  CHECK(lock && lock->is_held() && lock.status() == Status::ok);
  const auto second = client.acquire(std::nothrow, "job", {{"wait", 10ms}});
  CHECK(!second && second.status() == Status::timeout && second.error().retriable);
  CHECK(second.error().message.find("job") != std::string::npos);
  CHECK(lock->extend(std::nothrow, 90s) && lock->remaining() > 70s);
  const std::string token = lock->token();
  CHECK(client.extend(std::nothrow, "job", token, {{"ttl", 95s}}));
  CHECK(client.info(std::nothrow, "job")->state() == redilock::State::held);
  CHECK(*client.names(std::nothrow)->next(std::nothrow).value() == "job");
  CHECK(client.check(std::nothrow));
  CHECK(client.fd(std::nothrow).value() >= 0);
  lock->detach();
  auto attached = client.attach(std::nothrow, "job", token);
  CHECK(attached && *attached->wait_lost(std::nothrow, 0s) == false);
  CHECK(attached->release(std::nothrow));
  CHECK(attached->release(std::nothrow).status() == Status::not_owner);
  CHECK(client.release(std::nothrow, "job", token).status() == Status::not_owner);
  CHECK(*client.break_lock(std::nothrow, "job") == false);
  CHECK(name(Status::lost) == std::string("REDILOCK_E_LOST"));
}
