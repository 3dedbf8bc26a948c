#!/bin/sh
# What is installed is built to withstand attacks: what the compiler and linker can do is seen in the files.
set -eu
if [ -n "${REDILOCK_SANITIZE:-}" ] || grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Debug$' "$REDILOCK_BUILD_DIR/CMakeCache.txt"; then
  echo 'skipped: debug builds and those with sanitizers are for testing only'
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
  echo "failed: $*"
  failed=1
}

"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$work/installed" >/dev/null
library=$(find "$work/installed" -name 'libredilock.so.*.*' ! -type l)
command=$work/installed/bin/redilock
for file in "$library" "$command"; do
  [ -f "$file" ] || fail "not installed: $file"
done
# is KIND FILE: whether readelf says so of the file.
is() {
  case $1 in
    'full RELRO') readelf -lW "$2" | grep -q GNU_RELRO && is BIND_NOW "$2" ;;
    BIND_NOW) readelf -dW "$2" | grep -qE 'BIND_NOW|FLAGS_1.* NOW' ;;
    'position independent') readelf -hW "$2" | grep -qE 'Type: +DYN' ;;
    'without executable stack') readelf -lW "$2" | grep -q 'GNU_STACK.* RW ' ;;
    'without writable code') ! readelf -lW "$2" | grep -q 'LOAD.* RWE ' && ! readelf -dW "$2" | grep -q TEXTREL ;;
    'without RPATH') ! readelf -dW "$2" | grep -qE 'RPATH|RUNPATH' ;;
    'with stack protector') readelf --dyn-syms -W "$2" | grep -q 'UND __stack_chk_fail\>' ;;
    'with FORTIFY') readelf --dyn-syms -W "$2" | grep -qE 'UND __[a-z_]+_chk\>' ;;
  esac
}

# Who gives flags that speak of FORTIFY decides about it.
given=$(grep -E '^CMAKE_(C|CXX)_FLAGS:.*_FORTIFY_SOURCE' "$REDILOCK_BUILD_DIR/CMakeCache.txt" || true)
should_be_fortified() {
  case $given in
    '' | *_FORTIFY_SOURCE=[1-9]*) ;;
    *) false ;;
  esac
}

for file in "$library" "$command"; do
  for kind in 'full RELRO' BIND_NOW 'position independent' 'without executable stack' \
    'without writable code' 'without RPATH' 'with stack protector'; do
    is "$kind" "$file" || fail "$(basename "$file") is not $kind"
  done
  if should_be_fortified; then is 'with FORTIFY' "$file" || fail "$(basename "$file") is not with FORTIFY"; fi
done
readelf -dW "$command" | grep -q 'FLAGS_1.*PIE' || fail 'the command is no PIE'

# A file with none of it must not pass.
echo 'int main(void) { return 0; }' >"$work/soft.c"
"${CC:-cc}" -O0 -no-pie -fno-stack-protector -U_FORTIFY_SOURCE -Wl,-z,norelro,-z,lazy,-z,execstack,-rpath,/nowhere \
  "$work/soft.c" -o "$work/soft"
for kind in 'full RELRO' BIND_NOW 'position independent' 'without executable stack' 'without RPATH' \
  'with stack protector' 'with FORTIFY'; do
  if is "$kind" "$work/soft"; then fail "a soft file passes as $kind"; fi
done

# The last two leave much the same names in a file: each must be told from the other.
cat >"$work/half.c" <<'EOF'
#include <stdio.h>
int main(int count, char **words) {
  char text[8];
  snprintf(text, (size_t)count, "%s", words[0]);
  return puts(text);
}
EOF
"${CC:-cc}" -O2 -w -fstack-protector-all -U_FORTIFY_SOURCE "$work/half.c" -o "$work/protected"
"${CC:-cc}" -O2 -w -fno-stack-protector -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 "$work/half.c" -o "$work/fortified"
is 'with stack protector' "$work/protected" || fail 'a protected file does not pass as with stack protector'
if is 'with FORTIFY' "$work/protected"; then fail 'a protected file passes as with FORTIFY'; fi
is 'with FORTIFY' "$work/fortified" || fail 'a fortified file does not pass as with FORTIFY'
if is 'with stack protector' "$work/fortified"; then fail 'a fortified file passes as with stack protector'; fi
exit $failed
