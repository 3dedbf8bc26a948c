// What several weathers at once come to.
#include "fault/weather.hpp"

#include <algorithm>

namespace fault {

void Sky::begin(const Front &front) {
  fronts_.push_back(front);
  look_up();
}

void Sky::end(const Front &front) {
  fronts_.erase(std::remove(fronts_.begin(), fronts_.end(), front), fronts_.end());
  look_up();
}

void Sky::look_up() {
  weather_ = {};
  for (const Front &front : fronts_) {
    for (int Weather::*part : {&Weather::jitter_ms, &Weather::delay_ms, &Weather::reset,
                               &Weather::cut, &Weather::lose, &Weather::late, &Weather::trickle})
      weather_.*part = std::max(weather_.*part, (*front).*part);
    weather_.mute = weather_.mute || front->mute;
    weather_.dark = weather_.dark || front->dark;
  }
}

}  // namespace fault
