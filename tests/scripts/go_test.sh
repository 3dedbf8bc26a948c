#!/bin/sh
# The Go binding works against the installed library: it is formatted, vetted, and its tests and
# examples pass under the race detector, with servers that they start themselves.
# shellcheck disable=SC1091,SC2016,SC2154
. "$REDILOCK_SOURCE_DIR/tests/support/cli.sh"

skip() {
  echo "skipped: $*"
  exit 77
}
[ -z "${REDILOCK_SANITIZE:-}" ] || skip "a Go program cannot load a library with sanitizers"
# The folder stays the same from run to run, so that Go's cache serves the next one.
prefix=$REDILOCK_BUILD_DIR/go-prefix
rm -rf "$prefix"
"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$prefix" >"$dir/out"
LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libredilock.so.0)")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
GOPROXY=off
export LD_LIBRARY_PATH PKG_CONFIG_PATH GOPROXY
. "$REDILOCK_SOURCE_DIR/tests/support/go.sh"
[ -z "$go_lacks" ] || skip "$go_lacks"

cd "$REDILOCK_SOURCE_DIR/bindings/go" || fail "there is no bindings/go"
unformatted=$(gofmt -l . "$REDILOCK_SOURCE_DIR/tests/conformance/runners/go")
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
grep -E '^--- PASS|^ok|waiters:|SKIP' "$dir/out"
grep -q '^--- PASS: TestOneQueueWithTheCommand' "$dir/out" || fail "it did not queue with the command"

# The block of the README is a program of its own in another module.
mkdir "$dir/program"
awk '$0 == "```go" { on = 1; next } /^```$/ { on = 0 } on' README.md >"$dir/program/main.go"
[ -s "$dir/program/main.go" ] || fail "README.md has no block of Go"
start_server
{
  go_module "$dir/program" "$PWD"
  (cd "$dir/program" && go build -o program .)
} 2>"$dir/err" || fail "the example of the README does not build: $(cat "$dir/err")"
expect 0 "$dir/program/program"
contains "$dir/out" "mine for 30 s, fence"
is_free nightly || fail "the example left the lock behind"

# All other blocks are lines of the examples, which ran above.
sed -n '/^```golang$/,/^```$/p' README.md | grep -vE '^(```.*|\.\.\.|)$' | sed 's/^\t*//' >"$dir/lines"
[ "$(wc -l <"$dir/lines")" -ge 20 ] || fail "README.md has hardly an example"
while read -r line; do
  grep -qF -e "$line" example_test.go http_test.go || fail "no example has this line of README.md: $line"
done <"$dir/lines"
