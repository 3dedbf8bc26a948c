#!/bin/sh
# The Go binding works against the installed library: it is formatted, vetted, and its tests and examples
# pass under the race detector, with servers that they start themselves.
# shellcheck disable=SC1091,SC2154
. "$REDILOCK_SOURCE_DIR/tests/support/cli.sh"

skip() {
  echo "skipped: $*"
  exit 77
}
[ -z "${REDILOCK_SANITIZE:-}" ] || skip "a Go program cannot load a library with sanitizers"
for tool in go gcc pkg-config; do
  command -v "$tool" >/dev/null || skip "there is no $tool"
done
GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-mod=readonly GOCACHE=$REDILOCK_BUILD_DIR/go-cache CGO_ENABLED=1
export GOTOOLCHAIN GOPROXY GOFLAGS GOCACHE CGO_ENABLED
version=$(go env GOVERSION)
minor=$(echo "$version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
[ "${minor:-0}" -ge 21 ] || skip "Go 1.21 or later is needed, and this is $version"

# Go's cache knows neither what pkg-config said nor the header: the folder stays the same from run to run, and
# a header that changed changes the flags.
prefix=$REDILOCK_BUILD_DIR/go-prefix
rm -rf "$prefix"
"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$prefix" >"$dir/out"
LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libredilock.so.0)")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
header=$REDILOCK_SOURCE_DIR/capi/include/redilock/redilock.h
CGO_CFLAGS="-O2 -g -DREDILOCK_HEADER=$(cksum "$header" | cut -d' ' -f1)"
export LD_LIBRARY_PATH PKG_CONFIG_PATH CGO_CFLAGS

cd "$REDILOCK_SOURCE_DIR/bindings/go" || fail "there is no bindings/go"
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || fail "gofmt would change: $unformatted"
go vet ./... || fail "go vet complains"
race=-race
go test -race -count=1 -run '^$' ./... >"$dir/out" 2>&1 || {
  cat "$dir/out"
  grep -q 'race is not supported\|-race' "$dir/out" || fail "the tests do not build"
  race=
  echo "the race detector is not there: the tests run without it"
}
go test ${race:+"$race"} -count=1 -timeout 500s -v ./... >"$dir/out" 2>&1 || {
  cat "$dir/out"
  fail "the tests of the Go binding"
}
grep -E '^ok|waiters:|SKIP' "$dir/out"
grep -q '^--- PASS: TestOneQueueWithTheCommand' "$dir/out" || fail "it did not queue with the command"

# The block of the README is a program of its own in another module.
mkdir "$dir/program"
awk '$0 == "```go" { on = 1; next } /^```$/ { on = 0 } on' README.md >"$dir/program/main.go"
[ -s "$dir/program/main.go" ] || fail "README.md has no block of Go"
start_server
(
  cd "$dir/program"
  go mod init program
  go mod edit -require redilock.test/redilock@v0.0.0 \
    -replace "redilock.test/redilock=$REDILOCK_SOURCE_DIR/bindings/go"
  go build -o program .
) 2>"$dir/err" || fail "the example of the README does not build: $(cat "$dir/err")"
expect 0 "$dir/program/program"
contains "$dir/out" "mine for 30 s, fence"
is_free nightly || fail "the example left the lock behind"
