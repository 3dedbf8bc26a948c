// Options: each line of the input, "NAME=VALUE", is set for a client, for an operation, and for an
// operation as a number. What is taken is in range, what is refused changes nothing.
#include <cstdint>

#include "same_options.hpp"
#include "values/text.hpp"

using namespace redilock;

namespace {

template <typename Options, typename Value>
void set(Options &options, std::string_view name, Value value) {
  const Options before = options;
  try {
    set_option(options, name, value);
    fuzz::must_be_in_range(options);
  } catch (const Error &error) {
    MUST(error.status() == Status::kInvalid);
    MUST(fuzz::fields(options) == fuzz::fields(before));
    fuzz::must_be_presentable(error.message());
  }
}

// A password is refused without showing it. The canary has a byte that none may have.
void refuse_password(std::string_view value) {
  const std::string canary = "cAnArY";
  if (value.find(canary) != value.npos) return;
  ClientOptions options;
  try {
    set_option(options, "password", (canary + std::string(value)).append(1, '\0'));
    MUST(!"a password with a NUL was taken");
  } catch (const Error &error) {
    MUST(error.message().find(canary) == std::string::npos);
  }
}

void convert(std::string_view text) {
  try {
    const Millis duration = parse_duration(text);
    MUST(duration >= Millis(0) && duration <= kTtlMax);
    MUST(parse_duration(format_duration(duration)) == duration);
  } catch (const Error &error) {
    MUST(error.status() == Status::kInvalid);
  }
}

void ask_for_ttl(int64_t number) {
  try {
    MUST(checked_ttl(number) == Millis(number) && number >= 1 && number <= kTtlMax.count());
  } catch (const Error &) {
    MUST(number < 1 || number > kTtlMax.count());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view rest(reinterpret_cast<const char *>(data), size);
  ClientOptions client = default_client_options();
  RequestOptions request;
  while (!rest.empty()) {
    const std::string_view line = fuzz::next_line(rest);
    const size_t equals = line.find('=');
    if (equals == line.npos) continue;
    const std::string_view name = line.substr(0, equals), value = line.substr(equals + 1);
    set(client, name, value);
    set(request, name, value);
    convert(value);
    refuse_password(value);
    const bool negative = value.substr(0, 1) == "-";
    if (const auto digits = parse_digits(value.substr(negative ? 1 : 0))) {
      const int64_t number = negative ? -*digits : *digits;
      set(request, name, number);
      ask_for_ttl(number);
    }
  }
  return 0;
}
