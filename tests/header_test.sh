#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every public header compiles alone, as C11 and as C++11, without a warning.
# header_test.sh CC CXX
set -u
cd "$(dirname "$0")/.." || exit 1
cc=$1
cxx=${2:-}
strict=(-Wall -Wextra -pedantic -Werror -fsyntax-only -Iinclude)
bad=0 count=0
for header in include/adze/*.h; do
  name=${header#include/}
  count=$((count + 1))
  printf '#include "%s"\nint used;\n' "$name" |
    "$cc" -std=c11 "${strict[@]}" -x c - || bad=1
  if [ -n "$cxx" ]; then
    printf '#include "%s"\nint used;\n' "$name" |
      "$cxx" -std=c++11 "${strict[@]}" -x c++ - || bad=1
  fi
done
[ -n "$cxx" ] || echo "no C++ compiler: checked as C only"
echo "$count headers"
[ $bad -eq 0 ] && [ $count -gt 0 ]
