#!/bin/sh
# Compares redilock with redsync and go-redis, on a server of its own. Needs the installed library, redis-server
# and a module proxy. It works on a copy of this folder, so no go.sum is written here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/redilock-bench.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT
mkdir "$dir/bench"
cp "$here/main.go" "$here/go.mod" "$dir/bench"
cd "$dir/bench"
go mod edit -replace "redilock.test/redilock=$(dirname "$here")"
GOFLAGS=-mod=mod go build -o "$dir/program" .
redis-server --port 0 --unixsocket "$dir/redis.sock" --save '' --dir "$dir" >"$dir/log" &
server=$!
tries=0
until [ -S "$dir/redis.sock" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || exit 1
  sleep 0.05
done
uptime
REDILOCK_URL=unix://$dir/redis.sock "$dir/program"
