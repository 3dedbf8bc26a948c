#!/bin/sh
# Whether the fault harness would see a broken lock: each patch in mutants/ breaks the library in one place.
# It is applied to a copy of the tree, built there, and must be caught within so many seconds.
# usage: mutants.sh FOLDER SECONDS SEED [MUTANT...]
set -eu

work=$1 seconds=$2 seed=$3
shift 3
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
[ $# -gt 0 ] || set -- "$source_dir"/tests/fault/mutants/*.patch
mkdir -p "$work"
work=$(cd "$work" && pwd)
log=$work/log

quietly() { "$@" >"$log" 2>&1 </dev/null || { cat "$log" && exit 1; }; }

rm -rf "$work/tree"
mkdir "$work/tree"
for part in CMakeLists.txt cxx capi cli tests pkgconfig docs; do
  [ ! -e "$source_dir/$part" ] || cp -Rp "$source_dir/$part" "$work/tree/"
done
quietly cmake -S "$work/tree" -B "$work/build" -G Ninja -DREDILOCK_BUILD_TESTS=ON
quietly ninja -C "$work/build" redilock_fault

caught=0 missed=""
for mutant in "$@"; do
  name=$(basename "$mutant" .patch)
  patch=$source_dir/tests/fault/mutants/$name.patch
  quietly patch -s -p1 -d "$work/tree" -i "$patch"
  quietly ninja -C "$work/build" redilock_fault
  started=$(date +%s) status=0
  "$work/build/tests/redilock_fault" --seconds "$seconds" --seed "$seed" --stop-at-first \
    >"$work/$name.log" 2>&1 </dev/null || status=$?
  took=$(($(date +%s) - started))
  found=$(grep -m 1 '^VIOLATION' "$work/$name.log" || true)
  if [ "$status" -eq 1 ] && [ -n "$found" ]; then
    caught=$((caught + 1))
    echo "caught  $name after $took s: ${found#VIOLATION }"
  else
    missed="$missed $name"
    echo "MISSED  $name in $took s (status $status)"
  fi
  quietly patch -s -R -p1 -d "$work/tree" -i "$patch"
done
echo "mutants caught: $caught of $#${missed:+; missed:$missed}"
[ -z "$missed" ]
