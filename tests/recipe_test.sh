#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The first recipe of docs/ADDING.md: in a copy of the sources, a row is added to
# the table of elementwise operators, and what it should compute to their test;
# the copy must build, document the operator, and run it in the random tests.
#
#   recipe_test.sh C-COMPILER
set -eu
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

cp -r CMakeLists.txt cmake docs include src tests "$copy"
cat >>"$copy/src/op/elementwise.def" <<'END'
UNARY(recipe_twice, NUMBER, OP_FINITE, "RecipeTwice", 1, none, "x + x.",
      ADD(x, x))
END
sed -i -e 's/^FUNCTION(softsign,/FUNCTION(recipe_twice, x + x)\n&/' \
  -e 's/ONE(softsign,/ONE(recipe_twice, -3, 3) &/' \
  "$copy/src/op/op_elementwise_test.c"
CC=$1 cmake -S "$copy" -B "$copy/build" -DADZE_MODULES="base;ir;machine;op" \
  >"$copy/log" 2>&1 || { cat "$copy/log"; exit 1; }
cmake --build "$copy/build" --target op_test -j "$(nproc)" >"$copy/log" 2>&1 ||
  { tail -n 50 "$copy/log"; exit 1; }

cd "$copy"
build/tests/op_test --update
grep -q '^## recipe_twice$' docs/OPERATORS.md
build/tests/op_test
