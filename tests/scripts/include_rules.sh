#!/bin/sh
# The arrows of the layers: cli and bindings include redilock/redilock.h alone of the project; capi
# stands on cxx; within cxx, client is on lock, wire and values, lock and wire each on values alone,
# values on nothing. hiredis is included in cxx/wire alone. No two units (a header with its source)
# include each other, also not in a circle of several.
set -eu

# The includes in tree $1, each as "file header".
includes() {
  (
    cd "$1"
    find capi cxx cli bindings -type f \( -name '*.[ch]' -o -name '*.cpp' -o -name '*.hpp' \) \
      2>/dev/null | sort | while read -r file; do
      sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]\([^">]*\)[">].*/\1/p' "$file" |
        sed "s|^|$file |"
    done
  )
}

# The includes in tree $1 that break a rule, each as "file: include".
broken_rules() {
  includes "$1" | (
    cd "$1"
    while read -r file header; do
      allowed "$1" "$file" "$header" || echo "$file: $header"
    done
  )
}

# The units of tree $1 that are in a circle.
circles() {
  includes "$1" | (
    cd "$1"
    while read -r file header; do
      target=$(home "$1" "$file" "$header")
      unit=${file%.*}
      [ -z "$target" ] || [ "$unit" = "${target%.*}" ] || echo "$unit ${target%.*}"
    done
  ) | tsort 2>&1 >/dev/null | sed -n 's/^tsort: \(.*[a-z]\)$/\1/p'
}

# Where header $3, included by file $2, stands in tree $1; empty for the system's.
home() {
  case $3 in
    *../*) ;;
    *)
      for folder in cxx capi/include; do
        [ ! -e "$folder/$3" ] || { echo "$folder/$3" && return; }
      done
      ;;
  esac
  if [ -e "${2%/*}/$3" ]; then
    realpath --relative-to="$1" "${2%/*}/$3"
  fi
}

allowed() {
  header=$3
  case $2:$header in
    cxx/wire/*:hiredis/* | cxx/wire/*:hiredis.h) return 0 ;;
    *:hiredis/* | *:hiredis*.h | *:sds.h | *:read.h | *:async.h) return 1 ;;
    cxx/*:scripts/embedded.hpp) header=cxx/scripts/ ;;
    *:scripts/embedded.hpp) return 1 ;;
    *) header=$(home "$1" "$2" "$3") ;;
  esac
  case $2:$header in
    *:) return 0 ;;
    cxx/values/*:cxx/values/*) return 0 ;;
    cxx/wire/*:cxx/values/* | cxx/wire/*:cxx/wire/*) return 0 ;;
    cxx/lock/*:cxx/values/* | cxx/lock/*:cxx/lock/*) return 0 ;;
    cxx/lock/*:cxx/scripts/* | cxx/client*:cxx/scripts/*) return 0 ;;
    cxx/client*:cxx/values/* | cxx/client*:cxx/wire/* | cxx/client*:cxx/lock/*) return 0 ;;
    cxx/client*:cxx/client*) return 0 ;;
    capi/include/*) return 1 ;;
    capi/*:cxx/* | capi/*:capi/*) return 0 ;;
    cli/*:capi/include/redilock/redilock.h | cli/*:cli/*) return 0 ;;
    bindings/*:capi/include/redilock/redilock.h | bindings/*:bindings/*) return 0 ;;
  esac
  return 1
}

source_dir=${REDILOCK_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
failed=0
broken=$(broken_rules "$source_dir")
if [ -n "$broken" ]; then
  echo "these includes go against the layers:"
  echo "$broken"
  failed=1
fi

circle=$(circles "$source_dir")
if [ -n "$circle" ]; then
  echo "these units include each other:"
  echo "$circle"
  failed=1
fi

# The check can fail: a tree with nothing but offences, and one of each that is right.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir -p cxx/values cxx/wire cxx/lock cxx/client capi/include/redilock cli bindings/python
touch cxx/values/v.hpp cxx/wire/w.hpp cxx/lock/l.hpp cxx/client/c.hpp capi/handle.hpp \
  capi/include/redilock/redilock.h cli/args.hpp
say() { for header in "$@"; do echo "#include \"$header\""; done; }
say wire/w.hpp ../wire/w.hpp hiredis/hiredis.h redilock/redilock.h >cxx/values/bad.cpp
say lock/l.hpp client/c.hpp >cxx/wire/bad.cpp
say client/c.hpp wire/w.hpp hiredis/read.h >cxx/lock/bad.cpp
say redilock/redilock.h ../../capi/handle.hpp read.h >cxx/client/bad.cpp
say hiredis/hiredis.h ../cli/args.hpp >capi/bad.cpp
say values/v.hpp ../cxx/values/v.hpp ../capi/handle.hpp hiredis/hiredis.h >cli/bad.cpp
say client/c.hpp scripts/embedded.hpp >bindings/python/bad.c
offences=$(cat cxx/*/bad.cpp capi/bad.cpp cli/bad.cpp bindings/python/bad.c | wc -l)
say values/v.hpp string >cxx/values/good.cpp
say values/v.hpp wire/w.hpp hiredis/hiredis.h sys/socket.h >cxx/wire/good.cpp
say values/v.hpp lock/l.hpp l.hpp scripts/embedded.hpp >cxx/lock/good.cpp
say values/v.hpp wire/w.hpp lock/l.hpp client/c.hpp >cxx/client/good.cpp
say redilock/redilock.h client/c.hpp handle.hpp >capi/good.cpp
say redilock/redilock.h args.hpp cstdio >cli/good.cpp
found=$(broken_rules "$work")
if [ "$(echo "$found" | wc -l)" -ne "$offences" ] || echo "$found" | grep good; then
  echo "of $offences offences, these were found:"
  echo "$found"
  failed=1
fi
say lock/m.hpp >cxx/lock/l.hpp
touch cxx/lock/m.hpp
if [ -n "$(circles "$work")" ]; then
  echo "a circle was found where there is none"
  failed=1
fi
say lock/l.hpp >cxx/lock/m.cpp
if [ "$(circles "$work" | sort | tr '\n' ' ')" != "cxx/lock/l cxx/lock/m " ]; then
  echo "the circle of two units was not found: $(circles "$work")"
  failed=1
fi
exit $failed
