#!/bin/sh
# build.sh PROGRAM: a program that starts the runner of Python with the package as it was built.
set -eu
if [ -z "${REDILOCK_PYTHON:-}" ] || [ ! -d "${REDILOCK_PYTHON_PATH:-}" ]; then
  echo "the Python package was not built; it needs swig and python3-dev"
  exit 77
fi
cat >"$1" <<EOF
#!/bin/sh
PYTHONPATH='$REDILOCK_PYTHON_PATH' exec '$REDILOCK_PYTHON' '$(cd "$(dirname "$0")" && pwd)/runner.py'
EOF
chmod +x "$1"
