#!/bin/sh
# The ABI is easy from other languages: a program of some twenty lines in each of Go, Rust, Ruby and Python
# finds the installed library, takes a lock, prints its fence and releases. Every fence is above the one
# before, whichever language drew it. A language that is not installed is left out, and said.
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

# takes LANGUAGE COMMAND...
takes() {
  language=$1
  shift
  fence=$("$@" "$REDILOCK_URL") || fail "$language: exit code $?"
  [ "$fence" -gt "$last" ] || fail "$language: fence $fence does not come after $last"
  last=$fence
  echo "$language: fence $fence"
  is_free ffi || fail "$language: the lock was not released"
}

# there TOOL...
there() {
  for tool in "$@"; do
    command -v "$tool" >/dev/null || {
      echo "left out: there is no $tool"
      return 1
    }
  done
}

if there python3; then takes Python python3 "$programs/python/main.py"; fi
if there ruby; then takes Ruby ruby "$programs/ruby/main.rb"; fi
if there go gcc; then
  (cd "$programs/go" && GOFLAGS=-mod=mod GOTOOLCHAIN=local GOCACHE="$dir/go" go build -o "$dir/go-program" .) ||
    fail "Go: it does not build"
  takes Go "$dir/go-program"
fi
if there rustc; then
  # shellcheck disable=SC2046
  rustc --edition 2021 -o "$dir/rust-program" "$programs/rust/main.rs" \
    $(pkg-config --libs redilock | sed 's/-l/-l /g; s/-L/-L /g') || fail "Rust: it does not build"
  takes Rust "$dir/rust-program"
fi
[ "$last" -gt 0 ] || fail "there is none of these languages"
