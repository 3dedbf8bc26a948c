// A server on a unix socket that says what a test wrote down: for each connection in turn, one
// reply to each command. It notes the commands that it was sent. HELLO is answered as Redis 7.0.15
// does, unless a test has other replies to it, and is not noted. An integer as the reply to CLIENT
// INFO stands for the line of a connection with this id.
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

  static constexpr const char *kHello =
      "*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n"
      "$4\r\nmode\r\n$10\r\nstandalone\r\n";

  explicit FakeServer(Connections connections, std::string hello = kHello)
      : connections_(std::move(connections)), hello_(std::move(hello)) {
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
  // "connection number:first word" of each command so far, one after the other.
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
      std::vector<std::string> command = next_command(peer, reader);
      while (!command.empty() && command[0] == "HELLO") {
        say(peer, hello_);
        command = next_command(peer, reader);
      }
      if (command.empty()) break;
      note(number, command);
      if (reply == kClose) break;
      say(peer, is_client_info(command) ? client_info(reply) : reply);
    }
    ::redisReaderFree(reader);
  }
  // Its words; none at the end of the connection or of the test.
  std::vector<std::string> next_command(const redilock::Fd &peer, redisReader *reader) {
    void *raw = nullptr;
    while (::redisReaderGetReply(reader, &raw) == REDIS_OK && raw == nullptr &&
           readable(peer.get())) {
      char bytes[4096];
      const ssize_t count = ::recv(peer.get(), bytes, sizeof bytes, MSG_DONTWAIT);
      if (count == 0) break;
      if (count > 0) ::redisReaderFeed(reader, bytes, static_cast<size_t>(count));
    }
    if (raw == nullptr) return {};
    auto *command = static_cast<redisReply *>(raw);
    std::vector<std::string> words;
    for (size_t i = 0; i < command->elements; ++i) words.emplace_back(command->element[i]->str);
    ::freeReplyObject(command);
    return words;
  }
  static bool is_client_info(const std::vector<std::string> &command) {
    return command.size() == 2 && command[0] == "CLIENT" && command[1] == "INFO";
  }
  // Of the reply ":7\r\n": the line of the connection with the id 7.
  static std::string client_info(const std::string &reply) {
    const size_t end = reply.find("\r\n");
    if (reply[0] != ':' || end == reply.npos) return reply;
    const std::string id = reply.substr(1, end - 1);
    const std::string line = "id=" + id + " addr=10.0.0.1:" + id + " laddr=10.0.0.2:6379 fd=8\n";
    return "$" + std::to_string(line.size()) + "\r\n" + line + reply.substr(end);
  }
  static void say(const redilock::Fd &peer, const std::string &reply) {
    if (reply != kSilent) ::send(peer.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
  }
  // Of CLIENT all words, of others the first one.
  void note(size_t number, const std::vector<std::string> &command) {
    std::lock_guard lock(mutex_);
    commands_ += (commands_.empty() ? "" : ", ") + std::to_string(number) + ":" + command[0];
    for (size_t i = 1; i < command.size() && command[0] == "CLIENT"; ++i)
      commands_ += " " + command[i];
  }

  const Connections connections_;
  const std::string hello_;
  std::string folder_, path_, commands_;
  redilock::Fd listener_;
  int stop_[2] = {-1, -1};
  std::mutex mutex_;
  std::thread thread_;
};
