// The checks of each call by itself: how it and what followed it ended, and how soon.
#include <algorithm>

#include "fault/bounds.hpp"
#include "fault/checker.hpp"

namespace fault {

namespace {

bool is_trouble(const std::string &status) {
  return status == "REDILOCK_E_UNKNOWN" || status == "REDILOCK_E_UNAVAILABLE" ||
         status == "REDILOCK_E_SERVER" || status == "REDILOCK_E_LOST";
}

}  // namespace

// Each call ends as its kind may end, and not sooner; in trouble only where there is trouble.
void Checker::outcomes(const Record &record, const Call &call) {
  const std::string &status = call.status;
  if (status.empty()) return;
  const int64_t took = call.end - call.start;
  if (status == "REDILOCK_E_TIMEOUT" && call.kind == "timed") {
    if (took < call.wait)
      add("outcome", call.id + " said TIMEOUT " + ms(call.wait - took) + " too early", call.end);
  } else if (status == "REDILOCK_E_CANCELLED" && call.kind == "cancelled") {
    if (took < call.cancel && !call.untaken)
      add("outcome", call.id + " said CANCELLED " + ms(call.cancel - took) + " too early",
          call.end);
  } else if (status != "REDILOCK_E_HELD" || call.kind != "try") {
    answer(record, call, "(" + call.kind + ")", status, {call.start, call.end});
  }
}

// What may be said of any request, to a worker in trouble alone if it is not that it was done.
void Checker::answer(const Record &record, const Call &call, const std::string &what,
                     const std::string &status, Span span) {
  if (status == "REDILOCK_OK") return;
  if (!is_trouble(status))
    add("outcome", call.id + " " + what + " said " + status, span.to);
  else if (record.undisturbed(call.worker, span, kRecovery))
    add("outcome", call.id + " " + what + " said " + status + " where nothing was wrong", span.to);
}

// What a granted lock promised: that it is held for as long as it was said, kept if it is renewed,
// and gone for good once it is lost.
void Checker::promises(const Record &record, const Call &call) {
  if (!call.granted()) return;
  // What remains is told in whole milliseconds, so the last one is cut off.
  auto lost_early = [&](int64_t at) {
    return at + kMs < call.until && record.lost_grant(call) > at;
  };
  auto followed = [&](const std::string &what, const std::string &status, Span span) {
    if (status != "REDILOCK_E_LOST") return answer(record, call, what, status, span);
    if (lost_early(span.to))
      add("promise", call.id + " (" + what + ") was lost within what was promised", span.to);
  };
  if (call.lost != kNever && lost_early(call.lost))
    add("promise", call.id + " was lost " + ms(call.until - call.lost) + " before it should",
        call.lost);
  if (call.released != kNever)
    followed("released", call.release_status, {call.release, call.released});
  for (const Extension &extension : call.extensions)
    followed("extended", extension.status, {extension.from, extension.to});
  if (call.revived) add("promise", call.id + " was lost and came back", call.lost);

  // Half of the ttl is then more than the machine takes without telling of it.
  const Span last_ttl{call.lost - call.ttl, call.lost};
  if (call.renew && call.lost != kNever && call.ttl >= 2 * kStall &&
      record.lost_grant(call) > call.lost && record.undisturbed(call.worker, last_ttl, kRecovery))
    add("renewal", call.id + " was lost where nothing kept it from being renewed", call.lost);
}

// P5: every call ends by its deadline plus a small constant.
void Checker::deadlines(const Record &record, const Call &call) {
  auto within = [&](const std::string &what, Span span, int64_t most) {
    if (span.to == kNever || record.running(call.worker, span) <= most) return;
    add("deadline", call.id + " " + what + " took " + ms(span.to - span.from), span.to);
  };
  const int64_t one_request = timeout_of(call.worker) + kSlack;
  const Span span{call.start, call.pending_end()};
  if (call.kind == "try") within("(try)", span, one_request);
  if (call.kind == "timed") within("(timed)", span, call.wait + 2 * kGrace + kSlack);
  if (call.kind == "cancelled") within("(cancelled)", span, call.cancel + 2 * kGrace + kSlack);
  if (call.release != kNever)
    within("released", {call.release, std::min({call.released, call.abandoned, call.killed})},
           one_request);
  for (const Extension &extension : call.extensions)
    within("extended", {extension.from, extension.to}, one_request);
}

}  // namespace fault
