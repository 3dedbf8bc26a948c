// Whether options are equal, and whether they are in the ranges that the table of options promises.
#pragma once

#include <tuple>

#include "check.hpp"
#include "values/name.hpp"
#include "values/options.hpp"
#include "values/token.hpp"

namespace redilock::fuzz {

inline auto fields(const RequestOptions &o) {
  return std::tie(o.name, o.token, o.ttl, o.wait, o.max_hold, o.renew, o.fence, o.interruptible,
                  o.label);
}

inline auto fields(const ClientOptions &o) {
  return std::tuple_cat(std::tie(o.username, o.password, o.db, o.prefix, o.timeout, o.connect_wait,
                                 o.interval, o.pool, o.log, o.log_notify),
                        fields(o.request));
}

inline void must_be_in_range(const RequestOptions &o) {
  MUST(o.name.size() <= kNameMax);
  MUST(o.ttl >= Millis(1) && o.ttl <= kTtlMax);
  MUST(o.wait >= kForever && o.wait <= kTtlMax);
  MUST(o.max_hold >= Millis(1) && o.max_hold <= kTtlMax);
  MUST(is_label(o.label));
}

inline void must_be_in_range(const ClientOptions &o) {
  constexpr Millis kHour{3600000};
  MUST(o.db >= 0 && o.db <= 65535);
  MUST(o.prefix.size() < kNameMax && o.prefix.substr(0, kReserved.size()) != kReserved);
  MUST(o.timeout >= Millis(1) && o.timeout <= kHour);
  MUST(o.interval >= Millis(1) && o.interval <= kHour);
  MUST(o.pool >= 0 && o.pool <= 1024);
  MUST(o.log >= 0 && o.log <= 65536);
  MUST(o.username.find('\0') == std::string::npos && o.password.find('\0') == std::string::npos);
  MUST(o.request.name.empty() && o.request.token.empty());
  must_be_in_range(o.request);
}

}  // namespace redilock::fuzz
