#!/bin/sh
# A project that takes redilock in, by add_subdirectory or FetchContent, gets a library that works, and
# nothing else of it changes: no test, command, build type, install rule or variable. It gets more when it
# asks. BUILD_SHARED_LIBS selects the kind of library.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
fail() {
  echo "failed: $*"
  failed=1
}

version=$(sed -n 's/^#define REDILOCK_VERSION_STRING "\(.*\)"$/\1/p' \
  "$REDILOCK_SOURCE_DIR/capi/include/redilock/redilock.h")
mkdir parent
cat >parent/program.c <<'END'
#include <redilock/redilock.h>
#include <stdio.h>
int main(void) {
  redilock_client_t *client = NULL;
  redilock_lock_t *lock = NULL;
  char error[200];
  if (redilock_new("unix:///nowhere/s?timeout=50ms", NULL, &client, error, sizeof error) != 0) return 1;
  if (redilock_acquire(client, "name", 4, 1000, 0, &lock, NULL, 0) != REDILOCK_E_UNAVAILABLE) return 2;
  redilock_free(client);
  return puts(redilock_version()) < 0;
}
END
# The variables that concern the parent, as they are in its own scope and in the cache.
cat >parent/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.18)
project(parent VERSION 7.8.9 LANGUAGES C)
function(write_variables file)
  get_cmake_property(names VARIABLES)
  list(FILTER names INCLUDE REGEX "^(CMAKE_|BUILD_|PROJECT_)")
  # A project in C gets C++ besides.
  list(FILTER names EXCLUDE REGEX "^CMAKE_(CURRENT_FUNCTION|MATCH|ARGC|CXX_COMPILER|CXX_FLAGS)")
  list(SORT names)
  set(text "")
  foreach(name IN LISTS names)
    string(APPEND text "${name}=${${name}}\n")
  endforeach()
  file(WRITE ${CMAKE_BINARY_DIR}/${file} "${text}")
endfunction()
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
if(BY_FETCH)
  include(FetchContent)
  FetchContent_Declare(redilock SOURCE_DIR ${REDILOCK})
endif()
write_variables(before)
if(BY_FETCH)
  FetchContent_MakeAvailable(redilock)
else()
  add_subdirectory(${REDILOCK} redilock)
endif()
write_variables(after)
add_executable(program program.c)
target_link_libraries(program PRIVATE redilock::redilock)
file(GENERATE OUTPUT library CONTENT "$<TARGET_FILE_NAME:redilock::redilock>\n")
file(GENERATE OUTPUT command CONTENT "$<TARGET_EXISTS:redilock_cli>\n")
END

# configure FOLDER OPTION...
configure() {
  folder=$1
  shift
  "$CMAKE" -S parent -B "$folder" -G "$CMAKE_GENERATOR" -DREDILOCK="$REDILOCK_SOURCE_DIR" \
    -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" "$@" >"$folder.log" 2>&1 || {
    cat "$folder.log"
    fail "configuring $folder"
    exit 1
  }
}
build() {
  "$CMAKE" --build "$1" --target program >"$1.log" 2>&1 || {
    cat "$1.log"
    fail "building $1"
  }
}
# is FOLDER FILE TEXT
is() { [ "$(cat "$1/$2")" = "$3" ] || fail "in $1 the $2 is $(cat "$1/$2"), not $3"; }

configure fetched -DBY_FETCH=ON
configure added -DBUILD_SHARED_LIBS=ON
is fetched library libredilock.a
is added library "libredilock.so.$version"
for folder in fetched added; do
  diff $folder/before $folder/after || fail "$folder changed variables of its parent"
  is $folder command 0
  [ "$("$CMAKE" -E chdir $folder ctest -N | sed -n 's/^Total Tests: //p')" = 0 ] || fail "$folder has tests"
  "$CMAKE" --build $folder --target help | grep -qE '^(uninstall|unit_tests)\b' && fail "$folder has targets of redilock"
  "$CMAKE" --install $folder --prefix "$work/$folder.installed" >"$folder.log" 2>&1 || cat "$folder.log"
  [ -z "$(find "$work/$folder.installed" -type f 2>/dev/null)" ] || fail "$folder installs something"
done

build fetched
said=$(fetched/program) || fail "the program of fetched ended with $?"
[ "$said" = "$version" ] || fail "the program of fetched said $said"

configure asking -DBUILD_SHARED_LIBS=OFF -DREDILOCK_BUILD_CLI=ON -DREDILOCK_INSTALL=ON
is asking command 1
is asking library libredilock.a
exit $failed
