#!/bin/sh
# redilock bench: its figures make sense, it leaves nothing behind, and it says why where it cannot run.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/../support/cli.sh"

expect 64 "$redilock" bench --for 0
expect 64 "$redilock" bench --for 1h
expect 64 "$redilock" bench --processes 0
expect 64 "$redilock" bench --processes 3x
expect 64 "$redilock" bench --hold 1m
expect 64 "$redilock" bench NAME
expect 69 "$redilock" bench --for 100ms --option timeout=200ms --url "unix://$dir/nobody.sock"

start_server
# number KEY: its first value in the JSON object.
number() { sed -n "s/.*\"$1\": \([0-9.e+-]*\).*/\1/p" "$dir/out" | head -n 1; }
expect 0 "$redilock" bench --for 300ms --processes 3 --hold 1ms --think 1ms --json
contains "$dir/out" '"pair_fence": {"us": '
contains "$dir/out" '"3_processes"'
[ "$(number overlaps)" = 0 ] || fail "$(number overlaps) grants overlapped"
awk -v busy="$(number busy_percent)" -v least="$(number least_served)" \
  'BEGIN { exit !(busy > 5 && busy <= 100 && least > 0) }' || fail "busy or least served is off"
# The fence counter stays, and the records of clients for a minute; no lock and no queue.
redis-cli -s "$dir/redis.sock" keys '*bench*' >"$dir/keys"
if grep -v ':alive:' "$dir/keys" | grep -q .; then fail "keys are left: $(cat "$dir/keys")"; fi

expect 0 "$redilock" bench --for 50ms --processes 2
contains "$dir/out" busy_percent
