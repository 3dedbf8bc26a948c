// Looks the lock up on an operation of its own, so that a server that hangs delays the line and
// nothing else; ending the wait cancels the look-up.
#include "progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include "report.hpp"
#include "text.hpp"

namespace cli {
namespace {

constexpr std::chrono::seconds kPause{1};

size_t terminal_columns() {
  winsize size = {};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// Cuts to a width between two words, or within the first one between two characters.
std::string clipped(const std::string &text, size_t columns) {
  size_t seen = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const bool starts = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (!starts || seen++ < columns) continue;
    const std::string whole = text.substr(0, at);
    const size_t space = text[at] == ' ' ? at : whole.rfind(' ');
    return space == std::string::npos ? whole
                                      : whole.substr(0, whole.find_last_not_of(" ,", space) + 1);
  }
  return text;
}

void write_terminal(const std::string &text) {
  // A terminal that went away sends SIGHUP; the line itself matters to nobody then.
  if (write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

std::string held_text(const Info &info) {
  if (redilock_info_state(info.get()) == REDILOCK_STATE_FREE) return "free for the next";
  return "held by " + holder_text(info) + ", remaining: " + remaining_text(info);
}

}  // namespace

Progress::Progress(const Wait &wait) : wait_(wait), terminal_(isatty(STDERR_FILENO) == 1) {
  if (wait.quiet) return;
  look_ = make_op(wait.client, wait.name);
  thread_ = std::thread([this] { run(); });
}

Progress::~Progress() { end(false); }

void Progress::end(bool granted) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  redilock_op_cancel(look_.get());
  thread_.join();
  if (terminal_ && shown_) write_terminal("\r\033[K");
  if (granted && (wait_.verbose || (shown_ && !terminal_)))
    complain("lock \"" + printable(wait_.name) + "\": granted after " + waited());
}

void Progress::run() {
  std::unique_lock<std::mutex> guard(mutex_);
  while (!stopped_.wait_for(guard, kPause, [this] { return stop_; })) {
    guard.unlock();
    show();
    guard.lock();
    if (!terminal_) return;
  }
}

void Progress::show() {
  const std::string name = printable(wait_.name), where = place();
  if (terminal_)
    write_terminal("\r\033[K" +
                   clipped("waiting " + waited() + " for " + name + where, terminal_columns() - 1));
  else
    complain("lock \"" + name + "\": waiting" + where);
  shown_ = true;
}

std::string Progress::waited() const {
  const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start_);
  return human_duration(waited.count());
}

// Where the wait is: ", next in line, held by me, remaining: 12s".
std::string Progress::place() const {
  std::string text;
  const int64_t position = redilock_op_position(wait_.op.get());
  if (position == 1) text += ", next in line";
  if (position > 1) text += ", number " + std::to_string(position) + " in line";
  redilock_info_t *raw = nullptr;
  const int32_t status = redilock_op_info(look_.get(), &raw);
  const Info info(raw);
  if (status == REDILOCK_OK) return text + ", " + held_text(info);
  return text + ", the server does not answer";
}

}  // namespace cli
