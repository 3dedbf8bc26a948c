// Look-ups that several wait for. getaddrinfo is this file's own: it answers when a test lets it.
#include "wire/resolver.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "../outcome.hpp"

using redilock::Endpoint;
using redilock::Resolution;

static constexpr int kPatienceMs = 10000;

static pid_t parent;
static int gate[2];  // open once its writing end is closed
static std::atomic<int> look_ups{0};

extern "C" int getaddrinfo(const char *, const char *port, const addrinfo *hints, addrinfo **out) {
  if ((hints->ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME;
  ++look_ups;
  char byte;
  if (getpid() == parent && read(gate[0], &byte, 1) != 0) return EAI_SYSTEM;
  auto *address = static_cast<sockaddr_in *>(calloc(1, sizeof(sockaddr_in)));
  address->sin_family = AF_INET;
  address->sin_port = htons(static_cast<uint16_t>(atoi(port)));
  *out = static_cast<addrinfo *>(calloc(1, sizeof(addrinfo)));
  (*out)->ai_addr = reinterpret_cast<sockaddr *>(address);
  (*out)->ai_addrlen = sizeof *address;
  return 0;
}
extern "C" void freeaddrinfo(addrinfo *list) {
  free(list->ai_addr);
  free(list);
}

static int close_gate(void **) {
  parent = getpid();
  look_ups = 0;
  return pipe(gate);
}
static void open_gate() { close(gate[1]); }
static int remove_gate(void **) { return close(gate[0]); }

static Endpoint endpoint(const char *host, uint16_t port = 6379) {
  Endpoint one;
  one.host = host;
  one.port = port;
  return one;
}

// The port of the one address, once it is known.
static std::string told(Resolution &resolving) {
  pollfd polled{resolving.fd(), POLLIN, 0};
  if (poll(&polled, 1, kPatienceMs) != 1) return "late";
  const auto found = resolving.addresses();
  if (found.size() != 1) return std::to_string(found.size()) + " addresses";
  return std::to_string(ntohs(reinterpret_cast<const sockaddr_in &>(found[0].storage).sin_port));
}

static void all_who_ask_meanwhile_share_one_look_up(void **) {
  const Outcome outcome = outcome_of([] {
    std::deque<Resolution> all;
    for (int i = 0; i < 5; ++i) all.emplace_back(endpoint("name"));
    for (int i = 0; i < 100; ++i) Resolution given_up(endpoint("name"));
    std::string text = all[0].addresses().empty() ? "waiting" : "early";
    open_gate();
    for (Resolution &one : all) text += " " + told(one);
    return text + ", " + std::to_string(look_ups) + " look-up";
  });
  assert_returns(outcome, "waiting 6379 6379 6379 6379 6379, 1 look-up");
}

static void others_are_looked_up_apart(void **) {
  const Outcome outcome = outcome_of([] {
    Resolution one(endpoint("name")), port(endpoint("name", 7)), name(endpoint("other"));
    open_gate();
    const std::string text = told(one) + " " + told(port) + " " + told(name);
    return text + ", " + std::to_string(look_ups);
  });
  assert_returns(outcome, "6379 7 6379, 3");
}

static void what_is_known_is_looked_up_anew(void **) {
  open_gate();
  const Outcome outcome = outcome_of([] {
    std::string text;
    for (int i = 0; i < 3; ++i) {
      Resolution one(endpoint("name"));
      text += told(one) + " ";
    }
    return text + std::to_string(look_ups);
  });
  assert_returns(outcome, "6379 6379 6379 3");
}

// The parent's thread, which would tell, does not exist there.
static void child_of_a_fork_waits_for_no_look_up_of_its_parent(void **) {
#ifdef __SANITIZE_THREAD__
  skip();  // it allows no thread after a fork
#endif
  if (std::getenv("REDILOCK_TEST_EMULATED") != nullptr) {
    std::puts("skipped: qemu-user fails where a child of a fork starts a thread");
    std::fflush(stdout);
    skip();
  }
  const Outcome outcome = outcome_of([] {
    Resolution in_parent(endpoint("name"));
    const pid_t child = fork();
    if (child == 0) {
      Resolution own(endpoint("name"));
      _exit(told(own) == "6379" ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    open_gate();
    return std::to_string(status) + " " + told(in_parent);
  });
  assert_returns(outcome, "0 6379");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, close_gate, remove_gate)

int main() {
  const CMUnitTest tests[] = {
      CASE(all_who_ask_meanwhile_share_one_look_up),
      CASE(others_are_looked_up_apart),
      CASE(what_is_known_is_looked_up_anew),
      CASE(child_of_a_fork_waits_for_no_look_up_of_its_parent),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
