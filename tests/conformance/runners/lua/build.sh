#!/bin/sh
# build.sh PROGRAM: a program that starts the runner of Lua. LuaJIT runs it, because its ffi can poll.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
for tool in swig pkg-config luajit "${CC:-cc}"; do
  command -v "$tool" >/dev/null || {
    echo "there is no $tool"
    exit 77
  }
done
pkg-config --exists luajit || {
  echo "there are no headers of LuaJIT"
  exit 77
}
"$here/../../../../bindings/lua/build.sh" "$1.module" luajit
cat >"$1" <<END
#!/bin/sh
LUA_PATH='$1.module/?.lua' LUA_CPATH='$1.module/?.so' exec luajit '$here/runner.lua'
END
chmod +x "$1"
