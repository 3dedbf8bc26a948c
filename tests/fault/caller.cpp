#include "fault/caller.hpp"

#include <cstdio>
#include <cstdlib>

namespace fault {

void need(int32_t status, const char *what) {
  if (status == REDILOCK_OK) return;
  std::fprintf(stderr, "redilock_fault worker: %s: %s\n", what, redilock_strerror(status));
  std::abort();
}

Plan Caller::plan() {
  Plan plan{};
  plan.name = chance(18) ? kQuietName : static_cast<int>(between(0, kQuietName - 1));
  plan.ttl_ms = plan.name == kQuietName ? between(150, 500) : between(300, 3000);
  plan.renew = chance(30);
  plan.abandon = chance(plan.name == kQuietName ? 60 : 4);
  plan.extend = chance(25);
  plan.hold_ms = chance(75) ? between(0, 10) : between(0, plan.ttl_ms * (chance(25) ? 2 : 1) / 3);
  if (chance(18)) {  // longer than the lease, which is made short
    plan.renew = chance(50);
    plan.ttl_ms = between(300, plan.renew ? 1200 : 700);
    plan.hold_ms = between(plan.ttl_ms, 2 * plan.ttl_ms);
  }
  const int64_t dice = between(1, 100);
  plan.kind = dice <= 20 ? "try" : dice <= 50 ? "timed" : dice <= 82 ? "endless" : "cancelled";
  plan.wait_ms = dice <= 20 ? 0 : dice <= 50 ? between(1, 1500) : -1;
  if (dice > 82) plan.cancel_after_us = between(1, 400 * kMs);
  return plan;
}

std::string Caller::prepare(redilock_op_t *op, const Plan &plan) {
  std::string id = settings_.id + "." + std::to_string(slot_) + "." + std::to_string(++count_);
  redilock_op_reset(op);
  need(redilock_op_set(op, "name", name_of(plan.name).c_str()), "name");
  need(redilock_op_set(op, "label", id.c_str()), "label");
  need(redilock_op_set_int(op, "ttl", plan.ttl_ms), "ttl");
  need(redilock_op_set_int(op, "wait", plan.wait_ms), "wait");
  need(redilock_op_set_int(op, "renew", plan.renew ? 1 : 0), "renew");
  history_.write(Line(now_us(), "call")
                     .add("id", id)
                     .add("name", name_of(plan.name))
                     .add("kind", plan.kind)
                     .add("ttl", plan.ttl_ms)
                     .add("wait", plan.wait_ms)
                     .add("cancel", plan.cancel_after_us)
                     .add("renew", plan.renew ? 1 : 0));
  return id;
}

int64_t Caller::tell_end(redilock_op_t *op, const std::string &id, int32_t status,
                         redilock_lock_t *lock, int64_t returned) {
  const int64_t until = returned + redilock_lock_remaining_ms(lock) * kMs;
  Line line(returned, "end");
  line.add("id", id).add("status", redilock_status_name(status));
  if (status == REDILOCK_OK) line.add("fence", redilock_lock_fence(lock)).add("until", until);
  char message[300] = "";
  redilock_op_message(op, message, sizeof message);
  history_.write(line.add("message", message));
  return until;
}

bool Caller::go_on(const Plan &plan, const std::string &id, Holding &holding) {
  const int64_t now = now_us();
  const int64_t left = redilock_lock_remaining_ms(holding.lock);
  if (left == 0) {
    history_.write(Line(now, "lost").add("id", id));
    // As one that does not look: the store must refuse.
    if (chance(50)) write(plan, id, holding.lock);
    return false;
  }
  if (now + left * kMs > holding.until + 10 * kMs) {
    holding.until = now + left * kMs;
    history_.write(Line(now, "hold").add("id", id).add("until", holding.until));
  }
  if (now >= holding.next_write) {
    write(plan, id, holding.lock);
    holding.next_write = now + 20 * kMs;
  }
  return true;
}

void Caller::write(const Plan &plan, const std::string &id, redilock_lock_t *lock) {
  const int64_t fence = redilock_lock_fence(lock);
  const int64_t from = now_us();
  int64_t last = 0;
  const bool taken = board_.store(plan.name, fence, last);
  const bool held = redilock_lock_is_held(lock) != 0;
  history_.write(Line(now_us(), "write")
                     .add("id", id)
                     .add("from", from)
                     .add("fence", fence)
                     .add("last", last)
                     .add("taken", taken ? 1 : 0)
                     .add("held", held ? 1 : 0));
}

}  // namespace fault
