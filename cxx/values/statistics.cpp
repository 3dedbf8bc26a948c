#include "values/statistics.hpp"

#include <algorithm>
#include <iterator>

namespace redilock {

namespace {

constexpr char kCounter[] = "counter", kGauge[] = "gauge";

constexpr StatInfo kInfos[] = {
    {"acquired", kCounter, "Locks granted to an acquire."},
    {"contended", kCounter, "Acquires that found the lock held or waited for."},
    {"hand_offs", kCounter, "Locks granted to an acquire that had a place in the queue."},
    {"refused", kCounter, "Acquires that did not wait and found the lock held or waited for."},
    {"timeouts", kCounter, "Acquires whose wait ended before a grant."},
    {"failed", kCounter,
     "Acquires that ended without a grant in another way: cancelled, closed, or the server "
     "failed."},
    {"wait_us", kCounter, "Microseconds from the call to the grant, of all locks granted."},
    {"wait_1ms", kCounter, "Locks granted within 1 ms of the call."},
    {"wait_10ms", kCounter, "Locks granted within 10 ms of the call."},
    {"wait_100ms", kCounter, "Locks granted within 100 ms of the call."},
    {"wait_1s", kCounter, "Locks granted within 1 s of the call."},
    {"wait_10s", kCounter, "Locks granted within 10 s of the call."},
    {"held_us", kCounter, "Microseconds for which locks were held that are held no more."},
    {"renewed", kCounter, "Renewals that the server carried out."},
    {"renewals_failed", kCounter, "Renewals that failed; each is tried again."},
    {"lost_taken", kCounter, "Locks lost because they were taken away, or the server lost data."},
    {"lost_expired", kCounter, "Locks lost because their lease ended and nobody renewed them."},
    {"lost_not_renewed", kCounter,
     "Locks lost because their renewals failed until the lease ended."},
    {"lost_max_hold", kCounter, "Locks lost because max_hold was over."},
    {"lost_stopped", kCounter, "Locks lost because the process was stopped or suspended."},
    {"unknown", kCounter, "Acquires and releases without a reply, which the client rolls back."},
    {"connected", kCounter, "Connections opened."},
    {"reconnects", kCounter,
     "Connections opened after one had broken or could not be opened: how many such times there "
     "were."},
    {"queued_now", kGauge, "Acquires that wait now."},
    {"held_now", kGauge, "Locks held now, as far as the client knows."},
};
static_assert(std::size(kInfos) == static_cast<size_t>(Stat::kCount));

constexpr size_t kFirstBucket = static_cast<size_t>(Stat::kWait1ms);
constexpr size_t kLastBucket = static_cast<size_t>(Stat::kWait10s);

}  // namespace

size_t stat_count() noexcept { return std::size(kInfos); }

const StatInfo *stat_at(size_t index) noexcept {
  return index < std::size(kInfos) ? &kInfos[index] : nullptr;
}

Stat stat_of(std::string_view name) noexcept {
  const auto is_it = [name](const StatInfo &info) { return info.name == name; };
  return static_cast<Stat>(std::find_if(std::begin(kInfos), std::end(kInfos), is_it) - kInfos);
}

void Statistics::add_wait(Micros wait) noexcept {
  add(Stat::kWait, wait.count());
  size_t bucket = kFirstBucket;
  for (Micros most{1000}; wait > most; most *= 10)
    if (++bucket > kLastBucket) return;
  add(static_cast<Stat>(bucket));
}

int64_t Statistics::value(Stat stat) const noexcept {
  const auto index = static_cast<size_t>(stat);
  const bool is_bucket = index >= kFirstBucket && index <= kLastBucket;
  int64_t sum = 0;
  for (size_t i = is_bucket ? kFirstBucket : index; i <= index; ++i)
    sum += counts_[i].load(std::memory_order_relaxed);
  return sum;
}

}  // namespace redilock
