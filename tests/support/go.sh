# What the scripts that build Go programs share: source it after PKG_CONFIG_PATH was set for the
# installed library. It sets Go's environment.
# shellcheck shell=sh disable=SC2034

# What is missing to build the binding; "" if nothing is.
go_lacks=
for tool in go gcc pkg-config; do
  command -v "$tool" >/dev/null || go_lacks="there is no $tool"
done
GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=1
export GOTOOLCHAIN GOFLAGS CGO_ENABLED
if [ -n "${REDILOCK_BUILD_DIR:-}" ]; then
  GOCACHE=$REDILOCK_BUILD_DIR/go-cache
  export GOCACHE
fi
if [ -z "$go_lacks" ]; then
  go_version=$(go env GOVERSION)
  go_minor=$(echo "$go_version" | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  [ "${go_minor:-0}" -ge 21 ] || go_lacks="Go 1.21 or later is needed, and this is $go_version"
fi

# Go's cache knows neither what pkg-config said nor the header. Flags it knows: they make a program
# of the library that is installed now, and not of an earlier one.
if [ -z "$go_lacks" ]; then
  header=$(pkg-config --variable=includedir redilock)/redilock/redilock.h
  sum=$(cksum <"$header" | cut -d' ' -f1)
  CGO_CFLAGS="-O2 -g -DREDILOCK_HEADER=$sum $(pkg-config --cflags redilock)"
  CGO_LDFLAGS="-O2 -g $(pkg-config --libs redilock)"
  export CGO_CFLAGS CGO_LDFLAGS
fi

# go_module FOLDER BINDING: makes a folder a module that uses the binding in another one.
go_module() {
  (
    cd "$1" || exit
    go mod init "$(basename "$1")" &&
      go mod edit -require redilock.test/redilock@v0.0.0 -replace "redilock.test/redilock=$2"
  )
}
