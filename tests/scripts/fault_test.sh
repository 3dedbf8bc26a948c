#!/bin/sh
# The fault harness for a minute; REDILOCK_FAULT_SEED has it break things in another order.
set -eu
"${REDILOCK_BUILD_DIR:?}/tests/redilock_fault" --seconds 60 --seed "${REDILOCK_FAULT_SEED:-1}"
