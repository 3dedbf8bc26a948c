/* Forked children of a test, and talking with them over pipes. */
#define _GNU_SOURCE
#include "support/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(bool good, const char *what) {
  if (good) return;
  perror(what);
  abort();
}

child_t start_child(int (*body)(child_t *self, void *context), void *context) {
  int down[2], up[2];
  must(pipe2(down, O_CLOEXEC) == 0 && pipe2(up, O_CLOEXEC) == 0, "pipe2");
  const pid_t parent = getpid();
  child_t child = {fork(), up[0], down[1]};
  must(child.pid >= 0, "fork");
  close(child.pid == 0 ? up[0] : up[1]);
  close(child.pid == 0 ? down[1] : down[0]);
  if (child.pid != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(126);
  child_t self = {getpid(), down[0], up[1]};
  _exit(body(&self, context));
}

void tell(const child_t *peer, int64_t number) {
  must(write(peer->out, &number, sizeof number) == sizeof number, "write");
}

int64_t hear(const child_t *peer) {
  int64_t number;
  ssize_t got;
  while ((got = read(peer->in, &number, sizeof number)) < 0 && errno == EINTR) {
  }
  return got == sizeof number ? number : INT64_MIN;
}

int end_of(child_t *child) {
  int status = 0;
  while (waitpid(child->pid, &status, 0) < 0) must(errno == EINTR, "waitpid");
  close(child->in);
  close(child->out);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void kill_child(child_t *child) {
  must(kill(child->pid, SIGKILL) == 0, "kill");
  end_of(child);
}
