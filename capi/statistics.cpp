// The counters of a client.
#include "values/statistics.hpp"

#include "handles.hpp"

using redilock::StatInfo;
using redilock::capi::guard;
using redilock::capi::require;

extern "C" {

size_t redilock_stat_count(void) { return redilock::stat_count(); }

const char *redilock_stat_name(size_t index) {
  const StatInfo *info = redilock::stat_at(index);
  return info == nullptr ? nullptr : info->name;
}

const char *redilock_stat_type(size_t index) {
  const StatInfo *info = redilock::stat_at(index);
  return info == nullptr ? nullptr : info->type;
}

const char *redilock_stat_doc(size_t index) {
  const StatInfo *info = redilock::stat_at(index);
  return info == nullptr ? nullptr : info->doc;
}

int32_t redilock_client_stat(redilock_client_t *client, const char *name, int64_t *out) {
  if (out != nullptr) *out = 0;
  return guard([&] {
    require(client != nullptr, "client");
    require(name != nullptr, "name");
    require(out != nullptr, "out");
    client->core->check_owner();
    const redilock::Stat stat = redilock::stat_of(name);
    require(stat != redilock::Stat::kCount, name);
    *out = client->core->statistics().value(stat);
    return redilock::Status::kOk;
  });
}

}  // extern "C"
