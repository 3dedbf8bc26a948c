#!/bin/sh
# check: it names each permission that is missing, and distinguishes a good server from those that cannot be
# used. The variables are set in cli.sh.
# shellcheck disable=SC1091,SC2034,SC2154
. "$(dirname "$0")/../support/cli.sh"

# As the default user, who may do everything.
admin() { redis-cli -s "$dir/redis.sock" "$@"; }

start_server
version=$(admin INFO server | sed -n 's/^redis_version:\([0-9.]*\).*/\1/p')
expect 0 "$redilock" check
[ "$(wc -l <"$dir/out")" -eq 1 ] || fail "expected one line: $(cat "$dir/out")"
grep -Eq "^$dir/redis.sock: (Redis $version|Valkey [0-9.]+)\$" "$dir/out" ||
  fail "unexpected text: $(cat "$dir/out")"
[ "$(admin DBSIZE)" = 0 ] || fail "the check left keys: $(admin KEYS '*')"
expect 64 "$redilock" check redilock:x
expect 64 "$redilock" check a b

# It neither takes a lock nor disturbs its holder and waiters.
token=$("$redilock" acquire --ttl 65s job:a)
expect 0 "$redilock" check job:a
expect 0 "$redilock" release job:a "$token"
[ "$(admin EXISTS job:a)" = 0 ] || fail "the check took the lock"

# a wrong password, no password, and none to reach
admin CONFIG SET requirepass right >/dev/null
expect 77 "$redilock" check
expect 77 env REDILOCK_URL="unix://$dir/redis.sock?password=wr0ng" "$redilock" check
if grep -q wr0ng "$dir/err"; then fail "the password is shown"; fi
REDISCLI_AUTH=right admin CONFIG SET requirepass '' >/dev/null
expect 69 env REDILOCK_URL="unix://$dir/nobody.sock" "$redilock" check

# a replica, which is read-only
admin REPLICAOF 127.0.0.1 1 >/dev/null
expect 76 "$redilock" check
contains "$dir/err" READONLY
admin REPLICAOF NO ONE >/dev/null
expect 0 "$redilock" check

# a full memory
admin CONFIG SET maxmemory 1 >/dev/null
expect 76 "$redilock" check
contains "$dir/err" OOM
admin CONFIG SET maxmemory 0 >/dev/null

if [ "$(admin ACL SETUSER probe resetchannels)" != OK ]; then
  echo 'not tested: this server has no rules for channels (ACL of Redis 6.2)'
  exit 0
fi
line=$(grep '^user ' "$REDILOCK_SOURCE_DIR/docs/operations.md")
rules=$(echo "$line" | cut -d' ' -f3-)
REDILOCK_URL="unix://$dir/redis.sock?username=probe&password=change-me"
# with RULE...: gives the user these rules alone.
with() { [ "$(admin ACL SETUSER probe reset "$@")" = OK ] || fail "wrong rules: $*"; }
set -f # the rules are full of stars
# shellcheck disable=SC2086
with $rules
expect 0 "$redilock" check job:a
expect 77 "$redilock" check
contains "$dir/err" "the permission ~redilock-check is missing"
expect 77 env REDILOCK_URL="$REDILOCK_URL&db=1" "$redilock" check job:a
contains "$dir/err" "select"

# named RULE: what the message says of a rule, with keys and channels for its patterns.
named() {
  case $1 in
  '~job:*') echo '~job:a' ;;
  '~redilock:1:{*}:alive') echo '~redilock:1:{}:alive' ;;
  '~redilock:1:{*}:fence') echo '~redilock:1:{@KMH}:fence' ;; # @KMH is the slot word of job:a
  '~'*) echo "$1" | sed 's/{\*}/{@KMH}/; s/job:\*/job:a/' ;;
  '&'*) echo "$1" | sed 's/{\*}/{}/; s/\*$/check/' ;;
  *) echo "$1" ;;
  esac
}
admin FLUSHALL >/dev/null
count=0
for rule in $rules; do
  without=
  for other in $rules; do
    [ "$other" = "$rule" ] || without="$without $other"
  done
  case $rule in
  resetchannels) continue ;;
  on | '>'*)
    # shellcheck disable=SC2086
    with $without
    expect 77 "$redilock" check job:a
    ;;
  *)
    # shellcheck disable=SC2086
    with $without
    expect 77 "$redilock" check job:a
    contains "$dir/err" "the permission $(named "$rule") is missing"
    ;;
  esac
  [ "$(admin DBSIZE)" = 0 ] || fail "without $rule the check left keys: $(admin KEYS '*')"
  count=$((count + 1))
done
[ "$count" -ge 30 ] || fail "only $count rules were tried"
