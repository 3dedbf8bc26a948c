#include "wire/greeting.hpp"

#include <algorithm>

#include "values/text.hpp"
#include "wire/error_reply.hpp"

namespace redilock {

namespace {

constexpr size_t kMaxAddress = 256;  // the path of a unix socket has 107 bytes at most
constexpr size_t kMaxVersion = 20, kMaxName = 20;
constexpr int64_t kFirstVersion = 5;

[[noreturn]] void misanswered(const char *command) {
  throw Error(Status::kProtocol,
              std::string("the server does not answer ") + command + " as it should");
}

// The value behind "name=" at the begin of a line or behind a blank; it ends at `end`.
std::string_view field(std::string_view line, std::string_view name, std::string_view end) {
  size_t at = 0;
  if (line.substr(0, name.size()) != name) {
    at = line.find(std::string(" ").append(name));
    if (at == line.npos) return {};
    ++at;
  }
  line.remove_prefix(at + name.size());
  return line.substr(0, line.find(end));
}

// "ip:port" or "path:0". A path may have blanks, and any byte above ASCII.
bool is_address(std::string_view text) {
  const auto fits = [](unsigned char c) { return c >= 0x20 && c != 0x7f; };
  if (text.empty() || text.size() > kMaxAddress || !std::all_of(text.begin(), text.end(), fits))
    return false;
  return text.find(' ') == text.npos || text.substr(text.size() - 2) == ":0";
}

// The value in a text of lines "name:value\r\n".
std::string_view line_value(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    if (at > 0 && text[at - 1] != '\n') continue;
    const std::string_view rest = text.substr(at + name.size());
    return rest.substr(0, rest.find_first_of("\r\n"));
  }
  return {};
}

std::string_view string_of(const Reply &reply) {
  const bool has_text =
      reply.kind() == Reply::Kind::kString || reply.kind() == Reply::Kind::kStatus;
  return has_text ? std::string_view(reply.text()) : std::string_view();
}

// Of what the server says of itself; made fit for messages.
std::string named(std::string_view said_name, std::string_view said_version,
                  const Credentials &credentials) {
  const std::string server = redacted(said_name, &credentials),
                    version = redacted(said_version, &credentials);
  std::string name = server.empty() ? "the server" : shown(server, kMaxName);
  if (server == "redis") name = "Redis";
  if (server == "valkey") name = "Valkey";
  return version.empty() ? name : name + " " + shown(version, kMaxVersion);
}

}  // namespace

ClientId parse_client_info(const Reply &reply) {
  if (reply.kind() != Reply::Kind::kString) misanswered("CLIENT INFO");
  std::string_view line = reply.text();
  line = line.substr(0, line.find('\n'));
  const auto number = parse_digits(field(line, "id=", " "));
  // Redis writes laddr behind it, and the path of a unix socket may have blanks.
  const bool has_next = line.find(" laddr=") != line.npos;
  const std::string_view address = field(line, "addr=", has_next ? " laddr=" : " ");
  if (!number || *number <= 0 || !is_address(address)) misanswered("CLIENT INFO");
  return {*number, std::string(address)};
}

Greeting::Greeting(const Credentials &credentials)
    : credentials_(credentials), db_(std::to_string(credentials.db)) {
  if (!credentials.password.empty()) unanswered_.push_back(Question::kAuth);
  if (credentials.db != 0) unanswered_.push_back(Question::kSelect);
  unanswered_.push_back(Question::kHello);
  unanswered_.push_back(Question::kClientInfo);
}

std::vector<Command> Greeting::commands() const {
  const auto &[username, password, db] = credentials_;
  std::vector<Command> commands;
  if (!password.empty())
    commands.push_back(username.empty() ? Command{"AUTH", password}
                                        : Command{"AUTH", username, password});
  if (db != 0) commands.push_back({"SELECT", db_});
  commands.push_back({"HELLO"});  // without a version: the connection keeps its protocol
  commands.push_back({"CLIENT", "INFO"});
  return commands;
}

std::optional<Command> Greeting::next_command() const {
  // A server that lets nobody in need not be known better; one that lacks AUTH or SELECT does.
  const bool is_of_use = !refusal_ || refusal_->status() == Status::kUnsupported;
  if (!asks_info_ || !is_of_use) return std::nullopt;
  return Command{"INFO", "server"};
}

void Greeting::on_reply(const Reply &reply) {
  const bool is_first = !unanswered_.empty();
  const Question question = is_first ? unanswered_.front() : Question::kInfo;
  if (is_first) unanswered_.erase(unanswered_.begin());
  switch (question) {
    case Question::kAuth:
      return on_permission(reply, "AUTH");
    case Question::kSelect:
      return on_permission(reply, "SELECT");
    case Question::kHello:
      return on_hello(reply);
    case Question::kClientInfo:
      return on_client_info(reply);
    case Question::kInfo:
      return on_info(reply);
  }
}

Error Greeting::error_of(const Reply &reply, std::string_view command) const {
  return server_error(reply.text(), {server_, command, {}, &credentials_});
}

// The later replies may say more: a cluster node refuses SELECT, a Sentinel does not know it.
void Greeting::on_permission(const Reply &reply, std::string_view command) {
  if (reply.is_error()) {
    if (!refusal_) refusal_ = error_of(reply, command);
  } else if (reply.kind() != Reply::Kind::kStatus) {
    misanswered(std::string(command).c_str());
  }
}

void Greeting::on_hello(const Reply &reply) {
  if (reply.is_error()) {
    const Error error = error_of(reply, "HELLO");
    if (error.retriable() || reply.text().compare(0, 7, "DENIED ") == 0) throw Error(error);
    if (is_noauth(reply))
      hello_error_ = error;
    else
      asks_info_ = true;
    return;
  }
  if (reply.kind() != Reply::Kind::kArray) misanswered("HELLO");
  std::string_view name, version, mode;
  const auto &items = reply.items();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    const std::string_view key = string_of(items[i]);
    if (key == "server") name = string_of(items[i + 1]);
    if (key == "version") version = string_of(items[i + 1]);
    if (key == "mode") mode = string_of(items[i + 1]);
  }
  if (name.empty() && version.empty()) misanswered("HELLO");
  is_redis_ = true;
  server_ = named(name, version, credentials_);
  learn_mode(mode);
}

void Greeting::on_client_info(const Reply &reply) {
  if (!reply.is_error()) {
    client_ = parse_client_info(reply);
    is_redis_ = true;
    return;
  }
  const Error error = error_of(reply, "CLIENT");
  if (error.retriable()) throw Error(error);
  if (is_noauth(reply) && !refusal_) refusal_ = error;
}

// HELLO is as old as 6.0, so only this reply can tell a server that is too old. A server that knows
// HELLO may count its versions in another way than Redis.
void Greeting::on_info(const Reply &reply) {
  asks_info_ = false;
  if (reply.is_error()) {
    const Error error = error_of(reply, "INFO");
    if (error.retriable()) throw Error(error);
    if (is_noauth(reply) && !refusal_) refusal_ = error;
    return;
  }
  if (reply.kind() != Reply::Kind::kString) misanswered("INFO");
  const std::string_view version = line_value(reply.text(), "redis_version:");
  if (version.empty()) return;
  is_redis_ = true;
  server_ = named("redis", version, credentials_);
  const auto major = parse_digits(version.substr(0, version.find('.')));
  if (major && *major < kFirstVersion)
    old_version_ = shown(redacted(version, &credentials_), kMaxVersion);
  learn_mode(line_value(reply.text(), "redis_mode:"));
}

void Greeting::learn_mode(std::string_view mode) {
  if (mode == "cluster") mode_ = Mode::kCluster;
  if (mode == "sentinel") mode_ = Mode::kSentinel;
}

void Greeting::check() const {
  if (mode_ == Mode::kCluster) throw cluster_error();
  if (mode_ == Mode::kSentinel)
    throw Error(Status::kUnsupported,
                "the server is a Sentinel, which keeps no locks; connect to the primary");
  if (!old_version_.empty())
    throw Error(Status::kUnsupported, "redilock needs Redis 5.0 or later, this is " + old_version_);
  if (refusal_) throw Error(*refusal_);
  if (hello_error_) throw Error(*hello_error_);
}

}  // namespace redilock
