// A proxy for every link between a worker and the server, over which weathers come and go while it
// runs. One thread carries all of them. What it does to a request or reply is drawn from a seeded
// source.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "fault/weather.hpp"

namespace fault {

class LinkProxy {
 public:
  enum Fault { kDelayed, kReset, kCut, kLost, kLate, kTrickled, kMuted, kDarkened, kFaults };
  // As the kind of trouble is called that means to do it.
  static const char *fault_name(int fault);

  LinkProxy(const std::string &folder, const std::string &server_socket, int links, uint64_t seed);
  ~LinkProxy();
  LinkProxy(const LinkProxy &) = delete;
  LinkProxy &operator=(const LinkProxy &) = delete;

  std::string path(int link) const;
  std::string url(int link) const;
  // The end of mute and dark weather closes what it struck.
  void begin(int link, const Front &front);
  void end(int link, const Front &front);
  int64_t struck(int fault) const { return struck_.at(static_cast<size_t>(fault)).load(); }

 private:
  class Carrier;

  const std::string folder_;
  std::array<std::atomic<int64_t>, kFaults> struck_{};
  std::unique_ptr<Carrier> carrier_;
  std::thread thread_;
};

}  // namespace fault
