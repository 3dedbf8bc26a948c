#!/bin/sh
# build.sh PROGRAM: compiles the classes of Java and the runner without Maven, and a program that starts it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binding=$here/../../../../bindings/java
for tool in javac java swig pkg-config "${CC:-cc}"; do
  command -v "$tool" >/dev/null || {
    echo "there is no $tool"
    exit 77
  }
done
CFLAGS=-O1 "$binding/native.sh" "$1.module"
javac -d "$1.module/classes" "$binding"/src/main/java/io/redilock/*.java \
  "$1.module"/java/io/redilock/*.java "$here/Runner.java"
# A runner lives for a moment: the simplest compiler and collector start soonest.
cat >"$1" <<END
#!/bin/sh
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -cp '$1.module/classes:$1.module/resources' Runner
END
chmod +x "$1"
