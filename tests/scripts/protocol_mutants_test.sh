#!/bin/sh
# Each wrong version of the Lua scripts in tests/protocol/mutants.py applies, and the tests notice it.
# This takes those that one case notices; ./dev protocol --mutants takes all.
set -eu

if [ -n "${REDILOCK_SANITIZE:-}" ]; then
  echo "skipped: nothing of the library runs here"
  exit 77
fi
python=${REDILOCK_PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
  echo "skipped: there is no python3"
  exit 77
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$python" "$REDILOCK_SOURCE_DIR/tests/protocol/mutants.py" --quick
