#!/bin/sh
# The Python package as users get it: by pip into a fresh virtual environment, from a checkout and an
# installed library; from an sdist without SWIG; and as a wheel that carries the library. No package
# index is asked.
# shellcheck disable=SC1091,SC2154
. "$REDILOCK_SOURCE_DIR/tests/support/cli.sh"

skip() {
  echo "skipped: $*"
  exit 77
}
[ -z "${REDILOCK_SANITIZE:-}" ] || skip "python3 cannot load a library with sanitizers"
[ -n "${REDILOCK_PYTHON:-}" ] || skip "the Python package was not built; it needs swig and python3-dev"
"$REDILOCK_PYTHON" -c 'import setuptools, wheel' 2>/dev/null ||
  skip "there is no setuptools or wheel; they are in python3-setuptools and python3-wheel"
"$REDILOCK_PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
  skip "no virtual environments can be made; that is in python3-venv"

start_server
"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$dir/usr" >"$dir/out"
library=$(dirname "$(find "$dir/usr" -name libredilock.so.0)")
export PKG_CONFIG_PATH="$library/pkgconfig" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# A copy: what is built there must not be left among the sources.
mkdir "$dir/bindings"
cd "$dir" || exit # where no package lies about
cp -RL "$REDILOCK_SOURCE_DIR/bindings/python" "$REDILOCK_SOURCE_DIR/bindings/swig" "$dir/bindings"
rm -rf "$dir/bindings/python/generated" "$dir/bindings/python/build"

# Whether it builds is what counts, not how fast it runs then.
export CFLAGS=-O0

# fresh NAME: an empty environment, which sees the build tools of the system. The first has a pip,
# which serves the others too.
fresh() {
  pip_of=$dir/checkout
  set -- "$1" --without-pip
  [ "$dir/$1" != "$pip_of" ] || set -- "$1"
  "$REDILOCK_PYTHON" -m venv --system-site-packages ${2:+"$2"} "$dir/$1"
}
pip() {
  environment=$dir/$1
  shift
  expect 0 "$pip_of/bin/python" -m pip --python "$environment/bin/python" "$@" \
    --no-index --no-build-isolation --no-deps
}
# works NAME: the package in that environment takes a lock; it is that environment's.
works() {
  expect 0 "$dir/$1/bin/python" -c '
import sys, redilock, redilock.aio, redilock.sync_redilock, redilock.async_redilock
from importlib.metadata import version
with redilock.Client().lock("package") as lock:
    assert lock.held and lock.fence > 0
assert redilock.__file__.startswith(sys.argv[1]), redilock.__file__
assert version("redilock") == redilock.__version__ == redilock.library_version()
open(redilock.__file__.replace("__init__.py", "py.typed")).close()' "$dir/$1"
  is_free package || fail "$1: the lock was left behind"
  echo "$1 works"
}

fresh checkout
pip checkout install -q "$dir/bindings/python"
works checkout

(cd "$dir/bindings/python" && expect 0 "$REDILOCK_PYTHON" -c \
  'import setuptools.build_meta as build; print(build.build_sdist(".."))')
tar -tzf "$dir"/bindings/redilock-*.tar.gz >"$dir/files"
for file in generated/core_wrap.c src/redilock/py.typed tests/conftest.py README.md LICENSE LICENSE.hiredis; do
  contains "$dir/files" "/$file"
done
fresh sdist
export SWIG=false
pip sdist install -q "$(ls "$dir"/bindings/redilock-*.tar.gz)"
works sdist
unset SWIG

fresh bundle
fresh after
# One after the other in the same tree, and nothing of one in the next. The last one is installed.
for bundle in 1 0 1; do
  rm -f "$dir"/redilock-*.whl
  REDILOCK_BUNDLE=$bundle pip bundle wheel -q --wheel-dir="$dir" "$dir/bindings/python"
  "$REDILOCK_PYTHON" -m zipfile -l "$(ls "$dir"/redilock-*.whl)" >"$dir/files"
  [ "$(grep -c 'redilock/lib.*[.]so' "$dir/files")" -eq $((2 * bundle)) ] ||
    fail "REDILOCK_BUNDLE=$bundle: $(cat "$dir/files")"
  [ "$bundle" != 0 ] || pip after install -q "$(ls "$dir"/redilock-*.whl)"
  [ "$bundle" != 0 ] || works after
done
pip bundle install -q "$(ls "$dir"/redilock-*.whl)"
# A link of the README would lead nowhere from a package index, unless it names a host.
metadata=$(find "$dir/bundle" -path '*/redilock-*.dist-info/METADATA')
grep -E '\]\(([^h#]|h[^t])' "$metadata" && fail "the README has relative links"
rm -r "${dir:?}/usr"
works bundle
for name in LICENSE LICENSE.hiredis; do
  find "$dir/bundle" -path "*/redilock-*.dist-info/*" -name "$name" | grep -q . || fail "the wheel lacks $name"
done
module=$(find "$dir/bundle" -name '_core*.so')
for name in libredilock libhiredis; do
  ldd "$module" | grep -q "$name.* => $dir/bundle/" || fail "the wheel does not carry $name"
done
