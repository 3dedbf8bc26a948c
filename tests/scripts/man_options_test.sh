#!/bin/sh
# redilock(3) says of each option and each statistic what the library says, and leaves out no function, no
# status and no other constant of the header; redilock_constant() knows each of the numbers. With --print,
# it prints the options, and with --print statistics the statistics, as they have to stand between the
# page's marks.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
library=${REDILOCK_LIBRARY:?the shared library}
page=$REDILOCK_SOURCE_DIR/docs/redilock.3
include=$REDILOCK_SOURCE_DIR/capi/include
header=$include/redilock/redilock.h
failed=0
fail() {
  echo "failed: $*"
  failed=1
}

cat >"$work/table.c" <<'END'
#include <redilock/redilock.h>
#include <stdio.h>
#include <string.h>
/* In mdoc each sentence has its own line. */
static void print_sentences(const char *text) {
  for (; *text != '\0'; ++text) {
    const int ends = strncmp(text, ". ", 2) == 0;
    fputs(ends ? ".\n" : "", stdout);
    if (ends) ++text;
    else putchar(*text);
  }
  putchar('\n');
}
static void print_statistics(void) {
  size_t i;
  for (i = 0; i < redilock_stat_count(); ++i) {
    printf(".It Cm %s\n", redilock_stat_name(i));
    print_sentences(redilock_stat_doc(i));
  }
}
int main(int count, char **arguments) {
  size_t i;
  (void)arguments;
  if (count > 1) {
    print_statistics();
    return 0;
  }
  for (i = 0; i < redilock_option_count(); ++i) {
    const char *scope = redilock_option_scope(i), *value = redilock_option_default(i);
    printf(".It Cm %s\n", redilock_option_name(i));
    printf("Of type %s, for %s", redilock_option_type(i),
           strcmp(scope, "client") == 0 ? "a client" :
           strcmp(scope, "operation") == 0 ? "an operation" : "both");
    if (*value != '\0') printf(", by default\n.Li %s .\n", value);
    else printf(".\n");
    print_sentences(redilock_option_doc(i));
    if (*redilock_option_calls(i) != '\0') printf("Read by %s.\n", redilock_option_calls(i));
  }
  return 0;
}
END
sanitize=${REDILOCK_SANITIZE:+-fsanitize=$REDILOCK_SANITIZE}
# run PROGRAM [ARGUMENT]: compiles PROGRAM.c with the library and runs it.
run() {
  program=$1
  shift
  # shellcheck disable=SC2086
  "${CC:-cc}" -std=c89 -Wall -Wextra -Werror $sanitize -I"$include" -o "$work/$program" "$work/$program.c" \
    "$library"
  LD_LIBRARY_PATH=${library%/*} "$work/$program" "$@"
}
run table >"$work/options"
run table statistics >"$work/statistics"
if [ "${1:-}" = --print ]; then
  cat "$work/${2:-options}"
  exit
fi
for list in options statistics; do
  [ "$(grep -c '^\.It Cm ' "$work/$list")" -ge 10 ] || fail "the library has hardly any $list"
  sed "1,/^\.\\\\\" $list: begin\$/d; /^\.\\\\\" $list: end\$/,\$d" "$page" >"$work/written"
  diff -u "$work/written" "$work/$list" ||
    fail "the $list of redilock.3 (-) are not those of the library (+); see $0 --print $list"
done

sed -n '/^REDILOCK_API/,/;$/p' "$header" | grep -o 'redilock_[a-z_]*(' | tr -d '(' |
  sort -u >"$work/functions"
[ "$(wc -l <"$work/functions")" -ge 40 ] || fail "the header has hardly any function"
while read -r function; do
  awk '/^\.Sh SYNOPSIS/ { on = 1 } /^\.Sh DESCRIPTION/ { on = 0 } on' "$page" |
    grep -Eq "^\.F[no] $function( |\$)" || fail "the synopsis lacks $function"
  awk '/^\.Sh DESCRIPTION/ { on = 1 } on' "$page" |
    grep -Eq "^\.(It )?Fn $function( |\$)" || fail "the description lacks $function"
done <"$work/functions"
grep -Eo '^  REDILOCK_E_[A-Z_]+' "$header" | tr -d ' ' >"$work/statuses"
while read -r status; do
  grep -q "^\.It Bq Dv $status\$" "$page" || fail "the errors lack $status"
done <"$work/statuses"
{
  sed -n 's/^#define \(REDILOCK_[A-Z_]*\) .*/\1/p' "$header" | grep -Ev '_(API|CHECK)$'
  sed -n 's/^  \(REDILOCK_[A-Z_]*\) = .*/\1/p' "$header"
} >"$work/constants"
[ "$(wc -l <"$work/constants")" -ge 30 ] || fail "the header has hardly any constant"
while read -r constant; do
  awk '/^\.Sh DESCRIPTION/ { on = 1 } on' "$page" | grep -Eq "^\.(It Bq )?Dv $constant( |\$)" ||
    fail "the page lacks $constant"
done <"$work/constants"
{
  echo '#include <redilock/redilock.h>'
  echo '#include <stdio.h>'
  echo 'int main(void) {'
  echo '  int failed = 0;'
  echo '  int64_t value;'
  grep -v '_STRING$' "$work/constants" | while read -r constant; do
    echo "  if (redilock_constant(\"$constant\", &value) != REDILOCK_OK || value != $constant)"
    echo "    failed = !!puts(\"$constant\");"
  done
  echo '  return failed;'
  echo '}'
} >"$work/numbers.c"
run numbers || fail "redilock_constant() does not know the numbers above"

if command -v mandoc >/dev/null; then
  for file in "$REDILOCK_SOURCE_DIR"/docs/*.[1-9]; do
    # Only what may break the layout counts; style may differ.
    mandoc -T lint -W warning "$file" || fail "$file has faults"
  done
fi
exit $failed
