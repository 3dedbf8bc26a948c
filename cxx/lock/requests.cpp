#include "lock/requests.hpp"

#include "scripts/embedded.hpp"

namespace redilock::requests {

const Script kAcquire{scripts::acquire, scripts::acquire_sha1, 2};
const Script kRelease{scripts::release, scripts::release_sha1};
const Script kExtend{scripts::extend, scripts::extend_sha1};
const Script kForceRelease{scripts::force_release, scripts::force_release_sha1};
const Script kInfo{scripts::info, scripts::info_sha1};
const Script kBeat{scripts::beat, scripts::beat_sha1};
const Script kCheck{scripts::check, scripts::check_sha1};

}  // namespace redilock::requests
