#include "client/context.hpp"

namespace redilock {

ClientContext::ClientContext(Endpoint endpoint, ClientOptions settings, const Clock &time)
    : clock(time),
      options(std::move(settings)),
      router(std::make_unique<OneServer>(std::move(endpoint), options, clock)),
      server(router->at(0)),
      telemetry(router->telemetry()),
      commands(*router),
      wake(server, ids.next(), options.interval),
      pipeline(server),
      event_loop(clock) {
  wake.set_service([this] { event_loop.wake(); });
}

Claim ClientContext::claim(const RequestOptions &request) {
  return {keys_of(request), make_token(ids.next(), request.label), request.ttl, request.fence};
}

}  // namespace redilock
