#!/bin/sh
# The Lua binding works against the installed library with each Lua that is installed: its tests and
# examples, and Ctrl-C ends a wait. The program of its README is the example.
# shellcheck disable=SC1091,SC2016,SC2154
. "$REDILOCK_SOURCE_DIR/tests/support/cli.sh"

skip() {
  echo "skipped: $*"
  exit 77
}
[ -z "${REDILOCK_SANITIZE:-}" ] || skip "Lua cannot load a library with sanitizers"
for tool in swig pkg-config "${CC:-cc}"; do
  command -v "$tool" >/dev/null || skip "there is no $tool"
done
start_server
"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$dir/usr" >"$dir/out"
LD_LIBRARY_PATH=$(dirname "$(find "$dir/usr" -name libredilock.so.0)")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
export LD_LIBRARY_PATH PKG_CONFIG_PATH
binding=$REDILOCK_SOURCE_DIR/bindings/lua

found=
for lua in lua5.4 lua5.1 luajit; do
  if ! command -v "$lua" >/dev/null || ! pkg-config --exists "$lua"; then
    echo "skipped: there is no $lua with its headers"
    continue
  fi
  found="$found $lua"
  SWIG_FLAGS="-Wall -Werror" CFLAGS="-O1 -Wall -Werror" "$binding/build.sh" "$dir/$lua" "$lua"
  LUA_PATH="$dir/$lua/?.lua"
  LUA_CPATH="$dir/$lua/?.so"
  export LUA_PATH LUA_CPATH
  "$lua" "$binding/tests/smoke_test.lua" | sed "s/^/$lua: /" >"$dir/out"
  cat "$dir/out"
  [ "$(grep -c "^$lua: ok " "$dir/out")" -eq "$(grep -c '^function tests\.' "$binding/tests/smoke_test.lua")" ] ||
    fail "$lua: not all tests passed"
  for example in report loop; do
    expect 0 "$lua" "$binding/examples/$example.lua"
    sed "s/^/$lua: /" "$dir/out"
  done
  is_free report || fail "the example left its lock behind"

  "$redilock" acquire --ttl 10m job >"$dir/token"
  "$lua" -e 'require("redilock").new():acquire "job"' 2>"$dir/err" &
  waiter=$!
  remember $waiter
  until_true has_waiters job 1
  kill -INT $waiter
  expect_end 1 $waiter
  has_waiters job 0 || fail "$lua: the interrupted waiter is in the queue"
  "$redilock" release job - <"$dir/token"
done
[ -n "$found" ] || skip "there is no Lua with its headers"

sed -n '/^```lua$/,/^```$/p' "$binding/README.md" | sed -n '1,/^```$/p' | sed '/^```/d' |
  diff - "$binding/examples/report.lua" || fail "the program of README.md (-) is not examples/report.lua (+)"
