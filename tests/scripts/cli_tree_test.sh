#!/bin/sh
# `redilock run --kill-tree`: no descendant of the command outlives it, and the lock becomes free only after
# the last of them.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016,SC2012,SC1003
. "$(dirname "$0")/../support/cli.sh"
. "$(dirname "$0")/../support/listener.sh"
start_server
gone() { ! kill -0 "$1" 2>/dev/null; }

# plant OPTION... -- SCRIPT: a command that starts a listener in a session of its own, whose parent ends at
# once, and then runs SCRIPT. Sets $pid, and $orphan for the listener: SIGTERM does not end it.
plant() {
  "$redilock" run --kill-after 200ms "$@" job -- \
    sh -c '(setsid "$1" "$2" &); eval "$3"' - "$dir/listener" "$dir/signals" "$script" &
  pid=$!
  remember "$pid"
  read -r orphan parent <&9
  [ -n "$parent" ] || fail "a signal came twice: $orphan"
  remember "$orphan"
}
# hears_end: the orphan was asked once to end, before it was killed.
hears_end() {
  hears 15 18
  until_true gone "$orphan"
}

# SIGTERM: a waiter that gets the lock finds no descendant
script='exec sleep 1000'
plant --kill-tree --ttl 60s
"$redilock" run --quiet job -- sh -c '! kill -0 "$1" 2>/dev/null' - "$orphan" &
waiter=$!
remember "$waiter"
until_true has_waiters job 1
kill -s TERM "$pid"
expect_end 143 "$pid"
expect_end 0 "$waiter"
hears_end
is_free job || fail "the lock was not released"

# SIGTERM, and the command itself does not mind it: descendants get it too
script='trap "exit 7" USR1; trap "" TERM; while :; do sleep 0.05; done'
plant --kill-tree --ttl 60s
kill -s TERM "$pid"
hears 15
kill -s KILL "$orphan"
kill -s USR1 "$pid"
expect_end 7 "$pid"

# a loss
script='exec sleep 1000'
plant --kill-tree --ttl 1s
"$redilock" break --yes job
expect_end 75 "$pid"
gone "$orphan" || fail "a descendant outlived its lock"
hears_end

# the command ends by itself
read_fifo="$dir/go"
mkfifo "$read_fifo"
script="read -r _ <'$read_fifo'; exit 5"
plant --kill-tree --ttl 60s
echo go >"$read_fifo"
expect_end 5 "$pid"
gone "$orphan" || fail "a descendant outlived the command"
is_free job || fail "the lock was not released"
hears_end

# kill -9 of redilock
script='exec sleep 1000'
plant --kill-tree --ttl 1s
kill -s KILL "$pid"
expect_end 137 "$pid"
hears_end

# kill -9 of the guard
until_true is_free job
script='exec sleep 1000'
plant --kill-tree --ttl 60s
guard=$(cat "/proc/$pid/task/$pid/children")
# shellcheck disable=SC2086
kill -s KILL $guard
expect_end 70 "$pid"
gone "$orphan" || fail "a descendant outlived the guard and the lock"
hears_end

# without it, descendants stay
script='exec sleep 1000'
plant --ttl 60s
kill -s TERM "$pid"
expect_end 143 "$pid"
gone "$orphan" && fail "a descendant was ended without --kill-tree"
kill -s USR2 "$orphan"
read -r number_got <&9
until_true test "$number_got" = 12
