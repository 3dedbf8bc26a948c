// The scripts as typed calls: what goes in, what comes out, and how a repeated answer is to be
// read.
#pragma once

#include <string>
#include <vector>

#include "lock/claim.hpp"
#include "lock/machine.hpp"
#include "lock/replies.hpp"
#include "values/answer.hpp"
#include "wire/router.hpp"

namespace redilock {

class Commands {
 public:
  explicit Commands(Router &router) : router_(router) {}

  AcquireReply acquire(const Claim &claim, bool with_all_keys, const WaitContext &limit);
  // As acquire, or else joins the queue or stays there. arrival: 0 for a new place.
  AcquireReply queue(const Claim &claim, int64_t arrival, const WaitContext &limit);
  // Gives up the place in the queue, and releases the lock if that was granted meanwhile.
  void leave(const Claim &claim, const WaitContext &limit);
  // Drives a machine to its end.
  void run(Machine &machine, const WaitContext &limit) noexcept;
  // Lock keys that are held (or else: waited for) and match a glob pattern, a page at a time;
  // `cursor` is "0" at first and after the last page.
  std::vector<std::string> list(bool held, const std::string &pattern, std::string &cursor,
                                const WaitContext &limit);

 private:
  std::vector<std::string> list_held(const std::string &pattern, std::string &cursor,
                                     const WaitContext &limit);
  std::vector<std::string> list_waited_for(const std::string &pattern, std::string &cursor,
                                           const WaitContext &limit);
  std::vector<std::string> scan(const std::string &pattern, std::string_view type,
                                std::string &cursor, const WaitContext &limit);
  std::vector<std::string> scan_page(const Command &command, std::string &cursor,
                                     const WaitContext &limit);
  // An `ask` that waits for the answer.
  auto waiting(const WaitContext &limit) {
    return [this, &limit](const Script &script, const Command &keys, const Command &arguments) {
      return router_.run(script, keys, arguments, limit);
    };
  }

  Router &router_;
};

}  // namespace redilock
