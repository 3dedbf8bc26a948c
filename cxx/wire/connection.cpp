#include "wire/connection.hpp"

#include <algorithm>
#include <charconv>

#include "values/name.hpp"
#include "values/status.hpp"
#include "values/text.hpp"

namespace redilock {

namespace {

constexpr size_t kReadSize = 16384;
constexpr size_t kLongestWords = 300;  // of the server, in a message
constexpr int kMostReads = 4;

constexpr size_t kFrame = 24;  // "$", a length of up to 20 digits, "\r\n"

char *put(char *at, std::string_view text) { return std::copy(text.begin(), text.end(), at); }

char *put_length(char *at, char type, size_t length) {
  *at++ = type;
  return put(std::to_chars(at, at + kFrame, length).ptr, "\r\n");
}

bool starts_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> heads) {
  for (auto head : heads)
    if (starts_with(text, head)) return true;
  return false;
}

// Before 7.0, what a command in a script says comes as "ERR Error running script (call to f_...):
// @user_script:6: @user_script: 6: -OOM command not allowed".
std::string_view without_script_frame(std::string_view text) {
  constexpr std::string_view kPlace = "@user_script:", kBehind = ": ";
  const size_t place = text.rfind(kPlace);
  if (!starts_with(text, "ERR Error running script") || place == text.npos) return text;
  const size_t end = text.find(kBehind, place + kPlace.size());
  if (end == text.npos) return text;
  text.remove_prefix(end + kBehind.size());
  if (starts_with(text, "-")) text.remove_prefix(1);
  return text;
}

// Whoever knows the digits of a token can release its lock. One may be cut short, by the server or
// by us.
void hide_tokens(std::string &text) {
  constexpr size_t kTold = 8;
  for (size_t at = text.find(kReserved); at != text.npos; at = text.find(kReserved, at)) {
    at += kReserved.size();
    const size_t end = std::min(text.find_first_not_of("0123456789abcdef", at), text.size());
    if (end - at > kTold) std::fill(text.begin() + at, text.begin() + end, '*');
  }
}

// Piece by piece: a hostile server may repeat it a million times.
std::string without(std::string_view secret, const std::string &text) {
  if (secret.empty()) return text;
  std::string rest;
  size_t from = 0;
  for (size_t at = text.find(secret); at != text.npos; at = text.find(secret, from)) {
    rest.append(text, from, at - from).append("*");
    from = at + secret.size();
  }
  return rest.append(text, from);
}

// What a server said, fit for a message. Some errors repeat the arguments of the command, and what
// stands between may add more of them; a hostile one may say anything at any length.
std::string quoted(const std::string &said, std::string_view secret) {
  std::string text = without(secret, said.substr(0, said.find(", with args beginning")));
  hide_tokens(text);
  return shown(text, kLongestWords);
}

}  // namespace

// hiredis formats by sprintf, word for word: half of all instructions of a lock and its release.
void frame(const Command &words, size_t announced, std::string &bytes) {
  const size_t begin = bytes.size();
  size_t most = begin + kFrame;
  for (auto word : words) most += kFrame + word.size() + 2;
  bytes.resize(most);
  char *end = bytes.data() + begin;
  if (announced > 0) end = put_length(end, '*', announced);
  for (auto word : words) end = put(put(put_length(end, '$', word.size()), word), "\r\n");
  bytes.resize(static_cast<size_t>(end - bytes.data()));
}

bool is_noscript(const Reply &reply) {
  return reply.is_error() && starts_with(reply.text(), "NOSCRIPT");
}

bool passes_soon(const Reply &reply) {
  return reply.is_error() && one_of(without_script_frame(reply.text()),
                                    {"LOADING", "BUSY ", "MASTERDOWN", "TRYAGAIN", "READONLY"});
}

bool is_of_replica(const Reply &reply) {
  return reply.is_error() && one_of(without_script_frame(reply.text()), {"READONLY", "MASTERDOWN"});
}

Error server_error(const std::string &said, std::string_view secret) {
  const std::string text(without_script_frame(said));
  const std::string words = "the server says: " + quoted(text, secret);
  if (one_of(text, {"NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password", "ERR AUTH",
                    "ERR Client sent AUTH", "ERR wrong number of arguments for 'auth'"}))
    return Error(Status::kAuth, words);
  if (text.find("NOPERM") != std::string::npos || text.find("ACL failure") != std::string::npos ||
      text.find("The user executing the script can't") != std::string::npos)
    return Error(Status::kAuth, words);
  if (one_of(text, {"MOVED", "ASK ", "CROSSSLOT", "CLUSTERDOWN"}))
    return Error(Status::kUnsupported, "the server is part of a cluster, which is not supported");
  bool may_pass =
      one_of(text, {"LOADING", "BUSY", "READONLY", "MISCONF", "NOREPLICAS", "MASTERDOWN",
                    "TRYAGAIN", "OOM", "UNBLOCKED", "ERR max number of clients"});
  return Error(Status::kServer, words, may_pass);
}

Error surplus_reply() { return {Status::kProtocol, "the server said more than it was asked for"}; }

void throw_server_error(const std::string &text) { throw server_error(text); }

void Connection::learn_id(const Reply &reply, std::string_view secret, Instant now) {
  if (reply.is_error()) {
    const Error error = server_error(reply.text(), secret);
    if (error.retriable() || one_of(reply.text(), {"NOAUTH"})) throw Error(error);
    return;
  }
  id_ = reply.integer();
  known_at_ = now;
  if (id_ <= 0) throw Error(Status::kProtocol, "the server does not answer CLIENT ID as it should");
}

void Connection::send(const Command &command, const Limit &limit) {
  request_.clear();
  frame(command, command.size(), request_);
  socket_.send(request_, limit);
}

Reply Connection::receive(const Limit &limit) {
  for (;;) {
    if (auto reply = reader_.next()) return std::move(*reply);
    char buffer[kReadSize];
    size_t count = socket_.receive(buffer, sizeof buffer, limit);
    reader_.feed(buffer, count);
  }
}

Reply Connection::call(const Command &command, const Limit &limit) {
  if (has_more()) throw surplus_reply();
  send(command, limit);
  return receive(limit);
}

std::optional<Reply> Connection::next_now() {
  if (auto reply = reader_.next()) return reply;
  char buffer[kReadSize];
  reader_.feed(buffer, socket_.receive_now(buffer, sizeof buffer));
  return reader_.next();
}

void Connection::receive_now(std::vector<Reply> &replies) {
  char buffer[kReadSize];
  size_t count = sizeof buffer;
  // A buffer that was not filled has taken all there was; a server that never ceases is left to the
  // next call.
  for (int reads = 0; reads < kMostReads && count == sizeof buffer; ++reads) {
    count = socket_.receive_now(buffer, sizeof buffer);
    reader_.feed(buffer, count);
    while (auto reply = reader_.next()) replies.push_back(std::move(*reply));
  }
}

}  // namespace redilock
