// Small helpers for reading text, and for showing it in messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace redilock {

// A number of decimal digits and nothing else; none if it is empty, has another byte or does not
// fit.
std::optional<int64_t> parse_digits(std::string_view text) noexcept;

// Text that came from outside, fit for one line of a message: cut after `most` bytes, and "?" for
// each byte that is not printable ASCII.
std::string shown(std::string_view text, size_t most = 40);

}  // namespace redilock
