// The first replies of a server. The first byte of the input says which credentials the client has;
// the rest are the replies. Whatever they are, the client learns an id with an address or neither, and
// no message shows the password.
#include <algorithm>
#include <cstdint>

#include "check.hpp"
#include "wire/greeting.hpp"
#include "wire/reply_reader.hpp"

using namespace redilock;

namespace {

constexpr char kPassword[] = "pAsSwOrD", kUser[] = "uSeR-nAmE";

void must_be_safe(const Error &error, const Credentials &credentials) {
  fuzz::must_be_presentable(error.message());
  const std::string &password = credentials.password;
  MUST(password.empty() || error.message().find(password) == std::string::npos);
}

void look_at_client(const ClientId &client) {
  MUST((client.number > 0) == !client.address.empty() && client.number >= 0);
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  MUST(std::none_of(client.address.begin(), client.address.end(), is_control));
}

// The line has to say of itself what was read from it.
void look_at_info(const Reply &reply) {
  try {
    const ClientId client = parse_client_info(reply);
    MUST(client.number > 0);
    look_at_client(client);
    MUST(reply.text().find("addr=" + client.address) != std::string::npos);
  } catch (const Error &error) {
    MUST(error.status() == Status::kProtocol);
    fuzz::must_be_presentable(error.message());
  }
}

void greet(const Credentials &credentials, ReplyReader &reader) {
  Greeting greeting(credentials);
  size_t unanswered = greeting.commands().size();
  const auto answer = [&] {
    const auto reply = reader.next();
    if (reply) look_at_info(*reply);
    if (reply) greeting.on_reply(*reply);
    return reply.has_value();
  };
  for (; unanswered > 0; --unanswered)
    if (!answer()) return;
  if (greeting.next_command() && !answer()) return;
  MUST(!greeting.next_command());
  look_at_client(greeting.client());
  MUST(greeting.server().size() < 100);
  if (!greeting.server().empty()) fuzz::must_be_presentable(greeting.server());
  if (greeting.refusal()) must_be_safe(*greeting.refusal(), credentials);
  greeting.check();
  MUST(!greeting.refusal());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  Credentials credentials;
  if (data[0] % 2 != 0) credentials.password = kPassword;
  if (data[0] % 4 == 3) credentials.username = kUser;
  if (data[0] / 4 % 2 != 0) credentials.db = 7;
  ReplyReader reader;
  try {
    reader.feed(reinterpret_cast<const char *>(data) + 1, size - 1);
    greet(credentials, reader);
  } catch (const Error &error) {
    MUST(error.status() != Status::kOk && error.status() != Status::kInternal);
    must_be_safe(error, credentials);
  }
  return 0;
}
