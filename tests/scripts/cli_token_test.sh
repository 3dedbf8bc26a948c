#!/bin/sh
# Locks that a script holds by token: acquire, extend, release, and each way to give the token.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016,SC2012,SC1003
. "$(dirname "$0")/../support/cli.sh"
start_server
unset REDILOCK_TOKEN || :

token=$("$redilock" acquire --ttl 30s --label me job)
case $token in
redilock:????????????????????????????????:me) ;;
*) fail "not a token: $token" ;;
esac

# remaining_ms of the lock, as the server knows it
remaining() { "$redilock" show --json "$1" | sed 's/.*"remaining_ms":\([0-9]*\).*/\1/'; }

"$redilock" extend --ttl 10m job "$token"
[ "$(remaining job)" -gt 500000 ] || fail "not extended"
"$redilock" extend --ttl 1s job "$token"
[ "$(remaining job)" -gt 500000 ] || fail "an extension shortened the lease"
echo "$token" | "$redilock" extend --ttl 20m job -
[ "$(remaining job)" -gt 1000000 ] || fail "not extended by stdin"
REDILOCK_TOKEN=$token "$redilock" extend --ttl 30m job
[ "$(remaining job)" -gt 1700000 ] || fail "not extended by REDILOCK_TOKEN"
echo "$token" >"$dir/token"
"$redilock" extend --ttl 40m --token-file "$dir/token" job
[ "$(remaining job)" -gt 2300000 ] || fail "not extended by --token-file"

expect 64 "$redilock" release --token-file "$dir/token" job "$token"
expect 78 "$redilock" release job "${token}x"
expect 78 "$redilock" release other "$token"
expect 0 "$redilock" release --token-file "$dir/token" job
is_free job || fail "not released"
expect 78 "$redilock" release job "$token"
expect 78 "$redilock" extend job "$token"

# a name that begins with a dash, and one of odd bytes
token=$("$redilock" acquire -- -name)
expect 0 "$redilock" release -- -name "$token"
odd=$(printf 'a\001\377 "{b}\\')
token=$("$redilock" acquire "$odd")
expect 0 "$redilock" release "$odd" "$token"

# JSON
expect 0 "$redilock" acquire --json --ttl 10s job
grep -Eq '^\{"name":"job","token":"redilock:[0-9a-f]{32}:[^"]+","fence":[1-9][0-9]+,"remaining_ms":[0-9]+\}$' \
  "$dir/out" || fail "unexpected JSON: $(cat "$dir/out")"

# a waiter gets the lock when it is released by token
held=$(sed 's/.*"token":"\([^"]*\)".*/\1/' "$dir/out")
"$redilock" acquire job >"$dir/next" &
pid=$!
remember "$pid"
until_true has_waiters job 1
"$redilock" release job "$held"
expect_end 0 "$pid"
"$redilock" release job "$(cat "$dir/next")"
