# Counts the cases in the output of `ctest -V`: a line per program, what a failing one said, and at the
# end "N skipped" where anything was, and "N passed, N failed". -v status=S is ctest's exit status; the own one is 1 unless all is well.
#
# Of a cmocka program every case counts; one that it announced and did not come to (a crash) failed. A
# program that ended badly failed at least once, and so did one without a case. A script counts as one.
# A line "skipped: REASON" of a program follows its line; each in a script that passed is one skipped part.

function finish(number, name, verdict,    bad) {
  if (verdict == "Skipped") {
    print "  " name ": skipped"
    printf "%s", reasons[number]
    left_out++
    return
  }
  if (name ~ /^script_/) {
    good[number] = (verdict == "Passed")
    skipped[number] = parts[number] + 0
    bad = 1 - good[number]
  } else {
    bad = announced[number] - good[number] - skipped[number]
    if (bad < 0) bad = 0
    if (bad == 0 && (verdict != "Passed" || announced[number] == 0)) bad = 1
  }
  if (bad > 0) {
    printf "%s", output[number]
    print "  " name ": " good[number] + 0 " passed, " bad " failed" \
      (verdict == "Passed" ? "" : " (" verdict ")")
  } else {
    print "  " name ": " good[number] + 0 " passed" \
      (skipped[number] ? ", " skipped[number] " skipped" : "")
  }
  printf "%s", reasons[number]
  passed += good[number]
  failed += bad
  left_out += skipped[number]
}

# "12: text", a line that test 12 printed.
match($0, /^[0-9]+: /) {
  number = substr($0, 1, RLENGTH - 2) + 0
  text = substr($0, RLENGTH + 1)
  # What ctest says of how it calls the program is of no use to the reader.
  if (text ~ /^Test command: /) preamble[number] = 1
  if (!preamble[number]) output[number] = output[number] "    " text "\n"
  if (text ~ /^Test timeout computed/) preamble[number] = 0
  if (text ~ /^skipped: /) {
    reasons[number] = reasons[number] "    " text "\n"
    parts[number]++
  }
  if (match(text, /Running [0-9]+ test\(s\)/)) {
    split(substr(text, RSTART, RLENGTH), words, " ")
    announced[number] += words[2]
  }
  if (text ~ /\[       OK \] /) good[number]++
  # Each is listed a second time at the end, below "N test(s), listed below:".
  if (text ~ /\[  SKIPPED \] / && text !~ /test\(s\)/ && !seen[number, text]++) skipped[number]++
  next
}

# " 3/17 Test  #3: name ......***Failed  0.02 sec"
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
  line = $0
  sub(/^ *[0-9]+\/[0-9]+ Test +#/, "", line)
  number = line + 0
  sub(/^[0-9]+: /, "", line)
  name = line
  sub(/ .*/, "", name)
  verdict = line
  sub(/^[^ ]+ [. ]*(\*\*\*)?/, "", verdict)
  sub(/ +[0-9.]+ sec.*/, "", verdict)
  gsub(/\*\*\*/, ", ", verdict)
  finish(number, name, verdict)
}

END {
  if (passed + failed == 0) print "no test was run"
  else if (status != 0 && failed == 0) {
    print "ctest itself failed with status " status
    failed = 1
  }
  if (left_out > 0) print left_out " skipped"
  print passed + 0 " passed, " failed + 0 " failed"
  exit (failed > 0 || passed == 0)
}
