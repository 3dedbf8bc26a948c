#!/bin/sh
# Builds hiredis and cmocka for a target as static libraries below a prefix, from Debian's sources. CC, AR
# and RANLIB are the tools of the target. hiredis is of the oldest version that redilock accepts.
# usage: libraries.sh SOURCE_FOLDER PREFIX
set -eu
# shellcheck disable=SC1091
. "$(dirname "$0")/../support/debian.sh"

AR=$(command -v "$AR") RANLIB=$(command -v "$RANLIB")
mkdir -p "$1" "$2"
folder=$(cd "$1" && pwd)
prefix=$(cd "$2" && pwd)
cd "$folder"

if [ ! -f complete ]; then
  use_release deb-src bookworm
  apt apt-get source --download-only hiredis cmocka
  rm -rf apt
  touch complete
fi
work=$(mktemp -d "$prefix/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
for archive in *.orig.tar.?z; do
  tar -C "$work" -xf "$archive"
done

cd "$work"/hiredis-*
make libhiredis.a hiredis.pc CC="$CC" AR="$AR" PREFIX="$prefix"
mkdir -p "$prefix/include/hiredis" "$prefix/lib/pkgconfig"
cp ./*.h "$prefix/include/hiredis"
cp libhiredis.a "$prefix/lib"
cp hiredis.pc "$prefix/lib/pkgconfig"

cmake -S "$work"/cmocka-* -B "$work/build" -DWITH_STATIC_LIB=ON -DWITH_EXAMPLES=OFF \
  -DCMAKE_POLICY_VERSION_MINIMUM=3.5 -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_C_COMPILER="$CC" -DCMAKE_AR="$AR" -DCMAKE_RANLIB="$RANLIB" -DCMAKE_INSTALL_PREFIX="$prefix" \
  -DLIB_INSTALL_DIR="$prefix/lib"
cmake --build "$work/build" --target cmocka-static
cp "$work"/cmocka-*/include/cmocka.h "$prefix/include"
cp "$(find "$work/build" -name 'libcmocka*.a')" "$prefix/lib/libcmocka.a"
cp "$work/build/cmocka.pc" "$prefix/lib/pkgconfig"
touch "$prefix/complete"
