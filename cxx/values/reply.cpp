#include "values/reply.hpp"

#include "values/status.hpp"

namespace redilock {

namespace {

[[noreturn]] void protocol_error(const std::string &what) {
  throw Error(Status::kProtocol, "the server's reply is not understood: " + what);
}

}  // namespace

Reply Reply::of_integer(int64_t value) noexcept {
  Reply reply;
  reply.kind_ = Kind::kInteger;
  reply.integer_ = value;
  return reply;
}

int64_t Reply::integer() const {
  if (kind_ != Kind::kInteger) protocol_error("a number was expected");
  return integer_;
}

const std::string &Reply::text() const {
  if (kind_ != Kind::kString && kind_ != Kind::kStatus && kind_ != Kind::kError)
    protocol_error("a text was expected");
  return text_;
}

const std::vector<Reply> &Reply::items() const {
  if (kind_ != Kind::kArray) protocol_error("a list was expected");
  return items_;
}

const Reply &Reply::at(size_t index) const {
  if (index >= items().size()) protocol_error("a list is too short");
  return items_[index];
}

}  // namespace redilock
