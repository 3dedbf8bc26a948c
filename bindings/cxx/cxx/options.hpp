// Options by name and value, as the library takes them.
#ifndef REDILOCK_CXX_OPTIONS_HPP
#define REDILOCK_CXX_OPTIONS_HPP

#include <redilock/redilock.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace redilock {
inline namespace v0 {

/// As a wait or a timeout: for ever.
inline constexpr std::chrono::milliseconds forever{REDILOCK_WAIT_FOREVER};

namespace detail {

// Whole milliseconds, rounded up or down; what int64_t cannot hold becomes its nearest value.
template <typename Rep, typename Period>
std::int64_t milliseconds(std::chrono::duration<Rep, Period> duration, bool up) {
  using Exact = std::chrono::duration<long double, std::milli>;
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  const long double exact = std::chrono::duration_cast<Exact>(duration).count();
  const long double whole = up ? std::ceil(exact) : std::floor(exact);
  if (whole >= static_cast<long double>(kMax)) return kMax;
  if (whole <= -static_cast<long double>(kMax)) return -kMax;
  return static_cast<std::int64_t>(whole);
}

}  // namespace detail

/// One option and its value. Each call checks the names and values of its options and refuses wrong
/// ones with Status::invalid and a message that names the option.
class Option {
 public:
  /// A value as text, such as "500ms" or "forever", or as bytes.
  Option(std::string name, std::string_view value)
      : name_(std::move(name)), value_(std::string(value)) {}
  Option(std::string name, const char *value) : Option(std::move(name), std::string_view(value)) {}
  Option(std::string name, const std::string &value)
      : Option(std::move(name), std::string_view(value)) {}

  /// An integer or a boolean. The library takes an integer for a duration as milliseconds.
  template <typename T, typename = std::enable_if_t<std::is_integral_v<T>>>
  Option(std::string name, T value)
      : name_(std::move(name)), value_(static_cast<std::int64_t>(value)) {}

  /// A duration. Leases ("ttl", "max_hold") are rounded down to whole milliseconds, others up.
  template <typename Rep, typename Period>
  Option(std::string name, std::chrono::duration<Rep, Period> value) : name_(std::move(name)) {
    const bool is_lease = name_ == "ttl" || name_ == "max_hold";
    // The library refuses this text and says for which option.
    if (value != value) {
      value_ = std::string("nan");
    } else {
      value_ = detail::milliseconds(value, !is_lease);
    }
  }

  /// Calls `text(name, data, size)` or `number(name, value)`.
  template <typename Text, typename Number>
  void visit(Text text, Number number) const {
    // C would cut a name at a NUL; no option has the empty name.
    const char *name = name_.find('\0') == std::string::npos ? name_.c_str() : "";
    if (const auto *bytes = std::get_if<std::string>(&value_)) {
      text(name, bytes->data(), bytes->size());
    } else {
      number(name, *std::get_if<std::int64_t>(&value_));
    }
  }

 private:
  std::string name_;
  std::variant<std::string, std::int64_t> value_;
};

/// Options in the order in which they are set: `{{"ttl", 30s}, {"renew", true}}`.
using Options = std::vector<Option>;

}  // namespace v0
}  // namespace redilock

#endif  // REDILOCK_CXX_OPTIONS_HPP
