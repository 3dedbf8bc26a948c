#!/bin/sh
# build.sh FOLDER [LUA]: builds the module for a Lua (lua5.4, lua5.1, luajit, ...; its headers are
# found by pkg-config) with the installed library, and puts it into FOLDER, which is then the root
# of LUA_PATH (FOLDER/?.lua) and LUA_CPATH (FOLDER/?.so). SWIG_FLAGS and CFLAGS are passed on.
set -eu
folder=$1 lua=${2:-lua5.4}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder/redilock"
# shellcheck disable=SC2086
swig -lua -nomoduleglobal ${SWIG_FLAGS:-} "-I$(pkg-config --variable=includedir redilock)" \
  -o "$folder/core_wrap.c" "$here/../swig/redilock.i"
# shellcheck disable=SC2046,SC2086
"${CC:-cc}" ${CFLAGS:--O2} -shared -fPIC -fvisibility=hidden $(pkg-config --cflags "$lua" redilock) \
  "$folder/core_wrap.c" -o "$folder/redilock/core.so" $(pkg-config --libs redilock)
rm "$folder/core_wrap.c"
cp "$here/redilock.lua" "$folder"
