#!/bin/sh
# Help, version, completion and man page know the same commands and options. Needs no server.
# The variables are set in cli.sh, and many quoted scripts are for a shell further down.
# shellcheck disable=SC1091,SC2154,SC2016,SC2012,SC1003
. "$(dirname "$0")/../support/cli.sh"
root=$(cd "$(dirname "$0")/../.." && pwd)

expect 0 "$redilock" --help
contains "$dir/out" 'Usage: redilock'
commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$dir/out")
for command in run acquire release extend show list break check demo bench; do
  echo "$commands" | grep -qx "$command" || fail "$command is not in --help"
done
expect 0 "$redilock" help
expect 0 "$redilock" version
expect 0 "$redilock" --version
grep -Eq '^redilock [0-9]+\.[0-9]+\.[0-9]+$' "$dir/out" || fail "unexpected version"
expect 0 "$redilock" help options
contains "$dir/out" timeout

for command in $commands; do
  expect 0 "$redilock" "$command" --help
  contains "$dir/out" "Usage: redilock $command"
  cp "$dir/out" "$dir/help"
  expect 0 "$redilock" help "$command"
  cmp "$dir/out" "$dir/help" || fail "help $command and $command --help differ"
  grep -qx "[.]Cm $command" "$root/docs/redilock.1" ||
    fail "$command is not in the man page"
  sed -n 's/^  \(-.,\|   \) --\([a-z-]*\).*/\2/p' "$dir/help" >"$dir/options"
  [ "$(wc -l <"$dir/options")" -ge 4 ] || fail "hardly an option in the help of $command"
  sed -n 's/^  -\(.\), .*/\1/p' "$dir/help" >"$dir/letters"
  while read -r letter; do
    grep -q "[.]\(It\|Pq\) Fl $letter" "$root/docs/redilock.1" || fail "-$letter is not in the man page"
  done <"$dir/letters"
  while read -r option; do
    contains "$root/cli/redilock.bash" "--$option"
    grep -q "Fl -$option" "$root/docs/redilock.1" || fail "--$option is not in the man page"
  done <"$dir/options"
done

# completion, as bash would ask for it
command -v bash >/dev/null || exit 0
# complete_words WORD...: the answers for the last of the words, one a line.
complete_words() {
  bash --norc -uc '
    . "$1"; shift
    COMP_WORDS=(redilock "$@"); COMP_CWORD=$#; COMPREPLY=()
    _redilock redilock "${!#}" ""
    printf "%s\n" "${COMPREPLY[@]-}"' - "$root/cli/redilock.bash" "$@" >"$dir/out" 2>"$dir/err"
  [ ! -s "$dir/err" ] || fail "completion says: $(cat "$dir/err")"
}
complete_words ''
for command in $commands; do
  grep -qx "$command *" "$dir/out" || fail "completion does not know $command"
done
complete_words rel
[ "$(tr -d ' ' <"$dir/out")" = release ] || fail "rel gives $(cat "$dir/out")"
complete_words run --max
[ "$(tr -d ' ' <"$dir/out")" = --max-hold ] || fail "run --max gives $(cat "$dir/out")"
complete_words run job -- tru
grep -q '^true' "$dir/out" || fail "no commands after --"

# names come from the server
start_server
PATH="$(dirname "$redilock"):$PATH"
"$redilock" acquire backup:db >/dev/null
"$redilock" acquire backup:files >/dev/null
complete_words show backup:f
grep -q 'files' "$dir/out" || fail "no names of locks"
