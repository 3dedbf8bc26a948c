// What links do to what they carry, as weather that comes and goes. Who carries is elsewhere.
#pragma once

#include <memory>
#include <vector>

namespace fault {

// Chances are in percent of requests.
struct Weather {
  int jitter_ms = 0;  // as delay_ms, but nothing to speak of: not counted
  int delay_ms = 0;   // each chunk, either way, by up to so much
  int reset = 0;      // closed before the request is passed on
  int cut = 0;        // carried out, and closed within the first bytes of the reply
  int lose = 0;       // carried out, and closed without a reply
  int late = 0;       // passed on much later, also when the client has long gone
  int trickle = 0;    // the reply comes byte by byte
  bool mute = false;  // requests pass, replies do not, connections stay open
  bool dark = false;  // nothing passes, connections stay open
};

// A weather that is on its way: of those over a link at once each is felt, and each ends by itself.
using Front = std::shared_ptr<const Weather>;

class Sky {
 public:
  void begin(const Front &front);
  void end(const Front &front);
  const Weather &weather() const { return weather_; }  // of each kind the worst

 private:
  void look_up();

  std::vector<Front> fronts_;
  Weather weather_;
};

}  // namespace fault
