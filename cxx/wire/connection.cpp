#include "wire/connection.hpp"

#include <hiredis/hiredis.h>

#include <array>
#include <new>

#include "values/status.hpp"

namespace redilock {

namespace {

constexpr size_t kReadSize = 16384;

class Formatted {
 public:
  explicit Formatted(const Command &command) {
    std::array<const char *, 16> words{};
    std::array<size_t, 16> lengths{};
    for (size_t i = 0; i < command.size(); ++i) {
      words.at(i) = command[i].data();
      lengths.at(i) = command[i].size();
    }
    length_ = ::redisFormatCommandArgv(&bytes_, static_cast<int>(command.size()), words.data(),
                                       lengths.data());
    if (length_ < 0) throw std::bad_alloc();
  }
  ~Formatted() { ::redisFreeCommand(bytes_); }
  Formatted(const Formatted &) = delete;
  Formatted &operator=(const Formatted &) = delete;

  std::string_view view() const { return {bytes_, static_cast<size_t>(length_)}; }

 private:
  char *bytes_ = nullptr;
  long long length_ = 0;
};

bool starts_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> heads) {
  for (auto head : heads)
    if (starts_with(text, head)) return true;
  return false;
}

}  // namespace

Error server_error(const std::string &text) {
  // Some errors repeat the arguments of the command, a password or token among them.
  std::string words = "the server says: " + text.substr(0, text.find(", with args beginning"));
  if (one_of(text, {"NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password", "ERR AUTH",
                    "ERR Client sent AUTH", "ERR wrong number of arguments for 'auth'"}))
    return Error(Status::kAuth, words);
  if (text.find("NOPERM") != std::string::npos || text.find("ACL failure") != std::string::npos ||
      text.find("can't run this command") != std::string::npos)
    return Error(Status::kAuth, words);
  if (one_of(text, {"MOVED", "ASK ", "CROSSSLOT", "CLUSTERDOWN"}))
    return Error(Status::kUnsupported, "the server is part of a cluster, which is not supported");
  bool may_pass = one_of(text, {"LOADING", "BUSY", "READONLY", "MISCONF", "NOREPLICAS", "MASTERDOWN",
                                "TRYAGAIN", "OOM", "UNBLOCKED", "ERR max number of clients"});
  return Error(Status::kServer, words, may_pass);
}

void throw_server_error(const std::string &text) { throw server_error(text); }

std::unique_ptr<Connection> Connection::open(const Endpoint &endpoint,
                                             const Credentials &credentials, const Limit &limit) {
  std::unique_ptr<Connection> connection(
      new Connection(Socket::connect(endpoint, limit)));  // NOLINT: its constructor is private
  connection->greet(credentials, limit);
  return connection;
}

void Connection::greet(const Credentials &credentials, const Limit &limit) {
  const bool auth = !credentials.password.empty(), select = credentials.db != 0;
  const std::string db = std::to_string(credentials.db);
  if (auth && credentials.username.empty()) send({"AUTH", credentials.password}, limit);
  if (auth && !credentials.username.empty())
    send({"AUTH", credentials.username, credentials.password}, limit);
  if (select) send({"SELECT", db}, limit);
  send({"CLIENT", "ID"}, limit);

  for (int i = 0; i < int{auth} + int{select}; ++i) {
    Reply reply = receive(limit);
    if (reply.is_error()) throw_server_error(reply.text());
  }
  Reply id = receive(limit);
  if (id.kind() == Reply::Kind::kInteger) id_ = id.integer();
  if (id.is_error() && starts_with(id.text(), "NOAUTH")) throw_server_error(id.text());
  if (id.is_error() && starts_with(id.text(), "LOADING")) throw_server_error(id.text());
}

void Connection::send(const Command &command, const Limit &limit) {
  socket_.send(Formatted(command).view(), limit);
}

Reply Connection::receive(const Limit &limit) {
  for (;;) {
    if (auto reply = reader_.next()) return std::move(*reply);
    char buffer[kReadSize];
    size_t count = socket_.receive(buffer, sizeof buffer, limit);
    reader_.feed(buffer, count);
  }
}

std::optional<Reply> Connection::receive_now() {
  for (;;) {
    if (auto reply = reader_.next()) return reply;
    char buffer[kReadSize];
    size_t count = socket_.receive_now(buffer, sizeof buffer);
    if (count == 0) return std::nullopt;
    reader_.feed(buffer, count);
  }
}

}  // namespace redilock
