#!/bin/sh
# Whether the tests notice mistakes in the client. Each patch here is one mistake: its first line says what
# is wrong, and each line "test: PROGRAM CASE" names a case that must fail. It is applied to a copy of the
# tree, and the programs are built and run there. They run whole, because cmocka 1.1 takes no choice of
# cases from outside. What each said stays in FOLDER/logs.
# usage: run.sh FOLDER [MUTANT...]
set -eu

work=$1
shift
mutants=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$mutants/../.." && pwd)
mkdir -p "$work"
work=$(cd "$work" && pwd)
[ $# -gt 0 ] || set -- "$mutants"/*.patch

for mutant in "$@"; do
  name=$(basename "$mutant" .patch)
  [ -f "$mutants/$name.patch" ] || {
    echo "there is no mutant $name"
    exit 1
  }
done

quietly() { "$@" >"$work/log" 2>&1 </dev/null || { cat "$work/log" && exit 1; }; }

# named MUTANT...: the lines "PROGRAM CASE" of these.
named() {
  for mutant in "$@"; do
    sed -n 's/^test: //p' "$mutants/$(basename "$mutant" .patch).patch"
  done | sort -u
}

# run LABEL MUTANT...: builds and runs the programs that these name; sets $programs and $logs.
run() {
  logs=$work/logs/$1
  shift
  mkdir -p "$logs"
  programs=$(named "$@" | cut -d ' ' -f 1 | sort -u)
  # shellcheck disable=SC2086
  quietly ninja -C "$work/build" $programs
  for program in $programs; do
    status=0
    CMOCKA_MESSAGE_OUTPUT=STDOUT timeout -k 5 180 "$work/build/tests/$program" \
      >"$logs/$program.log" 2>&1 </dev/null || status=$?
    echo "status $status" >>"$logs/$program.log"
  done
}

# without VERDICT MUTANT...: the cases that they name and that did not end so.
without() {
  verdict=$1
  shift
  named "$@" | while read -r program case; do
    grep -q "^\[ *$verdict *\] $case\$" "$logs/$program.log" || echo "$program $case"
  done
}

rm -rf "$work/tree" "$work/logs"
mkdir "$work/tree"
for part in "$source_dir"/*; do
  # With new times: what was built of a mutant before must not count as up to date.
  [ "${part##*/}" = build ] || cp -R "$part" "$work/tree/"
done
quietly cmake -S "$work/tree" -B "$work/build" -G Ninja -DREDILOCK_BUILD_TESTS=ON

# Else it would be no wonder that a case fails.
run unbroken "$@"
for program in $programs; do
  [ "$(tail -n 1 "$logs/$program.log")" = "status 0" ] || {
    cat "$logs/$program.log"
    echo "$program fails with the client as it is"
    exit 1
  }
done
missing=$(without OK "$@")
[ -z "$missing" ] || {
  echo "not run: $missing"
  exit 1
}

caught=0
for mutant in "$@"; do
  name=$(basename "$mutant" .patch)
  quietly patch -s -p1 -d "$work/tree" -i "$mutants/$name.patch"
  run "$name" "$name"
  missed=$(without FAILED "$name")
  if [ -z "$missed" ] && [ -n "$programs" ]; then
    caught=$((caught + 1))
    echo "caught $name by $(named "$name" | paste -s -d , | sed 's/,/, /g')"
  else
    echo "MISSED $name${missed:+ by $(echo "$missed" | paste -s -d , | sed 's/,/, /g')}"
  fi
  quietly patch -s -R -p1 -d "$work/tree" -i "$mutants/$name.patch"
done
echo "mutants caught: $caught of $#"
[ "$caught" -eq $# ]
