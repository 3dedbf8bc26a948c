#!/bin/sh
# native.sh FOLDER: makes what Java needs of the installed C library: SWIG's classes below FOLDER/java, and the
# JNI library in FOLDER/resources/io/redilock, where the jar has it. SWIG_FLAGS and CFLAGS are passed on.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
sources=$folder/java/io/redilock library=$folder/resources/io/redilock
home=${JAVA_HOME:-$(java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java[.]home = //p')}
mkdir -p "$sources" "$library"
# shellcheck disable=SC2086
swig -java -noproxy -package io.redilock ${SWIG_FLAGS:-} \
  "-I$(pkg-config --variable=includedir redilock)" \
  -outdir "$sources" -o "$folder/core_wrap.c" "$here/../swig/redilock.i"
# SWIG makes the constants public, and has no option for that.
sed 's/^public interface/interface/' "$sources/CoreConstants.java" >"$folder/constants"
mv "$folder/constants" "$sources/CoreConstants.java"
# shellcheck disable=SC2046,SC2086
"${CC:-cc}" ${CFLAGS:--O2} -shared -fPIC -fvisibility=hidden "-I$home/include" "-I$home/include/linux" \
  $(pkg-config --cflags redilock) "$folder/core_wrap.c" -o "$library/libredilock_java.so" \
  $(pkg-config --libs redilock)
