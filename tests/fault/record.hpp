// What a round of a run came to, put together from its lines: calls with all that became of them,
// what the server looked like when, and which faults struck whom. No judgement here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include "fault/history.hpp"

namespace fault {

inline constexpr int64_t kNever = INT64_MAX;

struct Span {
  int64_t from = 0, to = 0;
  bool holds(int64_t at) const { return from <= at && at <= to; }
};

struct Write {
  int64_t from, at, fence;  // `from`, `at`: around it
  bool taken, held;
};

struct Extension {
  int64_t from, to;
  std::string status;
};

// "w2.0.1.57": worker 2, its first life, its second thread, its 57th call. Foreign clients are "f".
struct Call {
  std::string id, name, kind, life;
  int worker = -1;  // the foreign client is the one behind the last worker
  bool foreign = false, renew = false;
  int64_t ttl = 0, wait = 0, cancel = 0;        // us; wait -1 for ever
  int64_t start = 0, end = kNever;              // the call for the lock
  std::string status;                           // empty: did not return
  int64_t fence = 0, until = 0;                 // what was promised last
  int64_t lost = kNever;                        // its holder saw that it was over
  int64_t release = kNever, released = kNever;  // the call to release
  int64_t abandoned = kNever, killed = kNever;
  std::string release_status;
  int64_t extending = kNever;  // since when
  std::vector<Extension> extensions;
  std::vector<Write> writes;
  bool revived = false;
  bool untaken = false;  // granted, and given back at once as if it had been cancelled

  bool granted() const { return status == "REDILOCK_OK"; }
  bool waits() const { return wait != 0 && !foreign; }
  // Whether the worker is behind it no more at a time.
  int64_t over() const { return granted() ? std::min(released, abandoned) : end; }
  // Until when somebody stands in this call.
  int64_t pending_end() const { return std::min(end, killed); }
};

struct Place {
  std::string id;
  int64_t arrival;
  bool alive;
};

// A state of a name on the server, seen at least in the first and the last look.
struct State {
  std::string holder;
  std::vector<Place> queue;
  Span first, last;
  bool follows = false;  // the state before is the one of just before the first look
};

struct Fault {
  std::string kind;
  int worker;  // -1: everybody
  Span span;
};

// Everything on the server is gone at once. `clock`: its own, from which it draws fences, after that.
struct Loss {
  Span span;
  int64_t clock;
};

struct Record {
  std::map<std::string, Call> calls;
  std::map<std::string, std::vector<State>> states;  // by name
  std::vector<Fault> faults;                         // but for what nobody may notice
  std::vector<Loss> losses;

  void add(const Event &event);
  // The calls of a name for which the condition holds.
  template <class Condition>
  std::vector<const Call *> select(const std::string &name, Condition condition) const {
    std::vector<const Call *> found;
    for (const auto &[id, call] : calls)
      if (call.name == name && condition(call)) found.push_back(&call);
    return found;
  }
  // The calls that got the lock of a name, in the order of their return.
  std::vector<const Call *> grants(const std::string &name) const;
  // Whether nothing else than these went wrong in the round.
  bool only(std::initializer_list<const char *> kinds) const;
  bool has(std::initializer_list<const char *> kinds) const;
  bool lost_data(int64_t from, int64_t to) const;
  // When the data were lost with which the call was granted, kNever if they were not.
  int64_t lost_grant(const Call &call) const;
  // The longest piece of a span in which nothing troubled the worker, nor had for `recovery`
  // before.
  int64_t quiet(int worker, Span span, int64_t recovery) const;
  // For how much of a span the worker had a processor.
  int64_t running(int worker, Span span) const;
  bool undisturbed(int worker, Span span, int64_t recovery) const {
    return quiet(worker, span, recovery) >= span.to - span.from;
  }

 private:
  void add_state(const Event &event);
  // The pieces of a span between the faults that struck the worker, and count.
  template <class Counts>
  std::vector<Span> between(int worker, Span span, int64_t recovery, Counts counts) const;
};

}  // namespace fault
