// The table of options, and how a value finds its way through it: text or number, checked against
// the row, stored by the row's own setter. A new option is a new row and a new member.
#include "values/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "values/name.hpp"
#include "values/password_file.hpp"
#include "values/status.hpp"
#include "values/text.hpp"
#include "values/token.hpp"

namespace redilock {
namespace {

using namespace readers;

// Where values go; client is null for the options of an operation.
struct Target {
  ClientOptions *client;
  RequestOptions *request;
};

// A checked value: durations in milliseconds, integers and booleans are numbers.
struct Value {
  int64_t number;
  std::string_view text;
};

void assign(Millis &to, const Value &value) { to = Millis(value.number); }
void assign(int64_t &to, const Value &value) { to = value.number; }
void assign(bool &to, const Value &value) { to = value.number != 0; }
void assign(std::string &to, const Value &value) { to = value.text; }

template <auto kMember>
void client(const Target &target, const Value &value) {
  assign(target.client->*kMember, value);
}

template <auto kMember>
void request(const Target &target, const Value &value) {
  assign(target.request->*kMember, value);
}

void password_from_file(const Target &target, const Value &value) {
  target.client->password = read_password_file(std::string(value.text));
}

// What is wrong with a text, or null.
using Complaint = const char *(*)(std::string_view text);

const char *any(std::string_view) { return nullptr; }

const char *no_name(std::string_view text) {
  return text.empty() || text.size() > kNameMax ? "has to have 1 to 1024 bytes" : nullptr;
}

const char *no_label(std::string_view text) {
  return is_label(text) ? nullptr : "may have at most 128 bytes, all of them printable ASCII";
}

const char *no_prefix(std::string_view text) {
  if (text.size() >= kNameMax) return "may have at most 1023 bytes";
  if (text.substr(0, kReserved.size()) != kReserved) return nullptr;
  return "starts with \"redilock:\", which is reserved";
}

struct Row {
  Option option;
  int64_t min;
  int64_t max;
  Complaint complaint;
  void (*store)(const Target &, const Value &);
};

constexpr auto kDuration = OptionType::kDuration;
constexpr auto kInteger = OptionType::kInteger;
constexpr auto kBoolean = OptionType::kBoolean;
constexpr auto kText = OptionType::kText;
constexpr auto kBytes = OptionType::kBytes;
constexpr auto kClient = OptionScope::kClient;
constexpr auto kOperation = OptionScope::kOperation;
constexpr auto kBoth = OptionScope::kBoth;
constexpr int64_t kYear = kTtlMax.count();
constexpr int64_t kHour = 3600000;

constexpr char kLabelDefault[] = "host/pid";

// clang-format off
constexpr Row kRows[] = {
    {{"name", kBytes, kOperation, "", "The lock's name: 1 to 1024 bytes, the prefix included.",
      kAcquire | kRelease | kExtend | kBreak | kInfo | kCheck | kAttach},
     0, 0, no_name, request<&RequestOptions::name>},
    {{"token", kBytes, kOperation, "",
      "The token of a held lock, to release or extend it without its handle.",
      kByToken | kAttach},
     0, 0, any, request<&RequestOptions::token>},
    {{"ttl", kDuration, kBoth, "30s",
      "The lease: for how long a lock is held unless it is extended, 1ms to 365d.",
      kAcquire | kExtend | kAttach},
     1, kYear, any, request<&RequestOptions::ttl>},
    {{"wait", kDuration, kBoth, "forever",
      "How long to wait for a lock that is held. 0 tries once, \"forever\" has no end.",
      kAcquire},
     kForever.count(), kYear, any, request<&RequestOptions::wait>},
    {{"renew", kBoolean, kBoth, "no",
      "Whether a held lock is extended in the background, at a third of its ttl.",
      kAcquire | kAttach},
     0, 1, any, request<&RequestOptions::renew>},
    {{"max_hold", kDuration, kBoth, "24h",
      "How long after its grant a lock is renewed at most, so that a hung job ends, 1ms to 365d.",
      kAcquire | kAttach},
     1, kYear, any, request<&RequestOptions::max_hold>},
    {{"fence", kBoolean, kBoth, "yes",
      "Whether each grant carries a fence. Without it acquiring is a little faster.",
      kAcquire},
     0, 1, any, request<&RequestOptions::fence>},
    {{"interruptible", kBoolean, kBoth, "no",
      "Whether a blocked call returns when its thread is interrupted by a signal.",
      kBlocking},
     0, 1, any, request<&RequestOptions::interruptible>},
    {{"label", kText, kBoth, kLabelDefault,
      "Who holds the lock, for people to read: at most 128 printable ASCII bytes.",
      kAcquire},
     0, 0, no_label, request<&RequestOptions::label>},
    {{"username", kText, kClient, "", "The user to authenticate as; needs a password.", 0},
     0, 0, any, client<&ClientOptions::username>},
    {{"password", kText, kClient, "", "The password to authenticate with.", 0},
     0, 0, any, client<&ClientOptions::password>},
    {{"password_file", kText, kClient, "",
      "A file whose first line is the password; read at once when the option is set.", 0},
     0, 0, any, password_from_file},
    {{"db", kInteger, kClient, "0", "The number of the database, 0 to 65535.", 0},
     0, 65535, any, client<&ClientOptions::db>},
    {{"prefix", kText, kClient, "", "What is put before every lock name to make its key.", 0},
     0, 0, no_prefix, client<&ClientOptions::prefix>},
    {{"timeout", kDuration, kClient, "5s",
      "How long one request to the server may take, connecting included, 1ms to 1h.", 0},
     1, kHour, any, client<&ClientOptions::timeout>},
    {{"connect_wait", kDuration, kClient, "0",
      "How much longer a request may take until the client has connected for the first time, for a "
      "server that is not up yet, 0 to 1h. A wait still ends in its own time.", 0},
     0, kHour, any, client<&ClientOptions::connect_wait>},
    {{"interval", kDuration, kClient, "250ms",
      "How often the first waiter looks again while another kind of client holds the lock, 1ms to "
      "1h.", 0},
     1, kHour, any, client<&ClientOptions::interval>},
    {{"pool", kInteger, kClient, "8", "How many idle connections are kept open, 0 to 1024.", 0},
     0, 1024, any, client<&ClientOptions::pool>},
    {{"log", kInteger, kClient, "0",
      "How many lines of the client's log are kept until they are read, 0 to 65536.", 0},
     0, 65536, any, client<&ClientOptions::log>},
    {{"log_notify", kBoolean, kClient, "no",
      "Whether lines of the log that wait are a completion, so that the descriptor is readable.",
      0},
     0, 1, any, client<&ClientOptions::log_notify>},
};
// clang-format on

[[noreturn]] void refuse(const Row &row, const std::string &reason) {
  throw Error(Status::kInvalid, std::string(row.option.name) + ": " + reason);
}

bool is_text(const Row &row) {
  return row.option.type == OptionType::kText || row.option.type == OptionType::kBytes;
}

const Row &find_row(std::string_view name, OptionScope elsewhere) {
  for (const Row &row : kRows) {
    if (row.option.name != name) continue;
    if (row.option.scope != elsewhere) return row;
    refuse(row, elsewhere == kClient ? "is an option of a client, not of an operation"
                                     : "is an option of an operation, not of a client");
  }
  throw Error(Status::kInvalid, shown(name) + ": no such option");
}

int64_t parse_boolean(const Row &row, std::string_view text) {
  for (const std::string_view yes : {"1", "true", "yes", "on"}) {
    if (text == yes) return 1;
  }
  for (const std::string_view no : {"0", "false", "no", "off"}) {
    if (text == no) return 0;
  }
  refuse(row, shown(text) + " is not yes or no");
}

int64_t parse_integer(const Row &row, std::string_view text) {
  const auto number = parse_digits(text);
  if (!number) refuse(row, shown(text) + " is not a whole number in its range");
  return *number;
}

int64_t parse_milliseconds(const Row &row, std::string_view text) {
  if (row.min < 0 && text == "forever") return kForever.count();
  try {
    return parse_duration(text).count();
  } catch (const Error &error) {
    refuse(row, error.message());
  }
}

int64_t parse_number(const Row &row, std::string_view text) {
  switch (row.option.type) {
    case OptionType::kDuration:
      return parse_milliseconds(row, text);
    case OptionType::kInteger:
      return parse_integer(row, text);
    default:
      return parse_boolean(row, text);
  }
}

std::string range_text(const Row &row) {
  if (row.option.type != OptionType::kDuration) {
    return std::to_string(row.min) + " to " + std::to_string(row.max);
  }
  const Millis least{std::max<int64_t>(row.min, 0)};
  return format_duration(least) + " to " + format_duration(Millis(row.max)) +
         (row.min < 0 ? " or forever" : "");
}

void store_number(const Row &row, const Target &target, int64_t number) {
  if (is_text(row)) refuse(row, "takes text, not a number");
  // Below 0 there is only one value, and it is that of "forever".
  if (row.min < 0) number = std::max(number, row.min);
  if (number < row.min || number > row.max) refuse(row, "has to be " + range_text(row));
  row.store(target, {number, {}});
}

// Many programs pass INT64_MAX for a wait without an end.
void store_given_number(const Row &row, const Target &target, int64_t number) {
  store_number(row, target, row.min < 0 && number > row.max ? row.min : number);
}

// Texts are never shown: they may be secret.
void store_text(const Row &row, const Target &target, std::string_view text) {
  if (row.option.type == kText && text.find('\0') != std::string_view::npos) {
    refuse(row, "has a NUL byte");
  }
  if (const char *complaint = row.complaint(text)) refuse(row, complaint);
  row.store(target, {0, text});
}

void store(const Row &row, const Target &target, std::string_view text) {
  if (is_text(row)) return store_text(row, target, text);
  store_number(row, target, parse_number(row, text));
}

std::string default_label() {
  char host[256] = "";
  // A name that does not fit may lack its end.
  if (::gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  const std::string pid = "/" + std::to_string(::getpid());
  std::string label = std::string(host).substr(0, kLabelMax - pid.size()) + pid;
  for (char &c : label) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return label;
}

}  // namespace

size_t option_count() noexcept { return std::size(kRows); }

const Option *option_at(size_t index) noexcept {
  return index < std::size(kRows) ? &kRows[index].option : nullptr;
}

const char *option_type_name(OptionType type) noexcept {
  constexpr const char *kNames[] = {"duration", "integer", "boolean", "text", "bytes"};
  return kNames[static_cast<size_t>(type)];
}

const char *option_scope_name(OptionScope scope) noexcept {
  constexpr const char *kNames[] = {"client", "operation", "both"};
  return kNames[static_cast<size_t>(scope)];
}

std::string option_readers(const Option &option) {
  static constexpr const char *kNames[] = {"acquire",
                                           "release",
                                           "extend",
                                           "break",
                                           "info",
                                           "release or extend by token",
                                           "every call that blocks",
                                           "check",
                                           "attach"};
  std::string text;
  for (size_t bit = 0; bit < std::size(kNames); ++bit)
    if ((option.readers >> bit & 1) != 0)
      text += (text.empty() ? "" : ", ") + std::string(kNames[bit]);
  return text;
}

size_t option_index(std::string_view name) noexcept {
  const auto is_it = [name](const Row &row) { return row.option.name == name; };
  return static_cast<size_t>(std::find_if(std::begin(kRows), std::end(kRows), is_it) - kRows);
}

ClientOptions default_client_options() {
  const std::string label = default_label();
  ClientOptions options;
  const Target target{&options, &options.request};
  for (const Row &row : kRows) {
    const std::string_view text = row.option.default_text;
    // An empty default is no value at all: no name, no password file.
    if (!text.empty()) store(row, target, text == kLabelDefault ? std::string_view(label) : text);
  }
  return options;
}

void set_option(ClientOptions &options, std::string_view name, std::string_view value) {
  store(find_row(name, kOperation), {&options, &options.request}, value);
}

void set_option(RequestOptions &options, std::string_view name, std::string_view value) {
  store(find_row(name, kClient), {nullptr, &options}, value);
}

void set_option(ClientOptions &options, std::string_view name, int64_t value) {
  store_given_number(find_row(name, kOperation), {&options, &options.request}, value);
}

void set_option(RequestOptions &options, std::string_view name, int64_t value) {
  store_given_number(find_row(name, kClient), {nullptr, &options}, value);
}

Millis checked_ttl(int64_t ttl_ms) {
  RequestOptions options;
  set_option(options, "ttl", ttl_ms);
  return options.ttl;
}

Millis checked_wait(int64_t wait_ms) noexcept {
  return wait_ms < 0 || wait_ms > kYear ? kForever : Millis(wait_ms);
}

}  // namespace redilock
