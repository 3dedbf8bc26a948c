#!/bin/sh
# Checks the model of the hand-off (tests/model/) with SPIN: every configuration exhaustively, and every
# mutant, in which one thing is wrong, until the property it breaks is refuted.
#
#   model_test.sh [--long]    --long: more faults at once and four clients; hours, and up to MODEL_MB each
#
# Environment: MODEL_MB (memory of one check in MiB), MODEL_SECONDS (time of one), JOBS (at once).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
model=$here/../model/hand_off.pml

die() {
  echo "model_test: $*" >&2
  exit 1
}

# NAME|expected: holds, or the property that is refuted|ltl formula or -|switches of the model. With the switch
# BITSTATE five minutes are looked at, by bits of hashes instead of states: "nothing found" then, which is no proof.
# The larger the hash factor the fewer states were taken for others: at 100 nearly none.
short_configurations='
two losses|holds|-|LOSS=2
losses, cancels, renewals|holds|-|LOSS=1 CANCEL RENEW=1
death and loss|holds|-|DEATH=1 LOSS=1
two deaths|holds|-|DEATH=2
expiry and cancels|holds|-|EARLY=1 CANCEL
expiry and loss|holds|-|EARLY=1 LOSS=1
silence and cancels|holds|-|SILENT=1 CANCEL
foreign holder and loss|holds|-|FOREIGN=1 LOSS=1
data loss and cancels|holds|-|FLUSH=1 CANCEL
force_release and cancels|holds|-|BREAK=1 CANCEL
no CLIENT KILL, cancels|holds|-|NO_KILL LOSS=1 CANCEL
two waiters of one client|holds|-|SHARED LOSS=1 CANCEL
liveness: served|holds|served|LIVENESS PATIENT LOSS=1
liveness: served, one client|holds|served|LIVENESS PATIENT SHARED DEATH=1 SILENT=1
liveness: not left free|holds|not_left_free|LIVENESS PATIENT DEATH=1'
mutants='
subscribe after enqueue|first_come|-|MUTANT_SUBSCRIBE_AFTER
trust a message unchecked|one_holder|-|MUTANT_TRUST EARLY=1
cancel without giving back|nothing_left|-|MUTANT_CANCEL_KEEPS CANCEL
no re-check|invalid end state|-|MUTANT_NO_RECHECK LOSS=1
no re-check, liveness|served|served|MUTANT_NO_RECHECK LIVENESS PATIENT LOSS=1
re-check does not help|not_left_free|not_left_free|MUTANT_NO_HELP LIVENESS PATIENT DEATH=1
grant, still in the queue|not_both|-|MUTANT_GRANT_KEEPS_PLACE
no dead-waiter skip|not_to_the_dead|-|MUTANT_NO_DEAD_SKIP DEATH=1
take a free lock past waiters|first_come|-|MUTANT_BARGE EARLY=1
release unchecked|stale_changes_nothing|-|MUTANT_RELEASE_UNCHECKED DEATH=1
undo, request not ended|nothing_left|-|MUTANT_UNDO_WITHOUT_KILL LOSS=1
extend revives|stale_changes_nothing|-|MUTANT_EXTEND_REVIVES RENEW=1 LOSS=1
already mine, old fence|fences_rise|-|MUTANT_ALREADY_MINE_OLD_FENCE LOSS=1
re-join with a new arrival|first_come|-|MUTANT_REJOIN_ANEW LOSS=1
fence by counter alone|fences_rise|-|MUTANT_COUNTER_ALONE FLUSH=1
already mine hands on|first_come|-|MUTANT_HANDS_ON LOSS=1
the same, no CLIENT KILL|one_holder|-|MUTANT_HANDS_ON NO_KILL LOSS=1 UNCHECKED=1
the same, outdated push|one_holder|-|MUTANT_HANDS_ON MUTANT_OUTDATED_PUSH LOSS=1 UNCHECKED=1
release keeps the place|nothing_left|-|MUTANT_RELEASE_KEEPS_PLACE FLUSH=1
believe after half a release|one_holder|-|MUTANT_BELIEVES_AGAIN DEATH=2 LOSS=1'
long_configurations='
three losses, cancels|holds|-|LOSS=3 CANCEL
data loss and loss|holds|-|FLUSH=1 LOSS=1
losses, expiry, foreign|holds|-|LOSS=2 EARLY=1 FOREIGN=1
losses, deaths, silence|holds|-|LOSS=2 DEATH=1 SILENT=1 CANCEL
losses, data loss, break|holds|-|LOSS=2 FLUSH=1 BREAK=1 CANCEL
no CLIENT KILL, two losses|holds|-|NO_KILL LOSS=2 CANCEL DEATH=1
four clients|holds|-|N=4
four clients, cancels|holds|-|N=4 CANCEL
four clients, in part|nothing found|-|N=4 LOSS=1 CANCEL BITSTATE
four clients, loss, cancels|holds|-|N=4 LOSS=1 CANCEL
four clients, two deaths|holds|-|N=4 DEATH=2
four clients, two in one|holds|-|N=4 SHARED LOSS=1 CANCEL
liveness: served, two losses|holds|served|LIVENESS PATIENT LOSS=2 DEATH=1
liveness: not left free, two losses|holds|not_left_free|LIVENESS PATIENT LOSS=2 DEATH=1'

# field NAME REGEX FILE: the number after or before what pan prints.
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

# Runs one line of the lists in a folder of its own; prints its line of the table.
check() {
  IFS='|' read -r name expected formula switches <<LINE
$1
LINE
  work=$(mktemp -d "$work/XXXXXX")
  cd "$work"
  defines=
  for switch in $switches; do defines="$defines -D$switch"; done
  case $formula in
    -) kind="-DSAFETY -DNOFAIR" flags= ;;
    *) kind=-DNFAIR=3 flags="-a -f -N $formula" ;;
  esac
  part=
  case " $switches " in
    *' BITSTATE '*) kind="$kind -DBITSTATE" part='-w35 -Q5' ;;
  esac
  optimize=-O1
  [ "$expected" = holds ] || optimize=-O0
  # shellcheck disable=SC2086
  {
    spin $defines -a "$model" >log 2>&1 &&
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
    if [ -f hand_off.pml.trail ]; then
      # shellcheck disable=SC2086
      spin $defines -k hand_off.pml.trail -t "$model" 2>&1 | grep -v 'proc ' | head -n 80
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
configurations=$short_configurations
megabytes=${MODEL_MB:-2000}
seconds=${MODEL_SECONDS:-150}
case ${1:-} in
  '') ;;
  --long)
    configurations=$long_configurations mutants=
    megabytes=${MODEL_MB:-16000}
    seconds=${MODEL_SECONDS:-14400}
    ;;
  *) die "usage: model_test.sh [--long]" ;;
esac
model_folder=$(dirname "$model")
[ -f "$model_folder/hand_off.pml" ] || die "there is no $model"

top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
printf '%-36s %9s %6s %7s  %s\n' configuration states depth seconds result
printf '%s\n%s\n' "$configurations" "$mutants" | grep . | tr '\n' '\0' |
  xargs -0 -n 1 -P "${JOBS:-2}" "$0" --one "$top" "$megabytes" "$seconds"
