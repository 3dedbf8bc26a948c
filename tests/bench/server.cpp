// The server's own log says when it is ready; a port that was taken meanwhile is given up for
// another.
#include "bench/server.hpp"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "../../cli/bench_pair.hpp"
#include "../../cli/bench_processes.hpp"
#include "../../cli/command.hpp"

namespace bench {
namespace {

constexpr int kAttempts = 5;
constexpr int64_t kStartNs = INT64_C(10000000000);

[[noreturn]] void fail(const std::string &what) { throw cli::Failure(cli::kExitInternal, what); }

int unused_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool bound = bind(fd, reinterpret_cast<sockaddr *>(&address), length) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr *>(&address), &length) == 0;
  close(fd);
  if (!bound) fail("no TCP port on loopback");
  return ntohs(address.sin_port);
}

}  // namespace

Reply ask(const Context &context, std::initializer_list<std::string> words) {
  std::vector<const char *> texts;
  std::vector<size_t> lengths;
  for (const std::string &word : words) {
    texts.push_back(word.data());
    lengths.push_back(word.size());
  }
  Reply reply(static_cast<redisReply *>(redisCommandArgv(
      context.get(), static_cast<int>(texts.size()), texts.data(), lengths.data())));
  if (!reply) fail(std::string("the server: ") + context->errstr);
  if (reply->type == REDIS_REPLY_ERROR) fail(std::string("the server: ") + reply->str);
  return reply;
}

CommandStats operator-(CommandStats later, const CommandStats &earlier) {
  for (const auto &[name, calls] : earlier) {
    later[name].calls -= calls.calls;
    later[name].us -= calls.us;
  }
  return later;
}

Server::Server() {
  char folder[] = "/tmp/redilock-bench.XXXXXX";
  if (mkdtemp(folder) == nullptr) fail("no folder below /tmp");
  folder_ = folder;
  try {
    start();
  } catch (...) {
    end();
    throw;
  }
}

Server::~Server() { end(); }

void Server::start() {
  for (int i = 0; i < kAttempts; ++i) {
    port_ = unused_port();
    const std::string port = std::to_string(port_), socket = folder_ + "/redis.sock",
                      log = folder_ + "/redis.log";
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", port.c_str(),
             "--unixsocket", socket.c_str(), "--save", "", "--appendonly", "no", "--daemonize",
             "no", "--dir", folder_.c_str(), "--logfile", log.c_str(), nullptr);
      _exit(127);
    }
    if (pid_ > 0 && await_ready()) return;
    if (pid_ > 0) kill(pid_, SIGKILL), waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  fail("redis-server does not start");
}

bool Server::await_ready() const {
  const int64_t end = cli::monotonic_ns() + kStartNs;
  while (cli::monotonic_ns() < end && waitpid(pid_, nullptr, WNOHANG) == 0) {
    const Context context(redisConnectUnix((folder_ + "/redis.sock").c_str()));
    if (context && context->err == 0) return connect(true) != nullptr;
    cli::sleep_us(2000);
  }
  return false;
}

void Server::end() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  unlink((folder_ + "/redis.sock").c_str());
  unlink((folder_ + "/redis.log").c_str());
  rmdir(folder_.c_str());
}

std::string Server::url(bool tcp) const {
  return tcp ? "redis://127.0.0.1:" + std::to_string(port_) : "unix://" + folder_ + "/redis.sock";
}

Context Server::connect(bool tcp) const {
  Context context(tcp ? redisConnect("127.0.0.1", port_)
                      : redisConnectUnix((folder_ + "/redis.sock").c_str()));
  if (!context || context->err != 0) fail("cannot connect to the server");
  return context;
}

// Lines as "cmdstat_set:calls=2,usec=10,usec_per_call=5.00,...".
CommandStats Server::stats() const {
  const Reply reply = ask(connect(false), {"INFO", "commandstats"});
  std::istringstream lines(std::string(reply->str, reply->len));
  CommandStats stats;
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (line.rfind("cmdstat_", 0) != 0 || colon == line.npos) continue;
    unsigned long long calls = 0, us = 0;
    std::sscanf(line.c_str() + colon, ":calls=%llu,usec=%llu", &calls, &us);
    stats[line.substr(8, colon - 8)] = {static_cast<double>(calls), static_cast<double>(us)};
  }
  return stats;
}

}  // namespace bench
