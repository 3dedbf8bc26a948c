#!/bin/sh
# What ./dev portability leaves out it names, with the reason, and what fails it does not hide. The list of
# targets here is one that no machine can build.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
  echo "failed: $*"
  cat "$work/out"
  failed=1
}

mkdir -p "$work/tests/portability" "$work/tools"
cp "$REDILOCK_SOURCE_DIR"/tests/portability/*.sh "$work/tests/portability"
cat >"$work/tests/portability/list.txt" <<'END'
# A comment.
missing   gcc  nowhere-linux-gnu  -             nowhere
emulated  gcc  native             qemu-nowhere  nowhere
broken    gcc  native             qemu-native   nowhere
END
# Compilers and an emulator of a target `native`, which is this machine, and libraries that do not build.
for tool in gcc g++ ar ranlib; do
  ln -s "$(command -v $tool)" "$work/tools/native-$tool"
done
printf '#!/bin/sh\nshift 2\nexec "$@"\n' >"$work/tools/qemu-native"
chmod +x "$work/tools/qemu-native"
printf '#!/bin/sh\necho cannot build the libraries\nexit 1\n' >"$work/tests/portability/libraries.sh"
PATH=$work/tools:$PATH

# expect STATUS NAME...: the exit status of the runner; its output goes to $work/out.
expect() {
  wanted=$1
  shift
  status=0
  "$work/tests/portability/run.sh" "$work/build" "$@" >"$work/out" 2>&1 || status=$?
  [ "$status" -eq "$wanted" ] || fail "status $status instead of $wanted for ${*:-all}"
}
says() { grep -qxF "$1" "$work/out" || fail "it does not say '$1'"; }

expect 2 missing
says 'missing: skipped: there is no nowhere-linux-gnu-gcc'
says 'missing      skipped'
expect 2 emulated
says 'emulated: skipped: there is no qemu-nowhere'
expect 1 broken
says 'cannot build the libraries'
says 'broken       the build failed'
expect 1
says 'missing      skipped'
says 'broken       the build failed'
expect 1 unknown
says 'there is no target unknown in list.txt'
exit $failed
