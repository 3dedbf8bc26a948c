#!/bin/sh
# build.sh PROGRAM: builds the runner of C++ from the installed library and headers.
set -eu
command -v "${CXX:-c++}" >/dev/null || {
  echo "there is no compiler for C++"
  exit 77
}
# shellcheck disable=SC2046,SC2086
"${CXX:-c++}" -std=c++17 -Wall -Wextra -Werror ${REDILOCK_FLAGS:-} "$(dirname "$0")/runner.cpp" -o "$1" \
  $(pkg-config --cflags --libs redilock) -pthread
