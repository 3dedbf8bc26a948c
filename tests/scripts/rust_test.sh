#!/bin/sh
# The Rust crates as users have them: their tests, examples and README against servers, clippy, rustdoc, the
# packages, and the library built by the feature `vendored`. All is built from a copy below the build folder.
# shellcheck disable=SC1091,SC2154
. "$REDILOCK_SOURCE_DIR/tests/support/cli.sh"

skip() {
  echo "skipped: $*"
  exit 77
}
command -v cargo >/dev/null || skip "there is no cargo"
[ -z "${REDILOCK_SANITIZE:-}" ] || skip "programs of Rust do not load a library with sanitizers"

# What was compiled stays for the next run, so folders keep their names, and files their times.
work=$REDILOCK_BUILD_DIR/rust
rm -rf "${work:?}/usr"
"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$work/usr" >"$dir/out"
LD_LIBRARY_PATH=$(dirname "$(find "$work/usr" -name libredilock.so.0)")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
CARGO_TARGET_DIR=$work/target
CARGO_TERM_COLOR=never
CARGO_INCREMENTAL=0
export LD_LIBRARY_PATH PKG_CONFIG_PATH CARGO_TARGET_DIR CARGO_TERM_COLOR CARGO_INCREMENTAL
rm -rf "$work/crates"
mkdir -p "$work"
cp -RLp "$REDILOCK_SOURCE_DIR/bindings/rust" "$work/crates"
rm -rf "$work/crates/target" "$work/crates/tests/target"
cd "$work/crates" || exit

# step NAME COMMAND...: one line, and the output of a failure.
step() {
  name=$1
  shift
  if "$@" >"$dir/out" 2>&1; then
    echo "ok: $name"
  else
    cat "$dir/out"
    fail "$name"
  fi
}

if ! cargo fetch >"$dir/out" 2>&1; then
  cat "$dir/out"
  [ -z "${CI:-}" ] || fail "the crates of the registry cannot be had"
  skip "the crates of the registry cannot be had"
fi

# tests COMMAND...: prints the line of each test.
tests() {
  code=0
  "$@" >"$dir/out" 2>&1 || code=$?
  grep -E '^test .* \.\.\. |waiters: |hand-offs' "$dir/out" || :
  if [ "$code" -ne 0 ]; then
    cat "$dir/out"
    fail "$*"
  fi
}

start_server
sed 1d redilock/examples/report.rs | diff - README.md | grep '^<' && fail "the example report is not the program of the README"
tests cargo test --lib --tests
step "the example report" cargo run -q --example report
contains "$dir/out" "report written with fence "

# The oldest Rust of the crates is older than that of tokio.
minor=$(rustc --version | sed 's/^rustc 1[.]\([0-9]*\).*/\1/')
if [ "$minor" -lt 85 ]; then
  echo "skipped: tokio and the packages, which need a later Rust than 1.$minor"
  exit 0
fi
tests cargo test --doc --features tokio,log
step "the example tasks" cargo run -q --features tokio --example tasks
contains "$dir/out" "import 3 with fence "
tests cargo test --manifest-path tests/Cargo.toml -- --nocapture
if cargo fmt --version >/dev/null 2>&1; then
  for folder in . tests bench; do
    step "the layout of $folder" sh -c "cd $folder && cargo fmt --check"
  done
else
  echo "skipped: the layout, there is no rustfmt"
fi
if cargo clippy --version >/dev/null 2>&1; then
  step clippy cargo clippy --all-targets --features tokio,log -- -D warnings
  step "clippy of the tests" cargo clippy --manifest-path tests/Cargo.toml --all-targets -- -D warnings
else
  echo "skipped: there is no clippy"
fi
step rustdoc env RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --features tokio,log

step "the packages" cargo package --workspace --allow-dirty

# A program of a user: from the packages alone, without the installed library.
unset LD_LIBRARY_PATH PKG_CONFIG_PATH
! command -v ccache >/dev/null || export CMAKE_CXX_COMPILER_LAUNCHER=ccache
packages=$CARGO_TARGET_DIR/package
version=$(sed -n 's/^version = "\(.*\)"/\1/p' redilock/Cargo.toml)
mkdir -p "$work/user/src"
cp redilock/examples/report.rs "$work/user/src/main.rs"
cat >"$work/user/Cargo.toml" <<EOF
[package]
name = "user"
version = "0.0.0"
edition = "2021"
[dependencies]
redilock = { path = "$packages/redilock-$version", features = ["vendored"] }
[patch.crates-io]
redilock-sys = { path = "$packages/redilock-sys-$version" }
[workspace]
EOF
step "a program with the library built in" cargo run -q --manifest-path "$work/user/Cargo.toml" --target-dir "$work/user/target"
contains "$dir/out" "report written with fence "
! ldd "$work/user/target/debug/user" | grep libredilock || fail "the program needs an installed library"
