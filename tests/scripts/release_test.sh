#!/bin/sh
# README's way to build: the build folder also serves ./dev, and without cmocka has no tests. Its Release
# installs small files without symbols or debug information, and the target uninstall removes them and nothing
# else. Builds without a type of CMake's are hardened as much as others, if their flags optimise.
set -eu
if [ -n "${REDILOCK_SANITIZE:-}" ]; then
  echo 'skipped: it builds without sanitizers, whatever this build has'
  exit 77
fi
# README names no generator.
command -v make >/dev/null || {
  echo 'skipped: there is no make, for which cmake generates by default'
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset DESTDIR CFLAGS CXXFLAGS LDFLAGS CMAKE_GENERATOR
failed=0
fail() {
  echo "failed: $*"
  failed=1
}

# quietly COMMAND...: shows what it printed if it fails.
quietly() {
  "$@" >log 2>&1 || {
    cat log
    fail "$*"
    exit 1
  }
}
# As on a machine without cmocka: pkg-config sees hiredis alone.
mkdir packages
cp "$(pkg-config --variable=pcfiledir hiredis)/hiredis.pc" packages
PKG_CONFIG_LIBDIR=$work/packages
export PKG_CONFIG_LIBDIR
# A copy, since ./dev builds beside itself.
mkdir tree
(cd "$REDILOCK_SOURCE_DIR" && tar -c --exclude=./build --exclude=./.git .) | tar -C tree -x
ln -s tree/build release
readme=$(sed -n 's/^\(cmake -B build [^&]*\)$/\1/p' tree/README.md)
[ -n "$readme" ] || fail 'README.md has no line of cmake -B build'
# shellcheck disable=SC2086
(cd tree && quietly env CC="$CC" CXX="$CXX" $readme -DREDILOCK_PYTHON=OFF -DCMAKE_INSTALL_PREFIX="$work/prefix")
grep -q 'No tests: they need cmocka' tree/log || fail 'it does not say that it leaves the tests out'
quietly tree/dev demo
grep -q 'nothing was lost' log || fail './dev demo does not work in a folder built as README says'
if "$CMAKE" release -DREDILOCK_BUILD_TESTS=ON >log 2>&1; then fail 'the tests were asked for, and are left out'; fi
grep -q 'needs cmocka' log || fail "it does not say what the tests need: $(cat log)"
quietly "$CMAKE" release -DREDILOCK_BUILD_TESTS=AUTO

quietly "$CMAKE" --build release --parallel 2
mkdir -p prefix/bin prefix/share/doc/other
echo theirs >prefix/bin/other
quietly "$CMAKE" --install release
library=$(find prefix -name 'libredilock.so.*.*' ! -type l)
for file in "$library" prefix/bin/redilock; do
  if readelf -SW "$file" | grep -E ' \.(symtab|debug_info) '; then fail "$file is not stripped"; fi
done
# small FILE KIB: with symbols and debug information they are more than ten times as large.
small() { [ "$(wc -c <"$1")" -le $(($2 * 1024)) ] || fail "$1 has $(wc -c <"$1") bytes, more than $2 KiB"; }
small "$library" 800
small prefix/bin/redilock 600
small "$(find prefix -name libredilock.a)" 2000
version=$(LD_LIBRARY_PATH=$(dirname "$library") prefix/bin/redilock --version) || fail "the command ended with $?"
[ "$version" = "redilock ${library##*.so.}" ] || fail "the command said $version"

quietly "$CMAKE" --build release --target uninstall
[ "$(find prefix ! -type d)" = prefix/bin/other ] || fail "left: $(find prefix ! -type d)"
if find prefix -name '*redilock*' | grep .; then fail 'folders of its own are left'; fi
[ -d prefix/share/doc/other ] || fail 'it removed a folder of others'
# Once more removes nothing, and below a DESTDIR it does the same.
quietly "$CMAKE" --build release --target uninstall
quietly env DESTDIR="$work/dest" "$CMAKE" --install release
[ -f "dest$work/prefix/bin/redilock" ] || fail 'DESTDIR was not used'
quietly env DESTDIR="$work/dest" "$CMAKE" --build release --target uninstall
if find dest ! -type d | grep .; then fail 'files are left below DESTDIR'; fi

# fortified TYPE FLAGS: how many of the core's sources are compiled with FORTIFY.
fortified() {
  quietly "$CMAKE" -S "$REDILOCK_SOURCE_DIR" -B flags -DREDILOCK_BUILD_TESTS=OFF -DREDILOCK_PYTHON=OFF \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_BUILD_TYPE="$1" -DCMAKE_C_FLAGS="$2" -DCMAKE_CXX_FLAGS="$2"
  grep '"command": .*cxx/values' flags/compile_commands.json | grep -c -- '-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3' || true
}
all=$(find "$REDILOCK_SOURCE_DIR/cxx/values" -name '*.cpp' | wc -l)
for flags in -O2 '-g -Os' '-O0 -O2'; do
  for type in None Custom Debug; do
    [ "$(fortified $type "$flags")" -eq "$all" ] || fail "not fortified: $type with $flags"
  done
done
[ "$(fortified RelWithDebInfo '')" -eq "$all" ] || fail 'not fortified: RelWithDebInfo'
for flags in '' '-O2 -O0' '-g -Wl,-O1'; do
  [ "$(fortified None "$flags")" -eq 0 ] || fail "fortified without optimisation: None with $flags"
done
[ "$(fortified Debug '')" -eq 0 ] || fail 'fortified without optimisation: Debug'
[ "$(fortified None '-O2 -D_FORTIFY_SOURCE=2')" -eq 0 ] || fail 'overrides what was given for FORTIFY'
exit $failed
