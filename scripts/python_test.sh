#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a Python test in build/venv; skips (77) where there is none.
root=$(cd "$(dirname "$0")/.." && pwd)
python="$root/build/venv/bin/python"
if [ ! -x "$python" ]; then
  echo "skipped: build/venv is absent (scripts/venv.sh makes it)"
  exit 77
fi
exec "$python" "$@"
