#!/bin/sh
# The line that ends ./dev test counts what really happened: cases, not programs, and nothing that broke
# is lost. Fed with what ctest -V prints, from cmocka of Debian 12 and 13.
set -eu
count=$REDILOCK_SOURCE_DIR/tests/support/count.awk
failed=0

# expect STATUS LINE [LINE_BEFORE]: standard input is a log; ctest ended with $1, the count must end in $2,
# and nothing is skipped unless $3 says so.
expect() {
  said=$(awk -v status="$1" -f "$count") && ended=0 || ended=$?
  last=$(echo "$said" | tail -n 1)
  skips=$(echo "$said" | grep '^[0-9]* skipped$' || true)
  case $2 in
    '0 passed'*) right=1 ;;
    *' 0 failed') right=0 ;;
    *) right=1 ;;
  esac
  if [ "$last" != "$2" ] || [ "$ended" -ne "$right" ] || [ "$skips" != "${3-}" ]; then
    echo "expected '${3-}', '$2' and status $right, got status $ended and:"
    echo "$said"
    failed=1
  fi
}
result() { # NUMBER NAME VERDICT
  printf '%3d/9 Test #%d: %s ........%s    0.02 sec\n' "$1" "$1" "$2" "$3"
}

expect 0 '3 passed, 0 failed' <<EOF
1: [==========] Running 2 test(s).
1: [ RUN      ] one
2: [==========] tests: Running 1 test(s).
1: [       OK ] one
2: [       OK ] three
1: some text [       OK ] two
1: [  PASSED  ] 2 test(s).
$(result 1 unit_a '   Passed')
2: [  PASSED  ] 1 test(s).
$(result 2 unit_b '   Passed')
EOF
expect 8 '2 passed, 1 failed' <<EOF
1: [==========] Running 2 test(s).
1: [       OK ] one
1: [  FAILED  ] two
1: [  PASSED  ] 1 test(s).
1: [  FAILED  ] 1 test(s), listed below:
1: [  FAILED  ] two
1:  1 FAILED TEST(S)
$(result 1 unit_a '***Failed')
$(result 2 script_b '   Passed')
EOF
# It crashed in the second of four.
expect 8 '1 passed, 3 failed' <<EOF
1: [==========] Running 4 test(s).
1: [       OK ] one
1: [ RUN      ] two
$(result 1 unit_a '***Exception: SegFault')
EOF
# All cases were well, and then the leak checker was not.
expect 8 '1 passed, 1 failed' <<EOF
1: [==========] Running 1 test(s).
1: [       OK ] one
1: [  PASSED  ] 1 test(s).
$(result 1 unit_a '***Failed ')
EOF
expect 8 '0 passed, 3 failed' <<EOF
$(result 1 unit_never_built '***Not Run')
$(result 2 script_slow '***Timeout')
$(result 3 unit_without_a_case '   Passed')
EOF
expect 0 '1 passed, 0 failed' '2 skipped' <<EOF
1: [==========] Running 2 test(s).
1: [       OK ] one
1: [  SKIPPED ] two
1: [  PASSED  ] 1 test(s).
1: [  SKIPPED ] 1 test(s), listed below:
1: [  SKIPPED ] two
$(result 1 unit_a '   Passed')
$(result 2 script_no_ruby '***Skipped')
EOF
# A script that says that it skipped a part of itself.
expect 0 '1 passed, 0 failed' '1 skipped' <<EOF
1: skipped: this server has no users (ACL)
$(result 1 script_a '   Passed')
EOF
# The reason of a case that is skipped is no second one.
expect 0 '1 passed, 0 failed' '1 skipped' <<EOF
1: [==========] Running 2 test(s).
1: [       OK ] one
1: skipped: this server has no users (ACL)
1: [  SKIPPED ] two
$(result 1 unit_a '   Passed')
EOF
# The reason follows the line of its program.
reason=$({
  echo '1: skipped: there is no ruby'
  result 1 script_a '***Skipped'
} | awk -v status=0 -f "$count" | sed -n 2p)
if [ "$reason" != '    skipped: there is no ruby' ]; then
  echo "the reason is missing: $reason"
  failed=1
fi
echo 'No tests were found!!!' | expect 0 '0 passed, 0 failed'
result 1 script_a '   Passed' | expect 7 '1 passed, 1 failed'
exit $failed
