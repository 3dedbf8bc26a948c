#!/bin/sh
# The Python package as it was built here passes its own tests, each against a real server.
set -eu

if [ -n "${REDILOCK_SANITIZE:-}" ]; then
  echo "skipped: python3 cannot load a library with sanitizers"
  exit 77
fi
if [ -z "${REDILOCK_PYTHON:-}" ]; then
  echo "skipped: the Python package was not built; it needs swig and python3-dev"
  exit 77
fi
if ! "$REDILOCK_PYTHON" -c 'import pytest' 2>/dev/null; then
  echo "skipped: there is no pytest for $REDILOCK_PYTHON; it is in python3-pytest"
  exit 77
fi

: "${REDILOCK_PYTHON_HOSTS:=$REDILOCK_PYTHON_PATH/../../python-hosts/bin/python}"
export REDILOCK_PYTHON_HOSTS
if [ ! -x "$REDILOCK_PYTHON_HOSTS" ]; then
  echo "skipped: there is no $REDILOCK_PYTHON_HOSTS with gevent, eventlet, gunicorn and celery"
fi

original=$(dirname "$(dirname "$REDILOCK_PYTHON_HOSTS")")/original
if [ -d "$original" ]; then
  original=$(cd "$original" && pwd -P) # as Python says where a module is
  export REDILOCK_ORIGINAL="${REDILOCK_ORIGINAL:-$original}"
fi

cd "$REDILOCK_SOURCE_DIR/bindings/python"
PYTHONPATH=$REDILOCK_PYTHON_PATH PYTHONDONTWRITEBYTECODE=1 \
  exec "$REDILOCK_PYTHON" -m pytest -p no:cacheprovider
