#!/bin/sh
# The fuzzers replay their corpora, and look for more on their own for a while. They need clang, and are
# left out where it is not installed.
set -eu

clang=$(command -v clang++ || true)
if [ -z "$clang" ]; then
  echo "skipped: there is no clang++"
  exit 77
fi
if [ -n "${REDILOCK_SANITIZE:-}" ]; then
  echo "skipped: the fuzzers have sanitizers of their own"
  exit 77
fi
folder=$REDILOCK_BUILD_DIR/fuzz
mkdir -p "$folder"
echo 'extern "C" int LLVMFuzzerTestOneInput(const char *, unsigned long) { return 0; }' >"$folder/probe.cpp"
if ! "$clang" -fsanitize=fuzzer,address,undefined "$folder/probe.cpp" -o "$folder/probe" 2>/dev/null; then
  echo "skipped: clang++ lacks its libraries for fuzzing (libclang-rt-dev)"
  exit 77
fi

{
  "$CMAKE" -S "$REDILOCK_SOURCE_DIR" -B "$folder" -G "$CMAKE_GENERATOR" \
    -DCMAKE_C_COMPILER="${clang%++}" -DCMAKE_CXX_COMPILER="$clang" -DREDILOCK_BUILD_TESTS=OFF \
    -DREDILOCK_BUILD_CLI=OFF -DREDILOCK_BUILD_FUZZERS=ON \
    -DREDILOCK_SANITIZE=fuzzer-no-link,address,undefined &&
    "$CMAKE" --build "$folder" --target redilock_fuzzers
} >"$folder/build.log" 2>&1 || {
  cat "$folder/build.log"
  exit 1
}
"$REDILOCK_SOURCE_DIR/tests/fuzz/fuzz.sh" "$folder/tests/fuzz" "${REDILOCK_FUZZ_SECONDS:-20}"
