// Makes replies from bytes. It does not trust the peer: depth, elements and bytes are capped.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "values/reply.hpp"

struct redisReader;

namespace redilock {

// What a reply under way has come to, and whether it was more than it may be: hiredis cannot tell
// that from want of memory.
struct ReplyCaps {
  size_t elements = 0;  // of all lists together
  bool refused = false;
};

class ReplyReader {
 public:
  ReplyReader();  // throws std::bad_alloc
  ~ReplyReader();
  ReplyReader(const ReplyReader &) = delete;
  ReplyReader &operator=(const ReplyReader &) = delete;

  void feed(const char *bytes, size_t count);
  // The next whole reply, or nothing until more bytes are fed. Throws Error(kProtocol), and
  // std::bad_alloc, after which it is of no more use either.
  std::optional<Reply> next();
  // Whether bytes were fed that no reply has taken.
  bool has_more() const noexcept { return pending_ > 0; }

 private:
  struct Deleter {
    void operator()(redisReader *reader) const noexcept;
  };
  void renew();
  void refuse_announced_giants() const;

  std::unique_ptr<redisReader, Deleter> reader_;
  size_t pending_ = 0;  // bytes fed since the last whole reply
  size_t largest_ = 0;  // of pending_
  ReplyCaps caps_;
};

}  // namespace redilock
