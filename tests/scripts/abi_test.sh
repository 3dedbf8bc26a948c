#!/bin/sh
# The ABI is that of the baseline in tests/abi, or adds to it. `./dev abi --update` takes additions into
# the baseline. That this test can fail is shown on changed copies of header and version script.
set -eu
if ! command -v abidw >/dev/null || ! command -v abidiff >/dev/null; then
  echo 'skipped: abidw and abidiff are not installed (Debian: abigail-tools)'
  exit 77
fi
abi=$REDILOCK_SOURCE_DIR/tests/abi
header=$REDILOCK_SOURCE_DIR/capi/include/redilock/redilock.h
map=$REDILOCK_SOURCE_DIR/capi/redilock.map
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0
fail() {
  echo "failed: $*"
  failed=1
}

"$abi/dump.sh" "$header" "$map" >now.abi
functions=$(grep -c '^    redilock_[a-z0-9_]*;' "$map")
[ "$(grep -c '<function-decl' now.abi)" -eq "$functions" ] || fail 'functions are missing in the dump'
"$abi/compare.sh" "$abi/redilock.abi" now.abi || fail 'the ABI changed'
if grep -E "/(home|work|root|tmp|usr)/|$(uname -n)" "$abi/redilock.abi"; then
  fail 'the baseline tells of the host it was made on'
fi

# changed SED MAP_SED: dumps what they make of header and version script.
changed() {
  sed "$1" "$header" >redilock.h
  sed "$2" "$map" >redilock.map
  if cmp -s redilock.h "$header" && cmp -s redilock.map "$map"; then fail "'$1' changes nothing"; fi
  "$abi/dump.sh" redilock.h redilock.map >changed.abi
}
refused() {
  changed "$2" "${3-}"
  if "$abi/compare.sh" now.abi changed.abi >told; then fail "accepted: $1"; fi
}
accepted() {
  changed "$2" "${3-}"
  "$abi/compare.sh" now.abi changed.abi || fail "refused: $1"
}
refused 'a removed function' '/redilock_version_number(void);/d' '/redilock_version_number;/d'
refused 'a function no longer exported' '' '/ redilock_version_number;/d'
refused 'another version of the symbols' '' 's/^REDILOCK_0 {/REDILOCK_1 {/'
refused 'another parameter' 's/size_t token_len/int32_t token_len/'
refused 'one parameter more' 's/redilock_free(redilock_client_t \*client)/redilock_free(redilock_client_t *client, int flags)/'
refused 'another result' 's/int64_t redilock_op_position/int32_t redilock_op_position/'
refused 'another value' 's/REDILOCK_E_LOST = -5,/REDILOCK_E_LOST = -55,/'
refused 'a removed value' '/REDILOCK_E_LOST = -5,/d'
refused 'values that changed places' 's/STATE_FREE = 0/STATE_FREE = 1/; s/STATE_HELD = 1/STATE_HELD = 0/'
declaration='REDILOCK_API int32_t redilock_added(redilock_op_t *op, uint64_t tag);'
accepted 'a function more' "/^typedef struct redilock_list /a $declaration" \
  "\$a REDILOCK_0_2 { global: redilock_added; } REDILOCK_0;"
accepted 'a value more' 's/REDILOCK_E_INTERNAL = -17 /REDILOCK_E_INTERNAL = -17, REDILOCK_E_ADDED = -18 /'
accepted 'an enum more' 's/^enum redilock_state {/enum redilock_added { REDILOCK_ADDED = 1\n};\n&/'
exit $failed
