#!/bin/sh
# The fault harness for a minute, and until each kind of trouble has come; REDILOCK_FAULT_SEED has
# it break things in another order. Before that, that it tells of a worker that dies of something
# else.
set -eu
harness=${REDILOCK_BUILD_DIR:?}/tests/redilock_fault
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# worker_of PID: one of its worker processes, once it has some.
worker_of() {
  while :; do
    children=$(cat "/proc/$1/task/$1/children")
    for child in $children; do
      ! tr '\0' ' ' <"/proc/$child/cmdline" | grep -q ' worker ' || {
        echo "$child"
        return
      }
    done
  done
}

"$harness" --seconds 1 --only script-flush >"$log" &
pid=$!
kill -s USR1 "$(worker_of "$pid")"
status=0
wait "$pid" || status=$?
if [ "$status" -ne 1 ] || ! grep -q '^VIOLATION (end, .* ended by signal' "$log"; then
  cat "$log"
  echo "the death of a worker was not told"
  exit 1
fi

"$harness" --seconds 60 --every-kind --seed "${REDILOCK_FAULT_SEED:-1}"
