// How an outcome reads to the caller: on which lock, what failed, on which server, and why.
#pragma once

#include <string>
#include <string_view>

#include "lock/lease.hpp"
#include "values/outcome.hpp"
#include "wire/router.hpp"

namespace redilock {

// Of a token, of a handle that was released, of a lock that was lost.
Error no_token();
Error released_before();
Error lost(Lease &lease, Instant now);
// An unanswered request that may have been carried out has an unknown outcome.
Error outcome_of(const Unanswered &error) noexcept;

// "cannot release: 10.0.0.5:6379: the server says: ..."; the same error if what it says is whole:
// the lock was not granted, the caller has ended the call, or an argument is wrong.
Error cannot(const char *verb, const Router &router, const Error &error) noexcept;

// `lock "nightly": ` and what is said of it. The name is cut where it is long.
Error on_lock(std::string_view name, const Error &error) noexcept;

// The outcome that `call` returns or throws, in the words for the caller.
template <typename Call>
Outcome outcome_of_call(const std::string &name, const char *verb, const Router &router,
                        Call call) {
  try {
    Outcome outcome = call();
    if (outcome.ok()) return outcome;
    return on_lock(name, cannot(verb, router, outcome.error()));
  } catch (const Unanswered &error) {
    return on_lock(name, cannot(verb, router, outcome_of(error)));
  } catch (const Error &error) {
    return on_lock(name, cannot(verb, router, error));
  }
}

}  // namespace redilock
