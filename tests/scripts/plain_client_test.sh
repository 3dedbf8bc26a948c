#!/bin/sh
# redilock and a plain client of the same name, which knows nothing but SET NX PX and DEL: each keeps
# the other out, whoever was first.
set -eu

folder=$(mktemp -d)
REDILOCK_URL=unix://$folder/sock
export REDILOCK_URL
redis-server --port 0 --unixsocket "$folder/sock" --save '' --dir "$folder" \
  --logfile "$folder/log" &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$folder"' EXIT

fail() {
  echo "$*" >&2
  exit 1
}
plain() { redis-cli -s "$folder/sock" "$@"; }
# within SECONDS COMMAND...: tries it until it succeeds.
within() {
  end=$(($(date +%s) + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -le "$end" ] || fail "not in time: $*"
    sleep 0.05
  done
}
waits() { [ "$(plain ZCARD 'redilock:1:{@NB@}:queue:job')" = 1 ]; }
is() { [ "$1" = "$2" ] || fail "got '$1', expected '$2': $3"; }

within 10 plain PING

# A plain holder keeps redilock out, and is shown as foreign.
is "$(plain SET job someone NX PX 60000)" OK "a plain client takes a free lock"
status=0
"$REDILOCK_CLI" run --wait 0 job -- touch "$folder/ran" 2>/dev/null || status=$?
[ "$status" -ne 0 ] || fail "redilock took a plain client's lock"
[ ! -e "$folder/ran" ] || fail "the command ran without the lock"
"$REDILOCK_CLI" show --json job | grep -q foreign || fail "show does not tell that it is foreign"
is "$(plain GET job)" someone "the plain client's value is untouched"

# A waiter takes over soon after it was deleted by its owner, or ended.
"$REDILOCK_CLI" run --wait 10s job -- touch "$folder/after-del" &
waiter=$!
within 5 waits
plain DEL job >/dev/null
wait "$waiter" || fail "the waiter did not get what the plain client gave up"
[ -e "$folder/after-del" ] || fail "the command did not run"
plain SET job someone NX PX 700 >/dev/null
"$REDILOCK_CLI" run --wait 10s job -- touch "$folder/after-expiry" ||
  fail "the waiter did not get what the plain client let expire"
[ -e "$folder/after-expiry" ] || fail "the command did not run after the expiry"

# The plain client loses to a redilock holder, and its compare-and-delete changes nothing.
"$REDILOCK_CLI" run job -- sh -c "touch '$folder/holds'; while [ ! -e '$folder/go' ]; do sleep 0.05; done" &
holder=$!
within 5 test -e "$folder/holds"
is "$(plain SET job someone NX PX 60000)" "" "a plain client loses to redilock"
is "$(plain EVAL "if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) end
  return 0" 1 job someone)" 0 "a plain release is not the owner's"
is "$(plain EXISTS job)" 1 "redilock still holds"
touch "$folder/go"
wait "$holder" || fail "the holder failed"
is "$(plain SET job someone NX PX 60000)" OK "a plain client takes what redilock released"
echo "plain clients and redilock keep each other out"
