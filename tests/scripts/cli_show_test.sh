#!/bin/sh
# show, list and break: as text and as JSON, for locks free, held, foreign and waited for.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016,SC2012,SC1003
. "$(dirname "$0")/../support/cli.sh"
start_server

redis() { redis-cli -s "$dir/redis.sock" "$@" >/dev/null; }
# Where jq is, it judges whether it is JSON at all.
is_json() {
  command -v jq >/dev/null || return 0
  jq -e . "$1" >/dev/null || fail "not JSON: $(cat "$1")"
}

# free
expect 0 "$redilock" show job
contains "$dir/out" free
expect 0 "$redilock" show --json job
[ "$(cat "$dir/out")" = \
  '{"name":"job","state":"free","label":"","remaining_ms":0,"waiters":0,"queue":[]}' ] ||
  fail "unexpected JSON: $(cat "$dir/out")"
expect 0 "$redilock" list
[ ! -s "$dir/out" ] || fail "an empty server lists something"
expect 0 "$redilock" list --json
[ "$(cat "$dir/out")" = '[]' ] || fail "an empty list is not []"

expect 64 "$redilock" show
expect 1 "$redilock" show --quiet job
[ ! -s "$dir/out" ] || fail "--quiet prints"

# held, with a waiter
token=$("$redilock" acquire --ttl 65s --label holder-1 job:a)
"$redilock" run --label waiter-1 job:a -- true &
waiter=$!
remember "$waiter"
until_true has_waiters job:a 1
expect 0 "$redilock" show job:a
contains "$dir/out" 'holder-1'
contains "$dir/out" '1m0'
grep -Eq '1\. waiter-1, waits [0-9.]+(ms|s)$' "$dir/out" || fail "unexpected text: $(cat "$dir/out")"
expect 0 "$redilock" show --json job:a
grep -Eq '^\{"name":"job:a","state":"held","label":"holder-1","remaining_ms":6[0-9]{4},"waiters":1,"queue":\[\{"label":"waiter-1","waits_ms":[0-9]+,"polls":false\}\]\}$' \
  "$dir/out" || fail "unexpected JSON: $(cat "$dir/out")"
is_json "$dir/out"

# several names, and the exit code for `if`
expect 0 "$redilock" show job:a job
[ "$(grep -c '^name:' "$dir/out")" -eq 2 ] || fail "not two locks: $(cat "$dir/out")"
expect 0 "$redilock" show --json job job:a
is_json "$dir/out"
[ "$(grep -c '"state":"\(held\|free\)"' "$dir/out")" -eq 2 ] || fail "not two locks: $(cat "$dir/out")"
[ "$(head -c 1 "$dir/out")" = '[' ] || fail "no array: $(cat "$dir/out")"
expect 0 "$redilock" show -q job job:a
[ ! -s "$dir/out" ] || fail "-q prints"
expect 1 "$redilock" show -q job job:b

# a client that polls, whose arrival was at the start of 2001; and an entry that is no waiter's
redis ZADD 'redilock:1:{@CBE}:queue:polled' 978307200000000 \
  '5000 redilock:1:{}:poll:p redilock:0123456789abcdef0123456789abcdef:poller' inf odd
expect 0 "$redilock" show polled
grep -Eq '1\. poller, waits [0-9]+d[0-9]+h, polls$' "$dir/out" ||
  fail "unexpected text: $(cat "$dir/out")"
expect 0 "$redilock" show --json polled
contains "$dir/out" ',"polls":true},{"label":"","waits_ms":null,"polls":false}]'
is_json "$dir/out"
redis DEL 'redilock:1:{@CBE}:queue:polled'

# foreign, with and without an end
redis SET foreign x NX PX 60000
expect 0 "$redilock" show --json foreign
contains "$dir/out" '"state":"foreign"'
redis SET forever x
expect 0 "$redilock" show forever
contains "$dir/out" never
expect 0 "$redilock" show --json forever
contains "$dir/out" '"remaining_ms":null'

# names that would disturb a terminal or a document
odd=$(printf 'job:\033[2J\377 "q" \\ end')
"$redilock" acquire --ttl 60s "$odd" >/dev/null
expect 0 "$redilock" show "$odd"
contains "$dir/out" 'job:\x1b[2J\xff "q" \\ end'
expect 0 "$redilock" show --json "$odd"
contains "$dir/out" '"name":"job:\u001b[2J\ufffd \"q\" \\ end"'
contains "$dir/out" '"name_hex":"6a6f623a1b5b324aff20227122205c20656e64"'
is_json "$dir/out"
utf8=$(printf 'job:gr\303\274n')
"$redilock" acquire --ttl 60s "$utf8" >/dev/null
expect 0 "$redilock" show --json "$utf8"
contains "$dir/out" "\"name\":\"$utf8\",\"state\""

# list
"$redilock" acquire --ttl 60s unrelated >/dev/null
expect 0 "$redilock" list
[ "$(wc -l <"$dir/out")" -eq 5 ] || fail "expected a heading and 4 locks: $(cat "$dir/out")"
expect 0 "$redilock" list 'job:*'
[ "$(wc -l <"$dir/out")" -eq 4 ] || fail "expected a heading and 3 locks: $(cat "$dir/out")"
grep -Eq '^job:a +(1m0|[1-5])[0-9]s +1 +holder-1$' "$dir/out" || fail "unexpected list: $(cat "$dir/out")"
expect 0 "$redilock" list --json
is_json "$dir/out"
[ "$(grep -c '"state":"held"' "$dir/out")" -eq 4 ] || fail "unexpected list: $(cat "$dir/out")"
expect 0 "$redilock" list --names 'unre*'
[ "$(cat "$dir/out")" = unrelated ] || fail "unexpected names: $(cat "$dir/out")"

# break hands on to the waiter; the former owner has lost it
expect 64 "$redilock" break job:a </dev/null
expect 0 "$redilock" break --yes job:a
expect_end 0 "$waiter"
expect 78 "$redilock" release job:a "$token"
expect 0 "$redilock" break --yes foreign
is_free foreign || fail "the foreign lock was not broken"
