#!/bin/sh
# build.sh PROGRAM: builds the module of Perl, and a program that starts the runner with it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bindings=$here/../../../../bindings
for tool in perl swig pkg-config make; do
  command -v "$tool" >/dev/null || {
    echo "there is no $tool"
    exit 77
  }
done
perl -MConfig -MExtUtils::MakeMaker -e 'exit !-e "$Config{archlibexp}/CORE/perl.h"' 2>/dev/null || {
  echo "there are no headers of Perl"
  exit 77
}
mkdir "$1.module"
cp -R "$bindings/perl" "$bindings/swig" "$1.module"
(cd "$1.module/perl" && perl Makefile.PL OPTIMIZE=-O1 && make) >"$1.log" 2>&1 || {
  cat "$1.log"
  exit 1
}
cat >"$1" <<END
#!/bin/sh
exec perl -w '-I$1.module/perl/blib/lib' '-I$1.module/perl/blib/arch' '$here/runner.pl'
END
chmod +x "$1"
