#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command again and again, each time with another allocation of our own
# code failing: alloc_failure.sh SHIM RUNS COMMAND…. When there are more
# allocations than RUNS, some evenly spread ones are tried.
#
# Each run must succeed without the memory, or exit with 11 (memory ran out)
# after one line on stderr; then nothing may be left in the folder OUT, which
# the command should write to (an @ in its words stands for it).
set -u
shim=$1 runs=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/out
export TMPDIR=$work/tmp
mkdir "$out" "$TMPDIR"
command=("${@//@/$out}")

once() { # N: runs with the N-th allocation failing; sets code
  rm -rf "$out" "$work/log"
  mkdir "$out"
  timeout 60 env ALLOC_FAIL_AT="$1" ALLOC_FAIL_LOG="$work/log" \
    LD_PRELOAD="$shim" "${command[@]}" >"$work/stdout" 2>"$work/stderr"
  code=$?
}

once 0
if [ $code -ne 0 ]; then
  echo "$*: fails with all memory it wants:"
  cat "$work/stderr"
  exit 1
fi
total=$(cat "$work/log")
step=$(((total + runs - 1) / runs))
[ "$step" -ge 1 ] || step=1

bad=0 failures=0
for ((n = 1; n <= total; n += step)); do
  once $n
  complaint=
  case $code in
  0) ;;
  11)
    failures=$((failures + 1))
    lines=$(wc -l <"$work/stderr")
    [ "$lines" -eq 1 ] || complaint="$lines lines on stderr"
    [ -z "$(ls -A "$out")" ] || complaint="left $(ls -A "$out")"
    ;;
  *) complaint="exit code $code" ;;
  esac
  [ -z "$(ls -A "$TMPDIR")" ] || complaint="left $(ls -A "$TMPDIR") in TMPDIR"
  rm -rf "${TMPDIR:?}"/*
  if [ -n "$complaint" ]; then
    bad=$((bad + 1))
    echo "allocation $n of $total: $complaint"
    head -n 3 "$work/stderr"
    [ $bad -lt 10 ] || break
  fi
done
echo "$*: $total allocations, every ${step}th failed; $failures runs said so"
[ $bad -eq 0 ] && [ $failures -gt 0 ]
