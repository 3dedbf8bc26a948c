// From lines to calls, states and faults.
#include "fault/record.hpp"

#include <algorithm>
#include <sstream>

#include "fault/bounds.hpp"

namespace fault {

namespace {

void begin(Call &call, const Event &event) {
  call.id = event.text("id");
  call.name = event.text("name");
  call.kind = event.text("kind");
  call.life = call.id.substr(0, call.id.find('.', call.id.find('.') + 1));
  call.foreign = call.kind == "foreign";
  call.worker = static_cast<int>(std::strtol(call.id.c_str() + 1, nullptr, 10));
  call.ttl = event.number("ttl") * kMs;
  call.renew = event.number("renew") != 0;
  call.wait = event.number("wait") < 0 ? -1 : event.number("wait") * kMs;
  call.cancel = event.number("cancel");
  call.start = event.at;
}

void go_on(Call &call, const Event &event) {
  const std::string &kind = event.kind;
  if (kind == "end") {
    call.end = event.at;
    call.status = event.text("status");
    call.fence = event.number("fence");
    call.until = event.number("until");
    call.untaken = event.number("untaken") != 0;
  } else if (kind == "hold") {
    call.revived = call.revived || call.lost != kNever;
    call.until = std::max(call.until, event.number("until"));
  } else if (kind == "lost") {
    call.lost = event.at;
  } else if (kind == "release") {
    call.release = event.at;
  } else if (kind == "released") {
    call.released = event.at;
    call.release_status = event.text("status");
  } else if (kind == "abandon") {
    call.abandoned = event.at;
  } else if (kind == "extending") {
    call.extending = event.at;
  } else if (kind == "extend") {
    call.extensions.push_back({call.extending, event.at, event.text("status")});
  } else if (kind == "write") {
    call.writes.push_back({event.number("from"), event.at, event.number("fence"),
                           event.number("taken") != 0, event.number("held") != 0});
  }
}

std::vector<Place> places(const std::string &text) {
  std::vector<Place> queue;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const size_t first = word.find(':'), second = word.find(':', first + 1);
    queue.push_back({word.substr(0, first), std::strtoll(word.c_str() + first + 1, nullptr, 10),
                     word.substr(second + 1) == "1"});
  }
  return queue;
}

// A slow moment that broke no connection, so that there is nothing to recover from.
bool is_brief(const Fault &fault) {
  return fault.kind == "slow" && fault.span.to - fault.span.from <= kStall;
}

bool is_over(const Call &call) {
  return call.released != kNever || call.abandoned != kNever ||
         (!call.status.empty() && !call.granted());
}

}  // namespace

void Record::add_state(const Event &event) {
  std::vector<State> &seen = states[event.text("name")];
  const Span last{event.number("last_from"), event.number("last_to")};
  if (!seen.empty() && last.from != 0) seen.back().last = last;
  State state;
  state.holder = event.text("holder");
  state.queue = places(event.text("queue"));
  state.first = state.last = {event.number("from"), event.at};
  state.follows = last.from != 0;
  seen.push_back(std::move(state));
}

void Record::add(const Event &event) {
  if (event.kind == "call") {
    begin(calls[event.text("id")], event);
  } else if (event.kind == "state") {
    add_state(event);
  } else if (event.kind == "blind" || event.kind == "look") {
    for (auto &[name, seen] : states)
      if (!seen.empty()) seen.back().last = {event.number("from"), event.at};
  } else if (event.kind == "fault") {
    if (event.text("kind") == "script-flush") return;  // is not to be noticed
    faults.push_back({event.text("kind"),
                      static_cast<int>(event.number("worker")),
                      {event.at, event.number("to")}});
  } else if (event.kind == "wipe") {
    losses.push_back({{event.at, event.number("to")}, event.number("clock")});
  } else if (event.kind == "stall" || event.kind == "slow") {
    faults.push_back({event.kind, -1, {event.at, event.number("to")}});
  } else if (event.kind == "kill") {
    for (auto &[id, call] : calls)
      if (call.life == event.text("life") && !is_over(call))
        call.killed = std::min(call.killed, event.at);  // it may have been dropped before
  } else {
    auto found = calls.find(event.text("id"));
    if (found != calls.end() && event.kind == "drop" && !is_over(found->second))
      found->second.killed = event.at;
    else if (found != calls.end())
      go_on(found->second, event);
  }
}

std::vector<const Call *> Record::grants(const std::string &name) const {
  auto found = select(name, [](const Call &call) { return call.granted(); });
  std::sort(found.begin(), found.end(),
            [](const Call *a, const Call *b) { return a->end < b->end; });
  return found;
}

bool Record::only(std::initializer_list<const char *> kinds) const {
  return std::all_of(faults.begin(), faults.end(), [&](const Fault &fault) {
    return std::find(kinds.begin(), kinds.end(), fault.kind) != kinds.end();
  });
}

bool Record::has(std::initializer_list<const char *> kinds) const {
  return std::any_of(faults.begin(), faults.end(), [&](const Fault &fault) {
    return std::find(kinds.begin(), kinds.end(), fault.kind) != kinds.end();
  });
}

bool Record::lost_data(int64_t from, int64_t to) const {
  return std::any_of(losses.begin(), losses.end(), [&](const Loss &loss) {
    return loss.span.from <= to && from <= loss.span.to;
  });
}

// No counter runs ahead of the clock here, so a fence above it was drawn later.
int64_t Record::lost_grant(const Call &call) const {
  int64_t first = kNever;
  for (const Loss &loss : losses)
    if (call.start <= loss.span.to && call.fence <= loss.clock && loss.span.from <= call.over())
      first = std::min(first, loss.span.from);
  return first;
}

template <class Counts>
std::vector<Span> Record::between(int worker, Span span, int64_t recovery, Counts counts) const {
  std::vector<Span> troubles, pieces;
  for (const Fault &fault : faults)
    if ((fault.worker == -1 || fault.worker == worker) && counts(fault))
      troubles.push_back({fault.span.from, fault.span.to + (is_brief(fault) ? 0 : recovery)});
  std::sort(troubles.begin(), troubles.end(),
            [](const Span &a, const Span &b) { return a.from < b.from; });
  int64_t at = span.from;
  for (const Span &trouble : troubles) {
    if (trouble.to < at || trouble.from > span.to) continue;
    if (trouble.from > at) pieces.push_back({at, trouble.from});
    at = std::max(at, trouble.to);
  }
  if (span.to > at) pieces.push_back({at, span.to});
  return pieces;
}

int64_t Record::quiet(int worker, Span span, int64_t recovery) const {
  int64_t longest = 0;
  for (const Span &piece : between(worker, span, recovery, [](const Fault &) { return true; }))
    longest = std::max(longest, piece.to - piece.from);
  return longest;
}

int64_t Record::running(int worker, Span span) const {
  const auto stops = [](const Fault &fault) {
    return fault.kind == "stall" || fault.kind == "stop-worker";
  };
  int64_t sum = 0;
  for (const Span &piece : between(worker, span, 0, stops)) sum += piece.to - piece.from;
  return sum;
}

}  // namespace fault
