// The library's handles with owners, made from the command line, and its errors turned into
// Failures.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "command.hpp"
#include "redilock/redilock.h"

namespace cli {

struct Deleter {
  void operator()(redilock_options_t *p) const { redilock_options_free(p); }
  void operator()(redilock_client_t *p) const { redilock_free(p); }
  void operator()(redilock_op_t *p) const { redilock_op_free(p); }
  void operator()(redilock_lock_t *p) const { redilock_lock_free(p); }
  void operator()(redilock_info_t *p) const { redilock_info_free(p); }
  void operator()(redilock_list_t *p) const { redilock_list_free(p); }
};

using Options = std::unique_ptr<redilock_options_t, Deleter>;
using Client = std::unique_ptr<redilock_client_t, Deleter>;
using Op = std::unique_ptr<redilock_op_t, Deleter>;
using Lock = std::unique_ptr<redilock_lock_t, Deleter>;
using Info = std::unique_ptr<redilock_info_t, Deleter>;
using List = std::unique_ptr<redilock_list_t, Deleter>;

// A client by --url, --password-file and --option. Does no I/O to the server. Throws Failure.
Client make_client(const Args &args);

// The server's address as messages show it: host:port or the path of a socket. The url is one that
// make_client has read.
std::string server_address(const Args &args);

// An operation, for one lock or for none in particular. Throw Failure.
Op make_op(const Client &client);
Op make_op(const Client &client, const std::string &name);

// Set an option of an operation. Throw Failure.
void set(const Op &op, const char *option, const std::string &value);
void set_bytes(const Op &op, const char *option, const std::string &value);
// As set, where the flag was given.
void set_by_flag(const Op &op, const char *option, const Args &args, const char *flag);

// A sentence on how the last call of an operation or a list ended with `status`.
std::string reason(const Op &op, int32_t status);
std::string reason(const List &list, int32_t status);

// Throws Failure with the reason unless status is REDILOCK_OK.
void check(const Op &op, int32_t status);

Info look_up(const Op &op);

// The token of a lock as a string.
std::string token_of(const Lock &lock);

// The token by operand (`-` for stdin), --token-file or REDILOCK_TOKEN. Throws UsageError or
// Failure.
std::string token_by_args(const Args &args, size_t operand);

// The first line of a file, "-" being stdin. Throws Failure.
std::string first_line(const std::string &path);

}  // namespace cli
