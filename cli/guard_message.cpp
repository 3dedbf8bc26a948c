// Both sides are the same program, so a header goes as it is in memory, and its text behind it.
#include "guard_message.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace cli {
namespace {

struct Header {
  GuardSays kind;
  int64_t value;
  pid_t pid;
  int32_t code;
  uint64_t payload;
};

constexpr size_t kLargest = 131072;

}  // namespace

bool send_message(int fd, const GuardMessage &message) {
  Header header = {};
  header.kind = message.kind;
  header.value = message.value;
  header.pid = message.pid;
  header.code = message.code;
  header.payload = message.payload;
  std::array<iovec, 2> parts = {
      {{&header, sizeof header}, {const_cast<char *>(message.text.data()), message.text.size()}}};
  msghdr whole = {};
  whole.msg_iov = parts.data();
  whole.msg_iovlen = parts.size();
  ssize_t sent;
  do {
    sent = sendmsg(fd, &whole, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

Received receive_message(int fd) {
  std::vector<char> buffer(kLargest);
  ssize_t got;
  do {
    // A reset says only that the other side has gone and left messages unread. Its own come next.
    got = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  } while (got < 0 && errno == ECONNRESET);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (got < static_cast<ssize_t>(sizeof(Header))) return {std::nullopt, true};
  Header header;
  std::memcpy(&header, buffer.data(), sizeof header);
  return {GuardMessage{header.kind,
                       header.value,
                       header.pid,
                       header.code,
                       header.payload,
                       {buffer.data() + sizeof header, static_cast<size_t>(got) - sizeof header}},
          false};
}

}  // namespace cli
