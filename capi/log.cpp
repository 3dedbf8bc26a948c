// The log of a client.
#include "values/log.hpp"

#include "handles.hpp"

using redilock::LogLevel;
using redilock::capi::guard;
using redilock::capi::require;

static_assert(REDILOCK_LOG_ERROR == static_cast<int>(LogLevel::kError) &&
              REDILOCK_LOG_WARNING == static_cast<int>(LogLevel::kWarning) &&
              REDILOCK_LOG_INFO == static_cast<int>(LogLevel::kInfo));
static_assert(REDILOCK_LOG_LINE_MAX == redilock::Log::kLineMax);

extern "C" {

int32_t redilock_client_log(redilock_client_t *client, int32_t *level, int64_t *time_ms,
                            char *buffer, size_t size) {
  if (level != nullptr) *level = 0;
  if (time_ms != nullptr) *time_ms = 0;
  redilock::capi::copy_text("", buffer, size);
  return guard([&] {
    require(client != nullptr, "client");
    require(level != nullptr, "level");
    require(time_ms != nullptr, "time_ms");
    require(buffer != nullptr && size > 0, "buffer");
    client->core->check_owner();
    const auto line = client->core->log().take();
    if (!line) return redilock::Status::kOk;
    *level = static_cast<int32_t>(line->level);
    *time_ms = line->time_ms;
    redilock::capi::copy_text(line->text, buffer, size);
    return redilock::Status::kOk;
  });
}

}  // extern "C"
