#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Configures and builds: scripts/build.sh [FOLDER [CMAKE-OPTION…]]. The options
# are given when the folder is new; later calls only build. ADZE_BUILD_TARGET
# names a target to build instead of all.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-build}
shift || true

if ! command -v cmake >/dev/null; then
  echo "cmake is not installed; \`make deps\` installs what is needed" >&2
  exit 1
fi
if [ ! -f "$folder/CMakeCache.txt" ]; then
  generator=()
  if command -v ninja >/dev/null; then
    generator=(-G Ninja)
  fi
  if ! cmake -S . -B "$folder" "${generator[@]}" \
    -DADZE_WERROR="${ADZE_WERROR:-OFF}" "$@"; then
    rm -f "$folder/CMakeCache.txt"
    exit 1
  fi
fi
cmake --build "$folder" ${ADZE_BUILD_TARGET:+--target "$ADZE_BUILD_TARGET"}
