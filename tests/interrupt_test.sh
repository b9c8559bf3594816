#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A signal ends a command as it ends any program, and nothing is left in
# $TMPDIR. The linker is one that says it has started and then waits, so that
# the signal comes while the command's temporary folder is there.
#
#   interrupt_test.sh ADZE
set -u
adze=$(realpath "$1")
cd "$(dirname "$0")/.." || exit 1
model=$PWD/tests/corpus/onnx/conv.onnx
place=$(mktemp -d) || exit 1
trap 'kill $(cat "$place"/linkers 2>/dev/null) 2>/dev/null; rm -rf "$place"' EXIT
mkdir "$place/tmp"
export TMPDIR="$place/tmp" ADZE_CACHE="$place/cache"
cat >"$place/linker" <<EOF
#!/bin/sh
echo \$\$ >>"$place/linkers"
exec sleep 60
EOF
chmod +x "$place/linker"
export ADZE_LLD="$place/linker"
failed=0

complain() {
  echo "failed: $*"
  failed=1
}

# Starts a command and waits until its linker runs; $started is its process.
start() {
  rm -f "$place/linkers"
  "$@" >"$place/out" 2>"$place/err" &
  started=$!
  for _ in $(seq 300); do
    [ -s "$place/linkers" ] && break
    sleep 0.05
  done
  [ -s "$place/linkers" ] || complain "$*: the linker was not started"
  [ -n "$(ls "$TMPDIR")" ] || complain "$*: there is no temporary folder"
}

# interrupted SIGNAL NUMBER COMMAND...: it ends by the signal and cleans up.
interrupted() {
  signal=$1
  number=$2
  shift 2
  start "$@"
  kill -s "$signal" "$started"
  wait "$started"
  code=$?
  [ "$code" -eq $((128 + number)) ] || complain "$signal $*: exit code $code"
  [ -z "$(ls "$TMPDIR")" ] || complain "$signal $*: left $(ls "$TMPDIR")"
  [ -s "$place/err" ] && complain "$signal $*: said $(cat "$place/err")"
  kill "$(cat "$place/linkers")" 2>/dev/null
  [ -e "$place/out.tar" ] && complain "$signal $*: left a package"
  [ "$failed" -eq 0 ] && echo "ok $signal ${*#*adze }"
}

# bash lets its background processes ignore SIGINT; env gives it back.
plain="env --default-signal=INT"
$plain true 2>/dev/null || { echo "skipped: env has no --default-signal"; exit 77; }
interrupted TERM 15 "$adze" compile "$model" -o "$place/out.tar"
interrupted INT 2 $plain "$adze" compile "$model" -o "$place/out.tar"
interrupted HUP 1 "$adze" compile "$model" -o "$place/out.tar"
interrupted TERM 15 "$adze" run "$model"
interrupted TERM 15 "$adze" pose --model "$model" "$model"
interrupted TERM 15 "$adze" verify "$model"
ADZE_CACHE=/dev/null interrupted TERM 15 "$adze" bench "$model"

# What ignored a signal before still does.
start nohup "$adze" compile "$model" -o "$place/out.tar"
kill -s HUP "$started"
sleep 0.2
kill -0 "$started" 2>/dev/null || complain "nohup: SIGHUP ended it"
kill "$(cat "$place/linkers")"
wait "$started"
[ $? -eq 4 ] || complain "nohup: $(cat "$place/err")"
[ -z "$(ls "$TMPDIR")" ] || complain "nohup: left $(ls "$TMPDIR")"
exit "$failed"
