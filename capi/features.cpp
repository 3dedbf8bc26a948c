// What this build can do, and what it can not yet.
#include <cstring>
#include <iterator>

#include "guard.hpp"
#include "redilock/redilock.h"

namespace {

struct Feature {
  const char *name;
  bool is_there;
};

// A name stays for ever. A change that adds a feature sets it here.
constexpr Feature kFeatures[] = {
    {"tls", false},  {"sentinel", false},  {"cluster", false}, {"unix", true},
    {"async", true}, {"statistics", true}, {"log", true},
};

}  // namespace

extern "C" {

int32_t redilock_has(const char *feature) {
  if (feature == nullptr) return 0;
  for (const Feature &known : kFeatures)
    if (std::strcmp(known.name, feature) == 0) return known.is_there ? 1 : 0;
  return 0;
}

size_t redilock_feature_count(void) { return std::size(kFeatures); }

const char *redilock_feature_name(size_t index) {
  return index < std::size(kFeatures) ? kFeatures[index].name : nullptr;
}

}  // extern "C"
