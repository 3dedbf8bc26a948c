// A wait for a lock: what waiting.hpp does, and progress.hpp shows.
#pragma once

#include <string>

#include "session.hpp"

namespace cli {

struct Wait {
  const Client &client;
  const Op &op;  // the acquire, with all of its options set
  std::string name;
  bool quiet = false;
  bool verbose = false;  // say also of a lock that was free when it was granted
};

}  // namespace cli
