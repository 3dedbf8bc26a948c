// What can be asked of a server: the state of one lock, and the names of all.
#ifndef REDILOCK_CXX_INFO_HPP
#define REDILOCK_CXX_INFO_HPP

#include <redilock/redilock.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "error.hpp"

namespace redilock {
inline namespace v0 {

/// What the state of a name can be. Count a state of a later library as held.
enum class State : std::int32_t {
  free = REDILOCK_STATE_FREE,       ///< nobody holds it
  held = REDILOCK_STATE_HELD,       ///< a redilock holder
  foreign = REDILOCK_STATE_FOREIGN  ///< a lock of another kind of client
};

/// What was known of one lock name at one moment.
class Info {
 public:
  /// Takes the handle over.
  explicit Info(redilock_info_t *handle) noexcept : handle_(handle) {}

  State state() const noexcept { return static_cast<State>(redilock_info_state(handle_.get())); }
  /// The label of a redilock holder, such as "host/1234"; empty for others.
  std::string label() const { return redilock_info_label(handle_.get()); }
  /// What remained of the lease by the server's clock; 0 if free, -1 ms for a key without an end.
  std::chrono::milliseconds remaining() const noexcept {
    return std::chrono::milliseconds(redilock_info_remaining_ms(handle_.get()));
  }
  /// How many waited.
  std::int64_t waiters() const noexcept { return redilock_info_waiters(handle_.get()); }
  /// The label of the waiter at a place, from 0, for the first hundred.
  std::optional<std::string> waiter_label(std::size_t place) const {
    const char *label = redilock_info_waiter_label(handle_.get(), place);
    return label == nullptr ? std::nullopt : std::optional<std::string>(label);
  }
  /// For how long that waiter had waited; negative past the last.
  std::chrono::milliseconds waiter_since(std::size_t place) const noexcept {
    return std::chrono::milliseconds(redilock_info_waiter_since_ms(handle_.get(), place));
  }
  /// Whether that waiter polls, because no notification reaches its client.
  bool waiter_polls(std::size_t place) const noexcept {
    return redilock_info_waiter_polls(handle_.get(), place) != 0;
  }
  /// Whether this token held the lock.
  bool is_held_by(std::string_view token) const noexcept {
    return redilock_info_is(handle_.get(), token.data(), token.size()) != 0;
  }
  redilock_info_t *handle() const noexcept { return handle_.get(); }

 private:
  detail::Handle<redilock_info_t, redilock_info_free> handle_;
};

/// The lock names on a server, read page by page: `for (const std::string &name : names)`. One
/// thread at a time reads it.
class Names {
 public:
  /// Takes the handle over.
  explicit Names(redilock_list_t *handle) noexcept : handle_(handle) {}

  /// The next name, or none after the last. Blocks for at most the client's `timeout` a page.
  Result<std::optional<std::string>> next(std::nothrow_t) {
    const char *name = nullptr;
    std::size_t length = 0;
    const std::int32_t status = redilock_list_next(handle_.get(), &name, &length);
    if (status != REDILOCK_OK) {
      auto copy = [&](char *to, std::size_t size) {
        return redilock_list_message(handle_.get(), to, size);
      };
      return detail::failure(status, detail::copied(copy),
                             redilock_list_retriable(handle_.get()) != 0);
    }
    if (name == nullptr) return std::optional<std::string>();
    return std::optional<std::string>(std::in_place, name, length);
  }
  std::optional<std::string> next() { return next(std::nothrow).value(); }

  /// Ends the next() that runs, or else the next one, with Status::cancelled. Never blocks; may be
  /// called in a signal handler.
  void cancel() noexcept { redilock_list_cancel(handle_.get()); }
  redilock_list_t *handle() const noexcept { return handle_.get(); }

  /// An input iterator; its increment throws as next() does.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::string *;
    using reference = const std::string &;

    Iterator() = default;
    explicit Iterator(Names &names) : names_(&names), name_(names.next()) {}
    reference operator*() const { return *name_; }
    pointer operator->() const { return &*name_; }
    Iterator &operator++() { return name_ = names_->next(), *this; }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator &other) const { return name_ == other.name_; }
    bool operator!=(const Iterator &other) const { return !(*this == other); }

   private:
    Names *names_ = nullptr;
    std::optional<std::string> name_;
  };
  Iterator begin() { return Iterator(*this); }
  Iterator end() { return {}; }

 private:
  detail::Handle<redilock_list_t, redilock_list_free> handle_;
};

}  // namespace v0
}  // namespace redilock

#endif  // REDILOCK_CXX_INFO_HPP
