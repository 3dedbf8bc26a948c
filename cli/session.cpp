// Makes clients and operations from the command line. Secrets come from files, stdin or the
// environment, and are never printed.
#include "session.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>

namespace cli {
namespace {

constexpr size_t kErrorSize = 512;

void set_option(const Options &options, const std::string &name, const std::string &value) {
  char error[kErrorSize] = "";
  const int32_t status =
      redilock_options_set(options.get(), name.c_str(), value.c_str(), error, sizeof error);
  if (status != REDILOCK_OK) {
    throw Failure(exit_code_of(status), *error != '\0' ? error : redilock_strerror(status));
  }
}

Options make_options(const Args &args) {
  redilock_options_t *raw = nullptr;
  const int32_t status = redilock_options_new(&raw);
  Options options(raw);
  if (status != REDILOCK_OK) throw Failure(exit_code_of(status), redilock_strerror(status));
  for (const std::string &pair : args.all("--option")) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos) throw UsageError("--option needs NAME=VALUE");
    set_option(options, pair.substr(0, equals), pair.substr(equals + 1));
  }
  if (args.has("--password-file")) {
    set_option(options, "password", first_line(args.value("--password-file")));
  }
  return options;
}

// The message that `copy` gives of an object, or else the general one of the status.
template <typename Object>
std::string message_or_text(size_t (*copy)(const Object *, char *, size_t), const Object *object,
                            int32_t status) {
  std::string text(copy(object, nullptr, 0), '\0');
  if (text.empty()) return redilock_strerror(status);
  copy(object, text.data(), text.size() + 1);
  return text;
}

// Whether the client goes to the default server because none was named.
bool no_server_named = false;

// As the library reads it: an empty one counts as none.
std::string url_of_environment() {
  const char *variable = std::getenv("REDILOCK_URL");
  return variable == nullptr ? "" : variable;
}

std::string hint(int32_t status) {
  const bool unreachable = status == REDILOCK_E_UNAVAILABLE;
  return no_server_named && unreachable ? " (REDILOCK_URL is not set, nor --url given)" : "";
}

}  // namespace

std::string first_line(const std::string &path) {
  std::ifstream file;
  if (path != "-") {
    errno = 0;
    file.open(path);
    if (!file) throw Failure(kExitUsage, path + ": " + std::strerror(errno));
  }
  std::string line;
  std::istream &in = path == "-" ? std::cin : file;
  if (!std::getline(in, line)) throw Failure(kExitUsage, path + ": nothing to read");
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty()) throw Failure(kExitUsage, path + ": the first line is empty");
  if (line.find('\0') != std::string::npos)
    throw Failure(kExitUsage, path + ": the first line has a NUL byte");
  return line;
}

Client make_client(const Args &args) {
  const Options options = make_options(args);
  const std::string url = args.value("--url");
  no_server_named = !args.has("--url") && url_of_environment().empty();
  char error[kErrorSize] = "";
  redilock_client_t *raw = nullptr;
  const int32_t status = redilock_new(args.has("--url") ? url.c_str() : nullptr, options.get(),
                                      &raw, error, sizeof error);
  if (status != REDILOCK_OK) {
    throw Failure(exit_code_of(status), *error != '\0' ? error : redilock_strerror(status));
  }
  return Client(raw);
}

std::string server_address(const Args &args) {
  std::string url = args.value("--url", url_of_environment());
  if (url.empty()) url = "redis://";
  const size_t start = url.find("://") + 3;
  std::string rest = url.substr(start, url.find('?', start) - start);
  if (url.compare(0, 4, "unix") == 0) return rest;
  const std::string authority = rest.substr(0, rest.find('/'));
  const std::string host_port = authority.substr(authority.rfind('@') + 1);
  const bool has_port =
      host_port.find_last_of(":]") != std::string::npos && host_port.back() != ']';
  const std::string host = host_port.empty() || host_port[0] == ':' ? "127.0.0.1" : "";
  return host + host_port + (has_port ? "" : ":6379");
}

Op make_op(const Client &client) {
  redilock_op_t *raw = nullptr;
  const int32_t status = redilock_op_new(client.get(), &raw);
  Op op(raw);
  if (status != REDILOCK_OK) throw Failure(exit_code_of(status), redilock_strerror(status));
  return op;
}

Op make_op(const Client &client, const std::string &name) {
  Op op = make_op(client);
  set_bytes(op, "name", name);
  return op;
}

void set(const Op &op, const char *option, const std::string &value) {
  const int32_t status = redilock_op_set(op.get(), option, value.c_str());
  if (status != REDILOCK_OK) throw Failure(exit_code_of(status), reason(op, status));
}

void set_bytes(const Op &op, const char *option, const std::string &value) {
  const int32_t status = redilock_op_set_bytes(op.get(), option, value.data(), value.size());
  if (status != REDILOCK_OK) throw Failure(exit_code_of(status), reason(op, status));
}

void set_by_flag(const Op &op, const char *option, const Args &args, const char *flag) {
  if (args.has(flag)) set(op, option, args.value(flag));
}

std::string reason(const Op &op, int32_t status) {
  return message_or_text(redilock_op_message, op.get(), status) + hint(status);
}

std::string reason(const List &list, int32_t status) {
  return message_or_text(redilock_list_message, list.get(), status) + hint(status);
}

void check(const Op &op, int32_t status) {
  if (status == REDILOCK_OK) return;
  throw Failure(exit_code_of(status), reason(op, status));
}

Info look_up(const Op &op) {
  redilock_info_t *raw = nullptr;
  const int32_t status = redilock_op_info(op.get(), &raw);
  Info info(raw);
  check(op, status);
  return info;
}

std::string token_of(const Lock &lock) {
  size_t len = 0;
  const char *token = redilock_lock_token(lock.get(), &len);
  return token == nullptr ? std::string() : std::string(token, len);
}

std::string token_by_args(const Args &args, size_t operand) {
  if (operand < args.operands().size()) {
    if (args.has("--token-file")) throw UsageError("TOKEN and --token-file exclude each other");
    const std::string &token = args.operands()[operand];
    return token == "-" ? first_line("-") : token;
  }
  if (args.has("--token-file")) return first_line(args.value("--token-file"));
  const char *token = std::getenv("REDILOCK_TOKEN");
  if (token == nullptr) throw UsageError("missing TOKEN, --token-file or REDILOCK_TOKEN");
  return token;
}

}  // namespace cli
