// A fake Redis behind the library's own calls: connect() makes a pair of sockets, send() is where it
// answers, and ppoll() lets time pass by a virtual clock instead of waiting. So a session takes
// microseconds, and is the same each time. It answers as a script of one line for each command says,
// and keeps its own account of what an honest reader may believe it granted.
//
// The first byte of a line; what follows it is TEXT, with \r, \n, @ (the wake channel, as a string),
// ~ and ^ (the payloads of an honest grant and of an honest `next`, likewise) and # (the last token's
// id) in it:
//   g        what an honest server would answer; the lock is free
//   h TEXT   the lock is held for so many ms: the caller is told so, or queued
//   p        the honest answer where the lock is held, and then the grant is pushed
//   e TEXT   an error
//   m TEXT   the bytes on the subscribed connection, and the next line
//   t TEXT   so many ms pass in which the client does not run, and the next line
//   s        silence
//   c TEXT   the bytes, and the end of the connection
//   S, C     silence, or an end of every connection, from here on
//   H TEXT   the bytes, to HELLO, which is answered honestly and takes no line otherwise
//   others   the bytes of the whole line
// After the last line it is honest.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "values/clock.hpp"
#include "values/duration.hpp"
#include "wire/wait.hpp"

struct redisReply;

namespace redilock::fuzz {

class VirtualClock final : public Clock {
 public:
  Instant now() const noexcept override { return Instant(Micros(now_.fetch_add(1))); }
  void pass(Micros span) { now_.fetch_add(span.count()); }

 private:
  mutable std::atomic<int64_t> now_{1'000'000'000};
};

class Peer {
 public:
  // There is one at a time, made and ended on the thread whose waits pass in virtual time.
  Peer(VirtualClock &clock, std::string_view script);
  ~Peer();
  Peer(const Peer &) = delete;
  Peer &operator=(const Peer &) = delete;

  static Peer *current();

  // A grant that the bytes told of: to which token's id, and until when a lease of `ttl` that was
  // granted so may be believed at most.
  bool granted(std::string_view id, int64_t fence, bool with_fence, Instant end, Millis ttl);
  bool was_pushed(std::string_view id, int64_t fence);
  // How long the client was kept from running in all.
  Micros stalled() const { return stalled_; }
  int64_t extensions() const { return extensions_; }
  // Bytes for the subscribed connections, as `m` has them.
  void push(std::string_view text);
  // The next wait of the peer's thread is cancelled so.
  void cancel_after(Micros span, Interrupt *interrupt);

  // Behind connect, send and ppoll.
  bool connect(int fd);
  bool take(int fd, std::string_view bytes);
  bool is_virtual() const { return std::this_thread::get_id() == thread_; }
  void pass(Micros span);

 private:
  struct Connection;
  struct Grant {
    int64_t fence;
    Instant from;
  };
  using Words = std::vector<std::string>;

  void command(Connection &connection, const Words &words);
  void react(Connection &connection, const Words &words);
  void stall(Micros span);
  std::string honest(const Words &words, bool free, std::string_view ttl);
  std::string acquire(const Words &words, bool free, std::string_view ttl);
  std::string expanded(std::string_view text);
  void say(Connection &connection, const std::string &bytes);
  void note(Connection &connection, redisReply *reply);
  int64_t server_us() const;

  VirtualClock &clock_;
  const std::thread::id thread_ = std::this_thread::get_id();
  std::recursive_mutex mutex_;
  std::string_view script_;
  char for_ever_ = 0;
  bool has_record_ = false;                                 // of the client's liveness
  std::map<int, std::unique_ptr<Connection>> connections_;  // by the client's descriptor
  std::string token_id_ = std::string(32, '0'), channel_ = "none";
  int64_t fence_ = 1000, client_ids_ = 0;
  std::map<std::string, std::vector<Grant>> granted_, pushed_;  // by the token's id
  std::atomic<int64_t> extensions_{0};
  Micros stalled_{0};
  Interrupt *interrupt_ = nullptr;
  Instant cancel_at_ = kNever;
};

}  // namespace redilock::fuzz
