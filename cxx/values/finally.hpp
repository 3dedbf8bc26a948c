// Runs a function at the end of a scope, however the scope is left.
#pragma once

#include <utility>

namespace redilock {

template <typename Function>
class Finally {
 public:
  explicit Finally(Function function) : function_(std::move(function)) {}
  ~Finally() { function_(); }
  Finally(const Finally &) = delete;
  Finally &operator=(const Finally &) = delete;

 private:
  Function function_;
};

}  // namespace redilock
