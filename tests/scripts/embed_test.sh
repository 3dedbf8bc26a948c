#!/bin/sh
# What is embedded of a Lua script is, byte for byte, the script without indentation, comment lines and
# empty lines, its fragments in place; what cannot be embedded so is refused. The input is made of all
# that CMake, C++ and sed like to take for themselves.
set -eu
embed=$REDILOCK_SOURCE_DIR/cxx/scripts/embed.cmake
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/scripts" "$work/refused"
cd "$work"

cat >scripts/_fragment.lua <<'EOF'
-- a comment of the fragment
  local f = ';[];a;b[1];' -- stays: it is no comment line
EOF
cat >scripts/awkward.lua <<'EOF'
-- a comment; with [brackets] and \ backslashes

local a = "x;y;;z" .. '\\' .. "\"" .. '\0\255' .. "a\\;b"
	if a[b[1]] == c[ d[2] ] then
    -- @include _fragment
  return "${HOME} @PROJECT@ $ENV{PATH} $<1:x>", '%s %d %%', "trailing "   
	end
local list = {[1]=1;[2]=2}; local open = "["; local close = "]"
  -- indented comment
return ")\"" .. ')lua' .. "ON" .. 'é €', #list, "\\;", ";", a~=b
EOF
printf 'return 1' >scripts/last_line_without_end.lua
printf 'return 3' >scripts/break.lua
printf '\r\nreturn 2\r\n' >scripts/crlf.lua
printf 'OFF\n0\nNOTFOUND\nTRUE;FALSE\n' >scripts/words.lua

printf '%s' "local a = \"x;y;;z\" .. '\\\\' .. \"\\\"\" .. '\\0\\255' .. \"a\\\\;b\"
if a[b[1]] == c[ d[2] ] then
local f = ';[];a;b[1];' -- stays: it is no comment line
return \"\${HOME} @PROJECT@ \$ENV{PATH} \$<1:x>\", '%s %d %%', \"trailing \"
end
local list = {[1]=1;[2]=2}; local open = \"[\"; local close = \"]\"
return \")\\\"\" .. ')lua' .. \"ON\" .. 'é €', #list, \"\\\\;\", \";\", a~=b
" >awkward.expected
printf 'return 3\n' >break.expected
printf 'return 1\n' >last_line_without_end.expected
printf 'return 2\n' >crlf.expected
cp scripts/words.lua words.expected

"$CMAKE" -DSCRIPTS="$work/scripts" -DOUTPUT="$work/embedded.hpp" -P "$embed"
cat >print.cpp <<'EOF'
#include <cstdio>
#include <string>
#include "embedded.hpp"
#define SCRIPT(name) {#name, redilock::scripts::name, redilock::scripts::name##_sha1}
int main() {
  struct { std::string name; std::string_view text, sha1; } all[] = {
      SCRIPT(awkward), SCRIPT(last_line_without_end), SCRIPT(crlf), SCRIPT(words),
      {"break", redilock::scripts::break_, redilock::scripts::break_sha1}};
  for (auto &script : all) {
    FILE *file = fopen((script.name + ".actual").c_str(), "w");
    fwrite(script.text.data(), 1, script.text.size(), file);
    fclose(file);
    printf("%s  %s.actual\n", script.sha1.data(), script.name.c_str());
  }
}
EOF
"${CXX:-c++}" -std=c++17 print.cpp -o print
./print >sums
failed=0
[ "$(wc -l <sums)" -eq 5 ] || failed=1
sha1sum --quiet -c sums || failed=1
for expected in *.expected; do
  cmp "$expected" "${expected%.expected}.actual" || failed=1
done
if grep -q fragment embedded.hpp; then
  echo 'a fragment was embedded by itself'
  failed=1
fi

refused() {
  printf '%s\n' "$1" >refused/script.lua
  if "$CMAKE" -DSCRIPTS="$work/refused" -DOUTPUT="$work/refused.hpp" -P "$embed" 2>/dev/null; then
    echo "embedded, but should have been refused: $1"
    failed=1
  fi
}
refused 'local a = [[ text ]]'
refused 'local a = [==[ text ]==]'
refused '--[[ a comment over lines'
refused 'local a = "over \
  two lines"'
refused 'return ")lua"'
refused '-- @include _missing'
refused '-- @include script'
refused '--@include typo'
exit $failed
