#!/bin/sh
# Runs the tests that use a server against one server of list.txt, or against each of them, and ends with
# a table. The tests have to be built.
# usage: run.sh BUILD_FOLDER SERVER_FOLDER [NAME...] [-- ARGUMENT_OF_CTEST...]
# The exit status is 1 if a test failed, and 2 if none failed but a server could not be had.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=$1 servers=$2
shift 2
names=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  names="$names $1"
  shift
done
[ $# -eq 0 ] || shift
names=${names:-$(sed -n 's/^\([a-z][^ ]*\).*/\1/p' "$here/list.txt")}
# All other tests use no server, or check this machine and its compilers.
[ $# -gt 0 ] ||
  set -- -R '^(server_|capi_|unit_(client|scripts|values_slot_server)_|script_(cli|acl|hostile|plain_client|protocol_test|python_test|secrets))'
mkdir -p "$servers"
servers=$(cd "$servers" && pwd)
table=$servers/table
: >"$table"

# ask_version: what the server in the PATH says of itself.
ask_version() (
  folder=$(mktemp -d)
  redis-server --port 0 --unixsocket "$folder/socket" --save '' --dir "$folder" >"$folder/log" 2>&1 &
  trap 'kill $!; wait $! || true; rm -rf "$folder"' EXIT
  tries=0
  until redis-cli -s "$folder/socket" INFO server >"$folder/info" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || {
      cat "$folder/log" >&2
      exit 1
    }
    sleep 0.1
  done
  tr -d '\r' <"$folder/info" | awk -F: '
    $1 == "redis_version" { redis = $2 }
    $1 == "valkey_version" { valkey = $2 }
    END { print valkey == "" ? "Redis " redis : "Valkey " valkey }'
)

# leave_out NAME: says why, which is at the end of what fetching it printed.
leave_out() {
  echo "$1: left out: $(tail -n 1 "$servers/$1.log")"
  echo "$1|-|left out|left out" >>"$table"
}

# test_one NAME ARGUMENT_OF_CTEST...: adds a line to the table.
test_one() {
  name=$1
  shift
  log=$servers/$name.log count=$servers/$name.count
  "$here/fetch.sh" "$name" "$servers/$name" >"$log" 2>&1 || {
    leave_out "$name"
    return
  }
  version=$(PATH=$servers/$name:$PATH ask_version 2>>"$log") || {
    echo "it does not start on this machine" >>"$log"
    leave_out "$name"
    return
  }
  status=0
  PATH=$servers/$name:$PATH ctest --test-dir "$build" -V "$@" >"$log" 2>&1 </dev/null || status=$?
  verdict=passed
  awk -v status=$status -f "$here/../support/count.awk" "$log" >"$count" || verdict=failed
  # Of the programs only those that failed, with their output. If no test ran, that has failed too.
  [ $verdict = passed ] ||
    grep -vE '^  [a-z_]+: ([0-9]+ passed(, [0-9]+ skipped)?|skipped)$|^    skipped: ' "$count" || true
  totals=$(tail -n 1 "$count")
  skipped=$(sed -n 's/^\([0-9]*\) skipped$/\1/p' "$count")
  echo "$name: $version: $totals, ${skipped:-0} skipped (all output is in $log)"
  sed -n 's/^    skipped: //p' "$count" | sort | uniq -c | sed 's/^ *\([0-9]*\) /  \1 skipped: /'
  echo "$name|$version|$totals, ${skipped:-0} skipped|$verdict" >>"$table"
}

for name in $names; do
  test_one "$name" "$@"
done
echo
awk -F '|' '{ printf "%-12s %-14s %s\n", $1, $2, $3 }' "$table"
! grep -q '|failed$' "$table" || exit 1
! grep -q '|left out$' "$table" || exit 2
