#include "peer.hpp"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "check.hpp"
#include "lock/push.hpp"
#include "lock/validity.hpp"
#include "scripts/embedded.hpp"
#include "values/name.hpp"
#include "values/text.hpp"
#include "wire/fd.hpp"

// What the calls are without the peer; the linker knows them by these names.
extern "C" {
int __real_connect(int fd, const struct sockaddr *address, socklen_t length);
ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
int __real_ppoll(pollfd *fds, nfds_t count, const timespec *left, const sigset_t *mask);
}

namespace redilock::fuzz {

namespace {

Peer *the_peer = nullptr;

std::string integer(int64_t number) { return ":" + std::to_string(number) + "\r\n"; }

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string list(std::initializer_list<std::string> items) {
  std::string bytes = "*" + std::to_string(items.size()) + "\r\n";
  for (const std::string &item : items) bytes += item;
  return bytes;
}

// Of a script's call: what stands behind the keys.
size_t arguments_at(const std::vector<std::string> &words) {
  return 3 + static_cast<size_t>(parse_digits(words.at(2)).value_or(0));
}

bool runs(const std::vector<std::string> &words, std::string_view sha1, std::string_view text) {
  return words.size() > 2 && (words[1] == sha1 || words[1] == text);
}

std::string id_of(std::string_view token) {
  return token.size() < 41 ? std::string() : std::string(token.substr(9, 32));
}

struct ReaderDeleter {
  void operator()(redisReader *reader) const { ::redisReaderFree(reader); }
};
using Reader = std::unique_ptr<redisReader, ReaderDeleter>;

// hiredis 0.14 asks for the memory of all elements a list announces. An input cannot send this many.
constexpr size_t kMaxElements = 4096;
const redisReplyObjectFunctions &hiredis_functions() {
  static const redisReplyObjectFunctions functions = *Reader(::redisReaderCreate())->fn;
  return functions;
}

template <typename Count>
void *capped_array(const redisReadTask *task, Count count) {
  const bool possible = count >= 0 && static_cast<size_t>(count) <= kMaxElements;
  return possible ? hiredis_functions().createArray(task, count) : nullptr;
}

Reader make_reader() {
  static redisReplyObjectFunctions functions = [] {
    auto capped = hiredis_functions();
    capped.createArray = capped_array;
    return capped;
  }();
  return Reader(::redisReaderCreateWithFunctions(&functions));
}

}  // namespace

struct Peer::Connection {
  Fd fd;
  Reader commands = make_reader(), replies = make_reader();
  std::vector<Words> asked;  // the n-th reply belongs to the n-th of them
  std::vector<Instant> asked_at;
  size_t answered = 0;
  bool subscribed = false;
};

Peer::Peer(VirtualClock &clock, std::string_view script) : clock_(clock), script_(script) {
  the_peer = this;
}

Peer::~Peer() { the_peer = nullptr; }

Peer *Peer::current() { return the_peer; }

bool Peer::connect(int fd) {
  std::lock_guard lock(mutex_);
  if (for_ever_ == 'C') return false;
  int pair[2];
  MUST(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
  MUST(::dup3(pair[0], fd, O_CLOEXEC) == fd);
  ::close(pair[0]);
  auto connection = std::make_unique<Connection>();
  connection->fd = Fd(pair[1]);
  connections_[fd] = std::move(connection);
  return true;
}

// Whether the descriptor is one of the peer's; then the bytes are dealt with.
bool Peer::take(int fd, std::string_view bytes) {
  std::lock_guard lock(mutex_);
  auto found = connections_.find(fd);
  if (found == connections_.end()) return false;
  Connection &connection = *found->second;
  MUST(::redisReaderFeed(connection.commands.get(), bytes.data(), bytes.size()) == REDIS_OK);
  for (;;) {
    void *raw = nullptr;
    MUST(::redisReaderGetReply(connection.commands.get(), &raw) == REDIS_OK);
    if (raw == nullptr) return true;
    auto *reply = static_cast<redisReply *>(raw);
    Words words;
    MUST(reply->type == REDIS_REPLY_ARRAY && reply->elements > 0);
    for (size_t i = 0; i < reply->elements; ++i)
      words.emplace_back(reply->element[i]->str, reply->element[i]->len);
    ::freeReplyObject(reply);
    command(connection, words);
  }
}

void Peer::command(Connection &connection, const Words &words) {
  clock_.pass(Micros(50));
  connection.asked.push_back(words);
  connection.asked_at.push_back(clock_.now());
  if (words[0] == "SUBSCRIBE") {
    connection.subscribed = true;
    channel_ = words.at(1);
  }
  if (runs(words, scripts::acquire_sha1, scripts::acquire))
    token_id_ = id_of(words.at(arguments_at(words)));
  react(connection, words);
}

void Peer::react(Connection &connection, const Words &words) {
  if (for_ever_ != 0) return;
  if (words[0] == "HELLO" && (script_.empty() || script_[0] != 'H'))
    return say(connection, honest(words, true, ""));
  // The client's own thread comes when it likes: it takes no line from the others.
  while (is_virtual() && !script_.empty()) {
    const std::string_view line = next_line(script_),
                           text = line.substr(std::min<size_t>(1, line.size()));
    const char kind = line.empty() ? 'g' : line[0];
    switch (kind) {
      case 'm':
        push(text);
        continue;
      case 't':
        stall(Millis(std::min<int64_t>(parse_digits(text).value_or(1), 100000)));
        continue;
      case 'g':
        return say(connection, honest(words, true, ""));
      case 'h':
        return say(connection, honest(words, false, text));
      case 'p':
        say(connection, honest(words, false, "100"));
        return push("*3\\r\\n$7\\r\\nmessage\\r\\n@~");
      case 'H':
        return say(connection, expanded(text));
      case 'e':
        return say(connection, "-" + std::string(text) + "\r\n");
      case 's':
        return;
      case 'S':
      case 'C':
        for_ever_ = kind;
        if (kind == 'C')
          for (auto &[fd, each] : connections_) each->fd.reset();
        return;
      case 'c':
        say(connection, expanded(text));
        connection.fd.reset();
        return;
      default:
        return say(connection, expanded(line));
    }
  }
  say(connection, honest(words, true, ""));
}

void Peer::stall(Micros span) {
  clock_.pass(span);
  stalled_ += span;
}

std::string Peer::honest(const Words &words, bool free, std::string_view ttl) {
  if (words[0] == "HELLO")
    return list({bulk("server"), bulk("redis"), bulk("version"), bulk("7.0.15"), bulk("mode"),
                 bulk("standalone")});
  if (words[0] == "CLIENT" && words.at(1) == "INFO") {
    const std::string id = std::to_string(++client_ids_);
    return bulk("id=" + id + " addr=10.0.0.1:" + id + " laddr=10.0.0.2:6379 fd=8\n");
  }
  if (words[0] == "CLIENT") return integer(1);
  if (words[0] == "SUBSCRIBE") return list({bulk("subscribe"), bulk(words.at(1)), integer(1)});
  if (words[0] == "SCAN") return list({bulk("0"), list({bulk("L"), bulk("redilock:1:{}:alive")})});
  if (words[0] == "GETRANGE") return bulk(("redilock:" + token_id_ + ":a label").substr(0, 42));
  if (words[0] != "EVALSHA" && words[0] != "EVAL") return "+OK\r\n";
  if (runs(words, scripts::acquire_sha1, scripts::acquire)) return acquire(words, free, ttl);
  if (runs(words, scripts::info_sha1, scripts::info)) {
    const std::string token = "redilock:" + token_id_ + ":a label";
    return list({bulk("string"), bulk(token), integer(7), integer(1), integer(0),
                 list({bulk("9 " + wake_channel("x") + " " + token)}), list({}),
                 integer(server_us()), list({bulk("5")})});
  }
  if (runs(words, scripts::beat_sha1, scripts::beat))
    return list({integer(1), integer(server_us()), integer(1)});
  return integer(free ? 1 : 0);  // of a release or an extension: held by that token, or not
}

std::string Peer::acquire(const Words &words, bool free, std::string_view ttl) {
  if (free) return integer(++fence_);
  const int64_t left = parse_digits(ttl).value_or(5);
  if (words.size() < arguments_at(words) + 5) return list({integer(left)});
  const int64_t arrival = parse_digits(words[arguments_at(words) + 4]).value_or(0);
  const bool known = std::exchange(has_record_, true);
  return list({integer(left), integer(0), integer(arrival != 0 ? arrival : ++fence_),
               integer(server_us()), integer(left % 2), integer(arrival == 0 ? 1 : 0), integer(1),
               integer(known ? 1 : 0)});
}

int64_t Peer::server_us() const { return clock_.now().time_since_epoch().count(); }

std::string Peer::expanded(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\\' && (next == 'r' || next == 'n')) {
      bytes += next == 'r' ? '\r' : '\n';
      ++i;
    } else if (text[i] == '@') {
      bytes += bulk(channel_);
    } else if (text[i] == '~') {  // an honest push's payload
      bytes += bulk(token_id_ + " " + std::to_string(++fence_) + " " + std::to_string(server_us()));
    } else if (text[i] == '^') {  // an honest notice that the last token is the head
      bytes += bulk("next " + token_id_ + " 3 " + std::to_string(server_us()));
    } else if (text[i] == '#') {
      bytes += token_id_;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

void Peer::push(std::string_view text) {
  std::lock_guard lock(mutex_);
  const std::string bytes = expanded(text);
  for (auto &[fd, connection] : connections_)
    if (connection->subscribed && connection->fd) say(*connection, bytes);
}

// The account is kept by hiredis' own reader: by what it makes of the bytes alone.
void Peer::say(Connection &connection, const std::string &bytes) {
  if (bytes.empty() || !connection.fd) return;
  const ssize_t sent = ::__real_send(connection.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent <= 0) return;
  redisReader *reader = connection.replies.get();
  if (::redisReaderFeed(reader, bytes.data(), static_cast<size_t>(sent)) != REDIS_OK) return;
  void *reply = nullptr;
  while (::redisReaderGetReply(reader, &reply) == REDIS_OK && reply != nullptr) {
    note(connection, static_cast<redisReply *>(reply));
    ::freeReplyObject(reply);
    ++connection.answered;
  }
}

void Peer::note(Connection &connection, redisReply *reply) {
  const size_t number = connection.answered;
  if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 && connection.subscribed) {
    redisReply *payload = reply->element[2];
    if (payload->type != REDIS_REPLY_STRING) return;
    const auto push = parse_push({payload->str, payload->len});
    if (push && push->kind == Push::Kind::kGrant)
      pushed_[push->id].push_back({push->fence, clock_.now()});
  }
  if (reply->type != REDIS_REPLY_INTEGER || number >= connection.asked.size()) return;
  const Words &words = connection.asked[number];
  if (words[0] != "EVALSHA" && words[0] != "EVAL") return;
  if (runs(words, scripts::extend_sha1, scripts::extend) && reply->integer == 1) ++extensions_;
  if (runs(words, scripts::acquire_sha1, scripts::acquire))
    granted_[id_of(words.at(arguments_at(words)))].push_back(
        {reply->integer, connection.asked_at[number]});
}

bool Peer::granted(std::string_view id, int64_t fence, bool with_fence, Instant end, Millis ttl) {
  std::lock_guard lock(mutex_);
  for (auto *grants : {&granted_, &pushed_})
    for (const Grant &grant : (*grants)[std::string(id)]) {
      const bool same = grant.fence == fence || (!with_fence && grants == &pushed_ && fence == 0);
      if (same && end <= lease_end(grant.from, ttl)) return true;
    }
  return false;
}

bool Peer::was_pushed(std::string_view id, int64_t fence) {
  std::lock_guard lock(mutex_);
  const auto &grants = pushed_[std::string(id)];
  return std::any_of(grants.begin(), grants.end(),
                     [&](const Grant &grant) { return grant.fence == fence; });
}

void Peer::cancel_after(Micros span, Interrupt *interrupt) {
  interrupt_ = interrupt;
  cancel_at_ = interrupt == nullptr ? kNever : after(clock_.now(), span);
}

void Peer::pass(Micros span) {
  const Instant now = clock_.now();
  const bool cancels = cancel_at_ != kNever && after(now, span) >= cancel_at_;
  clock_.pass(cancels ? std::max(cancel_at_ - now, Micros(0)) : span);
  if (cancels) interrupt_->cancel();
  if (cancels) cancel_at_ = kNever;
}

}  // namespace redilock::fuzz

// ---------------------------------------------------------------- behind the calls

using redilock::fuzz::Peer;

extern "C" {

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length) {
  if (Peer::current() == nullptr) return __real_connect(fd, address, length);
  if (Peer::current()->connect(fd)) return 0;
  errno = ECONNREFUSED;
  return -1;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags) {
  Peer *peer = Peer::current();
  if (peer != nullptr && peer->take(fd, {static_cast<const char *>(bytes), size}))
    return static_cast<ssize_t>(size);
  return __real_send(fd, bytes, size, flags);
}

int __wrap_ppoll(pollfd *fds, nfds_t count, const timespec *left, const sigset_t *mask) {
  Peer *peer = Peer::current();
  if (peer == nullptr || !peer->is_virtual()) return __real_ppoll(fds, count, left, mask);
  const timespec none{0, 0};
  const int ready = __real_ppoll(fds, count, &none, mask);
  if (ready != 0) return ready;
  peer->pass(std::chrono::seconds(left->tv_sec) +
             std::chrono::duration_cast<redilock::Micros>(std::chrono::nanoseconds(left->tv_nsec)));
  return 0;
}

// The password file of an option: none is there.
int __wrap_open(const char *, int, ...) {
  errno = ENOENT;
  return -1;
}

}  // extern "C"
