#!/bin/sh
# The demo ends well and in time, and leaves nothing behind: neither at its end, nor when it is
# stopped in the middle, nor without a redis-server.
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

for signal in TERM KILL; do
  wanted=143
  [ "$signal" = TERM ] || wanted=137
  "$redilock" demo >"$dir/log" &
  pid=$!
  remember "$pid"
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
