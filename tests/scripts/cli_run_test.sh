#!/bin/sh
# `redilock run` is transparent: status, stdin, environment and descriptors. Its signals: cli_signals_test.sh.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016,SC2012,SC1003
. "$(dirname "$0")/../support/cli.sh"
start_server

# status
expect 0 "$redilock" run job -- sh -c 'exit 0'
expect 75 "$redilock" run job -- sh -c 'exit 75'
expect 255 "$redilock" run job -- sh -c 'exit 255'
expect 137 "$redilock" run job -- sh -c 'kill -9 $$'
expect 143 "$redilock" run job -- sh -c 'kill -TERM $$'

# stdin and stdout, a binary megabyte
head -c 1048576 /dev/urandom >"$dir/in"
"$redilock" run job -- cat <"$dir/in" >"$dir/out"
cmp "$dir/in" "$dir/out" || fail "stdin was not passed through"

# operands of the command stay as they are, options after -- included
expect 0 "$redilock" run job -- printf '%s|' --ttl '' 'a b' --
[ "$(cat "$dir/out")" = '--ttl||a b|--|' ] || fail "arguments changed"

# environment, while the lock is held under that very token
expect 0 "$redilock" run --label worker-7 job -- sh -c \
  'echo "$REDILOCK_NAME $REDILOCK_FENCE"; echo "$REDILOCK_TOKEN"; "$1" show --json job' - "$redilock"
grep -Eq '^job [1-9][0-9]{5,15}$' "$dir/out" || fail "name or fence are missing"
grep -Eq '^redilock:[0-9a-f]{32}:worker-7$' "$dir/out" || fail "the token is missing"
contains "$dir/out" '"state":"held","label":"worker-7"'
is_free job || fail "the lock was not released"

# fences rise
expect 0 "$redilock" run job -- sh -c 'echo "$REDILOCK_FENCE"'
first=$(cat "$dir/out")
expect 0 "$redilock" run job -- sh -c 'echo "$REDILOCK_FENCE"'
[ "$(cat "$dir/out")" -gt "$first" ] || fail "the fence did not rise"

# no descriptor leaks
ls /proc/self/fd | wc -l >"$dir/plain"
"$redilock" run job -- ls /proc/self/fd | wc -l >"$dir/under"
cmp "$dir/plain" "$dir/under" || fail "the command inherits descriptors"

# the child's signal mask and dispositions are those of its start
grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status >"$dir/plain"
"$redilock" run job -- grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status >"$dir/under"
cmp "$dir/plain" "$dir/under" || fail "the command inherits a signal mask"

# Open at both ends all the time: what one writer leaves does not end what the next one says.
mkfifo "$dir/told"
exec 9<>"$dir/told"

# a signal that is ignored from the start stays ignored
(
  trap '' HUP
  exec "$redilock" run job -- sh -c 'echo ready >"$1"; exec sleep 30' - "$dir/told"
) &
pid=$!
remember "$pid"
read -r _ <&9
kill -s HUP "$pid"
kill -s TERM "$pid"
expect_end 143 "$pid"

# a signal ends the wait, with 128 + n and nothing left in the queue
token=$("$redilock" acquire --ttl 60s job)
"$redilock" run job -- touch "$dir/ran" &
pid=$!
remember "$pid"
until_true has_waiters job 1
kill -s TERM "$pid"
expect_end 143 "$pid"
has_waiters job 0 || fail "the waiter stayed in the queue"
"$redilock" release job "$token"
[ ! -e "$dir/ran" ] || fail "the command ran without the lock"

# eight at once count exactly
echo 0 >"$dir/counter"
pids=
for _ in 1 2 3 4 5 6 7 8; do
  (
    for _ in 1 2 3 4 5; do
      "$redilock" run --ttl 5s count -- \
        sh -c 'read -r n <"$1"; echo $((n + 1)) >"$1"' - "$dir/counter" || exit 1
    done
  ) &
  pids="$pids $!"
done
for pid in $pids; do expect_end 0 "$pid"; done
[ "$(cat "$dir/counter")" -eq 40 ] || fail "lost increments: $(cat "$dir/counter") of 40"
