#!/bin/sh
# The patches that break the library on purpose still apply: ./dev fault --mutants and ./dev mutants, which
# take too long for every change, would end at the first that does not.
set -eu
cd "$REDILOCK_SOURCE_DIR"
count=0 failed=0
for patch in tests/fault/mutants/*.patch tests/mutants/*.patch; do
  count=$((count + 1))
  patch --dry-run -s -p1 -i "$patch" >/dev/null || {
    echo "does not apply: $patch"
    failed=1
  }
done
echo "$count patches"
[ $count -gt 30 ] || failed=1
exit $failed
