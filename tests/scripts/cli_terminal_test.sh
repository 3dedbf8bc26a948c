#!/bin/sh
# What needs a terminal: the progress line, the question of break, and that keys such as Ctrl-C reach the
# command once. script(1) makes the terminals.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016
. "$(dirname "$0")/../support/cli.sh"
start_server

# the progress line tells the place and the holder, and is erased at the end
"$redilock" acquire --ttl 60s --label deploy@web-1 job >/dev/null
expect 74 script -qec "'$redilock' acquire --wait 2500ms job" /dev/null </dev/null
contains "$dir/out" 's for job, next in line, held by deploy@web-1, remaining: 5'
tail -n 1 "$dir/out" | grep -q 'redilock: lock "job": not granted within 2500ms: held by deploy@web-1' || fail "no last line"
expect 74 script -qec "'$redilock' acquire --quiet --wait 1500ms job" /dev/null </dev/null
[ ! -s "$dir/out" ] || fail "--quiet draws: $(cat "$dir/out")"

# a narrow terminal cuts it between words
expect 74 script -qec "stty cols 50; exec '$redilock' acquire --wait 2500ms job" /dev/null </dev/null
tr '\r' '\n' <"$dir/out" | grep -q 'for job, next in line, held by$' || fail "not cut between words: $(cat -v "$dir/out")"

# break asks, and takes anything but yes for no
mkfifo "$dir/keys"
exec 8<>"$dir/keys"
echo n >&8
expect 73 script -qec "'$redilock' break job" /dev/null <&8
contains "$dir/out" 'held by deploy@web-1'
"$redilock" show --json job | grep -q '"state":"held"' || fail "broken without a yes"
echo y >&8
expect 0 script -qec "'$redilock' break job" /dev/null <&8
is_free job || fail "not broken"
expect 78 script -qec "'$redilock' break job" /dev/null <&8
contains "$dir/out" 'nobody holds it, nothing to break'

# Ctrl-C and Ctrl-\ reach the command once: what was passed on a second time would come before the 64.
# Jobs of plain shells ignore SIGINT, so it is put back; and the shell of script(1), which would die of it,
# makes room for the command.
. "$(dirname "$0")/../support/listener.sh"
env --default-signal script -qec "exec '$redilock' run job -- '$dir/listener' '$dir/signals'" /dev/null <&8 >"$dir/out" &
script=$!
remember "$script"
await_listener
holder_of_guard() { sed -n 's/^PPid:[[:space:]]*//p' "/proc/$guard/status"; }
printf '\003' >&8
hears 2
kill -s 64 "$(holder_of_guard)"
hears 64
printf '\034' >&8
hears 3
kill -s 64 "$(holder_of_guard)"
hears 64
kill -s KILL "$command"
expect_end 137 "$script"
is_free job || fail "the lock was not released"

# Ctrl-Z stops the job of an interactive shell, redilock included, and fg continues it, once each
command -v bash >/dev/null || exit 0
has_state() { grep -q "^State:[[:space:]]*$2" "/proc/$1/status"; }
env --default-signal script -qec 'bash --norc --noprofile -i' /dev/null <&8 >"$dir/out" &
script=$!
remember "$script"
echo "'$redilock' run --ttl 10m job -- '$dir/listener' '$dir/signals'" >&8
await_listener
holder=$(holder_of_guard)
printf '\032' >&8
hears 20
until_true has_state "$holder" T
echo fg >&8
hears 18
kill -s 64 "$holder"
hears 64
until_true has_state "$holder" S
kill -s KILL "$command"
until_true is_free job
echo 'exit 3' >&8
expect_end 3 "$script"
