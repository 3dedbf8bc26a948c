#!/bin/sh
# What others with access to the server may plant there: names and labels that would move a terminal's
# cursor, break JSON, be read as an option or run as a command by the shell; records that are none.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1003,SC1091,SC2016,SC2059,SC2154
. "$(dirname "$0")/../support/cli.sh"
start_server
redis() { redis-cli -s "$dir/redis.sock" "$@" >/dev/null; }
token="redilock:$(printf '%032d' 0):"
# inert FILE: nothing in it but printable text: no C0, no C1 in UTF-8, no mark that reorders text.
inert() {
  if LC_ALL=C grep -qaP '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xd8\x9c' "$1"; then
    fail "not inert: $(cat -v "$1")"
  fi
}

# Names.
for name in 'esc\033[2J' 'c1\302\2332J' 'bidi\342\200\256' 'mark\330\234' 'isolate\342\201\246' 'bad\377' 'line\nfeed'; do
  name=$(printf "$name")
  redis SET "$name" "${token}me" PX 60000
  for how in '' --json; do
    # shellcheck disable=SC2086
    expect 0 "$redilock" show $how "$name"
    inert "$dir/out"
  done
done
for how in '' --json --names; do
  # shellcheck disable=SC2086
  expect 0 "$redilock" list $how
  inert "$dir/out"
done
[ "$(wc -l <"$dir/out")" -eq 7 ] || fail "expected 7 names: $(cat "$dir/out")"

# Labels: what is not printable is no token of ours, so its holder is foreign, and its waiter has no label.
redis SET painted "$(printf '%s\033[31mred' "$token")" PX 60000
expect 0 "$redilock" show painted
contains "$dir/out" '(foreign)'
redis ZADD 'redilock:1:{@@EH}:queue:painted' 1 "$(printf '5000 c %s\033[31mred' "$token")"
redis ZADD 'redilock:1:{@@EH}:queue:painted' 2 "$(head -c 70000 /dev/zero | tr '\0' x)"
for how in '' --json; do
  # shellcheck disable=SC2086
  expect 0 "$redilock" show $how painted
  inert "$dir/out"
done

# Keys that are no lock's do not keep the rest from being listed.
redis FLUSHALL
redis SET "$(head -c 2000 /dev/zero | tr '\0' x)" "${token}me"
redis SET redilock:mine "${token}me"
redis ZADD 'redilock:1:{AKOB}:queue:' 1 x
redis SET good "${token}me" PX 60000
for how in '' --json; do
  # shellcheck disable=SC2086
  expect 0 "$redilock" list $how
  contains "$dir/out" good
done

# A waiter that could never be granted does not stop a release, whoever keeps it alive.
redis FLUSHALL
mine=$("$redilock" acquire --ttl 60s job)
redis-cli -s "$dir/redis.sock" SUBSCRIBE 'redilock:1:{}:wake:planted' >"$dir/subscribed" &
remember $!
until_true grep -q planted "$dir/subscribed"
redis ZADD 'redilock:1:{@NB@}:queue:job' 1 "99999999999999999999 redilock:1:{}:wake:planted ${token}x"
redis ZADD 'redilock:1:{}:alive' "$(($(now_ms) + 5000))" 'redilock:1:{}:wake:planted'
expect 0 "$redilock" release job "$mine"
is_free job || fail 'the lock is still held'

# Patterns find names as patterns, not as more than that.
redis FLUSHALL
redis SET 'a*[b]?\c' "${token}me" PX 60000
expect 0 "$redilock" list --names --option 'prefix=a*[b]?\' 'c'
[ "$(cat "$dir/out")" = c ] || fail "the prefix was taken for a pattern: $(cat "$dir/out")"

# Completion puts names on the command line: they arrive there as words that the shell leaves alone.
command -v bash >/dev/null || exit 0
redis FLUSHALL
for name in 'x$(touch owned)' 'x`touch owned`' 'x;touch owned' 'x y' '--url=redis://evil'; do
  redis SET "$name" "${token}me" PX 60000
done
PATH="$(dirname "$redilock"):$PATH"
cd "$dir" || exit 1
bash --norc -uc '
  . "$1"
  for word in x -- ""; do
    COMP_WORDS=(redilock show "$word"); COMP_CWORD=2; COMPREPLY=()
    _redilock redilock "$word" show
    for reply in "${COMPREPLY[@]}"; do
      case $reply in --url=*) echo "an option: $reply" ;; esac
      case $word in x) eval "set -- \"\$1\" $reply" && echo "$# words: $2" ;; esac
    done
  done' - "$REDILOCK_SOURCE_DIR/cli/redilock.bash" >"$dir/out"
[ ! -e "$dir/owned" ] || fail 'a name was run as a command'
[ "$(grep -c '^2 words: x' "$dir/out")" -eq 4 ] || fail "not one word each: $(cat "$dir/out")"
if grep -q '^an option' "$dir/out"; then fail "$(cat "$dir/out")"; fi
