#!/bin/sh
# What run and acquire say of a wait, of a refusal and of renewals that fail, where stderr is no terminal;
# and the short options of flock(1).
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016,SC2012,SC1003
. "$(dirname "$0")/../support/cli.sh"
start_server
is_empty() { [ ! -s "$1" ] || fail "unexpected: $(cat "$1")"; }

# a lock that is free: nothing, or one line
expect 0 "$redilock" run job -- true
is_empty "$dir/err"
expect 0 "$redilock" run -v job -- true
grep -Eq '^redilock: lock "job": granted after [0-9.]+(ms|s)$' "$dir/err" || fail "no grant: $(cat "$dir/err")"

# a wait: a line when it has begun and lasts, and one at the grant; nothing with --quiet
token=$("$redilock" acquire --ttl 10m --label deploy@web-1 job)
"$redilock" run job -- true 2>"$dir/err1" &
loud=$!
remember "$loud"
until_true grep -Eq '^redilock: lock "job": waiting, next in line, held by deploy@web-1, remaining: [0-9]+m[0-9]+s$' "$dir/err1"
"$redilock" acquire -q --ttl 1s job >/dev/null 2>"$dir/err2" &
quiet=$!
remember "$quiet"
until_true has_waiters job 2
"$redilock" release job "$token"
expect_end 0 "$loud"
expect_end 0 "$quiet"
grep -Eq '^redilock: lock "job": granted after [0-9.]+(ms|s|m[0-9]+s)$' "$dir/err1" || fail "no grant: $(cat "$dir/err1")"
[ "$(wc -l <"$dir/err1")" -eq 2 ] || fail "not two lines: $(cat "$dir/err1")"
is_empty "$dir/err2"
until_true is_free job

# a refusal and a timeout name the holder, the rest of its lease, and the place
"$redilock" acquire --ttl 10m --label deploy@web-1 job >/dev/null
expect 73 "$redilock" run --wait 0 job -- true
grep -Eq 'lock "job": held by deploy@web-1 for another [0-9]+' "$dir/err" || fail "no holder: $(cat "$dir/err")"
expect 74 "$redilock" acquire --wait 100ms job
grep -Eq 'lock "job": not granted within 100ms: held by deploy@web-1 for another [0-9]+.*, next in the queue$' "$dir/err" ||
  fail "no holder or place: $(cat "$dir/err")"

# as flock(1)
expect 73 "$redilock" run -n job -- true
expect 73 "$redilock" acquire -n job
expect 74 "$redilock" run -w 0.1 job -- true
contains "$dir/err" 'within 100ms'
expect 74 "$redilock" run -w0.1 job -- true
expect 9 "$redilock" run -n -E 9 job -- true
expect 9 "$redilock" run -qnE9 job -- true
is_empty "$dir/err"
expect 64 "$redilock" run -n -w 1 job -- true
expect 64 "$redilock" run -qv job -- true
expect 64 "$redilock" run -w
expect 64 "$redilock" run -w 1.2.3 job -- true
expect 64 "$redilock" run -z job -- true
contains "$dir/err" 'unknown option -z'
expect 5 env SHELL=/bin/sh "$redilock" run free -c 'echo "$REDILOCK_NAME"; exit 5'
[ "$(cat "$dir/out")" = free ] || fail "-c ran something else"
expect 6 env SHELL= "$redilock" run free -c 'exit 6'
expect 64 "$redilock" run free -c 'exit 6' -- true
expect 64 "$redilock" run -c 'exit 6'

# a renewal that fails warns once, with the reason and the rest of the lease; the loss says why
mkfifo "$dir/told"
exec 9<>"$dir/told"
"$redilock" run --ttl 6s nightly -- sh -c 'echo ready >"$1"; exec sleep 60' - "$dir/told" 2>"$dir/err" &
pid=$!
remember "$pid"
read -r _ <&9
kill -s KILL "$server"
wait "$server" || :
expect_end 75 "$pid"
grep -Eq '^redilock: lock "nightly": cannot renew: cannot connect to .*/redis.sock: [A-Za-z ]+; the lease ends in [0-9.]+m?s$' "$dir/err" ||
  fail "no warning: $(cat "$dir/err")"
grep -Eq '^redilock: lock "nightly": lost: not renewed for 6s: cannot connect to .*/redis.sock: [A-Za-z ]+; ending the command$' "$dir/err" ||
  fail "no reason: $(cat "$dir/err")"
[ "$(wc -l <"$dir/err")" -eq 2 ] || fail "not two lines: $(cat "$dir/err")"
