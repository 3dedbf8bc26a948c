#!/bin/sh
# The permissions in docs/operations.md are enough, and each of them is needed: the command does
# everything as exactly that user, and without any one word of the line the server denies something.
# The variables are set, and $server is read, in cli.sh.
# shellcheck disable=SC1091,SC2034,SC2154
. "$(dirname "$0")/../support/cli.sh"

# As the default user, who may do everything.
admin() { redis-cli -s "$dir/redis.sock" "$@"; }

start_server
if [ "$(admin ACL SETUSER probe resetchannels)" != OK ]; then
  echo 'skipped: this server has no rules for channels (ACL of Redis 6.2)'
  exit 77
fi
kill "$server"
wait "$server" || :
rm -f "$dir/redis.sock"

line=$(grep '^user ' "$REDILOCK_SOURCE_DIR/docs/operations.md")
[ "$(printf '%s\n' "$line" | wc -l)" -eq 1 ] || fail "there is not exactly one line: $line"
user=$(echo "$line" | cut -d' ' -f2)
rules=$(echo "$line" | cut -d' ' -f3-)
printf '%s\nuser default on nopass ~* &* +@all\n' "$line" >"$dir/users.acl"
start_server --aclfile "$dir/users.acl"
# The log of slow commands gets every command, because only Redis 7.0 counts subcommands.
admin CONFIG SET slowlog-log-slower-than 0 >/dev/null
admin CONFIG SET slowlog-max-len 10000 >/dev/null
url="unix://$dir/redis.sock?username=$user&password=change-me"
export REDILOCK_URL="$url"

denied() { [ -n "$(admin ACL LOG)" ]; }
# One denial is enough for a run.
stop_if_denied() { if denied; then exit 0; fi; }
side='redilock:1:{@KMH}' # @KMH is the slot word of job:a
waiters() { [ "$(admin ZCARD "$side:queue:job:a")" = "$1" ]; }
waits_or_denied() { waiters 1 || denied; }

# A later client subscribes this channel of its own kind, and waits for locks that it shares.
sharer='redilock:1:{}:plain:later'
redis-cli -s "$dir/redis.sock" SUBSCRIBE "$sharer" >/dev/null &
remember $!
until_true sh -c "redis-cli -s '$dir/redis.sock' PUBSUB CHANNELS | grep -qF '$sharer'"
# Two of its waiters get the lock together when its holder releases it.
add_sharers() {
  admin ZADD 'redilock:1:{}:alive' "$(($(now_ms) + 50000))" "$sharer" >/dev/null
  for id in 1 2; do
    admin ZADD "$side:queue:job:a" $id "60000s $sharer redilock:$(printf '%032d' $id):later" >/dev/null
  done
}

# A renewed job during which the server does not answer for a while. The client ends the unanswered
# renewal by CLIENT KILL before it sends the next one. The job gives up when its lease would be over.
cat >"$dir/deaf.sh" <<'END'
redis-cli -s "$1" CLIENT PAUSE 700 >/dev/null
tries=0
until redis-cli -s "$1" SLOWLOG GET 10000 | grep -qix kill || [ $tries -ge 40 ]; do
  tries=$((tries + 1))
  sleep 0.05
done
END

# Everything that the library does to a server, in a subshell. Its exit code is 0 unless something
# failed although the server denied nothing.
use_everything() (
  waiter=
  trap '[ -z "$waiter" ] || kill "$waiter" 2>/dev/null || :' EXIT
  admin SCRIPT FLUSH >/dev/null
  admin SLOWLOG RESET >/dev/null
  token=$("$redilock" acquire --wait 0 --ttl 60s job:a 2>/dev/null) || stop_if_denied
  "$redilock" acquire --wait 100ms --ttl 60s job:a >/dev/null 2>&1 || [ $? -eq 74 ] || stop_if_denied
  stop_if_denied

  "$redilock" acquire --wait 10s --ttl 60s job:a >"$dir/granted" 2>/dev/null &
  waiter=$!
  until_true waits_or_denied
  stop_if_denied
  expect 0 "$redilock" show --json job:a
  contains "$dir/out" '"waiters":1,'
  expect 0 "$redilock" list --names 'job:*'
  contains "$dir/out" job:a
  "$redilock" release job:a "$token" || stop_if_denied
  wait "$waiter" || stop_if_denied
  waiter=
  stop_if_denied

  token=$(cat "$dir/granted")
  "$redilock" extend --ttl 90s job:a "$token" 2>/dev/null || stop_if_denied
  "$redilock" break --yes job:a 2>/dev/null || stop_if_denied

  token=$("$redilock" acquire --wait 0 --ttl 60s job:a 2>/dev/null) || stop_if_denied
  add_sharers
  "$redilock" release job:a "$token" || stop_if_denied
  stop_if_denied
  expect 0 "$redilock" show --json job:a
  contains "$dir/out" '"state":"held"'
  expect 0 "$redilock" break --yes job:a
  expect 0 "$redilock" run --ttl 1500ms --option timeout=100ms job:b -- \
    sh "$dir/deaf.sh" "$dir/redis.sock"
)

use_everything || fail "the documented permissions are not enough"
if denied; then
  admin ACL LOG
  fail "the documented permissions are not enough"
fi
admin SLOWLOG GET 10000 | grep -qix kill || fail "CLIENT KILL went unused"

# Lock names of others are out of reach, and so are other databases until +select is given.
expect 77 "$redilock" acquire --wait 0 other
expect 77 env REDILOCK_URL="$url&db=1" "$redilock" acquire --wait 0 job:c
admin ACL SETUSER "$user" +select >/dev/null
expect 0 env REDILOCK_URL="$url&db=1" "$redilock" acquire --wait 0 job:c

count=0
set -f # the rules are full of stars
for rule in $rules; do
  [ "$rule" != resetchannels ] || continue
  without=
  for other in $rules; do
    [ "$other" = "$rule" ] || without="$without $other"
  done
  # shellcheck disable=SC2086
  admin ACL SETUSER "$user" reset $without >/dev/null
  admin FLUSHALL >/dev/null
  admin ACL LOG RESET >/dev/null
  use_everything >"$dir/log" 2>&1 || denied || {
    cat "$dir/log"
    fail "without $rule something failed, but the server denied nothing"
  }
  denied || fail "the documented line does not need $rule"
  count=$((count + 1))
done
[ "$count" -ge 30 ] || fail "only $count rules were tried"
