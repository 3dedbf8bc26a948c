#!/bin/sh
# dump.sh HEADER MAP: writes the ABI that a header and a version script promise, as abidw tells it.
# For that a library is made that has every function of the header and no code. The real one keeps the
# same promises: its sources include the header, so the compiler compares each definition with it, and
# symbols_test.sh compares the names. Of the real one abidw would tell all of the core, in megabytes.
# Neither paths nor the host's name get into it.
set -eu
header=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
map=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

{
  echo "#include \"redilock.h\""
  # Nothing mentions the enums but the comments; what no variable has leaves no trace.
  sed -n 's/^enum \([a-z_]*\) {.*/static __attribute__((used)) enum \1 used_\1;/p' "$header"
  # Every declaration ends with a semicolon: it becomes a definition.
  ${CC:-cc} -E -P "$header" | tr '\n' ' ' | tr ';' '\n' |
    sed -n 's/.*\(__attribute__((visibility("default"))).*redilock_[a-z0-9_]* *(.*)\) *$/\1 { __builtin_trap(); }/p'
} >redilock.c
cp "$header" redilock.h
${CC:-cc} -std=gnu11 -w -g -O0 -fPIC -shared -Wl,--version-script="$map" -Wl,-soname,libredilock.so.0 \
  redilock.c -o libredilock.so.0
abidw --load-all-types --no-corpus-path --no-comp-dir-path --no-show-locs --no-elf-needed \
  --no-write-default-sizes libredilock.so.0
