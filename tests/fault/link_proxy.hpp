// A proxy for every link between a worker and the server, whose weather can be changed while it
// runs. One thread carries all of them. What it does to a request or reply is drawn from a seeded
// source.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

namespace fault {

// What a link does: chances are in percent of requests.
struct Weather {
  int delay_ms = 0;   // each chunk, either way, by up to so much
  int reset = 0;      // closed before the request is passed on
  int cut = 0;        // carried out, and closed within the first bytes of the reply
  int lose = 0;       // carried out, and closed without a reply
  int late = 0;       // passed on much later, also when the client has long gone
  int trickle = 0;    // the reply comes byte by byte
  bool mute = false;  // requests pass, replies do not, connections stay open
  bool dark = false;  // nothing passes, connections stay open
};

class LinkProxy {
 public:
  enum Fault { kDelayed, kReset, kCut, kLost, kLate, kTrickled, kMuted, kDarkened, kFaults };
  static const char *fault_name(int fault);

  LinkProxy(const std::string &folder, const std::string &server_socket, int links, uint64_t seed);
  ~LinkProxy();
  LinkProxy(const LinkProxy &) = delete;
  LinkProxy &operator=(const LinkProxy &) = delete;

  std::string url(int link) const;
  // The end of mute and dark weather closes what it struck.
  void set(int link, const Weather &weather);
  int64_t struck(int fault) const { return struck_.at(static_cast<size_t>(fault)).load(); }

 private:
  class Carrier;
  std::string path(int link) const;

  const std::string folder_;
  std::array<std::atomic<int64_t>, kFaults> struck_{};
  std::unique_ptr<Carrier> carrier_;
  std::thread thread_;
};

}  // namespace fault
