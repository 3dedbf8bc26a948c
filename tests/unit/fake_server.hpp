// A server on a unix socket that says what a test wrote down: for each connection in turn, one
// reply to each command. It notes the commands it was sent.
#pragma once

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "wire/fd.hpp"

class FakeServer {
 public:
  using Connections = std::vector<std::vector<std::string>>;
  static constexpr const char *kClose = "close";    // instead of a reply
  static constexpr const char *kSilent = "silent";  // no reply, and the connection stays

  explicit FakeServer(Connections connections) : connections_(std::move(connections)) {
    char folder[] = "/tmp/redilock-fake-XXXXXX";
    if (::mkdtemp(folder) == nullptr) std::abort();
    folder_ = folder;
    path_ = folder_ + "/s";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = redilock::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 16) != 0 || ::pipe(stop_) != 0)
      std::abort();
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    ::close(stop_[1]);
    thread_.join();
    ::close(stop_[0]);
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }

  const std::string &path() const { return path_; }
  // "connection number:first two words" of each command so far, one after the other.
  std::string commands() {
    std::lock_guard lock(mutex_);
    return commands_;
  }

 private:
  bool readable(int fd) {
    pollfd polled[2] = {{fd, POLLIN, 0}, {stop_[0], POLLIN, 0}};
    while (::poll(polled, 2, -1) < 0) {
    }
    return polled[1].revents == 0;
  }
  void serve() {
    std::vector<redilock::Fd> open;  // silent ones stay until the end
    for (size_t i = 0; i < connections_.size() && readable(listener_.get()); ++i) {
      redilock::Fd peer(::accept(listener_.get(), nullptr, nullptr));
      converse(peer, i);
      if (connections_[i].empty() || connections_[i].back() != kClose)
        open.push_back(std::move(peer));
    }
    readable(-1);
  }
  void converse(const redilock::Fd &peer, size_t number) {
    redisReader *reader = ::redisReaderCreate();
    for (const std::string &reply : connections_[number]) {
      void *command = nullptr;
      while (::redisReaderGetReply(reader, &command) == REDIS_OK && command == nullptr &&
             readable(peer.get())) {
        char bytes[4096];
        const ssize_t count = ::recv(peer.get(), bytes, sizeof bytes, MSG_DONTWAIT);
        if (count == 0) break;
        if (count > 0) ::redisReaderFeed(reader, bytes, static_cast<size_t>(count));
      }
      if (command == nullptr) break;
      note(number, static_cast<redisReply *>(command));
      ::freeReplyObject(command);
      if (reply == kClose) break;
      if (reply != kSilent) ::send(peer.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
    }
    ::redisReaderFree(reader);
  }
  void note(size_t number, const redisReply *command) {
    std::lock_guard lock(mutex_);
    commands_ += (commands_.empty() ? "" : ", ") + std::to_string(number) + ":";
    commands_ += command->element[0]->str;
    if (command->elements > 1 && std::string(command->element[0]->str) == "CLIENT") {
      commands_ += std::string(" ") + command->element[1]->str;
      if (command->elements > 3) commands_ += std::string(" ") + command->element[3]->str;
    }
  }

  const Connections connections_;
  std::string folder_, path_, commands_;
  redilock::Fd listener_;
  int stop_[2] = {-1, -1};
  std::mutex mutex_;
  std::thread thread_;
};
