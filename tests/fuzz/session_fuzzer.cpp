// A real client against a server that says what the input says. The first line is what the client does,
// one letter each, as in `act`; the rest is the script of the peer. Every call ends by its deadline, and
// nothing is ever held that the bytes did not grant, or for longer than they did.
#include <cstdint>

#include "check.hpp"
#include "client/client.hpp"
#include "lock/validity.hpp"
#include "peer.hpp"

using namespace redilock;
using fuzz::Peer;

namespace {

constexpr Millis kTimeout{50}, kTtl{400};
constexpr Micros kSlack{20000};  // what the clock makes of asking it, and of sending
constexpr Micros kGrace{1000000};
constexpr size_t kMostActs = 12;

class Session {
 public:
  explicit Session(std::string_view script) : peer_(clock_, script) {
    request_.name = "L";
    request_.label = "a";
    request_.token = make_token(std::string(kTokenIdLength, 'a'), "other");
  }

  void act(char what) {
    switch (what) {
      case 'a':  // try
        return acquire(Millis(0), true, kNever);
      case 'w':  // wait for a while
        return acquire(Millis(20), true, kNever);
      case 'W':  // wait long
        return acquire(Millis(5000), true, kNever);
      case 'f':  // the same without a fence
        return acquire(Millis(5000), false, kNever);
      case 'x':  // wait for ever, and cancel after a while
        return acquire(kForever, true, clock_.now() + Millis(30));
      case 'X':  // cancel at the first wait
        return acquire(Millis(5000), true, clock_.now());
      case 'e':
        return extend();
      case 'r':
        return timed(kTimeout, [&] { return lease_ ? client_.release(*lease_, {}) : Outcome(); });
      case 'u':
        return timed(kTimeout, [&] { return client_.release_token(request_, {}); });
      case 'b':
        return timed(kTimeout, [&] { return client_.force_release(request_, {}); });
      case 'i':
        return timed(kTimeout, [&] {
          redilock::LockInfo info;
          return client_.info(request_, info, {});
        });
      case 'l':
        return timed(kTimeout, [&] {
          client_.list(true, "*", cursor_, {});
          return Outcome();
        });
      default:
        clock_.pass(Millis(150));
    }
  }

 private:
  static void must_be_presentable(const Outcome &outcome) {
    if (outcome.ok()) return;
    MUST(outcome.status() != Status::kOk && outcome.status() != Status::kInternal);
    MUST(!outcome.error().message().empty());
    fuzz::must_be_presentable(outcome.error().message());
  }

  template <typename Call>
  void timed(Micros most, const Call &call) {
    const Instant start = clock_.now() - peer_.stalled();
    try {
      must_be_presentable(call());
    } catch (const Error &error) {
      must_be_presentable(error);
    }
    MUST(clock_.now() - peer_.stalled() - start <= most + kSlack);
  }

  void acquire(Millis wait, bool fence, Instant cancel_at) {
    Interrupt interrupt;
    RequestOptions request = request_;
    request.ttl = kTtl;
    request.wait = wait;
    request.fence = fence;
    const bool cancels = cancel_at != kNever;
    if (cancels) peer_.cancel_after(cancel_at - clock_.now(), &interrupt);
    // A grant that could not be reported is given back, which may take one more grace.
    const Micros patience = cancels ? Micros(Millis(30)) : Micros(wait);
    timed(std::max<Micros>(patience, kTimeout) + 2 * kGrace, [&] {
      AcquireResult acquired = client_.acquire(request, {cancels ? &interrupt : nullptr, nullptr});
      MUST(acquired.outcome.ok() == (acquired.lease != nullptr));
      if (acquired.lease) granted(std::move(acquired.lease), fence);
      return acquired.outcome;
    });
    peer_.cancel_after(Micros(0), nullptr);
  }

  void granted(std::shared_ptr<Lease> lease, bool fence) {
    MUST(fence ? lease->fence() > 0 : lease->fence() >= 0);
    MUST(peer_.granted(token_id(lease->claim().token), lease->fence(), fence, lease->end(), kTtl));
    lease_ = std::move(lease);
  }

  void extend() {
    if (!lease_) return;
    const int64_t before = peer_.extensions();
    const Instant end = lease_->end();
    timed(kTimeout, [&] {
      Outcome outcome = client_.extend(*lease_, kTtl, {});
      MUST(!outcome.ok() || peer_.extensions() > before);
      return outcome;
    });
    MUST(lease_->end() >= end);
    MUST(lease_->end() == end || peer_.extensions() > before);
    MUST(lease_->end() <= std::max(end, lease_end(clock_.now(), kTtl)));
  }

  static Endpoint endpoint() {
    Endpoint endpoint;
    endpoint.socket_path = "/nowhere";
    return endpoint;
  }
  static ClientOptions options() {
    ClientOptions options;
    options.timeout = kTimeout;
    options.interval = Millis(10);
    return options;
  }

  fuzz::VirtualClock clock_;
  Peer peer_;
  Client client_{endpoint(), options(), clock_};
  RequestOptions request_;
  std::shared_ptr<Lease> lease_;
  std::string cursor_ = "0";
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view script(reinterpret_cast<const char *>(data), size);
  std::string_view acts = fuzz::next_line(script).substr(0, kMostActs);
  Session session(script);
  for (const char what : acts) session.act(what);
  return 0;
}
