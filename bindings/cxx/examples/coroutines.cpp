// A hundred coroutines wait for one lock in one thread, which polls the descriptor of the client.
#include <poll.h>

#include <coroutine>
#include <cstdio>
#include <exception>
#include <redilock/redilock.hpp>

using namespace std::chrono_literals;

// A coroutine that nobody waits for. Use the task type of your own library.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

static const redilock::Options options{{"ttl", 30s}};

static Detached work(redilock::Client &client, int &left) {
  redilock::Lock lock = co_await client.acquire_async("page", options);
  co_await client.release_async(lock);
  --left;
}

int main() {
  redilock::Client client;
  int left = 100;
  for (int i = 0; i < 100; ++i) work(client, left);
  pollfd readable = {client.fd(), POLLIN, 0};
  while (left > 0) {
    if (poll(&readable, 1, -1) == 1) client.drain();
  }
  std::puts("all 100 had the lock");
}
