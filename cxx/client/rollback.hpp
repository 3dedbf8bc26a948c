// Takes back claims whose outcome is not known, on the service thread and without waiting.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "client/context.hpp"
#include "lock/claim.hpp"

namespace redilock {

class Rollback {
 public:
  explicit Rollback(ClientContext &context) : context_(context) {}

  // Counts a request with an unknown outcome, and takes its claim back.
  void roll_back(const char *verb, std::string_view name, const Claim &claim,
                 const Error &cause) noexcept;
  // Takes a claim back until it surely has been; any thread.
  void undo(const Claim &claim) noexcept;
  // The same, at first on the caller's thread and for a second at most: that the service thread
  // cannot be started may be why nobody has the claim.
  void undo_here(const Claim &claim) noexcept;

 private:
  struct Undo;
  std::optional<Instant> undo_once(const std::shared_ptr<Undo> &undo);
  bool is_undone(const Undo &undo) const;

  ClientContext &context_;
};

}  // namespace redilock
