#!/bin/sh
# Every exit code of redilock's own, each by the condition that stands beside it in redilock(1).
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016,SC2012,SC1003
. "$(dirname "$0")/../support/cli.sh"
start_server

expect 0 "$redilock" show job
expect 0 "$redilock" run job -- true
expect 1 "$redilock" run job -- false

# usage
expect 64 "$redilock"
expect 64 "$redilock" nonsense
expect 64 "$redilock" show
expect 64 "$redilock" show job redilock:reserved
expect 64 "$redilock" demo --url "$REDILOCK_URL"
contains "$dir/err" 'demo: --url is for other servers'
expect 64 "$redilock" --option timeout=1s demo
expect 64 "$redilock" show --nonsense job
expect 64 "$redilock" run job
expect 64 "$redilock" run job true
expect 64 "$redilock" run job --
expect 64 "$redilock" run --ttl soon job -- true
expect 64 "$redilock" run --ttl 0 job -- true
expect 64 "$redilock" run --kill-after soon job -- true
expect 64 "$redilock" run --conflict-exit-code 256 job -- true
expect 64 "$redilock" --option nonsense=1 show job
expect 64 "$redilock" --option timeout show job
expect 64 "$redilock" --password-file "$dir/none" show job
expect 64 "$redilock" --url nonsense://host show job
expect 64 "$redilock" show redilock:reserved
expect 64 "$redilock" show ''
expect 64 "$redilock" break job </dev/null
expect 64 env -u REDILOCK_TOKEN "$redilock" release job

# unreachable: nobody listens there
expect 69 "$redilock" --option timeout=300ms --url "unix://$dir/none" show job
expect 69 "$redilock" --option timeout=300ms --url "unix://$dir/none" run --wait 1s job -- true

# the message of a failed connect names REDILOCK_URL where no server was given
silent='redis://127.0.0.1:1/0'
expect 69 "$redilock" --option timeout=300ms --url "$silent" show job
grep -q REDILOCK_URL "$dir/err" && fail "named although a url was given"
expect 69 env REDILOCK_URL="$silent" "$redilock" --option timeout=300ms run -w 1s job -- true
grep -q REDILOCK_URL "$dir/err" && fail "named although it is set"
if ! redis-cli -p 6379 ping >/dev/null 2>&1; then # nobody listens at the default
  for command in 'show job' 'acquire -w 1s job' 'list' 'check'; do
    # shellcheck disable=SC2086
    expect 69 env -u REDILOCK_URL "$redilock" --option timeout=300ms $command
    contains "$dir/err" '(REDILOCK_URL is not set, nor --url given)'
  done
fi

# held, timed out
expect 0 "$redilock" acquire --ttl 60s job
expect 73 "$redilock" run --wait 0 job -- true
contains "$dir/err" job
expect 73 "$redilock" acquire --wait 0 --quiet job
[ ! -s "$dir/err" ] || fail "--quiet says something"
expect 69 "$redilock" --option timeout=300ms --url "unix://$dir/none" run --quiet job -- true
contains "$dir/err" job
expect 74 "$redilock" run --wait 200ms job -- true
expect 7 "$redilock" run --wait 0 --conflict-exit-code 7 job -- true
expect 0 "$redilock" run --wait 200ms --conflict-exit-code=0 job -- false

# server: a key of another type where the lock should be
expect 0 redis-cli -s "$dir/redis.sock" LPUSH alist x
expect 76 "$redilock" acquire --wait 1s alist

# auth
expect 0 redis-cli -s "$dir/redis.sock" CONFIG SET requirepass secret
expect 77 "$redilock" show job
printf '\n' >"$dir/password"
expect 64 "$redilock" --password-file "$dir/password" show job
echo secret >"$dir/password"
expect 0 "$redilock" --password-file "$dir/password" show job
expect 0 redis-cli -s "$dir/redis.sock" -a secret --no-auth-warning CONFIG SET requirepass ''

# not the owner
expect 78 "$redilock" release job redilock:00000000000000000000000000000000:me
expect 78 "$redilock" extend job redilock:00000000000000000000000000000000:me
expect 78 "$redilock" break --yes nobody-has-it
contains "$dir/err" 'nobody holds it'

# the command cannot be run: and its lock is free again
expect 127 "$redilock" run cmd -- "$dir/none"
until_true is_free cmd
echo text >"$dir/text"
expect 126 "$redilock" run cmd -- "$dir/text"
until_true is_free cmd

# output that cannot be written
if [ -w /dev/full ]; then
  code=0
  "$redilock" acquire full >/dev/full 2>"$dir/err" || code=$?
  [ "$code" -eq 70 ] || fail "a token that could not be written gave $code"
  is_free full || fail "a token that nobody knows holds a lock"
fi
