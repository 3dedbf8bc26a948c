#!/bin/sh
# Signals reach the command of `redilock run` once, also if others have got them, and none leaves it
# unguarded. What is forwarded stays in order: so once a signal sent to redilock alone has arrived, none
# of before is still to come. That one has the highest number, as the kernel delivers by number what waits.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016,SC2012,SC1003
. "$(dirname "$0")/../support/cli.sh"
. "$(dirname "$0")/../support/listener.sh"
start_server

# listen_under COMMAND...: starts it with the listener behind it; sets $pid, $guard and $command.
listen_under() {
  env --default-signal "$@" "$dir/listener" "$dir/signals" &
  pid=$!
  remember "$pid"
  await_listener
}
end_listener() {
  kill -s KILL "$command"
  expect_end 137 "$pid"
}
child_of() { tr -d ' ' <"/proc/$1/task/$1/children"; }
gone() { ! kill -0 "$1" 2>/dev/null; }

# each signal, sent to redilock alone; 9 and 19 cannot be caught
listen_under "$redilock" run job --
for number in $(seq 1 31) 34 35 50 64; do
  case $number in
  9 | 19) continue ;;
  64) barrier=63 ;;
  *) barrier=64 ;;
  esac
  kill -s "$number" "$pid"
  case $number in
  20 | 21 | 22) # it stops as the command does; in an orphaned process group it cannot
    hears "$number"
    kill -s CONT "$pid"
    hears 18
    ;;
  *)
    hears "$number"
    kill -s "$barrier" "$pid"
    hears "$barrier"
    ;;
  esac
done
end_listener

# for the whole process group, of which redilock is the leader
listen_under setsid "$redilock" run job --
for number in 15 2 1 3 10 28 34; do
  kill -s "$number" -- "-$pid"
  hears "$number"
  kill -s 64 "$pid"
  hears 64
done
end_listener

# the same, and the command has left the group
listen_under setsid "$redilock" run job -- setsid
for number in 15 2; do
  kill -s "$number" -- "-$pid"
  hears "$number"
  kill -s 64 "$pid"
  hears 64
done
end_listener

# timeout(1) signals redilock, and then the group; SIGCONT follows
listen_under setsid timeout 2 "$redilock" run job --
hears 15 18
holder=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$guard/status")
kill -s 64 "$holder"
hears 64
kill -s KILL "$command"
expect_end 124 "$pid"

# one process after the other, redilock first, as systemd stops a unit: once, if the machine let it be done
# in less than the 100 ms that redilock waits
listen_under "$redilock" run job --
before=$(now_ms)
kill -s TERM "$pid" "$guard" "$command"
took=$(($(now_ms) - before))
hears 15
kill -s 64 "$pid"
read -r number <&9
[ "$number" -eq 64 ] || [ "$took" -ge 90 ] || fail "a signal for each process came twice"
[ "$number" -eq 64 ] || hears 64
end_listener

# as PID 1 of a container, from outside
if unshare -rpf --mount-proc true 2>/dev/null; then
  unshare -rpf --mount-proc "$redilock" run --ttl 2s job -- "$dir/listener" "$dir/signals" 2>/dev/null &
  pid=$!
  remember "$pid"
  read -r _ <&9 # its numbers mean nothing here
  holder=$(child_of "$pid")
  for number in 15 10 34; do
    kill -s "$number" "$holder"
    hears "$number"
    kill -s 64 "$holder"
    hears 64
  done
  command=$(child_of "$(child_of "$holder")")
  end_listener
else
  echo 'not tested: no PID namespace can be made here'
fi

# kill -9 of redilock: one SIGTERM for the command
listen_under "$redilock" run --kill-after 1h --ttl 2s job --
kill -s KILL "$pid"
expect_end 137 "$pid"
hears 15 18
kill -s 64 "$command"
hears 64
kill -s KILL "$command"
until_true gone "$guard"
until_true is_free job

# kill -9 of redilock, and the command does not mind SIGTERM: it is killed
listen_under "$redilock" run --kill-after 100ms --ttl 2s job --
kill -s KILL "$pid"
expect_end 137 "$pid"
until_true gone "$command"
hears 15 18

# kill -9 of the guard: the command is ended, and its lock released after it
until_true is_free job
listen_under "$redilock" run --kill-after 100ms job --
kill -s KILL "$guard"
expect_end 70 "$pid"
gone "$command" || fail "the command outlived its guard and its lock"
hears 15 18
is_free job || fail "the lock was not released"

# stopped past its lease
listen_under "$redilock" run --kill-after 100ms --ttl 1s job --
kill -s STOP "$pid"
until_true gone "$command"
hears 15 18
kill -s CONT "$pid"
expect_end 75 "$pid"
