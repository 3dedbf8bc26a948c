#include "wire/reply_reader.hpp"

#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "values/status.hpp"

namespace redilock {

namespace {

// The largest honest reply is a page of SCAN: some thousand names of up to 1 KiB. Elements are
// counted in all lists together: as values they take up to 20 times the bytes they are sent as.
constexpr size_t kMaxBytes = 8u << 20;
constexpr size_t kMaxElements = 1u << 16;
constexpr int kMaxDepth = 4;
// A reader that held more is replaced once it is empty, so that idle connections stay small.
constexpr size_t kKept = 16384;

[[noreturn]] void protocol_error(const std::string &what) {
  throw Error(Status::kProtocol, "the server's reply is not understood: " + what);
}

}  // namespace

// The functions by which hiredis builds a reply. They are called from C: nothing may be thrown, and
// null makes the reader fail.
class ReplyBuilder {
 public:
  static void *string(const redisReadTask *task, char *bytes, size_t length) {
    return make(task, kind_of(task->type),
                [&](Reply &reply) { reply.text_.assign(bytes, length); });
  }
#if HIREDIS_MAJOR >= 1
  static void *array(const redisReadTask *task, size_t count) { return sized_array(task, count); }
  static void *number(const redisReadTask *task, double, char *, size_t) { return refuse(task); }
  static void *boolean(const redisReadTask *task, int) { return refuse(task); }
#else
  static void *array(const redisReadTask *task, int count) {
    return count < 0 ? refuse(task) : sized_array(task, static_cast<size_t>(count));
  }
#endif
  static void *integer(const redisReadTask *task, long long value) {
    return make(task, Reply::Kind::kInteger, [&](Reply &reply) { reply.integer_ = value; });
  }
  static void *nil(const redisReadTask *task) {
    return make(task, Reply::Kind::kNil, [](Reply &) {});
  }
  // Called for a root only; what is below it goes with it.
  static void free(void *root) { std::unique_ptr<Reply>(static_cast<Reply *>(root)).reset(); }

 private:
  static ReplyCaps &caps(const redisReadTask *task) {
    return *static_cast<ReplyCaps *>(task->privdata);
  }

  // The reader takes any null for want of memory; this says that it was not.
  static void *refuse(const redisReadTask *task) {
    caps(task).refused = true;
    return nullptr;
  }

  static Reply::Kind kind_of(int type) {
    if (type == REDIS_REPLY_ERROR) return Reply::Kind::kError;
    return type == REDIS_REPLY_STATUS ? Reply::Kind::kStatus : Reply::Kind::kString;
  }

  static void *sized_array(const redisReadTask *task, size_t count) {
    int depth = 1;
    for (const redisReadTask *up = task->parent; up != nullptr; up = up->parent) ++depth;
    size_t &elements = caps(task).elements;
    if (depth > kMaxDepth || count > kMaxElements - elements) return refuse(task);
    elements += count;
    return make(task, Reply::Kind::kArray, [&](Reply &reply) { reply.items_.resize(count); });
  }

  template <typename Fill>
  static void *make(const redisReadTask *task, Reply::Kind kind, Fill fill) noexcept {
    try {
      if (task->parent != nullptr) {
        auto *parent = static_cast<Reply *>(task->parent->obj);
        Reply &reply = parent->items_.at(static_cast<size_t>(task->idx));
        reply.kind_ = kind;
        fill(reply);
        return &reply;
      }
      auto root = std::make_unique<Reply>();
      root->kind_ = kind;
      fill(*root);
      return root.release();
    } catch (const std::exception &) {
      return nullptr;
    }
  }
};

namespace {

redisReplyObjectFunctions *builder_functions() {
  static redisReplyObjectFunctions functions = [] {
    redisReplyObjectFunctions f{};
    f.createString = ReplyBuilder::string;
    f.createArray = ReplyBuilder::array;
    f.createInteger = ReplyBuilder::integer;
    f.createNil = ReplyBuilder::nil;
#if HIREDIS_MAJOR >= 1
    f.createDouble = ReplyBuilder::number;
    f.createBool = ReplyBuilder::boolean;
#endif
    f.freeObject = ReplyBuilder::free;
    return f;
  }();
  return &functions;
}

}  // namespace

void ReplyReader::Deleter::operator()(redisReader *reader) const noexcept {
  ::redisReaderFree(reader);
}

ReplyReader::ReplyReader() { renew(); }

// hiredis would shrink its buffer by itself, but 0.14 ends the process where there is no memory for
// the smaller one.
void ReplyReader::renew() {
  decltype(reader_) reader(::redisReaderCreateWithFunctions(builder_functions()));
  if (!reader) throw std::bad_alloc();
  reader->privdata = &caps_;
  reader->maxbuf = 0;
  reader_ = std::move(reader);
  largest_ = 0;
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(const char *bytes, size_t count) {
  if (pending_ == 0 && largest_ > kKept) renew();
  pending_ += count;
  if (pending_ > kMaxBytes) protocol_error("it is too long");
  largest_ = std::max(largest_, pending_);
  if (::redisReaderFeed(reader_.get(), bytes, count) != REDIS_OK) throw std::bad_alloc();
}

std::optional<Reply> ReplyReader::next() {
  void *raw = nullptr;
  if (::redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
    if (caps_.refused) protocol_error("it has more context, or others, than it may");
    if (reader_->err == REDIS_ERR_OOM) throw std::bad_alloc();
    protocol_error(reader_->errstr);
  }
  if (raw == nullptr) {
    refuse_announced_giants();
    return std::nullopt;
  }
  std::unique_ptr<Reply> root(static_cast<Reply *>(raw));
  pending_ = reader_->len - reader_->pos;
  caps_.elements = 0;
  return std::move(*root);
}

// A string whose length was read but whose bytes are not here yet: hiredis waits for it at `pos`,
// which stands behind the type byte. There is no need to wait for what will be refused.
void ReplyReader::refuse_announced_giants() const {
  const char *head = reader_->buf + reader_->pos;
  size_t length = reader_->len - reader_->pos, digits = 0;
  while (digits < length && head[digits] >= '0' && head[digits] <= '9') ++digits;
  // Only of a string is a whole line left unread; one that lacks its end may be a number's.
  bool announced =
      digits > 0 && digits + 1 < length && head[digits] == '\r' && head[digits + 1] == '\n';
  if (announced && (digits > 9 || std::stoul(std::string(head, digits)) > kMaxBytes))
    protocol_error("it announces more than it may");
}

}  // namespace redilock
