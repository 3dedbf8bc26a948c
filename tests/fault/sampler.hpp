// Looks at every name on the server every few milliseconds, past all proxies, and tells the history
// of each change of holder, queue or living waiters, with the times between which the server was
// looked at.
#pragma once

#include <atomic>
#include <string>
#include <thread>

namespace fault {

class Sampler {
 public:
  Sampler(std::string folder, std::string server_socket);
  ~Sampler();
  Sampler(const Sampler &) = delete;
  Sampler &operator=(const Sampler &) = delete;

 private:
  void run();

  const std::string folder_, socket_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace fault
