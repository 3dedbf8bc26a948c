#!/bin/sh
# build.sh PROGRAM: builds the crates and the runner of Rust for the installed library, without cargo: that needs
# no crate of a registry.
set -eu
command -v rustc >/dev/null || {
  echo "there is no rustc"
  exit 77
}
here=$(dirname "$0")
crates=$here/../../../../bindings/rust
work=$1.crates
mkdir -p "$work"
# crate NAME FILE [FLAG...]
crate() {
  name=$1 file=$2
  shift 2
  rustc --edition 2021 -O -D warnings --crate-name "$name" -L "$work" "$@" "$file"
}
crate redilock_sys "$crates/redilock-sys/src/lib.rs" --crate-type rlib --out-dir "$work"
crate redilock "$crates/redilock/src/lib.rs" --crate-type rlib --out-dir "$work" --extern redilock_sys="$work/libredilock_sys.rlib"
# shellcheck disable=SC2046
crate runner "$here/runner.rs" -o "$1" --extern redilock="$work/libredilock.rlib" \
  $(pkg-config --libs redilock | sed 's/-l/-l /g; s/-L/-L /g')
