// Pushed messages. Each line of the input is one thing that happens to a subscribed client with two
// waiters. Only a message with a waiter's token and a fence above its arrival is its grant, no message
// puts a re-check off, and nothing sleeps past its time.
#include <cstdint>

#include "check.hpp"
#include "client/wake_channel.hpp"
#include "lock/validity.hpp"
#include "peer.hpp"
#include "values/text.hpp"
#include "values/token.hpp"

using namespace redilock;
using fuzz::Peer;

namespace {

constexpr Micros kNap{20000},
    kSlack{1200000};  // a nap may be spent with one more attempt to connect

class Channel {
 public:
  Channel() {
    for (Wait *wait : {&first_, &second_}) wake_.add(*wait);
  }
  ~Channel() {
    for (Wait *wait : {&first_, &second_}) wake_.remove(*wait);
  }

  void act(std::string_view line) {
    const std::string_view text = line.substr(std::min<size_t>(1, line.size()));
    const auto number = parse_digits(text).value_or(1);
    Wait &wait = number % 2 == 0 ? first_ : second_;
    switch (line.empty() ? ' ' : line[0]) {
      case 'm':  // bytes on the channel
        return peer_.push(text);
      case 'a':  // the server's answer to a join
        return answered(wait, number);
      case 's':
        return sleep(wait);
      case 'k':
        return take(wait);
      case 't':
        return clock_.pass(Millis(number % 20000));
      case 'n':  // its request had no answer
        return wake_.failed(wait, number % 3 == 0);
      case 'b':
        return beat(number);
      case 'd':
        return wake_.doubt(wait);
      default:
        MUST(wake_.due(wait) >= Instant());
        wake_.ready();
    }
  }

 private:
  void sleep(Wait &wait) {
    const Instant start = clock_.now();
    const Instant due[] = {wake_.due(first_), wake_.due(second_)};
    try {
      wake_.sleep(wait, start + kNap);
    } catch (const Error &error) {
      MUST(error.status() != Status::kInternal);
    }
    MUST(clock_.now() - start <= kNap + kSlack);
    MUST(wake_.due(first_) <= due[0] && wake_.due(second_) <= due[1]);
  }

  void answered(Wait &wait, int64_t arrival) {
    Queued queued{};
    queued.holder_ttl = Millis(arrival % 1000);
    queued.rank = arrival % 3;
    queued.arrival = arrival % kFenceEnd + 1;
    queued.server_us = arrival % kFenceEnd + 1;
    queued.foreign = arrival % 5 == 0;
    queued.joined = arrival % 7 == 0;
    queued.seen = arrival % 11 != 0;
    queued.known = arrival % 13 != 0;
    queued.ask_again = arrival % 17 == 0;
    queued.sent = clock_.now();
    wake_.answered(wait, queued);
    MUST(wait.arrival == queued.arrival);
  }

  void beat(int64_t number) {
    const int64_t server_us = number % (kFenceEnd - 1) + 1;
    if (number % 5 == 0)
      wake_.beat_missed();
    else
      wake_.beat_answered({number % 3 != 0, number % 11 != 0, server_us, clock_.now()});
  }

  void take(Wait &wait) {
    const auto push = wake_.take_push(wait);
    if (!push) return;
    MUST(push->fence > wait.arrival && push->fence < kFenceEnd);
    MUST(!push->anchor || *push->anchor <= clock_.now());
    MUST(peer_.was_pushed(wait.id, push->fence));
    MUST(!wake_.take_push(wait));
  }

  static Claim claim(char digit, Millis ttl) {
    return {LockKeys("", "L"), make_token(std::string(kTokenIdLength, digit), ""), ttl};
  }

  static Endpoint endpoint() {
    Endpoint endpoint;
    endpoint.socket_path = "/nowhere";
    return endpoint;
  }

  fuzz::VirtualClock clock_;
  Peer peer_{clock_, ""};
  Server server_{endpoint(), ClientOptions{}, clock_};
  WakeChannel wake_{server_, "id", Millis(250)};
  Interrupt one_, two_;
  Wait first_{claim('0', Millis(400)), &one_};  // re-checks early
  Wait second_{claim('a', Millis(30000)), &two_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view rest(reinterpret_cast<const char *>(data), size);
  Channel channel;
  channel.act("s");  // subscribed, as a rule
  for (int i = 0; i < 40 && !rest.empty(); ++i) channel.act(fuzz::next_line(rest));
  return 0;
}
