#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles networks for AArch64 on this machine, runs them with a runtime built
# by a cross compiler under qemu, and compares with this machine's results.
# cross_test.sh ADZE SHARED
set -eu
adze=$(realpath "$1")
shared=$(realpath -m "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
skip() { echo "skipped: $1"; exit 77; }
command -v qemu-aarch64 >/dev/null || skip "qemu-aarch64 is absent"
command -v aarch64-linux-gnu-gcc >/dev/null ||
  skip "aarch64-linux-gnu-gcc is absent"
[ -d "$shared/models/onnx" ] || skip "there are no models in $shared"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

. "$root/tests/integration/cross_build.sh"
cross_build "${CC:-cc}" "$work/here"
cross_build aarch64-linux-gnu-gcc "$work/there"
there() { qemu-aarch64 -L /usr/aarch64-linux-gnu "$work/there" "$@"; }

compare() { # MODEL SIZE COMPILE-OPTIONS…
  local model=$1 size=$2
  shift 2
  "$adze" compile "$shared/models/onnx/$model.onnx" "$@" -o "$work/here.tar"
  "$adze" compile "$shared/models/onnx/$model.onnx" "$@" -o "$work/there.tar" \
    --target "llvm -mtriple=aarch64-linux-gnu"
  "$work/here" "$work/here.tar" "$work/here.out" "$size"
  there "$work/there.tar" "$work/there.out" "$size"
  echo "$model: $("$work/here" --compare "$work/here.out" "$work/there.out")"
}
compare mnist 1
compare cifar_resnet20_trained 1
compare posenet_mnv1_050 129

# Each machine refuses the other's package.
if "$work/here" "$work/there.tar" "$work/x" 129 2>"$work/message"; then exit 1; fi
grep -q "compiled for AArch64" "$work/message"
if there "$work/here.tar" "$work/x" 129 2>"$work/message"; then exit 1; fi
grep -q "this machine is AArch64" "$work/message"
