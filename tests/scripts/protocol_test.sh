#!/bin/sh
# Tests the Lua scripts alone, as protocol 1 uses them: cases of several clients, and clients that act
# at random while replies, messages and processes are lost. On one server and on a cluster.
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
cd "$REDILOCK_SOURCE_DIR/tests/protocol"
seconds=${REDILOCK_PROTOCOL_SECONDS:-7}

"$python" scripts.py "$REDILOCK_BUILD_DIR/generated/scripts/embedded.hpp"
"$python" edges.py
if ! "$python" -c 'import resp, sys; sys.exit(not resp.has_sharded_channels())'; then
  echo 'skipped: this server has no sharded channels: the protocol with them, and on a cluster'
  "$python" driver.py --seconds "$seconds" --kinds wake,plain,poll
  exit
fi
"$python" edges.py --cluster
# The second seed is the time; the driver prints it.
"$python" driver.py --seed 1 --seconds "$seconds" --kinds wake,sharded,plain,poll,tagged-poll
"$python" driver.py --seconds "$seconds" --kinds wake,plain,poll
"$python" driver.py --seconds "$seconds" --kinds sharded,plain,tagged-poll --cluster
