// fork and exec with a race-free death signal. Between the two only async-signal-safe calls are
// made, because the library may have a thread running.
#include "process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "command.hpp"

namespace cli {
namespace {

std::vector<std::string> merged_environment(const std::vector<std::string> &over) {
  std::vector<std::string> all;
  for (char **entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string key = text.substr(0, text.find('=') + 1);
    const bool replaced = std::any_of(over.begin(), over.end(), [&](const std::string &o) {
      return o.compare(0, key.size(), key) == 0;
    });
    if (!replaced) all.push_back(text);
  }
  all.insert(all.end(), over.begin(), over.end());
  return all;
}

std::vector<char *> pointers(const std::vector<std::string> &texts) {
  std::vector<char *> out;
  out.reserve(texts.size() + 1);
  for (const std::string &text : texts) out.push_back(const_cast<char *>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

struct ChildPlan {
  char **argv;
  char **envp;
  pid_t parent;
  int error_fd;
};

[[noreturn]] void become(const ProcessSpec &spec, const Signals &signals, const ChildPlan &plan) {
  if (spec.own_group) setpgid(0, 0);
  if (spec.death_signal != 0) {
    prctl(PR_SET_PDEATHSIG, spec.death_signal);
    // The parent may have died before the line above.
    if (getppid() != plan.parent) _exit(kExitSignal + spec.death_signal);
  }
  if (spec.stdout_fd >= 0) {
    dup2(spec.stdout_fd, STDOUT_FILENO);
    dup2(spec.stdout_fd, STDERR_FILENO);
  }
  signals.restore();
  environ = plan.envp;
  execvp(plan.argv[0], plan.argv);
  const int error = errno;
  if (write(plan.error_fd, &error, sizeof error) < 0) _exit(kExitInternal);
  _exit(kExitCannotRun);
}

// The errno that exec failed with, or 0: the pipe closes when it succeeds.
int read_exec_error(int fd) {
  int error = 0;
  ssize_t got;
  do {
    got = read(fd, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof error) ? error : 0;
}

}  // namespace

pid_t start_process(const ProcessSpec &spec, const Signals &signals) {
  const std::vector<std::string> environment = merged_environment(spec.environment);
  std::vector<char *> argv = pointers(spec.argv);
  std::vector<char *> envp = pointers(environment);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    throw Failure(kExitInternal, std::string("pipe: ") + std::strerror(errno));
  }
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const ChildPlan plan = {argv.data(), envp.data(), getpid(), write_end.get()};
  const pid_t pid = fork();
  if (pid < 0) throw Failure(kExitInternal, std::string("fork: ") + std::strerror(errno));
  if (pid == 0) become(spec, signals, plan);
  write_end.reset();
  const int error = read_exec_error(read_end.get());
  if (error == 0) return pid;
  waitpid(pid, nullptr, 0);
  throw Failure(error == ENOENT ? kExitNotFound : kExitCannotRun,
                spec.argv[0] + ": " + std::strerror(error));
}

int exit_code_of_wait(int wait_status) {
  if (WIFSIGNALED(wait_status)) return kExitSignal + WTERMSIG(wait_status);
  return WEXITSTATUS(wait_status);
}

}  // namespace cli
