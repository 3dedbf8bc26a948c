#include "wire/error_reply.hpp"

#include <algorithm>
#include <initializer_list>

#include "values/text.hpp"

namespace redilock {

namespace {

constexpr size_t kMaxServerText = 300;  // of the server, in a message
constexpr std::string_view kScriptPlace = "user_script:";

bool starts_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

bool starts_with_one_of(std::string_view text, std::initializer_list<std::string_view> heads) {
  return std::any_of(heads.begin(), heads.end(),
                     [&](std::string_view head) { return starts_with(text, head); });
}

bool has_one_of(std::string_view text, std::initializer_list<std::string_view> context) {
  return std::any_of(context.begin(), context.end(),
                     [&](std::string_view part) { return text.find(part) != text.npos; });
}

// Before 7.0, the error of a command in a script comes as "ERR Error running script (call to
// f_...): @user_script:6: @user_script: 6: -OOM command not allowed".
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

// Some errors repeat the arguments of the command.
std::string quoted(std::string_view said, const Credentials *credentials) {
  const auto words = said.substr(0, said.find(", with args beginning"));
  return shown(redacted(words, credentials), kMaxServerText);
}

// ---------------------------------------------------------------- what the server lacks

bool lacks_something(std::string_view text) {
  return starts_with_one_of(
      text, {"ERR unknown command", "ERR Unknown", "ERR syntax error", "ERR wrong number of arg",
             "ERR Wrong number of arg", "Unknown Redis command", "Wrong number of args"});
}

// The number that follows a place of the script in an error, 0 for none.
size_t script_line(std::string_view text) {
  const size_t place = text.find(kScriptPlace);
  if (place == text.npos) return 0;
  text.remove_prefix(place + kScriptPlace.size());
  const auto number = parse_digits(text.substr(0, text.find_first_not_of("0123456789")));
  return static_cast<size_t>(number.value_or(0));
}

std::string_view line_of(std::string_view text, size_t number) {
  for (; number > 1; --number) {
    const size_t end = text.find('\n');
    if (end == text.npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// The commands that a line of a script calls, such as "SET or DEL".
std::string commands_called(std::string_view line) {
  constexpr std::string_view kCall = "call('";
  std::string names;
  for (size_t at = line.find(kCall); at != line.npos; at = line.find(kCall)) {
    line.remove_prefix(at + kCall.size());
    if (!names.empty()) names += " or ";
    names += line.substr(0, line.find('\''));
  }
  return names;
}

// The words of the server do not name the command that a script lacks, but the line where it is.
std::string lacking_command(std::string_view text, const ErrorContext &context) {
  const size_t line = context.script.empty() ? 0 : script_line(text);
  if (line == 0) return std::string(context.command);
  const std::string names = commands_called(line_of(context.script, line));
  return names.empty() ? "a command of a script" : names;
}

Error lacking(std::string_view said, const ErrorContext &context, const std::string &words) {
  const std::string server(context.server.empty() ? "the server" : context.server);
  const std::string command = lacking_command(said, context);
  return {Status::kUnsupported, server + " does not support " +
                                    (command.empty() ? "a command" : command) +
                                    " as redilock uses it; it says: " + words};
}

}  // namespace

bool is_noscript(const Reply &reply) {
  return reply.is_error() && starts_with(reply.text(), "NOSCRIPT");
}

bool is_transient_error(const Reply &reply) {
  return reply.is_error() &&
         starts_with_one_of(without_script_frame(reply.text()),
                            {"LOADING", "BUSY ", "MASTERDOWN", "TRYAGAIN", "READONLY"});
}

bool is_replica_error(const Reply &reply) {
  return reply.is_error() &&
         starts_with_one_of(without_script_frame(reply.text()), {"READONLY", "MASTERDOWN"});
}

bool is_noauth(const Reply &reply) {
  return reply.is_error() && starts_with(reply.text(), "NOAUTH");
}

Error server_error(const std::string &said, const ErrorContext &context) {
  const std::string_view text = without_script_frame(said);
  const std::string words = quoted(text, context.credentials);
  const std::string message = "the server says: " + words;
  if (starts_with_one_of(
          text, {"NOAUTH", "WRONGPASS", "NOPERM", "DENIED", "ERR invalid password", "ERR AUTH",
                 "ERR Client sent AUTH", "ERR wrong number of arguments for 'auth'"}))
    return {Status::kAuth, message};
  if (has_one_of(text, {"NOPERM", "ACL failure", "The user executing the script can't"}))
    return {Status::kAuth, message};
  if (starts_with_one_of(text, {"MOVED ", "ASK ", "CROSSSLOT", "CLUSTERDOWN",
                                "ERR SELECT is not allowed in cluster mode"}) ||
      has_one_of(text, {"non local key in a cluster node"}))
    return cluster_error();
  if (lacks_something(text)) return lacking(said, context, words);
  const bool may_pass = starts_with_one_of(
      text, {"LOADING", "BUSY", "READONLY", "MISCONF", "NOREPLICAS", "MASTERDOWN", "TRYAGAIN",
             "OOM", "UNBLOCKED", "ERR max number of clients"});
  return {Status::kServer, message, may_pass};
}

Error cluster_error() {
  return {Status::kUnsupported, "the server is a cluster node, which redis:// does not support"};
}

Error unexpected_reply() { return {Status::kProtocol, "unexpected data from the server"}; }

}  // namespace redilock
