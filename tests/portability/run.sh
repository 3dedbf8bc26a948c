#!/bin/sh
# Builds the library, the command and the unit tests for each target of list.txt, or for those named. Runs
# the unit tests, and the scripts that test the command. Ends with a table. Everything is below FOLDER.
# usage: run.sh FOLDER [NAME...] [-- ARGUMENT_OF_CTEST...]
# The exit status is 1 if a target failed, and 2 if none failed but one was left out.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
zig_wheel=ziglang==0.17.1
command_scripts="cli_check_test cli_exit_codes_test cli_loss_test cli_run_test cli_show_test cli_token_test"
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
names=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  names="$names $1"
  shift
done
[ $# -eq 0 ] || shift
names=${names:-$(sed -n 's/^\([a-z][^ ]*\).*/\1/p' "$here/list.txt")}
table=$folder/table
: >"$table"

# Each kind of compiler sets CC, CXX, AR and RANLIB, and $flags for the linker of programs.
clang() { CC=clang CXX=clang++ AR=ar RANLIB=ranlib flags=; }

# Without an emulator, programs need the loader of the cross compiler.
gcc() {
  CC=$triplet-gcc CXX=$triplet-g++ AR=$triplet-ar RANLIB=$triplet-ranlib flags=
  [ "$emulator" != - ] || flags="-Wl,--dynamic-linker=$(echo "/usr/$triplet"/lib/ld-linux*.so.*),-rpath,/usr/$triplet/lib"
}

zig() {
  tools=$folder/zig/tools flags=
  CC=$tools/cc CXX=$tools/c++ AR=$tools/ar RANLIB=$tools/ranlib
  [ -e "/lib/ld-musl-${triplet%%-*}.so.1" ] || {
    echo "there is no loader of musl for ${triplet%%-*}"
    return 1
  }
  [ ! -x "$RANLIB" ] || return 0
  python3 -m pip install --quiet --disable-pip-version-check --upgrade --target "$folder/zig/wheel" $zig_wheel ||
    return 1
  mkdir -p "$tools"
  for tool in cc c++ ar ranlib; do
    options=
    case $tool in c*) options=" -target $triplet" ;; esac
    printf '#!/bin/sh\nexec "%s/zig/wheel/ziglang/zig" %s%s "$@"\n' "$folder" $tool "$options" >"$tools/$tool"
    chmod +x "$tools/$tool"
  done
}

# prepare NAME: the tools, and that what they make runs here.
prepare() {
  "$kind" || return 1
  export CC CXX AR RANLIB
  for tool in "$CC" "$CXX" "$AR" "$RANLIB"; do
    command -v "$tool" >/dev/null || {
      echo "there is no $tool"
      return 1
    }
  done
  run=
  if [ "$emulator" != - ]; then
    command -v "$emulator" >/dev/null || {
      echo "there is no $emulator"
      return 1
    }
    run="$emulator -L /usr/$triplet"
    export REDILOCK_TEST_EMULATED=1 REDILOCK_TEST_SLOWNESS="${REDILOCK_TEST_SLOWNESS:-3}"
  else
    unset REDILOCK_TEST_EMULATED
  fi
  echo 'int main() { return 0; }' >"$target/empty.cpp"
  "$CXX" "$target/empty.cpp" -o "$target/empty" ${flags:+"$flags"} || return 1
  $run "$target/empty" || {
    echo "this machine does not run programs of $triplet"
    return 1
  }
}

# The words that cmake needs for a compiler that is not the machine's.
cross_options() {
  [ "$triplet" != native ] || return 0
  echo "-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=${triplet%%-*}"
}

build() {
  [ -f "$target/prefix/complete" ] || "$here/libraries.sh" "$folder/sources" "$target/prefix" || return 1
  # shellcheck disable=SC2046
  PKG_CONFIG_LIBDIR=$target/prefix/lib/pkgconfig cmake -S "$top" -B "$target/build" -G Ninja \
    -DREDILOCK_BUILD_TESTS=ON -DREDILOCK_PYTHON=OFF -DREDILOCK_WERROR="${REDILOCK_WERROR:-OFF}" \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_AR="$(command -v "$AR")" \
    -DCMAKE_RANLIB="$(command -v "$RANLIB")" -DCMAKE_EXE_LINKER_FLAGS="$flags" \
    -DCMAKE_CROSSCOMPILING_EMULATOR="$(echo "$run" | tr ' ' ';')" $(cross_options) || return 1
  ninja -C "$target/build" ${JOBS:+-j "$JOBS"} redilock redilock_static redilock_cli unit_tests
}

# try_command NAME: runs the scripts that need nothing but the command, with its shared library. Sets
# $command_passed to how many of them passed. A shell's background job ignores SIGINT, and qemu-user does
# not pass that on to the command; so the scripts start with no signal ignored.
try_command() {
  printf '#!/bin/sh\nexec %s "%s/build/cli/redilock" "$@"\n' "$run" "$target" >"$target/redilock"
  chmod +x "$target/redilock"
  command_passed=0
  for script in $command_scripts; do
    if REDILOCK_SOURCE_DIR=$top REDILOCK_CLI=$target/redilock env --default-signal \
      "$top/tests/scripts/$script.sh" >"$target/$script.log" 2>&1 </dev/null; then
      command_passed=$((command_passed + 1))
    else
      sed 's/^/    /' "$target/$script.log"
      echo "$1: $script failed"
      verdict=failed
    fi
  done
}

# leave_out NAME: says why, which is at the end of what preparing it printed.
leave_out() {
  echo "$1: skipped: $(tail -n 1 "$folder/$1.log")"
  echo "$1|skipped" >>"$table"
}

# test_one NAME ARGUMENT_OF_CTEST...
test_one() {
  name=$1
  shift
  entry=$(grep "^$name " "$here/list.txt") || {
    echo "there is no target $name in list.txt"
    exit 1
  }
  read -r _ kind triplet emulator _ <<END
$entry
END
  target=$folder/$name log=$folder/$name.log count=$folder/$name.count
  mkdir -p "$target"
  prepare >"$log" 2>&1 || {
    leave_out "$name"
    return
  }
  if ! build >"$log" 2>&1; then
    tail -n 40 "$log"
    echo "$name: the build failed (all output is in $log)"
    echo "$name|the build failed|failed" >>"$table"
    return
  fi
  verdict=passed
  try_command "$name"
  status=0
  ctest --test-dir "$target/build" -V -R '^unit_' "$@" >"$log" 2>&1 </dev/null || status=$?
  awk -v status=$status -f "$top/tests/support/count.awk" "$log" >"$count" || verdict=failed
  [ $verdict = passed ] ||
    grep -vE '^  [a-z_]+: ([0-9]+ passed(, [0-9]+ skipped)?|skipped)$|^    skipped: ' "$count" || true
  totals=$(tail -n 1 "$count")
  skipped=$(sed -n 's/^\([0-9]*\) skipped$/\1/p' "$count")
  totals="$totals, ${skipped:-0} skipped; of $(echo "$command_scripts" | wc -w) scripts of the command $command_passed passed"
  echo "$name: $totals (all output is in $log)"
  sed -n 's/^    skipped: //p' "$count" | sort | uniq -c | sed 's/^ *\([0-9]*\) /  \1 skipped: /'
  echo "$name|$totals|$verdict" >>"$table"
}

for name in $names; do
  test_one "$name" "$@"
done
echo
awk -F '|' '{ printf "%-12s %s\n", $1, $2 }' "$table"
! grep -q '|failed$' "$table" || exit 1
! grep -q '|skipped$' "$table" || exit 2
