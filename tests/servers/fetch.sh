#!/bin/sh
# Puts one server of list.txt into a folder, as a program with the name redis-server.
# usage: fetch.sh NAME FOLDER
set -eu
# shellcheck disable=SC1091
. "$(dirname "$0")/../support/debian.sh"

name=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
[ ! -x "$folder/redis-server" ] || exit 0
rm -rf "${folder:?}"/*

# wheel PACKAGE PYTHON ABI PLATFORM: the tags select the wheel, whatever Python is here.
wheel() {
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --dest "$folder" --implementation py --implementation cp \
    --python-version "$2" --abi "$3" --platform "$4" "$1"
  python3 -m zipfile -e "$folder"/*.whl "$folder/root"
  program=$(find "$folder/root" -path '*bin*' -name '*-server' -type f | head -n 1)
  chmod +x "$program"
  ln -s "$program" "$folder/redis-server"
}

# debian PACKAGE RELEASE: the package with all libraries that it needs, run by the loader among them,
# so that the C library of this machine may be another.
debian() {
  mkdir -p "$folder/root"
  use_release deb "$2"
  apt apt-get install --yes --no-install-recommends --download-only "$1"
  for file in "$folder"/apt/cache/archives/*.deb; do
    dpkg -x "$file" "$folder/root"
  done
  rm -rf "$folder/apt"

  # The server is a server under that name only; the package has it as a checker of dumps too.
  checker=$(find "$folder/root/usr/bin" -name '*-check-rdb')
  mkdir "$folder/program"
  ln -s "$checker" "$folder/program/redis-server"
  loader=$(find "$folder/root" -path '*-linux-gnu*/ld-linux*.so.*' | head -n 1)
  triplet=$(basename "$(dirname "$loader")")
  cat >"$folder/wrapper" <<END
#!/bin/sh
exec "$loader" --library-path "$folder/root/lib/$triplet:$folder/root/usr/lib/$triplet" \\
  "$folder/program/redis-server" "\$@"
END
  chmod +x "$folder/wrapper"
  mv "$folder/wrapper" "$folder/redis-server"
}

entry=$(grep "^$name " "$(dirname "$0")/list.txt") || {
  echo "there is no server $name in list.txt"
  exit 1
}
# shellcheck disable=SC2086
set -- $entry
kind=$2
shift 2
"$kind" "$@"
"$folder/redis-server" --version
