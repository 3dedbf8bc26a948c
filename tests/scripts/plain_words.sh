#!/bin/sh
# Refuses misspelled words in the whole tree, and words to avoid (tests/support/words_to_avoid.txt) in the pages
# and folders of tests/support/plain_pages.txt. With --count, counts each word to avoid in the whole tree instead.
# Spelling is checked if codespell is installed; tests/support/spelling.txt has words that it takes for mistakes.
set -eu
cd "${REDILOCK_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}"
words=tests/support/words_to_avoid.txt
tab=$(printf '\t')

# The words to avoid in the files given, as FILE:LINE:WORD: what to write.
avoided() {
  grep -v '^#' "$words" | while IFS="$tab" read -r word better; do
    grep -rIHniowE -e "$word" -- "$@" | sed "s|\$|: $better|" || true
  done
}

if [ "${1:-}" = --count ]; then
  grep -v '^#' "$words" | cut -f 1 | while IFS= read -r word; do
    printf '%5d %s\n' "$(git ls-files | grep -vFx "$words" | xargs grep -IiowhE -e "$word" -- | wc -l)" "$word"
  done
  exit
fi

failed=0
# shellcheck disable=SC2046
set -- $(grep -v '^#' tests/support/plain_pages.txt)
[ $# -ge 10 ] || { echo "plain_pages.txt names only $# pages" && failed=1; }
for page in "$@"; do
  [ -e "$page" ] || { echo "plain_pages.txt names $page, which does not exist" && exit 1; }
done
found=$(avoided "$@")
if [ -n "$found" ]; then
  echo "words to avoid:"
  echo "$found"
  failed=1
fi
if command -v codespell >/dev/null; then
  codespell -I tests/support/spelling.txt --skip './build,./.git,./.cache,./tests/fuzz/corpus,*.abi,go.sum' . || failed=1
fi

# The checks can fail.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'Whoever was told of it asks anew.' >"$work/bad"
[ "$(avoided "$work/bad" | wc -l)" -eq 3 ] || { echo 'the check misses words to avoid' && failed=1; }
exit $failed
