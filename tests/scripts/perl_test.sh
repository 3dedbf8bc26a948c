#!/bin/sh
# The Perl binding is built, tested and installed by its own Makefile.PL with the installed library, and
# its examples run. The program of its README is the example.
# shellcheck disable=SC1091,SC2016,SC2154
. "$REDILOCK_SOURCE_DIR/tests/support/cli.sh"

skip() {
  echo "skipped: $*"
  exit 77
}
[ -z "${REDILOCK_SANITIZE:-}" ] || skip "Perl cannot load a library with sanitizers"
for tool in perl swig pkg-config make; do
  command -v "$tool" >/dev/null || skip "there is no $tool"
done
perl -MConfig -e 'exit !-e "$Config{archlibexp}/CORE/perl.h"' || skip "there are no headers of Perl"
perl -MExtUtils::MakeMaker -MTest::More -e 1 2>/dev/null || skip "Perl's own modules are missing"
start_server
"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$dir/usr" >"$dir/out"
LD_LIBRARY_PATH=$(dirname "$(find "$dir/usr" -name libredilock.so.0)")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
export LD_LIBRARY_PATH PKG_CONFIG_PATH
binding=$REDILOCK_SOURCE_DIR/bindings/perl

mkdir "$dir/bindings"
cp -R "$binding" "$binding/../swig" "$dir/bindings"
(
  cd "$dir/bindings/perl"
  perl Makefile.PL "INSTALL_BASE=$dir/perl" "OPTIMIZE=-O1" && make && make install
) >"$dir/out" 2>&1 || {
  cat "$dir/out"
  fail "the module does not build"
}
PERL5LIB=$dir/perl/lib/perl5
export PERL5LIB
perl -w "$binding/t/smoke.t" >"$dir/out" || {
  cat "$dir/out"
  fail "the tests of the Perl binding"
}
grep '^ok' "$dir/out"
[ "$(grep -c '^ok' "$dir/out")" -eq "$(grep -c '^subtest' "$binding/t/smoke.t")" ] || fail "not all tests ran"

for example in report loop; do
  expect 0 perl -w "$binding/examples/$example.pl"
  cat "$dir/out"
done
is_free report || fail "the example left its lock behind"
podchecker "$binding/lib/Redilock.pm" 2>"$dir/err" || fail "the manual: $(cat "$dir/err")"
sed -n '/^```perl$/,/^```$/p' "$binding/README.md" | sed '/^```/d' | diff - "$binding/examples/report.pl" ||
  fail "the program of README.md (-) is not examples/report.pl (+)"
