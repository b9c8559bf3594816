#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How many instructions AArch64 code needs, without such a machine: networks run
# under qemu-aarch64, which counts. The figure to look at is instructions per
# vector multiply-add: a core that issues 4 a cycle, 2 of them multiply-adds,
# is at its peak as long as it is at most 2. bench/aarch64.sh MODEL.onnx...
#
#   ADZE    the program (build/bin/adze)      CPU    -mcpu= (cortex-a76)
#   SIZE    of open dimensions (257)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
adze=${ADZE:-$root/build/bin/adze}
cpu=${CPU:-cortex-a76}
size=${SIZE:-257}
[ $# -gt 0 ] || { sed -n '3,11s/^# \?//p' "$0"; exit 2; }
for program in qemu-aarch64 aarch64-linux-gnu-gcc "${CC:-cc}"; do
  command -v "$program" >/dev/null || { echo "$program is absent"; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${CC:-cc}" -O2 -shared -fPIC "$root/bench/aarch64_count.c" -o "$work/count.so"
. "$root/tests/integration/cross_build.sh"
cross_build aarch64-linux-gnu-gcc "$work/run"

# Instructions, multiply-adds and spills of the program with so many runs.
count() { # RUNS
  RUNS=$1 qemu-aarch64 -L /usr/aarch64-linux-gnu -plugin "$work/count.so" \
    "$work/run" "$work/net.tar" "$work/out" "$size" 2>"$work/count"
  tail -n 1 "$work/count"
}

printf '%-24s %14s %14s %10s %12s\n' "network ($cpu)" instructions \
  multiply-adds "per fmla" "spills/fmla"
for model in "$@"; do
  "$adze" compile "$model" -o "$work/net.tar" \
    --target "llvm -mtriple=aarch64-linux-gnu -mcpu=$cpu" >/dev/null
  # Loading is in both; the difference is a run.
  read -r one_i one_m one_s <<<"$(count 1)"
  read -r two_i two_m two_s <<<"$(count 2)"
  awk -v name="$(basename "$model" .onnx)" -v i=$((two_i - one_i)) \
    -v m=$((two_m - one_m)) -v s=$((two_s - one_s)) \
    'BEGIN { printf "%-24s %14d %14d %10.2f %12.3f\n", name, i, m,
             m ? i / m : 0, m ? s / m : 0 }'
done
