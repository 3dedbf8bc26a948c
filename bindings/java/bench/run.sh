#!/bin/sh
# Compares redilock with Redisson and raw commands of Jedis, over TCP on a server of its own. Needs the installed library,
# redis-server, Maven and its registry. It works on a copy of the binding, so nothing is written here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/redilock-bench.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT
mkdir "$dir/bindings"
cp -R "$here/.." "$dir/bindings/java"
cp -R "$here/../../swig" "$dir/bindings/swig"
mvn -B -q -f "$dir/bindings/java/pom.xml" clean package -DskipTests
mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$dir/lib"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$dir" >"$dir/log" &
server=$!
tries=0
until redis-cli -p "$port" ping >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || exit 1
  sleep 0.05
done
uptime
java -cp "$dir/bindings/java/target/redilock-0.2.0.jar:$dir/lib/*" "$here/Bench.java" "$port"
