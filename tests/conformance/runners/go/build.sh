#!/bin/sh
# build.sh PROGRAM: builds the runner of Go with the installed library.
# shellcheck disable=SC1091,SC2154
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sources=$(cd "$here/../../../.." && pwd)
. "$sources/tests/support/go.sh"
[ -z "$go_lacks" ] || {
  echo "$go_lacks"
  exit 77
}
mkdir "$1.module"
cp "$here/main.go" "$1.module"
go_module "$1.module" "$sources/bindings/go" 2>"$1.log" || {
  cat "$1.log"
  exit 1
}
cd "$1.module"
go build -o "$1" .
