#include "fault/async_caller.hpp"

#include <poll.h>

#include <algorithm>
#include <array>

#include "fault/caller.hpp"

namespace fault {

namespace {

constexpr int kCalls = 2;  // under way at once

enum class Does { kNothing, kWait, kHold, kExtend, kRelease };

// One call after the other. What it waits for is told by completions with its tag.
struct Slot {
  redilock_op_t *op = nullptr;
  Does does = Does::kNothing;
  Plan plan{};
  std::string id;
  int64_t next = 0;  // when to start the next; or to cancel or free the one that waits, 0 for never
  bool freed_early = false;
  bool extend = false;
  Holding holding;
};

class AsyncCaller : Caller {
 public:
  AsyncCaller(const WorkerSettings &settings, const History &history, Board &board, int slot,
              redilock_client_t *shared)
      : Caller(settings, history, board, slot), shared_(shared) {
    open();
  }
  ~AsyncCaller() { close(); }

  void run() {
    // Who is under way at the stop is dropped, as by closing.
    while (board_.stop.load() == 0) {
      take_completions();
      bool holds = false;
      for (Slot &slot : slots_) {
        go_on_with(slot);
        holds = holds || slot.does == Does::kHold;
      }
      if (shared_ == nullptr && now_us() >= close_at_ && board_.lull.load() == 0) {
        close();
        open();
      }
      pollfd polled{descriptor_, POLLIN, 0};
      ::poll(&polled, 1, holds ? 2 : 5);
    }
  }

 private:
  void open() {
    client_ = shared_ != nullptr ? shared_ : new_client(settings_);
    for (Slot &slot : slots_) need(redilock_op_new(client_, &slot.op), "op_new");
    need(redilock_client_fd(client_, &descriptor_), "client_fd");
    close_at_ = now_us() + between(500, 8000) * kMs;
  }

  // What is under way is dropped: nobody stands behind it any more.
  void close() {
    for (Slot &slot : slots_) drop(slot);
    if (shared_ == nullptr) redilock_free(client_);
    for (Slot &slot : slots_) {
      redilock_lock_free(slot.holding.lock);
      redilock_op_free(slot.op);
      slot = {};
    }
  }

  void drop(const Slot &slot) {
    if (slot.does == Does::kWait) tell("drop", slot.id);
    if (slot.does == Does::kHold || slot.does == Does::kExtend || slot.does == Does::kRelease)
      tell("abandon", slot.id);
  }

  uint64_t tag_of(const Slot &slot) const { return static_cast<uint64_t>(&slot - &slots_[0]); }

  void take_completions() {
    for (;;) {
      uint64_t tag = 0;
      int32_t kind = 0, status = REDILOCK_OK;
      need(redilock_client_next(client_, &tag, &kind, &status), "client_next");
      if (kind == 0) return;
      Slot &slot = slots_.at(tag);
      if (kind == REDILOCK_COMPLETION_ACQUIRE && slot.does == Does::kWait)
        acquired(slot, status);
      else if (kind == REDILOCK_COMPLETION_EXTEND && slot.does == Does::kExtend)
        extended(slot, status);
      else if (kind == REDILOCK_COMPLETION_RELEASE && slot.does == Does::kRelease)
        released(slot, status);
      else
        need(REDILOCK_E_INTERNAL, "a completion of nothing that is under way");
    }
  }

  void go_on_with(Slot &slot) {
    const int64_t now = now_us();
    if (slot.does == Does::kNothing && now >= slot.next && board_.lull.load() == 0) start(slot);
    if (slot.does == Does::kWait && slot.next != 0 && now >= slot.next) stop(slot);
    if (slot.does == Does::kHold) hold(slot);
  }

  void start(Slot &slot) {
    slot.plan = plan();
    slot.id = prepare(slot.op, slot.plan);
    const int64_t after = slot.plan.cancel_after_us;
    slot.next = after > 0 ? now_us() + after : 0;
    slot.freed_early = after > 0 && chance(30);
    need(redilock_op_submit_acquire(slot.op, tag_of(slot)), "submit_acquire");
    slot.does = Does::kWait;
  }

  // Its operation may be freed instead: no completion comes, and it is as good as cancelled.
  void stop(Slot &slot) {
    slot.next = 0;
    if (!slot.freed_early) return redilock_op_cancel(slot.op);
    redilock_op_free(slot.op);
    slot.op = nullptr;
    tell("end", slot.id, REDILOCK_E_CANCELLED);
    need(redilock_op_new(client_, &slot.op), "op_new");
    rest(slot);
  }

  // Who was granted although it would have freed its operation does not take the lock: it is given
  // back.
  void acquired(Slot &slot, int32_t status) {
    const int64_t returned = now_us();
    if (status == REDILOCK_OK && slot.freed_early) {
      redilock_op_reset(slot.op);
      history_.write(Line(returned, "end")
                         .add("id", slot.id)
                         .add("status", redilock_status_name(REDILOCK_E_CANCELLED))
                         .add("untaken", 1));
      return rest(slot);
    }
    if (status == REDILOCK_OK)
      need(redilock_op_take_lock(slot.op, &slot.holding.lock), "take_lock");
    slot.holding.until = tell_end(slot.op, slot.id, status, slot.holding.lock, returned);
    if (status != REDILOCK_OK) return rest(slot);
    slot.holding.end = returned + slot.plan.hold_ms * kMs;
    slot.extend = slot.plan.extend;
    slot.does = Does::kHold;
  }

  void hold(Slot &slot) {
    if (!go_on(slot.plan, slot.id, slot.holding)) return let_go(slot);
    const int64_t now = now_us();
    if (now >= slot.holding.end || is_calm()) return let_go(slot);
    if (!slot.extend || now < slot.holding.end - slot.plan.hold_ms * kMs / 2) return;
    slot.extend = false;
    tell("extending", slot.id);
    need(redilock_op_submit_extend(slot.op, slot.holding.lock, tag_of(slot)), "submit_extend");
    slot.does = Does::kExtend;
  }

  void extended(Slot &slot, int32_t status) {
    tell("extend", slot.id, status);
    slot.does = Does::kHold;
  }

  void let_go(Slot &slot) {
    if (slot.plan.abandon) {
      tell("abandon", slot.id);
      return rest(slot);
    }
    tell("release", slot.id);
    need(redilock_op_submit_release(slot.op, slot.holding.lock, tag_of(slot)), "submit_release");
    slot.does = Does::kRelease;
  }

  void released(Slot &slot, int32_t status) {
    tell("released", slot.id, status);
    rest(slot);
  }

  void rest(Slot &slot) {
    redilock_lock_free(slot.holding.lock);
    slot.holding = {};
    slot.does = Does::kNothing;
    slot.next = now_us() + between(0, 30) * kMs;
  }

  redilock_client_t *const shared_;
  redilock_client_t *client_ = nullptr;
  int32_t descriptor_ = -1;
  int64_t close_at_ = 0;
  std::array<Slot, kCalls> slots_;
};

}  // namespace

void run_async(const WorkerSettings &settings, const History &history, Board &board, int slot,
               redilock_client_t *shared) {
  AsyncCaller(settings, history, board, slot, shared).run();
}

}  // namespace fault
