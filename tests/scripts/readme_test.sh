#!/bin/sh
# The examples of README.md work: its C and Python are taken out of it and run against a server, its
# command is run, and the files it points to exist.
# shellcheck disable=SC1091,SC2016,SC2154
. "$(dirname "$0")/../support/cli.sh"
start_server

readme=$REDILOCK_SOURCE_DIR/README.md
library=${REDILOCK_LIBRARY:?the shared library}
# block LANGUAGE: the one fenced block of that language.
block() {
  [ "$(grep -c "^\`\`\`$1\$" "$readme")" -eq 1 ] || fail "README.md has not exactly one block of $1"
  awk -v fence="\`\`\`$1" '$0 == fence { on = 1; next } /^```$/ { on = 0 } on' "$readme"
}
runs() {
  expect 0 env LD_LIBRARY_PATH="${library%/*}" "$@"
  grep -Eq '^mine for 30 s, fence [1-9][0-9]{14,15}$' "$dir/out" || {
    cat "$dir/out"
    fail "unexpected output of $1"
  }
  is_free nightly || fail "$1 left the lock behind"
}

block c >"$dir/job.c"
# A library with sanitizers wants a program that has them too.
sanitize=${REDILOCK_SANITIZE:+-fsanitize=$REDILOCK_SANITIZE}
# shellcheck disable=SC2086
"${CC:-cc}" -std=c99 -pedantic -Wall -Wextra -Werror $sanitize \
  -I"$REDILOCK_SOURCE_DIR/capi/include" -o "$dir/job" "$dir/job.c" "$library"
runs "$dir/job"

block python >"$dir/job.py"
if [ -n "${REDILOCK_PYTHON:-}" ]; then
  PYTHONPATH=$REDILOCK_PYTHON_PATH PYTHONDONTWRITEBYTECODE=1
  export PYTHONPATH PYTHONDONTWRITEBYTECODE
  runs "$REDILOCK_PYTHON" "$dir/job.py"
else
  echo "the Python package was not built: its example is not run"
fi

# The programs of the other languages are those of their own pages, whose tests run them.
for pair in c++:cxx go:go rust:rust java:java lua:lua perl:perl; do
  page=$REDILOCK_SOURCE_DIR/bindings/${pair#*:}/README.md
  block "${pair%:*}" >"$dir/program"
  awk -v fence="\`\`\`${pair%:*}" '$0 == fence && !done { on = 1; next } /^```$/ && on { on = 0; done = 1 } on' \
    "$page" | diff - "$dir/program" || fail "the program of ${pair%:*} is not that of $page (-)"
done

# The command, with its ./job.
printf '#!/bin/sh\necho "$REDILOCK_NAME $REDILOCK_FENCE"\n' >"$dir/job.sh"
chmod +x "$dir/job.sh"
command_line=$(sed -n 's/^redilock \(run .*\) \.\/job$/\1/p' "$readme")
[ -n "$command_line" ] || fail "README.md has no redilock run"
# shellcheck disable=SC2086
expect 0 "$redilock" $command_line "$dir/job.sh"
grep -Eq '^nightly [1-9][0-9]{14,15}$' "$dir/out" || fail "unexpected: $(cat "$dir/out")"

grep -o '](\([^)#]*\)' "$readme" | cut -c3- | sort -u >"$dir/links"
[ "$(wc -l <"$dir/links")" -ge 4 ] || fail "README.md points to hardly anything"
while read -r file; do
  [ -e "$REDILOCK_SOURCE_DIR/$file" ] || fail "README.md points to $file, which is not there"
done <"$dir/links"
for name in demo test bench; do
  grep -q "^  $name " "$REDILOCK_SOURCE_DIR/dev" || fail "./dev has no $name"
done
grep -o -e '--only [a-z_]*' "$readme" | cut -d' ' -f2 | sort -u >"$dir/parts"
while read -r part; do
  [ "$part" != python ] || continue # which ./dev itself knows
  grep -qF "{\"$part\"," "$REDILOCK_SOURCE_DIR/tests/bench/main.cpp" || fail "no benchmark of $part"
done <"$dir/parts"
