// The thread that carries bytes, and what it does to them.
#include "fault/link_proxy.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <list>
#include <mutex>
#include <random>
#include <vector>

#include "fault/history.hpp"

namespace fault {

namespace {

constexpr int64_t kMs = 1000;
constexpr int kTick = 20;  // ms, after which a change of weather is seen at the latest

sockaddr_un address_of(const std::string &path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof address.sun_path, "%s", path.c_str());
  return address;
}

int listen_at(const std::string &path) {
  const sockaddr_un address = address_of(path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0 &&
      ::listen(fd, 128) == 0)
    return fd;
  std::perror(path.c_str());
  std::abort();
}

int connect_to(const std::string &path) {
  const sockaddr_un address = address_of(path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0)
    return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

void close_fd(int &fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// One direction: bytes that wait for their time.
class Lane {
 public:
  void add(std::string bytes, int64_t due) {
    last_ = std::max(last_, due);
    chunks_.push_back({std::move(bytes), last_});
  }
  bool empty() const { return chunks_.empty(); }
  int64_t due() const { return chunks_.empty() ? INT64_MAX : chunks_.front().due; }

  // False where the other end is gone.
  bool deliver(int fd, int64_t now) {
    while (!chunks_.empty() && chunks_.front().due <= now) {
      Chunk &chunk = chunks_.front();
      const ssize_t sent = ::send(fd, chunk.bytes.data(), chunk.bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (sent > 0) chunk.bytes.erase(0, static_cast<size_t>(sent));
      if (!chunk.bytes.empty()) {
        chunk.due = last_ = std::max(last_, now + kMs);
        return true;
      }
      chunks_.pop_front();
    }
    return true;
  }

 private:
  struct Chunk {
    std::string bytes;
    int64_t due;
  };
  std::deque<Chunk> chunks_;
  int64_t last_ = 0;
};

struct Session {
  int link, client, server;
  Lane requests, replies;
  int pass = -1;  // so many bytes of the next reply, then the end
  bool trickle = false, muted = false, dark = false, ending = false;
  bool cut = false;  // these bytes are on their way

  bool dead() const { return client < 0 && server < 0; }
  void end() {
    close_fd(client);
    close_fd(server);
  }
};

}  // namespace

class LinkProxy::Carrier {
 public:
  Carrier(LinkProxy &proxy, std::string target, int links, uint64_t seed)
      : proxy_(proxy), target_(std::move(target)), random_(seed) {
    skies_.resize(static_cast<size_t>(links));
    for (int link = 0; link < links; ++link) listeners_.push_back(listen_at(proxy.path(link)));
  }
  ~Carrier() {
    for (Session &session : sessions_) session.end();
    for (int &fd : listeners_) close_fd(fd);
  }
  Carrier(const Carrier &) = delete;
  Carrier &operator=(const Carrier &) = delete;

  void begin(int link, const Front &front) {
    std::lock_guard lock(mutex_);
    skies_[static_cast<size_t>(link)].begin(front);
  }
  void end(int link, const Front &front) {
    std::lock_guard lock(mutex_);
    skies_[static_cast<size_t>(link)].end(front);
  }
  void stop() { stopping_.store(true); }

  void run() {
    while (!stopping_.load()) {
      std::vector<pollfd> polled = wait();
      std::lock_guard lock(mutex_);
      size_t at = 0;
      for (Session &session : sessions_) {
        if (polled[at++].revents != 0) from_client(session);
        if (polled[at++].revents != 0) from_server(session);
        carry(session);
      }
      for (size_t link = 0; link < listeners_.size(); ++link)
        if (polled[at++].revents != 0) welcome(static_cast<int>(link));
      sessions_.remove_if([](const Session &session) { return session.dead(); });
    }
  }

 private:
  std::vector<pollfd> wait() {
    std::vector<pollfd> polled;
    int64_t due = now_us() + kTick * kMs;
    for (const Session &session : sessions_) {
      polled.push_back({session.client, POLLIN, 0});
      polled.push_back({session.server, POLLIN, 0});
      due = std::min({due, session.requests.due(), session.replies.due()});
    }
    for (int fd : listeners_) polled.push_back({fd, POLLIN, 0});
    const int64_t left = std::max<int64_t>(due - now_us(), 0);
    const timespec nap{static_cast<time_t>(left / 1000000), left % 1000000 * 1000};
    ::ppoll(polled.data(), polled.size(), &nap, nullptr);
    return polled;
  }

  bool happens(int percent, Fault fault) {
    if (percent == 0 || between(1, 100) > percent) return false;
    count(fault);
    return true;
  }
  void count(Fault fault) { ++proxy_.struck_.at(fault); }
  int64_t between(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  const Weather &weather(const Session &session) const {
    return skies_[static_cast<size_t>(session.link)].weather();
  }
  int64_t delay(const Session &session) {
    const Weather &now = weather(session);
    if (now.delay_ms > 0) count(kDelayed);
    return between(0, std::max(now.delay_ms, now.jitter_ms) * kMs);
  }

  void from_client(Session &session) {
    char buffer[65536];
    const ssize_t count = ::recv(session.client, buffer, sizeof buffer, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {  // what is under way still arrives
      close_fd(session.client);
      session.ending = true;
      return;
    }
    const Weather &now = weather(session);
    if (happens(now.reset, kReset)) return session.end();
    strike(session);
    if (session.dark) return;
    if (happens(now.cut, kCut)) session.pass = static_cast<int>(between(1, 12));
    if (happens(now.lose, kLost)) session.pass = 0;
    if (happens(now.trickle, kTrickled)) session.trickle = true;
    int64_t wait = delay(session);
    if (happens(now.late, kLate)) wait += between(100 * kMs, 1500 * kMs);
    session.requests.add({buffer, static_cast<size_t>(count)}, now_us() + wait);
  }

  void from_server(Session &session) {
    char buffer[65536];
    const ssize_t count = ::recv(session.server, buffer, sizeof buffer, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return session.end();
    strike(session);
    if (session.muted || session.dark || session.client < 0) return;
    std::string reply(buffer, static_cast<size_t>(count));
    if (session.pass >= 0) {
      if (session.cut) return;
      reply.resize(std::min(reply.size(), static_cast<size_t>(session.pass)));
      session.replies.add(std::move(reply), now_us());  // behind others that may be on their way
      session.cut = true;
      return;
    }
    int64_t due = now_us() + delay(session);
    if (!session.trickle) return session.replies.add(std::move(reply), due);
    for (const char byte : reply) session.replies.add({byte}, due += between(1, 20) * kMs);
    session.trickle = false;
  }

  // Whoever speaks in mute or dark weather is struck by it until it ends.
  void strike(Session &session) {
    const Weather &now = weather(session);
    if (now.mute && !session.muted) count(kMuted);
    if (now.dark && !session.dark) count(kDarkened);
    session.muted = session.muted || now.mute;
    session.dark = session.dark || now.dark;
  }
  bool is_over(const Session &session) const {
    const Weather &now = weather(session);
    return (session.muted && !now.mute) || (session.dark && !now.dark);
  }

  void carry(Session &session) {
    const int64_t now = now_us();
    if (is_over(session)) return session.end();
    if (session.server >= 0 && !session.requests.deliver(session.server, now)) return session.end();
    if (session.client >= 0 && !session.replies.deliver(session.client, now)) return session.end();
    if (session.cut && session.replies.empty()) return session.end();
    if (session.ending && session.requests.empty()) close_fd(session.server);
  }

  void welcome(int link) {
    const int client = ::accept4(listeners_[static_cast<size_t>(link)], nullptr, nullptr,
                                 SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    Session session{};
    session.link = link;
    session.client = client;
    session.server = connect_to(target_);
    session.pass = -1;
    if (session.server < 0) return session.end();
    sessions_.push_back(std::move(session));
  }

  LinkProxy &proxy_;
  const std::string target_;
  std::mt19937_64 random_;
  std::mutex mutex_;  // guards the weather; the sessions are the thread's
  std::vector<Sky> skies_;
  std::vector<int> listeners_;
  std::list<Session> sessions_;
  std::atomic<bool> stopping_{false};
};

const char *LinkProxy::fault_name(int fault) {
  constexpr const char *kTexts[] = {"delay", "reset",   "cut",       "lose",
                                    "late",  "trickle", "half-open", "dark"};
  return kTexts[fault];
}

LinkProxy::LinkProxy(const std::string &folder, const std::string &server_socket, int links,
                     uint64_t seed)
    : folder_(folder),
      carrier_(std::make_unique<Carrier>(*this, server_socket, links, seed)),
      thread_([this] { carrier_->run(); }) {}

LinkProxy::~LinkProxy() {
  carrier_->stop();
  thread_.join();
}

std::string LinkProxy::path(int link) const {
  return folder_ + "/link" + std::to_string(link) + ".sock";
}

std::string LinkProxy::url(int link) const { return "unix://" + path(link); }

void LinkProxy::begin(int link, const Front &front) { carrier_->begin(link, front); }

void LinkProxy::end(int link, const Front &front) { carrier_->end(link, front); }

}  // namespace fault
