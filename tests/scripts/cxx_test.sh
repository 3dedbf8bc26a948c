#!/bin/sh
# The C++ binding as users have it: the installed headers compile without a warning with each compiler and
# standard, also without exceptions; its tests and examples run against a server. The program of its README is
# the example. A compiler that is not installed is skipped.
# shellcheck disable=SC1091,SC2016,SC2154
. "$REDILOCK_SOURCE_DIR/tests/support/cli.sh"

start_server
"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$dir/usr" >"$dir/out"
LD_LIBRARY_PATH=$(dirname "$(find "$dir/usr" -name libredilock.so.0)")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
export LD_LIBRARY_PATH PKG_CONFIG_PATH
binding=$REDILOCK_SOURCE_DIR/bindings/cxx
flags="-O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -pthread"
[ -z "${REDILOCK_SANITIZE:-}" ] || flags="$flags -fsanitize=$REDILOCK_SANITIZE"

# program COMPILER STANDARD FILE [FLAG...]: built and run.
program() {
  compiler=$1 standard=$2 file=$3
  shift 3
  # shellcheck disable=SC2046,SC2086
  "$compiler" "-std=$standard" $flags "$@" "$binding/$file.cpp" -o "$dir/program" \
    $(pkg-config --cflags --libs redilock) || fail "$compiler -std=$standard: $file does not build"
  "$dir/program" || fail "$compiler -std=$standard: $file ended with $?"
  echo "$compiler -std=$standard $*: $file"
}

compilers="g++ clang++"
[ -z "${REDILOCK_SANITIZE:-}" ] || compilers=$CXX
found=0
for compiler in $compilers; do
  command -v "$compiler" >/dev/null || {
    echo "skipped: there is no $compiler"
    continue
  }
  found=1
  for test in blocking mutex async; do program "$compiler" c++17 "tests/${test}_test"; done
  program "$compiler" c++17 tests/nothrow_test -fno-exceptions
  program "$compiler" c++17 examples/report
  program "$compiler" c++20 tests/mutex_test
  echo '#include <redilock/redilock.hpp>
#ifndef REDILOCK_COROUTINES
#error none
#endif' >"$dir/probe.cpp"
  # shellcheck disable=SC2046
  if "$compiler" -std=c++20 -fsyntax-only $(pkg-config --cflags redilock) "$dir/probe.cpp" 2>"$dir/err"; then
    program "$compiler" c++20 tests/coroutine_test
    program "$compiler" c++20 examples/coroutines
  elif grep -q '#error none' "$dir/err"; then
    echo "skipped: $compiler has no coroutines"
  else
    cat "$dir/err"
    fail "$compiler -std=c++20: the header does not compile"
  fi
done
[ $found = 1 ] || fail "there is no compiler for C++"

sed -n '/^```c++$/,/^```$/p' "$binding/README.md" | sed '/^```/d' | diff - "$binding/examples/report.cpp" ||
  fail "the program of the README (-) is not examples/report.cpp (+)"
