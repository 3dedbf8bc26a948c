#!/bin/sh
# What needs a terminal: the progress line, the question of break, and that Ctrl-C reaches the command
# once. script(1) makes the terminals.
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

# Ctrl-C reaches the command once: what was passed on a second time would come before the USR1. Jobs of
# plain shells ignore SIGINT, so it is put back; and the shell of script(1), which would die of it, makes
# room for the command.
mkfifo "$dir/told"
exec 9<>"$dir/told"
cat >"$dir/child" <<'CHILD'
n=0
trap 'n=$((n + 1)); echo got >"$1"' INT
trap 'exit $((40 + n))' USR1
echo $PPID >"$1"
while :; do sleep 0.05; done
CHILD
env --default-signal=INT script -qec "exec '$redilock' run job -- sh '$dir/child' '$dir/told'" /dev/null <&8 >"$dir/out" &
script=$!
remember "$script"
read -r pid <&9
printf '\003' >&8
read -r word <&9
[ "$word" = got ] || fail "Ctrl-C did not reach the command"
kill -s USR1 "$pid"
expect_end 41 "$script"
is_free job || fail "the lock was not released"
