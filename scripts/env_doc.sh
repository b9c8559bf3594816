#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Prints docs/ENV.md, from the table that the program reads its variables by.
set -eu
cd "$(dirname "$0")/.."

cat <<'END'
# Environment variables

Printed by `scripts/env_doc.sh` from `src/base/environment.def`, the one list of
them; a test compares. `adze env` prints the same, with the values that are set.

| variable | value | meaning |
|---|---|---|
END
sed -nE 's/^ENVIRONMENT\((\w+), "(.*)", "(.*)"\)$/| `\1` | `\2` | \3 |/p' \
  src/base/environment.def | sed -E ':a; s/^([^|]*\|[^|]*\| `[^`|]*[^`|\\])\|([^`]*`)/\1\\|\2/; ta'
