// Sockets, and how they are dialled by the name of a host. getaddrinfo is this file's own, so that
// names have the addresses that a case wants, or no answer at all.
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>
#include <vector>

#include "../outcome.hpp"
#include "values/duration.hpp"
#include "wire/dialer.hpp"

using redilock::Dialer;
using redilock::Endpoint;
using redilock::Fd;
using redilock::Millis;
using redilock::Socket;
using redilock::system_clock;
using redilock::WaitContext;

static std::vector<sockaddr_in> answers;
static int silent_pipe[2];

extern "C" int getaddrinfo(const char *host, const char *, const addrinfo *hints, addrinfo **out) {
  if ((hints->ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME;
  if (strcmp(host, "unknown") == 0) return EAI_NONAME;
  if (strcmp(host, "silent") == 0) {
    char byte;
    return read(silent_pipe[0], &byte, 1) < 0 ? EAI_SYSTEM : EAI_AGAIN;  // when the test is over
  }
  *out = nullptr;
  for (auto answer = answers.rbegin(); answer != answers.rend(); ++answer) {
    auto *item = static_cast<addrinfo *>(calloc(1, sizeof(addrinfo)));
    item->ai_addr = reinterpret_cast<sockaddr *>(&*answer);
    item->ai_addrlen = sizeof *answer;
    item->ai_family = answer->sin_family;
    item->ai_next = *out;
    *out = item;
  }
  return 0;
}
extern "C" void freeaddrinfo(addrinfo *list) {
  while (list != nullptr) {
    addrinfo *next = list->ai_next;
    free(list);
    list = next;
  }
}

static sockaddr_in address(uint16_t port, sa_family_t family = AF_INET) {
  sockaddr_in local{};
  local.sin_family = family;
  local.sin_port = htons(port);
  local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return local;
}

struct Listener {
  Listener() : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in local = address(0);
    socklen_t length = sizeof local;
    ::bind(fd.get(), reinterpret_cast<sockaddr *>(&local), length);
    ::listen(fd.get(), 4);
    ::getsockname(fd.get(), reinterpret_cast<sockaddr *>(&local), &length);
    port = ntohs(local.sin_port);
  }
  Fd fd;
  uint16_t port = 0;
};

static WaitContext limit(int64_t ms) {
  return {system_clock(), after(system_clock().now(), Millis(ms))};
}

static Socket dial(const Endpoint &endpoint, const WaitContext &how_long) {
  Dialer dialing(endpoint, how_long.clock, how_long.deadline);
  for (;;) {
    if (auto socket = dialing.step()) return std::move(*socket);
    const pollfd wanted = dialing.wanted();
    wait_until_ready(wanted.fd, wanted.events, how_long.until(dialing.next_step()));
  }
}

static Outcome connect_to(const char *host, std::vector<sockaddr_in> found, int64_t ms = 5000) {
  answers = std::move(found);
  return outcome_of([&] {
    Endpoint endpoint;
    endpoint.host = host;
    Socket socket = dial(endpoint, limit(ms));
    return std::string((fcntl(socket.fd(), F_GETFD) & FD_CLOEXEC) != 0 ? "connected" : "inherited");
  });
}

static uint16_t dead_port() { return Listener().port; }

static void every_address_is_tried(void **) {
  const Outcome outcome = outcome_of([] {
    Listener listener;
    const auto good = address(listener.port);
    return std::string(connect_to("name", {good}).text) + ", " +
           connect_to("name", {address(dead_port()), good}).text;
  });
  assert_returns(outcome, "connected, connected");
}

static void address_of_a_family_that_is_not_there_is_passed_over(void **) {
  const Outcome outcome = outcome_of([] {
    Listener listener;
    return std::string(connect_to("name", {address(1, 45), address(listener.port)}).text);
  });
  assert_returns(outcome, "connected");
}

static void last_reason_is_told_where_none_works(void **) {
  assert_throws(connect_to("name", {address(dead_port())}), kUnavailable,
                "cannot connect to name:6379: Connection refused");
}

static void names_that_do_not_resolve_are_unavailable(void **) {
  // The text is of the C library.
  const std::string unknown =
      std::string("cannot resolve unknown:6379: ") + gai_strerror(EAI_NONAME);
  assert_throws(connect_to("unknown", {}), kUnavailable, unknown.c_str());
  assert_throws(connect_to("name", {}), kUnavailable,
                "cannot resolve name:6379: it has no address");
  assert_throws(connect_to("silent", {}, 20), kUnavailable,
                "cannot resolve silent:6379: no answer in time");
}

static void path_that_is_too_long_is_invalid(void **) {
  assert_throws(outcome_of([] {
                  Endpoint endpoint;
                  endpoint.socket_path = std::string(108, 'x');
                  dial(endpoint, limit(1000));
                  return std::string();
                }),
                kInvalid, "url: the socket's path is too long");
}

// What happens on a connection whose other end is `peer`.
template <class Code>
static Outcome connected(const Code &code) {
  return outcome_of([&] {
    Listener listener;
    answers = {address(listener.port)};
    Endpoint endpoint;
    endpoint.host = "name";
    Socket socket = dial(endpoint, limit(5000));
    Fd peer(::accept(listener.fd.get(), nullptr, nullptr));
    return code(socket, peer);
  });
}

static void what_does_not_fit_is_sent_in_portions(void **) {
  assert_returns(connected([](Socket &socket, Fd &peer) {
                   constexpr size_t kSize = 1u << 20;
                   size_t got = 0;
                   std::thread reader([&] {
                     std::vector<char> buffer(65536);
                     while (got < kSize) {
                       ssize_t count = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
                       if (count <= 0) return;
                       got += static_cast<size_t>(count);
                     }
                   });
                   const int small = 1;
                   ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
                   socket.send(std::string(kSize, 'x'), limit(10000));
                   reader.join();
                   return std::to_string(got);
                 }),
                 "1048576");
}

static void peer_that_reads_nothing_ends_by_the_deadline(void **) {
  assert_throws(connected([](Socket &socket, Fd &) {
                  for (;;) socket.send(std::string(1 << 20, 'x'), limit(30));
                  return std::string();
                }),
                kUnavailable, "send timed out");
}

static void peer_that_says_nothing_ends_by_the_deadline(void **) {
  assert_throws(connected([](Socket &socket, Fd &) {
                  char buffer[8];
                  socket.receive(buffer, sizeof buffer, limit(30));
                  return std::string();
                }),
                kUnavailable, "the server did not answer in time");
}

static void peer_that_is_gone_is_noticed_without_a_signal(void **) {
  assert_throws(connected([](Socket &socket, Fd &peer) {
                  peer.reset();
                  char buffer[8];
                  socket.receive(buffer, sizeof buffer, limit(5000));
                  return std::string();
                }),
                kUnavailable, "the server closed the connection");
  const Outcome sending = connected([](Socket &socket, Fd &peer) {
    peer.reset();
    for (;;) socket.send("x", limit(5000));
    return std::string();
  });
  assert_int_equal(sending.status, static_cast<int32_t>(redilock::Status::kUnavailable));
  assert_true(sending.has("cannot send: "));
}

static void receive_now_does_not_wait(void **) {
  assert_returns(connected([](Socket &socket, Fd &peer) {
                   char buffer[8];
                   std::string told = std::to_string(socket.receive_now(buffer, sizeof buffer));
                   ::send(peer.get(), "abc", 3, 0);
                   told += " " + std::to_string(socket.receive(buffer, sizeof buffer, limit(5000)));
                   return told + " " + std::string(buffer, 3);
                 }),
                 "0 3 abc");
}

static int open_silence(void **) { return pipe(silent_pipe); }

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_address_is_tried),
      cmocka_unit_test(address_of_a_family_that_is_not_there_is_passed_over),
      cmocka_unit_test(last_reason_is_told_where_none_works),
      cmocka_unit_test(names_that_do_not_resolve_are_unavailable),
      cmocka_unit_test(path_that_is_too_long_is_invalid),
      cmocka_unit_test(what_does_not_fit_is_sent_in_portions),
      cmocka_unit_test(peer_that_reads_nothing_ends_by_the_deadline),
      cmocka_unit_test(peer_that_says_nothing_ends_by_the_deadline),
      cmocka_unit_test(peer_that_is_gone_is_noticed_without_a_signal),
      cmocka_unit_test(receive_now_does_not_wait),
  };
  return cmocka_run_group_tests(tests, open_silence, nullptr);
}
