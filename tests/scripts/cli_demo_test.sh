#!/bin/sh
# The demo ends well and in time, and leaves nothing behind: neither at its end, nor when it is
# stopped in the middle, nor without a redis-server. A slow take-over is no failure; a process that
# fails is, and the verdict says why. The processes start together.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016,SC2012,SC1003
. "$(dirname "$0")/../support/cli.sh"
TMPDIR=$dir
export TMPDIR

left() { find "$dir" -name 'redilock.*' -print; }
gone() { ! kill -0 "$1" 2>/dev/null; }
server_of_demo() { sed -n 's/^redis-server \([0-9]*\) .*/\1/p' "$1"; }

before=$(now_ms)
expect 0 "$redilock" demo
took=$(($(now_ms) - before))
[ "$took" -lt "$(soon_ms 15000)" ] || fail "the demo took $took ms"
contains "$dir/out" '1600, expected 1600'
contains "$dir/out" 'killed with -9'
contains "$dir/out" 'nothing was lost'
[ -z "$(left)" ] || fail "left behind: $(left)"
gone "$(server_of_demo "$dir/out")" || fail "the server outlived the demo"

# start_demo: in the background, as $pid, with its output in $dir/log.
start_demo() {
  : >"$dir/log"
  "$redilock" demo >"$dir/log" 2>&1 &
  pid=$!
  remember "$pid"
}

# meddle CODE COMMAND: does something after the kill and before the take-over, of which the demo makes CODE.
# Where this machine was too slow for that, it starts over.
meddle() {
  for attempt in 1 2 3 4 5; do
    start_demo
    until_true grep -q 'killed with -9' "$dir/log"
    server_pid=$(server_of_demo "$dir/log")
    "$2"
    grep -q 'the next one got the lock' "$dir/log" || break
    [ "$attempt" -lt 5 ] || fail "five times too late for $2"
    kill -s TERM "$pid"
    [ "$2" != pause_server ] || kill -s CONT "$server_pid"
    wait "$pid" || :
  done
  [ "$2" != pause_server ] || {
    sleep 4.5
    kill -s CONT "$server_pid"
  }
  code=0
  wait "$pid" || code=$?
  [ "$code" -eq "$1" ] || fail "$2 gave $code: $(cat "$dir/log")"
}
pause_server() { kill -s STOP "$server_pid"; }
tear_counter() { echo torn >"$(find "$dir" -name counter)"; }

# The server stands still for longer than a take-over may take.
meddle 0 pause_server
grep -q 'verdict       nothing was lost; the take-over took [0-9.]*s, the machine is busy' "$dir/log" ||
  fail "a slow take-over: $(cat "$dir/log")"
# Each process sees that at its next turn.
meddle 70 tear_counter
grep -q 'verdict       FAILED: process [0-9] ended with 70, redilock: the counter is torn' "$dir/log" ||
  fail "processes that failed: $(cat "$dir/log")"

for signal in TERM KILL; do
  wanted=143
  [ "$signal" = TERM ] || wanted=137
  start_demo
  until_true grep -q 'processes add' "$dir/log"
  kill -s "$signal" "$pid"
  code=0
  wait "$pid" || code=$?
  [ "$code" -eq "$wanted" ] || fail "$signal gave $code"
  until_true gone "$(server_of_demo "$dir/log")"
  [ "$signal" = KILL ] || [ -z "$(left)" ] || fail "left behind: $(left)"
done

mkdir "$dir/empty"
expect 127 env PATH="$dir/empty" "$redilock" demo
contains "$dir/err" 'package redis-server'

# A process is ready before its first turn, and has it when the file is no longer locked.
start_server
: >"$dir/counter"
exec 9>>"$dir/counter"
flock 9
"$redilock" demo --url "$REDILOCK_URL" --file "$dir/counter" --worker 2 --hold-at 1 >"$dir/worker" 9>&- &
remember $!
until_true grep -q ready "$dir/worker"
[ "$(cat "$dir/worker")" = ready ] || fail "it has not waited: $(cat "$dir/worker")"
flock -u 9
until_true grep -q hold "$dir/worker"
[ "$(sed 's/ .*//' "$dir/worker" | tr '\n' ' ')" = 'ready grant hold ' ] || fail "it said $(cat "$dir/worker")"
