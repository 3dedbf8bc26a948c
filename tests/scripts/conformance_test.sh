#!/bin/sh
# Every language passes the same scenarios, and prints one table of them. A language whose tools are not
# installed is skipped.
# shellcheck disable=SC1091,SC2154
. "$REDILOCK_SOURCE_DIR/tests/support/cli.sh"

python=${REDILOCK_PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
  echo "skipped: there is no python3"
  exit 77
fi
"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$dir/usr" >"$dir/out"
LD_LIBRARY_PATH=$(dirname "$(find "$dir/usr" -name libredilock.so.0)")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
PYTHONDONTWRITEBYTECODE=1
export LD_LIBRARY_PATH PKG_CONFIG_PATH PYTHONDONTWRITEBYTECODE
if [ -n "${REDILOCK_SANITIZE:-}" ]; then
  REDILOCK_FLAGS=-fsanitize=$REDILOCK_SANITIZE
  REDILOCK_LANGUAGES="c cxx"
  export REDILOCK_FLAGS REDILOCK_LANGUAGES
fi
mkdir "$dir/work"
driver=$REDILOCK_SOURCE_DIR/tests/conformance/run.py
scenarios=$REDILOCK_SOURCE_DIR/tests/conformance/scenarios
"$python" "$driver" "$dir/work"

# A scenario with a wrong result, or a wrong state of the server, fails.
# shellcheck disable=SC2016
for mistake in 's/-> HELD/-> OK/' 's/fence>\$first/fence=$first/' 's/EXISTS job -> 1/EXISTS job -> 0/'; do
  sed "$mistake" "$scenarios/acquire.txt" >"$dir/wrong.txt"
  if REDILOCK_LANGUAGES=c REDILOCK_CONFORMANCE_SECONDS=1 "$python" "$driver" "$dir/work" "$dir/wrong.txt" >"$dir/out"; then
    cat "$dir/out"
    fail "a scenario passes with a mistake: $mistake"
  fi
  grep -q '^0 ok 1 FAIL ' "$dir/out" || fail "something else than the mistake fails: $(cat "$dir/out")"
done

# Each option of the library is in a scenario.
"$redilock" help options | sed -n 's/^\([a-z][a-z_]*\)  *[a-z].*/\1/p' >"$dir/options"
[ "$(wc -l <"$dir/options")" -ge 15 ] || fail "the library has hardly any option"
while read -r option; do
  grep -qE "^[^#].* $option=" "$scenarios"/*.txt || fail "no scenario uses the option $option"
done <"$dir/options"
