// The acquire blocks on one thread, the progress line is looked up and drawn on a second, and the
// main thread listens to signals: none of them can hold up another.
#include "waiting.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

#include "progress.hpp"
#include "text.hpp"

namespace cli {

void complain_of(const Wait &wait, int32_t status) {
  const bool others_have_it = status == REDILOCK_E_HELD || status == REDILOCK_E_TIMEOUT;
  if (wait.quiet && others_have_it) return;
  complain(reason(wait.op, status));
}

Wait make_wait(const Args &args, const Client &client, const Op &op, const std::string &name) {
  if (args.has("--wait") && args.has("--nonblock"))
    throw UsageError("--wait and --nonblock exclude each other");
  if (args.has("--quiet") && args.has("--verbose"))
    throw UsageError("--quiet and --verbose exclude each other");
  set_by_flag(op, "ttl", args, "--ttl");
  set_by_flag(op, "label", args, "--label");
  if (args.has("--wait")) set(op, "wait", with_unit(args.value("--wait")));
  if (args.has("--nonblock")) set(op, "wait", "0");
  return {client, op, name, args.has("--quiet"), args.has("--verbose")};
}

// The server is asked, because a token in the environment may be of another server or of a lock that
// was lost. Where it cannot be asked, the acquire reports more.
void refuse_nested(const Wait &wait) {
  const char *tokens = std::getenv(kHeldTokens);
  if (tokens == nullptr || *tokens == '\0') return;
  redilock_info_t *raw = nullptr;
  const Op look = make_op(wait.client, wait.name);
  const int32_t status = redilock_op_info(look.get(), &raw);
  const Info info(raw);
  if (status != REDILOCK_OK) return;
  std::istringstream lines(tokens);
  std::string token;
  while (std::getline(lines, token)) {
    if (redilock_info_is(info.get(), token.data(), token.size()) == 1)
      throw Failure(kExitNested, "lock \"" + printable(wait.name) +
                                     "\": held by an ancestor of this command; a lock is not "
                                     "reentrant");
  }
}

Waited wait_for_lock(const Wait &wait, Signals &signals) {
  const Fd done(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (done.get() < 0) throw Failure(kExitInternal, std::string("eventfd: ") + std::strerror(errno));
  Waited result;
  redilock_lock_t *lock = nullptr;
  Progress progress(wait);
  std::thread thread([&] {
    result.status = redilock_op_acquire(wait.op.get(), &lock);
    const uint64_t one = 1;
    // An eventfd that starts at 0 always takes a 1.
    if (write(done.get(), &one, sizeof one) < 0) std::terminate();
  });
  pollfd polled[] = {{done.get(), POLLIN, 0}, {signals.fd(), POLLIN, 0}};
  for (;;) {
    poll(polled, 2, -1);
    if (polled[0].revents != 0) break;
    const int signal = ending_signal(signals);
    if (signal == 0) continue;
    result.signal = signal;
    redilock_op_cancel(wait.op.get());
    // The first signal decides; the cancelled call ends by itself.
    polled[1].fd = -1;
  }
  thread.join();
  result.lock.reset(lock);
  progress.end(result.status == REDILOCK_OK && result.signal == 0);
  return result;
}

}  // namespace cli
