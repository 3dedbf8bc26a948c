// Starts redis-server in the foreground and reads its log until it says that it is ready: no
// polling of the socket, no sleeping.
#include "private_server.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "command.hpp"
#include "process.hpp"

namespace cli {
namespace {

constexpr std::chrono::seconds kStartLimit{10};

[[noreturn]] void fail(const std::string &what) {
  throw Failure(kExitInternal, what + ": " + std::strerror(errno));
}

// A path as a url may hold it; TMPDIR can be any text.
std::string percent_encoded(const std::string &path) {
  static const char kPlain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";
  std::string out;
  for (const char c : path) {
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned char>(c));
    out += std::strchr(kPlain, c) != nullptr ? std::string(1, c) : std::string(code);
  }
  return out;
}

}  // namespace

PrivateFolder::PrivateFolder() {
  const char *base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr && *base == '/' ? base : "/tmp") + "/redilock.XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) fail(path_);
}

PrivateFolder::~PrivateFolder() {
  DIR *folder = opendir(path_.c_str());
  if (folder == nullptr) return;
  while (const dirent *entry = readdir(folder)) {
    if (entry->d_name[0] != '.') unlinkat(dirfd(folder), entry->d_name, 0);
  }
  closedir(folder);
  rmdir(path_.c_str());
}

PrivateServer::PrivateServer(const PrivateFolder &folder, const Signals &signals) {
  const std::string socket = folder.file("redis.sock");
  url_ = "unix://" + percent_encoded(socket);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  log_ = Fd(ends[0]);
  const Fd log_end(ends[1]);
  ProcessSpec spec;
  spec.argv = {"redis-server", "--port",      "0",  "--unixsocket",
               socket,         "--save",      "",   "--appendonly",
               "no",           "--daemonize", "no", "--dir",
               folder.path(),  "--logfile",   ""};
  spec.death_signal = SIGTERM;
  spec.stdout_fd = log_end.get();
  spec.own_group = true;
  try {
    pid_ = start_process(spec, signals);
  } catch (const Failure &failure) {
    if (failure.code() != kExitNotFound) throw;
    throw Failure(
        kExitNotFound,
        "redis-server was not found; on Debian and Ubuntu it is in the package redis-server");
  }
  try {
    await_ready();
  } catch (...) {
    end();
    throw;
  }
}

PrivateServer::~PrivateServer() { end(); }

void PrivateServer::end() const {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

void PrivateServer::await_ready() const {
  const auto limit = std::chrono::steady_clock::now() + kStartLimit;
  std::string log;
  // "Ready to accept connections", and "The server is now ready to accept connections at ...".
  while (log.find("eady to accept connections") == std::string::npos) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now());
    pollfd polled = {log_.get(), POLLIN, 0};
    const bool late = left.count() <= 0 || poll(&polled, 1, static_cast<int>(left.count())) == 0;
    char buffer[4096];
    const ssize_t got = late ? 0 : read(log_.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw Failure(kExitInternal, "redis-server does not start:\n" + log);
    log.append(buffer, static_cast<size_t>(got));
  }
}

}  // namespace cli
