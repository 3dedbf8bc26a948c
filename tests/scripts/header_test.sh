#!/bin/sh
# The header compiles by itself, pedantically and without a warning, as C89 and as C++98: with the
# oldest languages a caller may have. C++98 knows no long long, of which int64_t may be made; system
# headers are exempt from that complaint.
set -eu
include=$REDILOCK_SOURCE_DIR/capi/include
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo '#include <redilock/redilock.h>' >"$work/use.c"
echo 'int main(void) { return redilock_version() == 0 || REDILOCK_TTL_MAX < 0; }' >>"$work/use.c"
cp "$work/use.c" "$work/use.cpp"

failed=0
check() {
  if ! "$@" -pedantic -Wall -Wextra -Werror -I "$include" -fsyntax-only; then
    echo "failed: $*"
    failed=1
  fi
}
for compiler in gcc clang; do
  command -v $compiler >/dev/null || continue
  check $compiler -std=c89 "$work/use.c"
  check $compiler -std=c99 "$work/use.c"
done
for compiler in g++ clang++; do
  command -v $compiler >/dev/null || continue
  check $compiler -std=c++98 "$work/use.cpp"
  check $compiler -std=c++17 "$work/use.cpp"
done

# The check can fail: a header with a mistake must not pass.
sed 's/^enum redilock_state {/&\n  REDILOCK_STATE_MISTAKE = 9,,/' \
  "$include/redilock/redilock.h" >"$work/redilock.h"
sed 's,redilock/redilock.h,redilock.h,' "$work/use.c" >"$work/mistake.c"
if "${CC:-cc}" -std=c89 -I "$work" -fsyntax-only "$work/mistake.c" 2>/dev/null; then
  echo 'a broken header went through'
  failed=1
fi
exit $failed
