#!/bin/sh
# Checks the models of the protocol (tests/model/) with SPIN: every configuration exhaustively, and every mutant, in
# which one thing is wrong, until SPIN refutes the property that it breaks. tests/model/checks.txt lists them.
#
#   model_test.sh               the short configurations and the mutants
#   model_test.sh --controls    the configurations of the mutants without the mutants: each must hold
#   model_test.sh --long        more faults at once and four clients; hours, and up to MODEL_MB each
#
# Environment: MODEL_MB (memory of one check in MiB), MODEL_SECONDS (time of one), JOBS (at once), MODEL_ONLY (a
# regular expression that the line of checks.txt must match).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
folder=$here/../model

die() {
  echo "model_test: $*" >&2
  exit 1
}

# number REGEX FILE: the number after or before the text that pan prints.
number() { sed -n "s/$1/\\1/p" "$2" | head -n 1; }

# The property that pan refuted, by name.
refuted() {
  if grep -q '^pan:[0-9]*: invalid end state' "$1"; then
    echo 'invalid end state'
  elif grep -q '^pan:[0-9]*: acceptance cycle' "$1"; then
    number '.*ltl formula \([a-z_]*\).*' "$1"
  else
    number '.*assertion violated (*\([a-z_]*\).*' "$1"
  fi
}

# Runs one line of checks.txt in a folder of its own; prints its line of the table.
check() {
  IFS='|' read -r when model name expected formula switches <<LINE
$1
LINE
  work=$(mktemp -d "$work/XXXXXX")
  cd "$work"
  defines=
  for switch in $switches; do defines="$defines -D$switch"; done
  case $formula in
    -) kind="-DSAFETY -DNOFAIR" flags= ;;
    *) kind=-DNFAIR=4 flags="-a -f -N $formula" ;;
  esac
  # Ends in which nothing can happen do not count: the property that is named must be refuted.
  case $expected in
    *_*) [ "$formula" != - ] || flags=-E ;;
  esac
  [ "$when" != control ] || expected=holds
  part=
  case " $switches " in
    *' BITSTATE '*) kind="$kind -DBITSTATE" part='-w35 -Q5' ;;
  esac
  optimize=-O1
  [ "$expected" = holds ] || optimize=-O0
  # shellcheck disable=SC2086
  {
    spin $defines -a "$folder/$model.pml" >log 2>&1 &&
      "${CC:-cc}" $optimize -w -DNOREDUCE -DNOBOUNDCHECK -DMEMLIM="$megabytes" $kind -o pan pan.c >>log 2>&1
  } || {
    cat log
    echo "FAILED: $name: the model does not build"
    return 1
  }
  ended=0
  # shellcheck disable=SC2086
  timeout "$seconds" ./pan -m1000000 ${part:--w22} $flags >log 2>&1 || ended=$?
  states=$(number '^ *\([0-9.e+]*\) states, stored.*' log)
  depth=$(number '.*depth reached \([0-9]*\),.*' log)
  took=$(number '.*elapsed time \([0-9.e+-]*\) seconds.*' log)
  errors=$(number '.*errors: \([0-9]*\)$' log)
  if [ $ended -ne 0 ] || [ -z "$errors" ]; then
    result="not finished (status $ended)"
  elif grep -q 'max search depth too small\|out of memory\|VECTORSZ' log; then
    result='not exhaustive'
  elif [ "$errors" -eq 0 ] && [ -n "$part" ]; then
    result='nothing found'
  elif [ "$errors" -eq 0 ]; then
    result=holds
  else
    result=$(refuted log)
  fi
  if [ "$result" = "$expected" ]; then verdict=''; else verdict="   FAILED: expected '$expected'"; fi
  case $result in
    holds | 'not '*) ;;
    'nothing found') result="nothing found, hash factor $(number '^hash factor: \([0-9.e+]*\).*' log)" ;;
    *) result="refuted by $result" ;;
  esac
  printf '%-36s %9s %6s %7s  %s%s\n' "$name" "${states:--}" "${depth:--}" "${took:--}" "$result" "$verdict"
  if [ -n "$verdict" ]; then
    if [ -f "$model.pml.trail" ]; then
      # shellcheck disable=SC2086
      spin $defines -k "$model.pml.trail" -t "$folder/$model.pml" 2>&1 | sed '/^#processes/,$d' | grep -v 'proc ' | tail -n 80
    fi
    return 1
  fi
}

if [ "${1:-}" = --one ]; then
  work=$2 megabytes=$3 seconds=$4
  check "$5"
  exit
fi

if [ -n "${REDILOCK_SANITIZE:-}" ]; then
  echo "nothing of the library runs here, so there is nothing to sanitize"
  exit 77
fi
command -v spin >/dev/null || die "spin is not installed (Debian: apt-get install spin gcc)"
command -v "${CC:-cc}" >/dev/null || die "no C compiler (Debian: apt-get install gcc)"
kinds='short|mutant'
megabytes=${MODEL_MB:-2000}
seconds=${MODEL_SECONDS:-300}
case ${1:-} in
  '') ;;
  --controls) kinds=control ;;
  --long)
    kinds=long
    megabytes=${MODEL_MB:-16000}
    seconds=${MODEL_SECONDS:-14400}
    ;;
  *) die "usage: model_test.sh [--controls | --long]" ;;
esac
[ -f "$folder/checks.txt" ] || die "there is no $folder/checks.txt"

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
printf '%-36s %9s %6s %7s  %s\n' configuration states depth seconds result
# The lines of checks.txt; a line `control` for the configuration of each mutant without the mutant.
lines() {
  cat "$folder/checks.txt"
  sed -n 's/MUTANT_[A-Z_]* *//g; s/^mutant/control/p' "$folder/checks.txt" |
    awk -F'|' -v OFS='|' '{ $3 = $6 == "" ? "no faults" : $6 } !seen[$2 FS ($4 ~ /_/) FS $5 FS $6]++'
}
lines | grep -E "^($kinds)[|]" | grep -E -e "${MODEL_ONLY:-.}" | tr '\n' '\0' |
  xargs -0 -n 1 -P "${JOBS:-2}" "$0" --one "$top" "$megabytes" "$seconds"
