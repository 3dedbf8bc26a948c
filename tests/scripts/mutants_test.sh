#!/bin/sh
# Whether each mutant of the fault harness still applies to the library as it is; ./dev fault --mutants
# lets the harness look for them.
set -eu
command -v patch >/dev/null || exit 77
cd "${REDILOCK_SOURCE_DIR:?}"
failed=0
for mutant in tests/fault/mutants/*.patch; do
  patch -s -f -p1 --dry-run -i "$mutant" || {
    echo "$mutant does not apply"
    failed=1
  }
done
exit $failed
