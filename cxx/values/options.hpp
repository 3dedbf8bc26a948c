// The settings of a client and of an operation, and the one table that names, types, defaults and
// documents them. Parsing, defaults, the listing in the C ABI and the man page all come from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "values/duration.hpp"

namespace redilock {

// What one request asks for. A client holds one as the defaults of its operations.
struct RequestOptions {
  std::string name;            // "name": the lock name, without the prefix
  std::string token;           // "token": to release or extend by, without a handle
  Millis ttl{30000};           // "ttl"
  Millis wait{kForever};       // "wait": 0 tries, kForever has no end
  Millis max_hold{86400000};   // "max_hold": ceiling of auto-renewal
  bool renew = false;          // "renew"
  bool fence = true;           // "fence"
  bool interruptible = false;  // "interruptible"
  std::string label;           // "label": of the owner, at most 128 printable ASCII bytes
};

// What a client is made with, beside where it connects to.
struct ClientOptions {
  std::string username;     // "username": client only
  std::string password;     // "password", or the first line of "password_file": client only
  int64_t db = 0;           // "db": 0 .. 65535, client only
  std::string prefix;       // "prefix": client only; put before every lock name
  Millis timeout{5000};     // "timeout": 1ms .. 1h, client only; for one request to the server
  Millis connect_wait{0};   // "connect_wait": 0 .. 1h, client only; added to `timeout` until the
                            // client has connected for the first time
  Millis interval{250};     // "interval": 1ms .. 1h, client only; how often the head of the queue
                            // looks again while a foreign client holds the lock
  int64_t pool = 8;         // "pool": 0 .. 1024, client only; idle connections kept
  int64_t log = 0;          // "log": 0 .. 65536, client only; lines kept
  bool log_notify = false;  // "log_notify": client only
  RequestOptions request;   // defaults for operations: ttl, wait, max_hold, renew, fence,
                            // interruptible, label ("both"); name and token are "operation" only
};

enum class OptionType { kDuration, kInteger, kBoolean, kText, kBytes };
enum class OptionScope { kClient, kOperation, kBoth };

// The calls of an operation, and which of them read an option: a set of bits.
using Readers = uint32_t;
namespace readers {
constexpr Readers kAcquire = 1, kRelease = 2, kExtend = 4, kBreak = 8, kInfo = 16;
constexpr Readers kByToken = 32;   // a release or extension without a handle
constexpr Readers kBlocking = 64;  // any call that blocks
constexpr Readers kCheck = 128, kAttach = 256;
}  // namespace readers

struct Option {
  const char *name;
  OptionType type;
  OptionScope scope;
  const char *default_text;
  const char *doc;
  Readers readers;  // none for an option of a client
};

size_t option_count() noexcept;
const Option *option_at(size_t index) noexcept;  // null past the last
const char *option_type_name(OptionType type) noexcept;
const char *option_scope_name(OptionScope scope) noexcept;
// The names of the calls that read it, such as "acquire, extend"; "" for an option of a client.
std::string option_readers(const Option &option);
// Of an option that exists.
size_t option_index(std::string_view name) noexcept;

// The defaults, the label "host/pid" included.
ClientOptions default_client_options();

// Throw Error(kInvalid) naming the option, never showing a password, and leave `options` as they
// were. Client options take what is not "operation" only, "password_file" (read here) included;
// requests take what is not "client" only. As a number, a duration is in milliseconds and any
// negative wait has no end.
void set_option(ClientOptions &options, std::string_view name, std::string_view value);
void set_option(RequestOptions &options, std::string_view name, std::string_view value);
void set_option(ClientOptions &options, std::string_view name, int64_t value);
void set_option(RequestOptions &options, std::string_view name, int64_t value);

// The range 1 ms .. kTtlMax, for ttls that come as numbers. Throws Error(kInvalid).
Millis checked_ttl(int64_t ttl_ms);
// The same for waits: 0 .. kTtlMax, and for ever for any other number.
Millis checked_wait(int64_t wait_ms) noexcept;

}  // namespace redilock
