#!/bin/sh
# Every test that docs/reliability.md names for a fault exists: the file, the case among those that it
# runs, the kind of trouble in the harness, and the verb of each ./dev there; and the page counts them right,
# those once that several faults name. That this test can fail is shown on changed copies of the page.
# shellcheck disable=SC2016
set -eu
top=$REDILOCK_SOURCE_DIR
page=$top/docs/reliability.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The rows of the table in the file $1, as lines "ROW FILE [CASE]"; "ROW none" for a row without a test.
named() {
  awk -F '|' '
    /^## / { on = $0 == "## Every fault, and its test" }
    !on || !/^\|/ || /^\|---/ || $3 ~ /^ tests $/ { next }
    {
      file = ""
      ++row
      count = split($3, parts, "`")
      for (i = 2; i <= count; i += 2) {
        if (parts[i] ~ /\//) file = parts[i]
        print row, file == "" ? "none" : file, parts[i] == file ? "" : parts[i]
      }
      if (count < 3) print row, "none"
    }' "$1"
}

is_case() { # FILE CASE
  case $1 in
    fault/nemesis.cpp) grep -q "^    {\"$2\", " "$top/tests/$1" ;;
    *) grep -Eq "(cmocka_unit_test[a-z_]*|CASE|WITH_PIPE)\($2[,)]" "$top/tests/$1" ;;
  esac
}

# Says what is wrong with the page in the file $1.
check() {
  named "$1" >"$work/named"
  while read -r row file name; do
    if [ "$file" = none ]; then
      echo "row $row names no test"
    elif [ ! -f "$top/tests/$file" ]; then
      echo "there is no tests/$file"
    elif [ -n "$name" ] && ! is_case "$file" "$name"; then
      echo "tests/$file has no case $name"
    fi
  done <"$work/named"
  # A C file alone says nothing: it has many cases.
  awk '{ cases[$1 " " $2] += NF > 2 } END { for (key in cases) if (!cases[key] && key !~ /\.sh$/) print key, "without a case" }' \
    "$work/named"
  rows=$(cut -d ' ' -f 1 "$work/named" | sort -u | wc -l)
  [ "$rows" -ge 43 ] || echo "there are $rows rows only"
  cases=$(awk 'NF > 2 || /\.sh$/ { print $2, $3 }' "$work/named" | sort -u | wc -l)
  grep -q "^| faults | $rows, by $cases cases " "$1" || echo "it should count $rows faults and $cases cases"
  grep -o '`\./dev [a-z]*' "$1" | sort -u | while read -r _ verb; do
    "$top/dev" --help | grep -q "^  $verb " || echo "./dev has no $verb"
  done
}

check "$page" >"$work/wrong"
if [ -s "$work/wrong" ]; then
  cat "$work/wrong"
  exit 1
fi

# found WHAT SED: the check tells of a page changed so.
failed=0
found() {
  sed "$2" "$page" >"$work/page.md"
  check "$work/page.md" >"$work/told"
  if ! grep -q "$1" "$work/told"; then
    echo "not told: $1"
    failed=1
  fi
}
found 'no case refused_is_fine' 's/`refused_is_unavailable`/`refused_is_fine`/'
found 'no case renamed' 's/`kill-pubsub`/`renamed`/'
found 'no tests/server/gone_test.c' 's/server\/fight_test.c/server\/gone_test.c/'
found 'names no test' 's/^| exec | .*/| exec | |/'
found 'without a case' 's/`exec_leaks_no_descriptor`//'
found 'should count' 's/by [0-9]* cases/by 1 cases/'
found 'rows only' '/^| exec |/d'
found 'has no prove' 's/`\.\/dev fault`/`.\/dev prove`/'
exit $failed
