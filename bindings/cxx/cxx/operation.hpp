// One request with its options, and what it gave. Users meet it inside of Client.
#ifndef REDILOCK_CXX_OPERATION_HPP
#define REDILOCK_CXX_OPERATION_HPP

#include <redilock/redilock.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "error.hpp"
#include "info.hpp"
#include "lock.hpp"
#include "options.hpp"

namespace redilock {
inline namespace v0 {
namespace detail {

// Owns the handle of an operation; null where it could not be made, and then each call on it fails.
class Operation {
 public:
  Operation() = default;
  explicit Operation(redilock_client_t *client) {
    redilock_op_t *made = nullptr;
    making_ = redilock_op_new(client, &made);
    handle_.reset(made);
  }

  redilock_op_t *get() const noexcept { return handle_.get(); }

  // How a call on it failed with `status`.
  Failure failure(std::int32_t status) const {
    if (making_ != REDILOCK_OK) return detail::failure(making_);
    auto copy = [this](char *to, std::size_t size) {
      return redilock_op_message(handle_.get(), to, size);
    };
    return detail::failure(status, copied(copy), redilock_op_retriable(handle_.get()) != 0);
  }

 private:
  std::int32_t making_ = REDILOCK_OK;
  Handle<redilock_op_t, redilock_op_free> handle_;
};

// An option that cannot be set needs no check here: the call that follows returns why.
inline void set(redilock_op_t *operation, std::string_view name, std::string_view value) {
  // The library takes no null pointer, which an empty view may hold.
  const char *bytes = value.data() == nullptr ? "" : value.data();
  static_cast<void>(redilock_op_set_bytes(operation, name.data(), bytes, value.size()));
}

inline void set(redilock_op_t *operation, const Options &options) {
  for (const Option &option : options) {
    option.visit(
        [&](const char *name, const char *value, std::size_t size) {
          static_cast<void>(redilock_op_set_bytes(operation, name, value, size));
        },
        [&](const char *name, std::int64_t value) {
          static_cast<void>(redilock_op_set_int(operation, name, value));
        });
  }
}

// What a completed request of an operation gave: nothing, a lock or what was looked up.
template <typename T>
Result<T> taken(redilock_op_t *operation) {
  if constexpr (std::is_void_v<T>) {
    static_cast<void>(operation);
    return {};
  } else if constexpr (std::is_same_v<T, Lock>) {
    redilock_lock_t *lock = nullptr;
    const std::int32_t status = redilock_op_take_lock(operation, &lock);
    if (status != REDILOCK_OK) return failure(status);
    return Lock(lock, true);
  } else {
    redilock_info_t *info = nullptr;
    const std::int32_t status = redilock_op_take_info(operation, &info);
    if (status != REDILOCK_OK) return failure(status);
    return T(info);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace redilock

#endif  // REDILOCK_CXX_OPERATION_HPP
