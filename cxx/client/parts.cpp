#include "client/parts.hpp"

namespace redilock {

Parts::Parts(Endpoint endpoint, ClientOptions settings, const Clock &time)
    : clock(time),
      options(std::move(settings)),
      server(std::move(endpoint), options, clock),
      telemetry(server.telemetry()),
      commands(server),
      wake(server, ids.next(), options.interval),
      pipeline(server),
      service(clock) {
  wake.set_service([this] { service.wake(); });
}

Claim Parts::claim(const RequestOptions &request) {
  return {keys_of(request), make_token(ids.next(), request.label), request.ttl, request.fence};
}

}  // namespace redilock
