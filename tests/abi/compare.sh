#!/bin/sh
# compare.sh BASELINE NOW: fails and tells the change where NOW is not BASELINE with additions: new
# functions, new constants at the end of an enum, new types. Removed, renamed and changed things are
# refused, those that old programs might get away with too.
set -eu
status=0
told=$(abidiff --no-architecture --non-reachable-types --no-added-syms "$1" "$2") || status=$?
# Its exit status counts a new type as a change; 1 and 2 are its own failures.
if [ $((status & 3)) -eq 0 ] && ! echo "$told" | sed 's/ ([^)]*)//g' |
  grep 'summary:' | grep -qiE '[1-9][0-9]* (removed|changed)'; then
  exit 0
fi
echo "$told"
exit 1
