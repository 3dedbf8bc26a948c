#include "wire/connection.hpp"

#include <algorithm>

#include "values/text.hpp"
#include "wire/error_reply.hpp"
#include "wire/frame.hpp"

namespace redilock {

namespace {

// On the stack, of which some threads have little.
constexpr size_t kReadSize = 4096;
constexpr size_t kGreetingSize = 512;
constexpr size_t kFirstBytes = 256;
constexpr int kMaxReads = 4;

// The number in bytes that are exactly one reply ":<number>\r\n", as most replies are; they need no
// reader. Nothing for any other bytes, and for a form of the number that the reader judges.
std::optional<int64_t> whole_number(std::string_view bytes) {
  constexpr size_t kShortest = 4;  // ":0\r\n"
  if (bytes.size() < kShortest || bytes.front() != ':') return std::nullopt;
  if (bytes.substr(bytes.size() - 2) != "\r\n") return std::nullopt;
  const std::string_view digits = bytes.substr(1, bytes.size() - 3);
  if (digits.front() == '0' && digits.size() > 1) return std::nullopt;
  return parse_digits(digits);
}

}  // namespace

void Connection::learn(const Greeting &greeting, Instant now) {
  client_ = greeting.client();
  server_ = greeting.server();
  known_at_ = now;
  first_bytes_ = {};  // and its memory
}

void Connection::send(const Command &command, const WaitContext &limit) {
  request_.clear();
  frame(command, command.size(), request_);
  const size_t sent = socket_.send_now(request_);
  ++unanswered_;  // also where the rest cannot be sent
  if (sent < request_.size()) socket_.send(std::string_view(request_).substr(sent), limit);
}

Reply Connection::receive(const WaitContext &limit) {
  for (;;) {
    std::optional<Reply> reply;
    if (reader_.has_more()) reply = reader_.next();
    if (!reply) {
      char buffer[kReadSize];
      const size_t count = socket_.receive(buffer, sizeof buffer, limit);
      const auto number = reader_.has_more() ? std::nullopt : whole_number({buffer, count});
      if (number)
        reply = Reply::of_integer(*number);
      else
        reader_.feed(buffer, count);
    }
    if (!reply) continue;
    --unanswered_;
    return std::move(*reply);
  }
}

Reply Connection::call(const Command &command, const WaitContext &limit) {
  if (has_more()) throw unexpected_reply();
  send(command, limit);
  return receive(limit);
}

std::vector<Reply> Connection::call_all(const std::vector<Command> &commands,
                                        const WaitContext &limit) {
  if (has_more()) throw unexpected_reply();
  request_.clear();
  for (const Command &command : commands) frame(command, command.size(), request_);
  unanswered_ += static_cast<int>(commands.size());
  socket_.send(request_, limit);
  std::vector<Reply> replies;
  while (replies.size() < commands.size()) replies.push_back(receive(limit));
  return replies;
}

std::optional<Reply> Connection::next_now() {
  if (auto reply = reader_.next()) return reply;
  char buffer[kGreetingSize];
  const size_t count = socket_.receive_now(buffer, sizeof buffer);
  const bool is_greeting = known_at_ == Instant();
  if (is_greeting) first_bytes_.append(buffer, std::min(count, kFirstBytes - first_bytes_.size()));
  reader_.feed(buffer, count);
  return reader_.next();
}

void Connection::receive_now(std::vector<Reply> &replies) {
  char buffer[kReadSize];
  size_t count = sizeof buffer;
  // A buffer that was not filled has taken all there was; the rest of what a server sends without
  // end is left to the next call.
  for (int reads = 0; reads < kMaxReads && count == sizeof buffer; ++reads) {
    count = socket_.receive_now(buffer, sizeof buffer);
    reader_.feed(buffer, count);
    while (auto reply = reader_.next()) replies.push_back(std::move(*reply));
  }
}

void Connection::check_fence(std::string_view key, const Reply &reply) {
  ++unanswered_;  // where the reply belongs to another request, the answer is still to come
  fences_.check(key, reply);
  --unanswered_;
}

}  // namespace redilock
