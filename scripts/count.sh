# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts that run tests: counts what CTest reports.
#
#   run_tests NAME FOLDER CTEST-OPTION…   adds to passed, failed, skipped
#   add_failure SENTENCE                  for a step that is no test
#   print_counts                          the last line; false on a failure
passed=0 failed=0 skipped=0

add_failure() {
  echo "failed: $1"
  failed=$((failed + 1))
}

run_tests() {
  local name=$1 folder=$2 log
  shift 2
  log="$folder/tests-$name.log"
  echo "== tests: $name"
  ctest --test-dir "$folder" --output-on-failure -j "$(nproc)" "$@" \
    2>&1 | tee "$log" | sed 's/^\([0-9]* passed, [0-9]* failed\)/-- \1/'
  # Each test ends in one line, "12/34 Test #12: name ....   Passed  0.1 sec".
  local counts
  counts=$(awk '
    /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
      if (/\*\*\*Skipped/) skipped++
      else if (/ Passed /) passed++
      else failed++
    }
    END { printf "%d %d %d", passed, failed, skipped }' "$log")
  read -r p f s <<<"$counts"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  grep -h '^skipped: ' "$folder"/Testing/Temporary/LastTest.log 2>/dev/null |
    sort | uniq -c || true
  if [ $((p + f + s)) -eq 0 ]; then
    add_failure "$name: no test ran"
  fi
}

print_counts() {
  local line="$passed passed, $failed failed"
  if [ "$skipped" -gt 0 ]; then
    line="$line, $skipped skipped"
  fi
  echo "$line"
  [ "$failed" -eq 0 ]
}
