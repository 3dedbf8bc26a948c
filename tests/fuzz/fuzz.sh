#!/bin/sh
# Runs the fuzzers that were built in folder $1: each replays its corpus and then tries inputs of its own
# for $2 seconds, all at once. A line for each says how often it ran; what failed is shown, and the input
# is kept in $1/found.
set -eu
folder=$1 seconds=$2
corpus=$(cd "$(dirname "$0")" && pwd)/corpus
found=$folder/found
mkdir -p "$found"

fuzz() {
  mkdir -p "$found/$1"
  "$folder/${1}_fuzzer" -timeout=30 "$corpus/$1"/* &&
    "$folder/${1}_fuzzer" -max_total_time="$seconds" -timeout=30 -max_len=512 \
      -print_final_stats=1 -artifact_prefix="$found/$1-" "$found/$1" "$corpus/$1"
}

running=
for target in "$corpus"/*/; do
  target=$(basename "$target")
  fuzz "$target" >"$found/$target.log" 2>&1 </dev/null &
  running="$running $target=$!"
done
failed=0
for each in $running; do
  target=${each%=*}
  if wait "${each#*=}"; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$found/$target.log")
    echo "$target: $runs runs"
  else
    grep -v '^Running:\|^Executed\|^INFO\|^#' "$found/$target.log" | head -n 40
    echo "$target: failed; everything is in $found/$target.log"
    failed=1
  fi
done
exit $failed
