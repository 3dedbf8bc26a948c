# What the cli_*.sh scripts share: a redis-server of their own, checks, and cleaning up. Source it; it
# sets $redilock, REDILOCK_URL and $dir, and ends everything it started when the script exits.
# shellcheck shell=sh
set -eu

redilock=${REDILOCK_CLI:?the redilock binary}
dir=$(mktemp -d "${TMPDIR:-/tmp}/redilock-test.XXXXXX")
server=
started=

end_all() {
  code=$?
  trap - EXIT
  for pid in $started $server; do kill -9 "$pid" 2>/dev/null || :; done
  wait 2>/dev/null || :
  rm -rf "$dir"
  exit "$code"
}
trap end_all EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# until_true COMMAND...: asks again until it holds, for ten seconds and more on a busy machine.
until_true() {
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || [ "$tries" -lt $(($(soon_ms 10000) / 50)) ] || fail "never came true: $*"
    sleep 0.05
  done
}

# remember PID: ends with the script, whatever happens.
remember() {
  started="$started $1"
}

# start_server [OPTION...]
start_server() {
  redis-server --port 0 --unixsocket "$dir/redis.sock" --save '' --appendonly no --dir "$dir" \
    --daemonize no --logfile "$dir/redis.log" "$@" &
  server=$!
  until_true test -S "$dir/redis.sock"
  kill -0 "$server" || fail "redis-server did not start"
  REDILOCK_URL="unix://$dir/redis.sock"
  export REDILOCK_URL
}

# expect CODE COMMAND...: its stdout goes to $dir/out, its stderr to $dir/err.
expect() {
  wanted=$1
  shift
  code=0
  "$@" >"$dir/out" 2>"$dir/err" || code=$?
  if [ "$code" -ne "$wanted" ]; then
    cat "$dir/out" "$dir/err" >&2
    fail "exit code $code instead of $wanted: $*"
  fi
}

# expect_end CODE PID: waits for a process of this shell.
expect_end() {
  code=0
  wait "$2" || code=$?
  [ "$code" -eq "$1" ] || fail "process ended with $code instead of $1"
}

# contains FILE TEXT
contains() {
  grep -qF -e "$2" "$1" || {
    cat "$1" >&2
    fail "no \"$2\" in the output above"
  }
}

is_free() { "$redilock" show --json "$1" | grep -q '"state":"free"'; }
has_waiters() { "$redilock" show --json "$1" | grep -q "\"waiters\":$2,"; }
# soon_ms MS: how long at most something may take that takes no more than that where nothing else wants the
# processors: as many times that as there are tasks for each processor, of now or of the last minute.
soon_ms() {
  awk -v ms="$1" -v processors="$(nproc)" '{
    split($4, tasks, "/")
    times = int(($1 > tasks[1] ? $1 : tasks[1]) / processors)
    print ms * (times < 1 ? 1 : times)
  }' /proc/loadavg
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }
