#!/bin/sh
# The symbols that the shared library exports, the functions that the header declares and the version
# script are the same list; the library is linked as the design says; and each constant of the header is
# pinned to its value.
set -eu
library=$REDILOCK_BUILD_DIR/capi/libredilock.so.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -e 's,/\*.*\*/,,' -e '/\/\*/,/\*\//d' "$REDILOCK_SOURCE_DIR/capi/include/redilock/redilock.h" >"$work/redilock.h"
# Without comments, every name before an opening parenthesis is a declaration.
grep -o 'redilock_[a-z0-9_]*(' "$work/redilock.h" | tr -d '(' | sort >"$work/header"
sed -n 's/^ *\(redilock_[a-z0-9_]*\);$/\1/p' "$REDILOCK_SOURCE_DIR/capi/redilock.map" |
  sort >"$work/map"
nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | sort >"$work/exported"
sed 's/@@REDILOCK_[0-9]*$//' "$work/exported" >"$work/library"

failed=0
for list in map library; do
  if ! diff "$work/header" "$work/$list" >"$work/diff"; then
    echo "header (<) and $list (>) differ:"
    cat "$work/diff"
    failed=1
  fi
done
if [ "$(wc -l <"$work/header")" -lt 40 ]; then
  echo 'the header was not read'
  failed=1
fi
# The version alone may change.
sed -n -e 's/^  \(REDILOCK_[A-Z_]*\) = .*/\1/p' -e 's/^#define \(REDILOCK_[A-Z_]*\) [-(A-Z0-9].*/\1/p' "$work/redilock.h" |
  grep -vE '^REDILOCK_(VERSION_.*|API|CHECK)$' | sort >"$work/constants"
sed -n 's/^  X(\(REDILOCK_[A-Z_]*\), .*/\1/p' "$REDILOCK_SOURCE_DIR/tests/capi/abi_values_test.c" |
  sort >"$work/pinned"
if ! diff "$work/constants" "$work/pinned"; then
  echo 'constants of the header (<) and those of abi_values_test.c (>) differ'
  failed=1
fi
if grep -v '@@REDILOCK_[0-9]*$' "$work/exported"; then
  echo 'these have no version'
  failed=1
fi
dynamic=$(readelf -dW "$library")
for word in 'soname: \[libredilock.so.0\]' NODELETE NOW; do
  if ! echo "$dynamic" | grep -q "$word"; then
    echo "the library is linked without $word"
    failed=1
  fi
done
if echo "$dynamic" | grep -E 'RPATH|RUNPATH|TEXTREL'; then
  echo 'these do not belong in the library'
  failed=1
fi
exit $failed
