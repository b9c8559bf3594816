#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The long tests of `make check-all`: those labelled `all` (the zoo's numerics,
# qemu, failing allocations), the threaded parts under the thread sanitizer,
# changed models under the address sanitizer, and a while of fuzzing each parser.
set -u
cd "$(dirname "$0")/.." || exit 1
. scripts/count.sh

scripts/deps.sh all || add_failure "installing packages"
scripts/venv.sh

if scripts/build.sh build; then
  run_tests long build -L '^all$'
else
  add_failure "building"
fi
# An arena that allocates every object can run out at every object.
if ADZE_BUILD_TARGET=alloc_fail_all scripts/build.sh build/hard -DADZE_HARD_ARENA=ON; then
  run_tests memory build/hard -R '^alloc_failure_test$'
else
  add_failure "building with hard arenas"
fi
if scripts/build.sh build/tsan -DCMAKE_BUILD_TYPE=Debug \
  -DADZE_SANITIZE=thread; then
  ADZE_TEST_SMALL=1 run_tests threads build/tsan \
    -L '^(base|runtime|driver|threads)$' -LE '^(all|release)$'
else
  add_failure "building with the thread sanitizer"
fi
if scripts/build.sh build/asan -DCMAKE_BUILD_TYPE=Debug -DADZE_HARD_ARENA=ON \
  -DADZE_SANITIZE=address,undefined; then
  run_tests mutants build/asan -R '^hostile_mutation_long$'
else
  add_failure "building with sanitizers"
fi
if CC=clang ADZE_BUILD_TARGET=fuzzers scripts/build.sh build/fuzz -DCMAKE_BUILD_TYPE=Debug \
  -DADZE_SANITIZE=address -DADZE_FUZZ=ON; then
  run_tests fuzz build/fuzz -L '^fuzz$'
else
  add_failure "building fuzz targets"
fi
print_counts
