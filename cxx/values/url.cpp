// Reads urls. Nothing of a url but the names of known options goes into a message, for a password
// with an unescaped "/" or "?" may be read as any part of it.
#include "values/url.hpp"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>

#include "values/status.hpp"
#include "values/text.hpp"

namespace redilock {
namespace {

[[noreturn]] void refuse(const std::string &reason) {
  throw Error(Status::kInvalid, "url: " + reason);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text, const std::string &part) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) refuse(part + " has a % without two hex digits; write % as %25");
    if (high == 0 && low == 0) refuse(part + " has a %00");
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

// "before<separator>after", or all of it before.
struct Split {
  std::string_view before;
  std::string_view after;
  bool found;
};

Split split_at(std::string_view text, size_t at) {
  if (at == std::string_view::npos) return {text, {}, false};
  return {text.substr(0, at), text.substr(at + 1), true};
}

struct Parts {
  std::string scheme;
  std::string_view user_info;
  std::string_view host_port;
  std::string_view path;  // with its slash
  std::string_view query;
};

Parts split_url(std::string_view url) {
  const size_t colon = url.find("://");
  std::string scheme(url.substr(0, std::min(colon, url.size())));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
  if (colon == std::string_view::npos) refuse("has no scheme; write redis://host:port");
  if (std::any_of(url.begin(), url.end(), control)) refuse("has a control character");

  const std::string_view rest = url.substr(colon + 3);
  const Split query = split_at(rest, rest.find('?'));
  const size_t slash = std::min(query.before.find('/'), query.before.size());
  const std::string_view authority = query.before.substr(0, slash);
  const size_t at = authority.rfind('@');
  Parts parts{std::move(scheme), {}, authority, query.before.substr(slash), query.after};
  if (at != std::string_view::npos) {
    parts.user_info = authority.substr(0, at);
    parts.host_port = authority.substr(at + 1);
  }
  return parts;
}

void refuse_unsupported(const std::string &scheme) {
  constexpr std::string_view kTls[] = {"rediss", "valkeys", "unixs"};
  constexpr std::string_view kFamilies[] = {"redis", "rediss", "valkey", "valkeys"};
  const auto has = [](const auto &list, std::string_view text) {
    return std::find(std::begin(list), std::end(list), text) != std::end(list);
  };
  const Split kind = split_at(scheme, scheme.find_first_of("+-"));
  if (has(kFamilies, kind.before) && (kind.after == "sentinel" || kind.after == "cluster")) {
    throw Error(Status::kUnsupported, "url: " + scheme + ":// is not supported; one server only");
  }
  if (has(kTls, scheme)) {
    throw Error(Status::kUnsupported, "url: " + scheme + ":// is not supported; no TLS yet");
  }
}

// An "@" behind the host is the one that ends the password, which has a raw "/" or "?". In a query
// it may be part of an option too, unless the host and port before it are none.
void refuse_raw_password(const Parts &parts) {
  if (!parts.user_info.empty()) return;
  if (parts.path.find('@') != std::string_view::npos)
    refuse("has an \"@\" behind the host; write / in a password as %2F");
  if (parts.query.find('@') == std::string_view::npos || parts.host_port.substr(0, 1) == "[")
    return;
  const Split host = split_at(parts.host_port, parts.host_port.find(':'));
  if (host.found && !parse_digits(host.after))
    refuse("has an \"@\" behind the host; write ? in a password as %3F");
}

void read_user_info(std::string_view text, ClientOptions &options) {
  const Split parts = split_at(text, text.find(':'));
  const std::string user = decode(parts.before, "the user");
  const std::string password = decode(parts.after, "the password");
  if (!user.empty()) options.username = user;
  if (!password.empty()) options.password = password;
}

uint16_t read_port(std::string_view text) {
  const auto port = parse_digits(decode(text, "the port"));
  if (!port || *port < 1 || *port > 65535) refuse("the port has to be 1 to 65535");
  return static_cast<uint16_t>(*port);
}

std::string read_ipv6(std::string_view text) {
  std::string host = decode(text, "the host");
  const std::string address = host.substr(0, host.find('%'));  // the rest is a zone, as in %eth0
  in6_addr ignored;
  if (::inet_pton(AF_INET6, address.c_str(), &ignored) != 1 || host.back() == '%') {
    refuse("the host in brackets is no IPv6 address");
  }
  return host;
}

std::string read_host_name(std::string_view text) {
  std::string host = decode(text, "the host");
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-' || c == '_';
  };
  if (host.size() > 253) refuse("the host is longer than 253 bytes");
  if (!std::all_of(host.begin(), host.end(), fits)) refuse("the host has a byte no host has");
  return host.empty() ? "127.0.0.1" : host;
}

void read_host_port(std::string_view text, Endpoint &endpoint) {
  if (text.find(',') != std::string_view::npos) {
    throw Error(Status::kUnsupported, "url: several hosts are not supported");
  }
  if (text.substr(0, 1) == "[") {
    const Split inside = split_at(text.substr(1), text.substr(1).find(']'));
    if (!inside.found) refuse("the host lacks its closing bracket");
    endpoint.host = read_ipv6(inside.before);
    if (inside.after.empty()) return;
    if (inside.after[0] != ':') refuse("after the host's bracket comes something else than a port");
    endpoint.port = read_port(inside.after.substr(1));
    return;
  }
  const Split parts = split_at(text, text.find(':'));
  if (parts.after.find(':') != std::string_view::npos) {
    refuse("the port holds a \":\"; an IPv6 address has to stand in brackets");
  }
  endpoint.host = read_host_name(parts.before);
  if (parts.found) endpoint.port = read_port(parts.after);
}

void read_socket(const Parts &parts, Endpoint &endpoint) {
  if (!parts.host_port.empty()) refuse("a socket's path has to be absolute: unix:///path");
  endpoint.socket_path = decode(parts.path, "the path");
  if (endpoint.socket_path.size() < 2) refuse("the socket's path is missing");
  if (endpoint.socket_path.size() >= sizeof(sockaddr_un::sun_path)) {
    refuse("the socket's path is longer than 107 bytes");
  }
}

void read_db(std::string_view path, ClientOptions &options) {
  const std::string db = decode(path.substr(std::min<size_t>(1, path.size())), "the db");
  if (db.empty()) return;
  try {
    set_option(options, "db", db);
  } catch (const Error &) {
    refuse("the db has to be a number, 0 to 65535");
  }
}

bool is_client_option(std::string_view name) {
  for (size_t i = 0; const Option *option = option_at(i); ++i) {
    if (option->name == name) return option->scope != OptionScope::kOperation;
  }
  return false;
}

void read_option(std::string_view text, bool secret, ClientOptions &options) {
  const Split parts = split_at(text, text.find('='));
  const std::string name = decode(parts.before, "an option's name");
  if (!is_client_option(name)) {
    refuse(secret ? "has an unknown option, or a raw \"/\" or \"?\" in its password"
                  : "has the unknown option " + shown(name));
  }
  if (!parts.found) refuse("the option " + name + " has no value");
  const std::string value = decode(parts.after, "the option " + name);
  try {
    set_option(options, name, value);
  } catch (const Error &error) {
    refuse(secret ? "the option " + name + " has a wrong value" : error.message());
  }
}

void read_query(std::string_view query, bool secret, ClientOptions &options) {
  while (!query.empty()) {
    const Split parts = split_at(query, query.find('&'));
    if (!parts.before.empty()) read_option(parts.before, secret, options);
    query = parts.after;
  }
}

}  // namespace

std::string Endpoint::text() const {
  if (is_unix()) return socket_path;
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Endpoint parse_url(std::string_view url, ClientOptions &options) {
  const Parts parts = split_url(url);
  refuse_unsupported(parts.scheme);
  Endpoint endpoint;
  ClientOptions read = options;
  read_user_info(parts.user_info, read);
  if (parts.scheme == "redis" || parts.scheme == "valkey") {
    refuse_raw_password(parts);
    read_host_port(parts.host_port, endpoint);
    read_db(parts.path, read);
  } else if (parts.scheme == "unix") {
    read_socket(parts, endpoint);
  } else {
    refuse("its scheme is none of redis://, valkey:// and unix://");
  }
  // An "@" this late may be the one that ends the password.
  read_query(parts.query, parts.query.find('@') != std::string_view::npos, read);
  options = std::move(read);
  return endpoint;
}

}  // namespace redilock
