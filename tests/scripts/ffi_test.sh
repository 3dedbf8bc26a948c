#!/bin/sh
# The ABI serves other languages: a program in each of Go, Rust, Ruby and Python uses the installed library.
# It takes a lock, has many waits at once on the descriptor of one client, cancels one, sees a loss, drops a
# lock and closes a client; it fails where one of these goes wrong. Every fence is above the one before,
# whichever language drew it. A language that is not installed is skipped.
# shellcheck disable=SC1091,SC2154
. "$REDILOCK_SOURCE_DIR/tests/support/cli.sh"

if [ -n "${REDILOCK_SANITIZE:-}" ]; then
  echo "skipped: these programs cannot load a library with sanitizers"
  exit 77
fi

start_server
"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$dir/usr" >"$dir/out"
LD_LIBRARY_PATH=$(dirname "$(find "$dir/usr" -name libredilock.so.0)")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
export LD_LIBRARY_PATH PKG_CONFIG_PATH
programs=$REDILOCK_SOURCE_DIR/tests/ffi
last=0

# uses LANGUAGE COMMAND...
uses() {
  language=$1
  shift
  "$@" "$REDILOCK_URL" >"$dir/out" || fail "$language: exit code $?"
  sed "s/^/$language: /" "$dir/out"
  for step in cancel waits loss drop close; do
    [ "$(grep -c "^$step: ." "$dir/out")" -eq 1 ] || fail "$language: it did not do this: $step"
  done
  fence=$(sed -n 's/^fence //p' "$dir/out")
  [ "$fence" -gt "$last" ] || fail "$language: fence $fence does not come after $last"
  last=$fence
  is_free ffi || fail "$language: the lock was not released"
  has_waiters ffi 0 || fail "$language: a waiter did not leave the queue"
}

# there TOOL...
there() {
  for tool in "$@"; do
    command -v "$tool" >/dev/null || {
      echo "skipped: there is no $tool"
      return 1
    }
  done
}

if there python3; then uses Python python3 "$programs/python/main.py"; fi
if there ruby; then uses Ruby ruby "$programs/ruby/main.rb"; fi
if there go gcc; then
  (cd "$programs/go" && GOFLAGS=-mod=mod GOTOOLCHAIN=local GOCACHE="$dir/go" go build -o "$dir/go-program" .) ||
    fail "Go: it does not build"
  uses Go "$dir/go-program"
fi
if there rustc; then
  # shellcheck disable=SC2046
  rustc --edition 2021 -o "$dir/rust-program" "$programs/rust/main.rs" \
    $(pkg-config --libs redilock | sed 's/-l/-l /g; s/-L/-L /g') || fail "Rust: it does not build"
  uses Rust "$dir/rust-program"
fi
[ "$last" -gt 0 ] || fail "there is none of these languages"
