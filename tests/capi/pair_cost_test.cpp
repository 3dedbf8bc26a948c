// What an uncontended acquire and release cost the client, as exact counts that no load changes: the
// requests that the server sees, and the system calls, instructions and allocations of the library. The
// bounds have little room: a change that exceeds one makes each lock of each user dearer.
#include <limits.h>
#include <redilock/redilock.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "failing_memory.hpp"
#include "support/cmocka.h"
#include "support/one_server.h"

static constexpr int kWarmUp = 5, kCounts = 4;

static void pair(redilock_client_t *client, int64_t ttl_ms = 30000, int64_t wait_ms = 0) {
  redilock_lock_t *lock = nullptr;
  if (redilock_acquire(client, "lock", 4, ttl_ms, wait_ms, &lock, nullptr, 0) != REDILOCK_OK ||
      redilock_release(lock) != REDILOCK_OK)
    abort();
  redilock_lock_free(lock);
}

static redilock_client_t *warm_client(const std::string &url) {
  redilock_client_t *client = nullptr;
  if (redilock_new(url.c_str(), nullptr, &client, nullptr, 0) != REDILOCK_OK) abort();
  for (int i = 0; i < kWarmUp; ++i) pair(client);
  return client;
}

// A client that has queued keeps a subscription, and its requests name its channel.
static void wait_once(redilock_client_t *client, const std::string &url) {
  redilock_client_t *other = warm_client(url);
  redilock_lock_t *ends = nullptr;
  if (redilock_acquire(other, "lock", 4, 50, 0, &ends, nullptr, 0) != REDILOCK_OK) abort();
  pair(client, 30000, 10000);
  redilock_lock_free(ends);
  redilock_free(other);
  for (int i = 0; i < kWarmUp; ++i) pair(client);
}

// ---------------------------------------------------------------- requests and allocations

static int64_t scripts_so_far() {
  static char stats[1 << 14];
  assert_true(redis_text(server, stats, sizeof stats, "INFO commandstats"));
  const char *found = strstr(stats, "cmdstat_evalsha:calls=");
  return found == nullptr ? 0 : strtoll(strchr(found, '=') + 1, nullptr, 10);
}

static int64_t requests_of_a_pair(redilock_client_t *client) {
  const int64_t before = scripts_so_far();
  pair(client);
  return scripts_so_far() - before;
}

static long allocations_of_a_pair(redilock_client_t *client) {
  failing_memory::start(failing_memory::Plan::kEvery, 1 << 30);
  pair(client);
  failing_memory::stop();
  return failing_memory::get(failing_memory::asked);
}

// ---------------------------------------------------------------- system calls and instructions

// Goes on with a traced process until it stops itself: how often it trapped on the way.
static long traps_until_stop(pid_t pid, __ptrace_request how) {
  for (long traps = 0;; ++traps) {
    int status = 0;
    assert_int_equal(ptrace(how, pid, nullptr, nullptr), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSTOPPED(status));
    if (WSTOPSIG(status) == SIGSTOP) return traps;
  }
}

[[noreturn]] static void stop_around_pairs(const std::string &url, bool waited) {
  redilock_client_t *client = warm_client(url);
  if (waited) wait_once(client, url);
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(77);
  raise(SIGSTOP);
  for (;;) {
    raise(SIGSTOP);
    pair(client);
    raise(SIGSTOP);
  }
}

// What a pair in a new process adds to what it takes to stop. A late reply adds to that too: the
// least of several counts.
static long traps_of_a_pair(const std::string &url, bool waited, __ptrace_request how) {
  const pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) stop_around_pairs(url, waited);
  int status = 0;
  assert_int_equal(waitpid(pid, &status, 0), pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    print_message("skipped: no process may trace another here\n");
    skip();
  }
  long least = LONG_MAX;
  for (int i = 0; i < kCounts; ++i) {
    const long without = traps_until_stop(pid, how);
    least = std::min(least, traps_until_stop(pid, how) - without);
  }
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  return least;
}

// ---------------------------------------------------------------- the bounds

static void within(const char *what, long count, long bound) {
  print_message("%s: %ld, at most %ld\n", what, count, bound);
  assert_in_range(count, 1, bound);
}

struct Cost {
  long system_calls, instructions;
};

static void check(const std::string &url, bool waited, Cost bound) {
  redilock_client_t *client = warm_client(url);
  if (waited) wait_once(client, url);
  within("requests", requests_of_a_pair(client), 2);
  if (LEAKS_ARE_COUNTED) within("allocations", allocations_of_a_pair(client), 8);
  redilock_free(client);
  within("system calls", traps_of_a_pair(url, waited, PTRACE_SYSCALL) / 2, bound.system_calls);
#if defined(__OPTIMIZE__) && LEAKS_ARE_COUNTED
  within("instructions", traps_of_a_pair(url, waited, PTRACE_SINGLESTEP), bound.instructions);
#endif
}

static void by_tcp(void **) { check(server->tcp_url, false, {4, 13300}); }
static void without_a_fence(void **) {
  check(std::string(server->tcp_url) + "?fence=no", false, {4, 12850});
}
static void by_a_unix_socket(void **) { check(server->url, false, {6, 13600}); }
static void after_a_wait(void **) { check(server->tcp_url, true, {4, 13300}); }

static int start(void **) {
  server = redis_start_tcp(nullptr);
  return 0;
}

int main() {
  if (!failing_memory::works()) {
    puts("skipped: allocations cannot be counted here");
    return 77;
  }
  const CMUnitTest tests[] = {
      cmocka_unit_test(by_tcp),
      cmocka_unit_test(without_a_fence),
      cmocka_unit_test(by_a_unix_socket),
      cmocka_unit_test(after_a_wait),
  };
  return cmocka_run_group_tests(tests, start, stop_server);
}
