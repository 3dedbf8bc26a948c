#!/bin/sh
# The examples below docs/examples are built as their first lines say, run in order against a server,
# and end by Ctrl-C with nothing left behind. Without libuv that one is left out, and said.
# shellcheck disable=SC1091,SC2154
. "$(dirname "$0")/../support/cli.sh"
start_server

library=${REDILOCK_LIBRARY:?the shared library}
LD_LIBRARY_PATH=${library%/*}
export LD_LIBRARY_PATH
# A library with sanitizers wants a program that has them too.
sanitize=${REDILOCK_SANITIZE:+-fsanitize=$REDILOCK_SANITIZE}
skipped=0

# build NAME FLAG...
build() {
  name=$1
  shift
  # shellcheck disable=SC2086
  "${CC:-cc}" -std=gnu11 -pedantic -Wall -Wextra -Werror $sanitize \
    -I"$REDILOCK_SOURCE_DIR/capi/include" -o "$dir/$name" \
    "$REDILOCK_SOURCE_DIR/docs/examples/$name.c" "$library" "$@"
}

# Five jobs on two names, in the order of the command line.
runs() {
  expect 0 "$dir/$1" reports backups reports reports backups
  [ "$(grep -c 'granted, fence [1-9]' "$dir/out")" -eq 5 ] || fail "$1: $(cat "$dir/out")"
  for name in reports backups; do
    sed -n "s/^$name: granted, fence //p" "$dir/out" >"$dir/fences"
    sort -n "$dir/fences" | cmp -s - "$dir/fences" || fail "$1: $name was not granted in order"
    is_free "$name" || fail "$1 left $name behind"
  done
}

waiters() {
  "$redilock" show --json "$1" | sed 's/.*"waiters":\([0-9]*\),.*/\1/'
}
# shellcheck disable=SC2317
waits() { [ "$(waiters taken)" -eq 2 ]; }

# SIGINT ends those that wait, with nothing in the queue, and says so by the exit code.
is_interrupted() {
  redis-cli -s "$dir/redis.sock" set taken foreign px 60000 >"$dir/set"
  env "$dir/$1" taken taken >"$dir/out" 2>&1 &
  pid=$!
  remember $pid
  until_true waits
  kill -INT $pid
  code=0
  wait $pid || code=$?
  [ $code -eq 1 ] || fail "$1: exit code $code after SIGINT: $(cat "$dir/out")"
  [ "$(grep -c '^taken: .*cancelled' "$dir/out")" -eq 2 ] || fail "$1: $(cat "$dir/out")"
  [ "$(waiters taken)" -eq 0 ] || fail "$1 is still in the queue"
  redis-cli -s "$dir/redis.sock" del taken >"$dir/set"
}

build async_poll
runs async_poll
is_interrupted async_poll
if pkg-config --exists libuv 2>/dev/null; then
  # shellcheck disable=SC2046
  build async_libuv $(pkg-config --cflags --libs libuv)
  runs async_libuv
  is_interrupted async_libuv
else
  echo "no libuv: its example is not run"
  skipped=77
fi
exit $skipped
