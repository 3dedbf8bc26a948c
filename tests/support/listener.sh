# A command for `redilock run` that counts signals, for the scripts that source cli.sh before. It writes
# "PID PPID" and then the number of each signal that it gets, a line each, to descriptor 9 of the
# script; SIGKILL ends it. A shell cannot do that: it sees two signals as one while its child runs.
# shellcheck shell=sh disable=SC2154

cat >"$dir/listener.c" <<'END'
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
  sigset_t all;
  FILE *out = fopen(argc > 1 ? argv[1] : "", "w");
  if (out == NULL) return 1;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  fprintf(out, "%d %d\n", (int)getpid(), (int)getppid());
  for (;;) {
    siginfo_t info;
    fflush(out);
    if (sigwaitinfo(&all, &info) > 0) fprintf(out, "%d\n", info.si_signo);
  }
}
END
"${CC:-cc}" -o "$dir/listener" "$dir/listener.c"
mkfifo "$dir/signals"
exec 9<>"$dir/signals"

# await_listener: sets $command and $guard.
await_listener() {
  read -r command guard <&9
  [ -n "$guard" ] || fail "a signal came twice: $command"
  remember "$command"
}

# hears NUMBER...: these come next, and in this order.
hears() {
  for due in "$@"; do
    read -r number_got <&9
    [ "$number_got" = "$due" ] || fail "the command got signal $number_got where $due should come"
  done
}
