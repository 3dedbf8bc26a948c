#!/bin/sh
# build.sh PROGRAM: builds the runner of C from the installed library.
set -eu
command -v "${CC:-cc}" >/dev/null || {
  echo "there is no compiler for C"
  exit 77
}
# shellcheck disable=SC2046,SC2086
"${CC:-cc}" -std=c11 -Wall -Wextra -Werror ${REDILOCK_FLAGS:-} "$(dirname "$0")/runner.c" -o "$1" \
  $(pkg-config --cflags --libs redilock)
