#include "client/server_check.hpp"

#include "lock/requests.hpp"
#include "values/status.hpp"
#include "values/text.hpp"
#include "wire/error_reply.hpp"

namespace redilock {

namespace {

// A client takes random digits in place of "check".
constexpr std::string_view kWakeChannel = "redilock:1:{}:wake:check";
constexpr std::string_view kPlainChannel = "redilock:1:{}:plain:check";
constexpr std::string_view kNothing = "return 0";
// No server counts its connections up to here.
constexpr std::string_view kNoConnection = "9223372036854775807";

[[noreturn]] void throw_failure(const Error &error, const std::string &permission) {
  if (error.status() != Status::kAuth) throw Error(error);
  throw Error(Status::kAuth, "the permission " + permission + " is missing; " + error.message());
}

// One connection of its own, so that the check also shows whether clients get in now.
class Check {
 public:
  Check(Server &server, const WaitContext &limit)
      : server_(server), limit_(limit), connection_(server.connect(limit)) {}

  std::string_view server() const { return connection_->server(); }

  // Throws Error for an error reply, unless the server has only forgotten a script.
  Reply run(const Command &command, const std::string &permission) {
    Reply reply = connection_->call(command, limit_);
    if (reply.is_error() && !is_noscript(reply))
      throw_failure(server_.error_of(reply, *connection_, command), permission);
    return reply;
  }

  // As run(), for a command without which redilock works where the server does not know it.
  void run_if_known(const Command &command, const std::string &permission) {
    try {
      run(command, permission);
    } catch (const Error &error) {
      if (error.status() != Status::kUnsupported) throw;
    }
  }

  // A server that refuses a channel says so; otherwise it refuses the command.
  void subscribe(std::string_view channel) {
    const Reply reply = connection_->call({"SUBSCRIBE", channel}, limit_);
    if (reply.is_error())
      throw_failure(server_.error_of(reply, *connection_, {"SUBSCRIBE"}),
                    permission_for(reply.text(), "subscribe", channel));
  }

  void run_script(const Command &head, const LockKeys &keys, const std::string &permission) {
    Command request = head;
    request.push_back("5");
    request.append(requests::all_keys(keys));
    request.append({kWakeChannel, kPlainChannel});
    const Reply reply = run(request, permission);
    if (!reply.is_error() && !reply.items().empty()) throw_script_failure(reply);
  }

 private:
  static std::string permission_for(const std::string &error, const std::string &command,
                                    std::string_view channel) {
    const bool is_channel = error.find("channel") != error.npos;
    return is_channel ? "&" + std::string(channel) : "+" + command;
  }

  [[noreturn]] void throw_script_failure(const Reply &reply) {
    const Credentials &secrets = server_.credentials();
    const auto fit = [&](size_t at) { return shown(redacted(reply.at(at).text(), &secrets)); };
    const std::string command = fit(0), &error = reply.at(2).text();
    throw_failure(server_error(error, {connection_->server(), command, {}, &secrets}),
                  permission_for(error, command, fit(1)));
  }

  Server &server_;
  const WaitContext &limit_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace

std::string check_server(Server &server, const LockKeys &keys, const WaitContext &limit) {
  Check check(server, limit);
  check.run({"EVAL", kNothing, "0"}, "+eval");
  for (const std::string_view key : requests::all_keys(keys))
    check.run({"EVAL", kNothing, "1", key}, "~" + std::string(key));
  check.run_script({"EVAL", requests::kCheck.text}, keys, "+eval");
  check.run_script({"EVALSHA", requests::kCheck.sha1}, keys, "+evalsha");
  check.run({"SCAN", "0", "MATCH", keys.lock(), "COUNT", "1"}, "+scan");
  check.run_if_known({"CLIENT", "INFO"}, "+client|info");
  check.run_if_known(
      {"CLIENT", "KILL", "ID", kNoConnection, "ADDR", "127.0.0.1:0", "TYPE", "normal"},
      "+client|kill");
  check.subscribe(kWakeChannel);
  const std::string_view name = check.server();
  return server.address() + ": " + std::string(name.empty() ? "a server of unknown kind" : name);
}

}  // namespace redilock
