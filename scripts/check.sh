#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests of `make check`: as released, then with the address and undefined-
# behaviour sanitizers on small shapes. The last line sums both up.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/count.sh

scripts/deps.sh check || add_failure "installing packages"
scripts/venv.sh

if scripts/build.sh build; then
  run_tests release build -LE '^all$'
else
  add_failure "building"
fi
if scripts/build.sh build/asan -DCMAKE_BUILD_TYPE=Debug -DADZE_HARD_ARENA=ON \
  -DADZE_SANITIZE=address,undefined; then
  ADZE_TEST_SMALL=1 run_tests sanitized build/asan -LE '^(all|release)$'
else
  add_failure "building with sanitizers"
fi
print_counts
