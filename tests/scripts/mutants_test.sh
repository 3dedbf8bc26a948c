#!/bin/sh
# Whether each mutant still applies to the library as it is, and the cases that some of them name exist. To
# look for the mistakes is the business of ./dev fault --mutants and ./dev mutants.
set -eu
command -v patch >/dev/null || exit 77
cd "${REDILOCK_SOURCE_DIR:?}"
failed=0
for mutant in tests/fault/mutants/*.patch tests/mutants/*.patch; do
  patch -s -f -p1 --dry-run -i "$mutant" || {
    echo "$mutant does not apply"
    failed=1
  }
done
cases=$(sed -n 's/^test: [^ ]* //p' tests/mutants/*.patch | sort -u)
for name in $cases; do
  grep -rqE "(cmocka_unit_test[a-z_]*|CASE)\(${name}[,)]" tests/unit tests/server || {
    echo "no test has a case $name"
    failed=1
  }
done
exit $failed
