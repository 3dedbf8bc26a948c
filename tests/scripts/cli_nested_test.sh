#!/bin/sh
# A lock is not reentrant: a run or acquire below the holder of the same lock is refused at once.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016
. "$(dirname "$0")/../support/cli.sh"
start_server
nested='lock "a": held by an ancestor of this command; a lock is not reentrant'

expect 79 "$redilock" run a -- "$redilock" run a -- true
contains "$dir/err" "$nested"
expect 79 "$redilock" run a -- "$redilock" acquire a
contains "$dir/err" "$nested"
expect 79 "$redilock" run a -- "$redilock" run -n -E 0 a -- true
# through another lock, and by another name of the same server
expect 79 "$redilock" run a -- "$redilock" run b -- "$redilock" run a -- true
expect 79 "$redilock" run a -- "$redilock" --url "$REDILOCK_URL?db=0&timeout=9s" run a -- true
expect 79 "$redilock" --option prefix=x: run a -- "$redilock" run x:a -- true

# other locks: another name, another database, another holder of the name
expect 0 "$redilock" run a -- "$redilock" run b -- true
expect 0 "$redilock" run a -- "$redilock" --url "$REDILOCK_URL?db=1" run a -- true
expect 0 "$redilock" run a -- "$redilock" --option prefix=x: run a -- true
expect 0 "$redilock" acquire --ttl 1h b
expect 73 "$redilock" run a -- "$redilock" run -n b -- true

# an ancestor that has lost it, or has ended, holds nothing
expect 75 "$redilock" run a -- sh -c '"$1" break --yes a && "$1" run a -- true && exit 0' - "$redilock"
mkfifo "$dir/go"
"$redilock" run a -- sh -c '(read -r _ <"$2"; "$1" run -n a -- true; echo $? >"$3") &' - \
  "$redilock" "$dir/go" "$dir/code"
echo go >"$dir/go"
until_true test -s "$dir/code"
[ "$(cat "$dir/code")" = 0 ] || fail "refused although no ancestor holds the lock"
