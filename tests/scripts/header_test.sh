#!/bin/sh
# The header compiles by itself, pedantically and without a warning, in each version of C and C++ that a
# caller may use, from C89 and C++98 on. C++98 knows no long long, of which int64_t may be made; system
# headers are exempt from that complaint. Python's cffi and LuaJIT read what the preprocessor makes of it,
# and find each function and each number in the library; bindgen reads the header itself for Rust. What is not
# installed is skipped.
set -eu
include=$REDILOCK_SOURCE_DIR/capi/include
header=$include/redilock/redilock.h
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
  echo "failed: $*"
  failed=1
}
there() {
  command -v "$1" >/dev/null || {
    echo "skipped: there is no $1"
    return 1
  }
}

echo '#include <redilock/redilock.h>' >"$work/use.c"
echo 'int main(void) { return redilock_version() == 0 || REDILOCK_TTL_MAX < 0; }' >>"$work/use.c"
cp "$work/use.c" "$work/use.cpp"
: >"$work/empty.c"
: >"$work/empty.cpp"

# check LANGUAGE COMPILER STANDARD...
check() {
  language=$1 compiler=$2
  shift 2
  there "$compiler" || return 0
  for standard in "$@"; do
    if ! "$compiler" "-std=$standard" -fsyntax-only "$work/empty.$language" 2>/dev/null; then
      echo "skipped: $compiler does not know $standard"
    elif ! "$compiler" "-std=$standard" -pedantic -Wall -Wextra -Werror -I "$include" -fsyntax-only \
      "$work/use.$language"; then
      fail "$compiler -std=$standard"
    fi
  done
}
# c2x is C23 and c++2a is C++20, by the names that older compilers know as well.
for compiler in gcc clang; do check c $compiler c89 c99 c11 c17 c2x; done
for compiler in g++ clang++; do check cpp $compiler c++98 c++03 c++11 c++14 c++17 c++2a; done

# The check can fail: a header with a mistake must not pass.
mkdir -p "$work/wrong/redilock"
sed 's/^enum redilock_state {/&\n  REDILOCK_STATE_MISTAKE = = 9,/' "$header" >"$work/wrong/redilock/redilock.h"
if "${CC:-cc}" -std=c89 -I "$work/wrong" -fsyntax-only "$work/use.c" 2>/dev/null; then
  fail 'a broken header went through'
fi

# The parsers know the types of stdint.h, but not what compilers make them of.
preprocess() {
  grep -v '^#include <std' "$1" | "${CC:-cc}" -E -P -DREDILOCK_API= -DREDILOCK_CHECK= -x c -
}
preprocess "$header" >"$work/plain.h"
preprocess "$work/wrong/redilock/redilock.h" >"$work/wrong.h"
grep -o 'redilock_[a-z_]*(' "$work/plain.h" | tr -d '(' | sort -u >"$work/functions"
sed -n 's/^ *\(REDILOCK_[A-Z_]*\) = .*/\1/p' "$work/plain.h" >"$work/numbers"
if [ "$(wc -l <"$work/functions")" -lt 40 ] || [ "$(wc -l <"$work/numbers")" -lt 20 ]; then
  fail 'the preprocessor left hardly anything of the header'
fi

cat >"$work/parse.py" <<'END'
import sys
import cffi

ffi = cffi.FFI()
ffi.cdef(open(sys.argv[1]).read())
if len(sys.argv) > 2:
    library = ffi.dlopen(sys.argv[2])
    for name in open(sys.argv[3]).read().split():
        getattr(library, name)
    value = ffi.new("int64_t *")
    for name in open(sys.argv[4]).read().split():
        assert library.redilock_constant(name.encode(), value) == 0 and value[0] == getattr(library, name), name
END
cat >"$work/parse.lua" <<'END'
local ffi = require("ffi")
ffi.cdef(assert(io.open(arg[1])):read("*a"))
if arg[2] then
  local library, value = ffi.load(arg[2]), ffi.new("int64_t[1]")
  for name in io.lines(arg[3]) do local _ = library[name] end
  for name in io.lines(arg[4]) do
    assert(library.redilock_constant(name, value) == 0 and value[0] == library[name], name)
  end
end
END

# parses NAME COMMAND...: a library with sanitizers is not loaded into programs that have none.
parses() {
  parser=$1
  shift
  if [ -n "${REDILOCK_SANITIZE:-}" ]; then
    "$@" "$work/plain.h" || fail "$parser does not read the header"
  else
    "$@" "$work/plain.h" "$REDILOCK_LIBRARY" "$work/functions" "$work/numbers" ||
      fail "$parser does not read the header, or does not find it in the library"
  fi
  if "$@" "$work/wrong.h" 2>/dev/null; then fail "$parser reads a broken header"; fi
}
python=${REDILOCK_PYTHON:-python3}
if ! "$python" -c 'import cffi' 2>/dev/null; then echo 'skipped: Python has no cffi'; else
  parses cffi "$python" "$work/parse.py"
fi
if there luajit; then parses LuaJIT luajit "$work/parse.lua"; fi

if there bindgen; then
  bindgen "$header" >"$work/redilock.rs" || fail 'bindgen does not read the header'
  while read -r function; do
    grep -q "pub fn $function(" "$work/redilock.rs" || fail "bindgen has no $function"
  done <"$work/functions"
  while read -r number; do
    grep -q "const [a-z_]*$number: " "$work/redilock.rs" || fail "bindgen has no $number"
  done <"$work/numbers"
  if there rustc; then
    rustc --crate-type lib -A warnings -o "$work/redilock.rlib" "$work/redilock.rs" ||
      fail 'rustc does not take what bindgen makes of the header'
  fi
  if bindgen "$work/wrong/redilock/redilock.h" >/dev/null 2>&1; then fail 'bindgen reads a broken header'; fi
fi
exit $failed
