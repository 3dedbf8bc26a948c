#include "client/commands.hpp"

#include <algorithm>

#include "lock/release_machine.hpp"
#include "lock/replies.hpp"
#include "lock/requests.hpp"
#include "values/name.hpp"
#include "values/token.hpp"

namespace redilock {

namespace {

constexpr std::string_view kScanCount = "500";  // keys that the server looks at for one page

// An error is a key of another type.
bool is_held_value(const Reply &value) {
  if (value.is_error()) return false;
  const std::string &text = value.text();
  if (text == kSharedValue || text == kRestValue) return true;
  return is_token(text);  // the caller reads no label
}

}  // namespace

AcquireReply Commands::acquire(const Claim &claim, bool with_all_keys, const WaitContext &limit) {
  return read_acquire(requests::acquire(claim, with_all_keys, waiting(limit)), claim, false);
}

AcquireReply Commands::queue(const Claim &claim, int64_t arrival, const WaitContext &limit) {
  return read_acquire(requests::queue(claim, arrival, waiting(limit)), claim, true);
}

void Commands::run(Machine &machine, const WaitContext &limit) noexcept {
  bool again = false;
  auto send = [&](const Script &script, const Command &keys, const Command &arguments) {
    again = machine.replied(router_.run(script, keys, arguments, limit));
  };
  try {
    do machine.ask(Machine::Send(send));
    while (again);
  } catch (const Unanswered &why) {
    machine.failed(why);
  } catch (const Error &why) {
    machine.failed({why, false});
  } catch (...) {  // std::bad_alloc, perhaps from reading the reply
    machine.failed({no_memory(), true});
  }
}

void Commands::leave(const Claim &claim, const WaitContext &limit) {
  ReleaseMachine leaving(claim);
  run(leaving, limit);
  if (leaving.failure()) throw Unanswered(*leaving.failure());
}

std::vector<std::string> Commands::list(bool held, const std::string &pattern, std::string &cursor,
                                        const WaitContext &limit) {
  return held ? list_held(pattern, cursor, limit) : list_waited_for(pattern, cursor, limit);
}

// Any value that starts like a token counts, whatever its label.
std::vector<std::string> Commands::list_held(const std::string &pattern, std::string &cursor,
                                             const WaitContext &limit) {
  std::vector<std::string> keys = scan(pattern, "string", cursor, limit);
  const auto is_too_long = [](const std::string &key) { return key.size() > kNameMax; };
  keys.erase(std::remove_if(keys.begin(), keys.end(), is_too_long), keys.end());
  std::vector<Command> reads;
  reads.reserve(keys.size());
  const std::string last = std::to_string(kReserved.size() + kTokenIdLength);
  for (const std::string &key : keys) reads.push_back({"GETRANGE", key, "0", last});
  const std::vector<Reply> values = router_.at(0).read_all(reads, limit);
  std::vector<std::string> held;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (is_held_value(values[i])) held.push_back(std::move(keys[i]));
  }
  return held;
}

std::vector<std::string> Commands::list_waited_for(const std::string &pattern, std::string &cursor,
                                                   const WaitContext &limit) {
  std::vector<std::string> names;
  for (const std::string &key : scan(queue_pattern(pattern), "zset", cursor, limit)) {
    const std::string_view name = lock_key_of_queue(key);
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

// One page of keys. Redis 5.0 knows no TYPE; the caller copes with keys of other types.
std::vector<std::string> Commands::scan(const std::string &pattern, std::string_view type,
                                        std::string &cursor, const WaitContext &limit) {
  const auto page = [&](std::string_view count) {
    try {
      return scan_page({"SCAN", cursor, "MATCH", pattern, "COUNT", count, "TYPE", type}, cursor,
                       limit);
    } catch (const Error &error) {
      if (error.status() != Status::kUnsupported && error.status() != Status::kServer) throw;
    }
    return scan_page({"SCAN", cursor, "MATCH", pattern, "COUNT", count}, cursor, limit);
  };
  try {
    return page(kScanCount);
  } catch (const Error &error) {
    if (error.status() != Status::kProtocol) throw;
  }
  // The page may have been too long: others may give their keys names of megabytes.
  return page("1");
}

std::vector<std::string> Commands::scan_page(const Command &command, std::string &cursor,
                                             const WaitContext &limit) {
  return read_page(router_.at(0).run(command, limit).reply, cursor);
}

}  // namespace redilock
