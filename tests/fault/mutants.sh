#!/bin/sh
# Whether the fault harness would see a broken lock: each patch in mutants/ breaks the library in one place.
# It is applied to a copy of the tree, built there, and must be caught within so many seconds by one of
# three runs at once, with seeds that follow each other: alone, a minute does not come to every trouble.
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
for part in "$source_dir"/*; do
  # With new times: what was built of a mutant before must not count as up to date.
  [ "${part##*/}" = build ] || cp -R "$part" "$work/tree/"
done
quietly cmake -S "$work/tree" -B "$work/build" -G Ninja -DREDILOCK_BUILD_TESTS=ON
quietly ninja -C "$work/build" redilock_fault

# run SEED: one run of the harness; tells its status and seed when it has ended.
run() {
  status=0 harness=''
  trap '[ -z "$harness" ] || kill "$harness"' TERM # it ends after its round
  "$work/build/tests/redilock_fault" --seconds "$seconds" --seed "$1" --stop-at-first \
    >"$work/$name.$1.log" 2>&1 </dev/null &
  harness=$!
  wait "$harness" || status=$?
  wait "$harness" || true # the first may have been broken off by the trap
  echo "$status $1" >&3
}

# Ends what runs, whatever this ends of.
end_runs() {
  # shellcheck disable=SC2086
  [ -z "$runs" ] || kill $runs 2>/dev/null || true
  wait
  runs=''
}
runs=''
trap end_runs EXIT
trap 'exit 1' INT TERM

# found_in LOG: what was found of the library, not of the harness itself.
found_in() { grep '^VIOLATION' "$1" | grep -v -m 1 '^VIOLATION (harness' || true; }

# fight NAME: three runs until the first has found something; sets $found and $took.
fight() {
  name=$1
  rm -f "$work/ended"
  mkfifo "$work/ended"
  exec 3<>"$work/ended"
  started=$(date +%s) found=''
  for each in "$seed" $((seed + 1)) $((seed + 2)); do
    run "$each" &
    runs="$runs $!"
  done
  for _ in 1 2 3; do
    read -r status each <&3
    [ "$status" -ne 1 ] || found=$(found_in "$work/$name.$each.log")
    [ -z "$found" ] || break
    [ "$status" -eq 0 ] || { cat "$work/$name.$each.log" && exit 1; }
  done
  took=$(($(date +%s) - started))
  end_runs
}

# Else it would be no wonder that something is found.
fight unbroken
[ -z "$found" ] || {
  echo "found in the library as it is: ${found#VIOLATION }"
  exit 1
}

caught=0 missed=""
for mutant in "$@"; do
  name=$(basename "$mutant" .patch)
  patch=$source_dir/tests/fault/mutants/$name.patch
  quietly patch -s -p1 -d "$work/tree" -i "$patch"
  quietly ninja -C "$work/build" redilock_fault
  fight "$name"
  if [ -n "$found" ]; then
    caught=$((caught + 1))
    echo "caught  $name after $took s: ${found#VIOLATION }"
  else
    missed="$missed $name"
    echo "MISSED  $name in $took s"
  fi
  quietly patch -s -R -p1 -d "$work/tree" -i "$patch"
done
echo "mutants caught: $caught of $#${missed:+; missed:$missed}"
[ -z "$missed" ]
