#!/bin/sh
# An installed redilock is found and used in each of the ways there are: pkg-config, shared and static,
# find_package, both again, and dlopen with dlsym alone; from a DESTDIR, and from a prefix of its own
# that was moved afterwards. The programs are C89 and see nothing of the build tree. The installed pages
# link to what is installed, and each function has a manual page.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset PKG_CONFIG_PATH PKG_CONFIG_LIBDIR LD_LIBRARY_PATH CMAKE_PREFIX_PATH DESTDIR
cc=${CC:-cc}
# A library with sanitizers wants a program that has them too.
flags="-std=c89 -pedantic -Wall -Wextra -Werror"
[ -z "${REDILOCK_SANITIZE:-}" ] || flags="$flags -fsanitize=$REDILOCK_SANITIZE"
version=$(sed -n 's/^#define REDILOCK_VERSION_STRING "\(.*\)"$/\1/p' \
  "$REDILOCK_SOURCE_DIR/capi/include/redilock/redilock.h")
failed=0
fail() {
  echo "failed: $*"
  failed=1
}

# To connect in vain takes most of the library, and with the static one all that it needs.
cat >linked.c <<'EOF'
#include <redilock/redilock.h>
#include <stdio.h>
int main(void) {
  redilock_client_t *client = NULL;
  redilock_lock_t *lock = NULL;
  char error[200];
  printf("%s: %s\n", redilock_version(), redilock_strerror(REDILOCK_E_HELD));
  if (redilock_new("unix:///nowhere/s?timeout=50ms", NULL, &client, error, sizeof error) != 0) {
    return 1;
  }
  if (redilock_acquire(client, "name", 4, 1000, 0, &lock, NULL, 0) != REDILOCK_E_UNAVAILABLE) return 2;
  redilock_free(client);
  return 0;
}
EOF
# The library is linked with nodelete: what was found in it stands after a dlclose.
cat >loaded.c <<'EOF'
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
  const char *(*version)(void) = NULL;
  const char *(*text)(int) = NULL;
  int round;
  for (round = 0; argc == 2 && round < 2; ++round) {
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
    *(void **)&version = dlsym(library, "redilock_version");
    *(void **)&text = dlsym(library, "redilock_strerror");
    if (version == NULL || text == NULL || dlclose(library) != 0) return 1;
  }
  printf("%s: %s\n", version(), text(-1));
  return 0;
}
EOF
mkdir package
cat >package/CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.18)
project(user C)
find_package(redilock 0.2 REQUIRED COMPONENTS static)
foreach(kind redilock redilock_static)
  add_executable(by_${kind} ../linked.c)
  target_link_libraries(by_${kind} redilock::${kind})
endforeach()
EOF

# found PREFIX VERSION: 1 if find_package takes what is installed for that version, and 0 if not.
mkdir versions
cat >versions/CMakeLists.txt <<'EOF'
cmake_minimum_required(VERSION 3.18)
project(versions C)
find_package(redilock ${WANTED} QUIET)
message(STATUS "found: ${redilock_FOUND}")
EOF
found() {
  "$CMAKE" -S versions -B out/versions -DCMAKE_C_COMPILER="$cc" -DWANTED="$2" -Dredilock_DIR= -DCMAKE_PREFIX_PATH="$1" 2>&1 |
    sed -n 's/^-- found: //p'
}

# Runs program $2 with libraries from $1; it must succeed and know its version and a text.
expect() {
  said=$(LD_LIBRARY_PATH=$1 "$2" ${3+"$3"}) || fail "$2 ended with $?"
  case $said in
    "$version: "?*) ;;
    *) fail "$2 said '$said'" ;;
  esac
}

# Uses in all ways what was installed to $1, with its library in $2.
use() {
  echo "using $1"
  rm -rf out && mkdir -p out/static
  export PKG_CONFIG_PATH="$2/pkgconfig"
  [ "$(pkg-config --modversion redilock)" = "$version" ] || fail 'pkg-config does not find it'
  if pkg-config --libs redilock | grep hiredis; then fail 'hiredis shows'; fi
  # In a folder without the shared library the linker has no choice.
  cp "$2/libredilock.a" out/static
  # shellcheck disable=SC2046,SC2086
  {
    $cc $flags linked.c -o out/shared $(pkg-config --cflags --libs redilock)
    $cc $flags linked.c -o out/linked_static -Lout/static \
      $(pkg-config --static --cflags --libs redilock)
    $cc $flags loaded.c -o out/loaded -ldl
  }
  expect "$2" out/shared
  expect /nowhere out/linked_static
  expect /nowhere out/loaded "$2/libredilock.so.0"
  # With no library to be found, the shared one's program must fail: it was not the static one's.
  if LD_LIBRARY_PATH=/nowhere out/shared >/dev/null 2>&1; then fail 'linked to something else'; fi
  unset PKG_CONFIG_PATH

  if "$CMAKE" -S package -B out/package -DCMAKE_PREFIX_PATH="$1" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="$flags" >out/log 2>&1 && "$CMAKE" --build out/package >>out/log 2>&1; then
    expect "$2" out/package/by_redilock
    expect /nowhere out/package/by_redilock_static
  else
    cat out/log
    fail 'find_package'
  fi
}

library_folder() { dirname "$(find "$1" -name libredilock.so.0)"; }

"$CMAKE" --install "$REDILOCK_BUILD_DIR" --prefix "$work/first" >/dev/null
mv first moved
use "$work/moved" "$(library_folder "$work/moved")"
# Until 1.0 another minor version is another interface.
minor=$(echo "$version" | cut -d. -f2)
for wanted in "0.$minor" "$version"; do
  [ "$(found "$work/moved" "$wanted")" = 1 ] || fail "find_package does not take $version for $wanted"
done
for wanted in "0.$((minor - 1))" "0.$((minor + 1))" "0.$minor.99" 1.0; do
  [ "$(found "$work/moved" "$wanted")" = 0 ] || fail "find_package takes $version for $wanted"
done
for file in include/redilock/redilock.h include/redilock/redilock.hpp include/redilock/cxx/client.hpp \
  share/doc/redilock/LICENSE share/doc/redilock/docs/examples/async_poll.c \
  share/doc/redilock/cxx/scripts/_hand_off.lua; do
  [ -f "moved/$file" ] || fail "$file was not installed"
done

# `man redilock_acquire` finds redilock(3), as for every other function of the installed library.
manual=$work/moved/share/man
nm -D --defined-only "$(library_folder "$work/moved")/libredilock.so.0" | sed -n 's/.* T \(redilock_[a-z0-9_]*\).*/\1/p' |
  sort -u >functions
[ "$(wc -l <functions)" -ge 40 ] || fail 'the installed library has hardly any function'
(cd "$manual/man3" && ls redilock_*.3) | sed 's/\.3$//' | sort | diff functions - ||
  fail 'the functions (-) are not those that have a page (+)'
while IFS= read -r function; do
  [ "$(cat "$manual/man3/$function.3")" = '.so man3/redilock.3' ] || fail "the page of $function is another"
done <functions
[ -f "$manual/man3/redilock.3" ] || fail 'redilock(3) was not installed'
if command -v man >/dev/null && command -v col >/dev/null; then
  man -M "$manual" redilock_acquire | col -b | grep -q 'REDILOCK(3)' || fail 'man redilock_acquire does not show redilock(3)'
fi

# What the pages may link to although it is in the sources only.
cat >in_the_sources <<'EOF'
CONTRIBUTING.md
docs/architecture.md
bindings/cxx/README.md
bindings/go/README.md
bindings/java/README.md
bindings/lua/README.md
bindings/perl/README.md
bindings/python/README.md
bindings/rust/README.md
capi/include/redilock/redilock.h
tests/conformance/README.md
tests/ffi
tests/model/README.md
EOF
documents=$work/moved/share/doc/redilock
(cd "$documents" && grep -ro --include='*.md' '](\([^)#]\+\)' .) | grep -v '](https\?:' | sort -u >links
[ "$(wc -l <links)" -ge 12 ] || fail 'the installed pages link to hardly anything'
while IFS= read -r line; do
  page=${line%%:*} link=${line#*](}
  to=$(realpath -m --relative-to="$documents" "$documents/${page%/*}/$link")
  [ -e "$documents/$to" ] || grep -qxF "$to" in_the_sources || fail "$page links to $link, which is not installed"
  [ -e "$REDILOCK_SOURCE_DIR/$to" ] || fail "$page links to $link, which is not in the sources"
done <links
if grep -rl "$work/first\|$REDILOCK_BUILD_DIR" moved --include='*.pc' --include='*.cmake'; then
  fail 'these know where they were built'
fi
if find moved -type f -exec readelf -d {} + 2>/dev/null | grep -E 'RPATH|RUNPATH'; then
  fail 'installed files know the build tree'
fi

DESTDIR=$work/destdir "$CMAKE" --install "$REDILOCK_BUILD_DIR" >/dev/null
folder=$(library_folder "$work/destdir")
use "${folder%/lib*}" "$folder"

# Absolute folders, as some distributions give them, stand in redilock.pc as they are.
"$CMAKE" -S "$REDILOCK_SOURCE_DIR" -B absolute -DREDILOCK_BUILD_TESTS=OFF -DREDILOCK_BUILD_CLI=OFF \
  -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="${CXX:-c++}" -DCMAKE_INSTALL_PREFIX=/opt/r \
  -DCMAKE_INSTALL_LIBDIR=/opt/far/lib -DCMAKE_INSTALL_INCLUDEDIR=/opt/near/include >absolute.log ||
  cat absolute.log
export PKG_CONFIG_PATH=absolute/pkgconfig
absolute="$(pkg-config --cflags-only-I redilock | cut -d' ' -f1) $(pkg-config --libs redilock)"
[ "${absolute% }" = '-I/opt/near/include -L/opt/far/lib -lredilock' ] || fail "absolute: $absolute"

# The system's own folders too, which pkg-config leaves out.
"$CMAKE" absolute -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR="lib/$($cc -print-multiarch)" \
  -DCMAKE_INSTALL_INCLUDEDIR=include >absolute.log || cat absolute.log
system="$(pkg-config --libs redilock)$(pkg-config --cflags redilock | grep -o -- '-I/usr/include ' || true)"
[ "${system% }" = '-lredilock' ] || fail "below /usr: $system"
exit $failed
