#!/bin/sh
# The Java binding is built by Maven with the installed library, without warnings: its tests pass, its examples run, and
# Javadoc has nothing to say. The code of its README is that of the examples.
# shellcheck disable=SC1091,SC2154
. "$REDILOCK_SOURCE_DIR/tests/support/cli.sh"

skip() {
  echo "skipped: $*"
  exit 77
}
[ -z "${REDILOCK_SANITIZE:-}" ] || skip "Java cannot load a library with sanitizers"
for tool in java javac mvn swig pkg-config "${CC:-cc}"; do
  command -v "$tool" >/dev/null || skip "there is no $tool"
done
work=$REDILOCK_BUILD_DIR/java
rm -rf "$work"
"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$work/usr" >"$dir/out"
LD_LIBRARY_PATH=$(dirname "$(find "$work/usr" -name libredilock.so.0)")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
SWIG_FLAGS="-Wall -Werror"
CFLAGS="-O1 -Wall -Wextra -Werror"
export LD_LIBRARY_PATH PKG_CONFIG_PATH SWIG_FLAGS CFLAGS
mkdir "$work/bindings"
cp -R "$REDILOCK_SOURCE_DIR/bindings/java" "$REDILOCK_SOURCE_DIR/bindings/swig" "$work/bindings"
rm -rf "$work/bindings/java/target"
cd "$work/bindings/java" || exit

if ! mvn -B --no-transfer-progress -Dmaven.compiler.failOnWarning=true package javadoc:javadoc >"$dir/out" 2>&1; then
  cat "$dir/out"
  if [ -z "${CI:-}" ] && grep -q 'Could not \(transfer\|resolve\)\|Could not find artifact' "$dir/out"; then
    skip "the plugins and libraries of the registry cannot be had"
  fi
  fail "the jar, its tests or Javadoc"
fi
grep -E 'Tests run:.* in |waiters:|interrupt ' "$dir/out"
tests=$(cat src/test/java/io/redilock/*Test.java | grep -c '^  @Test$')
contains "$dir/out" "Tests run: $tests, Failures: 0, Errors: 0, Skipped: 0"
jar=$(find "$PWD/target" -name 'redilock-*.jar')

start_server
expect 0 java -cp "$jar" examples/Report.java
contains "$dir/out" "report written with fence "
is_free report || fail "the example left its lock behind"
expect 0 java -cp "$jar" examples/Tour.java
cat "$dir/out"
contains "$dir/out" "import with fence "

# Without the library in the jar, the one of java.library.path is loaded.
mkdir "$work/library"
mv target/classes/io/redilock/libredilock_java.so "$work/library"
expect 0 java "-Djava.library.path=$work/library" -cp target/classes examples/Report.java
expect 1 java -cp target/classes examples/Report.java
contains "$dir/err" "no redilock_java in java.library.path"

# The first block of the README is an example, and each line of the others is one of the tour.
blocks() { awk '$0 == "```java" { n++; on = 1; next } /^```$/ { on = 0 } on { print n "\t" $0 }' README.md; }
blocks | sed -n 's/^1\t//p' | diff - examples/Report.java ||
  fail "the program of README.md (-) is not examples/Report.java (+)"
blocks | grep -v '^1	' | cut -f 2- | sed 's/^ *//' >"$dir/lines"
[ "$(wc -l <"$dir/lines")" -ge 20 ] || fail "README.md has hardly an example"
while read -r line; do
  grep -qF -e "$line" examples/Tour.java || fail "examples/Tour.java has not this line of README.md: $line"
done <"$dir/lines"
