// What an error reply of the server means to the caller, and its words in a message.
#pragma once

#include <string>
#include <string_view>

#include "values/credentials.hpp"
#include "values/reply.hpp"
#include "values/status.hpp"

namespace redilock {

// What the error answers.
struct ErrorContext {
  std::string_view server = {};   // such as "Redis 7.0.15"; empty where it is not known
  std::string_view command = {};  // the first word of what was sent
  std::string_view script = {};   // the text, if it was a script
  const Credentials *credentials = nullptr;
};

// Whether the script has to be sent by its text.
bool is_noscript(const Reply &reply);
// Whether to ask again within the same call: the server is starting, or busy with a script.
bool is_transient_error(const Reply &reply);
// Whether a replica refused: another server is the primary, by now or soon.
bool is_replica_error(const Reply &reply);

bool is_noauth(const Reply &reply);

// kAuth; kUnsupported for a cluster node, or for a server that lacks a command; else kServer. The
// message has the server's words, without what they repeat of the request and without secrets.
Error server_error(const std::string &text, const ErrorContext &context = {});

Error cluster_error();
// More than the replies to what was asked.
Error unexpected_reply();

}  // namespace redilock
