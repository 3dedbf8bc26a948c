// A worker process: threads that take locks over one client, in all the ways there are, and tell
// the history what they were promised; and the foreign process, which locks the same names as plain
// clients do, with SET NX PX and compare-and-delete.
#pragma once

#include <cstdint>
#include <string>

namespace fault {

struct WorkerSettings {
  std::string folder;  // of the run: history and board
  std::string url;     // for the foreign process, the path of the server's socket
  std::string id;      // "w2.0": worker 2, its first life
  uint64_t seed = 0;
};

int run_worker(const WorkerSettings &settings);
int run_foreign(const WorkerSettings &settings);

}  // namespace fault
