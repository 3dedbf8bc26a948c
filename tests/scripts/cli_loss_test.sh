#!/bin/sh
# What happens when `redilock run`, its lock or its command come to a bad end.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016,SC2012,SC1003
. "$(dirname "$0")/../support/cli.sh"
start_server
# Open at both ends all the time: what one writer leaves does not end what the next one says.
mkfifo "$dir/told"
exec 9<>"$dir/told"

# run_sleeper TTL: a holder whose command told us that it runs; sets $pid and $child.
run_sleeper() {
  "$redilock" run --ttl "$1" job -- sh -c 'echo $$ >"$1"; exec sleep 60' - "$dir/told" &
  pid=$!
  remember "$pid"
  read -r child <&9
  remember "$child"
}
gone() { ! kill -0 "$1" 2>/dev/null; }

# TERM: the command is ended and the lock is free at once, long before its ttl
run_sleeper 60s
kill -s TERM "$pid"
expect_end 143 "$pid"
gone "$child" || fail "the command outlived the holder"
expect 0 "$redilock" acquire --wait 0 job
"$redilock" release job "$(cat "$dir/out")"

# TERM with a waiter behind it: handed on at once
run_sleeper 60s
"$redilock" run --ttl 60s job -- true &
waiter=$!
remember "$waiter"
until_true has_waiters job 1
before=$(now_ms)
kill -s TERM "$pid"
expect_end 143 "$pid"
expect_end 0 "$waiter"
[ $(($(now_ms) - before)) -lt "$(soon_ms 2000)" ] || fail "the hand-off took $(($(now_ms) - before)) ms"

# kill -9: the command gets SIGTERM, and a single waiter has the lock within ttl + 2.5 s
run_sleeper 2s
"$redilock" run --ttl 2s job -- true &
waiter=$!
remember "$waiter"
until_true has_waiters job 1
before=$(now_ms)
kill -s KILL "$pid"
expect_end 137 "$pid"
until_true gone "$child"
expect_end 0 "$waiter"
took=$(($(now_ms) - before))
[ "$took" -lt "$(soon_ms 4500)" ] || fail "the next waiter ran only after $took ms"

# broken by another: the command is ended, exit code 75
run_sleeper 2s
"$redilock" break --yes job
expect_end 75 "$pid"
gone "$child" || fail "the command outlived its lock"

# lost, and the command does not mind SIGTERM: it is killed
"$redilock" run --ttl 1s --kill-after 300ms job -- sh -c \
  'trap "" TERM; echo $$ >"$1"; while :; do sleep 0.1; done' - "$dir/told" 2>"$dir/err" &
pid=$!
remember "$pid"
read -r child <&9
remember "$child"
"$redilock" break --yes job
expect_end 75 "$pid"
gone "$child" || fail "the command was not killed"
contains "$dir/err" "lock \"job\": lost: taken away: now free (server $dir/redis.sock); ending the command"

# max-hold ends a command that hangs
before=$(now_ms)
expect 75 "$redilock" run --ttl 1s --max-hold 1s job -- sleep 30
[ $(($(now_ms) - before)) -lt "$(soon_ms 10000)" ] || fail "--max-hold did not end the command in time"

# the lock is renewed for as long as the command runs
expect 0 "$redilock" run --ttl 1s job -- sh -c 'sleep 3; "$1" show --json job' - "$redilock"
contains "$dir/out" '"state":"held"'

# the server stops answering: told by the local deadline
run_sleeper 1s
kill -s STOP "$server"
expect_end 75 "$pid"
kill -s CONT "$server"
gone "$child" || fail "the command outlived its lease"
