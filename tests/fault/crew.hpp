// The processes of a run: the server, the workers before their proxies, the foreign client.
// Whatever is done to them is done by their own pid, from the main thread, and told to the history.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "fault/board.hpp"
#include "fault/history.hpp"
#include "fault/link_proxy.hpp"
#include "fault/sampler.hpp"
#include "support/redis.h"

namespace fault {

inline constexpr int kWorkers = 4;

class Crew {
 public:
  Crew(const std::string &folder, uint64_t seed);
  ~Crew();
  Crew(const Crew &) = delete;
  Crew &operator=(const Crew &) = delete;

  void kill_worker(int worker);
  void start_worker(int worker);  // unless it lives
  void stop_worker(int worker);
  void continue_worker(int worker);
  void stop_server();
  void continue_server();
  void kill_server();
  // The same, and it will find nothing of what it had; a "wipe" too.
  void wipe_server();
  void restart_server();
  void tell_server(const char *command);  // nothing while it is stopped or killed
  // FLUSHALL; where it is stopped or killed, once it is there again. It tells the history
  // {"t":BEFORE,"e":"wipe","to":AFTER,"clock":SERVER'S}, the span of that one step and the server's
  // clock after it: what it granted before is lost, what it granted after stays.
  void flush_server();
  // Notices who has ended by itself, and tells the history of a "crash".
  void watch();
  // Everybody lives and runs.
  void heal();
  // Ends all workers. Who does not end in peace is another "crash".
  void finish();

  const History &history() const { return history_; }
  Board &board() { return board_; }
  LinkProxy &proxy() { return proxy_; }  // with a link for each worker and the sampler

 private:
  struct Process {
    pid_t pid = 0;
    int life = -1;
    bool stopped = false;
  };
  void spawn(int worker);
  void tell_crash(int worker, const std::string &how);
  std::string life_of(int worker) const;

  const std::string folder_;
  const uint64_t seed_;
  const History history_;
  Board &board_;
  redis_server_t *server_;
  bool server_stopped_ = false, flush_is_due_ = false;
  LinkProxy proxy_;
  std::vector<Process> processes_;  // the foreign client is the last
  Sampler sampler_;
};

}  // namespace fault
